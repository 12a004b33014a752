"""What stands behind the person, and the person's own colours without it."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from models.rig.arrays import F32, I32, U8

_TRACE: Final = 6  # of 255: from this matte on a pixel may hold some of the person's colour
_MARGIN: Final = 0.014  # how far beyond the matte the backdrop is replaced, in picture sides
_GRAIN_SCALE: Final = 0.006  # the size of detail that is continued as texture, in picture sides
_TEXTURE_BAND: Final = 0.06  # depth of the strip whose texture is continued, in picture sides
_SOLID: Final = 0.95  # share from which a pixel shows the person's colour unmixed
_STRAY_REACH: Final = 0.06  # how far from the matte loose strands of hair are looked for, in picture sides
_AGREEMENT: Final = 40.0  # how many grey levels the two ends of a row may differ to be joined straight
_STIFFNESS: Final = 0.02  # how strongly mixed colours are drawn to the colours of the person nearby


def fill_backdrop(image: U8, matte: U8) -> U8:
    """The picture uint8 [H, W, 3] without the person of matte uint8 [H, W].

    Large-scale colour flows in from all around the hole (a pull-push pyramid over what is known), straight
    across it where both sides agree (a horizon, a shelf), and fine texture is mirrored over the hole's
    border, so the strips a moving head uncovers keep the grain of the wall. Away from the hole the picture
    is unchanged.
    """
    side = max(image.shape[:2])
    margin = max(3, round(_MARGIN * side))
    hole = cv2.dilate((matte >= _TRACE).astype(np.uint8), _disc(margin)).astype(np.uint8)
    if hole.all() or not hole.any():
        return image.copy()
    picture = image.astype(np.float32)
    hole = np.maximum(hole, _stray_hair(picture, hole, side))
    known = (1 - hole).astype(np.float32)
    smooth = _blur_known(picture, known, max(1.0, _GRAIN_SCALE * side))
    filled = _flow(smooth, known) + _mirrored_texture(picture - smooth, hole, _TEXTURE_BAND * side)
    inwards = cv2.distanceTransform(hole, cv2.DIST_L2, 5)[..., None]
    blend = np.clip(inwards / margin, 0, 1)
    return np.clip(np.round(blend * filled + (1 - blend) * picture), 0, 255).astype(np.uint8)


def foreground(image: U8, matte: U8, backdrop: U8) -> U8:
    """The person's own colours F uint8 [H, W, 3], with matte * F + (1 - matte) * backdrop = image.

    Where the matte is low the colours are drawn to those of the person nearby, and beyond it they go on
    smoothly, so that a warp may sample there.
    Source of the estimate: Forte, "Approximate fast foreground colour estimation", 2021 (blur fusion).
    """
    picture, share = image.astype(np.float32), (matte.astype(np.float32) / 255)[..., None]
    solid = (share[..., 0] >= _SOLID).astype(np.float32)
    if not solid.any():
        return image.copy()
    near = _pull_push(_blur_known(picture, solid, 0.004 * max(image.shape[:2])), solid)
    missing = picture - share * near - (1 - share) * backdrop.astype(np.float32)
    mixed = near + share * missing / (share * share + _STIFFNESS * (1 - share))
    unmixed = np.where(solid[..., None] > 0, picture + (1 - share) * (picture - backdrop) / share.clip(_SOLID), mixed)
    return np.clip(np.round(unmixed), 0, 255).astype(np.uint8)


def _disc(radius: int) -> U8:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1)).astype(np.uint8)


def _stray_hair(picture: F32, hole: U8, side: int) -> U8:
    """Thin strands around the hole that stand out from a calm background: uint8 [H, W] of 0 and 1.

    They belong to the person but escaped the matte; left in the backdrop they would hang there when the
    head moves.
    """
    reach = _disc(round(_STRAY_REACH * side))
    near = (cv2.dilate(hole, reach) > 0) & (hole == 0)
    known = (1 - hole).astype(np.float32)
    calm = _blur_known(picture, known, 0.015 * side)
    contrast = np.abs(picture - calm).max(2)
    usual = cv2.GaussianBlur(np.minimum(contrast, 20) * known, (0, 0), 0.05 * side)
    usual /= np.maximum(cv2.GaussianBlur(known, (0, 0), 0.05 * side), 1e-3)
    strands = (near & (contrast > 3 * usual + 4)).astype(np.uint8)
    thick = cv2.morphologyEx(strands, cv2.MORPH_OPEN, _disc(round(0.012 * side)))
    return cv2.dilate(strands - thick, _disc(max(2, round(0.004 * side)))).astype(np.uint8)


def _blur_known(picture: F32, known: F32, sigma: float) -> F32:
    """Gaussian mean over known pixels, float32 [H, W, 3]; zero where none is near."""
    weight = cv2.GaussianBlur(known, (0, 0), sigma)[..., None]
    blurred = cv2.GaussianBlur(picture * known[..., None], (0, 0), sigma)
    return np.where(weight > 1e-3, blurred / np.maximum(weight, 1e-3), 0).astype(np.float32)


def _pull_push(picture: F32, known: F32) -> F32:
    """Fill unknown pixels smoothly from the known ones; known pixels stay as they are.

    Source: Gortler et al., "The lumigraph", 1996, section 3.4.
    """
    height, width = known.shape
    weight = known[..., None]
    if min(height, width) <= 2 or known.all():
        mean = (picture * weight).sum((0, 1)) / max(float(weight.sum()), 1e-6)
        return (weight * picture + (1 - weight) * mean).astype(np.float32)
    pulled_weight = cv2.pyrDown(known)
    pulled = cv2.pyrDown(picture * weight) / np.maximum(pulled_weight, 1e-6)[..., None]
    coarse = _pull_push(pulled.astype(np.float32), np.minimum(1, 2 * pulled_weight).astype(np.float32))
    pushed = cv2.pyrUp(coarse, dstsize=(width, height))
    return (weight * picture + (1 - weight) * pushed).astype(np.float32)


def _flow(smooth: F32, known: F32) -> F32:
    """Large-scale colour of the hole, float32 [H, W, 3]."""
    inside = _pull_push(smooth, known)
    left, right, share = _row_ends(known)
    rows = np.arange(known.shape[0])[:, None]
    begin, end = smooth[rows, left], smooth[rows, right]
    both = (known[rows, left] > 0) & (known[rows, right] > 0) & (known == 0)
    apart = np.linalg.norm(begin - end, axis=2)
    trust = cv2.GaussianBlur(both * np.exp(-((apart / _AGREEMENT) ** 2)), (0, 0), 0.008 * max(known.shape))
    across = begin + share[..., None] * (end - begin)
    trust = trust.astype(np.float32)[..., None] * (known == 0)[..., None]
    return (trust * across + (1 - trust) * inside).astype(np.float32)


def _row_ends(known: F32) -> tuple[NDArray[np.int64], NDArray[np.int64], F32]:
    """Columns of the nearest known pixels to the left and right, int64 [H, W], and where between one is."""
    height, width = known.shape
    columns = np.broadcast_to(np.arange(width), (height, width))
    left = np.maximum.accumulate(np.where(known > 0, columns, 0), axis=1)
    right = np.minimum.accumulate(np.where(known > 0, columns, width - 1)[:, ::-1], axis=1)[:, ::-1]
    share = (columns - left) / np.maximum(right - left, 1)
    return left, right, share.astype(np.float32)


def _mirrored_texture(detail: F32, hole: U8, band: float) -> F32:
    """Fine detail float32 [H, W, 3] reflected into the hole across its border, back and forth over a band."""
    nearest_x, nearest_y, depth = _nearest_known(hole)
    rows, columns = (a.astype(np.float32) for a in np.indices(hole.shape))
    swing = band - np.abs(np.mod(depth, 2 * band) - band)
    reach = np.where(depth > 0, swing / np.maximum(depth, 1), 0)
    source_x = nearest_x + reach * (nearest_x - columns)
    source_y = nearest_y + reach * (nearest_y - rows)
    known = (1 - hole).astype(np.float32)[..., None]
    limit = 3 * 1.4826 * float(np.median(np.abs(detail[hole == 0]))) + 2
    bounded = np.clip(detail, -limit, limit) * known
    fade = np.maximum(0.3, 1 - depth / (3 * band))[..., None]
    mirrored = cv2.remap(bounded, source_x, source_y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REFLECT)
    return (fade * mirrored).astype(np.float32)


def _nearest_known(hole: U8) -> tuple[F32, F32, F32]:
    """x and y of the nearest pixel outside the hole, and the distance to it: three float32 [H, W]."""
    depth, labels = cv2.distanceTransformWithLabels(hole, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    rows, columns = np.nonzero(hole == 0)
    by_label: I32 = np.zeros((int(labels.max()) + 1, 2), np.int32)
    by_label[labels[rows, columns]] = np.stack([columns, rows], 1)
    nearest = by_label[labels].astype(np.float32)
    return nearest[..., 0], nearest[..., 1], depth.astype(np.float32)
