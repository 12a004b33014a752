"""Rows of a batch: values of some and other values of others, put together and taken apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves, tree_map

T = TypeVar("T")
# A named tuple of tensors, all of them with slots first.
TensorsT = TypeVar("TensorsT", bound=tuple[Tensor, ...])


def where_rows(rows: Tensor, yes: Tensor, no: Tensor) -> Tensor:
    """Return `yes` [S, ...] in the marked `rows` [S], and `no` in the others."""
    return torch.where(rows.view(-1, *(1 for _ in no.shape[1:])), yes, no)


def merged(rows: Tensor, yes: TensorsT, no: TensorsT) -> TensorsT:
    """Do so with every tensor of two named tuples of one kind."""
    return type(no)(*(where_rows(rows, new, old) for new, old in zip(yes, no, strict=True)))


def joined(batches: Sequence[T]) -> T:
    """Return the rows of all, in their order, as one batch: tensors [S, ...] in tuples, nested in any way."""
    if len(batches) == 1:
        return batches[0]
    batch: T = tree_map(lambda *tensors: torch.cat(tensors), *batches)
    return batch


def parted(batch: T) -> list[T]:
    """Return a batch of one row for each, in their order: undo `joined`."""

    def of_row(row: int) -> T:
        alone: T = tree_map(lambda tensor: tensor[row : row + 1], batch)
        return alone

    return [of_row(row) for row in range(len(tree_leaves(batch)[0]))]


def widths(rows: int) -> tuple[int, ...]:
    """Return how many rows a pass takes where up to `rows` are computed together: that, its halves, one.

    Each has shapes of its own to compile, so there are few. Any number of rows is a sum of them, so that no
    pass computes a row for nothing.
    """
    return (1,) if rows == 1 else (rows, *widths(rows // 2))
