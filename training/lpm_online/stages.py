"""The stages as runs: storing paths, regression to them, and distribution matching on three sources."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from models.lpm.model import Lpm
from models.lpm.online import OnlineLpm
from models.lpm.weights import save_online
from training.lpm.learner import Learner, has_bfloat16
from training.lpm.loop import WEIGHTS, write_run
from training.lpm_motion.crops import CropSampler
from training.lpm_online.config import Distillation
from training.lpm_online.matching import critic_loss, matching_loss
from training.lpm_online.regression import path_losses
from training.lpm_online.sources import Made, Source
from training.lpm_online.teachers import Teacher
from training.lpm_online.trajectories import PathStore

# What a run draws from, given a seed: a run that is resumed draws anew.
Crops = Callable[[int], CropSampler]


class PathRun:
    """A `Job` that stores the teacher's paths; a step is a batch."""

    def __init__(self, config: Distillation, teacher: Teacher, crops: Crops, store: PathStore) -> None:
        self.steps = 0
        self.elapsed_s = 0.0
        self._config = config
        self._teacher = teacher
        self._draw_crops = crops
        self._crops = crops(config.training.seed)
        self._store = store
        self._generator = torch.Generator().manual_seed(config.training.seed)

    def advance(self, progress: float) -> Mapping[str, float]:
        """Make and store one batch of paths."""
        batch = self._crops.draw().to(self._config.training.device)
        noise = torch.randn(batch.motion.shape, generator=self._generator).to(batch.motion)
        with torch.inference_mode():
            conditions = self._teacher.lpm.network.encode(batch.inputs)
            points = self._teacher.trajectory(conditions, noise)
        self._store.write(self.steps, batch, points)
        return {"progress": progress, "stored": len(self._store)}

    def state(self) -> dict[str, Any]:
        """Return the state of the chance."""
        return {"generator": self._generator.get_state()}

    def restore(self, saved: Mapping[str, Any]) -> None:
        """Go on with other crops than before."""
        self._generator.set_state(saved["generator"])
        self._crops = self._draw_crops(self._config.training.seed + self.steps)

    def write(self, output: Path) -> None:
        """Write what the run was made of; the paths are there already."""
        write_run(output, self, config=asdict(self._config))


class RegressionRun:
    """A `Job`: backbone and refiner learn the ends of stored paths."""

    def __init__(self, config: Distillation, student: OnlineLpm, store: PathStore, change: Tensor) -> None:
        self.steps = 0
        self.elapsed_s = 0.0
        self._config = config
        self._store = store
        self._change = change
        self._paths = store.draw(config.training.seed)
        self._generator = torch.Generator().manual_seed(config.training.seed)
        self.learner = Learner(learning(student, student.backbone, student.refiner), config.training)

    def advance(self, progress: float) -> Mapping[str, float]:
        """Take one optimiser step on a batch of paths."""
        training = self._config.training
        paths = next(self._paths).to(training.device)
        with _precision(training.device):
            drafted, refined = path_losses(
                self.learner.module, paths, self._change, training, self._generator
            )
        self.learner.descend(drafted + refined, progress)
        return {"backbone": float(drafted.detach()), "refiner": float(refined.detach())}

    def state(self) -> dict[str, Any]:
        """Return everything needed to go on."""
        return {"learner": self.learner.state(), "generator": self._generator.get_state()}

    def restore(self, saved: Mapping[str, Any]) -> None:
        """Go on with other paths than before."""
        self.learner.restore(saved["learner"])
        self._generator.set_state(saved["generator"])
        self._paths = self._store.draw(self._config.training.seed + self.steps)

    def write(self, output: Path) -> None:
        """Write the moving average, and what the run was made of."""
        save_online(self.learner.average, output / WEIGHTS)
        write_run(output, self, config=asdict(self._config))


class MatchingRun:
    """A `Job`: the motion of a source is moved towards the teacher's, and a critic follows it."""

    def __init__(
        self, config: Distillation, student: OnlineLpm, teacher: Teacher, source: Callable[[int], Source]
    ) -> None:
        training = config.training
        self.steps = 0
        self.elapsed_s = 0.0
        self._config = config
        self._teacher = teacher
        self._draw_source = source
        self._source = source(training.seed)
        self._generator = torch.Generator().manual_seed(training.seed)
        self.learner = Learner(student, training)
        self.critic = Learner(awake(copy.deepcopy(teacher.lpm)), config.critic_training)
        self._noted = {"matching": 0.0, "regression": 0.0, "critic": 0.0}

    def advance(self, progress: float) -> Mapping[str, float]:
        """Take one step of the critic or, when it is its turn, of the student."""
        learn = self._follow if self._is_critics_turn() else self._move
        self._noted.update(learn(progress))
        return self._noted

    def _is_critics_turn(self) -> bool:
        matching = self._config.matching
        since = self.steps - matching.head_start
        return since < 0 or since % (matching.critic_steps + 1) > 0

    def _follow(self, progress: float) -> dict[str, float]:
        with _precision(self._config.training.device):
            with torch.no_grad():
                made = self._source.make(self.learner.module, self._generator)
            loss = self._compare(critic_loss, made)
        self.critic.descend(loss, progress)
        return {"critic": float(loss.detach())}

    def _move(self, progress: float) -> dict[str, float]:
        matching = self._config.matching
        with _precision(self._config.training.device):
            made = self._source.make(self.learner.module, self._generator)
            matched = self._compare(matching_loss, made)
        self.learner.descend(matching.weight * matched + matching.regression * made.regression, progress)
        return {"matching": float(matched.detach()), "regression": float(made.regression.detach())}

    def _compare(self, loss: Callable[..., Tensor], made: Made) -> Tensor:
        conditions = self._teacher.lpm.network.encode(made.inputs)
        matching, critic = self._config.matching, self.critic.module
        return loss(self._teacher, critic, made.motion, conditions, matching, self._generator)

    def state(self) -> dict[str, Any]:
        """Return everything needed to go on."""
        return {
            "learner": self.learner.state(),
            "critic": self.critic.state(),
            "generator": self._generator.get_state(),
        }

    def restore(self, saved: Mapping[str, Any]) -> None:
        """Go on with another draw of the source."""
        self.learner.restore(saved["learner"])
        self.critic.restore(saved["critic"])
        self._generator.set_state(saved["generator"])
        self._source = self._draw_source(self._config.training.seed + self.steps)

    def write(self, output: Path) -> None:
        """Write the moving average, and what the run was made of."""
        save_online(self.learner.average, output / WEIGHTS)
        write_run(output, self, config=asdict(self._config))


def learning(student: OnlineLpm, *networks: Lpm) -> OnlineLpm:
    """Let some networks of the student learn, and nothing else of it."""
    student.requires_grad_(requires_grad=False)
    for network in networks:
        awake(network)
    return student


def awake(lpm: Lpm) -> Lpm:
    """Let all of a network learn but its ears, which have learned all that there is to hear."""
    lpm.requires_grad_(requires_grad=True)
    for ear in (lpm.network.speak_encoder, lpm.network.listen_encoder):
        ear.requires_grad_(requires_grad=False)
    return lpm


def _precision(device: str) -> torch.autocast:
    return torch.autocast(device, torch.bfloat16, enabled=has_bfloat16(device))
