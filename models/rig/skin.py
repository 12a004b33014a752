"""The skin mesh: the face's landmarks and a lattice around them for hair, neck, shoulders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import Delaunay

from models.motion import NUM_BLENDSHAPES
from models.rig import topology as t
from models.rig.arrays import F32, I32, U8
from models.rig.blendshapes import displacements
from models.rig.face import mean_face
from models.rig.neutral import Neutral

_LATTICE: Final = 25  # points along each side of the frame
_MARGIN: Final = 0.12  # of the frame that the lattice reaches beyond it
_HEAD_DEPTH: Final = np.array([0.0, 0.15, 0.65])  # the head's centre, in mean-face units
_NECK_TOP, _NECK_END = 1.3, 2.6  # below the eyes, where the head's motion starts and ends to fade
_NECK_LEAST: Final = 0.5  # height over which it fades at least, where the picture ends below the chin
_SHOULDER_NEAR, _SHOULDER_FAR = 1.3, 2.3  # beside the face, the same at the height of the chin
_GRAZING: Final = 0.12  # least cosine between a triangle's normal and the view at which it counts as seen
_FOLLOW: Final = 0.4  # reach of the jaw's pull on the neck


@dataclass(frozen=True, slots=True, kw_only=True)
class Skin:
    """Vertices 0..467 are the face's landmarks, the rest is the lattice; all in frame pixels.

    rest: float32 [V, 3], the portrait with closed lips. uv: float32 [V, 2], where the picture shows each.
    shapes: float32 [52, V, 3], displacement of each blendshape at one.
    head: float32 [V], share of the head's motion that a vertex takes. triangles: int32 [T, 3].
    """

    rest: F32
    uv: F32
    shapes: F32
    head: F32
    triangles: I32


def build_skin(points: F32, neutral: Neutral, size: int) -> Skin:
    """Mesh a framed face: points float32 [478, 3] in the pixels of a size x size frame."""
    face = points[: t.NUM_VERTICES]
    to_image = neutral.scale * neutral.rotation.T
    shapes = displacements(neutral.points) @ to_image
    face_rest = face - neutral.parting @ to_image
    seen = _facing(face_rest)
    rim = _rim(seen)
    lattice_xy, triangles = _lattice(face_rest, seen, rim, size)
    local = np.asarray(
        (lattice_xy - neutral.offset[:2]) @ _in_plane(neutral.rotation) / neutral.scale, np.float32
    )
    lattice = np.column_stack([lattice_xy, _depths(lattice_xy, face_rest[rim], neutral)])
    rest = np.concatenate([face_rest, lattice])
    floor = (size - 1 - float(neutral.offset[1])) / neutral.scale
    follow = _follow_oval(lattice_xy, face_rest, neutral.scale)
    lattice_shapes = np.einsum("vo,soc->svc", follow, shapes[:, list(t.FACE_OVAL)])
    assert shapes.shape[0] == NUM_BLENDSHAPES
    return Skin(
        rest=np.ascontiguousarray(rest, np.float32),
        uv=np.ascontiguousarray(np.concatenate([face[:, :2], lattice_xy]), np.float32),
        shapes=np.ascontiguousarray(np.concatenate([shapes, lattice_shapes], axis=1), np.float32),
        head=np.concatenate([np.ones(t.NUM_VERTICES), _head_share(local, floor)]).astype(np.float32),
        triangles=np.concatenate([seen, _seams(), triangles]).astype(np.int32),
    )


def _seams() -> I32:
    """Triangles that span the openings of lips and lids, so that the picture is whole under their layers."""
    strips = (
        (t.INNER_UPPER_LIP, t.INNER_LOWER_LIP),
        (t.LEFT_UPPER_LID, t.LEFT_LOWER_LID),
        (t.RIGHT_UPPER_LID, t.RIGHT_LOWER_LID),
    )
    found: list[tuple[int, int, int]] = []
    for upper, lower in strips:
        for i in range(len(upper) - 1):
            found += [(upper[i], upper[i + 1], lower[i]), (upper[i + 1], lower[i + 1], lower[i])]
    return np.array([f for f in found if len(set(f)) == 3], np.int32)


def _facing(face: F32) -> I32:
    """The face's triangles without those at its edge that look away: the picture shows nothing of them."""
    mean = mean_face()
    outward = np.sign(_normals(mean.points[mean.triangles])[:, 2:])
    normals = outward * _normals(face[mean.triangles])
    hidden = np.flatnonzero(normals[:, 2] < _GRAZING * np.linalg.norm(normals, axis=1))
    # Hidden triangles inside the face (beside the nose) stay and stretch; those that reach its edge go.
    away = mean.triangles[hidden]
    pairs = np.concatenate([away[:, [0, 1]], away[:, [1, 2]]])
    graph = coo_array((np.ones(len(pairs)), pairs.T), shape=(t.NUM_VERTICES, t.NUM_VERTICES))
    labels = connected_components(graph, directed=False)[1]
    edge = np.isin(labels[away[:, 0]], labels[list(t.FACE_OVAL)])
    return np.asarray(np.delete(mean.triangles, hidden[edge], axis=0), np.int32)


