"""The loop's state: weights, their moving average, optimiser and progress; one step; save and resume."""

from __future__ import annotations

import copy
import math
from functools import cache
from pathlib import Path

import torch
from torch import Tensor, nn

from models.lpm.model import Lpm
from training.lpm_motion.config import TrainingConfig
from training.lpm_motion.crops import Batch
from training.lpm_motion.data import MotionStatistics
from training.lpm_motion.step import Losses, SpeechHeads, compute_losses, compute_speech_losses, draw_chance


class Trainer:
    """Owns what changes during training. `progress` runs from 0 to 1 over the planned run."""

    def __init__(
        self, config: TrainingConfig, statistics: MotionStatistics, start: Lpm | None = None
    ) -> None:
        torch.manual_seed(config.seed)
        self.config = config
        self.lpm = Lpm(config.model)
        if start is None:
            self.lpm.mean.copy_(statistics.mean)
            self.lpm.std.copy_(statistics.std)
        else:
            self.lpm.load_state_dict(start.state_dict())
            restandardise(self.lpm, statistics.mean, statistics.std)
        self.lpm.to(config.device)
        self.change = statistics.change.to(config.device)
        self.heads = SpeechHeads(config.model).to(config.device)
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
        device = self.config.device
        chance = draw_chance(batch.motion, self.config, progress, self.generator).to(device)
        batch = batch.to(device)
        with torch.autocast(device, torch.bfloat16, enabled=has_bfloat16(device)):
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


def has_bfloat16(device: str) -> bool:
    """Whether the device computes in bfloat16; where it only pretends to, that is four times slower."""
    if torch.device(device).type == "cpu":
        return "avx512_bf16" in cpu_features() or "amx_bf16" in cpu_features()
    return torch.cuda.is_bf16_supported()


@cache
def cpu_features() -> frozenset[str]:
    """What the processor says it can do; nothing where Linux does not tell."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return frozenset()
    return frozenset(word for line in lines if line.startswith("flags") for word in line.split())


def restandardise(lpm: Lpm, mean: Tensor, std: Tensor) -> None:
    """Let a model standardise motion by other statistics, and estimate the same motion as before."""
    embed, head = lpm.network.embed, lpm.network.head
    scale, shift = std / lpm.std, mean - lpm.mean
    with torch.no_grad():
        embed.bias += embed.weight @ (shift / lpm.std)
        embed.weight *= scale
        head.weight /= scale[:, None]
        head.bias.copy_(head.bias / scale - shift / std)
        lpm.mean.copy_(mean)
        lpm.std.copy_(std)


def _groups(modules: nn.Module, weight_decay: float) -> list[dict[str, object]]:
    """Decay matrices only, not gains, biases and tables of offsets."""
    tables = ("modulation", "offset_bias", "instead", "rest")
    decayed: list[nn.Parameter] = []
    free: list[nn.Parameter] = []
    for name, parameter in modules.named_parameters():
        is_matrix = parameter.ndim == 2 and not name.endswith(tables)
        (decayed if is_matrix else free).append(parameter)
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": free, "weight_decay": 0.0}]
