"""One session in this process: its cues in order, its row of the engine's state, its chance."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np

from services.generation.domain import Listener, Place, is_clip_end
from services.generation.engine import Answer
from services.generation.snapshot import Snapshot
from services.kit.consumer import Receipt
from services.kit.contracts import FloatArray
from services.kit.errors import Stale
from services.kit.messages import CLIP_CHUNKS, Cue, Opening
from services.kit.ordering import InOrder

__all__ = ["After", "Limits", "Session", "Step", "snapshot_of"]

StateT = TypeVar("StateT")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much of a session may wait: cues, answers, pictures of chunks.

    `decoders` is how many of its chunks are drawn at a time. A cue that others wait for is waited for
    `patience_s`; every `watch_s` that is looked at.
    """

    cues: int = 256
    answers: int = 16
    pictures: int = 3
    decoders: int = 2
    patience_s: float = 60.0
    watch_s: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class After(Generic[StateT]):
    """What the session has become after a step: its row, and the state of its chance."""

    row: StateT
    noise: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step(Generic[StateT]):
    """A cue with the chunk that answers it; `after` where a snapshot is due."""

    cue: Cue
    answer: Answer
    after: After[StateT] | None


class Session(Generic[StateT]):
    """Cues go in through `take`, one after the other out through `begin`, and as `answers` on to be shown.

    Once it is `opened` it is known which engine performs it, and what it begins with is `saved`: the
    engine's own bytes of a row, None for a fresh one.
    """

    def __init__(self, place: Place, partition: int, limits: Limits) -> None:
        self.place = place
        self.partition = partition
        self.answers: asyncio.Queue[Step[StateT]] = asyncio.Queue(limits.answers)
        self.saved: bytes | None = None
        self.listener = Listener()
        self.is_over = False
        self.opened = asyncio.Event()
        self._opening: Opening | None = None
        self._noise = np.random.default_rng(0)
        self._order = InOrder[Cue](bound=limits.cues)
        self._waiting: deque[Cue] = deque()
        self._has_room = asyncio.Event()
        self._max_waiting = limits.cues
        self._receipts: dict[int, Receipt] = {}
        self._row: StateT | None = None
        self._on_change: Callable[[], None] = _stand_by

    @property
    def row(self) -> StateT:
        """Its row of the engine's state; there once it is seated."""
        assert self._row is not None, "the session has not been seated"
        return self._row

    @property
    def waiting(self) -> list[Cue]:
        """The cues that no engine has begun."""
        return [*self._waiting, *self._order.held]

    @property
    def opening(self) -> Opening:
        """How it is to be performed; known once `opened`."""
        assert self._opening is not None, "the session has not been opened"
        return self._opening

    @property
    def missing(self) -> int | None:
        """The sequence that others wait for, None when nobody waits."""
        return self._order.expected if self._order.has_gap else None

    def resume(self, snapshot: Snapshot) -> None:
        """Go on from a snapshot instead of from the beginning."""
        self._order = InOrder(first=snapshot.next_sequence, bound=self._max_waiting)
        self.saved = snapshot.row
        self._open(snapshot.opening)
        self._noise.bit_generator.state = snapshot.noise

    def seat(self, row: StateT, on_change: Callable[[], None]) -> None:
        """Begin with this row; `on_change` is called whenever a cue came."""
        self._row, self.saved = row, None
        self._on_change = on_change

    async def take(self, cue: Cue, receipt: Receipt) -> None:
        """Put a cue in its place, and wait while too many are there.

        Raises Stale for one that was here before, SessionLost when too many wait for a missing one.
        """
        if self.is_over:
            raise Stale(f"session {self.place.session_id} is over")
        if cue.opening is not None and self._opening is None:
            self._open(cue.opening)
        self._waiting.extend(self._order.push(cue.envelope.sequence, cue))
        self._receipts[cue.envelope.sequence] = receipt
        self._on_change()
        while len(self._waiting) >= self._max_waiting and not self.is_over:
            self._has_room.clear()
            await self._has_room.wait()

    def can_step(self) -> bool:
        """Whether the next cue is here, and room for its answer."""
        return bool(self._waiting) and not self.answers.full() and not self.is_over

    def begin(self) -> Cue:
        """The next cue."""
        self._has_room.set()
        return self._waiting.popleft()

    def draw_noise(self, shape: tuple[int, ...]) -> FloatArray:
        """The noise of the next chunk; drawn once for each, in their order."""
        return self._noise.standard_normal(shape, np.float32)

    def finish(self, cue: Cue, answer: Answer | None, row: StateT) -> None:
        """Pass on what answers the cue, if anything does already; the session becomes `row`."""
        self._row = row
        if answer is None:
            return
        after = None
        if is_clip_end(answer.sequence, CLIP_CHUNKS) and not cue.is_final:
            after = After(row=row, noise=dict(self._noise.bit_generator.state))
        self.answers.put_nowait(Step(cue=cue, answer=answer, after=after))

    def settle(self, end: int | None = None) -> None:
        """Settle the cues before `end`, all without it."""
        done = [sequence for sequence in self._receipts if end is None or sequence < end]
        for sequence in done:
            self._receipts.pop(sequence).settle()

    def disown(self) -> None:
        """Never settle what was taken: it belongs to somebody else now."""
        self._receipts.clear()

    def stop(self) -> None:
        """Take no more part in anything; whoever waits goes on."""
        self.is_over = True
        self._has_room.set()

    def _open(self, opening: Opening) -> None:
        self._opening = opening
        self._noise = np.random.default_rng(opening.seed)
        self.opened.set()


def _stand_by() -> None:
    """Nobody serves the session yet."""


def snapshot_of(
    session: Session[StateT], step: Step[StateT], after: After[StateT], dump: Callable[[StateT], bytes]
) -> Snapshot:
    """The snapshot that is due after a step. It takes a moment: not for the event loop."""
    return Snapshot(
        next_sequence=step.cue.envelope.sequence + 1,
        opening=session.opening,
        noise=after.noise,
        row=dump(after.row),
    )
