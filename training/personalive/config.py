"""What the stages that make PersonaLive are made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final, Literal

from models.personalive import config as models
from models.personalive.config import PersonaLiveConfig
from models.personalive.scheduler import ScheduleConfig

Stage = Literal["pictures", "few-steps", "sliding"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimiserConfig:
    """AdamW at a constant rate; gradients of all parameters together are clipped to a norm."""

    learning_rate: float = 1e-5
    weight_decay: float = 0.01
    betas: tuple[float, float] = (0.9, 0.999)
    gradient_clip: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AugmentationConfig:
    """How a driving face is changed, lest motion tell who it is.

    Faces are stretched along one axis by up to `stretch`. Brightness, contrast and saturation change by up
    to `colour` of themselves; each knot of a grid of `knots` squared moves by up to `bend` of half a
    picture; `noise` is the largest spread of the noise added to pictures in -1..1.
    """

    stretch: float = 1.3
    colour: float = 0.3
    knots: int = 5
    bend: float = 0.06
    noise: float = 0.1

    def __post_init__(self) -> None:
        if self.stretch < 1 or self.knots < 2:
            raise ValueError(f"stretch {self.stretch} and {self.knots} knots, expected at least 1 and 2")


@dataclass(frozen=True, slots=True, kw_only=True)
class DropoutConfig:
    """Shares of rows not told pose and motion, of batches without a reference, of reference tokens."""

    pose: float = 0.1
    motion: float = 0.1
    reference: float = 0.1
    reference_tokens: float = 0.3

    def __post_init__(self) -> None:
        if not 0 <= self.reference_tokens < 1:
            raise ValueError(f"a share of {self.reference_tokens} of reference tokens, expected 0 to below 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class LossConfig:
    """Weights of the errors: of all, under the face's mask, as features see it, and of the adversary."""

    whole: float = 1.0
    masked: float = 1.0
    perceptual: float = 2.0
    adversarial: float = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class AdversaryConfig:
    """The discriminator: `channels` from the finest resolution down, each half the one before.

    It is heard after `heard_after` steps of a stage, and learns after `learns_after`.
    """

    channels: tuple[int, ...] = (64, 128, 256, 512, 512, 512, 512)
    time_width: int = 256
    learning_rate: float = 2e-5
    heard_after: int = 3000
    learns_after: int = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class Ablation:
    """What the paper takes away in its table of ablations, each of which is there by default.

    `interpolates_start` (MII): the window of a stream begins on the way from the portrait to the driver.
    `keeps_keyframes` (HKM): a stream looks at frames of its own past. Both concern streams alone.
    `slides` (ST): temporal modules learn from the window's own results, as it slides, and not from the truth
    under noise. `chunk_attention`, as we read it, lets frames attend to their own and earlier chunks
    alone; the published network attends to its whole window. `chunk_frames` is the size of chunks.
    """

    interpolates_start: bool = True
    keeps_keyframes: bool = True
    slides: bool = True
    chunk_attention: bool = False
    chunk_frames: int = 4

    def model(self, config: PersonaLiveConfig) -> PersonaLiveConfig:
        """Return the configuration of a model with or without all this."""
        limit = config.keyframes.limit if self.keeps_keyframes else 0
        return replace(
            config,
            unet=replace(config.unet, chunk_frames=self.chunk_frames),
            keyframes=replace(config.keyframes, limit=limit),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SlidingConfig:
    """The window slides `slides` times; temporal modules learn from those at `learnt`, counted from 0."""

    slides: int = 7
    learnt: tuple[int, ...] = (0, 3, 6)

    def __post_init__(self) -> None:
        if not self.learnt or max(self.learnt) >= self.slides:
            raise ValueError(f"slides {self.learnt} of {self.slides} are to be learnt from")


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonaLiveTraining:
    """One run of one stage: batches of `batch` rows. Noise gets an offset per channel of this spread."""

    model: PersonaLiveConfig
    stage: Stage
    batch: int
    noise_offset: float = 0.05
    optimiser: OptimiserConfig = field(default_factory=OptimiserConfig)
    augmentation: AugmentationConfig = field(default_factory=AugmentationConfig)
    dropout: DropoutConfig = field(default_factory=DropoutConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    adversary: AdversaryConfig = field(default_factory=AdversaryConfig)
    sliding: SlidingConfig = field(default_factory=SlidingConfig)
    ablation: Ablation = field(default_factory=Ablation)
    log_every: int = 50
    checkpoint_every_s: float = 1800.0
    threads: int = 1
    device: str = "cpu"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.model != self.ablation.model(self.model):
            raise ValueError(f"the model is not what {self.ablation} makes of it")

    @property
    def frames(self) -> int:
        """Frames of a clip that a step learns from."""
        if self.stage != "sliding":
            return 1
        unet = self.model.unet
        slides = self.sliding.slides if self.ablation.slides else 1
        return unet.frames + (slides - 1) * unet.chunk_frames


def published_run(stage: Stage, ablation: Ablation | None = None) -> PersonaLiveTraining:
    """The published size, as its authors trained it on each of eight GPUs."""
    ablation = ablation or Ablation()
    run = PersonaLiveTraining(
        model=ablation.model(models.published()), stage=stage, batch=8, ablation=ablation
    )
    if stage == "pictures":
        return run
    if stage == "few-steps":
        return replace(run, batch=4)
    return replace(
        run,
        batch=1,
        augmentation=AugmentationConfig(stretch=1.2),
        adversary=AdversaryConfig(heard_after=0, learns_after=50),
    )


def tiny_run(stage: Stage, ablation: Ablation | None = None) -> PersonaLiveTraining:
    """Seconds on any machine, for tests: UNets of one resolution, and noise that never is all there is.

    From pure noise, errors of untrained networks are multiplied by 66, and hide what is learnt in seconds.
    """
    ablation = ablation or Ablation()
    unet = replace(models.tiny().unet, channels=(16,), attends=(True,))
    return PersonaLiveTraining(
        model=ablation.model(
            replace(models.tiny(), picture=32, unet=unet, schedule=ScheduleConfig(levels=(0, 200, 400, 600)))
        ),
        stage=stage,
        batch=1 if stage == "sliding" else 4,
        optimiser=OptimiserConfig(learning_rate=1e-2),
        adversary=AdversaryConfig(
            channels=(8, 16), time_width=16, learning_rate=1e-3, heard_after=0, learns_after=0
        ),
        ablation=ablation,
        log_every=1,
    )


RUNS: Final[Mapping[str, Callable[[Stage, Ablation | None], PersonaLiveTraining]]] = MappingProxyType(
    {"tiny": tiny_run, "published": published_run}
)
