"""The inside of the mouth: teeth fixed to skull and jaw, a tongue, and the dark between them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from models.motion import INDEX
from models.rig import topology as t
from models.rig.arrays import F32, I32, U8
from models.rig.neutral import Neutral
from models.rig.opening import Layer, Window, curve
from models.rig.pose import HeadJoint
from models.rig.teeth import LOWER_TEETH, UPPER_TEETH, tongue_texture, tooth_texture

_CURVE: Final = curve(len(t.INNER_UPPER_LIP))
_COLUMNS: Final = 24
_ARCH_ANGLE: Final = 1.25  # radians to either side of the middle that the row of teeth reaches
_ARCH_DEPTH: Final = 0.16
_BEHIND_LIPS: Final = 0.05
_INCISAL: Final = 0.022  # how far the upper teeth reach below the seam of the closed lips
_UPPER_HEIGHT, _LOWER_HEIGHT = 0.115, 0.095
_UPPER_HALF_WIDTH, _LOWER_HALF_WIDTH = 0.25, 0.225
_LOWER_TOP: Final = 0.012  # how far below the seam the lower teeth begin
_TONGUE: Final = (0.15, 0.16)  # half width and height
_TONGUE_TOP: Final = -0.015  # below the seam, while the jaw is shut
_TONGUE_SHARE: Final = 0.72  # of the jaw's travel that the tongue makes
_TEXELS: Final = 1.5  # of the teeth's texture for each pixel of the frame
_USUAL_SKIN: Final = np.array([200.0, 162.0, 138.0])  # the RGB the colours below were chosen beside
_CAVITY: Final = np.array([58.0, 20.0, 20.0])
_FULL_WIDTH: Final = 0.58  # of the mean mouth, for which the sizes above are meant
_JAW: Final = ("jawOpen", "jawForward", "jawLeft", "jawRight")


Place = Callable[[F32], F32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A textured piece inside the mouth: rest float32 [V, 3], uv [V, 2], triangles [T, 3], RGBA texture."""

    rest: F32
    uv: F32
    triangles: I32
    texture: U8


@dataclass(frozen=True, slots=True, kw_only=True)
class Mouth:
    """What shows between the lips of one portrait, in frame pixels.

    jaw: float32 [4, 3], travel of the jaw at jawOpen, jawForward, jawLeft, jawRight = 1.
    lift: float32 [3], travel of the tongue at tongueOut = 1. cavity: RGB float32 [3].
    """

    upper: Part
    lower: Part
    tongue: Part
    jaw: F32
    lift: F32
    cavity: F32
    unit: float

    def draw(self, canvas: U8, skin: F32, motion: F32, joint: HeadJoint) -> None:
        """Paint the inside between the lips of moved skin float32 [V, 3] onto the canvas."""
        upper, lower = skin[list(t.INNER_UPPER_LIP), :2], skin[list(t.INNER_LOWER_LIP), :2]
        axis = upper[-1] - upper[0]
        down = np.array([-axis[1], axis[0]], np.float32) / max(float(np.hypot(*axis)), 1e-6)
        window = Window.between(_CURVE @ upper, _CURVE @ lower, down, canvas.shape[0])
        if window is None:
            return
        layer = window.layer(canvas)
        layer.pixels[:] = self.cavity.astype(np.uint8)
        jaw = motion[[INDEX[name] for name in _JAW]] @ self.jaw
        lifted = jaw * np.float32(_TONGUE_SHARE) + float(motion[INDEX["tongueOut"]]) * self.lift
        for part, travel in ((self.tongue, lifted), (self.lower, jaw), (self.upper, np.zeros(3, np.float32))):
            moved = joint.turn((part.rest + travel).astype(np.float32), motion)
            layer.paint(moved, part.uv, part.triangles, part.texture)
        self._darken(layer, window)
        window.lay(canvas, layer)

    def _darken(self, layer: Layer, window: Window) -> None:
        """Let the lips shade what lies behind them: darker near the outline, most below the upper lip."""
        reach = max(0.035 * self.unit, 0.8)
        drop = np.array([[1, 0, 0], [0, 1, 0.5 * reach]], np.float32)
        height, width = window.mask.shape
        lowered = cv2.warpAffine(window.mask, drop, (width, height))
        light = cv2.GaussianBlur(np.minimum(lowered, window.mask), (0, 0), reach)
        shading = 0.55 + 0.45 * np.clip(light.astype(np.float32) / 150, 0, 1)
        np.multiply(layer.pixels, shading[..., None], out=layer.pixels, casting="unsafe")


