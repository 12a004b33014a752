"""The loop's state: weights, their moving average, optimiser and progress; one step; save and resume."""

from __future__ import annotations

import copy
import math
from pathlib import Path

import torch
from torch import nn

from models.lpm.model import Lpm
from training.lpm_motion.config import TrainingConfig
from training.lpm_motion.data import Batch, MotionStatistics
from training.lpm_motion.step import Losses, SpeechHeads, compute_losses, compute_speech_losses, draw_chance


class Trainer:
    """Owns what changes during training. `progress` runs from 0 to 1 over the planned run."""

    def __init__(self, config: TrainingConfig, statistics: MotionStatistics) -> None:
        torch.manual_seed(config.seed)
        self.config = config
        self.lpm = Lpm(config.model)
        self.lpm.mean.copy_(statistics.mean)
        self.lpm.std.copy_(statistics.std)
        self.change = statistics.change
        self.heads = SpeechHeads(config.model)
        self.average = copy.deepcopy(self.lpm).requires_grad_(requires_grad=False)
        self.optimizer = torch.optim.AdamW(
            _groups(nn.ModuleList((self.lpm, self.heads)), config.weight_decay),
            lr=config.learning_rate,
            betas=config.betas,
        )
        self.generator = torch.Generator().manual_seed(config.seed)
        self.steps = 0
        self.elapsed_s = 0.0

    def step(self, batch: Batch, progress: float) -> Losses:
        """Take one optimiser step and return its losses."""
        for group in self.optimizer.param_groups:
            group["lr"] = self._rate(progress)
        losses = self._losses(batch, progress)
        self.optimizer.zero_grad(set_to_none=True)
        losses.total.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        nn.utils.clip_grad_norm_(self._parameters(), self.config.gradient_clip)
        self.optimizer.step()
        self.steps += 1
        self._follow()
        return Losses(*(value.detach() for value in losses))

    def _losses(self, batch: Batch, progress: float) -> Losses:
        chance = draw_chance(batch.motion, self.config, progress, self.generator)
        with torch.autocast("cpu", torch.bfloat16):
            if progress < self.config.speech_first_share:
                return compute_speech_losses(self.lpm, self.heads, batch, self.config)
            return compute_losses(self.lpm, self.heads, batch, chance, self.change, self.config)

    def _rate(self, progress: float) -> float:
        config = self.config
        warm = min(1.0, (self.steps + 1) / config.warmup_steps)
        cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))
        return config.learning_rate * warm * max(cosine, config.final_rate_share)

    def _parameters(self) -> list[nn.Parameter]:
        return [*self.lpm.parameters(), *self.heads.parameters()]

    def _follow(self) -> None:
        decay = min(self.config.ema_decay, (1 + self.steps) / (10 + self.steps))
        with torch.no_grad():
            pairs = zip(self.average.parameters(), self.lpm.parameters(), strict=True)
            for mean, value in pairs:
                mean.lerp_(value, 1 - decay)

    def save(self, path: Path) -> None:
        """Write everything needed to go on, whole or not at all."""
        partial = path.with_suffix(".partial")
        torch.save(
            {
                "lpm": self.lpm.state_dict(),
                "heads": self.heads.state_dict(),
                "average": self.average.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "generator": self.generator.get_state(),
                "steps": self.steps,
                "elapsed_s": self.elapsed_s,
            },
            partial,
        )
        partial.replace(path)

    def resume(self, path: Path) -> None:
        """Go on from what `save` wrote; the standardisation of that run is kept."""
        saved = torch.load(path, weights_only=True)
        self.lpm.load_state_dict(saved["lpm"])
        self.heads.load_state_dict(saved["heads"])
        self.average.load_state_dict(saved["average"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.generator.set_state(saved["generator"])
        self.steps, self.elapsed_s = int(saved["steps"]), float(saved["elapsed_s"])


def _groups(modules: nn.Module, weight_decay: float) -> list[dict[str, object]]:
    """Decay matrices only, not gains, biases and tables of offsets."""
    decayed: list[nn.Parameter] = []
    free: list[nn.Parameter] = []
    for name, parameter in modules.named_parameters():
        is_matrix = parameter.ndim == 2 and not name.endswith(("modulation", "offset_bias"))
        (decayed if is_matrix else free).append(parameter)
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": free, "weight_decay": 0.0}]
