"""The mean face: its geometry, triangles and mirror map, as shipped in face.npz."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files

import numpy as np

from models.rig.arrays import F32, I32


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanFace:
    """points: float32 [478, 3], frontal and symmetric, the outer eye corners one unit apart and centred on 0.

    triangles: int32 [852, 3] over the first 468 points, with holes for the eyes and the mouth.
    mirror: int32 [478], the landmark on the other side of the face.
    """

    points: F32
    triangles: I32
    mirror: I32


@cache
def mean_face() -> MeanFace:
    """Load the mean face (made by training/rig)."""
    with as_file(files("models.rig") / "face.npz") as path, np.load(path) as data:
        return MeanFace(points=data["points"], triangles=data["triangles"], mirror=data["mirror"])
