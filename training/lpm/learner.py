"""What is optimised: weights, their moving average, the optimiser; one descent; its state to go on from."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn

from training.lpm_motion.config import TrainingConfig

ModuleT = TypeVar("ModuleT", bound=nn.Module)


class Learner(Generic[ModuleT]):
    """Owns what changes while a module learns. Of its parameters, those that require a gradient do."""

    def __init__(self, module: ModuleT, config: TrainingConfig) -> None:
        self.module = module
        self.average = copy.deepcopy(module).requires_grad_(requires_grad=False)
        self.config = config
        self.optimizer = torch.optim.AdamW(
            decay_groups(module, config.weight_decay), lr=config.learning_rate, betas=config.betas
        )
        self.steps = 0

    def descend(self, loss: Tensor, progress: float) -> None:
        """Take one optimiser step; `progress` runs from 0 to 1 over the planned run."""
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.config, self.steps, progress)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        learned = [parameter for parameter in self.module.parameters() if parameter.requires_grad]
        nn.utils.clip_grad_norm_(learned, self.config.gradient_clip)
        self.optimizer.step()
        self.steps += 1
        follow(self.average, self.module, self.config.ema_decay, self.steps)

    def state(self) -> dict[str, Any]:
        """Return everything needed to go on."""
        return {
            "module": self.module.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "steps": self.steps,
        }

    def restore(self, saved: Mapping[str, Any]) -> None:
        """Go on from what `state` returned."""
        self.module.load_state_dict(saved["module"])
        self.average.load_state_dict(saved["average"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.steps = int(saved["steps"])


def learning_rate(config: TrainingConfig, steps: int, progress: float) -> float:
    """Return the rate of the next step: a warm-up in steps, a cosine over the run."""
    warm = min(1.0, (steps + 1) / config.warmup_steps)
    cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))
    return config.learning_rate * warm * max(cosine, config.final_rate_share)


def follow(average: nn.Module, module: nn.Module, decay: float, steps: int) -> None:
    """Move the average towards the module; it is quick at first."""
    decay = min(decay, (1 + steps) / (10 + steps))
    with torch.no_grad():
        for mean, value in zip(average.parameters(), module.parameters(), strict=True):
            mean.lerp_(value, 1 - decay)


def decay_groups(module: nn.Module, weight_decay: float) -> list[dict[str, object]]:
    """Return what learns: matrices, which decay, and gains, biases and tables of offsets, which do not."""
    tables = ("modulation", "offset_bias", "instead", "rest")
    decayed: list[nn.Parameter] = []
    free: list[nn.Parameter] = []
    for name, parameter in module.named_parameters():
        if parameter.requires_grad:
            is_matrix = parameter.ndim == 2 and not name.endswith(tables)
            (decayed if is_matrix else free).append(parameter)
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": free, "weight_decay": 0.0}]


def has_bfloat16(device: str) -> bool:
    """Whether the device computes in bfloat16; where it only pretends to, that is four times slower."""
    if torch.device(device).type == "cpu":
        return "avx512_bf16" in cpu_features() or "amx_bf16" in cpu_features()
    return bool(torch.cuda.is_bf16_supported())


@cache
def cpu_features() -> frozenset[str]:
    """What the processor says it can do; nothing where Linux does not tell."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return frozenset()
    return frozenset(word for line in lines if line.startswith("flags") for word in line.split())
