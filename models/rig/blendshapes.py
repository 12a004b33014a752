"""The 52 ARKit blendshapes as displacements of any face's own vertices."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.motion import BLENDSHAPES, INDEX, NUM_BLENDSHAPES
from models.rig import topology as t
from models.rig.arrays import F32
from models.rig.face import mean_face
from models.rig.plate import Handles, Plate

_JAW_ANGLE: Final = 0.38  # radians of jaw rotation at jawOpen = 1
_JAW_JOINT: Final = np.array([0.0, 0.25, 0.55])
_LOWER_FACE: Final = (152, 148, 377, 176, 400, 175, 199, 200, 18, 83, 313, 182, 406, 32, 262, 201, 421)
_LOWER_LIP: Final = (
    17,
    14,
    15,
    16,
    84,
    314,
    85,
    315,
    86,
    316,
    87,
    317,
    181,
    405,
    180,
    404,
    178,
    402,
    179,
    403,
)
_UPPER_LIP: Final = (0, 11, 12, 13, 37, 267, 72, 302, 38, 268, 82, 312, 39, 269, 73, 303, 41, 271, 81, 311)
_NOSE: Final = (1, 2, 4, 5, 6, 168, 195, 197, 98, 327, 48, 278, 64, 294, 129, 358, 49, 279)
_UPPER_OVAL: Final = (10, 338, 297, 332, 284, 251, 389, 356, 454, 109, 67, 103, 54, 21, 162, 127, 234)
_JAW_OVAL: Final = (
    323,
    361,
    288,
    397,
    365,
    379,
    378,
    400,
    377,
    152,
    148,
    176,
    149,
    150,
    136,
    172,
    58,
    132,
    93,
)
_EYE_RING: Final = (359, 255, 339, 254, 253, 252, 256, 341, 463, 467, 260, 259, 257, 258, 286, 414)
_CHEEK: Final = (280, 352, 346, 347, 330, 425, 266, 329, 348, 411, 427, 436, 376, 345, 372, 340)
_FOREHEAD: Final = (10, 338, 297, 332, 284, 151, 337, 299, 333, 298, 109, 67, 103, 54, 108, 69, 104, 68)

Lip = tuple[tuple[int, ...], tuple[int, ...]]
Share = Callable[[int], float]
_UPPER: Final[Lip] = (t.OUTER_UPPER_LIP, t.INNER_UPPER_LIP)
_LOWER: Final[Lip] = (t.OUTER_LOWER_LIP, t.INNER_LOWER_LIP)


def displacements(neutral: F32) -> F32:
    """Displacement of every vertex at coefficient one, float32 [52, 468, 3].

    neutral: float32 [478, 3], the face without pose and with lips closed, in mean-face units (outer eye
    corners one apart). Few handles are moved by hand-set vectors and the rest of the skin follows as a thin
    plate (bi-Laplacian of the mesh), so lids meet lids and lips meet lips on every face.
    """
    return _Author(neutral).shapes()


class _Author:
    """Holds the factors of one face's mesh while its shapes are solved."""

    def __init__(self, neutral: F32) -> None:
        face = mean_face()
        self.points = neutral[: t.NUM_VERTICES].astype(np.float64)
        self.mirror = face.mirror[: t.NUM_VERTICES]
        self._plate = Plate(self.points, face.triangles)

    def shapes(self) -> F32:
        left: dict[str, Callable[[], NDArray[np.float64]]] = {
            "eyeBlink": self._blink, "eyeLookDown": self._look_down, "eyeLookUp": self._look_up,
            "eyeSquint": self._squint, "eyeWide": self._wide, "mouthSmile": self._smile,
            "mouthFrown": self._frown, "mouthDimple": self._dimple, "mouthStretch": self._stretch,
            "mouthPress": self._press, "mouthLowerDown": self._lower_down, "mouthUpperUp": self._upper_up,
            "browDown": self._brow_down, "browOuterUp": self._brow_outer_up,
            "cheekSquint": self._cheek_squint, "noseSneer": self._nose_sneer,
        }  # fmt: skip
        jaw = self._jaw_weights()
        whole: dict[str, NDArray[np.float64]] = {
            "jawOpen": self._jaw_open(jaw), "jawForward": jaw * [0, -0.01, -0.07],
            "jawLeft": jaw * [0.12, 0, 0], "jawRight": jaw * [-0.12, 0, 0],
            "mouthFunnel": self._funnel(), "mouthPucker": self._pucker(),
            "mouthLeft": self._mouth_aside(0.1), "mouthRight": self._mouth_aside(-0.1),
            "mouthRollLower": self._roll_lower(), "mouthRollUpper": self._roll_upper(),
            "mouthShrugLower": self._shrug_lower(), "mouthShrugUpper": self._shrug_upper(),
            "browInnerUp": self._brow_inner_up(), "cheekPuff": self._cheek_puff(),
        }  # fmt: skip
        whole["mouthClose"] = self._close(whole["jawOpen"])
        shapes = np.zeros((NUM_BLENDSHAPES, t.NUM_VERTICES, 3))
        for name, shape in whole.items():
            shapes[INDEX[name]] = shape
        for name, author in left.items():
            shape = author()
            shapes[INDEX[f"{name}Left"]] = shape
            shapes[INDEX[f"{name}Right"]] = shape[self.mirror] * [-1, 1, 1]
        assert len(BLENDSHAPES) == NUM_BLENDSHAPES
        return shapes.astype(np.float32)

    def _spread(self, handles: Handles, still: Iterable[int] = ()) -> NDArray[np.float64]:
        return self._plate.spread(handles, still)

    # Eyes -----------------------------------------------------------------------------------------

    def _gap(self) -> NDArray[np.float64]:
        """From each upper lid vertex of the left eye to its partner on the lower lid: [9, 3]."""
        gap: NDArray[np.float64] = self.points[list(t.LEFT_LOWER_LID)] - self.points[list(t.LEFT_UPPER_LID)]
        return gap

    def _lids(self, upper: float, lower: float) -> NDArray[np.float64]:
        """Move the lids by shares of the gap between them; positive closes."""
        gap = self._gap()
        handles = {v: upper * d for v, d in zip(t.LEFT_UPPER_LID[1:-1], gap[1:-1], strict=True)}
        handles |= {v: -lower * d for v, d in zip(t.LEFT_LOWER_LID[1:-1], gap[1:-1], strict=True)}
        corners = (t.LEFT_EYE_OUTER, t.LEFT_UPPER_LID[-1])
        return self._spread(
            handles, (*corners, *t.LEFT_BROW_LOWER, *_CHEEK, *_NOSE, *_EYE_RING[:9], *_UPPER_OVAL)
        )

    def _blink(self) -> NDArray[np.float64]:
        return self._lids(0.9, 0.1)

    def _look_down(self) -> NDArray[np.float64]:
        return self._lids(0.38, -0.08)

    def _look_up(self) -> NDArray[np.float64]:
        return self._lids(-0.16, 0.04)

    def _wide(self) -> NDArray[np.float64]:
        return self._lids(-0.32, -0.06)

    def _squint(self) -> NDArray[np.float64]:
        handles = {v: np.array([0, -0.03, 0]) for v in t.LEFT_LOWER_LID[2:-2]}
        handles |= {v: np.array([0, -0.03, 0]) for v in _EYE_RING[1:8]}
        handles |= {v: np.array([0, 0.012, 0]) for v in t.LEFT_UPPER_LID[2:-2]}
        return self._spread(handles, (*t.LEFT_BROW_LOWER, *_NOSE, 425, 411, 263, 362))

    # Jaw ------------------------------------------------------------------------------------------

    def _jaw_weights(self) -> NDArray[np.float64]:
        """How much of the jaw's motion each vertex takes: [468, 1]."""
        one, most, half, little = (np.full(3, w) for w in (1.0, 0.85, 0.5, 0.2))
        handles: Handles = dict.fromkeys((*_LOWER_FACE, *_LOWER_LIP), one)
        handles |= dict.fromkeys((379, 378, 149, 150), one)
        handles |= dict.fromkeys((365, 136), most) | dict.fromkeys((397, 172), half)
        handles |= dict.fromkeys((288, 58), little)
        handles |= dict.fromkeys(t.LIP_CORNERS, np.full(3, 0.42))
        handles |= dict.fromkeys((321, 375, 91, 146, 324, 318, 95, 88), np.full(3, 0.72))
        still = (*_UPPER_LIP, *_NOSE, *_UPPER_OVAL, 361, 132, 323, 93, 266, 36, 280, 50, 426, 206)
        return np.clip(self._spread(handles, still)[:, :1], 0, 1)

    def _jaw_open(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        cosine, sine = np.cos(_JAW_ANGLE), np.sin(_JAW_ANGLE)
        turned = (self.points - _JAW_JOINT) @ np.array([[1, 0, 0], [0, cosine, sine], [0, -sine, cosine]])
        opened: NDArray[np.float64] = weights * (turned + _JAW_JOINT - self.points)
        return opened

    def _close(self, jaw_open: NDArray[np.float64]) -> NDArray[np.float64]:
        """Bring the lips together over an open jaw: the lower lip does most of the way."""
        upper = (t.INNER_UPPER_LIP, *(_padded(row) for row in t.MIDDLE_UPPER_LIP), t.OUTER_UPPER_LIP)
        lower = (t.INNER_LOWER_LIP, *(_padded(row) for row in t.MIDDLE_LOWER_LIP), t.OUTER_LOWER_LIP)
        handles: Handles = {}
        for up_row, low_row, share in zip(upper, lower, (1.0, 0.97, 0.93, 0.85), strict=True):
            for up, low in zip(up_row, low_row, strict=True):
                gap = jaw_open[low] - jaw_open[up]
                handles[up] = 0.22 * share * gap
                handles[low] = -0.78 * share * gap
        return self._spread(handles, (*_NOSE, 152, 175, 148, 377, 199, *_CHEEK, *_UPPER_OVAL))

    # Lips -----------------------------------------------------------------------------------------

    def _centre(self) -> float:
        return float(self.points[[61, 291], 0].mean())

    def _across(self, vertex: int) -> float:
        """Position along the mouth: -1 at the subject's right corner, +1 at the left."""
        half = (self.points[291, 0] - self.points[61, 0]) / 2
        return float(np.clip((self.points[vertex, 0] - self._centre()) / half, -1.2, 1.2))

    def _mouth_still(self) -> tuple[int, ...]:
        return (*_NOSE, 152, 175, *_UPPER_OVAL, 280, 50, 361, 132, 397, 172)

    def _round(self, inward: float, upper: float, lower: float, forward: float) -> NDArray[np.float64]:
        handles: Handles = {}
        for v in _rows(t.OUTER_UPPER_LIP, t.INNER_UPPER_LIP, *t.MIDDLE_UPPER_LIP):
            across = self._across(v)
            handles[v] = np.array(
                [-inward * across, -upper * (1 - across**2), -forward * (1 - 0.5 * across**2)]
            )
        for v in _rows(t.OUTER_LOWER_LIP[1:-1], t.INNER_LOWER_LIP[1:-1], *t.MIDDLE_LOWER_LIP):
            across = self._across(v)
            handles[v] = np.array(
                [-inward * across, lower * (1 - across**2), -forward * (1 - 0.5 * across**2)]
            )
        return self._spread(handles, self._mouth_still())

    def _funnel(self) -> NDArray[np.float64]:
        return self._round(0.08, 0.045, 0.06, 0.06)

    def _pucker(self) -> NDArray[np.float64]:
        shape = self._round(0.12, 0.0, 0.0, 0.08)
        thicken = {v: np.array([0, -0.018, 0]) for v in t.OUTER_UPPER_LIP[3:8]}
        thicken |= {v: np.array([0, 0.022, 0]) for v in t.OUTER_LOWER_LIP[3:8]}
        inner = (*t.INNER_UPPER_LIP, *t.INNER_LOWER_LIP)
        return shape + self._spread(thicken, (*inner, *self._mouth_still()))

    def _mouth_aside(self, shift: float) -> NDArray[np.float64]:
        rows = _rows(t.OUTER_UPPER_LIP, t.INNER_UPPER_LIP, t.OUTER_LOWER_LIP, t.INNER_LOWER_LIP)
        return self._spread(dict.fromkeys(rows, np.array([shift, 0, 0])), (1, 4, 168, 152, *_UPPER_OVAL))

    def _corner(self, x: float, y: float, z: float) -> Handles:
        return dict.fromkeys((291, 306, 292, 308), np.array([x, y, z]))

    def _corner_shape(self, x: float, y: float, z: float, cheek: float = 0.0) -> NDArray[np.float64]:
        handles = self._corner(x, y, z)
        for v, share in ((270, 0.2), (269, 0.06), (321, 0.3), (405, 0.1), (409, 0.62), (375, 0.66)):
            handles[v] = share * np.array([x, y, z])
        for v, share in ((310, 0.25), (311, 0.08), (318, 0.3), (402, 0.1), (415, 0.7), (324, 0.7)):
            handles[v] = share * np.array([x, y, z])
        handles |= dict.fromkeys((425, 411, 280), np.array([0.01, -cheek, -cheek * 0.6]))
        still = (0, 13, 14, 17, 61, 78, 37, 84, 82, 87, 152, 263, 362, 374, 361, *_NOSE, *_UPPER_OVAL)
        return self._spread(handles, still)

    def _smile(self) -> NDArray[np.float64]:
        return self._corner_shape(0.095, -0.085, 0.05, cheek=0.035)

    def _frown(self) -> NDArray[np.float64]:
        return self._corner_shape(0.015, 0.075, 0.01)

    def _dimple(self) -> NDArray[np.float64]:
        return self._corner_shape(0.055, -0.005, 0.05)

    def _stretch(self) -> NDArray[np.float64]:
        return self._corner_shape(0.085, 0.035, 0.035)

    def _left(self, vertex: int) -> float:
        """Share of a vertex that belongs to the left half of the mouth, smooth over the middle."""
        return float(np.clip(0.5 + 0.9 * self._across(vertex), 0, 1))

    def _lip_rows(self, rows: Iterable[tuple[tuple[int, ...], float]], share: Share) -> Handles:
        """Vertical handles for rows of lip vertices with an amount each, fading towards the corners."""
        handles: Handles = {}
        for row, amount in rows:
            for v in row:
                fade = max(0.0, 1 - abs(self._across(v)) ** 3)
                handles[v] = np.array([0, amount * fade * share(v), 0])
        return handles

    def _lower_down(self) -> NDArray[np.float64]:
        rows = [(t.INNER_LOWER_LIP[1:-1], 0.085), (t.OUTER_LOWER_LIP[1:-1], 0.075)]
        rows += [(row, 0.08) for row in t.MIDDLE_LOWER_LIP]
        still = (*t.INNER_UPPER_LIP, *t.LIP_CORNERS, 152, *_NOSE)
        return self._spread(self._lip_rows(rows, self._left), still)

    def _upper_up(self) -> NDArray[np.float64]:
        rows = [(t.INNER_UPPER_LIP[1:-1], -0.07), (t.OUTER_UPPER_LIP[1:-1], -0.06)]
        rows += [(row, -0.065) for row in t.MIDDLE_UPPER_LIP]
        still = (*t.INNER_LOWER_LIP, *t.LIP_CORNERS, 1, 4, 280, 50)
        return self._spread(self._lip_rows(rows, self._left), still)

    def _squeeze(self, amount: float, lips: tuple[Lip, ...], share: Share) -> NDArray[np.float64]:
        """Draw the lips' outer edges towards the seam by an amount of the lips' thickness."""
        handles: Handles = {}
        for outer, inner in lips:
            for v, seam in zip(outer[1:-1], inner[1:-1], strict=True):
                handles[v] = amount * share(v) * (self.points[seam] - self.points[v])
        seam_row = (*t.INNER_UPPER_LIP, *t.INNER_LOWER_LIP, *t.LIP_CORNERS)
        return self._spread(handles, (*seam_row, *_NOSE, 152, 175))

    def _press(self) -> NDArray[np.float64]:
        return self._squeeze(0.3, (_UPPER, _LOWER), self._left)

    def _roll_lower(self) -> NDArray[np.float64]:
        return self._squeeze(0.62, (_LOWER,), _whole)

    def _roll_upper(self) -> NDArray[np.float64]:
        return self._squeeze(0.62, (_UPPER,), _whole)

    def _shrug_lower(self) -> NDArray[np.float64]:
        rows: list[tuple[tuple[int, ...], float]] = [((18, 200, 199, 175), -0.05)]
        rows += [(t.INNER_LOWER_LIP[1:-1], -0.045), (t.OUTER_LOWER_LIP[1:-1], -0.06)]
        rows += [(t.INNER_UPPER_LIP[1:-1], -0.03), (t.OUTER_UPPER_LIP[1:-1], -0.02)]
        return self._spread(self._lip_rows(rows, _whole), (*t.LIP_CORNERS, *_NOSE, *_UPPER_OVAL))

    def _shrug_upper(self) -> NDArray[np.float64]:
        rows = [(t.INNER_UPPER_LIP[1:-1], -0.03), (t.OUTER_UPPER_LIP[1:-1], -0.045)]
        return self._spread(self._lip_rows(rows, _whole), (*t.LIP_CORNERS, *t.INNER_LOWER_LIP, 1, 4))

    # Brows, cheeks, nose ----------------------------------------------------------------------------

    def _brow(self, amounts: tuple[float, ...], inward: float = 0.0) -> Handles:
        """Vertical handles for the left brow from its inner to its outer end."""
        handles: Handles = {}
        for row in (t.LEFT_BROW_LOWER, t.LEFT_BROW_UPPER):
            for v, amount in zip(row, amounts, strict=True):
                handles[v] = np.array([-inward, amount, 0])
        return handles

    def _brow_still(self) -> tuple[int, ...]:
        lids = (*t.LEFT_UPPER_LID, *t.RIGHT_UPPER_LID, *t.LEFT_LOWER_LID, *t.RIGHT_LOWER_LID)
        return (*lids, *_UPPER_OVAL, 6, 197, 1, 280, 50)

    def _brow_down(self) -> NDArray[np.float64]:
        return self._spread(self._brow((0.075, 0.07, 0.05, 0.03, 0.01), 0.018), self._brow_still())

    def _brow_outer_up(self) -> NDArray[np.float64]:
        return self._spread(self._brow((-0.0, -0.03, -0.07, -0.09, -0.07)), self._brow_still())

    def _brow_inner_up(self) -> NDArray[np.float64]:
        left = self._spread(self._brow((-0.085, -0.07, -0.04, -0.015, 0.0)), self._brow_still())
        return left + left[self.mirror] * [-1, 1, 1]

    def _cheek_squint(self) -> NDArray[np.float64]:
        handles = dict.fromkeys((280, 330, 347, 348, 346), np.array([0, -0.045, -0.02]))
        handles |= dict.fromkeys(t.LEFT_LOWER_LID[2:-2], np.array([0, -0.018, 0]))
        return self._spread(handles, (291, 0, 13, 263, 362, *_NOSE, 454, *t.LEFT_UPPER_LID))

    def _cheek_puff(self) -> NDArray[np.float64]:
        handles = dict.fromkeys((425, 427, 411, 434, 416), np.array([0.05, 0, -0.08]))
        handles |= dict.fromkeys((205, 207, 187, 214, 192), np.array([-0.05, 0, -0.08]))
        return self._spread(handles, (*t.LIP_CORNERS, 0, 17, *_NOSE, 152, 454, 234, 374, 145))

    def _nose_sneer(self) -> NDArray[np.float64]:
        handles = dict.fromkeys((278, 294, 358, 279, 331), np.array([0.008, -0.045, 0.01]))
        handles |= {v: np.array([0, -0.02, 0]) for v in (267, 269, 312, 311, 302, 303)}
        handles |= {285: np.array([-0.005, 0.02, 0]), 417: np.array([0, -0.012, 0])}
        return self._spread(handles, (4, 1, 168, 263, 362, 291, 14, 17, 129, 48, 64, 280, 10))


def _whole(_vertex: int) -> float:
    """Share of a vertex where both sides move alike."""
    return 1.0


def _padded(row: tuple[int, ...]) -> tuple[int, ...]:
    """A middle lip row with the corners of the outer contour, so that rows pair up."""
    return (76, *row, 306)


def _rows(*rows: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(v for row in rows for v in row)
