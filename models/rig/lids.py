"""Upper lids: where they begin in the picture, and the skin that unfolds when they close."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from models.rig.arrays import F32, I32, U8
from models.rig.raster import rasterise, shade

_MIDDLE: Final = slice(2, -2)
_LASH_SHARE: Final = 0.16  # of the eye's opening that lashes and the wet rim take beside it

_ROWS: Final = 20  # of the lid's texture, from the crease to the lashes
_COLUMNS: Final = 36
_FADE_ROWS: Final = 8  # over which the lid's texture fades into the picture's skin
_LASHES: Final = (0.15, 0.45, 0.65, 0.65)  # how dark the last rows are, towards the colour of the lashes
_BELOW: Final = 1.2  # pixels by which the sheet fades out below the lid's edge
_SHOWS: Final = (0.15, 0.6)  # shares of closing between which the unfolding skin comes in
_FAR: Final = np.float32(3.4e38)


def lid_margin(points: F32, lid: tuple[int, ...], other: tuple[int, ...]) -> F32:
    """Vectors float32 [9, 2] from a lid's vertices outwards past its lashes; points float32 [478, 3]."""
    return np.asarray(_LASH_SHARE * (points[list(lid), :2] - points[list(other), :2]), np.float32)


def _sample(picture: F32, places: F32) -> F32:
    """Colours [N, M, 3] of a picture [S, S, 3] at places [N, M, 2]."""
    x, y = np.ascontiguousarray(places[..., 0]), np.ascontiguousarray(places[..., 1])
    found = cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(found, np.float32).reshape(*places.shape[:2], 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class LidSheet:
    """The skin of an upper lid that the picture hides in its fold, painted over the lid as it closes.

    texture: RGBA uint8 [20, 36, 4], from crease to lashes and from the outer to the inner corner.
    crease, lid, lower: vertex numbers. opening: the eye's height at rest, in pixels.
    """

    texture: U8
    crease: tuple[int, ...]
    lid: tuple[int, ...]
    lower: tuple[int, ...]
    opening: float

    def draw(self, canvas: U8, skin: F32) -> None:
        """Paint the lid of moved skin float32 [V, 3] onto the canvas as far as it has closed."""
        gap = np.linalg.norm((skin[list(self.lower), :2] - skin[list(self.lid), :2])[_MIDDLE], axis=1).mean()
        closing = np.clip((1 - float(gap) / self.opening - _SHOWS[0]) / (_SHOWS[1] - _SHOWS[0]), 0, 1)
        if closing <= 0:
            return
        top, bottom = _resample(skin[list(self.crease)]), _resample(skin[list(self.lid)])
        down = bottom[:, :2] - top[:, :2]
        bottom[:, :2] += _BELOW * down / np.maximum(np.linalg.norm(down, axis=1, keepdims=True), 1)
        points = np.concatenate([top, bottom]).astype(np.float32)
        corner = np.clip(np.floor(points[:, :2].min(0)).astype(int) - 1, 0, canvas.shape[0] - 1)
        far = np.clip(np.ceil(points[:, :2].max(0)).astype(int) + 2, 1, canvas.shape[0])
        window = canvas[corner[1] : far[1], corner[0] : far[0]]
        points[:, :2] -= corner
        points[:, 2] = 0
        texture = self.texture.copy()
        texture[..., 3] = texture[..., 3] * closing
        texture_map, depth = (
            np.zeros((*window.shape[:2], 2), np.float32),
            np.full(window.shape[:2], _FAR, np.float32),
        )
        rasterise(points, _SHEET_UV, _SHEET_TRIANGLES, texture_map, depth)
        shade(texture_map, depth, texture, window)


def build_lid_sheet(
    picture: U8, points: F32, crease: tuple[int, ...], lid: tuple[int, ...], lower: tuple[int, ...]
) -> LidSheet:
    """Take an upper lid's skin from a framed picture uint8 [S, S, 3] and its landmarks float32 [478, 3].

    crease: the landmarks above the lid's own, in the same order, corners included.
    """
    edge, fold = points[list(lid), :2], points[list(crease), :2]
    opening = float(np.linalg.norm((points[list(lower), :2] - edge)[_MIDDLE], axis=1).mean())
    soft = cv2.GaussianBlur(picture, (0, 0), max(0.12 * opening, 0.8)).astype(np.float32)
    near = _evened(_sample(soft, (np.float32(0.5) * (edge + fold))[:, None])[:, 0])
    far = _evened(_sample(soft, fold[:, None])[:, 0])
    down = np.linspace(0, 1, _ROWS, dtype=np.float32)[:, None, None]
    colour = _resample(far)[None] * (1 - down) + _resample(near)[None] * down
    # A closed lid bulges over the eyeball: lightest in its middle, in its own shadow below.
    colour *= 1 + 0.05 * np.sin(np.pi * down) - 0.1 * down**3
    lash = _sample(cv2.GaussianBlur(picture, (0, 0), 0.6).astype(np.float32), edge[:, None])[:, 0]
    darkest = np.sort(lash.mean(1))[1]
    lash_colour = lash[lash.mean(1) <= darkest].mean(0) * 0.75
    lashes = np.array(_LASHES, np.float32)[:, None, None]
    colour[-len(_LASHES) :] += lashes * (
        np.minimum(colour[-len(_LASHES) :], lash_colour) - colour[-len(_LASHES) :]
    )
    alpha = np.full((_ROWS, _COLUMNS), 255.0, np.float32)
    alpha[:_FADE_ROWS] *= np.linspace(0, 1, _FADE_ROWS, dtype=np.float32)[:, None]
    alpha[-1] = 0
    alpha *= np.clip(np.minimum(np.arange(_COLUMNS), np.arange(_COLUMNS)[::-1]) / 4, 0, 1)[None]
    texture = np.dstack([colour, alpha])
    return LidSheet(
        texture=np.clip(texture, 0, 255).astype(np.uint8),
        crease=crease,
        lid=lid,
        lower=lower,
        opening=opening,
    )


def _evened(colours: F32) -> F32:
    """Smooth colours [9, 3] along the lid; a lash or a glint must not become a streak."""
    calm = np.median(np.stack([np.roll(colours, k, axis=0) for k in (-1, 0, 1)])[:, 1:-1], axis=0)
    row = np.concatenate([calm[:1], calm, calm[-1:]])
    padded = np.pad(row, ((2, 2), (0, 0)), mode="edge")
    return np.asarray(
        sum(w * padded[k : k + len(row)] for k, w in enumerate((1, 2, 3, 2, 1))) / 9, np.float32
    )


def _resample(row: F32) -> F32:
    """Interpolate a row of 9 values [9, C] at the texture's columns."""
    at = np.linspace(0, len(row) - 1, _COLUMNS)
    return np.stack(
        [np.interp(at, np.arange(len(row)), row[:, c]) for c in range(row.shape[1])], axis=1
    ).astype(np.float32)


def _sheet() -> tuple[F32, I32]:
    columns = np.arange(_COLUMNS, dtype=np.float32)
    uv = np.concatenate([np.stack([columns, np.full_like(columns, v)], 1) for v in (0, _ROWS - 1)])
    i = np.arange(_COLUMNS - 1)
    triangles = np.concatenate(
        [np.stack([i, i + 1, i + _COLUMNS], 1), np.stack([i + 1, i + 1 + _COLUMNS, i + _COLUMNS], 1)]
    )
    return uv, triangles.astype(np.int32)


_SHEET_UV, _SHEET_TRIANGLES = _sheet()
