"""PersonaLive beside the six facts of streaming models."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from models.personalive.config import PersonaLiveConfig, leaving_early
from models.personalive.model import PersonaLive, PersonaLiveChunk, PersonaLiveState
from models.personalive.rows import joined
from tests.unit.models.personalive.sessions import build, config, draw_chunk, embedder, portraits

SLOTS = 2
STEPS = 4


@pytest.fixture(scope="module")
def model() -> PersonaLive:
    return build()


def active() -> Tensor:
    return torch.ones(SLOTS, dtype=torch.bool)


def chunks(model: PersonaLive) -> list[PersonaLiveChunk]:
    return [draw_chunk(model, SLOTS, seed) for seed in range(STEPS)]


def after_steps(model: PersonaLive) -> PersonaLiveState:
    state = model.init_state(SLOTS)
    for chunk in chunks(model):
        _, state = model.step(state, chunk, active())
    return state


def test_keyframes_join_up_to_their_limit_and_no_further(model: PersonaLive) -> None:
    assert after_steps(model).keyframes.filled.tolist() == [model.config.keyframes.limit] * SLOTS


def test_reset_leaves_nothing_of_a_session(model: PersonaLive) -> None:
    state = model.reset(after_steps(model), active())
    fresh = model.init_state(SLOTS)
    parts = (*state.waiting, *state.driver, *state.seen)
    expected = (*fresh.waiting, *fresh.driver, *fresh.seen)
    assert all(torch.equal(one, other) for one, other in zip(parts, expected, strict=True))
    assert not state.keyframes.filled.any()
    assert not any(keys.any() or values.any() for keys, values in state.keyframes.memory)


def test_looking_at_keyframes_that_there_are_equals_looking_at_all_slots(model: PersonaLive) -> None:
    state, by_step = model.init_state(SLOTS), model.init_state(SLOTS)
    for chunk in chunks(model):
        frames, by_step = model.step(by_step, chunk, active())
        done, state = model.advance(state, chunk, active(), int(state.keyframes.filled.max()))
        if done.choice.chosen.any():
            state = model.remember(state, chunk.identity, done)
        torch.testing.assert_close(model.decode(done.latents), frames, atol=1e-5, rtol=0)


def test_a_driver_that_is_never_seen_leaves_the_portrait_at_rest(model: PersonaLive) -> None:
    state = model.init_state(SLOTS)
    for chunk in chunks(model):
        unseen = chunk._replace(has_face=torch.zeros_like(chunk.has_face))
        frames, state = model.step(state, unseen, active())
        assert frames.isfinite().all()
    portrait_motion = chunk.identity.portrait.motion[:, None]
    assert torch.equal(state.waiting.motions, portrait_motion.expand_as(state.waiting.motions))


def test_portraits_prepared_apart_are_those_prepared_together(model: PersonaLive) -> None:
    pictures, embed = portraits(model, SLOTS), embedder(model)
    identity = joined([model.prepare(picture[None], embed) for picture in pictures])
    chunk = draw_chunk(model, SLOTS, 0)
    together, _ = model.step(model.init_state(SLOTS), chunk, active())
    apart, _ = model.step(model.init_state(SLOTS), chunk._replace(identity=identity), active())
    torch.testing.assert_close(apart, together, atol=1e-5, rtol=0)


def test_a_portrait_of_another_size_is_refused(model: PersonaLive) -> None:
    with pytest.raises(ValueError, match=r"a portrait of \[16, 16, 3\], expected \[32, 32, 3\]"):
        model.prepare(torch.zeros(1, 16, 16, 3, dtype=torch.uint8), embedder(model))


@pytest.mark.parametrize(("given", "chunks_late"), [(config(), 3), (leaving_early(config()), 2)])
def test_a_frame_leaves_as_many_chunks_late_as_levels_lie_above_its_last(
    given: PersonaLiveConfig, chunks_late: int
) -> None:
    model = build(given)
    state, stepped = model.init_state(1), 0
    chunk, alone = draw_chunk(model, 1, 0), torch.ones(1, dtype=torch.bool)
    _, state = model.step(state, chunk, alone)
    newest = state.waiting.motions[:, -1]
    while (state.waiting.motions == newest[:, None]).flatten(2).all(dim=2).any():
        frames, state = model.step(state, draw_chunk(model, 1, 1 + stepped), alone)
        stepped += 1
    assert stepped == chunks_late
    assert frames.isfinite().all()
