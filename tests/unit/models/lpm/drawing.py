"""Inputs of any LPM, drawn at random."""

from __future__ import annotations

import torch

from models.lpm.config import LpmConfig
from models.lpm.model import LpmChunk, draw_noise


def draw_chunk(config: LpmConfig, slots: int, seed: int = 0) -> LpmChunk:
    """Return a chunk whose streams come and go, with up to two directions at a time."""
    generator = torch.Generator().manual_seed(seed)
    channels, items = config.logmel.channels, config.direction.items
    concepts = torch.randint(config.direction.concepts + 1, (slots, items), generator=generator)
    concepts[:, 2:] = 0
    return LpmChunk(
        speak=torch.randn(slots, config.window_mels, channels, generator=generator),
        speaks=torch.rand(slots, generator=generator) < 0.7,
        listen=torch.randn(slots, config.listen_mels, channels, generator=generator),
        listens=torch.rand(slots, generator=generator) < 0.7,
        concepts=concepts,
        strengths=torch.rand(slots, items, generator=generator) * (concepts > 0),
        noise=draw_noise(slots, generator),
    )
