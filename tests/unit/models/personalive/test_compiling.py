"""Compiled passes: the same numbers, and nothing to compile once a session is under way."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

import pytest
import torch
from torch import Tensor, fx

from models.personalive.compiling import P, compile_passes
from models.personalive.keyframes import KeyframeConfig
from models.personalive.model import PersonaLive, PersonaLiveState
from tests.unit.models.personalive.sessions import build, config, draw_chunk

STEPS = 4
KEYFRAMES = KeyframeConfig(threshold=0.5, first_call=1, limit=1, remembered=1)


class CountingCompiler:
    """Compiles to the captured graph as it is, and remembers each."""

    def __init__(self) -> None:
        self.graphs: list[fx.GraphModule] = []

    def __call__(self, function: Callable[P, Tensor], /) -> Callable[P, Tensor]:
        whole = partial(torch.compile, backend=self._keep, fullgraph=True, dynamic=False)
        compiled: Callable[P, Tensor] = whole(function)
        return compiled

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


def run(model: PersonaLive) -> tuple[Tensor, PersonaLiveState]:
    """Run one session until it has all its keyframes, and one step more."""
    state, active, shown, keyframes = model.init_state(1), torch.ones(1, dtype=torch.bool), [], 0
    for seed in range(STEPS):
        chunk = draw_chunk(model, 1, seed)
        done, state = model.advance_alike(state, chunk, model.see(chunk), active, keyframes)
        shown.append(model.decode(done.latents))
        if done.choice.chosen.any():
            state, keyframes = model.remember(state, chunk.identity, done), keyframes + 1
    return torch.cat(shown, dim=1), state


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning", "ignore::FutureWarning")
@torch.inference_mode()
def test_compiled_passes_give_the_same_pictures_and_are_compiled_once_for_each_count_of_keyframes(
    compiler: CountingCompiler,
) -> None:
    model = build(replace(config(), keyframes=KEYFRAMES))
    limit = model.config.keyframes.limit
    expected, state = run(model)
    assert int(state.keyframes.filled) == limit

    compile_passes(model, compiler, compiler)
    before = len(compiler.graphs)
    pictures, _ = run(model)

    assert (pictures - expected).abs().max() <= 1e-5 * expected.abs().max()
    assert before == len(compiler.graphs) == limit + 2
