"""The heavy passes of a step, as functions of tensors alone, and the constants that they share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from torch import Tensor, nn

from models.personalive.denoising_unet import Memory, Portraits
from models.personalive.window import Frames


class Passes(NamedTuple):
    """What nearly all of a step's time goes to: `PersonaLive.denoise`, and the codec's `decode`.

    They look at no value of a tensor, so each shape of their inputs can be compiled once.
    """

    denoise: Callable[[Frames, Portraits, Memory, Memory, Tensor | None], Tensor]
    decode: Callable[[Tensor], Tensor]


class Shifts(nn.Module):
    """The shifts of all layers, which never change, where the networks are."""

    def __init__(self, shifts: tuple[Tensor, ...]) -> None:
        super().__init__()
        self.count = len(shifts)
        for index, shift in enumerate(shifts):
            self.register_buffer(str(index), shift, persistent=False)

    def __iter__(self) -> Iterator[Tensor]:
        return (self.get_buffer(str(index)) for index in range(self.count))
