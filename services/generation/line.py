"""A line: an engine at work, from cues that wait for it to chunks that are published."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Final, Generic, TypeVar

import numpy as np

from services.generation.engine import Engine, Role
from services.generation.faults import Fault
from services.generation.identities import Identities
from services.generation.pipeline import Pipeline, Premises
from services.generation.scheduler import Scheduler, for_engine
from services.generation.session import Session
from services.kit.errors import BadMessage
from services.kit.messages import Cue
from services.kit.retry import retrying

__all__ = ["Line", "open_line", "warm"]

StateT = TypeVar("StateT")

_MAX_IDENTITIES: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Line(Generic[StateT]):
    """Sessions of one engine: they are seated, stepped by `scheduler`, and shown by `pipeline`."""

    engine: Engine[StateT]
    identities: Identities[Role[StateT]]
    scheduler: Scheduler[StateT]
    pipeline: Pipeline[StateT]

    @property
    def lag(self) -> int:
        """How many cues a chunk leaves after its own."""
        return self.engine.lag

    def check(self, cue: Cue) -> None:
        """Raise BadMessage unless the engine can answer the cue."""
        try:
            self.engine.check(for_engine(cue))
        except ValueError as error:
            raise BadMessage(str(error)) from error

    async def perform(self, session: Session[StateT]) -> None:
        """Take an opened session to its end: its final chunk is published then.

        Trouble of bus and blobs is waited out. Raises Rejected when it can never be performed.
        """
        for cue in session.waiting:
            self.check(cue)
        role = await retrying(lambda: self.identities.get(session.opening.identity_uri))
        row = await self.pipeline.work(partial(self._seat, role, session.saved))
        session.seat(row, self.scheduler.wake)
        self.scheduler.join(session)
        self.scheduler.wake()
        try:
            await self.pipeline.run(session, role, self.scheduler.wake)
        finally:
            self.scheduler.leave(session)

    async def serve(self) -> None:
        """Step the engine until cancelled."""
        await self.scheduler.run(self.engine)

    def _seat(self, role: Role[StateT], saved: bytes | None) -> StateT:
        try:
            row = self.engine.init_state(1) if saved is None else self.engine.load(saved)
        except ValueError as error:
            raise Fault("session_lost", str(error)) from error
        return role.seat(row)


def open_line(engine: Engine[StateT], premises: Premises, worker: Executor, slots: int) -> Line[StateT]:
    """Put an engine to work: it steps in `worker`, up to `slots` sessions at a time, fewer if it says so."""
    rows = min(slots, engine.max_rows)
    return Line(
        engine=engine,
        identities=Identities(premises.blobs, premises.pool, engine.read_identity, _MAX_IDENTITIES),
        scheduler=Scheduler(rows, worker, premises.metrics),
        pipeline=Pipeline(premises=premises, dump=engine.dump),
    )


def warm(engine: Engine[StateT], slots: int) -> None:
    """Step without any session, so that the first one does not pay for what comes first."""
    noise = np.zeros((slots, *engine.noise_shape), np.float32)
    engine.step(engine.init_state(slots), [None] * slots, noise)
