"""The sessions of this process: how they begin, how they end, and who may go on with them."""

from __future__ import annotations

import asyncio
from typing import Final, Generic, TypeVar

import numpy as np
import structlog

from services.generation.domain import Endings, Place
from services.generation.engine import Engine
from services.generation.faults import Fault
from services.generation.pipeline import Pipeline
from services.generation.scheduler import Scheduler
from services.generation.session import Limits, Session
from services.kit.consumer import Receipt
from services.kit.errors import BadMessage, Rejected, SessionLost, Stale
from services.kit.messages import Cue, Envelope, Status, StatusKind
from services.kit.retry import retrying
from services.kit.topics import STATUSES

__all__ = ["Stage", "place_of"]

StateT = TypeVar("StateT")

_STAGE: Final = "generation"
_MAX_REMEMBERED: Final = 4096
# Far beyond what a face can do.
_MAX_MOTION: Final = 10.0
_LOGGER: Final = structlog.stdlib.get_logger(__name__)


class Stage(Generic[StateT]):
    """Every session here has a task in `tasks` that takes it to its end."""

    def __init__(
        self,
        pipeline: Pipeline[StateT],
        scheduler: Scheduler[StateT],
        limits: Limits,
        tasks: asyncio.TaskGroup,
    ) -> None:
        self._pipeline = pipeline
        self._engine = pipeline.engine
        self._snapshots = pipeline.snapshots
        self._metrics = pipeline.metrics
        self._scheduler = scheduler
        self._limits = limits
        self._tasks = tasks
        self._sessions: dict[tuple[str, str], Session[StateT]] = {}
        self._lives: dict[Session[StateT], asyncio.Task[None]] = {}
        self._endings = Endings(_MAX_REMEMBERED)

    async def take(self, cue: Cue, receipt: Receipt) -> None:
        """Give a cue to its session, which begins, or is taken up again, with the first one seen here."""
        place = place_of(cue.envelope)
        check_cue(cue, self._engine)
        self._check_current(place)
        session = self._sessions.get(place.session)
        if session is None or session.place.epoch < place.epoch:
            session = await self._enter(place, cue.envelope.sequence, receipt.partition)
        try:
            await session.take(cue, receipt)
        except SessionLost as error:
            await self._fail(session, Fault("session_lost", str(error)))
            raise Stale(str(error)) from error

    async def cancel(self, place: Place) -> None:
        """End a session whose result nobody wants; what comes of it later is stale."""
        session = self._sessions.get(place.session)
        if session is not None and session.place.epoch <= place.epoch:
            self._leave(session, "cancelled")
            session.settle()
        self._endings.add(place)
        await self._snapshots.end(place)
        await self._snapshots.clear(place)

    def release(self, partition: int) -> None:
        """Forget the sessions of a partition that went to another process, and settle nothing of them."""
        for session in list(self._sessions.values()):
            if session.partition == partition:
                session.disown()
                self._leave(session, "released")

    async def watch(self) -> None:
        """Fail sessions that miss a cue for too long, until cancelled."""
        seen_s: dict[tuple[Session[StateT], int], float] = {}
        while True:
            await asyncio.sleep(self._limits.watch_s)
            now_s = self._pipeline.clock.monotonic()
            gaps = [(s, s.missing) for s in self._sessions.values()]
            seen_s = {
                (s, missing): seen_s.get((s, missing), now_s) for s, missing in gaps if missing is not None
            }
            for (session, missing), since_s in seen_s.items():
                if now_s - since_s > self._limits.patience_s:
                    await self._fail(session, Fault("session_lost", f"cue {missing} did not come"))

    def _check_current(self, place: Place) -> None:
        session = self._sessions.get(place.session)
        if session is not None and session.place.epoch > place.epoch:
            raise Stale(f"session {place.session_id} has reached epoch {session.place.epoch}")
        if self._endings.cover(place):
            raise Stale(f"session {place.session_id} is over in epoch {place.epoch}")

    async def _enter(self, place: Place, seen: int, partition: int) -> Session[StateT]:
        earlier = self._sessions.get(place.session)
        if earlier is not None:
            self._leave(earlier, "replaced")
            earlier.settle()
        if await self._snapshots.has_ended(place):
            self._endings.add(place)
        else:
            row = self._engine.init_state(1)
            session = Session(place, partition, row, self._limits, on_change=self._scheduler.wake)
            await self._resume(session, seen)
        # A cancellation may have come in the meantime.
        self._check_current(place)
        self._sessions[place.session] = session
        self._metrics.note_sessions(len(self._sessions))
        self._scheduler.join(session)
        self._lives[session] = self._tasks.create_task(self._live(session))
        return session

    async def _resume(self, session: Session[StateT], seen: int) -> None:
        place = session.place
        try:
            snapshot = await self._snapshots.find(place, seen)
            if snapshot is not None:
                row = self._engine.load(snapshot.row) if snapshot.row else session.row
                session.resume(snapshot, row)
        except (SessionLost, ValueError) as error:
            await self._give_up(place, Fault("session_lost", str(error)))
            raise Stale(str(error)) from error
        at = 0 if snapshot is None else snapshot.next_sequence
        _LOGGER.info("session.entered", **_fields(place), seen=seen, at=at)

    async def _live(self, session: Session[StateT]) -> None:
        try:
            await self._pipeline.run(session, self._scheduler.wake)
        except Rejected as error:
            fault = error if isinstance(error, Fault) else Fault("generation_failed", str(error))
            await self._fail(session, fault)
            return
        await self._end(session, "finished")

    async def _fail(self, session: Session[StateT], fault: Fault) -> None:
        if session.is_over:
            return
        session.stop()
        self._scheduler.leave(session)
        await self._give_up(session.place, fault)
        await self._end(session, "failed")

    async def _give_up(self, place: Place, fault: Fault) -> None:
        """Say that a session can never be finished."""
        _LOGGER.warning("session.failed", **_fields(place), code=fault.code, detail=str(fault))
        status = Status(
            envelope=Envelope(
                tenant=place.tenant,
                session_id=place.session_id,
                epoch=place.epoch,
                sequence=0,
                created_at=self._pipeline.clock.now(),
            ),
            stage=_STAGE,
            kind=StatusKind.FAILED,
            code=fault.code,
            detail=str(fault),
        )
        outgoing = STATUSES.outgoing(status)
        await retrying(lambda: self._pipeline.bus.publish([outgoing]))
        await retrying(lambda: self._snapshots.end(place))
        self._endings.add(place)

    async def _end(self, session: Session[StateT], outcome: str) -> None:
        """Make the end known to whoever might read the cues again, then settle them."""
        await retrying(lambda: self._snapshots.end(session.place))
        self._endings.add(session.place)
        session.settle()
        self._leave(session, outcome)
        await retrying(lambda: self._snapshots.clear(session.place))

    def _leave(self, session: Session[StateT], outcome: str) -> None:
        """Have nothing more to do with a session, wherever it is."""
        session.stop()
        self._scheduler.leave(session)
        life = self._lives.pop(session, None)
        if life is not None and life is not asyncio.current_task():
            life.cancel()
        if self._sessions.get(session.place.session) is session:
            del self._sessions[session.place.session]
        self._metrics.note_sessions(len(self._sessions))
        self._metrics.count_ending(outcome)
        _LOGGER.info("session.left", **_fields(session.place), outcome=outcome)


def place_of(envelope: Envelope) -> Place:
    """The attempt a message belongs to."""
    return Place(tenant=envelope.tenant, session_id=envelope.session_id, epoch=envelope.epoch)


def check_cue(cue: Cue, engine: Engine[StateT]) -> None:
    """Raise BadMessage unless the engine can answer the cue, and a face do what it says."""
    if cue.speak is not None and cue.speak.shape != engine.speak_shape:
        raise BadMessage(f"a cue speaks {cue.speak.shape}, expected {engine.speak_shape}")
    if cue.listen is not None and cue.listen.shape != engine.listen_shape:
        raise BadMessage(f"a cue listens to {cue.listen.shape}, expected {engine.listen_shape}")
    if cue.motion is not None and np.abs(cue.motion).max() > _MAX_MOTION:
        raise BadMessage(f"a cue moves by {np.abs(cue.motion).max():.3g}, expected at most {_MAX_MOTION}")


def _fields(place: Place) -> dict[str, object]:
    return {"tenant": place.tenant, "session_id": place.session_id, "epoch": place.epoch}
