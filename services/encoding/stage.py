"""The sessions of this process: how they begin, how they end, and who may go on with them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Final

import structlog

from services.encoding.bundles import Bundles
from services.encoding.cues import CueMaker
from services.encoding.domain import Endings, Place, Subject
from services.encoding.faults import Fault, check_engine
from services.encoding.metrics import EncodingMetrics
from services.encoding.session import Limits, Session
from services.kit.blobs import Blobs
from services.kit.bus import Bus, Outgoing
from services.kit.clock import Clock
from services.kit.consumer import Receipt
from services.kit.errors import Rejected, SessionLost, Stale
from services.kit.messages import Envelope, Opening, Segment, Status, StatusKind
from services.kit.retry import retrying
from services.kit.topics import CUES, IDENTITIES, STATUSES

__all__ = ["Stage", "place_of"]

_STAGE: Final = "encoding"
_MAX_REMEMBERED: Final = 4096
_CONTENT_TYPE: Final = "text/plain"
_LOGGER: Final = structlog.stdlib.get_logger(__name__)


class Stage:
    """Every session here has a task in `tasks` that takes it to its end.

    Its segments stay unsettled until its last cue is published: after a crash it is encoded again from
    the beginning, to the same cues. A blob then says that it is done, for whoever reads the segments
    again because a neighbour's were not settled yet.
    """

    def __init__(
        self,
        bus: Bus,
        clock: Clock,
        blobs: Blobs,
        bundles: Bundles,
        cue_maker: CueMaker,
        metrics: EncodingMetrics,
        limits: Limits,
        tasks: asyncio.TaskGroup,
    ) -> None:
        self._bus = bus
        self._clock = clock
        self._blobs = blobs
        self._bundles = bundles
        self._cue_maker = cue_maker
        self._metrics = metrics
        self._limits = limits
        self._tasks = tasks
        self._sessions: dict[tuple[str, str], Session] = {}
        self._lives: dict[Session, asyncio.Task[None]] = {}
        self._endings = Endings(_MAX_REMEMBERED)

    async def take(self, segment: Segment, receipt: Receipt) -> None:
        """Give a segment to its session, which begins with the first one seen here.

        Raises Stale for one that comes too late.
        """
        place = place_of(segment.envelope)
        self._check_current(place)
        session = self._sessions.get(place.session)
        if session is None or session.place.epoch < place.epoch:
            session = self._enter(place, receipt.partition)
        try:
            await session.take(segment, receipt)
        except SessionLost as error:
            self._lose(session, str(error))
            raise Stale(str(error)) from error

    def cancel(self, place: Place) -> None:
        """End a session whose result nobody wants; what comes of it later is stale."""
        session = self._sessions.get(place.session)
        if session is not None and session.place.epoch <= place.epoch:
            self._leave(session, "cancelled")
            session.settle()
        self._endings.add(place)

    def release(self, partition: int) -> None:
        """Forget the sessions of a partition that went to another process, and settle nothing of them."""
        for session in list(self._sessions.values()):
            if session.partition == partition:
                session.disown()
                self._leave(session, "released")

    async def watch(self) -> None:
        """Give up sessions that miss a segment for too long, until cancelled."""
        seen_s: dict[tuple[Session, int], float] = {}
        while True:
            await asyncio.sleep(self._limits.watch_s)
            now_s = self._clock.monotonic()
            gaps = [(s, s.missing) for s in self._sessions.values()]
            seen_s = {
                (s, missing): seen_s.get((s, missing), now_s) for s, missing in gaps if missing is not None
            }
            for (session, missing), since_s in seen_s.items():
                if now_s - since_s > self._limits.patience_s:
                    self._lose(session, f"segment {missing} did not come")

    def close(self) -> None:
        """Stop every session where it is."""
        for session in list(self._sessions.values()):
            session.disown()
            self._leave(session, "released")

    def _check_current(self, place: Place) -> None:
        session = self._sessions.get(place.session)
        if session is not None and session.place.epoch > place.epoch:
            raise Stale(f"session {place.session_id} has reached epoch {session.place.epoch}")
        if self._endings.cover(place):
            raise Stale(f"session {place.session_id} is over in epoch {place.epoch}")

    def _enter(self, place: Place, partition: int) -> Session:
        earlier = self._sessions.get(place.session)
        if earlier is not None:
            self._leave(earlier, "replaced")
            earlier.settle()
        session = self._sessions[place.session] = Session(place, partition, self._limits)
        self._lives[session] = self._tasks.create_task(self._live(session))
        self._metrics.note_sessions(len(self._sessions))
        _LOGGER.info("session.entered", **_fields(place))
        return session

    async def _live(self, session: Session) -> None:
        place = session.place
        outcome = "repeated"
        if await retrying(lambda: self._blobs.info(place.end_uri)) is None:
            outcome = await self._perform(session)
            await retrying(lambda: self._blobs.put(place.end_uri, b"done\n", _CONTENT_TYPE))
        self._endings.add(place)
        session.settle()
        self._leave(session, outcome)

    async def _perform(self, session: Session) -> str:
        try:
            await self._encode(session)
        except Rejected as error:
            await self._report(session.place, error)
            return "failed"
        return "finished"

    async def _encode(self, session: Session) -> None:
        first = await session.next_batch()
        asked = first[0].opening
        assert asked is not None, "no message decodes to a first segment without an opening"
        opening = await self._prepare(session.place, asked)
        if first[0].driver_uri:
            cues = self._cue_maker.of_driver(first[0], opening)
        else:
            cues = self._cue_maker.of_streams(session, first, opening)
        async for batch in cues:
            await self._publish([CUES.outgoing(cue) for cue in batch])
            self._metrics.count_cues(session.place.tenant, len(batch))

    async def _prepare(self, place: Place, opening: Opening) -> Opening:
        """The opening with a bundle that is there. Raises Fault for an engine that nobody knows."""
        check_engine(opening.engine)
        subject = Subject(
            tenant=place.tenant,
            character_id=opening.character_id,
            portrait_uri=opening.portrait_uri,
            face=opening.face,
            size=opening.size,
            engine=opening.engine,
        )
        made = await retrying(lambda: self._bundles.ensure(subject, self._clock.now()))
        if made is not None:
            self._metrics.count_bundle(place.tenant)
            await self._publish([IDENTITIES.outgoing(made)])
        return replace(opening, identity_uri=subject.bundle_uri)

    async def _publish(self, records: list[Outgoing]) -> None:
        if records:
            await retrying(lambda: self._bus.publish(records))

    async def _report(self, place: Place, error: Rejected) -> None:
        code = error.code if isinstance(error, Fault) else "encoding_failed"
        _LOGGER.warning("session.failed", **_fields(place), code=code, detail=str(error))
        status = Status(
            envelope=Envelope(
                tenant=place.tenant,
                session_id=place.session_id,
                epoch=place.epoch,
                sequence=0,
                created_at=self._clock.now(),
            ),
            stage=_STAGE,
            kind=StatusKind.FAILED,
            code=code,
            detail=str(error),
        )
        await self._publish([STATUSES.outgoing(status)])

    def _lose(self, session: Session, reason: str) -> None:
        """Give up a session whose beginning is gone: it was over, or it will be begun again."""
        _LOGGER.warning("session.lost", **_fields(session.place), reason=reason)
        self._leave(session, "lost")
        session.settle()

    def _leave(self, session: Session, outcome: str) -> None:
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
