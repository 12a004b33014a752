"""What each stage buys: python -m training.lpm_online.compare --data HELDOUT RUN [RUN ...]

A RUN is NAME=FOLDER, a folder of weights or of a run, of a causal LPM or an Online LPM; or base:NAME=FOLDER
for a network that sees whole windows. Prints a line of JSON for each, then all as a table in Markdown.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final, Protocol

import numpy as np
import torch

from models.lpm.base import BaseConfig, BaseLpm, Guidance
from models.lpm.config import LpmConfig
from models.lpm.model import Lpm
from models.lpm.online import OnlineLpm
from models.lpm.weights import is_online, load_lpm, load_online
from models.motion import CHUNK_FRAMES, NUM_MOTION
from training.lpm.loop import WEIGHTS
from training.lpm_motion.crops import crop
from training.lpm_motion.data import FloatArray, Scenes, load_scenes
from training.lpm_motion.evaluation import perform
from training.lpm_online.figures import PerformanceFigures, Turns, measure, read_turns

BASE: Final = "base:"
HEADINGS: Final[Mapping[str, str]] = {
    "opening_r": "lips, r",
    "closure": "closure",
    "false_lips": "false lips",
    "nod_ratio": "nods, x",
    "takes_mouth_r": "takes: mouth r",
    "takes_head_r": "takes: head r",
    "jerk": "jerk, x",
    "seam": "seam, x",
    "passes": "passes",
    "ms_per_chunk": "ms a chunk",
}


class Performer(Protocol):
    """Anything that performs scenes."""

    @property
    def config(self) -> LpmConfig:
        """What it hears."""
        ...

    @property
    def passes(self) -> float:
        """How often the network is run for each chunk."""
        ...

    def perform(self, scenes: Scenes, clips: int, *, seed: int) -> FloatArray:
        """Return the motion [clips, frames, 58] of the first clips."""
        ...


@dataclass(frozen=True, slots=True)
class Streamed:
    """An LPM that performs chunk by chunk."""

    lpm: Lpm | OnlineLpm

    @property
    def config(self) -> LpmConfig:
        """What it hears."""
        return self.lpm.config

    @property
    def passes(self) -> float:
        """Its estimates, and the pass that writes the clean past."""
        if isinstance(self.lpm, Lpm):
            return len(self.lpm.config.sampler.levels) + 1
        return len(self.lpm.schedule.levels) + 2

    def perform(self, scenes: Scenes, clips: int, *, seed: int) -> FloatArray:
        """Stream all clips, one slot each."""
        if isinstance(self.lpm, Lpm):
            return perform(self.lpm, scenes, clips, seed=seed)
        return perform(self.lpm, scenes, clips, seed=seed)


@dataclass(frozen=True, slots=True)
class Whole:
    """Base LPM, window by window."""

    base: BaseLpm

    @property
    def config(self) -> LpmConfig:
        """What it hears."""
        return self.base.lpm.config

    @property
    def passes(self) -> float:
        """Its estimates, in proportion to the overlap of windows."""
        config = self.base.config
        return len(config.levels) * config.guidance.estimates * config.window_chunks / config.stride_chunks

    def perform(self, scenes: Scenes, clips: int, *, seed: int) -> FloatArray:
        """Generate all clips together."""
        model, rows = self.config, np.arange(min(clips, scenes.num_clips))
        chunks = scenes.num_frames // CHUNK_FRAMES
        levels = scenes.levels[rows].astype(np.float32)
        inputs = crop(scenes, levels, rows, np.zeros_like(rows), model, chunks).inputs
        shape = (len(rows), chunks * CHUNK_FRAMES, NUM_MOTION)
        with torch.inference_mode():
            noise = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
            return self.base.generate(inputs, noise).numpy()


def main() -> None:
    """Parse the command line, perform and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="shards of voices that training never heard")
    parser.add_argument("--clips", type=int, default=24)
    parser.add_argument("--guidance", type=float, nargs=2, default=(1.0, 1.0), metavar=("SOUND", "DIRECTION"))
    parser.add_argument("runs", nargs="+", metavar="RUN")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    sound, direction = arguments.guidance
    base = BaseConfig(guidance=Guidance(sound=sound, direction=direction))
    performers = dict(read_performer(run, base) for run in arguments.runs)
    scenes = load_scenes(arguments.data, next(iter(performers.values())).config)
    turns = read_turns(arguments.data, arguments.clips)
    rows: dict[str, Mapping[str, float]] = {}
    for name, performer in performers.items():
        rows[name] = compare(performer, scenes, turns, arguments.clips)
        sys.stdout.write(json.dumps({"run": name, **rows[name]}) + "\n")
        sys.stdout.flush()
    sys.stdout.write("\n" + table(rows))


def read_performer(run: str, base: BaseConfig) -> tuple[str, Performer]:
    """Return the name and the performer of NAME=FOLDER. Raises ValueError for anything else."""
    name, separator, folder = run.removeprefix(BASE).partition("=")
    if not separator:
        raise ValueError(f"a run is NAME=FOLDER, got {run!r}")
    path = Path(folder) / WEIGHTS if (Path(folder) / WEIGHTS).exists() else Path(folder)
    if run.startswith(BASE):
        return name, Whole(BaseLpm(load_lpm(path), base))
    return name, Streamed(load_online(path) if is_online(path) else load_lpm(path))


def compare(
    performer: Performer,
    scenes: Scenes,
    turns: Turns,
    clips: int,
    clock: Callable[[], float] = time.thread_time,
) -> Mapping[str, float]:
    """Return the figures of a performer over the first clips, and its cost for one session on this core."""
    one, other = (performer.perform(scenes, clips, seed=seed) for seed in (0, 1))
    scale = np.maximum(scenes.motion.astype(np.float32).std((0, 1)), 0.02)
    figures: PerformanceFigures = measure(one, other, scenes, turns, scale)
    alone = replace(scenes, levels=scenes.levels[:1], motion=scenes.motion[:1])
    performer.perform(alone, 1, seed=0)
    started = clock()
    performer.perform(alone, 1, seed=0)
    spent_ms = 1000 * (clock() - started) / (scenes.num_frames // CHUNK_FRAMES)
    measured = {**asdict(figures), "passes": performer.passes, "ms_per_chunk": spent_ms}
    return {name: round(value, 4) for name, value in measured.items()}


def table(rows: Mapping[str, Mapping[str, float]]) -> str:
    """Return the figures of all runs as a table in Markdown."""
    lines: list[Sequence[str]] = [["run", *HEADINGS.values()], ["---"] * (len(HEADINGS) + 1)]
    lines += [[name, *(f"{row[figure]:.3g}" for figure in HEADINGS)] for name, row in rows.items()]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    main()
