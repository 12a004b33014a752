"""Figures read what they claim to from motion."""

from __future__ import annotations

import numpy as np
import pytest

from models.motion import CHUNK_FRAMES, INDEX, NUM_MOTION
from training.lpm_motion.data import FloatArray
from training.lpm_online.figures import Turns, false_lips, jerk, nod_ratio, seam

FRAMES = 200


def still() -> FloatArray:
    return np.zeros((1, FRAMES, NUM_MOTION), np.float32)


def nodding(at: int) -> FloatArray:
    motion = still()
    motion[0, at : at + 12, INDEX["headPitch"]] = 0.08 * np.sin(np.linspace(0, np.pi, 12))
    return motion


@pytest.fixture
def turns() -> Turns:
    listening = np.zeros((1, FRAMES), np.bool_)
    listening[:, 50:150] = True
    return Turns(listening=listening, ends=((0, 100),))


def test_lips_are_false_only_while_listening(turns: Turns) -> None:
    motion = still()
    motion[:, :50, INDEX["jawOpen"]] = 1.0
    assert false_lips(motion, turns) == 0
    motion[:, 50:75, INDEX["jawOpen"]] = 1.0
    assert false_lips(motion, turns) == pytest.approx(0.25)


def test_a_nod_after_a_phrase_counts_and_one_before_does_not(turns: Turns) -> None:
    assert nod_ratio(nodding(at=105), turns) > 2
    assert nod_ratio(nodding(at=60), turns) < 0.2


def test_a_steady_turn_has_no_jerk_and_a_tremor_has() -> None:
    steady, tremor = still(), still()
    steady[0, :, INDEX["headYaw"]] = np.linspace(0, 0.5, FRAMES)
    tremor[0, :, INDEX["headYaw"]] = 0.01 * (-1.0) ** np.arange(FRAMES)
    assert jerk(steady) < 1e-6 < jerk(tremor)


def test_motion_that_jumps_between_chunks_has_seams() -> None:
    noise = np.random.default_rng(0).standard_normal((1, FRAMES, NUM_MOTION)).astype(np.float32).cumsum(1)
    jumpy = noise + np.float32(20) * (np.arange(FRAMES) // CHUNK_FRAMES % 2)[:, None].astype(np.float32)
    assert seam(noise) == pytest.approx(1, abs=0.1)
    assert seam(jumpy) > 2
