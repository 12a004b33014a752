"""What the stages that make FantasyTalking are made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final, Literal

from models.fantasytalking import config as models
from models.fantasytalking.config import FantasyTalkingConfig
from models.fantasytalking.face_encoder import FaceEncoderConfig, face_encoder_100, tiny_face_encoder
from training.personalive.config import OptimiserConfig

Stage = Literal["base", "clip", "frame", "identity", "intensity"]
Sharding = Literal["replicated", "sharded"]
# Stages whose network hears speech by windows of latent frames, and no longer the clip as a whole.
BY_FRAME: Final = ("frame", "identity", "intensity")
# Stages that see the face of the portrait, and that are told how much moves.
SEES_FACE: Final = ("identity", "intensity")
FEELS: Final = ("intensity",)


@dataclass(frozen=True, slots=True, kw_only=True)
class DropoutConfig:
    """Shares of clips whose portrait, speech or prompt is withheld, each on its own (paper: 0.1)."""

    portrait: float = 0.1
    speech: float = 0.1
    prompt: float = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingConfig:
    """One run of one stage: steps of `accumulation` times `batch` clips of `frames` frames, on every worker.

    `sharding` says whether each worker holds all weights, or a share of them (FSDP2), which becomes whole for
    as long as a block computes.
    In the stage `frame`, the error counts around the lips alone for a share `lips` of clips (paper: 0.8).
    `precision` is the type in which matrices are multiplied; weights that learn are in single precision.
    `checkpointing` computes blocks again on the way back, so as not to remember them.
    """

    model: FantasyTalkingConfig
    stage: Stage
    frames: int
    batch: int = 1
    accumulation: int = 1
    sharding: Sharding = "replicated"
    lips: float = 0.8
    face: FaceEncoderConfig = field(default_factory=face_encoder_100)
    dropout: DropoutConfig = field(default_factory=DropoutConfig)
    optimiser: OptimiserConfig = field(default_factory=lambda: OptimiserConfig(learning_rate=1e-4))
    precision: Literal["float32", "bfloat16"] = "bfloat16"
    checkpointing: bool = True
    log_every: int = 50
    checkpoint_every_s: float = 1800.0
    threads: int = 1
    device: str = "cpu"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.frames < 5 or (self.frames - 1) % self.model.clip.frames_per_latent:
            raise ValueError(f"expected one frame more than a multiple of 4, from 5, got {self.frames}")
        if self.accumulation < 1:
            raise ValueError(f"expected at least one batch in a step, got {self.accumulation}")
        if self.stage in SEES_FACE and self.model.identity is None:
            raise ValueError(f"the stage {self.stage} needs a model with an identity branch")
        if self.stage in FEELS and self.model.intensity is None:
            raise ValueError(f"the stage {self.stage} needs a model with a motion-intensity network")
        if self.model.identity is not None and self.model.identity.face_dim != self.face.dim:
            raise ValueError(
                f"the model reads {self.model.identity.face_dim} numbers of a face, got {self.face.dim}"
            )

    @property
    def halves(self) -> bool:
        """Whether matrices are multiplied in half precision."""
        return self.precision == "bfloat16"


def whole_run(stage: Stage) -> TrainingConfig:
    """The published size with the branches of the paper: a clip of 81 frames on each worker."""
    return TrainingConfig(model=models.whole(), stage=stage, frames=81)


def tiny_run(stage: Stage) -> TrainingConfig:
    """Seconds on any machine, for tests: pictures of 32 pixels, clips of three latent frames."""
    tiny = models.tiny()
    model = replace(
        tiny,
        backbone=replace(tiny.backbone, latent_channels=4),
        clip=replace(tiny.clip, longest_edge=32),
    )
    return TrainingConfig(
        model=model,
        stage=stage,
        frames=9,
        batch=4,
        face=tiny_face_encoder(),
        optimiser=OptimiserConfig(learning_rate=1e-2, weight_decay=0.0),
        precision="float32",
        checkpointing=False,
        log_every=1,
    )


RUNS: Final[Mapping[str, Callable[[Stage], TrainingConfig]]] = MappingProxyType(
    {"tiny": tiny_run, "whole": whole_run}
)
