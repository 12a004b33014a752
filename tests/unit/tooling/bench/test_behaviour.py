"""What is read from motion, on motion that is known."""

from __future__ import annotations

import numpy as np
import pytest

from models.motion import FRAME_RATE_HZ, INDEX, NUM_MOTION
from models.rig.arrays import F32
from tests.bench.behaviour import (
    correlation,
    mouth_activity,
    nod_delay,
    nod_energy,
    num_blinks,
    num_frozen,
    opening,
    windowed,
)


def still(seconds: float) -> F32:
    return np.zeros((round(seconds * FRAME_RATE_HZ), NUM_MOTION), np.float32)


def nodding(motion: F32, at: int, degrees: float = 4.0, cycles: int = 2) -> F32:
    """Add a nod of so many cycles of 0.4 s from a frame on, downwards first."""
    frames = np.arange(cycles * 10)
    motion[at : at + len(frames), INDEX["headPitch"]] += (
        np.radians(degrees) * np.sin(np.pi * frames / 10) ** 2
    )
    return motion


def test_a_wide_open_jaw_is_an_opening_of_one() -> None:
    motion = still(1)
    motion[:, INDEX["jawOpen"]] = 1.0

    assert opening(motion) == pytest.approx(1.0)


def test_a_second_of_moving_lips_is_active_and_a_second_of_parted_lips_is_not() -> None:
    motion = still(2)
    motion[:25, INDEX["jawOpen"]] = 0.2 + 0.2 * np.sin(np.arange(25))
    motion[25:, INDEX["jawOpen"]] = 0.4

    moving, parted = mouth_activity(motion)

    assert moving > 0.1
    assert parted == pytest.approx(0.0, abs=1e-6)


def test_nod_energy_lies_where_the_nod_is() -> None:
    energy = nod_energy(nodding(still(8), at=100))

    assert energy[95:125].sum() > 0.95 * energy.sum()


def test_slow_turns_and_tremor_hold_hardly_any_nod_energy() -> None:
    seconds = np.arange(8 * FRAME_RATE_HZ) / FRAME_RATE_HZ
    slow, tremor = still(8), still(8)
    slow[:, INDEX["headPitch"]] = np.radians(4) * np.sin(2 * np.pi * 0.2 * seconds)
    tremor[:, INDEX["headPitch"]] = np.radians(0.5) * np.sin(2 * np.pi * 9 * seconds)

    assert (
        max(nod_energy(slow).mean(), nod_energy(tremor).mean())
        < 0.02 * nod_energy(nodding(still(8), 100)).mean()
    )


def test_a_window_s_mean_begins_at_its_frame() -> None:
    assert windowed(np.array([0.0, 2.0, 4.0, 0.0]), 2).tolist() == [1.0, 3.0, 2.0]


@pytest.mark.parametrize("delay", [0, 8, 20])
def test_a_nod_s_delay_is_counted_to_its_beginning(delay: int) -> None:
    found = nod_delay(nodding(still(6), at=50 + delay), 50)

    assert found == pytest.approx(delay, abs=1)


def test_a_nod_that_began_before_the_event_does_not_answer_it() -> None:
    assert nod_delay(nodding(still(6), at=47, cycles=1), 50) is None


def test_a_nod_that_comes_too_late_does_not_answer_the_event() -> None:
    assert nod_delay(nodding(still(6), at=50 + 45), 50) is None


def test_a_slow_sinking_head_does_not_nod() -> None:
    motion = still(6)
    motion[:, INDEX["headPitch"]] = np.radians(np.linspace(0, 15, len(motion)))

    assert nod_delay(motion, 50) is None


def test_blinks_are_counted_once_each() -> None:
    motion = still(4)
    for at in (10, 40, 80):
        motion[at : at + 5, [INDEX["eyeBlinkLeft"], INDEX["eyeBlinkRight"]]] = 0.9

    assert num_blinks(motion) == 3


def living(seconds: float) -> F32:
    motion, chance = still(seconds), np.random.default_rng(0)
    motion[:, INDEX["headYaw"]] = np.radians(2) * np.sin(np.arange(len(motion)) / 20)
    motion[:, INDEX["eyeLookOutLeft"]] = 0.1 * chance.random(len(motion))
    return motion


def test_a_living_face_does_not_freeze() -> None:
    assert num_frozen(living(20), 8) == 0


@pytest.mark.parametrize("signal", ["headYaw", "eyeLookOutLeft"])
def test_a_face_freezes_when_head_or_eyes_rest_for_the_whole_stretch(signal: str) -> None:
    motion = living(30)
    motion[100 : 100 + 9 * FRAME_RATE_HZ, INDEX[signal]] = 0.01

    assert num_frozen(motion, 8) == FRAME_RATE_HZ + 1
    assert num_frozen(motion, 10) == 0


def test_takes_that_only_differ_in_their_rest_correlate_fully() -> None:
    take = living(4)[:, [INDEX["headYaw"]]]

    assert correlation(take, 2 * take + 0.3) == pytest.approx(1.0)
    assert correlation(take, -take) == pytest.approx(-1.0)


def test_a_take_without_motion_correlates_with_nothing() -> None:
    assert correlation(living(4), still(4)) == 0.0
