"""Networks and inputs that tests of PersonaLive share, drawn from a seed."""

from __future__ import annotations

from typing import NamedTuple, TypeVar

import torch
from torch import Tensor, nn

from models.personalive.config import UNetConfig, tiny
from models.personalive.denoising_unet import Conditions, DenoisingUNet, together
from models.personalive.reference_unet import Bank, ReferenceUNet

SIZE = 8
TIMESTEPS = (0, 333, 666, 999)


class Window(NamedTuple):
    """What a window is denoised from, before anything is projected (see `Conditions`)."""

    latents: Tensor
    pose: Tensor
    timesteps: Tensor
    embedding: Tensor
    motion: Tensor
    banks: tuple[Bank, ...]


def denoising_unet(config: UNetConfig | None = None) -> DenoisingUNet:
    """Return a denoising UNet in which everything has an effect."""
    return drawn(DenoisingUNet(config or tiny().unet))


def reference_unet(config: UNetConfig | None = None) -> ReferenceUNet:
    """Return a reference UNet in which everything has an effect."""
    return drawn(ReferenceUNet(config or tiny().unet))


NetworkT = TypeVar("NetworkT", bound=nn.Module)


def drawn(network: NetworkT, seed: int = 0) -> NetworkT:
    """Draw all tensors of a network anew, norms and tables among them, and make it ready to infer."""
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in network.state_dict().items():
        drawn = torch.randn(tensor.shape, generator=generator)
        if tensor.dim() > 1:
            tensor.copy_(drawn / tensor[0].numel() ** 0.5)
        else:
            tensor.copy_(0.1 * drawn + float(name.endswith("weight")))
    return network.eval().requires_grad_(requires_grad=False)


def window(config: UNetConfig, *, rows: int, pictures: int, seed: int = 1) -> Window:
    """Draw a window of `rows` that look at `pictures` each."""
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator)

    frames = (rows, config.frames)
    return Window(
        latents=draw(*frames, config.latent_channels, SIZE, SIZE),
        pose=0.4 * draw(*frames, config.channels[0], SIZE, SIZE),
        timesteps=torch.tensor(TIMESTEPS).repeat_interleave(config.chunk_frames),
        embedding=draw(rows, config.image_width),
        motion=draw(*frames, config.motion_tokens, config.motion_width),
        banks=tuple(
            tuple(
                draw(rows, (SIZE >> place.level) ** 2, config.channels[place.level])
                for place in config.banks()
            )
            for _ in range(pictures)
        ),
    )


def conditions(unet: DenoisingUNet, given: Window) -> Conditions:
    """Project what a window is denoised by, all pictures present."""
    return Conditions(
        shifts=unet.shifts(given.timesteps),
        portraits=unet.portraits(given.embedding),
        memory=together(*(unet.remember(bank) for bank in given.banks)),
        present=None,
        motion=given.motion,
    )
