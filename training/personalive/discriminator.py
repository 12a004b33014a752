"""Judges whether pictures are real, knowing from which noise level they were estimated."""

from __future__ import annotations

from itertools import pairwise

from diffusers.models.embeddings import TimestepEmbedding, get_timestep_embedding
from torch import Tensor, nn
from torch.nn import functional as F

from training.personalive.config import AdversaryConfig

# Shapes: N pictures, H and W their rows and columns, C channels, D width of the time embedding.


class Discriminator(nn.Module):
    """Residual convolutions over falling resolutions; each block is told the noise level.

    An estimate from pure noise is blurred where a later one is not: told the level, the discriminator
    compares like with like instead of learning which level it sees.
    """

    def __init__(self, config: AdversaryConfig) -> None:
        super().__init__()
        self.config = config
        self.time = TimestepEmbedding(config.time_width, config.time_width)
        self.enter = nn.Conv2d(3, config.channels[0], 3, padding=1)
        self.blocks = nn.ModuleList(
            Block(before, after, config.time_width) for before, after in pairwise(config.channels)
        )
        self.judge = nn.Conv2d(config.channels[-1], 1, 3, padding=1)

    def forward(self, pictures: Tensor, timesteps: Tensor) -> Tensor:
        """Return logits [N] of pictures [N, 3, H, W] in -1..1 being real; `timesteps` are [N]."""
        waves = get_timestep_embedding(timesteps, self.config.time_width)
        time = F.silu(self.time(waves.to(pictures)))
        x = self.enter(pictures)
        for block in self.blocks:
            x = block(x, time)
        judged: Tensor = self.judge(F.leaky_relu(x, 0.2)).mean(dim=(1, 2, 3))
        return judged


class Block(nn.Module):
    """Two convolutions of [N, C, H, W] to half the resolution, shifted by the time embedding [N, D]."""

    def __init__(self, before: int, after: int, time_width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(before, after, 3, padding=1)
        self.second = nn.Conv2d(after, after, 3, padding=1)
        self.shortcut = nn.Conv2d(before, after, 1, bias=False)
        self.shift = nn.Linear(time_width, after)

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        inner = self.first(F.leaky_relu(x, 0.2)) + self.shift(time)[:, :, None, None]
        inner = self.second(F.leaky_relu(inner, 0.2))
        # Halves keep the spread of a sum of two what it was.
        joined = (inner + self.shortcut(x)) * 0.5**0.5
        halved: Tensor = F.avg_pool2d(joined, 2)
        return halved


def deceiving_loss(made: Tensor) -> Tensor:
    """Return how little pictures pass for real, from their logits [N]; never saturates."""
    return F.softplus(-made).mean()


def judging_loss(made: Tensor, real: Tensor) -> Tensor:
    """Return how badly made and real pictures are told apart, from their logits [N]."""
    return F.softplus(made).mean() + F.softplus(-real).mean()
