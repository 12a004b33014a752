"""Distil Online LPM, stage by stage: python -m training.lpm_online.main --stage STAGE --output DIR ...

    trajectories  --data --teacher           stores the teacher's paths from noise to motion
    ode           --paths --start            backbone and refiner learn their ends; --start is a causal LPM
    offpolicy     --paths --teacher --start  the backbone's estimates of noised paths are matched
    onpolicy      --data --teacher --start   the backbone's own streams are matched
    refiner       --data --teacher --start   the refiner's streams over the backbone's are matched

From `offpolicy` on, --start is the output of an earlier stage.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Final

import torch
from torch import Tensor

from models.lpm.base import Guidance
from models.lpm.model import Lpm
from models.lpm.online import OnlineLpm
from models.lpm.weights import load_lpm, load_online
from training.lpm.loop import WEIGHTS, Job, run
from training.lpm_motion.crops import CropSampler
from training.lpm_motion.data import Scenes, load_scenes
from training.lpm_online.config import VARIANTS, Distillation
from training.lpm_online.regression import usual_change
from training.lpm_online.sources import OffPolicy, OnPolicy, Refining
from training.lpm_online.stages import Crops, MatchingRun, PathRun, RegressionRun, learning
from training.lpm_online.teachers import Teacher, build_teacher
from training.lpm_online.trajectories import PathStore

NEEDS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "trajectories": ("data", "teacher"),
        "ode": ("paths", "start"),
        "offpolicy": ("paths", "teacher", "start"),
        "onpolicy": ("data", "teacher", "start"),
        "refiner": ("data", "teacher", "start"),
    }
)


def main() -> None:
    """Parse the command line and run a stage."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--stage", choices=list(NEEDS), required=True)
    parser.add_argument("--output", type=Path, required=True, help="folder for paths, or curve and weights")
    parser.add_argument("--data", type=Path, help="folder of the conversation world's shards")
    parser.add_argument("--paths", type=Path, help="output of the stage trajectories")
    parser.add_argument("--teacher", type=Path, help="weights of the teacher, Base LPM or a causal one")
    parser.add_argument("--start", type=Path, help="weights to begin with")
    parser.add_argument("--kind", choices=["base", "causal"], default="base", help="what the teacher is")
    parser.add_argument("--variant", choices=sorted(VARIANTS), default="motion")
    parser.add_argument("--minutes", type=float, default=8.0, help="length of the whole run, resumed or not")
    parser.add_argument("--sink", type=int, help="chunks in the sink of the student's past")
    parser.add_argument("--window", type=int, help="chunks in the window of the student's past")
    parser.add_argument("--guidance", type=float, nargs=2, metavar=("SOUND", "DIRECTION"))
    parser.add_argument("--threads", type=int, default=1, help="CPU threads")
    parser.add_argument("--device", default="cpu", help="where to train, as torch names it")
    arguments = parser.parse_args()
    missing = [name for name in NEEDS[arguments.stage] if getattr(arguments, name) is None]
    if missing:
        parser.error(f"the stage {arguments.stage} needs --{', --'.join(missing)}")
    config = _configured(arguments)
    data = load_scenes(arguments.data, config.training.model) if arguments.data else None
    paths = PathStore(folder=arguments.paths or arguments.output)
    teacher = load_lpm(arguments.teacher) if arguments.teacher else None
    job = build(arguments.stage, config, start=arguments.start, teacher=teacher, data=data, paths=paths)
    execute(job, config, arguments.output, arguments.minutes * 60)


def build(
    stage: str,
    config: Distillation,
    *,
    start: Path | None = None,
    teacher: Lpm | None = None,
    data: Scenes | None = None,
    paths: PathStore,
) -> Job:
    """Return the run of a stage; it needs what `NEEDS` says. `start` is a folder of weights or of a stage."""
    device = config.training.device
    if stage == "ode" and start is not None:
        student = fresh_student(load_lpm(start), config)
        return RegressionRun(config, student.to(device), paths, _change(paths, student.backbone, config))
    assert teacher is not None
    taught_by = build_teacher(teacher.to(device), config)
    if stage == "trajectories":
        return PathRun(config, taught_by, _crops(data, config), paths)
    assert start is not None
    student = load_online(start / WEIGHTS if (start / WEIGHTS).exists() else start)
    return _matching(stage, config, student.to(device), taught_by, data, paths)


def execute(
    job: Job,
    config: Distillation,
    output: Path,
    duration_s: float,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Run for `duration_s` in all, going on from the checkpoint in `output` if there is one."""
    training = config.training
    torch.set_num_threads(training.threads)
    run(
        job,
        output,
        duration_s,
        clock,
        log_every=training.log_every,
        checkpoint_every_s=training.checkpoint_every_s,
    )


def fresh_student(start: Lpm, config: Distillation) -> OnlineLpm:
    """Return a student whose networks both begin as the causal LPM `start`."""
    networks = []
    for _ in range(2):
        lpm = Lpm(config.student(start.config))
        lpm.load_state_dict(start.state_dict())
        networks.append(lpm)
    return OnlineLpm(networks[0], networks[1], config.schedule)


def _matching(
    stage: str,
    config: Distillation,
    student: OnlineLpm,
    teacher: Teacher,
    data: Scenes | None,
    paths: PathStore,
) -> MatchingRun:
    if not torch.equal(student.backbone.mean, teacher.lpm.mean):
        raise ValueError("the student and its teacher standardise motion differently")
    if stage == "offpolicy":
        change = _change(paths, student.backbone, config)
        learner = learning(student, student.backbone)
        return MatchingRun(config, learner, teacher, lambda seed: OffPolicy(paths.draw(seed), change, config))
    crops = _crops(data, config)
    if stage == "onpolicy":
        learner = learning(student, student.backbone)
        return MatchingRun(config, learner, teacher, lambda seed: OnPolicy(crops(seed), config))
    learner = learning(student, student.refiner)
    return MatchingRun(config, learner, teacher, lambda seed: Refining(crops(seed), config))


def _crops(data: Scenes | None, config: Distillation) -> Crops:
    assert data is not None
    scenes = data
    return lambda seed: CropSampler(scenes, config.training, seed=seed)


def _change(paths: PathStore, lpm: Lpm, config: Distillation) -> Tensor:
    """The usual change of numbers in a few stored batches, [M]."""
    drawn = paths.draw(config.training.seed)
    motion = torch.cat([next(drawn).motion for _ in range(min(len(paths), 8))])
    return usual_change(motion.to(config.training.device), lpm, config.training)


def _configured(arguments: argparse.Namespace) -> Distillation:
    model = load_lpm(arguments.teacher or arguments.start).config
    config = VARIANTS[arguments.variant](model)
    training = replace(config.training, threads=arguments.threads, device=arguments.device)
    base = config.base
    if arguments.guidance is not None:
        sound, direction = arguments.guidance
        base = replace(base, guidance=Guidance(sound=sound, direction=direction))
    return replace(
        config,
        training=training,
        base=base,
        teacher=arguments.kind,
        sink_chunks=config.sink_chunks if arguments.sink is None else arguments.sink,
        window_chunks=config.window_chunks if arguments.window is None else arguments.window,
    )


if __name__ == "__main__":
    main()
