"""What the stages that make Online LPM are made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final, Literal

from models.lpm.base import BaseConfig, Guidance
from models.lpm.config import LpmConfig
from models.lpm.online import Schedule
from training.lpm_motion.config import TrainingConfig, motion_run, tiny_run


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchingConfig:
    """Distribution matching (DMD2, arXiv 2405.14867): a critic learns `critic_steps` times for each step of
    the student, at `critic_rate` times its rate, and `head_start` times before the first. Scores are
    compared at noise levels in `levels`.

    Only life is matched, by `weight`: of the mouth there is one right motion, which the student is told, by
    `regression`. Off its own streams it is told life too, by `anchor`, lest all its takes become one.
    """

    critic_steps: int = 5
    critic_rate: float = 0.4
    head_start: int = 20
    levels: tuple[float, float] = (0.02, 0.98)
    weight: float = 1.0
    regression: float = 1.0
    anchor: float = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Distillation:
    """One run of one stage. `teacher` tells what makes trajectories and scores: Base LPM, which sees a whole
    window and is guided, or the multi-step causal LPM.

    `sink_chunks` and `window_chunks` are what both networks of the student remember.
    """

    training: TrainingConfig
    schedule: Schedule = field(default_factory=Schedule)
    teacher: Literal["base", "causal"] = "base"
    base: BaseConfig = field(default_factory=BaseConfig)
    matching: MatchingConfig = field(default_factory=MatchingConfig)
    sink_chunks: int = 3
    window_chunks: int = 10

    @property
    def critic_training(self) -> TrainingConfig:
        """How the critic learns."""
        rate = self.training.learning_rate * self.matching.critic_rate
        return replace(self.training, learning_rate=rate)

    def student(self, model: LpmConfig) -> LpmConfig:
        """Return the configuration of the student's networks, made from the teacher's."""
        return replace(model, sink_chunks=self.sink_chunks, window_chunks=self.window_chunks)


def tiny_distillation(model: LpmConfig) -> Distillation:
    """Seconds on any machine, for tests."""
    training = replace(tiny_run(), model=model, batch=3, chunks=5, log_every=1, warmup_steps=1)
    return Distillation(
        training=training,
        schedule=Schedule(levels=(1.0, 0.4), handover=0.2),
        base=BaseConfig(levels=(1.0, 0.7, 0.4, 0.2)),
        matching=MatchingConfig(critic_steps=1, head_start=1),
        sink_chunks=1,
        window_chunks=2,
    )


def motion_distillation(model: LpmConfig) -> Distillation:
    """The shipped size, in a few minutes of one CPU core."""
    training = replace(
        motion_run(),
        model=model,
        batch=4,
        chunks=20,
        learning_rate=3e-4,
        warmup_steps=20,
        ema_decay=0.98,
        log_every=6,
    )
    return Distillation(training=training, base=BaseConfig(guidance=Guidance(sound=1.5, direction=1.5)))


VARIANTS: Final[Mapping[str, Callable[[LpmConfig], Distillation]]] = MappingProxyType(
    {"tiny": tiny_distillation, "motion": motion_distillation}
)
