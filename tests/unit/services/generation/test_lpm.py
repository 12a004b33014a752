from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch

from models.lpm.config import tiny
from models.lpm.model import Lpm
from models.lpm.online import OnlineLpm, Schedule
from models.motion import INDEX, NUM_BLENDSHAPES, NUM_MOTION
from services.encoding.streams import StreamsEncoder
from services.generation.engine import perform
from services.generation.lpm import LpmEngine, LpmRows
from services.kit.contracts import CHUNK_SAMPLES, Cue, FloatArray, Motion, MotionIntensity, Segment


def _network(seed: int) -> Lpm:
    torch.manual_seed(seed)
    model = Lpm(tiny())
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return model


def _single() -> LpmEngine:
    return LpmEngine(_network(0))


def _online() -> LpmEngine:
    return LpmEngine(OnlineLpm(_network(1), _network(2), Schedule()))


@pytest.fixture(scope="module", params=[_single, _online])
def engine(request: pytest.FixtureRequest) -> LpmEngine:
    torch.set_num_threads(1)
    build: Callable[[], LpmEngine] = request.param
    return build()


# Sessions of every kind share a batch: by their number, they speak, listen, do both or are only directed.
CONDITIONS: list[Callable[[Cue], Cue]] = [
    lambda cue: replace(cue, listen=None),
    lambda cue: replace(cue, speak=None),
    lambda cue: replace(cue, speak=None, listen=None, directions=("nod",)),
    lambda cue: replace(cue, directions=("smile", "look very sad")),
]


def _cues(engine: LpmEngine, num_frames: tuple[int, ...] = (5, 5, 3)) -> Iterator[Cue]:
    chance = np.random.default_rng(1)
    shape = (engine.config.window_mels, engine.config.logmel.channels)
    for sequence, count in enumerate(num_frames):
        speak = chance.normal(size=shape).astype(np.float32)
        yield Cue(sequence=sequence, speak=speak, num_frames=count)


def _take(engine: LpmEngine, seed: int) -> FloatArray:
    return np.concatenate([motion.frames for motion in _perform(engine, seed)])


def _perform(engine: LpmEngine, seed: int) -> list[Motion]:
    answers = perform(engine, engine.init_state(1), _cues(engine), seed)
    return [answer for answer in answers if isinstance(answer, Motion)]


def test_every_cue_is_answered_with_its_frames(engine: LpmEngine) -> None:
    motions = _perform(engine, 0)
    assert [motion.frames.shape for motion in motions] == [(5, NUM_MOTION), (5, NUM_MOTION), (3, NUM_MOTION)]
    assert [motion.sequence for motion in motions] == [0, 1, 2]


def test_a_seed_repeats_its_take(engine: LpmEngine) -> None:
    assert np.array_equal(_take(engine, 7), _take(engine, 7))


def test_another_seed_gives_another_take(engine: LpmEngine) -> None:
    assert not np.array_equal(_take(engine, 7), _take(engine, 8))


def test_a_row_without_a_cue_is_not_answered_and_keeps_its_state(engine: LpmEngine) -> None:
    cue, second, _ = _cues(engine)
    noise = np.zeros((2, *engine.noise_shape), np.float32)
    (kept, absent), state = engine.step(engine.init_state(2), (cue, None), noise)
    (_, late), _ = engine.step(state, (second, cue), noise)
    assert absent is None
    assert kept is not None
    assert late is not None
    assert np.allclose(late.frames, kept.frames, atol=1e-5)


def test_a_reset_row_starts_afresh(engine: LpmEngine) -> None:
    cue, second, _ = _cues(engine)
    noise = np.zeros((1, *engine.noise_shape), np.float32)
    (fresh,), state = engine.step(engine.init_state(1), (second,), noise)
    _, state = engine.step(state, (cue,), noise)
    (again,), _ = engine.step(engine.reset(state, np.array([True])), (second,), noise)
    assert fresh is not None
    assert again is not None
    assert np.allclose(fresh.frames, again.frames, atol=1e-5)


def _answer(engine: LpmEngine, cue: Cue) -> FloatArray:
    noise = np.zeros((1, *engine.noise_shape), np.float32)
    (motion,), _ = engine.step(engine.init_state(1), (cue,), noise)
    assert motion is not None
    return motion.frames


def _duplex(engine: LpmEngine, seed: int = 1) -> Cue:
    chance = np.random.default_rng(seed)
    speak, listen = (
        chance.normal(size=shape).astype(np.float32) for shape in (engine.speak_shape, engine.listen_shape)
    )
    return Cue(sequence=0, num_frames=5, speak=speak, listen=listen)


