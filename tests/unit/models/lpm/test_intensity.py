from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch import Tensor

from models.lpm.direction import CONCEPT_IDS
from models.lpm.intensity import IntensityConfig, asked_parts, intensify
from models.lpm.model import valid_range
from models.motion import CHUNK_FRAMES, INDEX, NUM_MOTION

CONFIG = IntensityConfig()
FRESH = torch.zeros(1, 2)
NOTHING = torch.zeros(1, 2, dtype=torch.bool)


def _motion(seed: int = 0) -> Tensor:
    """One chunk [1, 5, 58] anywhere in the valid range."""
    lowest, highest = valid_range()
    return lowest + (highest - lowest) * torch.rand(
        1, CHUNK_FRAMES, NUM_MOTION, generator=torch.Generator().manual_seed(seed)
    )


def _at(face: float, body: float, motion: Tensor) -> Tensor:
    return intensify(CONFIG, motion, torch.tensor([[face, body]]), NOTHING, FRESH)[0]


def test_the_usual_intensity_changes_no_bit() -> None:
    motion = _motion()

    assert torch.equal(_at(0.5, 0.5, motion), motion)


@pytest.mark.parametrize(("name", "part"), [("browInnerUp", 0), ("mouthSmileLeft", 0), ("headYaw", 1)])
def test_more_intensity_is_more_motion(name: str, part: int) -> None:
    motion = torch.full((1, CHUNK_FRAMES, NUM_MOTION), 0.1)
    found = []
    for value in (0.0, 0.25, 0.5, 0.75, 1.0):
        face, body = (value, 0.5) if part == 0 else (0.5, value)
        found.append(float(_at(face, body, motion)[0, 0, INDEX[name]]))

    assert found == sorted(set(found))


@pytest.mark.parametrize("seed", range(5))
def test_no_number_leaves_its_valid_range(seed: int) -> None:
    lowest, highest = valid_range()
    found = _at(1.0, 1.0, _motion(seed))

    assert (found >= lowest).all()
    assert (found <= highest).all()


def test_rest_stays_rest() -> None:
    rest = torch.zeros(1, CHUNK_FRAMES, NUM_MOTION)

    assert not _at(1.0, 1.0, rest).any()


@pytest.mark.parametrize(
    ("concept", "asked"),
    [
        ("smile", (True, False)),
        ("happy", (True, True)),
        ("nod", (False, True)),
        ("gaze_left", (False, True)),
        ("calm", (True, True)),
        ("blink_often", (False, False)),
    ],
)
def test_a_concept_asks_for_what_it_shows(concept: str, asked: tuple[bool, bool]) -> None:
    assert asked_parts([0, CONCEPT_IDS[concept], 0]) == asked


def test_gains_are_held_within_a_chunk_and_come_back_in_five() -> None:
    motion = torch.full((1, CHUNK_FRAMES, NUM_MOTION), 0.1)
    intensity, yaw, held = torch.tensor([[0.5, 1.0]]), INDEX["headYaw"], FRESH
    frames = []
    for chunk in range(8):
        found, held = intensify(CONFIG, motion, intensity, NOTHING | (chunk == 1), held)
        frames += found[0, :, yaw].tolist()

    assert frames[4] == frames[0] > frames[5] > frames[9] == pytest.approx(0.1)
    assert frames[10:35] == sorted(frames[10:35])
    assert frames[34] == pytest.approx(frames[0])
    assert max(abs(b - a) for a, b in pairwise(frames)) < 0.03
