"""The network as a run begins with it, and which of its parameters a stage teaches."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from models.fantasytalking.network import FantasyTalking
from models.fantasytalking.weights import load_for
from training.fantasytalking.config import Stage, TrainingConfig


def start_network(config: TrainingConfig, folder: Path | None) -> FantasyTalking:
    """Read the network in `folder`, or draw one from the seed where it is None; it lies on the CPU.

    Branches that the folder lacks are drawn from the seed, and begin without effect. What a stage teaches is
    in single precision. Raises ValueError when the network has another configuration than the run.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        if folder is None:
            network = FantasyTalking(config.model)
        else:
            network = load_for(config.model, folder, getattr(torch, config.precision))
    network.requires_grad_(requires_grad=False)
    for parameter in taught(network, config.stage):
        parameter.data = parameter.data.float()
    return network


def taught(network: FantasyTalking, stage: Stage) -> Iterator[nn.Parameter]:
    """Yield the parameters that a stage teaches: of Wan2.1 none, but in the stage `base`."""
    if stage == "base":
        yield from _without_processors(network)
    elif stage == "intensity":
        yield from _parameters(network.intensity_network)
    elif stage == "identity":
        yield from _parameters(network.face_queries)
        for block in network.backbone.blocks:
            yield from _parameters(block.attn2.processor.identity)
    else:
        yield from network.audio_projection.parameters()
        for block in network.backbone.blocks:
            yield from block.attn2.processor.speech.parameters()


def checkpoint_blocks(network: FantasyTalking) -> None:
    """Let blocks forget what is between them, and compute it again on the way back."""
    for block in network.backbone.blocks:
        block.forward = partial(checkpoint, block.forward, use_reentrant=False)


def _parameters(branch: nn.Module | None) -> Iterator[nn.Parameter]:
    if branch is None:
        raise ValueError("the network lacks the branch that the stage teaches")
    yield from branch.parameters()


def _without_processors(network: FantasyTalking) -> Iterator[nn.Parameter]:
    for name, parameter in network.backbone.named_parameters():
        if ".processor." not in name:
            yield parameter
