"""How much a clip moves is measured in sizes of its face, and ranked among others."""

from __future__ import annotations

import numpy as np
import pytest

from tests.unit.training.fantasytalking.people import draw_clip
from training.fantasytalking.clips import Points
from training.fantasytalking.intensity import Activity, fit_scale, measure, windows


def points(swing: float, frames: int = 20) -> Points:
    clip = draw_clip(frames, seed=0, swing=swing)
    return Points(clip.landmarks, clip.joints)


def test_what_stands_still_has_no_activity() -> None:
    still = Points(np.repeat(points(1).landmarks[:1], 5, axis=0), np.repeat(points(1).joints[:1], 5, axis=0))
    assert measure(still) == pytest.approx((0, 0), abs=1e-9)


def test_more_motion_is_more_activity_of_face_and_body() -> None:
    less, more = measure(points(1)), measure(points(3))
    assert more.face > 2 * less.face
    assert more.body > 2 * less.body


def test_activity_is_the_variance_in_squared_sizes_of_the_face() -> None:
    given = points(2)
    joints = given.joints.copy()
    joints[:, :, 0], joints[:, :, 1] = np.tile([0.0, 1.0], 10)[:, None], 0.0
    side = float(np.median(np.ptp(given.landmarks[..., :2], axis=1).max(axis=-1)))
    assert measure(Points(given.landmarks, joints)).body == pytest.approx(0.25 / side**2, rel=1e-4)


def test_activity_does_not_depend_on_the_size_of_the_picture() -> None:
    given = points(2)
    larger = Points(4 * given.landmarks, given.joints * np.array([4, 4, 1], np.float32))
    assert measure(larger) == pytest.approx(measure(given), rel=1e-4)


def test_joints_that_are_mostly_out_of_sight_do_not_count() -> None:
    given = points(2)
    wild = given.joints.copy()
    wild[:, 15] = np.random.default_rng(0).normal(0, 100, (20, 3))
    wild[:, 15, 2] = 0.2
    assert measure(given._replace(joints=wild)).body == pytest.approx(measure(given).body, rel=1e-4)
    unseen = given.joints * np.array([1, 1, 0], np.float32)
    assert measure(given._replace(joints=unseen)).body == 0


def test_ranks_run_from_the_stillest_to_the_liveliest_of_a_data_set() -> None:
    scale = fit_scale(Activity(face=float(n), body=10.0 * n**2) for n in range(11))
    assert scale.rank(Activity(0, 0)) == (0, 0)
    assert scale.rank(Activity(5, 250)) == pytest.approx((0.5, 0.5))
    assert scale.rank(Activity(99, 9999)) == (1, 1)
    face, body = scale.rank(Activity(7, 490))
    assert face == pytest.approx(body) == pytest.approx(0.7)


def test_what_many_clips_share_has_the_middle_of_their_ranks() -> None:
    scale = fit_scale([Activity(face=1.0, body=0.0)] * 5)
    assert scale.rank(Activity(1.0, 0.0)) == pytest.approx((0.5, 0.5))


def test_a_data_set_without_clips_has_no_scale() -> None:
    with pytest.raises(ValueError, match="got none"):
        fit_scale([])


def test_windows_overlap_by_half() -> None:
    parts = list(windows(points(1), 8))
    assert [len(part.landmarks) for part in parts] == [8, 8, 8, 8]
    assert np.array_equal(parts[1].landmarks[0], parts[0].landmarks[4])
