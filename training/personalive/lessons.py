"""The three lessons: what the denoising UNet attempts on a batch, and what the truth is."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from models.personalive.denoising_unet import Conditions
from models.personalive.front_end.pictures import to_numbers
from models.personalive.scheduler import DdimScheduler
from models.personalive.window import level_timesteps
from training.personalive.clips import Batch
from training.personalive.conditions import Conditioner, Told, by_rows
from training.personalive.still import tell_noise

# Shapes: B rows, F frames of a clip, W of a window, L of a chunk, n = B * F or B * W, h = H / 8 of latents.


class Attempt(NamedTuple):
    """Estimated clean latents [n, 4, h, h] and the true ones, made at `timesteps` [n].

    `pictures` [n, 3, H, H] in -1..1 are the true ones, and `regions` [n, 3, 4] where what is in them.
    """

    clean: Tensor
    truth: Tensor
    timesteps: Tensor
    pictures: Tensor
    regions: Tensor


class Lesson(Protocol):
    """What a stage tries."""

    def attempts(self, batch: Batch, generator: torch.Generator) -> Iterator[Attempt]:
        """Yield attempts, each with a graph of its own, which may be spent before the next is asked for."""
        ...


class Pictures:
    """Single pictures under noise of any level up to the model's highest (stage 1)."""

    def __init__(self, conditioner: Conditioner) -> None:
        self._conditioner = conditioner
        self._scheduler = _scheduler(conditioner)

    def attempts(self, batch: Batch, generator: torch.Generator) -> Iterator[Attempt]:
        """Yield the only attempt."""
        config = self._conditioner.config
        told = self._conditioner.tell(batch, generator)
        pictures, truth = _true(self._conditioner, batch)
        highest = config.model.schedule.levels[-1]
        timesteps = torch.randint(highest + 1, (len(truth),), generator=generator).to(truth.device)
        noise = _noise(truth, generator)
        shift = torch.randn(*truth.shape[:2], 1, 1, generator=generator).to(truth)
        noisy = self._scheduler.add_noise(truth, noise + config.noise_offset * shift, timesteps)
        unet = self._conditioner.networks.denoising_unet
        clean = self._scheduler.step(noisy, tell_noise(unet, noisy, timesteps, told), timesteps).clean
        yield Attempt(clean, truth, timesteps, pictures, batch.regions.flatten(0, 1))


class FewSteps:
    """Single pictures from pure noise in one to all of the model's levels, noised afresh between (stage 2).

    Gradients flow through the last step alone.
    """

    def __init__(self, conditioner: Conditioner) -> None:
        self._conditioner = conditioner
        self._scheduler = _scheduler(conditioner)

    def attempts(self, batch: Batch, generator: torch.Generator) -> Iterator[Attempt]:
        """Yield the only attempt."""
        levels = self._conditioner.config.model.schedule.levels[::-1]
        steps = int(torch.randint(1, len(levels) + 1, (), generator=generator))
        told = self._conditioner.tell(batch, generator)
        pictures, truth = _true(self._conditioner, batch)
        x = _noise(truth, generator)
        with torch.no_grad():
            for level, lower in pairwise(levels[:steps]):
                clean = self._estimate(x, self._at(level, truth), told)
                x = self._scheduler.add_noise(clean, _noise(truth, generator), self._at(lower, truth))
        timesteps = self._at(levels[steps - 1], truth)
        clean = self._estimate(x, timesteps, told)
        yield Attempt(clean, truth, timesteps, pictures, batch.regions.flatten(0, 1))

    def _estimate(self, x: Tensor, timesteps: Tensor, told: Told) -> Tensor:
        noise = tell_noise(self._conditioner.networks.denoising_unet, x, timesteps, told)
        return self._scheduler.step(x, noise, timesteps).clean

    def _at(self, level: int, like: Tensor) -> Tensor:
        return torch.full((len(like),), level, device=like.device)


