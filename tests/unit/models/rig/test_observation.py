"""Facts about what the rig's inverse compares."""

from __future__ import annotations

import numpy as np

from models.rig import topology as t
from models.rig.face import mean_face
from models.rig.observation import NUM_OBSERVED, Observer, mirrored

POSE = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6], np.float32)


def test_a_mirror_of_a_mirror_changes_nothing() -> None:
    observed = np.random.default_rng(0).standard_normal((3, NUM_OBSERVED)).astype(np.float32)

    assert np.allclose(mirrored(mirrored(observed)), observed)


def test_a_mirror_turns_the_head_the_other_way() -> None:
    rest = mean_face().points

    observed = mirrored(Observer(rest).observe(rest, POSE))

    assert np.allclose(observed[-6:], [0.1, -0.2, -0.3, -0.4, 0.5, 0.6])


def test_lids_that_shut_look_alike_on_wide_and_narrow_eyes() -> None:
    lids, lower = list(t.LEFT_UPPER_LID[2:-2]), list(t.LEFT_LOWER_LID[2:-2])
    seen = []
    for stretch in (0.7, 1.4):
        rest = mean_face().points.copy()
        rest[lids, 1] = rest[lower, 1] - stretch * (rest[lower, 1] - rest[lids, 1])
        shut = rest.copy()
        shut[lids] = rest[lower]
        seen.append(np.abs(Observer(rest).observe(shut, POSE)[:-10]).max())

    assert np.isclose(seen[0], seen[1], rtol=0.1)
