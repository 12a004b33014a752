"""What a training run of the motion LPM is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from models.lpm.config import LpmConfig, motion, tiny


@dataclass(frozen=True, slots=True, kw_only=True)
class LossConfig:
    """Weights of the flow-matching loss on the estimated clean end, per standardised number.

    A velocity is a frame's change, also that from the given past to the first frame of a chunk, and is
    measured in its usual size, so that a slow head may not tremble.

    The lips' opening is weighed once more on its own, in units of `lip_scale`, and `closed_lip_factor`
    times more where they should touch: a mean of open and closed is neither.
    """

    mouth_weight: float = 3.0
    life_weight: float = 1.0
    pose_weight: float = 2.5
    mouth_velocity_weight: float = 2.0
    life_velocity_weight: float = 0.1
    lip_weight: float = 1.0
    lip_scale: float = 0.1
    closed_lip_factor: float = 9.0
    speech_motion_weight: float = 0.5
    speech_phone_weight: float = 0.5
    lull_weight: float = 0.3
    low_level_clamp: float = 0.5
    full_noise_share: float = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class AugmentationConfig:
    """Changes made to log-mel levels, in decibels, each time a clip is drawn."""

    equaliser_db: float = 5.0
    equaliser_terms: int = 4
    gain_db: float = 6.0
    noise_share: float = 0.5
    noise_range_db: tuple[float, float] = (-55.0, -10.0)
    noise_jitter_db: float = 4.0
    low_pass_share: float = 0.2
    notch_share: float = 0.6
    notch_bands: tuple[int, int] = (2, 9)
    notch_db: float = 60.0
    warp: float = 0.12


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingConfig:
    """One run. A batch is `batch` crops of `chunks` chunks.

    The encoders learn alone, from their own heads, for the first `speech_first_share` of the run.
    From `own_past_from` on, the mouth's past is the model's own estimate in a share of the rows.
    `condition_dropout` are the shares of rows that are not told of speak, listen and direction.
    """

    model: LpmConfig
    batch: int
    chunks: int
    learning_rate: float
    speech_first_share: float = 0.12
    own_past_from: float = 0.5
    own_past_share: float = 0.5
    warmup_steps: int = 200
    final_rate_share: float = 0.02
    weight_decay: float = 0.02
    betas: tuple[float, float] = (0.9, 0.98)
    gradient_clip: float = 1.0
    ema_decay: float = 0.999
    history_noise: float = 0.2
    condition_dropout: tuple[float, float, float] = (0.05, 0.08, 0.08)
    all_dropout: float = 0.02
    least_std: float = 0.02
    least_spread: float = 0.01
    least_change: float = 0.05
    log_every: int = 50
    checkpoint_every_s: float = 240.0
    threads: int = 1
    device: str = "cpu"
    seed: int = 0
    loss: LossConfig = LossConfig()
    augmentation: AugmentationConfig = AugmentationConfig()


def tiny_run() -> TrainingConfig:
    """Seconds on any machine, for tests."""
    return TrainingConfig(model=tiny(), batch=4, chunks=6, learning_rate=3e-3, warmup_steps=5, log_every=5)


def motion_run() -> TrainingConfig:
    """The shipped engine, on one CPU core."""
    return TrainingConfig(model=motion(), batch=8, chunks=25, learning_rate=1.2e-3)


def continued(run: TrainingConfig, model: LpmConfig) -> TrainingConfig:
    """Return the run that goes on from a trained model: gentler, its speak encoder hardly alone any more."""
    return replace(
        run,
        model=model,
        learning_rate=run.learning_rate / 2,
        speech_first_share=run.speech_first_share / 6,
        own_past_from=run.speech_first_share / 2,
    )


RUNS: Final[Mapping[str, Callable[[], TrainingConfig]]] = MappingProxyType(
    {"tiny": tiny_run, "motion": motion_run}
)
