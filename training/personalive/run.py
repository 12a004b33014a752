"""A stage as a job: batches are drawn, attempted, graded and learnt from, and so on."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import torch

from models.personalive.codec import Codec, Embedder
from models.personalive.weights import Networks
from training.lpm.loop import WEIGHTS, run, write_run
from training.personalive.clips import Clip, ClipSampler
from training.personalive.conditions import Conditioner
from training.personalive.config import PersonaLiveTraining, Stage
from training.personalive.criteria import Criterion, LatentCriterion, PictureCriterion
from training.personalive.discriminator import Discriminator
from training.personalive.learner import Learner
from training.personalive.lessons import FewSteps, Lesson, Pictures, Sliding
from training.personalive.perceptual import PerceptualDistance
from training.personalive.starting import save_networks, taught

LESSONS: Final[Mapping[Stage, Callable[[Conditioner], Lesson]]] = MappingProxyType(
    {"pictures": Pictures, "few-steps": FewSteps, "sliding": Sliding}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """What a stage leaves as it is: the codec, the embedder of portraits and the perceptual distance."""

    codec: Codec
    embedder: Embedder
    perceptual: PerceptualDistance


class StageRun:
    """A `Job`: one stage."""

    def __init__(
        self, config: PersonaLiveTraining, networks: Networks, frozen: Frozen, clips: Sequence[Clip]
    ) -> None:
        self.steps = 0
        self.elapsed_s = 0.0
        self.networks = networks
        self._config = config
        self._clips = clips
        conditioner = Conditioner(
            config=config, networks=networks, codec=frozen.codec, embedder=frozen.embedder
        )
        self._lesson = LESSONS[config.stage](conditioner)
        self._criterion = _criterion(config, frozen)
        for network in networks.named().values():
            network.requires_grad_(requires_grad=False)
        self._learner = Learner(taught(networks, config.stage), config.optimiser)
        self._generator = torch.Generator().manual_seed(config.seed)
        self._sampler = self._draw_sampler()

    def advance(self, progress: float) -> Mapping[str, float]:  # noqa: ARG002  # rates are constant
        """Learn from one batch; return the mean errors of its attempts."""
        batch = self._sampler.draw().to(self._config.device)
        noted: dict[str, float] = {}
        graded = 0
        for attempt in self._lesson.attempts(batch, self._generator):
            grades = self._criterion.grade(attempt, self.steps)
            self._learner.accumulate(torch.stack(list(grades.values())).sum())
            graded += 1
            for name, value in grades.items():
                noted[name] = noted.get(name, 0.0) + float(value.detach())
        self._learner.descend()
        return {
            **{name: value / graded for name, value in noted.items()},
            **self._criterion.follow(self.steps),
        }

    def state(self) -> dict[str, Any]:
        """Return everything needed to go on."""
        return {
            "networks": {name: network.state_dict() for name, network in self.networks.named().items()},
            "learner": self._learner.state(),
            "criterion": self._criterion.state(),
            "generator": self._generator.get_state(),
        }

    def restore(self, saved: Mapping[str, Any]) -> None:
        """Go on, with other clips than before."""
        for name, network in self.networks.named().items():
            network.load_state_dict(saved["networks"][name])
        self._learner.restore(saved["learner"])
        self._criterion.restore(saved["criterion"])
        self._generator.set_state(saved["generator"])
        self._sampler = self._draw_sampler()

    def write(self, output: Path) -> None:
        """Write the networks, ready to stream, and what the run was made of."""
        save_networks(self._config.model, self.networks, output / WEIGHTS)
        write_run(output, self, config=asdict(self._config), clips=len(self._clips))

    def _draw_sampler(self) -> ClipSampler:
        config = self._config
        seed = config.seed + self.steps
        return ClipSampler(self._clips, batch=config.batch, frames=config.frames, seed=seed)


def execute(
    job: StageRun,
    config: PersonaLiveTraining,
    output: Path,
    duration_s: float,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Run for `duration_s` in all, going on from the checkpoint in `output` if there is one."""
    torch.set_num_threads(config.threads)
    run(
        job,
        output,
        duration_s,
        clock,
        log_every=config.log_every,
        checkpoint_every_s=config.checkpoint_every_s,
    )


def _criterion(config: PersonaLiveTraining, frozen: Frozen) -> Criterion:
    if config.stage == "pictures":
        return LatentCriterion(config)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        discriminator = Discriminator(config.adversary).to(config.device)
    return PictureCriterion(config, frozen.codec, frozen.perceptual, discriminator)
