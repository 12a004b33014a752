"""A drawn rig shows what its motion says, seen by the landmark model itself."""

from __future__ import annotations

import numpy as np
import pytest

from models.motion import INDEX, NUM_MOTION
from models.rig import topology as t
from models.rig.arrays import F32, U8
from models.rig.framing import frame_portrait
from models.rig.landmarks import Face, NoFaceError, find_faces
from models.rig.render import RigRenderer
from models.rig.rig import Rig, prepare_rig
from tests.unit.models.rig.conftest import SIZE


def motion(**values: float) -> F32:
    frame = np.zeros(NUM_MOTION, np.float32)
    for name, value in values.items():
        frame[INDEX[name]] = value
    return frame


def opening(picture: U8) -> float:
    """Inner lip distance over the distance of the outer eye corners."""
    points = find_faces(picture)[0].points
    eyes = np.linalg.norm(points[t.LEFT_EYE_OUTER] - points[t.RIGHT_EYE_OUTER])
    return float(np.linalg.norm(points[14, :2] - points[13, :2]) / eyes)


def test_at_rest_the_wall_and_the_brow_are_the_portraits_own(
    portrait: U8, rig: Rig, renderer: RigRenderer
) -> None:
    framed, points = frame_portrait(portrait, find_faces(portrait)[0], SIZE)
    drawn = renderer.render(motion(), 0.0).astype(int)
    above_mouth = int(points[2, 1])
    assert np.abs(drawn[:above_mouth] - framed[:above_mouth]).mean() < 3
    assert rig.size == SIZE


def test_a_smile_full_of_teeth_closes(portrait: U8, renderer: RigRenderer) -> None:
    framed, _ = frame_portrait(portrait, find_faces(portrait)[0], SIZE)
    assert opening(framed) > 0.08
    assert opening(renderer.render(motion(), 0.0)) < 0.03


def test_an_open_jaw_opens_the_mouth(renderer: RigRenderer) -> None:
    assert opening(renderer.render(motion(jawOpen=0.6), 0.0)) > 0.12


def test_a_closed_lid_hides_the_white_of_the_eye(rig: Rig, renderer: RigRenderer) -> None:
    x, y = np.round(rig.points[t.LEFT_IRIS[0], :2]).astype(int)
    shut = renderer.render(motion(eyeBlinkLeft=1, eyeBlinkRight=1), 0.0)
    lid, iris = (
        shut[y - 3 : y + 1, x - 2 : x + 3],
        renderer.render(motion(), 0.0)[y - 3 : y + 1, x - 2 : x + 3],
    )
    skin = rig.picture[np.round(rig.points[280, 1]).astype(int), np.round(rig.points[280, 0]).astype(int), :3]
    assert np.linalg.norm(lid.mean((0, 1)) - skin) < np.linalg.norm(iris.mean((0, 1)) - skin)


def test_turning_right_moves_the_nose_to_the_viewers_right(rig: Rig, renderer: RigRenderer) -> None:
    turned = find_faces(renderer.render(motion(headYaw=0.3), 0.0))[0].points
    assert turned[t.NOSE_TIP, 0] - rig.points[t.NOSE_TIP, 0] > 0.1 * rig.joint.unit


def test_the_wall_does_not_move_with_the_head(rig: Rig, renderer: RigRenderer) -> None:
    corner = np.s_[: SIZE // 8, : SIZE // 8]
    turned = renderer.render(motion(headYaw=0.3, headX=0.1), 0.0)
    assert np.abs(turned[corner].astype(int) - rig.backdrop[corner]).max() <= 12


def test_the_same_motion_draws_the_same_picture(rig: Rig, renderer: RigRenderer) -> None:
    frame = motion(jawOpen=0.3, headYaw=-0.2, eyeBlinkLeft=0.5)
    renderer.render(motion(jawOpen=0.9), 3.0)
    np.testing.assert_array_equal(renderer.render(frame, 1.0), RigRenderer(rig).render(frame, 1.0))


def test_breathing_lifts_the_shoulders_alone(renderer: RigRenderer) -> None:
    out, breathed = (renderer.render(motion(), time_s).astype(int) for time_s in (0.0, 1.025))
    change = np.abs(out - breathed).mean(2)
    assert change[-SIZE // 5 :].mean() > 4 * change[: SIZE // 2].mean()


def test_a_motion_frame_of_another_length_is_refused(renderer: RigRenderer) -> None:
    with pytest.raises(ValueError, match="58"):
        renderer.render(np.zeros(52, np.float32), 0.0)


def test_a_picture_without_a_face_is_refused() -> None:
    with pytest.raises(NoFaceError):
        prepare_rig(np.full((200, 200, 3), 128, np.uint8), SIZE)


def test_the_face_that_was_picked_is_framed(portrait: U8) -> None:
    two = np.hstack([portrait[:, :400], np.ascontiguousarray(portrait[:, :400])])
    faces = find_faces(two)
    frames = [prepare_rig(two, SIZE, face).points[:, 0].mean() for face in faces]
    assert len(faces) == 2
    assert all(0.2 * SIZE < x < 0.8 * SIZE for x in frames)


def test_the_frame_stays_inside_the_portrait() -> None:
    wide = np.zeros((300, 900, 3), np.uint8)
    points = np.zeros((478, 3), np.float32)
    points[:, 0] = np.linspace(820, 890, 478)
    points[:, 1] = np.linspace(20, 120, 478)
    points[t.FOREHEAD], points[t.CHIN] = (850, 20, 0), (850, 120, 0)
    picture, moved = frame_portrait(wide, Face(points=points, score=1.0), SIZE)
    assert picture.shape == (SIZE, SIZE, 3)
    assert (moved[:, :2] >= 0).all()
    assert (moved[:, :2] < SIZE).all()
