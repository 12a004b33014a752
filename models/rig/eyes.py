"""The eyes: an eyeball that looks around under lids that cover it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from models.motion import INDEX
from models.rig import topology as t
from models.rig.arrays import F32, I32, U8
from models.rig.lids import LidSheet, build_lid_sheet, lid_margin
from models.rig.neutral import Neutral
from models.rig.opening import Window, curve
from models.rig.pose import HeadJoint

_SPOKES: Final = 20
_RINGS: Final = (0.55, 1.0, 1.22)  # of the iris radius; these rings move with the gaze, the outer one stays
_REACH: Final = np.array([0.215, 0.15])  # half axes of the resting outer ring, in mean-face units
_GAZE_X: Final = 0.062  # iris travel at eyeLookIn/Out = 1, in mean-face units
_GAZE_UP: Final = 0.036
_GAZE_DOWN: Final = 0.042
_CURVE: Final = curve(len(t.LEFT_UPPER_LID))


@dataclass(frozen=True, slots=True, kw_only=True)
class Eye:
    """One eye of a portrait, in frame pixels.

    ball: float32 [81, 3], points of the eyeball at rest: the iris's centre, rings about it, one about the
    socket. uv: float32 [81, 2], where the picture shows them. moves: float32 [81], their share of the gaze.
    right, down, up: float32 [3], the iris's travel at gaze one. upper, lower: landmark numbers of the lids.
    upper_margin, lower_margin: float32 [9, 2], from each lid vertex past its lashes.
    """

    ball: F32
    uv: F32
    moves: F32
    triangles: I32
    right: F32
    down: F32
    up: F32
    upper: tuple[int, ...]
    lower: tuple[int, ...]
    upper_margin: F32
    lower_margin: F32
    sheet: LidSheet
    is_left: bool

    def draw(self, canvas: U8, skin: F32, motion: F32, joint: HeadJoint, texture: U8) -> None:
        """Paint the eyeball between the lids of moved skin float32 [V, 3] onto the canvas."""
        upper, lower = skin[list(self.upper), :2], skin[list(self.lower), :2]
        axis = skin[self.upper[-1], :2] - skin[self.upper[0], :2]
        down = np.array([axis[1], -axis[0]]) if self.is_left else np.array([-axis[1], axis[0]])
        down = (down / max(float(np.hypot(*down)), 1e-6)).astype(np.float32)
        window = Window.between(_CURVE @ upper, _CURVE @ lower, down, canvas.shape[0])
        if window is not None:
            layer = window.layer(canvas)
            looked = self.ball + self.moves[:, None] * self._gaze(motion)
            layer.paint(joint.turn(looked.astype(np.float32), motion), self.uv, self.triangles, texture)
            window.lay(canvas, layer)
        self.sheet.draw(canvas, skin)

    def lid_samples(self, closing: float) -> tuple[F32, F32]:
        """Offsets [9, 2] for the texture of both lids, so that a closing one shows skin, not eye."""
        share = np.float32(closing)
        return share * self.upper_margin, share * self.lower_margin

    def _gaze(self, motion: F32) -> F32:
        side = "Left" if self.is_left else "Right"
        outward = float(motion[INDEX[f"eyeLookOut{side}"]] - motion[INDEX[f"eyeLookIn{side}"]])
        rightward = outward if self.is_left else -outward
        upward = float(motion[INDEX[f"eyeLookUp{side}"]])
        downward = float(motion[INDEX[f"eyeLookDown{side}"]])
        gaze: F32 = rightward * self.right + upward * self.up + downward * self.down
        return gaze


def build_eye(picture: U8, points: F32, neutral: Neutral, *, is_left: bool) -> Eye:
    """Take one eye from a framed picture uint8 [S, S, 3] and its landmarks float32 [478, 3]."""
    upper, lower, iris, crease = (
        (t.LEFT_UPPER_LID, t.LEFT_LOWER_LID, t.LEFT_IRIS, t.LEFT_CREASE)
        if is_left
        else (t.RIGHT_UPPER_LID, t.RIGHT_LOWER_LID, t.RIGHT_IRIS, t.RIGHT_CREASE)
    )
    to_image = (neutral.scale * neutral.rotation).astype(np.float32)
    lids = points[[*upper, *lower]]
    centre = points[iris[0]].copy()
    centre[2] = lids[:, 2].mean()
    radius = float(np.linalg.norm(points[list(iris[1:]), :2] - centre[:2], axis=1).mean()) / neutral.scale
    flat = _rings(radius, lids.mean(0), centre, to_image)
    ball = np.concatenate([centre[None], flat]).astype(np.float32)
    moves = np.repeat([1.0, 0.0], [1 + _SPOKES * len(_RINGS), _SPOKES]).astype(np.float32)
    return Eye(
        ball=ball, uv=np.ascontiguousarray(ball[:, :2]), moves=moves, triangles=_fan(len(_RINGS) + 1),
        right=to_image @ np.array([_GAZE_X, 0, 0], np.float32),
        down=to_image @ np.array([0, _GAZE_DOWN, 0], np.float32),
        up=to_image @ np.array([0, -_GAZE_UP, 0], np.float32),
        upper=upper, lower=lower, upper_margin=lid_margin(points, upper, lower),
        lower_margin=lid_margin(points, lower, upper),
        sheet=build_lid_sheet(picture, points, crease, upper, lower), is_left=is_left,
    )  # fmt: skip


def _rings(radius: float, socket: F32, centre: F32, to_image: F32) -> F32:
    """Rings about the iris and one about the socket, [(R+1)*S, 3] in frame pixels."""
    angles = np.arange(_SPOKES) * (2 * np.pi / _SPOKES)
    circle = np.stack([np.cos(angles), np.sin(angles), np.zeros(_SPOKES)], axis=1)
    rings = [centre + (share * radius * circle) @ to_image.T for share in _RINGS]
    rings.append(socket + (circle * np.array([*_REACH, 0.0])) @ to_image.T)
    return np.concatenate(rings).astype(np.float32)


def _fan(rings: int) -> I32:
    """Triangles of a centre (vertex 0) and concentric rings of equal spokes."""
    found: list[tuple[int, int, int]] = []
    for s in range(_SPOKES):
        after = (s + 1) % _SPOKES
        found.append((0, 1 + s, 1 + after))
        for ring in range(rings - 1):
            inner, outer = 1 + ring * _SPOKES, 1 + (ring + 1) * _SPOKES
            found += [(inner + s, outer + s, outer + after), (inner + s, outer + after, inner + after)]
    return np.array(found, np.int32)
