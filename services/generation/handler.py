"""What generation does with a cue and with an order: both go to the sessions of this process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from services.generation.engine import Engine
from services.generation.line import open_line, warm
from services.generation.metrics import GenerationMetrics
from services.generation.offline import Offline
from services.generation.offline_line import OfflineLine
from services.generation.pipeline import Premises
from services.generation.session import Limits
from services.generation.stage import AnyLine, Stage, place_of
from services.generation.video import ClipEncoder, VideoEncoder
from services.kit.blobs import Blobs
from services.kit.bus import Bus
from services.kit.clock import Clock
from services.kit.consumer import Receipt, Route, settling
from services.kit.errors import DramatisError, Fatal
from services.kit.messages import Control, Cue
from services.kit.telemetry import Telemetry
from services.kit.topics import CONTROLS, CUES

__all__ = ["Generation", "LoadEngine", "open_generation", "routes"]

LoadEngine = Callable[[], Engine[Any] | Offline]


def routes(generation: Generation) -> list[Route[Any]]:
    """What generation listens to."""
    return [
        Route(topic=CUES, handle=generation.take, release=generation.release),
        Route(topic=CONTROLS, handle=settling(generation.obey)),
    ]


class Generation:
    """The handlers of generation. They wait for the stage, whose engines may still be loading."""

    def __init__(self, stage: asyncio.Future[Stage]) -> None:
        self._stage = stage

    async def warm_up(self) -> None:
        """Wait until every engine has made its first step. Raises Fatal when one cannot be loaded."""
        await asyncio.shield(self._stage)

    async def take(self, cue: Cue, receipt: Receipt) -> None:
        """Perform a cue; it is settled when a snapshot holds what became of it."""
        stage = await asyncio.shield(self._stage)
        await stage.take(cue, receipt)

    async def obey(self, control: Control) -> None:
        """End the session: a cancellation is the only order there is."""
        stage = await asyncio.shield(self._stage)
        await stage.cancel(place_of(control.envelope))

    def release(self, partition: int) -> None:
        """Forget the sessions of a partition."""
        if self._stage.done():
            self._stage.result().release(partition)


@asynccontextmanager
async def open_generation(
    *,
    bus: Bus,
    blobs: Blobs,
    clock: Clock,
    engines: Mapping[str, LoadEngine],
    slots: int,
    new_encoder: Callable[[], VideoEncoder] = ClipEncoder,
    telemetry: Telemetry | None = None,
    limits: Limits | None = None,
    threads: int = 3,
) -> AsyncIterator[Generation]:
    """Generation beside whatever runs inside; an error of its tasks ends that, and is raised.

    Each of the `engines`, by the names that performances give, is loaded in a thread of its own from now on,
    and steps `slots` sessions at a time there; `threads` draw and encode. Raises Fatal when one cannot be
    loaded. Enter and leave it in the same task.
    """
    async with AsyncExitStack() as stack:
        workers = {name: stack.enter_context(_open_worker(name)) for name in engines}
        premises = Premises(
            bus=bus,
            blobs=blobs,
            new_encoder=new_encoder,
            pool=stack.enter_context(ThreadPoolExecutor(threads, "pictures")),
            clock=clock,
            metrics=GenerationMetrics(telemetry or Telemetry()),
            limits=limits or Limits(),
        )
        load = partial(_load_all, engines, workers, slots, premises)
        ready = await stack.enter_async_context(_beside(partial(_live, load, premises)))
        yield Generation(ready)


async def _live(
    load: Callable[[], Awaitable[dict[str, AnyLine]]], premises: Premises, ready: asyncio.Future[Stage]
) -> None:
    try:
        lines = await load()
    except DramatisError as error:
        fatal = Fatal(str(error))
        ready.set_exception(fatal)
        # Whoever waits is told; if nobody does, that is no fault.
        ready.exception()
        raise fatal from error
    async with asyncio.TaskGroup() as tasks:
        stage = Stage(premises, lines, tasks)
        ready.set_result(stage)
        for line in lines.values():
            tasks.create_task(line.serve())
        tasks.create_task(stage.watch())


@asynccontextmanager
async def _beside(
    live: Callable[[asyncio.Future[Stage]], Coroutine[Any, Any, None]],
) -> AsyncIterator[asyncio.Future[Stage]]:
    ready: asyncio.Future[Stage] = asyncio.get_running_loop().create_future()
    try:
        async with asyncio.TaskGroup() as tasks:
            life = tasks.create_task(live(ready))
            try:
                yield ready
            finally:
                life.cancel()
    except BaseExceptionGroup as group:
        raise _first_of(group) from group


def _first_of(group: BaseExceptionGroup[BaseException]) -> BaseException:
    first = group.exceptions[0]
    return _first_of(first) if isinstance(first, BaseExceptionGroup) else first


@dataclass(frozen=True, slots=True, kw_only=True)
class _Worker:
    """The thread of an engine, and what is to be ended there when nothing is done in it any more."""

    thread: Executor
    opened: ExitStack

    def load(self, load: LoadEngine) -> Engine[Any] | Offline:
        """Load an engine, in the thread."""
        engine = load()
        if isinstance(engine, Offline):
            self.opened.callback(engine.close)
        return engine


@contextmanager
def _open_worker(name: str) -> Iterator[_Worker]:
    opened = ExitStack()
    with ThreadPoolExecutor(1, name) as thread:
        try:
            yield _Worker(thread=thread, opened=opened)
        finally:
            thread.submit(opened.close).result()


async def _load_all(
    engines: Mapping[str, LoadEngine], workers: Mapping[str, _Worker], slots: int, premises: Premises
) -> dict[str, AnyLine]:
    return {name: await _open(load, premises, workers[name], slots) for name, load in engines.items()}


async def _open(load: LoadEngine, premises: Premises, worker: _Worker, slots: int) -> AnyLine:
    loop = asyncio.get_running_loop()
    engine = await loop.run_in_executor(worker.thread, worker.load, load)
    if isinstance(engine, Offline):
        return OfflineLine(engine.engine, premises, worker.thread)
    await loop.run_in_executor(worker.thread, warm, engine, slots)
    return open_line(engine, premises, worker.thread, slots)
