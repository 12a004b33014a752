"""Lanes: work that a GPU does beside other work, in the order that its data ask for and no stricter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Pending(Protocol[T_co]):
    """The result of work that may still be under way; whoever began it must ask for it."""

    def wait(self) -> T_co:
        """Return it for work that the current stream is given from now on; nobody stands still."""
        ...

    def fetch(self) -> T_co:
        """Return it when it is there, for the CPU."""
        ...


class Lane(Protocol):
    """Where work is done beside that of the current stream. `work` may be called at once or later."""

    def start(self, work: Callable[[], T]) -> Pending[T]:
        """Do work that needs nothing of what the current stream still has to do."""
        ...

    def follow(self, work: Callable[[], T]) -> Pending[T]:
        """Do work on what the current stream was given to do so far."""
        ...


class Here:
    """A lane that is none: work is done when it is given. For a CPU."""

    def start(self, work: Callable[[], T]) -> Pending[T]:
        return _Done(work())

    def follow(self, work: Callable[[], T]) -> Pending[T]:
        return _Done(work())


class Beside:
    """A stream of a GPU. What a lane's work has read is kept until its result has been asked for."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]  # torch says no types

    def start(self, work: Callable[[], T]) -> Pending[T]:
        with torch.cuda.stream(self._stream):
            result = work()
            return _Queued(result, work, self._stream.record_event(), self._device)

    def follow(self, work: Callable[[], T]) -> Pending[T]:
        self._stream.wait_stream(torch.cuda.current_stream(self._device))
        return self.start(work)


def lane_on(device: torch.device) -> Lane:
    """Return a new lane of a device."""
    return Beside(device) if device.type == "cuda" else Here()


class _Done(Generic[T]):
    def __init__(self, result: T) -> None:
        self._result = result

    def wait(self) -> T:
        return self._result

    def fetch(self) -> T:
        return self._result


class _Queued(Generic[T]):
    def __init__(
        self, result: T, work: Callable[[], T], finished: torch.cuda.Event, device: torch.device
    ) -> None:
        self._result = result
        # Memory that the work reads would be given away when nobody else holds it.
        self._work: Callable[[], T] | None = work
        self._finished = finished
        self._device = device

    def wait(self) -> T:
        current = torch.cuda.current_stream(self._device)
        current.wait_event(self._finished)
        for leaf in tree_leaves(self._result):
            if isinstance(leaf, Tensor) and leaf.is_cuda:
                leaf.record_stream(current)
        self._work = None
        return self._result

    def fetch(self) -> T:
        self._finished.synchronize()
        self._work = None
        return self._result
