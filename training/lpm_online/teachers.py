"""Whom Online LPM learns from: their paths from noise to motion, and their estimates as scores."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from models.lpm.base import BaseLpm, cut
from models.lpm.conditions import Conditions
from models.lpm.model import Lpm
from models.motion import CHUNK_FRAMES
from models.nn.cache import append_chunk
from training.lpm_online.config import Distillation

# Shapes: S rows, N frames, C chunk frames, M motion numbers, P points.


class Teacher(Protocol):
    """A frozen model that knows the distribution of motion."""

    lpm: Lpm

    def trajectory(self, conditions: Conditions, noise: Tensor) -> Tensor:
        """Return points [S, P, N, M] of the path from standard normal `noise` [S, N, M], standardised.

        There is one at each level of the student, its handover too, and the clean end.
        """
        ...

    def score(self, clean: Tensor, noisy: Tensor, level: Tensor, conditions: Conditions, /) -> Tensor:
        """Return the estimate [S, N, M] of what is behind `noisy`, made of `clean`, at `level` [S, N / C]."""
        ...

    def score_with(
        self, network: Lpm, clean: Tensor, noisy: Tensor, level: Tensor, conditions: Conditions, /
    ) -> Tensor:
        """Return the same of another network, which sees what this one sees, unguided."""
        ...


class WholeTeacher:
    """Base LPM: it sees a whole window, and is guided."""

    def __init__(self, lpm: Lpm, config: Distillation) -> None:
        self.lpm = lpm
        self._base = BaseLpm(lpm, config.base)
        self._kept = _kept(config, config.base.levels)

    def trajectory(self, conditions: Conditions, noise: Tensor) -> Tensor:
        points = self._base.trajectory(conditions, noise * self.lpm.temperature, None)
        return torch.stack([points[index] for index in self._kept], dim=1)

    def score(self, _clean: Tensor, noisy: Tensor, level: Tensor, conditions: Conditions, /) -> Tensor:
        return self._base.estimate(noisy, level, conditions)

    def score_with(
        self, network: Lpm, _clean: Tensor, noisy: Tensor, level: Tensor, conditions: Conditions, /
    ) -> Tensor:
        return network.network.whole(noisy, level, network.network.remember(conditions, noisy.shape[1]))


class CausalTeacher:
    """The multi-step streaming LPM: it sees the clean motion before a chunk."""

    def __init__(self, lpm: Lpm, config: Distillation) -> None:
        self.lpm = lpm
        self._kept = _kept(config, lpm.config.sampler.levels)

    def trajectory(self, conditions: Conditions, noise: Tensor) -> Tensor:
        cache, chunks = self.lpm.init_state(len(noise)).cache, noise.shape[1] // CHUNK_FRAMES
        active = torch.ones(len(noise), dtype=torch.bool, device=noise.device)
        made = []
        for n in range(chunks):
            reading = self.lpm.read(cut(conditions, n, 1, self.lpm.config))
            past = self.lpm.network.recall(cache)
            drawn = noise[:, n * CHUNK_FRAMES :][:, :CHUNK_FRAMES] * self.lpm.temperature
            points = self.lpm.sample(drawn, reading, past)
            made.append(torch.stack([points[index] for index in self._kept], dim=1))
            motion = self.lpm.denormalise(points[-1]) * self.lpm.homing
            level = motion.new_zeros(len(motion), 1)
            written = self.lpm.network.chunk(self.lpm.normalise(motion), level, reading.told, past)
            cache = append_chunk(self.lpm.config.cache, cache, written.keys, written.values, active)
        return torch.cat(made, dim=2)

    def score(self, clean: Tensor, noisy: Tensor, level: Tensor, conditions: Conditions, /) -> Tensor:
        return self.score_with(self.lpm, clean, noisy, level, conditions)

    def score_with(
        self, network: Lpm, clean: Tensor, noisy: Tensor, level: Tensor, conditions: Conditions, /
    ) -> Tensor:
        return network.network.sequence(clean, noisy, level, conditions)


def build_teacher(lpm: Lpm, config: Distillation) -> Teacher:
    """Return the teacher that the configuration names."""
    return WholeTeacher(lpm, config) if config.teacher == "base" else CausalTeacher(lpm, config)


def _kept(config: Distillation, levels: tuple[float, ...]) -> list[int]:
    """Return which points of a path over `levels` and its clean end the student learns from."""
    wanted = (*config.schedule.levels, config.schedule.handover, 0.0)
    known = (*levels, 0.0)
    missing = set(wanted) - set(known)
    if missing:
        raise ValueError(f"the student's levels {sorted(missing)} are not among the teacher's, {levels}")
    return [known.index(level) for level in wanted]
