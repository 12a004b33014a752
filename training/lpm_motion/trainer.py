"""The run of the motion LPM: weights, heads and chance; one step; save and resume."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from models.lpm.model import Lpm
from training.lpm.learner import Learner, has_bfloat16
from training.lpm_motion.config import TrainingConfig
from training.lpm_motion.crops import Batch
from training.lpm_motion.data import MotionStatistics
from training.lpm_motion.heads import Heads
from training.lpm_motion.step import Losses, compute_head_losses, compute_losses, draw_chance


class Taught(nn.Module):
    """All that learns: the model, and the heads that are thrown away afterwards."""

    def __init__(self, lpm: Lpm, heads: Heads) -> None:
        super().__init__()
        self.lpm = lpm
        self.heads = heads


class Trainer:
    """Owns what changes during training."""

    def __init__(
        self, config: TrainingConfig, statistics: MotionStatistics, start: Lpm | None = None
    ) -> None:
        torch.manual_seed(config.seed)
        self.config = config
        lpm = Lpm(config.model)
        if start is None:
            lpm.mean.copy_(statistics.mean)
            lpm.std.copy_(statistics.std)
        else:
            lpm.load_state_dict(start.state_dict())
            restandardise(lpm, statistics.mean, statistics.std)
        self.change = statistics.change.to(config.device)
        self.learner = Learner(Taught(lpm, Heads(config.model)).to(config.device), config)
        self.generator = torch.Generator().manual_seed(config.seed)

    @property
    def average(self) -> Lpm:
        """The moving average of the model."""
        return self.learner.average.lpm

    def step(self, batch: Batch, progress: float) -> Losses:
        """Take one optimiser step and return its losses; `progress` runs from 0 to 1 over the run."""
        losses = self._losses(batch, progress)
        self.learner.descend(losses.total, progress)
        return Losses(*(value.detach() for value in losses))

    def _losses(self, batch: Batch, progress: float) -> Losses:
        device, taught = self.config.device, self.learner.module
        chance = draw_chance(batch.motion, self.config, progress, self.generator).to(device)
        batch = batch.to(device)
        with torch.autocast(device, torch.bfloat16, enabled=has_bfloat16(device)):
            if progress < self.config.speech_first_share:
                return compute_head_losses(taught.lpm, taught.heads, batch, self.config)
            return compute_losses(taught.lpm, taught.heads, batch, chance, self.change, self.config)

    def state(self) -> dict[str, Any]:
        """Return everything needed to go on."""
        return {"learner": self.learner.state(), "generator": self.generator.get_state()}

    def restore(self, saved: Mapping[str, Any]) -> None:
        """Go on from what `state` returned; the standardisation of that run is kept."""
        self.learner.restore(saved["learner"])
        self.generator.set_state(saved["generator"])


def restandardise(lpm: Lpm, mean: Tensor, std: Tensor) -> None:
    """Let a model standardise motion by other statistics, and estimate the same motion as before."""
    embed, head = lpm.network.embed, lpm.network.head
    scale, shift = std / lpm.std, mean - lpm.mean
    with torch.no_grad():
        embed.bias.add_(embed.weight @ (shift / lpm.std))
        embed.weight.mul_(scale)
        head.weight.div_(scale[:, None])
        head.bias.copy_(head.bias / scale - shift / std)
        lpm.mean.copy_(mean)
        lpm.std.copy_(std)
