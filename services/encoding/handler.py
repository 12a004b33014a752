"""What encoding does with a verdict, a segment and an order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from typing import Any

from services.encoding.bundles import Bundles
from services.encoding.cues import CueMaker
from services.encoding.domain import CHARACTER_SIZE, Subject
from services.encoding.faults import Fault
from services.encoding.metrics import EncodingMetrics
from services.encoding.session import Limits
from services.encoding.stage import Stage, place_of
from services.encoding.workshop import Workshop
from services.kit.blobs import Blobs
from services.kit.bus import Bus
from services.kit.clock import Clock
from services.kit.consumer import Receipt, Route, settling
from services.kit.messages import Control, Identity, Segment, SubjectKind, Verdict
from services.kit.telemetry import Telemetry
from services.kit.topics import CONTROLS, IDENTITIES, SEGMENTS, VERDICTS

__all__ = ["Encoding", "open_encoding", "routes"]


def routes(encoding: Encoding) -> list[Route[Any]]:
    """What encoding listens to."""
    return [
        Route(topic=VERDICTS, handle=settling(encoding.prepare)),
        Route(topic=SEGMENTS, handle=encoding.take, release=encoding.release),
        Route(topic=CONTROLS, handle=settling(encoding.obey)),
    ]


class Encoding:
    """The handlers of encoding."""

    def __init__(
        self, bus: Bus, clock: Clock, bundles: Bundles, metrics: EncodingMetrics, stage: Stage
    ) -> None:
        self._bus = bus
        self._clock = clock
        self._bundles = bundles
        self._metrics = metrics
        self._stage = stage

    async def prepare(self, verdict: Verdict) -> None:
        """Make the identity of an approved character, and say how that went."""
        if verdict.subject is not SubjectKind.CHARACTER or not verdict.is_approved:
            return
        identity = await self._identity_of(verdict)
        await self._bus.publish([IDENTITIES.outgoing(identity)])

    async def take(self, segment: Segment, receipt: Receipt) -> None:
        """Encode a segment; it is settled when the last cue of its session is published."""
        await self._stage.take(segment, receipt)

    async def obey(self, control: Control) -> None:
        """End the session: a cancellation is the only order there is."""
        self._stage.cancel(place_of(control.envelope))

    def release(self, partition: int) -> None:
        """Forget the sessions of a partition."""
        self._stage.release(partition)

    async def _identity_of(self, verdict: Verdict) -> Identity:
        subject = Subject(
            tenant=verdict.tenant,
            character_id=verdict.subject_id,
            portrait_uri=verdict.portrait_uri,
            face=verdict.face,
            size=CHARACTER_SIZE,
        )
        try:
            identity = await self._bundles.make(subject, self._clock.now())
        except Fault as fault:
            return Identity(
                tenant=subject.tenant,
                character_id=subject.character_id,
                size=subject.size,
                identity_uri="",
                num_faces=0,
                created_at=self._clock.now(),
                code=fault.code,
                detail=str(fault),
            )
        self._metrics.count_bundle(subject.tenant)
        return identity


@asynccontextmanager
async def open_encoding(
    *,
    bus: Bus,
    blobs: Blobs,
    clock: Clock,
    pool: Executor,
    workshop: Workshop | None = None,
    telemetry: Telemetry | None = None,
    limits: Limits | None = None,
) -> AsyncIterator[Encoding]:
    """Encoding beside whatever runs inside; an error of its tasks ends that, and is raised.

    Blocking work runs in `pool`. Enter and leave it in the same task.
    """
    limits = limits or Limits()
    workshop = workshop or Workshop()
    bundles = Bundles(blobs, workshop, pool)
    cue_maker = CueMaker(blobs, workshop, pool, clock)
    metrics = EncodingMetrics(telemetry or Telemetry())
    try:
        async with asyncio.TaskGroup() as tasks:
            stage = Stage(bus, clock, blobs, bundles, cue_maker, metrics, limits, tasks)
            watch = tasks.create_task(stage.watch())
            try:
                yield Encoding(bus, clock, bundles, metrics, stage)
            finally:
                watch.cancel()
                stage.close()
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from group
