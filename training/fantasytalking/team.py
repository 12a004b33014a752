"""Workers that learn together: each from clips of its own, all with the mean of their gradients."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.tensor import DTensor

from training.fantasytalking.sharding import whole


class Team(Protocol):
    """The workers of a run; `rank` is this one's number, from 0 to below `size`."""

    rank: int
    size: int

    def average(self, parameters: Iterable[nn.Parameter]) -> None:
        """Give all workers the mean of their gradients; those without one count as zero."""
        ...

    def collect(self, tensor: Tensor) -> Tensor:
        """Return the whole of a tensor to the first worker, and nothing of it to the others, who ask too."""
        ...

    def share(self, clock: Callable[[], float]) -> Callable[[], float]:
        """Return a clock that tells all workers the same time, if all ask it equally often."""
        ...


class Alone:
    """One worker."""

    rank = 0
    size = 1

    def average(self, parameters: Iterable[nn.Parameter]) -> None:
        """Leave gradients as they are."""

    def collect(self, tensor: Tensor) -> Tensor:
        """Return the tensor."""
        return tensor

    def share(self, clock: Callable[[], float]) -> Callable[[], float]:
        """Return the clock."""
        return clock


class Together:
    """The workers of torch's process group, which is there already; `device` is this one's."""

    def __init__(self, device: str) -> None:
        self.rank = dist.get_rank()
        self.size = dist.get_world_size()
        self._device = device

    def average(self, parameters: Iterable[nn.Parameter]) -> None:
        """Add gradients up and divide them, one parameter after the other.

        Those of sharded weights were added up on the way back.
        """
        for parameter in parameters:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
            if not isinstance(parameter.grad, DTensor):
                dist.all_reduce(parameter.grad)
            parameter.grad /= self.size

    def collect(self, tensor: Tensor) -> Tensor:
        """Return the whole of a tensor in the first worker's memory; on a device there may be no room."""
        full = whole(tensor)
        return full.new_empty(0) if self.rank else full.cpu()

    def share(self, clock: Callable[[], float]) -> Callable[[], float]:
        """Return the clock of the first worker."""

        def tell() -> float:
            time_s = torch.tensor(clock(), dtype=torch.float64, device=self._device)
            dist.broadcast(time_s, src=0)
            return time_s.item()

        return tell
