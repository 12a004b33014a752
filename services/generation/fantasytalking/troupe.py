"""Performers in the processes of a gang, who stay from film to film."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from itertools import islice
from typing import TypeVar

import torch

from models.fantasytalking.parallel.config import ParallelConfig
from models.fantasytalking.parallel.place import Place
from services.generation.fantasytalking.layout import Folders
from services.generation.fantasytalking.order import Order
from services.generation.fantasytalking.performer import Performer, join_performers
from services.generation.gang import Gang, Needs, open_cluster, open_gang
from services.generation.offline import Span

__all__ = ["Player", "Troupe", "join", "open_troupe"]

ResultT = TypeVar("ResultT")


@contextmanager
def open_troupe(
    folders: Folders, dtype: torch.dtype, parallel: ParallelConfig, cluster: str | None
) -> Iterator[Troupe]:
    """A troupe in a Ray `cluster`, or in one of this machine; its processes are there until the context ends.

    Raises what `open_cluster`, `open_gang` and `join` do.
    """
    needs = Needs(gpus=0.0 if parallel.device == "cpu" else 1.0)
    enter = partial(join, folders.absolute(), dtype)
    troupe = Troupe(lambda: open_gang(parallel, enter, needs))
    with ExitStack() as opened:
        opened.enter_context(open_cluster(cluster, parallel.world_size))
        opened.callback(troupe.close)
        troupe.gather()
        yield troupe


class Player:
    """One of the performers, in its process: it goes on with a performance whenever it is asked to."""

    def __init__(self, performer: Performer) -> None:
        self._performer = performer
        self._events: Iterator[Span | None] = iter(())

    def begin(self, order: Order, done: int, last: Span | None) -> None:
        """Get ready to perform, instead of whatever was performed before."""
        self._events = self._performer.perform(order, done, last)

    def go_on(self) -> tuple[Span | None, ...]:
        """The next that comes of it; nothing at its end."""
        return tuple(islice(self._events, 1))


class Troupe:
    """`Performers` in several processes, which `gather` starts.

    They make a step when all are asked to, so that nobody makes one after a cancellation. After an accident
    all are ended, and the next performance starts others.
    """

    def __init__(self, gather: Callable[[], AbstractContextManager[Gang[Player]]]) -> None:
        self._gather = gather
        self._presence = ExitStack()
        self._gang: Gang[Player] | None = None

    def gather(self) -> Gang[Player]:
        """Start the processes, unless they are there. Raises what `open_gang` does."""
        if self._gang is None:
            self._gang = self._presence.enter_context(self._gather())
        return self._gang

    def perform(self, order: Order, done: int = 0, last: Span | None = None) -> Iterator[Span | None]:
        self._do(lambda player: player.begin(order, done, last))
        while events := self._do(Player.go_on):
            yield from events

    def close(self) -> None:
        """End the processes."""
        self._gang = None
        self._presence.close()

    def _do(self, work: Callable[[Player], ResultT]) -> ResultT:
        gang = self.gather()
        with ExitStack() as accident:
            accident.callback(self.close)
            result = gang.do(work)
            accident.pop_all()
        return result


def join(folders: Folders, dtype: torch.dtype, place: Place) -> Player:
    """A player among others, who all call this. Raises what `join_performers` does."""
    return Player(join_performers(folders, dtype, place))
