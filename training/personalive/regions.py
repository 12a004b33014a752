"""Where face, eyes and mouth are: boxes around landmarks, and what is made of them."""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

# Shapes: N pictures, H = W rows and columns; regions go face, eyes, mouth.

FACE: Final = 0
# Landmarks of MediaPipe's mesh on the rim of what a box is drawn around; brows belong to the eyes.
EYES: Final = (33, 133, 159, 145, 263, 362, 386, 374, 70, 105, 107, 300, 334, 336)
MOUTH: Final = (61, 291, 0, 17, 37, 267, 84, 314)
# How much longer than the longest side of the landmarks' box a side of the face's square is.
FACE_REACH: Final = 1.1
# How far eyes and mouth reach beyond their landmarks, of the face's side.
PART_MARGIN: Final = 0.04


def regions_of(points: NDArray[np.float32], size: int) -> NDArray[np.int32]:
    """Return the boxes [3, 4] of face, eyes and mouth of landmarks [478, 3], in a picture of `size` pixels.

    The face's is square before it is cut at the picture's edges; none is empty.
    """
    low, high = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
    side = float((high - low).max()) * FACE_REACH
    centre = (low + high) / 2
    boxes = [np.concatenate([centre - side / 2, centre + side / 2])]
    for part in (EYES, MOUTH):
        chosen = points[list(part), :2]
        margin = PART_MARGIN * side
        boxes.append(np.concatenate([chosen.min(axis=0) - margin, chosen.max(axis=0) + margin]))
    corners = np.stack(boxes).clip(0, size).round().astype(np.int32)
    corners[:, :2] = corners[:, :2].clip(max=size - 1)
    corners[:, 2:] = np.maximum(corners[:, 2:], corners[:, :2] + 1)
    return corners


def masks(regions: Tensor, size: int, rows: int) -> Tensor:
    """Return how much each place of pictures counts, [N, 1, rows, rows], of regions [N, 3, 4] in pixels.

    It is 1 in the face, one more in eyes and mouth, and 0 elsewhere. `size` is the pictures' side in pixels.
    """
    places = (torch.arange(rows, device=regions.device) + 0.5) * (size / rows)
    across, down = (
        (places >= regions[..., low, None]) & (places < regions[..., low + 2, None]) for low in (0, 1)
    )
    inside = down[..., :, None] & across[..., None, :]
    return inside.sum(dim=1, keepdim=True).float()
