"""Values of some rows, and other values of the others."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import Tensor

# A named tuple of tensors, all of them with slots first.
TensorsT = TypeVar("TensorsT", bound=tuple[Tensor, ...])


def where_rows(rows: Tensor, yes: Tensor, no: Tensor) -> Tensor:
    """Return `yes` [S, ...] in the marked `rows` [S], and `no` in the others."""
    return torch.where(rows.view(-1, *(1 for _ in no.shape[1:])), yes, no)


def merged(rows: Tensor, yes: TensorsT, no: TensorsT) -> TensorsT:
    """Do so with every tensor of two named tuples of one kind."""
    return type(no)(*(where_rows(rows, new, old) for new, old in zip(yes, no, strict=True)))
