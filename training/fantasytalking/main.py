"""Train FantasyTalking: python -m training.fantasytalking.main --stage STAGE --clips DIR --output DIR ...

    base       the video transformer alone, for variants that have no published one
    clip       speech, heard by the clip as a whole
    frame      speech, heard by latent frames; most errors count around the lips alone
    identity   the face of the portrait
    intensity  how much face and body move

--start is the weights of the stage before, or published ones after conversion. The variant `tiny` needs
neither them nor the networks of others, for which it has stand-ins. Several workers, each with clips of
its own, are started by --workers through Ray, or by torchrun, which starts this module as often as wanted.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final, cast, get_args

import torch
import torch.distributed as dist

from training.fantasytalking.clips import find_clips
from training.fantasytalking.config import RUNS, SEES_FACE, Sharding, Stage, TrainingConfig
from training.fantasytalking.frozen import Frozen, load_frozen
from training.fantasytalking.run import StageRun, execute
from training.fantasytalking.starting import start_network
from training.fantasytalking.team import Alone, Team, Together
from training.fantasytalking.tiny import tiny_frozen

PRETRAINED: Final = ("base_model", "speech_encoder")
_TORCHRUN: Final = "LOCAL_RANK"


def main() -> None:
    """Parse the command line and run a stage, in this process, or through Ray in several."""
    arguments = _parser().parse_args()
    if arguments.workers:
        _run_on_ray(arguments)
    elif local_rank := os.environ.get(_TORCHRUN):
        device = arguments.device if arguments.device == "cpu" else f"{arguments.device}:{local_rank}"
        if device != "cpu":
            # Sharded weights lie on the current device.
            torch.accelerator.set_device_index(torch.device(device))
        dist.init_process_group("gloo" if device == "cpu" else "nccl")
        try:
            work(arguments, device, Together(device))
        finally:
            dist.destroy_process_group()
    else:
        work(arguments, arguments.device, Alone())


def work(arguments: argparse.Namespace, device: str, team: Team) -> StageRun:
    """Do the work of one worker of a team, as told on the command line."""
    config = RUNS[arguments.variant](cast(Stage, arguments.stage))
    config = replace(config, threads=arguments.threads, device=device, seed=arguments.seed)
    config = replace(config, sharding=arguments.sharding, accumulation=arguments.accumulation)
    return train(
        config,
        clips=arguments.clips,
        start=arguments.start,
        output=arguments.output,
        duration_s=arguments.minutes * 60,
        frozen=_frozen(arguments, config),
        team=team,
    )


def train(
    config: TrainingConfig,
    *,
    clips: Path,
    start: Path | None,
    output: Path,
    duration_s: float,
    frozen: Frozen,
    clock: Callable[[], float] = time.monotonic,
    team: Team | None = None,
) -> StageRun:
    """Run a stage on the clips in a folder, going on from the checkpoint in `output` or else from `start`."""
    job = StageRun(config, start_network(config, start), frozen, find_clips(clips), team)
    execute(job, config, output, duration_s, clock, team)
    return job


def _run_on_ray(arguments: argparse.Namespace) -> None:
    """Run a stage in workers that Ray starts, on this machine or on the cluster it is told of; end them all.

    Raises ValueError when Ray is not installed.
    """
    try:
        import ray
        from ray.train import RunConfig, ScalingConfig
        from ray.train.torch import TorchTrainer
    except ImportError as error:
        raise ValueError(f"--workers needs Ray, which the extra `train` installs: {error}") from error
    arguments.output.mkdir(parents=True, exist_ok=True)
    trainer = TorchTrainer(
        _work_on_ray,
        train_loop_config={"arguments": arguments},
        scaling_config=ScalingConfig(num_workers=arguments.workers, use_gpu=arguments.device != "cpu"),
        run_config=RunConfig(name="ray", storage_path=str(arguments.output.resolve())),
    )
    try:
        trainer.fit()
    finally:
        ray.shutdown()


def _work_on_ray(config: dict[str, argparse.Namespace]) -> None:
    """Do the work of one worker, among those that Ray has joined to a process group."""
    from ray.train.torch import get_device

    device = str(get_device())
    work(config["arguments"], device, Together(device))


def _frozen(arguments: argparse.Namespace, config: TrainingConfig) -> Frozen:
    """Read what others have trained. Raises ValueError when a folder is not told."""
    if arguments.variant == "tiny":
        return tiny_frozen(config)
    needed = (*PRETRAINED, "face_encoder") if config.stage in SEES_FACE else PRETRAINED
    missing = [name for name in needed if getattr(arguments, name) is None]
    if missing:
        raise ValueError(f"the variant {arguments.variant} needs {', '.join(missing)}")
    face = (arguments.face_encoder, config.face) if config.stage in SEES_FACE else None
    length = config.model.backbone.text_length
    return load_frozen(arguments.base_model, arguments.speech_encoder, length, face, config.device)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--stage", choices=get_args(Stage), required=True)
    parser.add_argument(
        "--clips", type=Path, required=True, help="what training.fantasytalking.prepare wrote"
    )
    parser.add_argument("--output", type=Path, required=True, help="folder for checkpoint, curve and weights")
    parser.add_argument("--start", type=Path, help="folder of weights to begin with")
    parser.add_argument("--variant", choices=sorted(RUNS), default="whole")
    parser.add_argument("--minutes", type=float, default=8.0, help="length of the whole run, resumed or not")
    parser.add_argument("--base-model", type=Path, help="folder of Wan2.1-I2V in the layout of diffusers")
    parser.add_argument("--speech-encoder", type=Path, help="folder of wav2vec2-base-960h")
    parser.add_argument("--face-encoder", type=Path, help="file of a face encoder with 100 layers")
    parser.add_argument("--workers", type=int, default=0, help="processes that Ray starts; 0: none, no Ray")
    parser.add_argument(
        "--sharding",
        choices=get_args(Sharding),
        default="replicated",
        help="sharded: every worker holds a share of the weights",
    )
    parser.add_argument("--accumulation", type=int, default=1, help="batches that a step learns from")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads of a process")
    parser.add_argument("--device", default="cpu", help="where to train, as torch names it")
    parser.add_argument("--seed", type=int, default=0)
    return parser


if __name__ == "__main__":
    main()
