"""Pictures that join what the rows of a denoising UNet may look at."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from models.personalive.attention import KeyValues
from models.personalive.denoising_unet import Memory

# Shapes: B rows, S slots for pictures, N = H * W tokens, C width of a layer.


class References(NamedTuple):
    """Projected tokens [B, S, N, C] of pictures, of which the first `filled` [B] of a row count."""

    memory: Memory
    filled: Tensor

    def present(self, slots: int) -> Tensor:
        """Return which of the first `slots` slots count, [B, slots]."""
        return torch.arange(slots, device=self.filled.device) < self.filled[:, None]

    def first(self, slots: int) -> Memory:
        """Return the memory of the first `slots` slots alone, as when no row has filled more."""
        return tuple(KeyValues(keys[:, :slots], values[:, :slots]) for keys, values in self.memory)


def extend(references: References, picture: Memory, rows: Tensor) -> References:
    """Add a picture [B, 1, N, C] to those of the marked `rows` [B] that have room left for it."""
    slots = references.memory[0].keys.shape[1]
    places = torch.arange(slots, device=rows.device)
    here = ((places == references.filled[:, None]) & rows[:, None])[:, :, None, None]
    memory = tuple(
        KeyValues(torch.where(here, new.keys, old.keys), torch.where(here, new.values, old.values))
        for old, new in zip(references.memory, picture, strict=True)
    )
    return References(memory, (references.filled + rows).clamp(max=slots))
