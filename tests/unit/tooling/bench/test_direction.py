"""The measures of direction, on made motion."""

from __future__ import annotations

import numpy as np
import pytest

from models.lpm.direction import CONCEPTS, Concept, read_direction
from models.motion import FRAME_RATE_HZ, INDEX, NUM_MOTION
from models.rig.arrays import F32
from services.kit.contracts import ANALYSIS_RATE_HZ
from tests.bench.direction import any_directions, directed, effect_size, spelled
from tests.bench.streams import make_scene
from tests.bench.timeline import happened, timeline

BY_NAME = {concept.name: concept for concept in CONCEPTS}
TURN = BY_NAME["turn_left"]


def faces(takes: int, seconds: float) -> F32:
    """Takes [T, F, 58] of a head that turns a little to and fro, each around its own side."""
    chance = np.random.default_rng(0)
    motion = np.zeros((takes, round(seconds * FRAME_RATE_HZ), NUM_MOTION), np.float32)
    swing = np.sin(np.arange(motion.shape[1]) / 15)
    motion[:, :, INDEX["headYaw"]] = np.radians(1.0) * (chance.standard_normal((takes, 1)) + swing)
    return motion


@pytest.mark.parametrize("concept", CONCEPTS, ids=lambda concept: concept.name)
def test_every_concept_is_asked_for_by_its_name_alone(concept: Concept) -> None:
    (item,) = read_direction(spelled(concept)).items

    assert CONCEPTS[item.concept - 1] is concept


def test_the_effect_size_is_the_difference_in_deviations() -> None:
    without = faces(200, 3)
    with_it = without.copy()
    with_it[:, :, INDEX["headYaw"]] += np.radians(2.0)

    assert effect_size(TURN, with_it, without) == pytest.approx(2.0, rel=0.15)
    assert effect_size(BY_NAME["turn_right"], with_it, without) == pytest.approx(-2.0, rel=0.15)
    assert effect_size(TURN, without, without) == 0.0


def test_what_happens_in_the_first_second_has_no_effect() -> None:
    without = faces(20, 3)
    with_it = without.copy()
    with_it[:, :FRAME_RATE_HZ, INDEX["headYaw"]] += np.radians(20.0)

    assert effect_size(TURN, with_it, without) == 0.0


def test_a_gesture_happened_in_its_window_and_in_no_other() -> None:
    (motion,) = faces(1, 12)
    motion[100:140, INDEX["headYaw"]] += np.radians(10.0)

    assert happened(TURN, motion, 100)
    assert not happened(TURN, motion, 30)
    assert not happened(BY_NAME["turn_right"], motion, 100)


def test_a_gesture_may_fade_after_its_window() -> None:
    (motion,) = faces(1, 12)
    motion[100:138, INDEX["headYaw"]] += np.radians(8.0)
    motion[138:162, INDEX["headYaw"]] += np.radians(20.0)

    assert happened(TURN, motion, 100)


def test_a_timeline_asks_within_its_window_alone() -> None:
    silence = np.zeros(4 * ANALYSIS_RATE_HZ, np.float32)
    concepts = make_scene(silence, None, timeline(TURN, 1.0)).concepts[:, 0]

    assert np.flatnonzero(concepts).tolist() == [*range(5, 13)]


def test_a_gaze_at_the_viewer_is_asked_for_against_a_gaze_away() -> None:
    silence = np.zeros(4 * ANALYSIS_RATE_HZ, np.float32)
    concepts = make_scene(silence, None, timeline(BY_NAME["gaze_viewer"], 1.0)).concepts[:, 0]

    names = [CONCEPTS[concept - 1].name for concept in concepts[[0, 5, 12, 19]]]
    assert names == ["gaze_away", "gaze_viewer", "gaze_viewer", "gaze_away"]


def test_a_lasting_direction_is_in_force_in_every_chunk() -> None:
    assert directed(np.zeros(2 * ANALYSIS_RATE_HZ, np.float32), TURN).concepts.any(axis=1).all()


def test_rotating_directions_follow_each_other_without_a_gap() -> None:
    drawn = any_directions(9.0, np.random.default_rng(0))

    assert [(one.start_s, one.end_s) for one in drawn] == [(0, 2), (2, 4), (4, 6), (6, 8), (8, 10)]
    assert len({one.text for one in drawn}) == 5