def build_mouth(picture: U8, points: F32, neutral: Neutral, shapes: F32) -> Mouth:
    """Furnish the mouth of a framed portrait: picture uint8 [S, S, 3], points [478, 3], shapes [52, V, 3]."""
    closed = neutral.points
    seam = (closed[13] + closed[14]) / 2
    width = float(np.linalg.norm(closed[308] - closed[78])) / _FULL_WIDTH * 1.1
    size = float(np.clip(width, 0.75, 1.3))
    light = _lighting(picture, points)
    to_image = neutral.scale * neutral.rotation.T

    def place(local: F32) -> F32:
        return np.asarray((local * size + seam) @ to_image + neutral.offset, np.float32)

    texels = round(_TEXELS * 2 * _UPPER_HALF_WIDTH * size * neutral.scale)
    upper = tooth_texture(UPPER_TEETH, light, texels, gums_above=True)
    lower = tooth_texture(LOWER_TEETH, light, texels, gums_above=False)
    tongue = tongue_texture(light)
    return Mouth(
        upper=_row(place, _INCISAL - _UPPER_HEIGHT, _INCISAL, upper, _UPPER_HALF_WIDTH),
        lower=_row(place, _LOWER_TOP, _LOWER_TOP + _LOWER_HEIGHT, lower, _LOWER_HALF_WIDTH),
        tongue=_quad(place, tongue),
        jaw=np.stack([shapes[INDEX[name], 15] for name in _JAW]),
        lift=np.asarray(np.array([0, -0.05, -0.02]) @ to_image, np.float32),
        cavity=np.asarray(_CAVITY * light, np.float32),
        unit=neutral.scale,
    )


def _lighting(picture: U8, points: F32) -> F32:
    """RGB factors that fit the inside to the portrait's light, judged by its cheeks, nose and chin."""
    spots = np.clip(
        np.round(points[[50, 280, 205, 425, 4, 199, 101, 330], :2]), 0, picture.shape[0] - 1
    ).astype(int)
    skin = np.median(picture[spots[:, 1], spots[:, 0]].astype(np.float64), axis=0)
    brightness = float(np.clip(skin.mean() / _USUAL_SKIN.mean(), 0.35, 1.1))
    tint = np.clip((skin + 8) / (_USUAL_SKIN + 8) / ((skin.mean() + 8) / (_USUAL_SKIN.mean() + 8)), 0.7, 1.35)
    return np.asarray(brightness * tint**0.6, np.float32)


def _row(place: Place, top: float, bottom: float, texture: U8, half_width: float) -> Part:
    """A row of teeth bent along the dental arch."""
    angles = np.linspace(-_ARCH_ANGLE, _ARCH_ANGLE, _COLUMNS)
    x = half_width * np.sin(angles) / np.sin(_ARCH_ANGLE)
    z = _BEHIND_LIPS + _ARCH_DEPTH * (1 - np.cos(angles))
    local = np.concatenate([np.stack([x, np.full_like(x, y), z], axis=1) for y in (top, bottom)])
    u = np.linspace(0, texture.shape[1] - 1, _COLUMNS)
    uv = np.concatenate([np.stack([u, np.full_like(u, v)], axis=1) for v in (0, texture.shape[0] - 1)])
    i = np.arange(_COLUMNS - 1)
    triangles = np.concatenate(
        [np.stack([i, i + 1, i + _COLUMNS], 1), np.stack([i + 1, i + 1 + _COLUMNS, i + _COLUMNS], 1)]
    )
    rest: F32 = place(local)
    return Part(rest=rest, uv=uv.astype(np.float32), triangles=triangles.astype(np.int32), texture=texture)


def _quad(place: Place, texture: U8) -> Part:
    half, height = _TONGUE
    local = np.array([[x, y, 0.12] for y in (_TONGUE_TOP, _TONGUE_TOP + height) for x in (-half, half)])
    uv = np.array([[u, v] for v in (0, texture.shape[0] - 1) for u in (0, texture.shape[1] - 1)], np.float32)
    return Part(
        rest=place(local), uv=uv, triangles=np.array([[0, 1, 2], [1, 3, 2]], np.int32), texture=texture
    )
