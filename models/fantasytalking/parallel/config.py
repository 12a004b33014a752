"""How one network is laid over processes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

# The addresses of torchrun: the process with rank 0 is found through MASTER_ADDR and MASTER_PORT.
ENVIRONMENT: Final = "env://"


class Memory(Enum):
    """Where weights lie.

    WHOLE: on every device. SHARDED: in shares on the devices of those who share a video; a block is whole
    for as long as it computes (FSDP2). OFFLOADED: the same with shares in the memory of the host.
    """

    WHOLE = "whole"
    SHARDED = "sharded"
    OFFLOADED = "offloaded"


@dataclass(frozen=True, slots=True, kw_only=True)
class ParallelConfig:
    """`guidance` groups, each for some passes of guidance, of `sequence` processes that share the tokens.

    `device` is the kind of device of every process, `cpu` or `cuda`; `rendezvous` is where processes find
    each other, such as `tcp://host:port` of the one with rank 0. After `timeout_s` without an answer from
    the others, a process gives up.
    """

    sequence: int = 1
    guidance: int = 1
    memory: Memory = Memory.WHOLE
    device: str = "cuda"
    rendezvous: str = ENVIRONMENT
    timeout_s: float = 600.0

    def __post_init__(self) -> None:
        if self.sequence < 1 or self.guidance < 1:
            raise ValueError(
                f"expected at least one process each, got sequence {self.sequence}, guidance {self.guidance}"
            )
        if self.memory is Memory.SHARDED and self.sequence == 1:
            raise ValueError("weights are sharded over the processes of a sequence, which is 1 process long")

    @property
    def world_size(self) -> int:
        return self.sequence * self.guidance


def divide(processes: int, groups: int, memory: Memory, device: str) -> ParallelConfig:
    """Return how so many processes, in so many groups of guidance, share a network.

    Raises ValueError when they do not divide, or cannot share it so.
    """
    if processes % groups:
        raise ValueError(f"{processes} processes do not divide into {groups} groups")
    return ParallelConfig(sequence=processes // groups, guidance=groups, memory=memory, device=device)
