"""The six facts that hold for every streaming model. A new model adds one line to MODELS."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from models.lpm.conditions import Inputs
from models.lpm.config import tiny
from models.lpm.model import Lpm, LpmChunk, inputs_of
from models.lpm.online import OnlineLpm, Schedule
from models.personalive.model import PersonaLive
from models.streaming.model import StreamingModel
from tests.unit.models.lpm.drawing import draw_chunk
from tests.unit.models.personalive import sessions

SLOTS = 3
STEPS = 7
TOLERANCE = 2e-5

# State, input and output differ from model to model; here they are only passed on and compared.
AnyModel = StreamingModel[Any, Any, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A model's smallest variant, its inputs, and its slow and obvious twin over a whole sequence."""

    name: str
    build: Callable[[], AnyModel]
    draw: Callable[[Any, int, int], Any]  # model, slots, seed -> chunk
    whole: Callable[[Any, Sequence[Any]], Tensor]


def build_lpm(seed: int = 0) -> Lpm:
    torch.manual_seed(seed)
    lpm = Lpm(tiny()).eval().requires_grad_(requires_grad=False)
    for parameter in lpm.parameters():
        if not parameter.any():
            nn.init.normal_(parameter, std=0.2)
    return lpm


def draw_lpm(lpm: Lpm, slots: int, seed: int) -> LpmChunk:
    return draw_chunk(lpm.config, slots, seed)


def whole_lpm(lpm: Lpm, chunks: Sequence[LpmChunk]) -> Tensor:
    """Sample by running the training network over the whole past again for every estimate, no cache."""
    config, network = lpm.config, lpm.network
    width = config.cache.chunk
    noise = torch.cat([chunk.noise for chunk in chunks], dim=1) * lpm.temperature
    inputs = inputs_of_all(chunks, config.chunk_mels)
    conditions = network.encode(inputs)
    asks = inputs.concepts.any(dim=-1).repeat_interleave(width, dim=1)[..., None]
    motion = lpm.denormalise(torch.zeros_like(noise))
    for n in range(len(chunks)):
        known = torch.arange(len(chunks)).expand_as(inputs.known) != n
        unknown = network.encode(inputs._replace(known=known))
        here = slice(n * width, (n + 1) * width)
        noisy, settled = noise.clone(), torch.zeros_like(noise)
        for index, level in enumerate(config.sampler.levels):
            levels = torch.full((noise.shape[0], len(chunks)), level)
            clean = network.sequence(lpm.normalise(motion), noisy, levels, conditions)
            if index < config.sampler.guided_levels:
                untold = network.sequence(lpm.normalise(motion), noisy, levels, unknown)
                led = (config.sampler.direction_guidance - 1) * (clean - untold)
                bound = config.sampler.guidance_bound
                clean = torch.where(asks & ~lpm.mouth, clean + led.clamp(-bound, bound), clean)
            if index >= config.sampler.mouth_levels:
                clean[..., lpm.mouth] = settled[..., lpm.mouth]
            settled = clean
            noisy[:, here] = clean[:, here] + config.sampler.after(index) / level * (noisy - clean)[:, here]
        motion[:, here] = lpm.denormalise(clean)[:, here] * lpm.homing
    return motion


def build_online() -> OnlineLpm:
    return OnlineLpm(build_lpm(0), build_lpm(1), Schedule()).eval()


def draw_online(online: OnlineLpm, slots: int, seed: int) -> LpmChunk:
    return draw_chunk(online.config, slots, seed)


def whole_online(online: OnlineLpm, chunks: Sequence[LpmChunk]) -> Tensor:
    """Run the training networks over the whole noisy and the whole clean past for every estimate."""
    backbone, refiner, (first, last) = online.backbone, online.refiner, online.schedule.levels
    width = online.config.cache.chunk
    inputs = inputs_of_all(chunks, online.config.chunk_mels)
    by_backbone, by_refiner = backbone.network.encode(inputs), refiner.network.encode(inputs)
    noise = torch.cat([chunk.noise for chunk in chunks], dim=1) * backbone.temperature
    noisy = torch.zeros_like(noise)
    motion = refiner.denormalise(torch.zeros_like(noise))
    levels = torch.ones(noise.shape[0], len(chunks))
    for n in range(len(chunks)):
        here = slice(n * width, (n + 1) * width)
        _, first_estimate = backbone.network.copies(noisy, noise, last * levels, first * levels, by_backbone)
        noisy[:, here] = online.lower(0, first_estimate, noise)[:, here]
        _, drafted = backbone.network.copies(noisy, noisy, last * levels, last * levels, by_backbone)
        drafted = online.settle(1, first_estimate, drafted)
        handed = online.lower(1, drafted, noisy)
        past, level = refiner.normalise(motion), online.schedule.handover * levels
        refined = online.settle(2, drafted, refiner.network.sequence(past, handed, level, by_refiner))
        motion[:, here] = online.finish(refined[:, here])
    return motion


def inputs_of_all(chunks: Sequence[LpmChunk], hop: int) -> Inputs:
    """The conditions of a whole stream, from those of its chunks."""
    columns = [inputs_of(chunk) for chunk in chunks]
    sound = {
        name: _overlapped([getattr(column, name) for column in columns], hop) for name in ("speak", "listen")
    }
    others = {
        name: torch.cat([getattr(column, name) for column in columns], dim=1)
        for name in Inputs._fields
        if name not in sound
    }
    return Inputs(**sound, **others)


