"""Facts about reading the motion of a video."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from models.motion import INDEX, NUM_MOTION
from models.rig.arrays import U8
from models.rig.driver import find_rest, read_motions
from models.rig.landmarks import NoFaceError
from models.rig.neutral import Neutral
from models.rig.render import RigRenderer

WALL = np.full((256, 256, 3), 128, np.uint8)
FRAME_S = 1 / 25


@pytest.fixture(scope="module")
def still(renderer: RigRenderer) -> U8:
    return renderer.render(np.zeros(NUM_MOTION, np.float32), 0.0)


@pytest.fixture(scope="module")
def rest(still: U8) -> Neutral:
    return find_rest([still] * 4)


def talking(renderer: RigRenderer, amounts: list[float]) -> Iterator[U8]:
    for amount in amounts:
        motion = np.zeros(NUM_MOTION, np.float32)
        motion[INDEX["jawOpen"]] = amount
        yield renderer.render(motion, 0.0)


def test_a_video_without_a_face_is_refused() -> None:
    with pytest.raises(NoFaceError):
        find_rest([WALL] * 3)


def test_rest_is_the_closed_mouth_of_a_talking_face(renderer: RigRenderer, rest: Neutral) -> None:
    found = find_rest(talking(renderer, [0.8, 0.6, 0.0, 0.0, 0.0, 0.7, 0.9, 0.5]))

    assert np.abs(found.points - rest.points)[:468, :2].max() < 0.03


def test_no_more_than_a_minute_is_looked_at(still: U8, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.rig.driver._MAX_SEEN", 3)
    frames = iter([still] * 10)

    find_rest(frames)

    assert len(list(frames)) == 7


def test_motion_comes_at_25_frames_a_second_whatever_the_videos_rate(rest: Neutral, still: U8) -> None:
    times_s = [k / 10 for k in range(6)]

    motions = list(read_motions(rest, ((time_s, still) for time_s in times_s)))

    assert len(motions) == 13  # 0, 0.04 .. 0.48: no frame after the last picture


def test_motion_between_two_pictures_lies_between_theirs(renderer: RigRenderer, rest: Neutral) -> None:
    pictures = zip((0.0, 0.16), talking(renderer, [0.0, 1.0]), strict=True)

    jaw = [read.motion[INDEX["jawOpen"]] for read in read_motions(rest, pictures)]

    assert jaw == sorted(jaw)
    assert jaw[2] == pytest.approx((jaw[0] + jaw[4]) / 2, abs=0.01)


def test_a_lost_face_holds_its_motion_and_says_so(renderer: RigRenderer, rest: Neutral) -> None:
    pictures = [*talking(renderer, [1.0, 1.0]), WALL, WALL]

    read = list(read_motions(rest, ((k * FRAME_S, picture) for k, picture in enumerate(pictures))))

    assert [r.is_seen for r in read] == [True, True, False, False]
    assert np.allclose(read[3].motion, read[1].motion, atol=1e-6)


def test_before_the_first_face_motion_is_zero(rest: Neutral, still: U8) -> None:
    read = list(read_motions(rest, [(0.0, WALL), (FRAME_S, still)]))

    assert not read[0].is_seen
    assert not read[0].motion.any()