class Sliding:
    """A window that slides over a clip as it does in a stream, its results noised afresh (stage 3).

    It begins with the truth under noise and takes in pure noise. Without sliding there is one window, all of
    it the truth under noise.
    """

    def __init__(self, conditioner: Conditioner) -> None:
        config = conditioner.config
        self._conditioner = conditioner
        self._scheduler = _scheduler(conditioner)
        self._timesteps = level_timesteps(
            config.model.schedule.levels, config.model.unet.chunk_frames, torch.device(config.device)
        )

    def attempts(self, batch: Batch, generator: torch.Generator) -> Iterator[Attempt]:
        """Yield an attempt of all frames of the window at every slide that is learnt from."""
        config = self._conditioner.config
        with torch.no_grad():
            told = self._conditioner.tell(batch, generator)
            pictures, truth = _true(self._conditioner, batch)
        rows = len(batch.targets)
        pictures, truth = (by_rows(part, rows) for part in (pictures, truth))
        window = self._opening(truth, generator)
        slides, learnt = (
            (config.sliding.slides, config.sliding.learnt) if config.ablation.slides else (1, (0,))
        )
        for slide in range(slides):
            start = slide * config.model.unet.chunk_frames
            here = slice(start, start + config.model.unet.frames)
            with torch.set_grad_enabled(slide in learnt):
                clean = self._estimate(window, here, told)
            if slide in learnt:
                yield self._attempt(clean, truth[:, here], pictures[:, here], batch.regions[:, here])
            window = self._slid(clean.detach(), generator)

    def _opening(self, truth: Tensor, generator: torch.Generator) -> Tensor:
        """Return the first window [B, W, 4, h, h]."""
        unet, slides = self._conditioner.config.model.unet, self._conditioner.config.ablation.slides
        noise = _noise(truth[:, : unet.frames], generator)
        noised = self._scheduler.add_noise(truth[:, : unet.frames], noise, self._timesteps)
        lead = unet.frames - unet.chunk_frames if slides else unet.frames
        return torch.cat([noised[:, :lead], noise[:, lead:]], dim=1)

    def _estimate(self, window: Tensor, here: slice, told: Told) -> Tensor:
        unet = self._conditioner.networks.denoising_unet
        conditions = Conditions(
            shifts=unet.shifts(self._timesteps),
            portraits=told.constants,
            memory=told.memory,
            present=None,
            motion=told.motion[:, here],
        )
        noise = unet(window, told.pose[:, here], conditions)
        return self._scheduler.step(window, noise, self._timesteps).clean

    def _slid(self, clean: Tensor, generator: torch.Generator) -> Tensor:
        """Return the next window: all but the oldest chunk a level lower, then a chunk of pure noise."""
        frames = self._conditioner.config.model.unet.chunk_frames
        lower = self._scheduler.add_noise(
            clean[:, frames:], _noise(clean[:, frames:], generator), self._timesteps[:-frames]
        )
        return torch.cat([lower, _noise(clean[:, :frames], generator)], dim=1)

    def _attempt(self, clean: Tensor, truth: Tensor, pictures: Tensor, regions: Tensor) -> Attempt:
        timesteps = self._timesteps.repeat(len(clean))
        return Attempt(
            clean.flatten(0, 1), truth.flatten(0, 1), timesteps, pictures.flatten(0, 1), regions.flatten(0, 1)
        )


def _true(conditioner: Conditioner, batch: Batch) -> tuple[Tensor, Tensor]:
    """Return the targets' pictures [n, 3, H, H] in -1..1 and their latents [n, 4, h, h]."""
    pictures = to_numbers(batch.targets.flatten(0, 1))
    with torch.no_grad():
        return pictures, conditioner.codec.encode(pictures)


def _noise(like: Tensor, generator: torch.Generator) -> Tensor:
    return torch.randn(like.shape, generator=generator).to(like)


def _scheduler(conditioner: Conditioner) -> DdimScheduler:
    return DdimScheduler(conditioner.config.model.schedule).to(conditioner.config.device)
