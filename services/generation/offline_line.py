"""The line of an offline engine: a performance is heard to its end, and then made as a whole."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

import numpy as np

from services.generation.faults import rejection_alone
from services.generation.identities import Identities
from services.generation.offline import Film, OfflineEngine, Screenplay, Sitter, mark_of
from services.generation.pipeline import Pipeline, Premises
from services.generation.scheduler import for_engine
from services.generation.session import Session
from services.generation.shoot import Shoot
from services.generation.spans import Spans
from services.kit.errors import BadMessage
from services.kit.messages import Cue, Envelope, Notice, Status, StatusKind
from services.kit.retry import retrying
from services.kit.topics import STATUSES

__all__ = ["OfflineLine"]

_STAGE: Final = "generation"
_IGNORED: Final = Notice(
    code="motion_intensity_ignored",
    detail="motion intensity: the weights of the engine know none, it moves as it does by itself",
)
_MAX_IDENTITIES: Final = 16


@dataclass(slots=True, kw_only=True, eq=False)
class _Progress:
    """The steps of one performance; there is `news` when they are to be told, changed or not."""

    done: int = 0
    expected: int = 0
    news: asyncio.Event = field(default_factory=asyncio.Event)


class OfflineLine:
    """Sessions of one offline engine. It makes one film at a time, in `worker`; the others wait their turn.

    Every finished span is kept, and no cue is settled before the last chunk is out: who takes a session up
    again hears it from its beginning, shows what is kept, and goes on from there, to the same video.
    """

    def __init__(self, engine: OfflineEngine, premises: Premises, worker: Executor) -> None:
        self._engine = engine
        self._premises = premises
        self._worker = worker
        self._identities = Identities(premises.blobs, premises.pool, engine.read_identity, _MAX_IDENTITIES)
        self._pipeline: Pipeline[None] = Pipeline(premises=premises, dump=_nothing)
        self._turn = asyncio.Lock()
        self._present: set[_Progress] = set()

    @property
    def lag(self) -> int:
        """On the clock of cues, a chunk leaves with its own."""
        return 0

    def check(self, cue: Cue) -> None:
        """Raise BadMessage unless the engine can answer the cue."""
        try:
            self._engine.check(for_engine(cue))
        except ValueError as error:
            raise BadMessage(str(error)) from error

    async def serve(self) -> None:
        """Nothing is to be done between performances."""

    async def perform(self, session: Session[None]) -> None:
        """Take an opened session to its end: its final chunk is published then.

        Trouble of bus and blobs is waited out. Raises Rejected when it can never be performed.
        """
        for cue in session.waiting:
            self.check(cue)
        cues = await _gather(session)
        sitter = await retrying(lambda: self._identities.get(session.opening.identity_uri))
        progress = _Progress()
        self._present.add(progress)
        try:
            with rejection_alone():
                async with asyncio.TaskGroup() as tasks:
                    telling = tasks.create_task(self._tell_all(session, progress))
                    tasks.create_task(self._film(session, sitter, cues, progress))
                    await self._pipeline.run(session, sitter, _ignore)
                    telling.cancel()
        finally:
            self._present.discard(progress)

    async def _film(
        self, session: Session[None], sitter: Sitter, cues: Sequence[Cue], progress: _Progress
    ) -> None:
        screenplay = _screenplay_of(session, cues)
        silent = [replace(cue, waveform=None) for cue in cues]
        async with self._turn:
            film = await self._begin(sitter, screenplay)
            progress.expected = film.num_spans * film.span_steps
            note = partial(self._note, progress)
            spans = Spans(self._premises.blobs, session.place, mark_of(sitter, screenplay))
            await Shoot(session, film, silent, spans, self._worker, note).run()

    async def _begin(self, sitter: Sitter, screenplay: Screenplay) -> Film:
        begin = partial(self._engine.begin, sitter, screenplay)
        return await asyncio.get_running_loop().run_in_executor(self._worker, begin)

    def _note(self, progress: _Progress, done: int) -> None:
        """A step is a sign of life of the line, and so of all that wait for their turn on it."""
        if done == progress.done + 1:
            self._premises.metrics.count_step(1)
        progress.done = done
        for each in self._present:
            each.news.set()

    async def _tell_all(self, session: Session[None], progress: _Progress) -> None:
        """Tell of every step, or of the latest where telling takes longer than a step, until cancelled."""
        is_missed = session.opening.motion_intensity is not None and self._engine.ignores_intensity()
        notices = (_IGNORED,) if is_missed else ()
        while True:
            progress.news.clear()
            outgoing = STATUSES.outgoing(self._status_of(session, progress, notices))
            await retrying(partial(self._premises.bus.publish, [outgoing]))
            notices = ()
            await progress.news.wait()

    def _status_of(self, session: Session[None], progress: _Progress, notices: tuple[Notice, ...]) -> Status:
        place = session.place
        return Status(
            envelope=Envelope(
                tenant=place.tenant,
                session_id=place.session_id,
                epoch=place.epoch,
                sequence=0,
                created_at=self._premises.clock.now(),
            ),
            stage=_STAGE,
            kind=StatusKind.PROGRESSED,
            notices=notices,
            steps_done=progress.done,
            steps_expected=progress.expected,
        )


async def _gather(session: Session[None]) -> list[Cue]:
    """All cues of a session, when the final one has come."""
    came = asyncio.Event()
    session.seat(None, came.set)
    cues: list[Cue] = []
    while not (cues and cues[-1].is_final):
        came.clear()
        while session.can_step():
            cues.append(session.begin())
        if not (cues and cues[-1].is_final):
            await came.wait()
    return cues


def _screenplay_of(session: Session[None], cues: Sequence[Cue]) -> Screenplay:
    texts = (direction.text for cue in cues for direction in cue.directions)
    return Screenplay(
        speech=np.concatenate([cue.waveform for cue in cues if cue.waveform is not None]),
        directions=tuple(dict.fromkeys(texts)),
        intensity=session.opening.motion_intensity,
        seed=session.opening.seed,
    )


def _nothing(row: None) -> bytes:  # noqa: ARG001  there is none
    """A session without a row leaves nothing."""
    return b""


def _ignore() -> None:
    """Nobody waits for room: the film waits by itself."""
