"""What a training run of Base LPM is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from models.lpm.config import LpmConfig
from training.lpm_motion.config import TrainingConfig, motion_run, tiny_run


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseTraining:
    """One run, from the weights of a causal model on.

    A share of the rows of a batch begins with a few chunks that are given, corrupted as little as a causal
    past is: so many that a window can go on from another one (LPM 1.0's temporal extension).
    """

    training: TrainingConfig
    given_share: float = 0.6
    given_chunks: tuple[int, int] = (2, 5)


def tiny_base(model: LpmConfig) -> BaseTraining:
    """Seconds on any machine, for tests."""
    return BaseTraining(training=replace(tiny_run(), model=model), given_chunks=(1, 3))


def motion_base(model: LpmConfig) -> BaseTraining:
    """The shipped size, on one CPU core."""
    training = replace(motion_run(), model=model, batch=6, learning_rate=6e-4, warmup_steps=50)
    return BaseTraining(training=replace(training, ema_decay=0.99, log_every=10))


RUNS: Final[Mapping[str, Callable[[LpmConfig], BaseTraining]]] = MappingProxyType(
    {"tiny": tiny_base, "motion": motion_base}
)
