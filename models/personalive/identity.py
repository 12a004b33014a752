"""What a portrait is to PersonaLive: prepared once, looked at in every step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from models.personalive.attention import KeyValues
from models.personalive.denoising_unet import Memory, Portraits
from models.personalive.front_end.following import Portrait
from models.personalive.front_end.motion_extractor import HeadMotion

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


def join_identities(identities: Sequence[Identity]) -> Identity:
    """Return one identity with the slots of all, in their order."""
    return Identity(
        latents=_joined(identities, lambda each: each.latents),
        portrait=Portrait(
            HeadMotion(*_each(identities, lambda each: each.portrait.head)),
            _joined(identities, lambda each: each.portrait.motion),
        ),
        memory=tuple(
            KeyValues(torch.cat([one.keys for one in place]), torch.cat([one.values for one in place]))
            for place in zip(*(each.memory for each in identities), strict=True)
        ),
        constants=_each(identities, lambda each: each.constants),
        reference_constants=_each(identities, lambda each: each.reference_constants),
    )


def _joined(identities: Sequence[Identity], part: Callable[[Identity], Tensor]) -> Tensor:
    return torch.cat([part(each) for each in identities])


def _each(
    identities: Sequence[Identity], part: Callable[[Identity], tuple[Tensor, ...]]
) -> tuple[Tensor, ...]:
    return tuple(torch.cat(tensors) for tensors in zip(*map(part, identities), strict=True))
