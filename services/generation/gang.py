"""Processes that stay and compute together, as actors of one Ray placement group.

Ray starts and ends them, and carries what they are asked; what they say to each other goes through
torch.distributed.
"""

from __future__ import annotations

import logging
import os
import secrets
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final, Generic, TypeVar

import ray
from ray.exceptions import GetTimeoutError, RayError, RayTaskError
from ray.util.placement_group import PlacementGroup, placement_group, remove_placement_group
from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

from models.fantasytalking.parallel.config import ParallelConfig
from models.fantasytalking.parallel.place import Place, joined
from services.kit.errors import Unavailable

__all__ = ["Gang", "Needs", "open_cluster", "open_gang"]

MemberT = TypeVar("MemberT")
ResultT = TypeVar("ResultT")

_STORE_BYTES: Final = 512 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What each process is given, and how long the cluster may take to find it for all of them."""

    cpus: float = 1.0
    gpus: float = 1.0
    patience_s: float = 600.0


class Gang(Generic[MemberT]):
    """Processes, each with a member that it made when it came to its place."""

    def __init__(self, actors: Sequence[Any]) -> None:
        self._actors = actors

    def do(self, work: Callable[[MemberT], ResultT]) -> ResultT:
        """Return what `work` returns of the member in rank 0, when it is done in every process.

        Raises what it raises in any of them, but Unavailable for a RuntimeError, which is of a device or of
        a process without the others, and when a process died. After an error others may still be at work,
        which only the end of the gang ends.
        """
        given = ray.put(work)
        result: ResultT = _first_of([actor.do.remote(given) for actor in self._actors])
        return result


@contextmanager
def open_cluster(address: str | None, num_processes: int) -> Iterator[None]:
    """Be part of the Ray cluster at an address, or of one on this machine, which has room for the processes.

    The one on this machine ends with the context; where a Ray is initialised already, it is left as it is.
    Raises Unavailable when no cluster answers.
    """
    if ray.is_initialized():
        yield
        return
    try:
        if address is None:
            _start_cluster(num_processes)
        else:
            ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, RayError, RuntimeError) as error:
        raise Unavailable(f"no Ray cluster at {address or 'this machine'}: {_brief(error)}") from error
    try:
        yield
    finally:
        ray.shutdown()


@contextmanager
def open_gang(
    config: ParallelConfig, enter: Callable[[Place], MemberT], needs: Needs
) -> Iterator[Gang[MemberT]]:
    """Start the processes of `config`, each of which calls `enter` with its place; end them with the context.

    Ray is initialised, and its workers can import what `enter` is made of. All begin together or none does,
    on as few machines as possible. Raises Unavailable when there is no room, and what `Gang.do` raises.
    """
    with _reserved(config.world_size, needs) as group:
        actors = [_start(rank, group, needs) for rank in range(config.world_size)]
        try:
            met = replace(config, rendezvous=_first_of([actors[0].offer_meeting.remote()]))
            _first_of([actor.enter.remote(rank, met, enter) for rank, actor in enumerate(actors)])
            yield Gang(actors)
        finally:
            for actor in actors:
                ray.kill(actor)


class _Process(Generic[MemberT]):
    """One process of a gang."""

    def offer_meeting(self) -> str:
        """Where the others find this process."""
        with socket.socket() as listener:
            listener.bind(("", 0))
            port = listener.getsockname()[1]
        host = ray.util.get_node_ip_address()  # type: ignore[no-untyped-call]  # Ray declares no type
        return f"tcp://{host}:{port}"

    def enter(self, rank: int, config: ParallelConfig, enter: Callable[[Place], MemberT]) -> None:
        """Meet the others, for as long as the process lives."""
        self._rank = rank
        self._meeting = ExitStack()
        self._member = enter(self._meeting.enter_context(joined(rank, config.world_size, config)))

    def do(self, work: Callable[[MemberT], ResultT]) -> ResultT | None:
        """Do the work; only rank 0 hands out what came of it."""
        result = work(self._member)
        return result if self._rank == 0 else None


def _start_cluster(num_processes: int) -> None:
    """Start a Ray of this process, which says nothing to the outside and lets nobody else in."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # One that Ray makes would be written to the home of the user, who may have none.
    os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    ray.init(
        address="local",
        num_cpus=num_processes,
        include_dashboard=False,
        log_to_driver=False,
        logging_level=logging.ERROR,
        object_store_memory=_STORE_BYTES,
        # Its workers would give way to everybody, as if nobody waited for what they compute.
        _system_config={"worker_niceness": 0},
    )


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
    process = ray.remote(_Process)
    return process.options(
        num_cpus=needs.cpus, num_gpus=needs.gpus, max_restarts=0, scheduling_strategy=place
    ).remote()


def _first_of(calls: Sequence[Any]) -> Any:  # noqa: ANN401 -- as above
    """The result of the first call, when all are done; the error of whichever fails before."""
    pending = [*calls]
    try:
        while pending:
            done, pending = ray.wait(pending)
            ray.get(done)
        return ray.get(calls[0])
    except RayTaskError as error:
        if isinstance(error.cause, RuntimeError):
            raise Unavailable(f"one of {len(calls)} processes failed: {_brief(error.cause)}") from error
        raise error.cause from error
    except RayError as error:
        raise Unavailable(f"one of {len(calls)} processes died: {_brief(error)}") from error


def _brief(error: Exception) -> str:
    """The first line of a text that goes on for many."""
    return str(error).partition("\n")[0]