def test_each_stream_moves_the_face_and_so_does_its_absence(engine: LpmEngine) -> None:
    cue, other = _duplex(engine), _duplex(engine, 2)
    silence = (np.zeros(engine.speak_shape, np.float32), np.zeros(engine.listen_shape, np.float32))
    cues = [
        cue,
        replace(cue, speak=other.speak),
        replace(cue, listen=other.listen),
        replace(cue, speak=None),
        replace(cue, listen=None),
        replace(cue, speak=silence[0]),
        replace(cue, listen=silence[1]),
        Cue(sequence=0, num_frames=5),
    ]
    answers = [_answer(engine, each) for each in cues]
    for n, answer in enumerate(answers):
        assert not any(np.array_equal(answer, earlier) for earlier in answers[:n])


def test_directions_are_read_together_and_unknown_words_change_nothing(engine: LpmEngine) -> None:
    cue = _duplex(engine)
    plain = _answer(engine, cue)
    directed = _answer(engine, replace(cue, directions=("nod", "smile warmly")))
    assert not np.array_equal(plain, directed)
    for same in [("smile warmly, nod",), ("smile warmly", "nod"), ("nod", "smile warmly", "flurb the grunk")]:
        assert np.array_equal(_answer(engine, replace(cue, directions=same)), directed)
    assert np.array_equal(_answer(engine, replace(cue, directions=("flurb the grunk",))), plain)


def test_intensity_does_not_reach_from_one_direction_into_another(engine: LpmEngine) -> None:
    cue = _duplex(engine)
    apart = _answer(engine, replace(cue, directions=("be very", "smile")))
    assert np.array_equal(apart, _answer(engine, replace(cue, directions=("smile",))))


def test_the_usual_motion_intensity_changes_no_bit(engine: LpmEngine) -> None:
    cue = _duplex(engine)

    assert np.array_equal(_answer(engine, replace(cue, intensity=MotionIntensity())), _answer(engine, cue))


def test_motion_intensity_of_the_body_moves_the_head_alone(engine: LpmEngine) -> None:
    cue = _duplex(engine)
    plain = _answer(engine, cue)
    still, lively = (_answer(engine, replace(cue, intensity=MotionIntensity(body=x))) for x in (0.0, 1.0))

    for answer in (still, lively):
        assert np.array_equal(answer[:, :NUM_BLENDSHAPES], plain[:, :NUM_BLENDSHAPES])
    head, moved = np.abs(plain[:, NUM_BLENDSHAPES:]), np.abs(lively[:, NUM_BLENDSHAPES:])
    np.testing.assert_allclose(np.abs(still[:, NUM_BLENDSHAPES:]), 0.1 * head, rtol=1e-5)
    assert (moved >= head).all()
    assert (moved > head).any()


def test_motion_intensity_of_the_face_leaves_jaw_lids_gaze_and_head(engine: LpmEngine) -> None:
    cue = _duplex(engine)
    plain = _answer(engine, cue)
    lively = _answer(engine, replace(cue, intensity=MotionIntensity(face=1.0)))

    changed = {
        name for name, column in INDEX.items() if not np.array_equal(plain[:, column], lively[:, column])
    }
    assert changed
    assert not [
        name for name in changed if name.startswith(("jaw", "eyeBlink", "eyeLook", "head", "mouthClose"))
    ]


@pytest.mark.parametrize("direction", ["calm", "lively", "very sad", "happy"])
def test_a_direction_wins_over_motion_intensity(engine: LpmEngine, direction: str) -> None:
    cue = replace(_duplex(engine), directions=(direction,))
    intense = replace(cue, intensity=MotionIntensity(face=0.0, body=1.0))
    noise = np.zeros((1, *engine.noise_shape), np.float32)
    takes = []
    for each in (cue, intense):
        _, state = engine.step(engine.init_state(1), (each,), noise)
        (motion,), _ = engine.step(state, (each,), noise)
        assert motion is not None
        takes.append(motion.frames)

    assert np.array_equal(takes[0], takes[1])


@pytest.mark.parametrize("level_db", [-20.0, -40.0])
def test_loudness_is_that_of_the_chunk_itself(engine: LpmEngine, level_db: float) -> None:
    noise = np.random.default_rng(0).normal(0, 10 ** (level_db / 20), CHUNK_SAMPLES).astype(np.float32)
    quiet = np.zeros(CHUNK_SAMPLES, np.float32)
    encoder = StreamsEncoder(engine.config)
    chunks = [(quiet, noise), (noise, quiet), (None, None)]
    cues = [
        cue
        for n, (speech, listen) in enumerate(chunks)
        for cue in encoder.push(Segment(sequence=n, is_final=n == 2, speech=speech, listen=listen))
    ]
    levels = [engine.loudness(cue) for cue in cues]
    assert levels[2] == (None, None)
    for sounding in (levels[0][1], levels[1][0]):
        assert sounding is not None
        assert sounding.full_scale_db == pytest.approx(level_db, abs=3.0)
        assert sounding.relative_db > -18
    for still in (levels[0][0], levels[1][1]):
        assert still is not None
        assert still.full_scale_db < -55
        assert still.relative_db < -18


