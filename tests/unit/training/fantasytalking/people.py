"""Clips of a drawn face that turns and speaks, a filmed one of the rig, and what else the tests share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import count
from pathlib import Path

import av
import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy.io import wavfile

from models.fantasytalking.geometry import num_samples
from models.fantasytalking.network import FantasyTalking
from models.motion import INDEX, NUM_BLENDSHAPES, NUM_MOTION
from models.rig.face import mean_face
from models.rig.render import RigRenderer
from models.rig.rig import prepare_rig
from training.fantasytalking.clips import Clip, ClipSampler, Entry, find_clips, save_clip
from training.fantasytalking.conditions import Conditioner
from training.fantasytalking.config import DropoutConfig, Stage, TrainingConfig, tiny_run
from training.fantasytalking.lesson import Errors, attempt
from training.fantasytalking.lips import RIM
from training.fantasytalking.run import StageRun, execute, measure_scale
from training.fantasytalking.starting import start_network
from training.fantasytalking.team import Team
from training.fantasytalking.tiny import tiny_frozen

SIZE = 32
EXAMPLES = Path(__file__).parents[4] / "examples"
FILMED_FPS = 25
CLIP = tiny_run("clip").model.clip
KEPT = DropoutConfig(portrait=0, speech=0, prompt=0)


def draw_clip(frames: int, seed: int, swing: float = 2.0) -> Clip:
    """Draw the mean face, whose place follows a sine and whose lips are as open as the sound is loud."""
    random = np.random.default_rng(seed)
    skin = random.integers(120, 220, 3).tolist()
    openings = np.abs(np.sin(0.7 * np.arange(frames) + random.random()))
    pictures, landmarks, joints = [], [], []
    for frame, opening in enumerate(openings):
        points = (mean_face().points * 8 + [SIZE / 2, SIZE / 2, 0]).astype(np.float32)
        points[:, 0] += np.float32(swing * np.sin(0.3 * frame))
        points[[17, 84, 314, 181, 405], 1] += np.float32(3 * opening)
        picture = np.full((SIZE, SIZE, 3), 40, np.uint8)
        cv2.fillPoly(picture, [cv2.convexHull(points[:, :2].astype(np.int32))], color=skin)
        cv2.fillPoly(picture, [points[list(RIM), :2].round().astype(np.int32)], color=(150, 30, 40))
        pictures.append(picture)
        landmarks.append(points)
        joints.append(np.tile(np.array([points[1, 0], points[1, 1], 1], np.float32), (33, 1)))
    loud = np.repeat(openings, num_samples(1, CLIP) + 1)[: num_samples(frames, CLIP)]
    sound = loud * random.standard_normal(len(loud))
    return Clip(
        pictures=np.stack(pictures),
        sound=sound.astype(np.float32),
        landmarks=np.stack(landmarks),
        joints=np.stack(joints),
        prompt="a person talks",
    )


def draw_clips(folder: Path, frames: int = 14) -> list[Entry]:
    """Write clips of three people who move more and more."""
    for seed in range(3):
        save_clip(folder / f"{seed}.npz", draw_clip(frames, seed, swing=1.0 + seed))
    return find_clips(folder)


def film(path: Path, seconds: float, side: int = 128) -> None:
    """Film the example portrait that says the beginning of the example speech, moved by the rig."""
    rate, speech = wavfile.read(EXAMPLES / "speech.wav")
    sound = speech[rate : rate + int(seconds * rate)].astype(np.float32) / 32768
    portrait = np.asarray(Image.open(EXAMPLES / "portrait.jpg").convert("RGB"))
    renderer = RigRenderer(prepare_rig(portrait, side))
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=FILMED_FPS, width=side, height=side, pix_fmt="yuv420p")
        video.bit_rate = 2_000_000
        voice = container.add_stream("pcm_s16le", rate=rate, layout="mono")
        for index, motion in enumerate(_motions(sound, rate)):
            picture = renderer.render(motion, index / FILMED_FPS)
            container.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(video.encode(None))
        samples = av.AudioFrame.from_ndarray((sound * 32767).astype(np.int16)[None], "s16", "mono")
        samples.sample_rate, samples.pts, samples.time_base = rate, 0, Fraction(1, rate)
        container.mux(voice.encode(samples))
        container.mux(voice.encode(None))


def _motions(sound: NDArray[np.float32], rate: int) -> Iterator[NDArray[np.float32]]:
    """Yield motion whose jaw follows the loudness, while the head turns slowly."""
    hop = rate // FILMED_FPS
    for index in range(len(sound) // hop):
        motion = np.zeros(NUM_MOTION, np.float32)
        heard = sound[index * hop : (index + 1) * hop]
        motion[INDEX["jawOpen"]] = min(0.8, 6 * float(np.sqrt((heard**2).mean())))
        motion[NUM_BLENDSHAPES + 1] = 0.15 * np.sin(2 * np.pi * index / FILMED_FPS)
        yield motion


def run_of(stage: Stage) -> TrainingConfig:
    """Return a quick run of a stage."""
    torch.set_num_threads(1)
    return replace(tiny_run(stage), batch=2)


def stage_run(
    config: TrainingConfig, entries: list[Entry], start: Path | None = None, team: Team | None = None
) -> StageRun:
    """Return a job of a stage."""
    return StageRun(config, start_network(config, start), tiny_frozen(config), entries, team)


def take_steps(config: TrainingConfig, job: StageRun, output: Path, steps: int) -> Path:
    """Let a run take so many steps in all."""
    clock = count()
    execute(job, config, output, steps, clock=lambda: float(next(clock)))
    return output


def conditioner_of(
    config: TrainingConfig, entries: list[Entry], network: FantasyTalking | None = None
) -> Conditioner:
    """Return what tells clips to a network, and withholds nothing."""
    config = replace(config, dropout=KEPT)
    return Conditioner(
        config=config,
        network=network or start_network(config, None),
        frozen=tiny_frozen(config),
        scale=measure_scale(entries, config.frames),
    )


@torch.no_grad()
def error_of(config: TrainingConfig, network: FantasyTalking, entries: list[Entry]) -> Errors:
    """Return the mean errors at batches, noise and noise levels that are always drawn alike."""
    conditioner = conditioner_of(config, entries, network)
    sampler = ClipSampler(entries, CLIP, batch=4, frames=config.frames, seed=7)
    generator = torch.Generator().manual_seed(7)
    found = [torch.stack(attempt(conditioner, sampler.draw(), generator)) for _ in range(3)]
    return Errors(*torch.stack(found).mean(dim=0))
