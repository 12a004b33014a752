"""Where the weights of a run lie: whole on every worker, or a share on each."""

from __future__ import annotations

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import DTensor, distribute_tensor

from models.fantasytalking.network import FantasyTalking
from models.fantasytalking.parallel.memory import shard_weights
from training.fantasytalking.config import TrainingConfig


def lay_weights(network: FantasyTalking, config: TrainingConfig) -> None:
    """Bring the weights, which lie on the CPU, to where the configuration wants them.

    Sharding replaces the network's parameters. Raises ValueError when there are no workers to share them.
    """
    if config.sharding == "replicated":
        network.to(config.device)
    elif not dist.is_initialized():
        raise ValueError("weights are sharded over workers, but this one is alone")
    else:
        kind = torch.device(config.device).type
        shard_weights(network, init_device_mesh(kind, (dist.get_world_size(),)))


def whole(tensor: Tensor) -> Tensor:
    """Return a tensor of which every worker may hold a share; all must ask for it."""
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def share_of(value: Tensor, parameter: nn.Parameter) -> Tensor:
    """Return what this worker holds of a whole value that is as large as a parameter, and lies as it does."""
    value = value.to(parameter.device)
    if not isinstance(parameter, DTensor):
        return value
    # Every worker has the value, so none is asked for it.
    return distribute_tensor(value, parameter.device_mesh, parameter.placements, src_data_rank=None)