def _normals(corners: F32) -> F32:
    normals: F32 = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    return normals


def _rim(triangles: I32) -> I32:
    """Vertices of the longest boundary of a mesh, int32 [R]: the outline of what is seen of the face."""
    edges = np.sort(triangles[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    single, count = np.unique(edges, axis=0, return_counts=True)
    border = single[count == 1]
    graph = coo_array((np.ones(len(border)), border.T), shape=(t.NUM_VERTICES, t.NUM_VERTICES))
    labels = connected_components(graph, directed=False)[1]
    on_border = np.unique(border)
    largest = np.bincount(labels[on_border]).argmax()
    return np.asarray(on_border[labels[on_border] == largest], np.int32)


def _lattice(face: F32, seen: I32, rim: I32, size: int) -> tuple[F32, I32]:
    """Lattice points [L, 2] around the seen face and the triangles that join them to its rim."""
    mask = np.zeros((size, size), np.uint8)
    for triangle in seen:
        cv2.fillConvexPoly(mask, np.round(face[triangle, :2]).astype(np.int32), 255)
    step = size * (1 + 2 * _MARGIN) / (_LATTICE - 1)
    axis = np.linspace(-_MARGIN * size, (1 + _MARGIN) * size, _LATTICE)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2).astype(np.float32)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * round(0.6 * step) + 1,) * 2)
    near = np.asarray(cv2.dilate(mask, kernel), np.uint8)
    lattice = grid[~_inside(near, grid)]
    inner = np.asarray(cv2.erode(mask, kernel), np.uint8)
    joined = np.concatenate([face[rim, :2], lattice])
    simplices = Delaunay(joined).simplices
    # A triangle between three rim vertices may fill a bay of the outline; well inside, the face covers it.
    across = (simplices < len(rim)).all(1)
    outside = simplices[~(across & _inside(inner, joined[simplices].mean(1)))]
    names = np.concatenate([rim, np.arange(len(lattice)) + t.NUM_VERTICES])
    return lattice.astype(np.float32), names[outside].astype(np.int32)


def _inside(mask: U8, points: F32) -> NDArray[np.bool_]:
    """Which of points [N, 2] fall on the set pixels of a mask [S, S]."""
    cells = np.round(points).astype(int)
    known = ((cells >= 0) & (cells < mask.shape[0])).all(1)
    cells = np.clip(cells, 0, mask.shape[0] - 1)
    return np.asarray(known & (mask[cells[:, 1], cells[:, 0]] > 0), np.bool_)


def _in_plane(rotation: F32) -> F32:
    """The picture-plane part [2, 2] of a head rotation: its roll."""
    roll = np.arctan2(rotation[1, 0], rotation[0, 0])
    return np.array([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]], np.float32)


def _depths(lattice: F32, rim: F32, neutral: Neutral) -> F32:
    """Pseudo-depth of the lattice in pixels: the rim's own depth nearby, the head's centre further out."""
    away = np.linalg.norm(lattice[:, None] - rim[None, :, :2], axis=2)
    nearest = rim[away.argmin(1), 2]
    centre = (neutral.scale * neutral.rotation @ _HEAD_DEPTH + neutral.offset)[2]
    share = _smoothstep(away.min(1) / neutral.scale, 0.0, 0.6)
    return np.asarray(nearest * (1 - share) + max(centre, float(rim[:, 2].max())) * share, np.float32)


def _head_share(local: F32, floor: float) -> F32:
    """How far head motion reaches, for points [L, 2] in face units (origin between the eyes).

    floor: the lower border of the picture in the same units; there, nothing may move away from it.
    """
    aside, below = np.abs(local[:, 0]), local[:, 1]
    end = min(_NECK_END, max(floor, _NECK_TOP))
    neck = 1 - _smoothstep(below, min(_NECK_TOP, end - _NECK_LEAST), end)
    shoulder = _smoothstep(aside, _SHOULDER_NEAR, _SHOULDER_FAR) * _smoothstep(below, 0.5, 1.2)
    return np.asarray(neck * (1 - shoulder), np.float32)


def _follow_oval(lattice: F32, face: F32, scale: float) -> F32:
    """Weights [L, 36] with which lattice points take the motion of the face's outline."""
    away = np.linalg.norm(lattice[:, None] - face[None, list(t.FACE_OVAL), :2], axis=2) / scale
    near = 1 / (away**2 + 0.01)
    weights = near / near.sum(1, keepdims=True) * np.exp(-((away.min(1, keepdims=True) / _FOLLOW) ** 2))
    return np.asarray(weights, np.float32)


def _smoothstep(x: F32, low: float, high: float) -> F32:
    share = np.clip((x - low) / (high - low), 0, 1)
    return np.asarray(share * share * (3 - 2 * share), np.float32)
