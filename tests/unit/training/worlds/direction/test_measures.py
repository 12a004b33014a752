"""Each concept has a number that tells how much of it is in some motion."""

from __future__ import annotations

import numpy as np
import pytest

from models.lpm.direction import CONCEPTS, Concept
from models.motion import INDEX
from training.worlds.direction.measures import own_measure
from training.worlds.speech.curves import Curve

TIMES_S = np.arange(250) / 25


def motion_with(**numbers: Curve | float) -> Curve:
    motion = np.zeros((len(TIMES_S), len(INDEX)))
    for name, values in numbers.items():
        motion[:, INDEX[name]] = values
    return motion


@pytest.mark.parametrize("concept", CONCEPTS, ids=lambda concept: concept.name)
def test_every_concept_is_measured_in_a_still_face(concept: Concept) -> None:
    assert np.isfinite(own_measure(concept.name, motion_with().astype(np.float32)))


def test_a_nod_is_quick_pitch_and_a_shake_is_quick_yaw() -> None:
    quick, slow = (np.radians(5.0) * np.sin(2 * np.pi * hz * TIMES_S) for hz in (2.0, 0.1))

    assert own_measure("nod", motion_with(headPitch=quick)) == pytest.approx(5.0 / np.sqrt(2), rel=0.1)
    assert own_measure("nod", motion_with(headPitch=slow, headYaw=quick)) < 0.2
    assert own_measure("shake", motion_with(headYaw=quick)) == pytest.approx(5.0 / np.sqrt(2), rel=0.1)


def test_blinks_are_counted_by_the_minute() -> None:
    lids = (TIMES_S % 2.0 > 1.8).astype(np.float64)
    motion = motion_with(eyeBlinkLeft=lids, eyeBlinkRight=lids)

    assert own_measure("blink_often", motion) == pytest.approx(30.0)
    assert own_measure("blink_rarely", motion) == pytest.approx(-30.0)


def test_a_wink_is_the_left_eye_alone() -> None:
    assert own_measure("wink", motion_with(eyeBlinkLeft=1.0)) == 1.0
    assert own_measure("wink", motion_with(eyeBlinkLeft=1.0, eyeBlinkRight=1.0)) == 0.0


def test_eyes_that_hold_the_viewer_while_the_head_turns_do_not_look_away() -> None:
    held = motion_with(headYaw=np.radians(15.0), eyeLookInLeft=0.5, eyeLookOutRight=0.5)

    assert own_measure("gaze_away", held) == pytest.approx(0.0, abs=1e-9)
    assert own_measure("gaze_away", motion_with(headYaw=np.radians(15.0))) == pytest.approx(15.0)


def test_one_sided_looks_are_not_found_in_even_ones() -> None:
    even = motion_with(mouthSmileLeft=0.8, mouthSmileRight=0.8, cheekSquintLeft=0.4, cheekSquintRight=0.4)

    assert own_measure("smirk", even) == pytest.approx(0.0, abs=1e-9)
    assert own_measure("smile", even) > 0.5


def test_an_unknown_concept_has_no_measure() -> None:
    with pytest.raises(KeyError):
        own_measure("jump", motion_with())
