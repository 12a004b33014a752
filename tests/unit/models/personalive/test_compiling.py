"""Compiled passes: the same numbers, and a graph for all that can occur."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import pytest
import torch
from torch import Tensor, fx

from models.personalive.compiling import P, compile_passes, whole
from models.personalive.denoising_unet import Memory, Portraits
from models.personalive.model import PersonaLive
from models.personalive.passes import Passes
from models.personalive.window import Frames
from tests.unit.models.personalive.sessions import build, config, draw_chunk


class CountingCompiler:
    """Compiles to the captured graph as it is, and remembers each."""

    def __init__(self) -> None:
        self.graphs: list[fx.GraphModule] = []

    def __call__(self, function: Callable[P, Tensor], /) -> Callable[P, Tensor]:
        return whole(function, backend=self._keep)

    def _keep(self, graph: fx.GraphModule, _: Sequence[Tensor]) -> Callable[..., object]:
        self.graphs.append(graph)
        return graph.forward


@pytest.fixture
def compiler(monkeypatch: pytest.MonkeyPatch) -> Iterator[CountingCompiler]:
    # Where anybody listens, torch writes down all it does, which takes longer than doing it.
    monkeypatch.setattr(logging.getLogger("torch.__trace"), "handlers", [])
    torch._dynamo.reset()
    yield CountingCompiler()
    torch._dynamo.reset()


def step_after_a_keyframe(model: PersonaLive) -> Callable[[], Tensor]:
    """Return what takes a session's third step, which looks at a keyframe, and gives its pictures."""
    first, second, third = (draw_chunk(model, 1, seed) for seed in range(3))
    state, active = model.init_state(1), torch.ones(1, dtype=torch.bool)
    for chunk in (first, second):
        done, state = model.advance_alike(state, chunk, model.see(chunk), active, 0)
    state = model.remember(state, second.identity, done)
    assert state.keyframes.filled.tolist() == [1]

    def step() -> Tensor:
        left, _ = model.advance_alike(state, third, model.see(third), active, 1)
        return model.decode(left.latents)

    return step


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning", "ignore::FutureWarning")
@torch.inference_mode()
def test_each_pass_is_captured_whole_and_once_and_gives_the_same_pictures(compiler: CountingCompiler) -> None:
    # One layer of each kind is as hard to capture as many, and quicker.
    model = build(replace(config(), unet=replace(config().unet, layers=0, attends=(False,))))
    step = step_after_a_keyframe(model)
    expected = step()

    model.passes = Passes(compiler(model.denoise), compiler(model.codec.decode))
    pictures = [step() for _ in range(2)]

    assert all((found - expected).abs().max() <= 1e-5 * expected.abs().max() for found in pictures)
    assert len(compiler.graphs) == 2


def untouched(
    _: PersonaLive,
    window: Frames,
    constants: Portraits,
    portrait: Memory,
    past: Memory,
    present: Tensor | None,
) -> Tensor:
    """Stand in for the denoiser, which takes long to capture."""
    return window.latents + past[0].keys.sum()


@torch.inference_mode()
def test_every_count_of_keyframes_and_every_width_has_its_graph_though_they_are_many(
    compiler: CountingCompiler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PersonaLive, "denoise", untouched)
    model = build()

    compile_passes(model, 8, compiler, compiler)

    counts, wide = model.config.keyframes.limit + 1, (8, 4, 2, 1)
    assert len(compiler.graphs) == counts * len(wide) + len(wide) > torch._dynamo.config.recompile_limit
