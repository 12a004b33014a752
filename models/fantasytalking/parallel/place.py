"""The place of a process among those that run one network together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final, NamedTuple

import torch
import torch.distributed as dist
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh

from models.fantasytalking.parallel.config import ParallelConfig

GUIDANCE, SEQUENCE = _DIMENSIONS = ("guidance", "sequence")
_CPU: Final = "cpu"


class Place(NamedTuple):
    """The rank of a process, its device and its groups; those that share a video's tokens are neighbours."""

    config: ParallelConfig
    rank: int
    device: torch.device
    mesh: DeviceMesh

    @property
    def guidance_rank(self) -> int:
        return self.rank // self.config.sequence

    @property
    def sequence_rank(self) -> int:
        return self.rank % self.config.sequence

    @property
    def guidance_group(self) -> dist.ProcessGroup:
        """Those with the same share of the video in other passes of guidance."""
        return self.mesh.get_group(GUIDANCE)

    @property
    def sequence_group(self) -> dist.ProcessGroup:
        """Those with other shares of the video in the same passes."""
        return self.mesh.get_group(SEQUENCE)

    @property
    def sequence_mesh(self) -> DeviceMesh:
        return self.mesh[SEQUENCE]


@contextmanager
def joined(rank: int, world_size: int, config: ParallelConfig) -> Iterator[Place]:
    """Meet the other processes, and part from them in the end.

    Raises ValueError for another number of processes than the configuration's, or another rank than theirs.
    """
    if world_size != config.world_size:
        raise ValueError(
            f"{config.guidance} x {config.sequence} processes are configured, but {world_size} are running"
        )
    if not 0 <= rank < world_size:
        raise ValueError(f"expected a rank from 0 to {world_size - 1}, got {rank}")
    device = _device(rank, config)
    dist.init_process_group(
        init_method=config.rendezvous,
        rank=rank,
        world_size=world_size,
        timeout=timedelta(seconds=config.timeout_s),
    )
    try:
        shape = (config.guidance, config.sequence)
        mesh = init_device_mesh(device.type, shape, mesh_dim_names=_DIMENSIONS)
        yield Place(config, rank, device, mesh)
    finally:
        dist.destroy_process_group()


def _device(rank: int, config: ParallelConfig) -> torch.device:
    """Return the device of a process; processes that see several take them in turn."""
    if config.device == _CPU:
        return torch.device(_CPU)
    device = torch.device(config.device, rank % torch.accelerator.device_count())
    torch.accelerator.set_device_index(device)
    return device
