"""What generation does with a cue and with an order: both go to the sessions of this process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final, TypeVar

import numpy as np

from services.generation.engine import Decoder, Engine
from services.generation.identities import Identities
from services.generation.metrics import GenerationMetrics
from services.generation.pipeline import Pipeline
from services.generation.scheduler import Scheduler
from services.generation.session import Limits
from services.generation.snapshots import Snapshots
from services.generation.stage import Stage, place_of
from services.generation.video import ClipEncoder, VideoEncoder
from services.kit.blobs import Blobs
from services.kit.bus import Bus
from services.kit.clock import Clock
from services.kit.consumer import Receipt, Route, settling
from services.kit.errors import DramatisError, Fatal
from services.kit.messages import Control, Cue
from services.kit.telemetry import Telemetry
from services.kit.topics import CONTROLS, CUES

__all__ = ["Generation", "open_generation", "routes"]

StateT = TypeVar("StateT")
ReadIdentity = Callable[[bytes], Callable[[], Decoder]]

_MAX_IDENTITIES: Final = 16


def routes(generation: Generation) -> list[Route[Any]]:
    """What generation listens to."""
    return [
        Route(topic=CUES, handle=generation.take, release=generation.release),
        Route(topic=CONTROLS, handle=settling(generation.obey)),
    ]


class Generation:
    """The handlers of generation. They wait for the stage, whose engine may still be loading."""

    def __init__(self, stage: asyncio.Future[Stage[Any]]) -> None:
        self._stage = stage

    async def warm_up(self) -> None:
        """Wait until the engine has made its first step. Raises Fatal when it cannot be loaded."""
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


def read_identity(bundle: bytes) -> Callable[[], Decoder]:
    """What makes decoders for the identity in a bundle. Raises ValueError for no bundle."""
    # Here, so that its libraries load in the thread that needs them.
    from services.generation.rig import read_rig

    return read_rig(bundle)


@asynccontextmanager
async def open_generation(
    *,
    bus: Bus,
    blobs: Blobs,
    clock: Clock,
    load_engine: Callable[[], Engine[StateT]],
    slots: int,
    read_identity: ReadIdentity = read_identity,
    new_encoder: Callable[[], VideoEncoder] = ClipEncoder,
    telemetry: Telemetry | None = None,
    limits: Limits | None = None,
    threads: int = 3,
) -> AsyncIterator[Generation]:
    """Generation beside whatever runs inside; an error of its tasks ends that, and is raised.

    The engine is loaded in a thread from now on, and steps `slots` sessions at a time; `threads` draw and
    encode. Raises Fatal when the engine cannot be loaded. Enter and leave it in the same task.
    """
    limits = limits or Limits()
    metrics = GenerationMetrics(telemetry or Telemetry())
    with ThreadPoolExecutor(1, "engine") as worker, ThreadPoolExecutor(threads, "pictures") as pool:

        def pipeline_of(engine: Engine[StateT]) -> Pipeline[StateT]:
            return Pipeline(
                bus=bus,
                snapshots=Snapshots(blobs),
                identities=Identities(blobs, pool, read_identity, _MAX_IDENTITIES),
                new_encoder=new_encoder,
                engine=engine,
                pool=pool,
                clock=clock,
                metrics=metrics,
                limits=limits,
            )

        load = partial(_load, load_engine, slots, worker)
        scheduler = Scheduler[StateT](slots, worker, metrics)
        async with _beside(partial(_live, load, scheduler, pipeline_of, limits)) as ready:
            yield Generation(ready)


async def _live(
    load: Callable[[asyncio.Future[Stage[StateT]]], Awaitable[Engine[StateT]]],
    scheduler: Scheduler[StateT],
    pipeline_of: Callable[[Engine[StateT]], Pipeline[StateT]],
    limits: Limits,
    ready: asyncio.Future[Stage[StateT]],
) -> None:
    engine = await load(ready)
    async with asyncio.TaskGroup() as tasks:
        stage = Stage(pipeline_of(engine), scheduler, limits, tasks)
        ready.set_result(stage)
        tasks.create_task(scheduler.run(engine))
        tasks.create_task(stage.watch())


@asynccontextmanager
async def _beside(
    live: Callable[[asyncio.Future[Stage[StateT]]], Coroutine[Any, Any, None]],
) -> AsyncIterator[asyncio.Future[Stage[StateT]]]:
    ready: asyncio.Future[Stage[StateT]] = asyncio.get_running_loop().create_future()
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


async def _load(
    load_engine: Callable[[], Engine[StateT]],
    slots: int,
    worker: Executor,
    ready: asyncio.Future[Stage[StateT]],
) -> Engine[StateT]:
    loop = asyncio.get_running_loop()
    try:
        engine = await loop.run_in_executor(worker, load_engine)
    except DramatisError as error:
        fatal = Fatal(str(error))
        ready.set_exception(fatal)
        # Whoever waits is told; if nobody does, that is no fault.
        ready.exception()
        raise fatal from error
    await loop.run_in_executor(worker, _warm, engine, slots)
    return engine


def _warm(engine: Engine[StateT], slots: int) -> None:
    """Step without any session, so that the first one does not pay for what comes first."""
    noise = np.zeros((slots, *engine.noise_shape), np.float32)
    engine.step(engine.init_state(slots), [None] * slots, noise)
