"""Ingestion: the input of a performance becomes segments on the chunk clock, and a soundtrack."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import structlog

from services.ingestion.domain import InputFault, Limits, Newest
from services.ingestion.inputs import Inputs
from services.ingestion.takes import Takes
from services.ingestion.voice import SpeechSynthesizer
from services.kit import messages as m
from services.kit.blobs import Blobs
from services.kit.bus import Bus
from services.kit.consumer import Receipt, Route, settling
from services.kit.egress import Egress
from services.kit.errors import BadInput, Stale
from services.kit.retry import retrying
from services.kit.topics import CONTROLS, PERFORMANCES, STATUSES

__all__ = ["Ingestion", "open_ingestion", "routes"]

_STAGE: Final = "ingestion"
_LOGGER: Final = structlog.stdlib.get_logger(__name__)


# A list of routes holds messages of several types, which only Any can say.
def routes(ingestion: Ingestion) -> list[Route[Any]]:
    """What ingestion does with its topics."""
    return [
        Route(topic=PERFORMANCES, handle=ingestion.perform, release=ingestion.release),
        Route(topic=CONTROLS, handle=settling(ingestion.control)),
    ]


@asynccontextmanager
async def open_ingestion(
    *,
    bus: Bus,
    blobs: Blobs,
    voice: SpeechSynthesizer,
    egress: Egress,
    workspace: Path,
    limits: Limits | None = None,
) -> AsyncIterator[Ingestion]:
    """Ingestion with its tasks, which end with the context; inputs are decoded in the folder `workspace`."""
    limits = limits or Limits()
    takes = Takes(bus, blobs, Inputs(blobs, voice, egress, limits), workspace)
    async with asyncio.TaskGroup() as tasks:
        ingestion = Ingestion(bus, takes, tasks, limits)
        try:
            yield ingestion
        finally:
            ingestion.stop()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Running:
    epoch: int
    receipt: Receipt
    task: asyncio.Task[None]


class Ingestion:
    """Serves performances beside each other, so that a long or slow one does not hold up the others."""

    def __init__(self, bus: Bus, takes: Takes, tasks: asyncio.TaskGroup, limits: Limits) -> None:
        self._bus = bus
        self._takes = takes
        self._tasks = tasks
        self._slots = asyncio.Semaphore(limits.sessions)
        self._running: dict[tuple[str, str], _Running] = {}
        self._epochs = Newest()
        self._cancelled = Newest()

    async def perform(self, performance: m.Performance, receipt: Receipt) -> None:
        """Begin with a performance as soon as there is room; it is settled when its last segment is out.

        Raises Stale for one that was cancelled, is running already, or has a newer attempt.
        """
        key, epoch = _key_of(performance.envelope), performance.envelope.epoch
        await self._slots.acquire()
        running = self._running.get(key)
        is_running = running is not None and running.epoch == epoch
        if is_running or epoch < self._epochs.of(key) or epoch <= self._cancelled.of(key):
            self._slots.release()
            raise Stale(f"performance {key[1]} has a newer attempt than {epoch}, or was cancelled")
        self._drop(key, epoch)
        self._epochs.note(key, epoch)
        task = self._tasks.create_task(self._serve(performance, receipt))
        started = _Running(epoch=epoch, receipt=receipt, task=task)
        self._running[key] = started
        task.add_done_callback(lambda _: self._end(key, started))

    async def control(self, control: m.Control) -> None:
        """Stop what is cancelled, and remember it for a performance that is still to come."""
        key, epoch = _key_of(control.envelope), control.envelope.epoch
        self._cancelled.note(key, epoch)
        self._drop(key, epoch)

    def release(self, partition: int) -> None:
        """Stop the performances of a partition that went to another member."""
        for key, running in list(self._running.items()):
            if running.receipt.partition == partition:
                del self._running[key]
                running.task.cancel()

    def stop(self) -> None:
        """Stop every performance; nothing more of them is settled."""
        for running in self._running.values():
            running.task.cancel()

    def _drop(self, key: tuple[str, str], epoch: int) -> None:
        """Stop the attempt that runs, if it is not newer; nobody needs it any more."""
        running = self._running.get(key)
        if running is not None and running.epoch <= epoch:
            del self._running[key]
            running.task.cancel()
            running.receipt.settle()

    def _end(self, key: tuple[str, str], ended: _Running) -> None:
        self._slots.release()
        if self._running.get(key) is ended:
            del self._running[key]

    async def _serve(self, performance: m.Performance, receipt: Receipt) -> None:
        try:
            await retrying(lambda: self._takes.ingest(performance))
        except BadInput as error:
            await retrying(partial(self._report, performance, error))
        receipt.settle()

    async def _report(self, performance: m.Performance, error: BadInput) -> None:
        code = error.code if isinstance(error, InputFault) else "input_unreadable"
        envelope = performance.envelope
        _LOGGER.info("performance.refused", session_id=envelope.session_id, epoch=envelope.epoch, code=code)
        status = m.Status(
            envelope=envelope, stage=_STAGE, kind=m.StatusKind.FAILED, code=code, detail=str(error)
        )
        await self._bus.publish([STATUSES.outgoing(status)])


def _key_of(envelope: m.Envelope) -> tuple[str, str]:
    return envelope.tenant, envelope.session_id
