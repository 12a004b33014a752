from __future__ import annotations

import csv
from io import StringIO

import numpy as np
import pytest
from numpy.typing import NDArray

from models.motion import INDEX
from models.rig.geometry import rotation_matrix
from services.kit.contracts import FloatArray
from services.kit.live_link import LiveLinkMotion, live_link_values

# The first line of the files that the app records.
HEADER = (
    "Timecode,BlendShapeCount,EyeBlinkLeft,EyeLookDownLeft,EyeLookInLeft,EyeLookOutLeft,EyeLookUpLeft,"
    "EyeSquintLeft,EyeWideLeft,EyeBlinkRight,EyeLookDownRight,EyeLookInRight,EyeLookOutRight,"
    "EyeLookUpRight,EyeSquintRight,EyeWideRight,JawForward,JawRight,JawLeft,JawOpen,MouthClose,"
    "MouthFunnel,MouthPucker,MouthRight,MouthLeft,MouthSmileLeft,MouthSmileRight,MouthFrownLeft,"
    "MouthFrownRight,MouthDimpleLeft,MouthDimpleRight,MouthStretchLeft,MouthStretchRight,MouthRollLower,"
    "MouthRollUpper,MouthShrugLower,MouthShrugUpper,MouthPressLeft,MouthPressRight,MouthLowerDownLeft,"
    "MouthLowerDownRight,MouthUpperUpLeft,MouthUpperUpRight,BrowDownLeft,BrowDownRight,BrowInnerUp,"
    "BrowOuterUpLeft,BrowOuterUpRight,CheekPuff,CheekSquintLeft,CheekSquintRight,NoseSneerLeft,"
    "NoseSneerRight,TongueOut,HeadYaw,HeadPitch,HeadRoll,LeftEyeYaw,LeftEyePitch,LeftEyeRoll,"
    "RightEyeYaw,RightEyePitch,RightEyeRoll"
)
COLUMN = {name: i for i, name in enumerate(HEADER.split(",")[2:])}


def _frames(**channels: float) -> FloatArray:
    frames = np.zeros((1, 58), np.float32)
    for name, value in channels.items():
        frames[:, INDEX[name]] = value
    return frames


def _values(**channels: float) -> dict[str, float]:
    row = live_link_values(_frames(**channels))[0]
    return {name: float(row[i]) for name, i in COLUMN.items()}


def _about(axis: int, angle: float) -> NDArray[np.float64]:
    """A right-handed rotation about an axis."""
    cos, sin = np.cos(angle), np.sin(angle)
    about_x = [[1, 0, 0], [0, cos, -sin], [0, sin, cos]]
    return np.roll(np.roll(about_x, axis, 0), axis, 1)


def test_a_file_has_the_columns_of_the_app() -> None:
    assert LiveLinkMotion().head() == HEADER + "\n"


def test_every_line_is_read_as_importers_read_it() -> None:
    text = LiveLinkMotion()
    frames = np.repeat(_frames(jawOpen=0.25), 30, axis=0)
    rows = list(csv.reader(StringIO(text.head() + text.rows(frames, 90_000) + text.tail())))
    assert {len(row) for row in rows} == {63}
    assert {row[1] for row in rows[1:]} == {"61"}
    assert {float(row[2 + COLUMN["JawOpen"]]) for row in rows[1:]} == {0.25}
    hours, minutes, seconds, ticks = np.array([row[0].split(":") for row in rows[1:]], float).T
    np.testing.assert_allclose(
        hours * 3600 + minutes * 60 + seconds + ticks / 60, np.arange(90_000, 90_030) / 25, atol=1e-5
    )
    assert ticks.max() < 60


def test_lines_in_pieces_are_lines_at_once() -> None:
    frames = np.random.default_rng(0).uniform(size=(7, 58)).astype(np.float32)
    text = LiveLinkMotion()
    assert text.rows(frames[:5], 0) + text.rows(frames[5:], 5) == text.rows(frames, 0)


def test_coefficients_stay_between_0_and_1_and_zero_has_no_sign() -> None:
    text = LiveLinkMotion().rows(_frames(jawOpen=1.2, cheekPuff=-0.1, headRoll=0.0), 0)
    assert "-0.000000" not in text
    values = _values(jawOpen=1.2, cheekPuff=-0.1)
    assert (values["JawOpen"], values["CheekPuff"]) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("channel", "column", "sign"),
    [
        ("headYaw", "HeadYaw", 1),  # to the viewer's right is to the face's own left
        ("headPitch", "HeadPitch", 1),  # down
        ("headRoll", "HeadRoll", -1),  # clockwise for the viewer is to the face's own left
    ],
)
def test_a_head_turns_about_the_axes_of_its_face(channel: str, column: str, sign: int) -> None:
    values = _values(**{channel: 0.2})
    assert values.pop(column) == pytest.approx(sign * 0.2)
    assert not any(values.values())


def test_combined_angles_are_the_same_rotation() -> None:
    pitch, yaw, roll = 0.3, -0.4, 0.2
    values = _values(headPitch=pitch, headYaw=yaw, headRoll=roll)
    # The rig's axes are x right, y down, z away; ARKit's are x right, y up, z towards the viewer.
    flip = np.diag([1, -1, -1])
    expected = flip @ rotation_matrix(pitch, yaw, roll) @ flip
    found = _about(1, values["HeadYaw"]) @ _about(0, values["HeadPitch"]) @ _about(2, values["HeadRoll"])
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize(
    ("channels", "column", "degrees"),
    [
        (("eyeLookOutLeft",), "LeftEyeYaw", 27),
        (("eyeLookInLeft",), "LeftEyeYaw", -27),
        (("eyeLookInRight",), "RightEyeYaw", 27),
        (("eyeLookOutRight",), "RightEyeYaw", -27),
        (("eyeLookDownRight",), "RightEyePitch", 18),
        (("eyeLookUpLeft",), "LeftEyePitch", -15),
    ],
)
def test_an_eye_turns_as_its_coefficients_say(channels: tuple[str, ...], column: str, degrees: float) -> None:
    values = _values(**dict.fromkeys(channels, 1.0))
    angles = {name: value for name, value in values.items() if "Yaw" in name or "Pitch" in name}
    assert np.degrees(angles.pop(column)) == pytest.approx(degrees, abs=1e-3)
    assert not any(angles.values())
