"""The test weights of a parity case, a function of published names and shapes."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.parity.draws import named_normal
from models.parity.fixtures import Case

_TABLES: Final = ("modulation", "scale_shift_table")
_SPREAD: Final = np.float32(0.02)


def weight(name: str, shape: Sequence[int]) -> NDArray[np.float32]:
    """Return the test weight of a tensor by its published name."""
    draw = named_normal(name, shape)
    if any(table in name for table in _TABLES):
        return draw * _SPREAD
    if len(shape) >= 2:
        return draw * np.float32(1 / math.sqrt(math.prod(shape[1:])))
    if name.endswith(".weight"):
        return np.float32(1) + draw * _SPREAD
    return draw * _SPREAD


def digest(weights: Iterable[NDArray[np.float32]]) -> str:
    """Return the SHA-256 of weights in this order, as little-endian numbers."""
    total = hashlib.sha256()
    for values in weights:
        total.update(np.ascontiguousarray(values, dtype="<f4").data)
    return total.hexdigest()


def case_weights(case: Case) -> dict[str, Tensor]:
    """Draw the weights of a case, by published name.

    Raises ValueError when they are not those that were recorded with (the sums differ).
    """
    drawn = {name: weight(name, shape) for name, shape in sorted(case.fields["tensors"])}
    found, expected = digest(drawn.values()), case.fields["weights_sha256"]
    if found != expected:
        raise ValueError(f"the weights of {case.name} have the sum {found}, expected {expected}")
    return {name: torch.from_numpy(values) for name, values in drawn.items()}
