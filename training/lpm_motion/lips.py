"""How far the lips part, as a linear reading of motion on the rig's mean face."""

from __future__ import annotations

from functools import cache
from typing import Final

import torch
from torch import Tensor

from models.motion import INDEX, NUM_BLENDSHAPES, NUM_MOTION
from models.rig.blendshapes import displacements
from models.rig.face import mean_face

UPPER_LIP: Final = 13  # the middles of the lips' inner edges
LOWER_LIP: Final = 14
CLOSED: Final = 0.05  # lips that part less than this count as closed


def lip_opening(motion: Tensor) -> Tensor:
    """Return how far the lips part [...], 0 when they touch, 1 at jawOpen = 1, for motion [..., 58]."""
    return (motion @ _parting().to(motion)).clamp(min=0)


@cache
def _parting() -> Tensor:
    shapes = displacements(mean_face().points)
    parting = shapes[:, LOWER_LIP, 1] - shapes[:, UPPER_LIP, 1]
    weights = torch.zeros(NUM_MOTION)
    weights[:NUM_BLENDSHAPES] = torch.from_numpy(parting / parting[INDEX["jawOpen"]])
    return weights
