"""From motion to published chunks: drawing, encoding and publishing overlap, a bounded way ahead."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeAlias, TypeVar

from services.generation.domain import is_clip_start
from services.generation.engine import Decoder, Engine
from services.generation.identities import Identities
from services.generation.metrics import GenerationMetrics
from services.generation.session import Limits, Session, Step, snapshot_of
from services.generation.snapshots import Snapshots
from services.generation.video import VideoEncoder
from services.kit import contracts
from services.kit.bus import Bus
from services.kit.clock import Clock
from services.kit.errors import Rejected
from services.kit.messages import CLIP_CHUNKS, Chunk, Envelope
from services.kit.retry import retrying
from services.kit.topics import CHUNKS

__all__ = ["Pipeline"]

StateT = TypeVar("StateT")
T = TypeVar("T")

# A chunk that is being drawn, and one that is encoded.
Drawing: TypeAlias = tuple[Step[StateT], asyncio.Task[contracts.Chunk]]
Encoded: TypeAlias = tuple[Step[StateT], tuple[bytes, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline(Generic[StateT]):
    """Takes a session's motion to its end. Blocking work runs in `pool`.

    Several chunks of a session are drawn beside each other, because drawing takes longest; they are
    encoded in their order.
    """

    bus: Bus
    snapshots: Snapshots
    identities: Identities[Callable[[], Decoder]]
    new_encoder: Callable[[], VideoEncoder]
    engine: Engine[StateT]
    pool: Executor
    clock: Clock
    metrics: GenerationMetrics
    limits: Limits

    async def run(self, session: Session[StateT], on_room: Callable[[], None]) -> None:
        """Publish every chunk of a session and keep its snapshots, until the final chunk is published.

        `on_room` is called when motion was taken. Trouble of bus and blobs is waited out. Raises Fault
        when the session can never be drawn.
        """
        await session.opened.wait()
        new_decoder = await retrying(lambda: self.identities.get(session.opening.identity_uri))
        idle: asyncio.Queue[Decoder] = asyncio.Queue()
        for _ in range(self.limits.decoders):
            idle.put_nowait(await self._work(new_decoder))
        drawings: asyncio.Queue[Drawing[StateT]] = asyncio.Queue(self.limits.pictures)
        encoded: asyncio.Queue[Encoded[StateT]] = asyncio.Queue(self.limits.pictures)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._draw_all(session, idle, drawings, tasks, on_room))
                tasks.create_task(self._encode_all(drawings, encoded))
                tasks.create_task(self._publish_all(session, encoded))
        except ExceptionGroup as group:
            rejected, others = group.split(Rejected)
            if rejected is None or others is not None:
                raise
            raise rejected.exceptions[0] from None

    async def _draw_all(
        self,
        session: Session[StateT],
        idle: asyncio.Queue[Decoder],
        drawings: asyncio.Queue[Drawing[StateT]],
        tasks: asyncio.TaskGroup,
        on_room: Callable[[], None],
    ) -> None:
        is_final = False
        while not is_final:
            step = await session.motions.get()
            on_room()
            await drawings.put((step, tasks.create_task(self._draw(step, idle))))
            is_final = step.cue.is_final

    async def _draw(self, step: Step[StateT], idle: asyncio.Queue[Decoder]) -> contracts.Chunk:
        decoder = await idle.get()
        pictures = await self._work(partial(decoder.decode, step.motion))
        idle.put_nowait(decoder)
        return pictures

    async def _encode_all(
        self, drawings: asyncio.Queue[Drawing[StateT]], encoded: asyncio.Queue[Encoded[StateT]]
    ) -> None:
        encoder = self.new_encoder()
        is_final = False
        while not is_final:
            step, drawing = await drawings.get()
            pictures = await drawing
            await encoded.put((step, await self._work(partial(encoder.encode, pictures))))
            is_final = step.cue.is_final

    async def _publish_all(self, session: Session[StateT], encoded: asyncio.Queue[Encoded[StateT]]) -> None:
        is_final = False
        while not is_final:
            step, frames = await encoded.get()
            await self._publish(session, step, frames)
            await self._keep(session, step)
            is_final = step.cue.is_final

    async def _publish(self, session: Session[StateT], step: Step[StateT], frames: tuple[bytes, ...]) -> None:
        cue, now = step.cue, self.clock.now()
        chunk = Chunk(
            envelope=Envelope(
                tenant=cue.envelope.tenant,
                session_id=cue.envelope.session_id,
                epoch=cue.envelope.epoch,
                sequence=cue.envelope.sequence,
                created_at=now,
            ),
            frames=frames,
            motion=step.motion.frames,
            is_final=cue.is_final,
            opening=session.opening if is_clip_start(cue.envelope.sequence, CLIP_CHUNKS) else None,
        )
        outgoing = CHUNKS.outgoing(chunk)
        await retrying(lambda: self.bus.publish([outgoing]))
        lag_s = (now - cue.envelope.created_at).total_seconds()
        self.metrics.count_chunk(cue.envelope.tenant, len(frames), lag_s)

    async def _keep(self, session: Session[StateT], step: Step[StateT]) -> None:
        """Put the snapshot that is due, and settle what it covers."""
        if step.after is None:
            return
        snapshot = await self._work(partial(snapshot_of, session, step, step.after, self.engine))
        await retrying(lambda: self.snapshots.put(session.place, snapshot))
        session.settle(snapshot.next_sequence)

    async def _work(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self.pool, work)
