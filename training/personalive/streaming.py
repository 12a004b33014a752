"""What the streaming engine makes of trained networks: a clip drives its own first frame."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from models.personalive.front_end.following import Portrait
from models.personalive.front_end.front_end import Sight
from models.personalive.front_end.pictures import to_numbers
from models.personalive.identity import Identity
from models.personalive.model import PersonaLive, PersonaLiveChunk
from training.personalive.clips import Clip
from training.personalive.config import Ablation
from training.personalive.run import Frozen

# Shapes: T frames, L frames of a chunk, H = W rows and columns.


class StreamFigures(NamedTuple):
    """Mean distances of streamed frames to the driver's own: of pixels in 0..1, and of features."""

    l1: float
    perceptual: float


def stream(model: PersonaLive, clip: Clip, frozen: Frozen, ablation: Ablation, *, seed: int) -> Tensor:
    """Return the frames [T, 3, H, W] in 0..1 that follow the clip's, its first frame being the portrait.

    T is that of the clip less what does not fill a chunk. Frames before the first that the driver moves are
    not returned: the way to it, and at the end the driver's last frames stand still until all are out.
    """
    frames = model.config.unet.chunk_frames
    pictures = torch.from_numpy(clip.pictures[: len(clip) // frames * frames]).to(model.device)
    still = pictures[-1:].expand(model.lead, -1, -1, -1)
    active = torch.ones(1, dtype=torch.bool, device=model.device)
    generator = torch.Generator().manual_seed(seed)
    with torch.inference_mode():
        identity = _identity(model, pictures[:1], frozen, ablation)
        state, made = model.init_state(1), []
        for chunk in torch.split(torch.cat([pictures, still]), frames):
            given = _chunk(model, chunk, identity, generator)
            shown, state = model.step(state, given, active)
            made.append(shown[0])
    return torch.cat(made)[model.lead :]


def measure(made: Tensor, clip: Clip, frozen: Frozen) -> StreamFigures:
    """Compare streamed frames [T, 3, H, W] in 0..1 with the first T of a clip."""
    truth = torch.from_numpy(clip.pictures[: len(made)]).to(made.device)
    numbers = to_numbers(truth)
    with torch.inference_mode():
        seen = frozen.perceptual(made * 2 - 1, numbers)
    return StreamFigures(
        l1=float((made - (numbers / 2 + 0.5)).abs().mean()), perceptual=float(np.mean(seen.cpu().numpy()))
    )


def _identity(model: PersonaLive, first: Tensor, frozen: Frozen, ablation: Ablation) -> Identity:
    """Return the identity of the clip's first frame.

    A way from the driver's own motion leads nowhere: so streams begin that do not interpolate.
    """
    identity = model.prepare(first, frozen.embedder)
    if ablation.interpolates_start:
        return identity
    driver: Sight = model.front_end.see(to_numbers(first))
    head = identity.portrait.head._replace(degrees=driver.head.degrees)
    return identity._replace(portrait=Portrait(head, driver.motion))


def _chunk(
    model: PersonaLive, pictures: Tensor, identity: Identity, generator: torch.Generator
) -> PersonaLiveChunk:
    unet, side = model.config.unet, model.config.latent
    noise = torch.randn(1, unet.frames, unet.latent_channels, side, side, generator=generator)
    return PersonaLiveChunk(
        pictures=pictures[None],
        has_face=torch.ones(1, len(pictures), dtype=torch.bool, device=model.device),
        noise=noise.to(model.device),
        identity=identity,
    )
