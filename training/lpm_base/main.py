"""Train Base LPM: python -m training.lpm_base.main --data DIR --start WEIGHTS --output DIR [--minutes M]."""

from __future__ import annotations

import argparse
import copy
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from models.lpm.model import Lpm
from models.lpm.weights import load_lpm, save_lpm
from training.lpm.learner import Learner, has_bfloat16
from training.lpm.loop import WEIGHTS, run, write_run
from training.lpm_base.config import RUNS, BaseTraining
from training.lpm_base.step import compute_window_losses, draw_window
from training.lpm_motion.crops import CropSampler
from training.lpm_motion.data import Scenes, load_scenes, motion_statistics


def main() -> None:
    """Parse the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the conversation world's shards")
    parser.add_argument("--start", type=Path, required=True, help="weights of a causal LPM")
    parser.add_argument("--output", type=Path, required=True, help="folder for checkpoint, curve and weights")
    parser.add_argument("--variant", choices=sorted(RUNS), default="motion")
    parser.add_argument("--minutes", type=float, default=30.0, help="length of the whole run, resumed or not")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads")
    parser.add_argument("--device", default="cpu", help="where to train, as torch names it")
    arguments = parser.parse_args()
    start = load_lpm(arguments.start)
    config = RUNS[arguments.variant](start.config)
    training = replace(config.training, threads=arguments.threads, device=arguments.device)
    data = load_scenes(arguments.data, start.config)
    train(replace(config, training=training), data, start, arguments.output, arguments.minutes * 60)


def train(
    config: BaseTraining,
    data: Scenes,
    start: Lpm,
    output: Path,
    duration_s: float,
    clock: Callable[[], float] = time.monotonic,
) -> BaseRun:
    """Train for `duration_s` in all, going on from the checkpoint in `output` or else from `start`."""
    training = config.training
    torch.set_num_threads(training.threads)
    job = BaseRun(config, data, start)
    run(
        job,
        output,
        duration_s,
        clock,
        log_every=training.log_every,
        checkpoint_every_s=training.checkpoint_every_s,
    )
    return job


class BaseRun:
    """A `Job`. The ears of the causal model stay as they are: they have learned all that there is to hear."""

    def __init__(self, config: BaseTraining, data: Scenes, start: Lpm) -> None:
        training = config.training
        self.config = config
        self.data = data
        self.steps = 0
        self.elapsed_s = 0.0
        lpm = copy.deepcopy(start).requires_grad_(requires_grad=True)
        for ear in (lpm.network.speak_encoder, lpm.network.listen_encoder):
            ear.requires_grad_(requires_grad=False)
        self.learner = Learner(lpm.to(training.device), training)
        self._change = motion_statistics(data, training).change.to(training.device)
        self._generator = torch.Generator().manual_seed(training.seed)
        self._sampler = CropSampler(data, training, seed=training.seed)

    def advance(self, progress: float) -> Mapping[str, float]:
        """Take one optimiser step and return its losses."""
        device, batch = self.config.training.device, self._sampler.draw()
        chance = draw_window(batch.motion, self.config, self._generator).to(device)
        with torch.autocast(device, torch.bfloat16, enabled=has_bfloat16(device)):
            losses = compute_window_losses(
                self.learner.module, batch.to(device), chance, self._change, self.config
            )
        self.learner.descend(losses.total, progress)
        return {name: float(value.detach()) for name, value in losses._asdict().items()}

    def state(self) -> dict[str, Any]:
        """Return everything needed to go on."""
        return {"learner": self.learner.state(), "generator": self._generator.get_state()}

    def restore(self, saved: Mapping[str, Any]) -> None:
        """Go on, with other crops than before."""
        self.learner.restore(saved["learner"])
        self._generator.set_state(saved["generator"])
        training = self.config.training
        self._sampler = CropSampler(self.data, training, seed=training.seed + self.steps)

    def write(self, output: Path) -> None:
        """Write the moving average, and what the run was made of."""
        save_lpm(self.learner.average, output / WEIGHTS)
        write_run(output, self, hours_of_data=self.data.hours, config=asdict(self.config))


if __name__ == "__main__":
    main()
