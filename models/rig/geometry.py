"""Rigid geometry: rotations of the head and least-squares fits between point sets."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.rig.arrays import F32

F64 = NDArray[np.float64]


def fit_similarity(source: F32, target: F32, weights: F32 | None = None) -> tuple[float, F32, F32]:
    """Scale, rotation [3, 3] and offset [3] that best map source [N, 3] onto target [N, 3].

    Weighted least squares in closed form (Umeyama, 1991): target = scale * source @ rotation.T + offset.
    """
    share = np.full(len(source), 1 / len(source)) if weights is None else weights / weights.sum()
    a, b = share @ source, share @ target
    left, singular, right = np.linalg.svd((source - a).T @ ((target - b) * share[:, None]))
    signs = np.array([1.0, 1.0, np.sign(np.linalg.det(left @ right))])
    rotation = ((left * signs) @ right).T
    scale = float((singular * signs).sum() / (share @ ((source - a) ** 2).sum(1)))
    offset = b - scale * rotation @ a
    return scale, rotation.astype(np.float32), offset.astype(np.float32)


def rotation_matrix(pitch: float, yaw: float, roll: float) -> F32:
    """Head rotation [3, 3] from angles in radians, in image axes (x right, y down, z away).

    pitch > 0 looks down, yaw > 0 turns to the viewer's right, roll > 0 leans clockwise for the viewer;
    applied in the order pitch, yaw, roll.
    """
    cp, sp, cy, sy, cr, sr = (
        np.cos(pitch),
        np.sin(pitch),
        np.cos(yaw),
        np.sin(yaw),
        np.cos(roll),
        np.sin(roll),
    )
    about_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    about_y = np.array([[cy, 0, -sy], [0, 1, 0], [sy, 0, cy]])
    about_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return np.asarray(about_z @ about_y @ about_x, np.float32)


def rotation_angles(rotation: F32) -> tuple[float, float, float]:
    """Pitch, yaw and roll in radians of a rotation [3, 3]: rotation_matrix undone, for |yaw| < 90 degrees."""
    yaw = float(np.arctan2(rotation[2, 0], np.hypot(rotation[0, 0], rotation[1, 0])))
    pitch = float(np.arctan2(rotation[2, 1], rotation[2, 2]))
    roll = float(np.arctan2(rotation[1, 0], rotation[0, 0]))
    return pitch, yaw, roll
