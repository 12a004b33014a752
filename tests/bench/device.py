"""The device that a bench measures, and what it can do."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import torch

# The first calls compile, record and choose kernels.
_WARM_CALLS: Final = 3


class MissingDeviceError(RuntimeError):
    """This machine has no such device."""


def find_device(name: str) -> torch.device:
    """The device of this name, as torch knows it.

    Raises:
        MissingDeviceError: it is a GPU, and torch finds none.
    """
    device = torch.device(name)
    if device.type == "cuda" and not torch.cuda.is_available():
        raise MissingDeviceError(f"no GPU: torch {torch.__version__} finds none here")
    return device


def card(device: torch.device) -> str:
    """What the device calls itself."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"


def seconds(work: Callable[[], object], device: torch.device, calls: int) -> float:
    """How long a call takes when many follow each other, after a few that do not count."""
    for _ in range(min(_WARM_CALLS, calls)):
        work()
    _finish(device)
    begun_s = time.perf_counter()
    for _ in range(calls):
        work()
    _finish(device)
    return (time.perf_counter() - begun_s) / calls


def matmul_flops(device: torch.device, dtype: torch.dtype, side: int, calls: int) -> float:
    """The operations a second that multiplying matrices of `side` numbers square reaches, sum and product."""
    left, right = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
    return float(2 * side**3 / seconds(lambda: left @ right, device, calls))


def _finish(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
