"""Random numbers that anybody can draw again from a name, such as the weights of numerical fixtures."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_SEED_BYTES = 8


def named_normal(name: str, shape: Sequence[int]) -> NDArray[np.float32]:
    """Return standard normal numbers that depend on `name` and `shape` alone.

    The seed of NumPy's PCG64 is the first 8 bytes, little-endian, of the SHA-256 of the name. The draw
    itself is in single precision: another precision draws other numbers.
    """
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:_SEED_BYTES], "little")
    return np.random.Generator(np.random.PCG64(seed)).standard_normal(tuple(shape), dtype=np.float32)
