"""Rows of PersonaLive that are computed together, beside each of them alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
import torch
from numpy.random import Generator
from torch import Tensor
from torch.utils._pytree import tree_leaves

from models.personalive.compiling import P, compile_passes
from models.personalive.passes import Passes
from services.generation.engine import Coming
from services.generation.personalive import PersonaLiveEngine
from services.generation.personalive_rows import State
from services.generation.scheduler import step_rows
from services.kit.contracts import Chunk, Cue
from tests.unit.services.generation.following import (
    footage,
    frames_of,
    opened,
    seated,
    seated_again,
    with_late_lanes,
)
from tests.unit.services.generation.served import write_weights

ROWS = 4


@dataclass(slots=True, kw_only=True)
class Script:
    """A session: its portrait, its cues, and the step that it begins with."""

    portrait: int
    cues: Sequence[Cue]
    begins: int = 0


@dataclass(slots=True, kw_only=True)
class Played:
    """What came of a session: after every step its row, and what it showed."""

    row: State
    chance: Generator = field(default_factory=lambda: np.random.default_rng(0))
    rows: list[State] = field(default_factory=list)
    answers: list[Coming] = field(default_factory=list)

    @property
    def chunks(self) -> list[Chunk]:
        return [answer.fetch() for answer in self.answers]


class Watching:
    """A compiler that compiles nothing, and remembers what there would have been to compile."""

    def __init__(self) -> None:
        self.shapes: set[tuple[object, ...]] = set()

    def __call__(self, function: Callable[P, Tensor], /) -> Callable[P, Tensor]:
        def watched(*args: P.args, **kwargs: P.kwargs) -> Tensor:
            self.shapes.add(tuple(_shape(leaf) for leaf in tree_leaves(args)))
            return function(*args, **kwargs)

        return watched


def _shape(leaf: object) -> object:
    return (leaf.shape, leaf.stride(), leaf.dtype) if isinstance(leaf, Tensor) else leaf


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> PersonaLiveEngine:
    torch.set_num_threads(1)
    return opened(write_weights(tmp_path_factory.mktemp("weights")))


@pytest.fixture
def together(engine: PersonaLiveEngine) -> PersonaLiveEngine:
    return PersonaLiveEngine(engine.model, engine._embedder, ROWS)


@pytest.fixture(scope="module")
def scripts() -> list[Script]:
    """One ends early, the face of one is lost for a while, one joins late."""
    lost = footage(3, 3)
    lost[1] = replace(lost[1], pictures=(b"",) * 4)
    return [
        Script(portrait=1, cues=footage(1, 3)),
        Script(portrait=2, cues=footage(2, 2, last=2)),
        Script(portrait=3, cues=lost),
        Script(portrait=4, cues=footage(4, 2), begins=1),
    ]


def play(engine: PersonaLiveEngine, scripts: Sequence[Script], slots: int) -> list[Played]:
    """Step sessions as the scheduler does."""
    played = [Played(row=seated(engine, script.portrait)) for script in scripts]
    for step in range(max(script.begins + len(script.cues) for script in scripts)):
        asked = [
            (script.cues[step - script.begins], session)
            for script, session in zip(scripts, played, strict=True)
            if script.begins <= step < script.begins + len(script.cues)
        ]
        noise = [session.chance.standard_normal(engine.noise_shape, np.float32) for _, session in asked]
        rows, cues = [session.row for _, session in asked], [cue for cue, _ in asked]
        results = step_rows(engine, slots, rows, cues, np.stack(noise))
        for (_, session), (answer, row) in zip(asked, results, strict=True):
            session.row = row
            session.rows.append(row)
            session.answers += [answer] if isinstance(answer, Coming) else []
    return played


def test_sessions_in_company_are_those_of_single_runs(
    engine: PersonaLiveEngine, together: PersonaLiveEngine, scripts: Sequence[Script]
) -> None:
    watching = Watching()
    plain = engine.model.passes
    engine.model.passes = Passes(watching(plain.denoise), plain.decode)
    played = play(together, scripts, ROWS)
    engine.model.passes = plain
    assert {shapes[0][0][0] for shapes in watching.shapes} == {1, 2, 4}  # type: ignore[index]  # of a window
    for script, session in zip(scripts, played, strict=True):
        (alone,) = play(engine, [replace(script, begins=0)], 1)
        for (row,), (expected,) in zip(session.rows, alone.rows, strict=True):
            assert row is not None
            assert expected is not None
            assert row.finished is not None
            assert expected.finished is not None
            assert torch.equal(row.finished.choice.chosen, expected.finished.choice.chosen)
            assert len(row.keyframes) == len(expected.keyframes)
            assert_close(row.finished.latents, expected.finished.latents)
            assert_close(row.state.waiting.motions, expected.state.waiting.motions)
        shown, expected_shown = (frames_of(each.chunks).astype(int) for each in (session, alone))
        assert shown.shape == expected_shown.shape
        assert np.abs(shown - expected_shown).max() <= 1


def assert_close(found: Tensor, expected: Tensor) -> None:
    assert (found - expected).abs().max() <= 1e-5 * expected.abs().max()


def test_the_bytes_of_a_row_in_company_are_a_session_of_an_engine_that_steps_alone(
    engine: PersonaLiveEngine, together: PersonaLiveEngine, scripts: Sequence[Script]
) -> None:
    cues = [script.cues[:4] for script in scripts[:2]]
    played = play(together, [Script(portrait=1 + n, cues=given) for n, given in enumerate(cues)], ROWS)
    data = [together.dump(session.row) for session in played]
    alone = play(engine, [Script(portrait=2, cues=cues[1])], 1)[0]
    assert len(data[1]) == len(engine.dump(alone.row))
    assert engine.dump(seated_again(engine, 2, data[1])) == data[1] != data[0]


def test_what_is_shown_together_each_fetches_for_itself_however_late(
    engine: PersonaLiveEngine, together: PersonaLiveEngine, scripts: Sequence[Script]
) -> None:
    late = with_late_lanes(engine, ROWS)
    expected, delayed = (play(each, scripts[:2], 2) for each in (together, late))
    for session, other in zip(reversed(delayed), reversed(expected), strict=True):
        backwards = [answer.fetch() for answer in reversed(session.answers)]
        assert np.array_equal(frames_of(backwards[::-1]), frames_of(other.chunks))


def test_what_steps_call_is_compiled_before_and_nothing_else_is(
    engine: PersonaLiveEngine, together: PersonaLiveEngine
) -> None:
    denoise, decode, plain = Watching(), Watching(), engine.model.passes
    with torch.inference_mode():
        compile_passes(engine.model, ROWS, denoise, decode)
    before = [frozenset(each.shapes) for each in (denoise, decode)]
    assert [len(shapes) for shapes in before] == [3 * 3, 3]
    brief = Script(portrait=1, cues=footage(1, 1))
    for sessions in (4, 3):
        play(together, [brief] * sessions, ROWS)
    engine.model.passes = plain
    assert [frozenset(each.shapes) for each in (denoise, decode)] == before


def test_as_many_rows_are_told_as_are_computed_together(
    engine: PersonaLiveEngine, together: PersonaLiveEngine
) -> None:
    assert (engine.max_rows, together.max_rows) == (1, ROWS)
    together.warm_up()
