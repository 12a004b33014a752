"""A stage as a job: clips are drawn, attempted, graded and learnt from, and so on."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import fmean
from typing import Any, Final

import torch
from torch import Tensor, nn

from models.fantasytalking.network import FantasyTalking
from models.fantasytalking.weights import save_tensors
from training.fantasytalking.clips import ClipSampler, Entry, read_points
from training.fantasytalking.conditions import Conditioner
from training.fantasytalking.config import TrainingConfig
from training.fantasytalking.frozen import Frozen
from training.fantasytalking.intensity import IntensityScale, fit_scale, measure, windows
from training.fantasytalking.lesson import Errors, attempt
from training.fantasytalking.sharding import lay_weights, share_of
from training.fantasytalking.starting import checkpoint_blocks, taught
from training.fantasytalking.team import Alone, Team
from training.lpm.loop import WEIGHTS, follow, run, write_run
from training.personalive.learner import Learner

SCALE_FILE: Final = "intensity.json"
# What AdamW remembers of a parameter that is no tensor of its size.
_COUNT: Final = "step"


class StageRun:
    """A `Job`: one stage, as one worker of a team does it."""

    def __init__(
        self,
        config: TrainingConfig,
        network: FantasyTalking,
        frozen: Frozen,
        entries: Sequence[Entry],
        team: Team | None = None,
    ) -> None:
        self.steps = 0
        self.elapsed_s = 0.0
        self.network = network
        self.scale = measure_scale(entries, config.frames)
        self._config = config
        self._entries = entries
        self._team = team or Alone()
        self._conditioner = Conditioner(config=config, network=network, frozen=frozen, scale=self.scale)
        self._ground = sizes(network, except_for=list(taught(network, config.stage)))
        lay_weights(network, config)
        self._taught = list(taught(network, config.stage))
        self._learner = Learner(self._taught, config.optimiser)
        if config.checkpointing:
            checkpoint_blocks(network)
        self._draw_anew()

    def advance(self, progress: float) -> Mapping[str, float]:  # noqa: ARG002  # rates are constant
        """Learn from one step's batches; return the mean of their errors."""
        noted = [self._accumulate() for _ in range(self._config.accumulation)]
        self._team.average(self._taught)
        self._learner.descend()
        return {name: fmean(errors[name] for errors in noted) for name in Errors._fields}

    def state(self) -> dict[str, Any]:
        """Return everything needed to go on; what is not taught is where the run began."""
        collect = self._team.collect
        return {
            "ground": self._ground,
            "taught": [collect(parameter.detach()) for parameter in self._taught],
            "learner": _remembering(self._learner.state(), lambda _, memory: collect(memory)),
        }

    def restore(self, saved: Mapping[str, Any]) -> None:
        """Go on, with other draws than before. Raises ValueError when the run began with another network."""
        ground = saved["ground"]
        if len(ground) != len(self._ground) or not torch.allclose(ground, self._ground, rtol=1e-6, atol=0.0):
            raise ValueError("the checkpoint is of another network: go on with the start and seed it had")
        with torch.no_grad():
            for parameter, value in zip(self._taught, saved["taught"], strict=True):
                parameter.copy_(share_of(value, parameter))
        shares = _remembering(saved["learner"], lambda index, value: share_of(value, self._taught[index]))
        self._learner.restore(shares)
        self._draw_anew()

    def write(self, output: Path) -> None:
        """Write the network, ready to perform, the scale of intensities, and what the run was made of.

        Of several workers, who all call it, the first writes.
        """
        weights = {name: self._team.collect(value) for name, value in self.network.state_dict().items()}
        if self._team.rank:
            return
        save_tensors(self.network.config, weights, output / WEIGHTS)
        (output / SCALE_FILE).write_text(self.scale.to_json())
        write_run(
            output, self, config=asdict(self._config), clips=len(self._entries), workers=self._team.size
        )

    def _accumulate(self) -> dict[str, float]:
        """Learn from one batch what a step will need of it; return its errors."""
        errors = attempt(self._conditioner, self._sampler.draw(), self._generator)
        self._learner.accumulate(errors.loss / self._config.accumulation)
        return {name: float(value.detach()) for name, value in errors._asdict().items()}

    def _draw_anew(self) -> None:
        """Begin draws that no other worker has, nor this one at another step."""
        config = self._config
        seed = config.seed + self.steps * self._team.size + self._team.rank
        self._generator = torch.Generator().manual_seed(seed)
        self._sampler = ClipSampler(
            self._entries, config.model.clip, batch=config.batch, frames=config.frames, seed=seed
        )


def sizes(network: nn.Module, except_for: Sequence[nn.Parameter]) -> Tensor:
    """Return the sum of the sizes of every other parameter's numbers, by which a network is known again."""
    left_out = {id(parameter) for parameter in except_for}
    sums = [
        float(parameter.detach().abs().sum(dtype=torch.float64))
        for parameter in network.parameters()
        if id(parameter) not in left_out
    ]
    return torch.tensor(sums, dtype=torch.float64)


def measure_scale(entries: Sequence[Entry], frames: int) -> IntensityScale:
    """Measure the activity of all clips, in parts as long as those that are learnt from."""
    return fit_scale(measure(part) for entry in entries for part in windows(read_points(entry), frames))


def execute(
    job: StageRun,
    config: TrainingConfig,
    output: Path,
    duration_s: float,
    clock: Callable[[], float] = time.monotonic,
    team: Team | None = None,
) -> None:
    """Run for `duration_s` in all, going on from the checkpoint in `output`, which all workers can read.

    The first worker alone writes.
    """
    torch.set_num_threads(config.threads)
    team = team or Alone()
    if team.rank:
        follow(job, output, duration_s, team.share(clock), checkpoint_every_s=config.checkpoint_every_s)
        return
    run(
        job,
        output,
        duration_s,
        team.share(clock),
        log_every=config.log_every,
        checkpoint_every_s=config.checkpoint_every_s,
    )


def _remembering(learner: Mapping[str, Any], change: Callable[[int, Tensor], Tensor]) -> dict[str, Any]:
    """Return an optimiser's state whose memories of its parameters, by their numbers, are changed."""
    memories = {
        index: {name: value if name == _COUNT else change(index, value) for name, value in memory.items()}
        for index, memory in learner["state"].items()
    }
    return {**learner, "state": memories}
