"""Where the student's motion comes from, stage by stage: re-noised paths, its own drafts, its refinements."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from models.lpm.conditions import Inputs
from models.lpm.online import OnlineLpm
from training.lpm_motion.crops import CropSampler
from training.lpm_online.config import Distillation
from training.lpm_online.regression import errors, mouth_loss
from training.lpm_online.rollouts import draft_stream, refine_stream
from training.lpm_online.trajectories import Paths

# Shapes: S rows, N frames, C chunk frames, M motion numbers.


class Made(NamedTuple):
    """Motion [S, N, M] of the student, standardised, what it was made for, and how far it is from what it is
    told outright.
    """

    motion: Tensor
    inputs: Inputs
    regression: Tensor


class Source(Protocol):
    """Makes motion with the student, with a gradient where gradients are enabled."""

    def make(self, online: OnlineLpm, generator: torch.Generator) -> Made:
        """Make motion for other conditions each time."""
        ...


class OffPolicy:
    """The backbone's estimates of the teacher's motion, noised again, in a past that is the teacher's too."""

    def __init__(self, paths: Iterator[Paths], change: Tensor, config: Distillation) -> None:
        self._paths = paths
        self._change = change
        self._config = config

    def make(self, online: OnlineLpm, generator: torch.Generator) -> Made:
        config, training = self._config, self._config.training
        paths = next(self._paths).to(training.device)
        lpm, schedule, clean = online.backbone, online.schedule, paths.clean
        index = int(torch.randint(len(schedule.levels), (), generator=generator))
        level = schedule.levels[index]
        noise, history_noise = (
            torch.randn(clean.shape, generator=generator).to(clean) * lpm.temperature for _ in range(2)
        )
        ones = clean.new_ones(paths.inputs.known.shape)
        past = (1 - schedule.history) * clean + schedule.history * history_noise
        noisy = past if level == schedule.history else (1 - level) * clean + level * noise
        conditions = lpm.network.encode(paths.inputs)
        _, estimate = lpm.network.copies(past, noisy, schedule.history * ones, level * ones, conditions)
        estimate = estimate.float()
        told = errors(lpm, estimate, clean, estimate - clean, self._change, training)
        mouth = mouth_loss(lpm, estimate, lpm.restore(clean), training)
        return Made(estimate, paths.inputs, mouth + config.matching.anchor * told.total(training))


class OnPolicy:
    """The backbone's own streams, with the gradient of one call, drawn anew each time."""

    def __init__(self, crops: CropSampler, config: Distillation) -> None:
        self._crops = crops
        self._config = config

    def make(self, online: OnlineLpm, generator: torch.Generator) -> Made:
        training = self._config.training
        batch = self._crops.draw().to(training.device)
        index = int(torch.randint(len(online.schedule.levels), (), generator=generator))
        noise = torch.randn(batch.motion.shape, generator=generator).to(batch.motion)
        conditions = online.backbone.network.encode(batch.inputs)
        made = draft_stream(online, conditions, noise, index).clean.float()
        return Made(made, batch.inputs, mouth_loss(online.backbone, made, batch.motion, training))


class Refining:
    """The refiner's streams over drafts of the backbone, which learns nothing any more."""

    def __init__(self, crops: CropSampler, config: Distillation) -> None:
        self._crops = crops
        self._config = config

    def make(self, online: OnlineLpm, generator: torch.Generator) -> Made:
        training = self._config.training
        batch = self._crops.draw().to(training.device)
        noise = torch.randn(batch.motion.shape, generator=generator).to(batch.motion)
        with torch.no_grad():
            conditions = online.backbone.network.encode(batch.inputs)
            drafts = draft_stream(online, conditions, noise, len(online.schedule.levels) - 1)
        conditions = online.refiner.network.encode(batch.inputs)
        made = refine_stream(online, conditions, drafts).float()
        return Made(made, batch.inputs, mouth_loss(online.refiner, made, batch.motion, training))