def _overlapped(windows: Sequence[Tensor], hop: int) -> Tensor:
    return torch.cat([*(window[:, :hop] for window in windows[:-1]), windows[-1]], dim=1)


def consistent(chunks: Sequence[LpmChunk], hop: int) -> list[LpmChunk]:
    """Make the windows overlap as those of one stream do."""
    return [
        chunk._replace(
            speak=_cut([chunk.speak for chunk in chunks], n * hop),
            listen=_cut([chunk.listen for chunk in chunks], n * hop),
        )
        for n, chunk in enumerate(chunks)
    ]


def _cut(windows: Sequence[Tensor], start: int) -> Tensor:
    return torch.cat(list(windows), dim=1)[:, start : start + windows[0].shape[1]]


def draw_stream(case: Case, model: AnyModel, *, slots: int = SLOTS, seed: int = 1) -> list[Any]:
    chunks = [case.draw(model, slots, seed * 100 + n) for n in range(STEPS)]
    if isinstance(model, PersonaLive):
        return sessions.with_losses(chunks)
    return consistent(chunks, model.config.chunk_mels) if isinstance(model, Lpm | OnlineLpm) else chunks


def build_personalive() -> PersonaLive:
    return sessions.build()


MODELS = [
    Case(name="lpm", build=build_lpm, draw=draw_lpm, whole=whole_lpm),
    Case(name="online lpm", build=build_online, draw=draw_online, whole=whole_online),
    Case(name="personalive", build=build_personalive, draw=sessions.draw_chunk, whole=sessions.whole),
]


@pytest.fixture(params=MODELS, ids=lambda case: str(case.name))
def case(request: pytest.FixtureRequest) -> Case:
    assert isinstance(request.param, Case)
    return request.param


def all_active(slots: int = SLOTS) -> Tensor:
    return torch.ones(slots, dtype=torch.bool)


def run(model: AnyModel, chunks: Sequence[Any], slots: int = SLOTS) -> Tensor:
    state, outputs = model.init_state(slots), []
    for chunk in chunks:
        output, state = model.step(state, chunk, all_active(slots))
        outputs.append(output)
    return torch.cat(outputs, dim=1)


def map_rows(value: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """Apply `change` to every tensor of nested tuples, named or not."""
    if isinstance(value, Tensor):
        return change(value)
    parts = tuple(map_rows(part, change) for part in value)
    return parts if type(value) is tuple else type(value)(*parts)


def leaves(value: Any) -> list[Tensor]:
    return [value] if isinstance(value, Tensor) else [leaf for part in value for leaf in leaves(part)]


def assert_close(actual: Any, expected: Any) -> None:
    for one, other in zip(leaves(actual), leaves(expected), strict=True):
        torch.testing.assert_close(one, other, atol=TOLERANCE, rtol=TOLERANCE)


def test_many_small_steps_equal_the_whole_sequence(case: Case) -> None:
    model = case.build()
    chunks = draw_stream(case, model)
    assert_close(run(model, chunks), case.whole(model, chunks))


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning", "ignore::FutureWarning")
def test_the_traced_step_equals_the_eager_one(case: Case) -> None:
    """aot_eager proves one graph with no break and no data-dependent branch, without a C++ compiler."""
    model = case.build()
    chunk = case.draw(model, SLOTS, 5)
    compiled = torch.compile(model.step, backend="aot_eager", fullgraph=True)
    assert_close(
        compiled(model.init_state(SLOTS), chunk, all_active()),
        model.step(model.init_state(SLOTS), chunk, all_active()),
    )


def test_a_session_does_not_depend_on_its_neighbours(case: Case) -> None:
    model = case.build()
    chunks = draw_stream(case, model)
    alone = [map_rows(chunk, lambda tensor: tensor[1:2]) for chunk in chunks]
    assert_close(run(model, chunks)[1:2], run(model, alone, slots=1))


def test_an_inactive_slot_keeps_its_state(case: Case) -> None:
    model = case.build()
    chunks = draw_stream(case, model)
    active = torch.tensor([True, False, True])
    _, before = model.step(model.init_state(SLOTS), chunks[0], all_active())
    kept = map_rows(before, lambda tensor: tensor[1:2].clone())
    _, after = model.step(before, chunks[1], active)
    assert_close(map_rows(after, lambda tensor: tensor[1:2]), kept)


def test_a_reset_slot_equals_a_fresh_one(case: Case) -> None:
    model = case.build()
    state = model.init_state(SLOTS)
    for chunk in draw_stream(case, model):
        _, state = model.step(state, chunk, all_active())
    state = model.reset(state, torch.tensor([False, True, False]))
    chunk = case.draw(model, SLOTS, 9)
    reset, _ = model.step(state, chunk, all_active())
    fresh, _ = model.step(model.init_state(SLOTS), chunk, all_active())
    assert_close(reset[1], fresh[1])


def test_nothing_reads_a_consumed_state(case: Case) -> None:
    model = case.build()
    chunks = draw_stream(case, model)
    state, outputs = model.init_state(SLOTS), []
    for chunk in chunks:
        output, following = model.step(state, chunk, all_active())
        outputs.append(output.clone())
        spoilt = {leaf.data_ptr() for leaf in leaves(state)} - {leaf.data_ptr() for leaf in leaves(following)}
        for leaf in leaves(state):
            if leaf.data_ptr() in spoilt:
                leaf.fill_(float("nan") if leaf.is_floating_point() else -1)
        state = following
    assert_close(torch.cat(outputs, dim=1), run(model, chunks))
