"""Drawing a rig: one motion frame in, one picture out."""

from __future__ import annotations

from typing import Final

import numpy as np

from models.motion import INDEX, NUM_BLENDSHAPES, NUM_MOTION
from models.rig import topology as t
from models.rig.arrays import F32, U8
from models.rig.raster import rasterise, shade, soften
from models.rig.rig import Rig

_FAR: Final = np.float32(3.4e38)
_STEP: Final = 0.07  # depth between neighbouring pixels that makes an edge, in outer eye corner distances
_BREATH_PERIOD_S: Final = 4.1
_BREATH_RISE: Final = 0.014  # of the shoulders, in outer eye corner distances
_LIP_ROWS: Final = (
    (t.INNER_UPPER_LIP, t.INNER_LOWER_LIP, 1.0),
    ((76, *t.MIDDLE_UPPER_LIP[0], 306), (76, *t.MIDDLE_LOWER_LIP[0], 306), 0.8),
    ((62, *t.MIDDLE_UPPER_LIP[1], 292), (62, *t.MIDDLE_LOWER_LIP[1], 292), 0.9),
)
_LIDS: Final = ((t.LEFT_UPPER_LID, t.LEFT_LOWER_LID), (t.RIGHT_UPPER_LID, t.RIGHT_LOWER_LID))


class RigRenderer:
    """Draws frames of one rig; holds the scratch buffers, so use one for each thread."""

    def __init__(self, rig: Rig) -> None:
        size = rig.size
        self._rig = rig
        self._shapes = rig.skin.shapes.reshape(NUM_BLENDSHAPES, -1)
        self._map = np.zeros((size, size, 2), np.float32)
        self._depth = np.empty((size, size), np.float32)

    def render(self, motion: F32, time_s: float) -> U8:
        """Draw motion float32 [58] at a time in seconds (for breathing): RGB uint8 [size, size, 3]."""
        if motion.shape != (NUM_MOTION,):
            raise ValueError(f"a motion frame has shape ({NUM_MOTION},), got {motion.shape}")
        rig = self._rig
        motion = np.asarray(motion, np.float32)
        skin = self._moved(motion, time_s)
        canvas = rig.backdrop.copy()
        self._depth.fill(_FAR)
        rasterise(skin, self._uv(motion), rig.skin.triangles, self._map, self._depth)
        shade(self._map, self._depth, rig.texture, canvas)
        soften(canvas, self._depth, _STEP * rig.joint.unit)
        for eye in rig.eyes:
            eye.draw(canvas, skin, motion, rig.joint, rig.picture)
        rig.mouth.draw(canvas, skin, motion, rig.joint)
        return canvas

    def _moved(self, motion: F32, time_s: float) -> F32:
        """Skin vertices [V, 3] under expression, head pose and breath."""
        rig = self._rig
        moved = rig.skin.rest + (motion[:NUM_BLENDSHAPES] @ self._shapes).reshape(rig.skin.rest.shape)
        self._part(moved)
        head = rig.skin.head[:, None]
        breath = np.float32(_BREATH_RISE * rig.joint.unit * np.sin(2 * np.pi * time_s / _BREATH_PERIOD_S))
        turned = rig.joint.turn(moved, motion)
        moved += head * (turned - moved)
        moved[:, 1:2] -= breath * (1 - head)
        return moved

    def _part(self, skin: F32) -> None:
        """Undo lips and lids that were driven through each other."""
        down = self._rig.neutral.rotation[:2, 1]
        for upper, lower, share in _LIP_ROWS:
            up, low = list(upper), list(lower)
            crossed = np.maximum(-((skin[low, :2] - skin[up, :2]) @ down), 0)[:, None] * (0.5 * share) * down
            skin[up, :2] -= crossed
            skin[low, :2] += crossed
        for lid, lower_lid in _LIDS:
            up, low = list(lid), list(lower_lid)
            skin[up, :2] -= np.maximum(-((skin[low, :2] - skin[up, :2]) @ down), 0)[:, None] * down

    def _uv(self, motion: F32) -> F32:
        """Texture coordinates, with the lids' edges drawn back as they close."""
        uv = self._rig.skin.uv.copy()
        for eye, name in zip(self._rig.eyes, ("eyeBlinkLeft", "eyeBlinkRight"), strict=True):
            upper, lower = eye.lid_samples(float(np.clip(motion[INDEX[name]], 0, 1)))
            uv[list(eye.upper[1:-1])] += upper[1:-1]
            uv[list(eye.lower[1:-1])] += lower[1:-1]
        return uv
