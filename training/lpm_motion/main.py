"""Train the motion LPM: python -m training.lpm_motion.main --data DIR --output DIR [--minutes M]."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from models.lpm.model import Lpm
from models.lpm.weights import load_lpm, save_lpm
from training.lpm.loop import WEIGHTS, run, write_run
from training.lpm_motion.card import describe, write_card
from training.lpm_motion.config import RUNS, TrainingConfig, continued
from training.lpm_motion.crops import CropSampler
from training.lpm_motion.data import Scenes, load_scenes, motion_statistics
from training.lpm_motion.evaluation import evaluate
from training.lpm_motion.trainer import Trainer


def main() -> None:
    """Parse the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the conversation world's shards")
    parser.add_argument("--output", type=Path, required=True, help="folder for checkpoint, curve and weights")
    parser.add_argument("--variant", choices=sorted(RUNS), default="motion")
    parser.add_argument("--minutes", type=float, default=60.0, help="length of the whole run, resumed or not")
    parser.add_argument("--heldout", type=Path, help="shards of other voices, for the figures of the card")
    parser.add_argument("--start", type=Path, help="weights to go on from, instead of from nothing")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads")
    parser.add_argument("--device", default="cpu", help="where to train, as torch names it")
    arguments = parser.parse_args()
    config = RUNS[arguments.variant]()
    start = None
    if arguments.start:
        start = load_lpm(arguments.start)
        config = continued(config, start.config)
    config = replace(config, threads=arguments.threads, device=arguments.device)
    data = load_scenes(arguments.data, config.model)
    job = train(config, data, arguments.output, arguments.minutes * 60, start=start)
    if arguments.heldout:
        figures = evaluate(job.trainer.average.cpu(), load_scenes(arguments.heldout, config.model))
        job.write_figures(arguments.output, describe(figures))


def train(
    config: TrainingConfig,
    data: Scenes,
    output: Path,
    duration_s: float,
    clock: Callable[[], float] = time.monotonic,
    *,
    start: Lpm | None = None,
) -> MotionRun:
    """Train for `duration_s` in all, going on from the checkpoint in `output` if there is one.

    Without one it begins with the weights of `start`, or with none.
    """
    torch.set_num_threads(config.threads)
    job = MotionRun(Trainer(config, motion_statistics(data, config), start), data)
    run(
        job,
        output,
        duration_s,
        clock,
        log_every=config.log_every,
        checkpoint_every_s=config.checkpoint_every_s,
    )
    return job


class MotionRun:
    """A `Job`: crops of scenes for a trainer."""

    def __init__(self, trainer: Trainer, data: Scenes) -> None:
        self.trainer = trainer
        self.data = data
        self.steps = 0
        self.elapsed_s = 0.0
        self._sampler = CropSampler(data, trainer.config, seed=trainer.config.seed)

    def advance(self, progress: float) -> Mapping[str, float]:
        """Take one step of training."""
        losses = self.trainer.step(self._sampler.draw(), progress)
        return {name: float(value) for name, value in losses._asdict().items()}

    def state(self) -> dict[str, Any]:
        """Return what the trainer needs to go on."""
        return self.trainer.state()

    def restore(self, saved: Mapping[str, Any]) -> None:
        """Go on with other crops than before."""
        self.trainer.restore(saved)
        self._sampler = CropSampler(
            self.data, self.trainer.config, seed=self.trainer.config.seed + self.steps
        )

    def write(self, output: Path) -> None:
        """Write the weights and their card."""
        self.write_figures(output, "")

    def write_figures(self, output: Path, figures: str) -> None:
        """Write the weights and their card, with the text of `describe`."""
        config = self.trainer.config
        save_lpm(self.trainer.average, output / WEIGHTS)
        write_run(output, self, hours_of_data=self.data.hours, config=asdict(config))
        write_card(
            output / WEIGHTS, config, self.data, steps=self.steps, elapsed_s=self.elapsed_s, figures=figures
        )


if __name__ == "__main__":
    main()
