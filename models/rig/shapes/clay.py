"""One face being modelled: its points, its skin, and places that several shapes hold still."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.rig import topology as t
from models.rig.arrays import F32
from models.rig.face import mean_face
from models.rig.plate import Handles, Plate

Shape = NDArray[np.float64]  # displacement of every vertex, [468, 3], in mean-face units

NOSE: Final = (1, 2, 4, 5, 6, 168, 195, 197, 98, 327, 48, 278, 64, 294, 129, 358, 49, 279)
UPPER_OVAL: Final = (10, 338, 297, 332, 284, 251, 389, 356, 454, 109, 67, 103, 54, 21, 162, 127, 234)
CHEEK: Final = (280, 352, 346, 347, 330, 425, 266, 329, 348, 411, 427, 436, 376, 345, 372, 340)


class Clay:
    """A neutral face [478, 3] in mean-face units, ready to be pulled at."""

    def __init__(self, neutral: F32) -> None:
        face = mean_face()
        self.points = neutral[: t.NUM_VERTICES].astype(np.float64)
        self.mirror = face.mirror[: t.NUM_VERTICES]
        self._plate = Plate(self.points, face.triangles)

    def spread(self, handles: Handles, still: Iterable[int] = ()) -> Shape:
        """Let the skin follow handles that move and vertices that stay."""
        return self._plate.spread(handles, still)

    def mirrored(self, shape: Shape) -> Shape:
        """The same shape on the other side of the face."""
        return np.asarray(shape[self.mirror] * [-1, 1, 1], np.float64)

    def across(self, vertex: int) -> float:
        """Position along the mouth: -1 at the subject's right corner, +1 at the left."""
        centre = self.points[[61, 291], 0].mean()
        half = (self.points[291, 0] - self.points[61, 0]) / 2
        return float(np.clip((self.points[vertex, 0] - centre) / half, -1.2, 1.2))
