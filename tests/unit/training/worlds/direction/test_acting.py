"""A face plays what it is asked for: unmistakably, at its time, and with lips that stay closed."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models.lpm.direction import CONCEPT_IDS, CONCEPTS, Item
from models.motion import FRAME_RATE_HZ, INDEX, NUM_BLENDSHAPES
from tests.unit.training.worlds.direction.ordinary import NUM_FRAMES, ordinary_motion
from training.lpm_motion.lips import CLOSED, lip_opening
from training.worlds.direction import Directed, act, draw_plan
from training.worlds.direction.measures import own_measure
from training.worlds.speech.curves import Curve

NAMES = [concept.name for concept in CONCEPTS]
NUM_CHUNKS = NUM_FRAMES // 5
SILENT, SPEAKING = np.zeros(NUM_FRAMES), np.ones(NUM_FRAMES)


def played(name: str, seed: int, strength: float = 0.7, speaking: Curve = SPEAKING) -> Curve:
    plan = (Directed(0, NUM_CHUNKS, (Item(CONCEPT_IDS[name], strength),)),)
    return act(np.random.default_rng(seed + 99), ordinary_motion(seed), plan, speaking)


@pytest.mark.parametrize("name", NAMES)
def test_a_concept_is_told_from_its_absence(name: str) -> None:
    present = np.array([own_measure(name, played(name, seed)) for seed in range(20)])
    absent = np.array([own_measure(name, ordinary_motion(seed)) for seed in range(20)])
    spread = np.sqrt((present.var(ddof=1) + absent.var(ddof=1)) / 2.0)

    assert present.mean() - absent.mean() >= 2.0 * spread


@pytest.mark.parametrize("name", NAMES)
def test_no_concept_parts_the_lips_in_silence(name: str) -> None:
    opening = lip_opening(torch.from_numpy(played(name, 3, 1.0, SILENT)))

    assert opening.max() < CLOSED


@pytest.mark.parametrize("name", NAMES)
def test_coefficients_stay_in_range_and_nothing_leaps(name: str) -> None:
    motion = played(name, 5, 1.0)
    turns = np.diff(motion[:, [INDEX["headPitch"], INDEX["headYaw"], INDEX["headRoll"]]], axis=0)

    assert motion[:, :NUM_BLENDSHAPES].min() >= 0.0
    assert motion[:, :NUM_BLENDSHAPES].max() <= 1.0
    assert np.abs(np.degrees(turns)).max() < 4.5


@pytest.mark.parametrize("name", ["smile", "angry", "closed_eyes", "tilt_left", "lean_back", "gaze_left"])
def test_more_strength_shows_more(name: str) -> None:
    shown = [own_measure(name, played(name, 7, strength)) for strength in (0.3, 0.6, 1.0)]

    assert shown[0] < shown[1] < shown[2]


def test_a_concept_comes_after_its_start_and_goes_after_its_end() -> None:
    plan = (Directed(20, 40, (Item(CONCEPT_IDS["frown"], 1.0),)),)

    frown = act(np.random.default_rng(0), ordinary_motion(1), plan, SILENT)[:, INDEX["mouthFrownLeft"]]

    assert frown[: 20 * 5 + 3].max() == 0.0
    assert frown[20 * 5 + 18 : 40 * 5].min() > 0.6
    assert frown[40 * 5 + 18 :].max() == 0.0


def test_without_a_plan_motion_stays_as_it_is() -> None:
    motion = ordinary_motion(2)

    np.testing.assert_array_equal(act(np.random.default_rng(0), motion, (), SPEAKING), motion)


def test_speech_keeps_its_lips() -> None:
    silent, speaking = (
        played("pressed_lips", 4, 1.0, s)[50:, INDEX["mouthPressLeft"]] for s in (SILENT, SPEAKING)
    )

    assert silent.min() > 0.5
    assert speaking.max() < 0.3


def test_what_speech_opens_no_expression_opens_further() -> None:
    motion = ordinary_motion(6).copy()
    motion[:, INDEX["jawOpen"]] = 0.3

    for name in ("grimace", "disgusted", "grin", "pout"):
        plan = (Directed(0, NUM_CHUNKS, (Item(CONCEPT_IDS[name], 1.0),)),)
        acted = act(np.random.default_rng(0), motion, plan, SPEAKING)
        change = lip_opening(torch.from_numpy(acted)) - lip_opening(torch.from_numpy(motion))
        assert change.max() < 1e-3
        assert change.min() > -0.1


@pytest.mark.parametrize(
    ("name", "number", "sign"),
    [
        ("turn_left", "headYaw", 1),
        ("turn_right", "headYaw", -1),
        ("tilt_left", "headRoll", 1),
        ("tilt_right", "headRoll", -1),
        ("lean_forward", "headZ", -1),
        ("gaze_left", "eyeLookOutLeft", 1),
        ("gaze_right", "eyeLookOutRight", 1),
        ("gaze_up", "eyeLookUpLeft", 1),
        ("gaze_down", "eyeLookDownRight", 1),
        ("smirk", "mouthSmileLeft", 1),
        ("one_brow_raised", "browOuterUpLeft", 1),
    ],
)
def test_left_and_right_are_the_characters_own(name: str, number: str, sign: int) -> None:
    change = played(name, 8, 1.0) - ordinary_motion(8)

    assert sign * change[50:, INDEX[number]].mean() > 0.1


def test_a_nod_goes_down_first() -> None:
    pitch = played("nod", 9, 1.0)[:, INDEX["headPitch"]] - ordinary_motion(9)[:, INDEX["headPitch"]]

    assert np.argmax(pitch[: FRAME_RATE_HZ // 2 + 8]) < np.argmin(pitch[: FRAME_RATE_HZ // 2 + 8])


def test_the_same_chance_plays_the_same() -> None:
    plan = draw_plan(np.random.default_rng(3), NUM_CHUNKS)
    first, second = (act(np.random.default_rng(5), ordinary_motion(1), plan, SPEAKING) for _ in range(2))

    np.testing.assert_array_equal(first, second)
