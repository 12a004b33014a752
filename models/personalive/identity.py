"""What a portrait is to PersonaLive: prepared once, looked at in every step."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from models.personalive.denoising_unet import Memory, Portraits
from models.personalive.front_end.following import Portrait

# Shapes: S slots, C width of a layer. Tuples go in the order in which spatial transformers run.


class Identity(NamedTuple):
    """The portraits of all slots: their latents [S, 4, h, w], heads and motion.

    `memory` holds the projected tokens of each, `constants` [S, C] what its embedding adds in the denoising
    UNet, `reference_constants` [S, C] what it adds in the reference UNet, which keyframes will need.
    """

    latents: Tensor
    portrait: Portrait
    memory: Memory
    constants: Portraits
    reference_constants: Portraits