def _rows(engine: LpmEngine, names: list[int | None], kept: dict[int, LpmRows]) -> dict[int, FloatArray]:
    """Step the sessions `names` in one batch of four; None is an idle row. `kept` holds their states."""
    chance = {name: np.random.default_rng([name, len(kept)]) for name in names if name is not None}
    noise = {name: chance[name].standard_normal(engine.noise_shape, np.float32) for name in chance}
    cues = [None if n is None else CONDITIONS[n % 4](_duplex(engine, n)) for n in names]
    states = [engine.init_state(1) if n is None else kept.get(n, engine.init_state(1)) for n in names]
    absent = np.zeros(engine.noise_shape, np.float32)
    stacked = np.stack([absent if n is None else noise[n] for n in names])
    motions, state = engine.step(engine.join(states), cues, stacked)
    rows = engine.split(state)
    kept.update({n: row for n, row in zip(names, rows, strict=True) if n is not None})
    return {n: m.frames for n, m in zip(names, motions, strict=True) if n is not None and m is not None}


@pytest.mark.parametrize(
    "names", [[7, None, None, None], [None, 1, 7, 2], [3, 4, 5, 7], [None, None, None, 7]]
)
def test_in_a_batch_of_one_width_neither_place_nor_neighbours_change_a_bit(
    engine: LpmEngine, names: list[int | None]
) -> None:
    reference: dict[int, LpmRows] = {7: engine.init_state(1)}
    expected = _rows(engine, [None, 7, None, None], reference)[7]
    kept: dict[int, LpmRows] = {7: engine.init_state(1)}
    assert np.array_equal(_rows(engine, names, kept)[7], expected)
    assert engine.dump(kept[7]) == engine.dump(reference[7])


@pytest.mark.parametrize("name", [0, 1, 2])
def test_a_stream_that_nobody_has_changes_no_bit_of_those_who_lack_it(engine: LpmEngine, name: int) -> None:
    alone: dict[int, LpmRows] = {}
    among: dict[int, LpmRows] = {}
    _rows(engine, [name, None, None, None], alone)
    _rows(engine, [name, None, None, 7], among)
    assert engine.dump(alone[name]) == engine.dump(among[name])


def test_a_row_that_was_kept_as_bytes_goes_on_as_if_it_had_stayed(engine: LpmEngine) -> None:
    cue, second, _ = (replace(each, intensity=MotionIntensity(body=1.0)) for each in _cues(engine))
    noise = np.zeros((1, *engine.noise_shape), np.float32)
    _, state = engine.step(engine.init_state(1), (replace(cue, directions=("nod",)),), noise)
    revived = engine.load(engine.dump(state))
    (stayed,), _ = engine.step(state, (second,), noise)
    (went_on,), _ = engine.step(revived, (second,), noise)
    assert stayed is not None
    assert went_on is not None
    assert np.array_equal(stayed.frames, went_on.frames)


@pytest.mark.parametrize(("one", "other"), [(_single, _online), (_online, _single)])
def test_the_bytes_of_the_other_kind_of_engine_are_refused(
    one: Callable[[], LpmEngine], other: Callable[[], LpmEngine]
) -> None:
    kept = other().dump(other().init_state(1))
    with pytest.raises(ValueError, match="not the state of such an LPM"):
        one().load(kept)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"speak": np.zeros((3, 1), np.float32)}, r"speaks \(3, 1\)"),
        ({"listen": np.zeros((3, 1), np.float32)}, r"listens to \(3, 1\)"),
        ({"motion": np.full((5, NUM_MOTION), 1e9, np.float32)}, r"moves by 1e\+09, expected at most 10"),
        ({"pictures": (b"a",)}, "shows 1 pictures"),
    ],
)
def test_a_cue_that_it_cannot_answer_is_refused(
    engine: LpmEngine, change: dict[str, object], found: str
) -> None:
    cue = Cue(sequence=0, num_frames=5, **change)  # type: ignore[arg-type]  # fields of a cue
    with pytest.raises(ValueError, match=found):
        engine.check(cue)
