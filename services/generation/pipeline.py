"""From answers to published chunks: drawing, encoding and publishing overlap, a bounded way ahead."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeAlias, TypeVar

from services.generation.domain import is_clip_start
from services.generation.engine import Answer, Coming, Decoder, Role
from services.generation.faults import rejection_alone
from services.generation.metrics import GenerationMetrics
from services.generation.session import Limits, Session, Step, snapshot_of
from services.generation.snapshots import Snapshots
from services.generation.video import VideoEncoder
from services.kit import contracts
from services.kit.blobs import Blobs
from services.kit.bus import Bus
from services.kit.clock import Clock
from services.kit.messages import CLIP_CHUNKS, Chunk, Envelope
from services.kit.retry import retrying
from services.kit.topics import CHUNKS

__all__ = ["Pipeline", "Premises"]

StateT = TypeVar("StateT")
T = TypeVar("T")

# A chunk that is being drawn, and one that is encoded.
Drawing: TypeAlias = tuple[Step[StateT], asyncio.Task[contracts.Chunk]]
Encoded: TypeAlias = tuple[Step[StateT], tuple[bytes, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Premises:
    """What all engines of a process share. Blocking work runs in `pool`."""

    bus: Bus
    blobs: Blobs
    new_encoder: Callable[[], VideoEncoder]
    pool: Executor
    clock: Clock
    metrics: GenerationMetrics
    limits: Limits

    @property
    def snapshots(self) -> Snapshots:
        """Where sessions can be taken up again."""
        return Snapshots(self.blobs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline(Generic[StateT]):
    """Takes the answers of a session to its end; motion is drawn, pictures are there.

    Several chunks of a session are drawn beside each other, because drawing takes longest; they are
    encoded in their order. `dump` is the bytes of a row.
    """

    premises: Premises
    dump: Callable[[StateT], bytes]

    async def run(self, session: Session[StateT], role: Role[StateT], on_room: Callable[[], None]) -> None:
        """Publish every chunk of a session and keep its snapshots, until the final chunk is published.

        `on_room` is called when an answer was taken. Trouble of bus and blobs is waited out. Raises Rejected
        when the session can never be shown.
        """
        limits = self.premises.limits
        idle: asyncio.Queue[Decoder] = asyncio.Queue()
        for decoder in await self.work(partial(role.decoders, limits.decoders)):
            idle.put_nowait(decoder)
        drawings: asyncio.Queue[Drawing[StateT]] = asyncio.Queue(limits.pictures)
        encoded: asyncio.Queue[Encoded[StateT]] = asyncio.Queue(limits.pictures)
        with rejection_alone():
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._draw_all(session, idle, drawings, tasks, on_room))
                tasks.create_task(self._encode_all(drawings, encoded))
                tasks.create_task(self._publish_all(session, encoded))

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
            step = await session.answers.get()
            on_room()
            await drawings.put((step, tasks.create_task(self._draw(step.answer, idle))))
            is_final = step.cue.is_final

    async def _draw(self, answer: Answer, idle: asyncio.Queue[Decoder]) -> contracts.Chunk:
        if isinstance(answer, contracts.Chunk):
            return answer
        if isinstance(answer, Coming):
            return await self.work(answer.fetch)
        decoder = await idle.get()
        pictures = await self.work(partial(decoder.decode, answer))
        idle.put_nowait(decoder)
        return pictures

    async def _encode_all(
        self, drawings: asyncio.Queue[Drawing[StateT]], encoded: asyncio.Queue[Encoded[StateT]]
    ) -> None:
        encoder = self.premises.new_encoder()
        is_final = False
        while not is_final:
            step, drawing = await drawings.get()
            pictures = await drawing
            await encoded.put((step, await self.work(partial(encoder.encode, pictures))))
            is_final = step.cue.is_final

    async def _publish_all(self, session: Session[StateT], encoded: asyncio.Queue[Encoded[StateT]]) -> None:
        is_final = False
        while not is_final:
            step, frames = await encoded.get()
            await self._publish(session, step, frames)
            await self._keep(session, step)
            is_final = step.cue.is_final

    async def _publish(self, session: Session[StateT], step: Step[StateT], frames: tuple[bytes, ...]) -> None:
        cue, answer, now = step.cue, step.answer, self.premises.clock.now()
        chunk = Chunk(
            envelope=Envelope(
                tenant=cue.envelope.tenant,
                session_id=cue.envelope.session_id,
                epoch=cue.envelope.epoch,
                sequence=answer.sequence,
                created_at=now,
            ),
            frames=frames,
            motion=answer.frames if isinstance(answer, contracts.Motion) else None,
            is_final=cue.is_final,
            opening=session.opening if is_clip_start(answer.sequence, CLIP_CHUNKS) else None,
        )
        outgoing = CHUNKS.outgoing(chunk)
        await retrying(lambda: self.premises.bus.publish([outgoing]))
        lag_s = (now - cue.envelope.created_at).total_seconds()
        self.premises.metrics.count_chunk(cue.envelope.tenant, len(frames), lag_s)

    async def _keep(self, session: Session[StateT], step: Step[StateT]) -> None:
        """Put the snapshot that is due, and settle what it covers."""
        if step.after is None:
            return
        snapshot = await self.work(partial(snapshot_of, session, step, step.after, self.dump))
        point = step.answer.sequence + 1
        await retrying(lambda: self.premises.snapshots.put(session.place, point, snapshot))
        session.settle(snapshot.next_sequence)

    async def work(self, work: Callable[[], T]) -> T:
        """Do blocking work beside everything else."""
        return await asyncio.get_running_loop().run_in_executor(self.premises.pool, work)
