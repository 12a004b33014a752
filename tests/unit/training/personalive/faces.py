"""Clips of a drawn face that turns, blinks and speaks, and what else the tests of training share."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import torch

from models.personalive.weights import Networks
from training.personalive.clips import Clip, ClipSampler
from training.personalive.conditions import Conditioner
from training.personalive.config import Ablation, DropoutConfig, PersonaLiveTraining, Stage, tiny_run
from training.personalive.main import tiny_frozen
from training.personalive.run import LESSONS, StageRun, execute
from training.personalive.starting import start_networks

SIZE = 32


def draw_clip(frames: int, seed: int) -> Clip:
    """Draw a face: an ellipse with two eyes and a mouth, whose place and openings follow sines."""
    random = np.random.default_rng(seed)
    background, skin = random.integers(20, 90, 3), random.integers(130, 220, 3)
    rates, phases = 0.1 + 0.2 * random.random(3), 6 * random.random(3)
    down, across = np.mgrid[:SIZE, :SIZE]
    pictures, regions = [], []
    for frame in range(frames):
        turn, opening, lids = np.sin(rates * frame + phases)
        x, y, mouth, eye = 16 + 3 * turn, 16.0, 2 + 1.5 * opening, 1.6 + lids
        picture = np.broadcast_to(background, (SIZE, SIZE, 3)).astype(np.uint8).copy()
        picture[((across - x) / 9) ** 2 + ((down - y) / 12) ** 2 <= 1] = skin
        for side in (-4, 4):
            picture[(np.abs(across - x - side) <= 1.5) & (np.abs(down - y + 4) <= eye)] = 250
        picture[(np.abs(across - x) <= 3) & (np.abs(down - y - 6) <= mouth)] = (120, 20, 30)
        boxes = [(x - 12, y - 12, x + 12, y + 12), (x - 7, y - 8, x + 7, y), (x - 4, y + 2, x + 4, y + 10)]
        pictures.append(picture)
        regions.append(np.clip(np.round(boxes), 0, SIZE))
    return Clip(pictures=np.stack(pictures), regions=np.stack(regions).astype(np.int32))


def draw_clips(frames: int = 44) -> list[Clip]:
    """Draw clips of three people."""
    return [draw_clip(frames, seed) for seed in range(3)]


def stage_run(
    stage: Stage, start: Path | None = None, ablation: Ablation | None = None
) -> tuple[PersonaLiveTraining, StageRun]:
    """Return a small run of a stage on drawn clips."""
    torch.set_num_threads(1)
    config = tiny_run(stage, ablation)
    return config, StageRun(config, start_networks(config, start), tiny_frozen(config), draw_clips())


def take_steps(config: PersonaLiveTraining, job: StageRun, output: Path, steps: int) -> Path:
    """Let a run take so many steps."""
    clock = count()
    execute(job, config, output, steps, clock=lambda: float(next(clock)))
    return output


def error_of(config: PersonaLiveTraining, networks: Networks) -> float:
    """Return the mean squared error of a stage's attempts at batches that are always drawn alike."""
    config = replace(config, dropout=DropoutConfig(pose=0, motion=0, reference=0, reference_tokens=0))
    frozen = tiny_frozen(config)
    conditioner = Conditioner(config=config, networks=networks, codec=frozen.codec, embedder=frozen.embedder)
    sampler = ClipSampler(draw_clips(), batch=config.batch, frames=config.frames, seed=7)
    lesson, generator = LESSONS[config.stage](conditioner), torch.Generator().manual_seed(7)
    batches = (sampler.draw() for _ in range(1 if config.stage == "sliding" else 4))
    with torch.no_grad():
        errors = [
            (each.clean - each.truth).square().mean()
            for batch in batches
            for each in lesson.attempts(batch, generator)
        ]
    return float(torch.stack(errors).mean())
