"""The blendshapes move what their names say, on the mean face."""

from __future__ import annotations

import numpy as np
import pytest

from models.motion import INDEX
from models.rig import topology as t
from models.rig.arrays import F32
from models.rig.blendshapes import displacements
from models.rig.face import mean_face
from models.rig.neutral import to_neutral


@pytest.fixture(scope="module")
def neutral() -> F32:
    return to_neutral(mean_face().points).points


@pytest.fixture(scope="module")
def shapes(neutral: F32) -> F32:
    return displacements(neutral)


def test_jaw_open_parts_the_lips_and_leaves_the_brow(shapes: F32) -> None:
    jaw = shapes[INDEX["jawOpen"]]
    assert jaw[14, 1] - jaw[13, 1] > 0.22
    assert np.abs(jaw[list(t.LEFT_BROW_UPPER)]).max() < 0.01


def test_mouth_close_undoes_the_opening_of_an_equal_jaw(neutral: F32, shapes: F32) -> None:
    moved = neutral[:468] + shapes[INDEX["jawOpen"]] * 0.5 + shapes[INDEX["mouthClose"]] * 0.5
    gaps = moved[list(t.INNER_LOWER_LIP), 1] - moved[list(t.INNER_UPPER_LIP), 1]
    assert np.abs(gaps).max() < 0.012


def test_blinking_brings_the_lids_together(neutral: F32, shapes: F32) -> None:
    moved = neutral[:468] + shapes[INDEX["eyeBlinkLeft"]]
    gap = np.linalg.norm(moved[list(t.LEFT_UPPER_LID)] - moved[list(t.LEFT_LOWER_LID)], axis=1)
    assert gap.max() < 0.01


def test_the_right_side_mirrors_the_left(shapes: F32) -> None:
    mirror = mean_face().mirror[:468]
    for name in ("eyeBlink", "mouthSmile", "browDown", "mouthUpperUp", "noseSneer"):
        left, right = shapes[INDEX[f"{name}Left"]], shapes[INDEX[f"{name}Right"]]
        np.testing.assert_allclose(right, left[mirror] * [-1, 1, 1], atol=1e-6)


def test_a_left_shape_moves_the_subjects_left(neutral: F32, shapes: F32) -> None:
    """The subject's left is on the viewer's right: x > 0."""
    moved = np.abs(shapes[INDEX["mouthSmileLeft"]]).sum(1)
    assert moved[neutral[:468, 0] > 0.1].sum() > 5 * moved[neutral[:468, 0] < -0.1].sum()


def test_every_shape_but_gaze_and_tongue_moves_the_skin(shapes: F32) -> None:
    still = {name for name, i in INDEX.items() if i < 52 and np.abs(shapes[i]).max() < 0.01}
    assert still == {f"eyeLook{way}{side}" for way in ("In", "Out") for side in ("Left", "Right")} | {
        "tongueOut"
    }
