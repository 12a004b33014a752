"""The sessions of this process: how they begin, how they end, and who may go on with them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

import structlog

from services.generation.domain import Endings, Place
from services.generation.faults import Fault
from services.generation.line import Line
from services.generation.offline_line import OfflineLine
from services.generation.pipeline import Premises
from services.generation.session import Session
from services.kit.consumer import Receipt
from services.kit.errors import Rejected, SessionLost, Stale
from services.kit.messages import Cue, Envelope, Status, StatusKind
from services.kit.retry import retrying
from services.kit.topics import STATUSES

__all__ = ["AnyLine", "Stage", "place_of"]

# The states of sessions are of as many kinds as there are engines, which only Any can say.
AnyLine: TypeAlias = Line[Any] | OfflineLine

_STAGE: Final = "generation"
_MAX_REMEMBERED: Final = 4096
_LOGGER: Final = structlog.stdlib.get_logger(__name__)


class Stage:
    """Every session here has a task in `tasks` that takes it to its end, on the line of its engine."""

    def __init__(self, premises: Premises, lines: Mapping[str, AnyLine], tasks: asyncio.TaskGroup) -> None:
        self._premises = premises
        self._snapshots = premises.snapshots
        self._metrics = premises.metrics
        self._limits = premises.limits
        self._lines = lines
        self._max_lag = max(line.lag for line in lines.values())
        self._tasks = tasks
        self._sessions: dict[tuple[str, str], Session[Any]] = {}
        self._lives: dict[Session[Any], asyncio.Task[None]] = {}
        self._endings = Endings(_MAX_REMEMBERED)

    async def take(self, cue: Cue, receipt: Receipt) -> None:
        """Give a cue to its session, which begins, or is taken up again, with the first one seen here."""
        place = place_of(cue.envelope)
        session = self._sessions.get(place.session)
        self._check(cue, session)
        self._check_current(place)
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
        seen_s: dict[tuple[Session[Any], int], float] = {}
        while True:
            await asyncio.sleep(self._limits.watch_s)
            now_s = self._premises.clock.monotonic()
            gaps = [(s, s.missing) for s in self._sessions.values()]
            seen_s = {
                (s, missing): seen_s.get((s, missing), now_s) for s, missing in gaps if missing is not None
            }
            for (session, missing), since_s in seen_s.items():
                if now_s - since_s > self._limits.patience_s:
                    await self._fail(session, Fault("session_lost", f"cue {missing} did not come"))

    def _check(self, cue: Cue, session: Session[Any] | None) -> None:
        """Raise BadMessage when the engine cannot answer the cue, as far as it is known which engine."""
        opening = cue.opening
        if opening is None and session is not None and session.opened.is_set():
            opening = session.opening
        if opening is not None and opening.engine in self._lines:
            self._lines[opening.engine].check(cue)

    def _check_current(self, place: Place) -> None:
        session = self._sessions.get(place.session)
        if session is not None and session.place.epoch > place.epoch:
            raise Stale(f"session {place.session_id} has reached epoch {session.place.epoch}")
        if self._endings.cover(place):
            raise Stale(f"session {place.session_id} is over in epoch {place.epoch}")

    async def _enter(self, place: Place, seen: int, partition: int) -> Session[Any]:
        earlier = self._sessions.get(place.session)
        if earlier is not None:
            self._leave(earlier, "replaced")
            earlier.settle()
        if await self._snapshots.has_ended(place):
            self._endings.add(place)
        else:
            session = Session[Any](place, partition, self._limits)
            await self._resume(session, seen)
        # A cancellation may have come in the meantime.
        self._check_current(place)
        self._sessions[place.session] = session
        self._metrics.note_sessions(len(self._sessions))
        self._lives[session] = self._tasks.create_task(self._live(session))
        return session

    async def _resume(self, session: Session[Any], seen: int) -> None:
        place = session.place
        try:
            snapshot = await self._snapshots.find(place, seen, self._max_lag)
            if snapshot is not None:
                session.resume(snapshot)
        except SessionLost as error:
            await self._give_up(place, Fault("session_lost", str(error)))
            raise Stale(str(error)) from error
        at = 0 if snapshot is None else snapshot.next_sequence
        _LOGGER.info("session.entered", **_fields(place), seen=seen, at=at)

    async def _live(self, session: Session[Any]) -> None:
        await session.opened.wait()
        try:
            await self._line_of(session).perform(session)
        except Rejected as error:
            fault = error if isinstance(error, Fault) else Fault("generation_failed", str(error))
            await self._fail(session, fault)
            return
        await self._end(session, "finished")

    def _line_of(self, session: Session[Any]) -> AnyLine:
        engine = session.opening.engine
        if engine not in self._lines:
            served = " or ".join(sorted(self._lines))
            raise Fault("engine_unavailable", f"engine {engine[:40]!r} is not served here, expected {served}")
        return self._lines[engine]

    async def _fail(self, session: Session[Any], fault: Fault) -> None:
        if session.is_over:
            return
        session.stop()
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
                created_at=self._premises.clock.now(),
            ),
            stage=_STAGE,
            kind=StatusKind.FAILED,
            code=fault.code,
            detail=str(fault),
        )
        outgoing = STATUSES.outgoing(status)
        await retrying(lambda: self._premises.bus.publish([outgoing]))
        await retrying(lambda: self._snapshots.end(place))
        self._endings.add(place)

    async def _end(self, session: Session[Any], outcome: str) -> None:
        """Make the end known to whoever might read the cues again, then settle them."""
        await retrying(lambda: self._snapshots.end(session.place))
        self._endings.add(session.place)
        session.settle()
        self._leave(session, outcome)
        await retrying(lambda: self._snapshots.clear(session.place))

    def _leave(self, session: Session[Any], outcome: str) -> None:
        """Have nothing more to do with a session, wherever it is."""
        session.stop()
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


def _fields(place: Place) -> dict[str, object]:
    return {"tenant": place.tenant, "session_id": place.session_id, "epoch": place.epoch}
