"""Processes that run the tiny network together, and what each of them found.

`python -m tests.unit.models.fantasytalking.parallel.world PORT FOLDER` imports once, and forks: it starts no
thread before it does.
"""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

import torch
import torch._dynamo  # FSDP would import it in each process, which takes seconds.
from torch import Tensor

from models.fantasytalking.config import FantasyTalkingConfig, SamplerConfig, tiny
from models.fantasytalking.network import Context
from models.fantasytalking.parallel.config import Memory, ParallelConfig
from models.fantasytalking.parallel.launch import distribute, run_rank
from models.fantasytalking.parallel.place import Place
from models.fantasytalking.parallel.sequence import sum_gradients
from models.fantasytalking.sampler import Guidance, Passes, denoise, guide, noise_levels, weigh
from models.fantasytalking.windows import clip_window
from tests.unit.models.fantasytalking.scenes import Scene, make_scene

Found = dict[str, Tensor]
# Enough for four processes.
HEADS: Final = 4
_PATIENCE_S: Final = 120.0
WORLDS: Final = {
    "two": ParallelConfig(sequence=2, device="cpu"),
    "four": ParallelConfig(sequence=4, device="cpu"),
    "grouped": ParallelConfig(guidance=2, sequence=2, device="cpu"),
    "sharded": ParallelConfig(sequence=2, memory=Memory.SHARDED, device="cpu"),
    "offloaded": ParallelConfig(sequence=2, memory=Memory.OFFLOADED, device="cpu"),
}
WITH_GRADIENTS: Final = ("two", "four", "sharded")
# Three passes are more than two groups share evenly.
SAMPLERS: Final = {
    "two_passes": SamplerConfig(steps=2),
    "three_passes": SamplerConfig(steps=2, audio_scale=3.0),
}


def config() -> FantasyTalkingConfig:
    return replace(tiny(), backbone=replace(tiny().backbone, heads=HEADS))


def reads_everything(scene: Scene) -> Context:
    face = scene.network.read_face(torch.ones(1, 8))
    half = torch.tensor([0.5])
    return scene.speaking()._replace(identity=face, intensity=scene.network.read_intensity(half, half))


@torch.no_grad()
def velocities(scene: Scene) -> Found:
    """Velocities with a window of speech per latent frame, with one for all, and of 18 tokens of video."""
    speech = scene.network.read_speech(clip_window(scene.tokens))
    wide = scene._replace(latents=torch.cat((scene.latents, scene.latents[..., :2]), dim=-1))
    return {
        "velocity": scene.velocity(reads_everything(scene)),
        "clip": scene.velocity(scene.context()._replace(speech=speech)),
        "uneven": wide.velocity(reads_everything(scene)),
    }


def gradients(scene: Scene, add_up: Callable[[], None]) -> Found:
    """Gradients of a loss by every weight; those that no loss reaches are left out."""
    scene.network.requires_grad_(requires_grad=True)
    scene.velocity(reads_everything(scene)).square().mean().backward()  # type: ignore[no-untyped-call]
    add_up()
    named = scene.network.named_parameters()
    return {f"gradient {name}": _whole(weight.grad) for name, weight in named if weight.grad is not None}


@torch.no_grad()
def denoised(scene: Scene, guidance: Guidance[Context], sampler: SamplerConfig) -> Tensor:
    """Latents at the end of denoising, with guidance."""
    speaking = scene.speaking()
    silent = speaking._replace(speech=None)
    negative = silent._replace(text=scene.network.read_text(-scene.text))
    channels = scene.network.config.backbone.latent_channels
    given = scene.latents[:, channels:]
    passes = weigh(Passes(speech=speaking, prompt=silent, negative=negative), sampler)
    guided = guidance(scene.network, passes)
    *_, end = denoise(
        lambda latents, timestep: guided(torch.cat((latents, given), dim=1), timestep),
        scene.latents[:, :channels],
        noise_levels(sampler),
    )
    return end


def _whole(tensor: Tensor) -> Tensor:
    full: Callable[[], Tensor] | None = getattr(tensor, "full_tensor", None)
    return tensor if full is None else full()


def _held(scene: Scene) -> Tensor:
    """How many numbers of the weights of the transformer this process holds."""
    weights: list[Tensor] = list(scene.network.backbone.parameters())
    local = [getattr(weight, "_local_tensor", weight) for weight in weights]
    return torch.tensor(sum(weight.numel() for weight in local))


def _work(name: str, place: Place) -> Found:
    scene = make_scene(config())
    guidance = distribute(scene.network, place)
    found = {"held": _held(scene)}
    if name in WITH_GRADIENTS:
        found |= gradients(scene, partial(sum_gradients, scene.network, place))
    found |= velocities(scene)
    if name == "grouped":
        found |= {passes: denoised(scene, guidance, sampler) for passes, sampler in SAMPLERS.items()}
    return found


def _rank(rank: int, name: str, port: int, folder: Path) -> None:
    torch.set_num_threads(1)
    world = replace(WORLDS[name], rendezvous=f"tcp://127.0.0.1:{port}", timeout_s=_PATIENCE_S)
    found = run_rank(rank, world.world_size, world, partial(_work, name))
    torch.save({key: value.detach() for key, value in found.items()}, folder / f"{name}-{rank}.pt")


def _run(name: str, port: int, folder: Path) -> int:
    """Run one world, and return how many of its processes failed."""
    fork = multiprocessing.get_context("fork")
    ranks = [
        fork.Process(target=_rank, args=(rank, name, port, folder), daemon=True)
        for rank in range(WORLDS[name].world_size)
    ]
    for process in ranks:
        process.start()
    for process in ranks:
        process.join()
    return sum(process.exitcode != 0 for process in ranks)


def alone() -> Found:
    """What one process finds."""
    scene = make_scene(config())
    found = {"held": _held(scene), **gradients(scene, lambda: None), **velocities(scene)}
    return found | {passes: denoised(scene, guide, sampler) for passes, sampler in SAMPLERS.items()}


if __name__ == "__main__":
    sys.exit(sum(_run(name, int(sys.argv[1]), Path(sys.argv[2])) for name in WORLDS))
