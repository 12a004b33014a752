"""A small FantasyTalking that learned drawn people within minutes, so that what moves means something."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, NamedTuple, cast

import torch
from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan
from torch import Tensor, nn

from models.fantasytalking.config import SpanConfig
from models.fantasytalking.given import denormalise
from models.fantasytalking.network import FantasyTalking
from models.fantasytalking.performance import Encoders, Prompt
from tests.unit.training.fantasytalking.people import draw_clip
from training.fantasytalking.clips import Clip, find_clips, save_clip
from training.fantasytalking.config import Stage, TrainingConfig, tiny_run
from training.fantasytalking.frozen import Frozen
from training.fantasytalking.run import StageRun
from training.fantasytalking.starting import start_network
from training.fantasytalking.tiny import tiny_frozen

STAGES: Final[dict[Stage, int]] = {"base": 200, "frame": 60}
_PROMPT: Final = "a person talks"
_STRIDE: Final = 4
_PEOPLE: Final = 8
_CLIP_FRAMES: Final = 92


class Mode(NamedTuple):
    """What an autoencoder tells of a video: a `latent_dist` with one value."""

    latents: Tensor

    @property
    def latent_dist(self) -> Mode:
        return self

    def mode(self) -> Tensor:
        return self.latents


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanAutoencoder:
    """Stands in for an autoencoder, with nothing learnt: a latent is the mean of the pixels it stands for.

    So latents move as pictures do, and can be looked at.
    """

    config: dict[str, list[float]]
    dtype: torch.dtype = torch.float32

    def encode(self, video: Tensor) -> Mode:
        """Return latents [B, 3, F, h, w] of a video [B, 3, T, H, W]."""
        pooled = nn.functional.avg_pool3d(video[:, :, 1:], (4, _STRIDE, _STRIDE))
        first = nn.functional.avg_pool3d(video[:, :, :1], (1, _STRIDE, _STRIDE))
        return Mode(torch.cat((first, pooled), dim=2))


@dataclass(frozen=True, slots=True, kw_only=True)
class Studio:
    """A trained network, what surrounds it, and somebody it never saw who talks."""

    network: FantasyTalking
    encoders: Encoders
    prompt: Prompt
    person: Clip

    def pictures(self, latents: Tensor) -> Tensor:
        """Return pictures [F, h, w, 3] from 0 to 255 of latents, one for each."""
        means = denormalise(self.encoders.autoencoder, latents)[0]
        return ((means.permute(1, 2, 3, 0) + 1) * 127.5).clamp(0, 255).to(torch.uint8)


def open_studio(folder: Path, seconds: float, stages: dict[Stage, int] = STAGES) -> Studio:
    """Train on drawn people, stage after stage, and draw another one who talks for so long."""
    for seed in range(_PEOPLE):
        save_clip(folder / "clips" / f"{seed}.npz", draw_clip(_CLIP_FRAMES, seed))
    start = None
    for stage, steps in stages.items():
        config = _run_of(stage)
        frozen = _frozen(config)
        job = StageRun(config, start_network(config, start), frozen, find_clips(folder / "clips"))
        for job.steps in range(steps):
            job.advance(0.0)
        job.write(folder / stage)
        start = folder / stage / "weights"
    network = start_network(config, start).eval().requires_grad_(requires_grad=False)
    prompt = Prompt(text=frozen.read_text([_PROMPT]), negative=frozen.read_text([""]))
    frames = round(seconds * config.model.clip.frame_rate_hz)
    person = draw_clip(frames, seed=_PEOPLE)
    return Studio(network=network, encoders=frozen.encoders, prompt=prompt, person=person)


def _run_of(stage: Stage) -> TrainingConfig:
    config = tiny_run(stage)
    span = SpanConfig(length=9, overlap=2)
    model = replace(
        config.model,
        backbone=replace(config.model.backbone, latent_channels=3),
        clip=replace(config.model.clip, vae_stride=_STRIDE),
        span=span,
    )
    model = replace(model, sampler=replace(model.sampler, steps=30))
    return replace(config, model=model, batch=2, frames=4 * (span.length - 1) + 1)


def _frozen(config: TrainingConfig) -> Frozen:
    frozen = tiny_frozen(config)
    # Means and spread of drawn pictures, near enough.
    autoencoder = MeanAutoencoder(config={"latents_mean": [-0.3] * 3, "latents_std": [0.5] * 3})
    encoders = frozen.encoders._replace(autoencoder=cast("AutoencoderKLWan", autoencoder))
    return replace(frozen, encoders=encoders)
