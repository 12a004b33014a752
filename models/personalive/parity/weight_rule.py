"""Test weights and inputs that a parity case gives by rule: functions of a name and a shape."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Sequence
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

SALT: Final = "89/"
# Of tensors with two or more dimensions; the first pattern that is found in "file/name" counts, else it is 1.
GAINS: Final = tuple(
    (re.compile(pattern), gain)
    for pattern, gain in (
        (r"^denoising_unet/conv_in\.", 2.0),
        (r"^denoising_unet/conv_out\.", 1 / 64),
        (r"^denoising_unet/.*motion_modules\..*\.to_k\.", 0.25),
        (r"^pose_guider/conv_out_modify\.", 4.0),
        (r"^pose_guider/", 1.6),
        (r"^motion_encoder/model\.conv6\.", 2.0),
        (r"^motion_encoder/model\.(att_|fc\.)", 1.0),
        (r"^motion_encoder/model\.", 0.7),
        (r"^motion_encoder/final_proj\.", 0.7),
        (r"^motion_extractor/detector\.fc_kp\.", 0.3),
        (r"^motion_extractor/detector\.fc_t\.", 0.5),
        (r"^motion_extractor/detector\.fc_scale\.", 0.4),
        (r"^motion_extractor/detector\.fc_(pitch|yaw|roll)\.", 3.0),
    )
)
# One-dimensional tensors with an offset and a spread of their own.
SPECIAL: Final = MappingProxyType(
    {
        "denoising_unet/conv_out.bias": (0.0, 0.1 / 64),
        "motion_encoder/model.conv6.bias": (14.0, 0.1),
        "motion_extractor/detector.fc_scale.bias": (1.4, 0.1),
    }
)
HEAD_BINS: Final = 66
MOTION_TABLE: Final = "motion_encoder/pe"


def normal(key: str, shape: Sequence[int]) -> Floats:
    """Draw standard normals that depend on `key` and `shape` alone."""
    seed = int.from_bytes(hashlib.sha256((SALT + key).encode()).digest()[:8], "little")
    return np.random.Generator(np.random.PCG64(seed)).standard_normal(tuple(shape), dtype=np.float32)


def weight(file: str, name: str, shape: Sequence[int]) -> NDArray[Any]:
    """Return the test weight of a tensor by the stem of its published file and its published name."""
    if name == "idx_tensor":
        return np.arange(HEAD_BINS, dtype=np.float32)
    if name.endswith("num_batches_tracked"):
        return np.array(0, dtype=np.int64)
    if f"{file}/{name}" == MOTION_TABLE:
        return _halves_table(shape)
    if name.endswith("pos_encoder.pe"):
        return _alternating_table(shape)
    return _drawn(f"{file}/{name}", name, shape)


def by_rule(rule: dict[str, Any]) -> Floats:
    """Return an input given as {key, shape, scale} and, where it has them, {factor, factor_axis}."""
    drawn = np.float32(rule["scale"]) * normal(rule["key"], rule["shape"])
    if "factor" in rule:
        axes = [-1 if axis == rule["factor_axis"] else 1 for axis in range(drawn.ndim)]
        drawn *= np.asarray(rule["factor"], np.float32).reshape(axes)
    return drawn


def _drawn(key: str, name: str, shape: Sequence[int]) -> Floats:
    draw = normal(key, shape)
    if name.endswith(".running_mean"):
        return np.float32(0.1) * draw
    if name.endswith(".running_var"):
        return np.float32(1) + np.float32(0.1) * np.abs(draw)
    if ".grn." in name:
        return np.float32(0.5) * draw
    if len(shape) >= 2:
        gain = next((gain for pattern, gain in GAINS if pattern.search(key)), 1.0)
        return draw * np.float32(gain / math.sqrt(math.prod(shape[1:])))
    if key in SPECIAL:
        offset, spread = SPECIAL[key]
        return np.float32(offset) + np.float32(spread) * draw
    return np.float32(float(name.endswith(".weight"))) + np.float32(0.1) * draw


def _halves_table(shape: Sequence[int]) -> Floats:
    """Sines, then cosines, of [1, positions, width]."""
    half = shape[2] // 2
    angles = np.outer(np.arange(shape[1]), 1.0 / 10000 ** (np.arange(half) / half))
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=1).astype(np.float32)[None]


def _alternating_table(shape: Sequence[int]) -> Floats:
    """Sines at even, cosines at odd places of [1, positions, width]."""
    rates = np.exp(np.arange(0, shape[2], 2) * (-math.log(10000.0) / shape[2]))
    angles = np.outer(np.arange(shape[1]), rates)
    return np.stack([np.sin(angles), np.cos(angles)], axis=-1).reshape(tuple(shape)).astype(np.float32)
