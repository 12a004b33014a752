"""A face brought to rest: its pose taken off and its lips closed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from models.rig import topology as t
from models.rig.arrays import F32
from models.rig.face import mean_face
from models.rig.geometry import fit_similarity
from models.rig.plate import Handles, Plate

# Landmarks that expression moves little: forehead, temples, nose bridge, eye corners, upper cheeks.
_STABLE: Final = (
    10, 338, 297, 332, 284, 251, 109, 67, 103, 54, 21, 151, 9, 8, 168, 6, 197, 195, 5, 4, 1, 33, 133, 362,
    263, 127, 356, 234, 454, 162, 389, 98, 327, 2, 94, 19, 129, 358, 117, 346, 123, 352,
)  # fmt: skip
_UPPER_SHARE: Final = 0.4  # of the gap between parted lips, how much the upper lip closes
_CHIN_SHARE: Final = 0.35  # how far the chin follows the lower lip


@dataclass(frozen=True, slots=True, kw_only=True)
class Neutral:
    """A face without pose or parted lips.

    points: float32 [478, 3] in mean-face units (outer eye corners about one apart), frontal, lips closed.
    parting: float32 [468, 3], what has to be added to reach the lips as they were seen.
    scale, rotation [3, 3], offset [3]: image point = scale * rotation @ point + offset, in pixels.
    """

    points: F32
    parting: F32
    scale: float
    rotation: F32
    offset: F32


def to_neutral(points: F32) -> Neutral:
    """Take pose and parted lips off landmarks float32 [478, 3] in pixels."""
    mean = mean_face()
    stable = list(_STABLE)
    scale, rotation, offset = fit_similarity(mean.points[stable], points[stable])
    frontal = ((points - offset) @ rotation / scale).astype(np.float32)
    parting = _parting(frontal)
    closed = frontal.copy()
    closed[: t.NUM_VERTICES] -= parting
    return Neutral(points=closed, parting=parting, scale=scale, rotation=rotation, offset=offset)


def _parting(frontal: F32) -> F32:
    """Displacement [468, 3] that parts closed lips as far as they are parted in frontal [478, 3]."""
    points = frontal[: t.NUM_VERTICES].astype(np.float64)
    upper, lower = list(t.INNER_UPPER_LIP), list(t.INNER_LOWER_LIP)
    gap = points[lower] - points[upper]
    handles: Handles = {}
    for i in range(1, len(upper) - 1):
        for row, share in ((t.INNER_UPPER_LIP, 1.0), (t.OUTER_UPPER_LIP, 0.8)):
            handles[row[i]] = -_UPPER_SHARE * share * gap[i]
        for row, share in ((t.INNER_LOWER_LIP, 1.0), (t.OUTER_LOWER_LIP, 0.85)):
            handles[row[i]] = (1 - _UPPER_SHARE) * share * gap[i]
    middle = gap[len(gap) // 2]
    handles |= dict.fromkeys((152, 175, 148, 377), _CHIN_SHARE * middle)
    still = (*t.LIP_CORNERS, *_STABLE, 280, 50, 425, 205, 288, 58, 361, 132)
    return Plate(points, mean_face().triangles).spread(handles, still).astype(np.float32)
