"""Where the eyes look, from the irises' place between the corners of the eyes."""

from __future__ import annotations

from typing import Final

import numpy as np

from models.motion import INDEX
from models.rig import topology as t
from models.rig.arrays import F32

_ACROSS: Final = 0.16  # travel of an iris at coefficient one, in widths of the eye
_UPWARD: Final = 0.10
_OPEN_ENOUGH: Final = 0.25  # of the resting lid aperture; an eye shut further shows no gaze


class Gaze:
    """Reads the eight eyeLook coefficients of one face, whose eyes at rest look ahead."""
