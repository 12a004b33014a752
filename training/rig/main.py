"""Builds models/rig/face.npz: the mean symmetric face, its triangles and its mirror permutation."""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np
from mediapipe.python.solutions.face_mesh_connections import FACEMESH_TESSELATION
from PIL import Image
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from models.rig.arrays import F32, I32
from models.rig.geometry import fit_similarity
from models.rig.landmarks import find_faces
from models.rig.topology import LEFT_EYE_OUTER, NUM_VERTICES, RIGHT_EYE_OUTER

_ROUNDS = 20
_ASYMMETRIC_ROUNDS = 5


@click.command()
@click.argument("portraits", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--output", type=click.Path(path_type=Path), default=Path("models/rig/face.npz"))
def main(portraits: tuple[Path, ...], output: Path) -> None:
    """Average the largest face of each of PORTRAITS."""
    faces = [find_faces(np.asarray(Image.open(path).convert("RGB")))[0].points for path in portraits]
    points, mirror = mean_face([normalise(face) for face in faces])
    np.savez_compressed(output, points=points.astype(np.float32), triangles=triangles(points), mirror=mirror)


def normalise(points: F32) -> F32:
    """Centre [478, 3] points between the outer eye corners and scale their distance to one."""
    left, right = points[LEFT_EYE_OUTER], points[RIGHT_EYE_OUTER]
    return np.asarray((points - (left + right) / 2) / np.linalg.norm(left - right), np.float32)


def mean_face(faces: list[F32]) -> tuple[F32, I32]:
    """Generalised Procrustes mean of [478, 3] faces, made symmetric about x = 0, with its mirror map."""
    mean = faces[0]
    mirror = np.arange(len(mean), dtype=np.int32)
    for turn in range(_ROUNDS):
        aligned = []
        for face in faces:
            scale, rotation, offset = fit_similarity(face, mean)
            aligned.append(scale * face @ rotation.T + offset)
        mean = normalise(np.mean(aligned, axis=0))
        if turn >= _ASYMMETRIC_ROUNDS:
            mean, mirror = symmetrise(mean)
    return mean, mirror


def symmetrise(points: F32) -> tuple[F32, I32]:
    """Average [478, 3] points with their best matching mirror image and turn its plane onto x = 0."""
    reflected = points * np.array([-1, 1, 1], np.float32)
    mirror = np.arange(len(points), dtype=np.int32)
    for _ in range(10):
        mirror = linear_sum_assignment(cdist(points, reflected))[1].astype(np.int32)
        scale, rotation, offset = fit_similarity(reflected[mirror], points)
        reflected = np.asarray(scale * reflected @ rotation.T + offset, np.float32)
    even = (points + reflected[mirror]) / 2
    across = even - even[mirror]
    normal = (across * np.sign(across[:, :1])).sum(0)
    normal /= np.linalg.norm(normal)
    axis = np.cross(normal, [1, 0, 0])
    skew = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    upright = even @ (np.eye(3) + skew + skew @ skew / (1 + normal[0])).T
    upright[:, 0] -= upright[mirror == np.arange(len(upright)), 0].mean()
    upright /= upright[LEFT_EYE_OUTER, 0] - upright[RIGHT_EYE_OUTER, 0]
    upright[:, 1:] -= (upright[LEFT_EYE_OUTER] + upright[RIGHT_EYE_OUTER])[1:] / 2
    return upright.astype(np.float32), mirror


def triangles(points: F32) -> I32:
    """The landmark model's triangles, int32 [T, 3], recovered from its edges; eyes and mouth stay open."""
    near: list[set[int]] = [set() for _ in range(NUM_VERTICES)]
    for a, b in FACEMESH_TESSELATION:
        near[a].add(b)
        near[b].add(a)
    found = {
        tuple(sorted((a, b, c))) for a in range(NUM_VERTICES) for b in near[a] for c in near[a] & near[b]
    }
    solid = [(a, b, c) for a, b, c in found if not _encloses(points, (a, b, c), near[a] & near[b] & near[c])]
    return np.array(sorted(solid), np.int32)


def _encloses(points: F32, triangle: tuple[int, int, int], vertices: set[int]) -> bool:
    """Whether one of the vertices lies inside the triangle, which then is only the rim of smaller ones."""
    a, b, c = points[list(triangle), :2].astype(np.float64)
    edges = np.stack([b - a, c - a], axis=1)
    for vertex in vertices:
        u, v = np.linalg.solve(edges, points[vertex, :2] - a)
        if u > 0 and v > 0 and u + v < 1:
            return True
    return False


if __name__ == "__main__":
    main()
