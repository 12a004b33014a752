"""Cuts the face out of a picture, around the keypoints of the head in it, without leaving the device."""

from __future__ import annotations

import torch
from torch import Tensor

from models.personalive.front_end.config import CropConfig

# Shapes: N pictures, P points, H and W rows and columns.


def face_boxes(config: CropConfig, points: Tensor, size: int) -> Tensor:
    """Return left, top, right and bottom [..., 4], int64, of the face at the pixels `points` [..., P, 2].

    They lie within a picture of `size` pixels square, and are empty where the face is outside of it.
    """
    centre = points.mean(dim=-2)
    side = config.reach * (centre[..., 1:] - points[..., 1].amin(dim=-1, keepdim=True))
    corners = torch.cat([centre - config.before * side, centre + config.after * side], dim=-1)
    return corners.nan_to_num().clamp(0, size - 1).long()


def shows_face(config: CropConfig, boxes: Tensor, size: int) -> Tensor:
    """Return which boxes [..., 4] are large enough to hold a face, boolean [...]."""
    sides = boxes[..., 2:] - boxes[..., :2]
    return sides.amin(dim=-1) >= config.smallest * size


def crop_faces(pictures: Tensor, boxes: Tensor, size: int) -> Tensor:
    """Cut boxes [N, 4] from pictures [N, 3, H, W] and resize them, bilinearly, to [N, 3, size, size].

    An empty box gives the picture's pixels there instead of failing.
    """
    left, top, right, bottom = boxes.unbind(-1)
    rows = _resample(pictures, top, bottom, size)
    return _resample(rows.mT, left, right, size).mT


def _resample(pictures: Tensor, start: Tensor, end: Tensor, size: int) -> Tensor:
    """Resize the rows `start` to `end` [N] of pictures [N, 3, H, W] to `size` rows, never looking beyond."""
    length = (end - start).clamp(min=1).unsqueeze(-1)
    places = torch.arange(size, device=pictures.device, dtype=pictures.dtype) + 0.5
    places = (places * (length.to(pictures.dtype) / size) - 0.5).clamp(min=0)
    before = places.long().minimum(length - 1)
    share = (places - before).clamp(max=1)[:, None, :, None]
    after = (before + 1).minimum(length - 1)
    return torch.lerp(_rows(pictures, start, before), _rows(pictures, start, after), share)


def _rows(pictures: Tensor, start: Tensor, index: Tensor) -> Tensor:
    """Take the rows `start + index` [N, R] of pictures [N, 3, H, W]."""
    rows = (start.unsqueeze(-1) + index)[:, None, :, None]
    return pictures.gather(2, rows.expand(-1, pictures.shape[1], -1, pictures.shape[3]))
