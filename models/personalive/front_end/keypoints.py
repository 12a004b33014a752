"""Keypoints in the picture: of a driver's head as it is, and of the portrait's head that follows it."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from models.personalive.front_end.motion_extractor import HeadMotion

# Shapes: K keypoints, x to the right, y down and z, in half pictures from the centre.


class Placement(NamedTuple):
    """How a head stands: pitch, yaw and roll in degrees [..., 3], place [..., 3], scale [..., 1]."""

    degrees: Tensor
    translation: Tensor
    scale: Tensor


def driver_keypoints(motion: HeadMotion) -> Tensor:
    """Return the keypoints [..., K, 3] of the head itself."""
    return place(motion.canonical, Placement(motion.degrees, motion.translation, motion.scale))


def place(canonical: Tensor, placement: Placement) -> Tensor:
    """Turn canonical keypoints [..., K, 3], scale them, and move them within the picture's plane."""
    turned = canonical @ rotation(placement.degrees)
    plane = placement.translation.new_tensor([1.0, 1.0, 0.0])
    return placement.scale.unsqueeze(-1) * turned + (placement.translation * plane).unsqueeze(-2)


def follow(reference: HeadMotion, motion: HeadMotion, start: Tensor, share: float) -> Placement:
    """Let the portrait's head follow a driver's: turn as it does, and go `share` of its way since `start`.

    `start` [..., 3] is where the driver was in its first frame. The portrait keeps its own scale.
    """
    translation = reference.translation + share * (motion.translation - start)
    return Placement(motion.degrees, translation, reference.scale.expand_as(motion.scale))


def approach(reference: HeadMotion, first: Placement, steps: int) -> Placement:
    """Lead the portrait's head in `steps` frames from where it is to where the driver's first frame has it.

    `reference` and `first` hold [S, n]; the placements are [S, steps, n], the last one a step before `first`.
    """
    here = Placement(reference.degrees, reference.translation, reference.scale)
    return Placement(*(blend(before, after, steps) for before, after in zip(here, first, strict=True)))


def blend(before: Tensor, after: Tensor, steps: int) -> Tensor:
    """Interpolate [S, ...] linearly to [S, steps, ...], from `before` to a step before `after`."""
    shares = torch.arange(steps, device=before.device, dtype=before.dtype) / steps
    shares = shares.view(1, steps, *(1 for _ in before.shape[1:]))
    return before.unsqueeze(1) + shares * (after - before).unsqueeze(1)


def rotation(degrees: Tensor) -> Tensor:
    """Return matrices [..., 3, 3] that turn row vectors by pitch, then yaw, then roll [..., 3]."""
    cosines, sines = torch.deg2rad(degrees).cos(), torch.deg2rad(degrees).sin()
    (cx, cy, cz), (sx, sy, sz) = cosines.unbind(-1), sines.unbind(-1)
    one, zero = torch.ones_like(cx), torch.zeros_like(cx)
    pitch = _matrix((one, zero, zero), (zero, cx, sx), (zero, -sx, cx))
    yaw = _matrix((cy, zero, -sy), (zero, one, zero), (sy, zero, cy))
    roll = _matrix((cz, sz, zero), (-sz, cz, zero), (zero, zero, one))
    return pitch @ yaw @ roll


def _matrix(*rows: tuple[Tensor, Tensor, Tensor]) -> Tensor:
    return torch.stack([torch.stack(row, dim=-1) for row in rows], dim=-2)
