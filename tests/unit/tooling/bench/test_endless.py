"""The measures of long sessions and of takes, and the streams they are made from."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch

from models.lpm.config import tiny
from models.lpm.model import Lpm
from models.motion import FRAME_RATE_HZ, INDEX, NUM_MOTION
from models.rig.arrays import F32
from services.kit.contracts import CHUNK_SAMPLES
from tests.bench.diversity import takes_correlations
from tests.bench.endless import changes, live
from tests.bench.streams import Scene, make_scene, perform, swapped, takes, without_listening
from tests.unit.tooling.bench.sounds import spoken


@pytest.fixture(scope="module")
def lpm() -> Lpm:
    """An untrained model whose motion depends on all it is given."""
    torch.manual_seed(0)
    lpm = Lpm(tiny()).eval().requires_grad_(requires_grad=False)
    for parameter in lpm.network.parameters():
        parameter.add_(0.1 * torch.randn_like(parameter))
    return lpm


def conversation(seconds: float) -> Scene:
    return make_scene(spoken((0.0, 0.6), seconds=seconds), spoken((1.0, seconds), seconds=seconds))


def face(seconds: float = 20.0) -> F32:
    motion = np.zeros((round(seconds * FRAME_RATE_HZ), NUM_MOTION), np.float32)
    clock = np.arange(len(motion))
    motion[:, INDEX["jawOpen"]] = 0.2 + 0.2 * np.sin(clock / 2)
    for name, period in {"headPitch": 9, "headYaw": 15, "headRoll": 21}.items():
        motion[:, INDEX[name]] = 0.05 * np.sin(clock / period)
    for side in ("Left", "Right"):
        motion[clock % 60 < 4, INDEX["eyeBlink" + side]] = 1.0
    return motion


def test_equal_stretches_have_not_changed() -> None:
    assert max(changes(face(), face()).values()) == 0.0


@pytest.mark.parametrize(
    ("name", "signal", "scale", "shift"),
    [
        ("opening_mean", "jawOpen", 1.0, 0.04),
        ("opening_std", "jawOpen", 0.8, 0.0),
        ("headYaw_std", "headYaw", 1.2, 0.0),
        ("headPitch_mean", "headPitch", 1.0, 0.0071),
    ],
)
def test_a_signal_that_drifted_by_a_fifth_has_changed_by_it(
    name: str, signal: str, scale: float, shift: float
) -> None:
    late = face()
    late[:, INDEX[signal]] = scale * late[:, INDEX[signal]] + shift

    assert changes(face(), late)[name] == pytest.approx(0.2, abs=0.03)


def test_lids_that_rest_have_changed_fully() -> None:
    late = face()
    late[:, [INDEX["eyeBlinkLeft"], INDEX["eyeBlinkRight"]]] = 0.0

    assert changes(face(), late)["blinks"] == 1.0


def test_a_long_session_begins_and_ends_with_the_same_conversation(lpm: Lpm) -> None:
    pieces = [*conversation(2.0).pieces()]
    session = live(lpm, pieces, 40)
    first, last = session.motion[:50], session.motion[-50:]

    assert session.motion.shape == (200, NUM_MOTION)
    assert np.isfinite(session.motion).all()
    assert np.isfinite(session.step_cpu_s).all()
    assert not np.array_equal(first, last)
    np.testing.assert_array_equal(first, takes(lpm, conversation(2.0), [1])[0])


def test_takes_of_other_heads_and_equal_mouths_are_told_apart() -> None:
    one, other = face(), face()
    other[:, INDEX["headPitch"] : INDEX["headRoll"] + 1] *= -1

    head, mouth = takes_correlations(np.stack([one, other]))

    assert head == pytest.approx(-1.0)
    assert mouth == pytest.approx(1.0)


def test_a_track_that_ends_early_is_absent_from_there() -> None:
    scene = make_scene(np.ones(CHUNK_SAMPLES + 1, np.float32), np.ones(3 * CHUNK_SAMPLES, np.float32))

    assert scene.speaks.tolist() == [True, True, False]
    assert scene.listens.tolist() == [True, True, True]
    assert not make_scene(None, scene.listen).speaks.any()


def test_a_row_does_not_depend_on_the_rows_beside_it(lpm: Lpm) -> None:
    scene = conversation(1.0)
    others = [scene, swapped(scene), without_listening(scene)]

    together = perform(lpm, others, [3, 4, 5])

    for row, (other, seed) in zip(together, zip(others, (3, 4, 5), strict=True), strict=True):
        np.testing.assert_allclose(row, perform(lpm, [other], [seed])[0], atol=1e-5)
    assert all(not np.allclose(a, b) for a, b in pairwise(together))
