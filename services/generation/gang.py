"""Processes that compute together, started as actors of one Ray placement group.

Ray takes part in starting and ending them only: what they say to each other goes through torch.distributed.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import ray
from ray.exceptions import GetTimeoutError, RayActorError, RayTaskError
from ray.util.placement_group import PlacementGroup, placement_group, remove_placement_group
from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

from models.fantasytalking.parallel.config import ParallelConfig
from models.fantasytalking.parallel.launch import run_rank
from models.fantasytalking.parallel.place import Place
from services.kit.errors import Unavailable

__all__ = ["Needs", "run_gang"]

ResultT = TypeVar("ResultT")


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What each process is given, and how long the cluster may take to find it for all of them."""

    cpus: float = 1.0
    gpus: float = 1.0
    patience_s: float = 600.0


def run_gang(config: ParallelConfig, work: Callable[[Place], ResultT], needs: Needs) -> ResultT:
    """Return what `work` returns to rank 0, when all processes of `config` are done with it.

    Ray is initialised, and its workers can import what `work` is made of. All processes begin together or
    none does, on as few machines as possible. When one fails, all are ended and its error is raised; in any
    case nothing of them is left. Raises Unavailable when there is no room, or a process dies.
    """
    with _reserved(config.world_size, needs) as group:
        actors = [_start(rank, group, needs) for rank in range(config.world_size)]
        try:
            meeting = ray.get(actors[0].offer_meeting.remote())
            met = replace(config, rendezvous=meeting)
            calls = [actor.run.remote(rank, met, work) for rank, actor in enumerate(actors)]
            result: ResultT = _first_of(calls)
        except RayTaskError as error:
            raise error.cause from error
        except RayActorError as error:
            raise Unavailable(f"one of {config.world_size} processes died: {error}") from error
        finally:
            for actor in actors:
                ray.kill(actor)
    return result


class _Member:
    """One process of a gang."""

    def offer_meeting(self) -> str:
        """Where the others find this process."""
        with socket.socket() as listener:
            listener.bind(("", 0))
            port = listener.getsockname()[1]
        host = ray.util.get_node_ip_address()  # type: ignore[no-untyped-call]  # Ray declares no type
        return f"tcp://{host}:{port}"

    def run(self, rank: int, config: ParallelConfig, work: Callable[[Place], ResultT]) -> ResultT | None:
        """Do the work; only rank 0 hands out what came of it."""
        result = run_rank(rank, config.world_size, config, work)
        return result if rank == 0 else None


@contextmanager
def _reserved(count: int, needs: Needs) -> Iterator[PlacementGroup]:
    """Hold room for all processes. Raises Unavailable when the cluster does not find it in time."""
    bundle = {"CPU": needs.cpus} | ({"GPU": needs.gpus} if needs.gpus else {})
    group = placement_group([bundle] * count, strategy="PACK")
    try:
        try:
            ray.get(group.ready(), timeout=needs.patience_s)
        except GetTimeoutError as error:
            raise Unavailable(
                f"no room for {count} processes with {bundle} each within {needs.patience_s:g} s"
            ) from error
        yield group
    finally:
        remove_placement_group(group)


def _start(rank: int, group: PlacementGroup, needs: Needs) -> Any:  # noqa: ANN401 -- Ray declares no type
    place = PlacementGroupSchedulingStrategy(group, placement_group_bundle_index=rank)
    member = ray.remote(_Member)
    return member.options(
        num_cpus=needs.cpus, num_gpus=needs.gpus, max_restarts=0, scheduling_strategy=place
    ).remote()


def _first_of(calls: Sequence[Any]) -> Any:  # noqa: ANN401 -- as above
    """The result of the first call, when all are done; the error of whichever fails before."""
    pending = [*calls]
    while pending:
        done, pending = ray.wait(pending)
        ray.get(done)
    return ray.get(calls[0])
