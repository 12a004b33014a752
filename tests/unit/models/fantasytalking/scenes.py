"""A tiny network and things for it to read."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor, nn

from models.fantasytalking.config import FantasyTalkingConfig, tiny
from models.fantasytalking.network import Context, FantasyTalking
from models.fantasytalking.windows import frame_windows

NUM_FRAMES = 9
IMAGE_TOKENS = 5


class Scene(NamedTuple):
    """A network, what it is given, and what it reads."""

    network: FantasyTalking
    latents: Tensor
    timestep: Tensor
    tokens: Tensor
    text: Tensor
    image: Tensor

    def context(self) -> Context:
        network = self.network
        return Context(text=network.read_text(self.text), image=network.read_image(self.image))

    def speaking(self) -> Context:
        network = self.network
        windows = frame_windows(self.tokens, NUM_FRAMES, network.config.audio.expansion)
        return self.context()._replace(speech=network.read_speech(windows))

    def velocity(self, context: Context) -> Tensor:
        velocity: Tensor = self.network(self.latents, self.timestep, context)
        return velocity


def released(config: FantasyTalkingConfig) -> FantasyTalkingConfig:
    """Return the configuration without the branches that nobody published."""
    return replace(config, identity=None, intensity=None)


def make_network(config: FantasyTalkingConfig, seed: int = 3) -> FantasyTalking:
    """Return a network in which nothing is zero, so that whatever it reads can be seen."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = FantasyTalking(config).eval().requires_grad_(requires_grad=False)
        for parameter in network.parameters():
            if not bool(parameter.any()):
                nn.init.normal_(parameter, std=0.3)
    return network


def make_scene(config: FantasyTalkingConfig | None = None, seed: int = 3) -> Scene:
    """Return a clip of three latent frames of 4x4 for the tiny network."""
    config = config or tiny()
    random = torch.Generator().manual_seed(seed)
    backbone = config.backbone
    return Scene(
        network=make_network(config, seed),
        latents=torch.randn(1, backbone.in_channels, 3, 4, 4, generator=random),
        timestep=torch.tensor([700.0]),
        tokens=torch.randn(1, 19, config.audio.token_dim, generator=random),
        text=torch.randn(1, backbone.text_length, backbone.text_dim, generator=random),
        image=torch.randn(1, IMAGE_TOKENS, backbone.image_dim, generator=random),
    )
