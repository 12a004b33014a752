"""Train the motion LPM: python -m training.lpm_motion.main --data DIR --output DIR [--minutes M]."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import torch

from models.lpm.model import Lpm
from models.lpm.weights import load_lpm, save_lpm
from training.lpm_motion.card import describe, write_card
from training.lpm_motion.config import RUNS, TrainingConfig, continued
from training.lpm_motion.crops import CropSampler
from training.lpm_motion.data import Scenes, load_scenes, motion_statistics
from training.lpm_motion.evaluation import evaluate
from training.lpm_motion.step import Losses
from training.lpm_motion.trainer import Trainer

CHECKPOINT = "checkpoint.pt"
CURVE = "curve.jsonl"


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
    trainer = train(config, data, arguments.output, arguments.minutes * 60, start=start)
    if arguments.heldout:
        figures = evaluate(trainer.average.cpu(), load_scenes(arguments.heldout, config.model))
        _write(trainer, data, arguments.output, describe(figures))


def train(
    config: TrainingConfig,
    data: Scenes,
    output: Path,
    duration_s: float,
    clock: Callable[[], float] = time.monotonic,
    *,
    start: Lpm | None = None,
) -> Trainer:
    """Train for `duration_s` in all, going on from the checkpoint in `output` if there is one.

    Without one it begins with the weights of `start`, or with none.
    """
    torch.set_num_threads(config.threads)
    output.mkdir(parents=True, exist_ok=True)
    trainer = Trainer(config, motion_statistics(data, config), start)
    if (output / CHECKPOINT).exists():
        trainer.resume(output / CHECKPOINT)
    sampler = CropSampler(data, config, seed=config.seed + trainer.steps)
    started = clock() - trainer.elapsed_s
    saved_at = trainer.elapsed_s
    while trainer.elapsed_s < duration_s:
        losses = trainer.step(sampler.draw(), trainer.elapsed_s / duration_s)
        trainer.elapsed_s = clock() - started
        if trainer.steps % config.log_every == 0:
            _log(output / CURVE, trainer, losses)
        if trainer.elapsed_s - saved_at > config.checkpoint_every_s:
            saved_at = trainer.elapsed_s
            _save(trainer, data, output)
    _save(trainer, data, output)
    return trainer


def _log(path: Path, trainer: Trainer, losses: Losses) -> None:
    values = {name: round(float(value), 5) for name, value in losses._asdict().items()}
    line = {"step": trainer.steps, "elapsed_s": round(trainer.elapsed_s, 1), **values}
    with path.open("a") as curve:
        curve.write(json.dumps(line) + "\n")


def _save(trainer: Trainer, data: Scenes, output: Path) -> None:
    trainer.save(output / CHECKPOINT)
    _write(trainer, data, output, "")


def _write(trainer: Trainer, data: Scenes, output: Path, figures: str) -> None:
    weights = output / "weights"
    save_lpm(trainer.average, weights)
    run = {"steps": trainer.steps, "minutes": round(trainer.elapsed_s / 60, 1), "hours_of_data": data.hours}
    (output / "run.json").write_text(json.dumps({**run, "config": asdict(trainer.config)}, indent=2) + "\n")
    write_card(
        weights, trainer.config, data, steps=trainer.steps, elapsed_s=trainer.elapsed_s, figures=figures
    )


if __name__ == "__main__":
    main()
