"""What stands behind the person, and the person's own colours without it."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from models.rig.arrays import F32, I32, U8

# Lengths are shares of the picture's longer side; contrasts are grey levels of 255.
_TRACE: Final = 6  # from this matte on a pixel may hold some of the person's colour
_MARGIN: Final = 0.014  # how far beyond the matte the backdrop is replaced
_FLOW_SIDE: Final = 128  # pixels at which large-scale colour flows; finer detail is texture
_TEXTURE_BAND: Final = 0.06  # depth of the strip whose texture is continued
_AGREEMENT: Final = 30.0  # how far the two ends of a row may differ to be joined straight
_ROWS_AGREEING: Final = 9  # of the flow's rows, so that no row is joined by chance
_STRAND_SIDE: Final = 512  # pixels at which loose strands of hair are looked for
_STRAND_REACH: Final = 0.06  # how far from the matte
_STRAND_WIDTH: Final = 0.024
_CALM: Final = 7.0  # usual contrast from which a background is too lively to tell a strand
_SOLID: Final = 0.95  # share from which a pixel shows the person's colour unmixed
_STIFFNESS: Final = 0.02  # how strongly mixed colours are drawn to the colours of the person nearby


def fill_backdrop(image: U8, matte: U8) -> U8:
    """The picture uint8 [H, W, 3] without the person of matte uint8 [H, W].

    Large-scale colour flows in from all around the hole, straight across it where both sides agree (a
    horizon, a shelf), and fine texture is mirrored over the hole's border, so the strips a moving head
    uncovers keep the grain of the wall. Away from the hole the picture is unchanged.
    """
    side = max(image.shape[:2])
    margin = max(3, round(_MARGIN * side))
    hole = cv2.dilate((matte >= _TRACE).astype(np.uint8), _disc(margin)).astype(np.uint8)
    if hole.all() or not hole.any():
        return image.copy()
    strands = _loose_strands(image, hole)
    unknown = np.maximum(hole, strands)
    picture = image.astype(np.float32)
    smooth = _flow_across(picture, unknown)
    filled = smooth + _mirrored_texture(picture - smooth, unknown, _TEXTURE_BAND * side)
    inwards = cv2.distanceTransform(hole, cv2.DIST_L2, 5) / margin
    blend = np.maximum(np.minimum(inwards, 1), cv2.blur(strands.astype(np.float32), (3, 3)))[..., None]
    return np.asarray(np.clip(np.round(picture + blend * (filled - picture)), 0, 255), np.uint8)


def foreground(image: U8, matte: U8, backdrop: U8) -> U8:
    """The person's own colours F uint8 [H, W, 3], with matte * F + (1 - matte) * backdrop = image.

    Where the matte is low the colours are drawn to those of the person nearby, and beyond it they go on
    smoothly, so that a warp may sample there.
    Source of the estimate: Forte, "Approximate fast foreground colour estimation", 2021 (blur fusion).
    """
    share = (matte.astype(np.float32) / 255)[..., None]
    solid = (share[..., 0] >= _SOLID).astype(np.float32)
    if not solid.any():
        return image.copy()
    picture, behind = image.astype(np.float32), backdrop.astype(np.float32)
    near = _resize(_pull_push(*_reduce(picture, solid, _FLOW_SIDE)), picture.shape)
    missing = picture - share * near - (1 - share) * behind
    mixed = near + share * missing / (share * share + _STIFFNESS * (1 - share))
    pure = picture + (1 - share) * (picture - behind)
    return np.clip(np.round(np.where(share >= _SOLID, pure, mixed)), 0, 255).astype(np.uint8)


def _disc(radius: float) -> U8:
    side = 2 * max(1, round(radius)) + 1
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)).astype(np.uint8)


def _resize(plane: F32, shape: tuple[int, ...]) -> F32:
    return np.asarray(cv2.resize(plane, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR), np.float32)


def _reduce(picture: F32, known: F32, side: int) -> tuple[F32, F32]:
    """Mean of the known pixels [h, w, 3], and the known share [h, w], at a longer side of so many pixels."""
    scale = min(1.0, side / max(known.shape))
    size = (max(1, round(known.shape[1] * scale)), max(1, round(known.shape[0] * scale)))
    weight = cv2.resize(known, size, interpolation=cv2.INTER_AREA)
    total = cv2.resize(picture * known[..., None], size, interpolation=cv2.INTER_AREA)
    return (total / np.maximum(weight, 1e-3)[..., None]).astype(np.float32), weight.astype(np.float32)


def _pull_push(picture: F32, known: F32) -> F32:
    """Fill pixels smoothly as far as they are unknown: float32 [h, w, 3] from weights [h, w] in [0, 1].

    Source: Gortler et al., "The lumigraph", 1996, section 3.4.
    """
    height, width = known.shape
    weight = known[..., None]
    if min(height, width) <= 2:
        mean = (picture * weight).sum((0, 1)) / max(float(weight.sum()), 1e-6)
        return np.asarray(weight * picture + (1 - weight) * mean, np.float32)
    pulled_weight = cv2.pyrDown(known)
    pulled = cv2.pyrDown(picture * weight) / np.maximum(pulled_weight, 1e-6)[..., None]
    coarse = _pull_push(pulled.astype(np.float32), np.minimum(1, 2 * pulled_weight).astype(np.float32))
    pushed = cv2.pyrUp(coarse, dstsize=(width, height))
    return (weight * picture + (1 - weight) * pushed).astype(np.float32)


# Loose strands ------------------------------------------------------------------------------------------


def _loose_strands(image: U8, hole: U8) -> U8:
    """Thin marks around the hole that stand out from a calm background: uint8 [H, W] of 0 and 1.

    They are hair that escaped the matte; left in the backdrop they would hang in the air when the head
    moves. Marks that lead away from the hole (a frame, a shelf) are not hair.
    """
    scale = min(1.0, _STRAND_SIDE / max(hole.shape))
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA).astype(np.float32)
    size = (small.shape[1], small.shape[0])
    small_hole = cv2.resize(hole, size, interpolation=cv2.INTER_NEAREST).astype(np.uint8)
    side = max(small.shape[:2])
    outwards = cv2.distanceTransform(1 - small_hole, cv2.DIST_L2, 5)
    marks = _marks(small, small_hole, side) & (outwards < 2 * _STRAND_REACH * side)
    _, labels = cv2.connectedComponents(marks.astype(np.uint8), connectivity=8)
    near = outwards < _STRAND_REACH * side
    total = np.bincount(labels.ravel())
    is_strand = np.bincount(labels[near], minlength=total.size) > 0.9 * total
    is_strand[0] = False
    found = cv2.dilate(is_strand[labels].astype(np.uint8), _disc(2))
    return cv2.resize(found, (hole.shape[1], hole.shape[0]), interpolation=cv2.INTER_NEAREST).astype(np.uint8)


def _marks(picture: F32, hole: U8, side: int) -> NDArray[np.bool_]:
    """Known pixels of thin shapes whose contrast to their surroundings is unusual there."""
    known = (1 - hole).astype(np.float32)
    whole = np.where(hole[..., None] > 0, _flow_across(picture, hole), picture)
    calm = cv2.medianBlur(np.asarray(whole.round(), np.uint8), 2 * max(1, round(_STRAND_WIDTH * side)) + 1)
    contrast = np.abs(picture - calm).max(2)
    window = (2 * round(0.1 * side) + 1,) * 2
    usual = cv2.blur(np.minimum(contrast, 20) * known, window) / np.maximum(cv2.blur(known, window), 1e-3)
    marks = ((contrast > 2.5 * usual + 3) & (usual < _CALM) & (hole == 0)).astype(np.uint8)
    thick = cv2.morphologyEx(marks, cv2.MORPH_OPEN, _disc(_STRAND_WIDTH * side / 2))
    thin: NDArray[np.bool_] = marks > thick
    return thin


# Filling ------------------------------------------------------------------------------------------------


def _flow_across(picture: F32, hole: U8) -> F32:
    """Large-scale colour of the picture, float32 [H, W, 3], with the hole filled."""
    low, weight = _reduce(picture, (1 - hole).astype(np.float32), _FLOW_SIDE)
    known = (weight > 0.5).astype(np.float32)
    around = _pull_push(low, np.minimum(1, 2 * weight).astype(np.float32))
    left, right, share = _row_ends(known)
    rows = np.arange(known.shape[0])[:, None]
    begin, end = around[rows, left], around[rows, right]
    apart = cv2.blur(np.linalg.norm(begin - end, axis=2), (1, _ROWS_AGREEING))
    both = ((known[rows, left] > 0) & (known[rows, right] > 0)) | (known > 0)
    ramp = np.clip(cv2.distanceTransform(both.astype(np.uint8), cv2.DIST_L2, 3) / 6, 0, 1)
    trust = (ramp * np.exp(-((apart / _AGREEMENT) ** 2)) * (1 - known)).astype(np.float32)
    trust = np.minimum(trust, cv2.GaussianBlur(trust, (0, 0), 1.5))[..., None]
    straight = begin + share[..., None] * (end - begin)
    straight = cv2.GaussianBlur(straight, (1, 5), 0, sigmaY=1).astype(np.float32)
    return _resize((around + trust * (straight - around)).astype(np.float32), picture.shape)


def _row_ends(known: F32) -> tuple[NDArray[np.int64], NDArray[np.int64], F32]:
    """Columns of the nearest known pixels to the left and right [h, w], and where between them a pixel is."""
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
    reach = np.where(depth > 0, swing / np.maximum(depth, 1), 0).astype(np.float32)
    source_x = nearest_x + reach * (nearest_x - columns)
    source_y = nearest_y + reach * (nearest_y - rows)
    limit = 2.5 * 1.4826 * float(np.median(np.abs(detail[hole == 0]))) + 2
    bounded = np.clip(detail, -limit, limit) * (1 - hole)[..., None].astype(np.float32)
    mirrored = cv2.remap(bounded, source_x, source_y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REFLECT)
    fade = np.maximum(0, 1 - depth / (3 * band))[..., None]
    return np.asarray(fade * mirrored, np.float32)


def _nearest_known(hole: U8) -> tuple[F32, F32, F32]:
    """x and y of the nearest pixel outside the hole, and the distance to it: three float32 [H, W]."""
    depth, labels = cv2.distanceTransformWithLabels(hole, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    rows, columns = np.nonzero(hole == 0)
    by_label: I32 = np.zeros((int(labels.max()) + 1, 2), np.int32)
    by_label[labels[rows, columns]] = np.stack([columns, rows], 1)
    nearest = by_label[labels].astype(np.float32)
    return nearest[..., 0], nearest[..., 1], depth.astype(np.float32)
