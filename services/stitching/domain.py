"""The rules of stitching: which chunks make which clip, and which come too late or too early."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Generic, NamedTuple, TypeVar

from services.kit.errors import SessionLost, Stale

__all__ = ["Attempt", "ReadyClip", "SessionKey", "Sessions"]

T = TypeVar("T")

_MAX_HELD: Final = 256
_MAX_ENDED: Final = 4096


class SessionKey(NamedTuple):
    """A session of a tenant."""

    tenant: str
    session_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyClip(Generic[T]):
    """The items of all chunks of one clip, in order; `sequence` counts clips."""

    sequence: int
    items: tuple[T, ...]
    is_final: bool


class Attempt(Generic[T]):
    """The chunks of one epoch of a session that are in no finished clip yet."""

    def __init__(self, *, epoch: int, first_clip: int, clip_chunks: int) -> None:
        self.epoch = epoch
        self.is_dropped = False
        self.touched_s = 0.0
        self._clip_chunks = clip_chunks
        self._clip = first_clip
        self._held: dict[int, list[T]] = {}
        self._final: int | None = None

    def hold(self, sequence: int, item: T, *, is_final: bool) -> None:
        """Keep a chunk, or another copy of it, until its clip is done.

        Raises Stale when the clip is done already, SessionLost when it lies too far ahead.
        """
        first = self._clip * self._clip_chunks
        if sequence < first:
            raise Stale(f"chunk {sequence} is in a finished clip, expected {first} or later")
        if sequence >= first + _MAX_HELD:
            raise SessionLost(f"chunk {sequence} is too far ahead, expected less than {first + _MAX_HELD}")
        self._held.setdefault(sequence, []).append(item)
        if is_final:
            self._final = sequence

    def ready_clip(self) -> ReadyClip[T] | None:
        """The next clip when all its chunks are here; it stays the next one until `finish_clip`."""
        sequences = self._sequences()
        if not sequences or any(sequence not in self._held for sequence in sequences):
            return None
        return ReadyClip(
            sequence=self._clip,
            items=tuple(self._held[sequence][0] for sequence in sequences),
            is_final=sequences[-1] == self._final,
        )

    def finish_clip(self) -> list[T]:
        """Go on to the following clip, and return every item of the one that is done, copies included."""
        done = [item for sequence in self._sequences() for item in self._held.pop(sequence, ())]
        self._clip += 1
        return done

    def items(self) -> list[T]:
        """Every item held, copies included."""
        return [item for copies in self._held.values() for item in copies]

    def _sequences(self) -> range:
        first = self._clip * self._clip_chunks
        end = first + self._clip_chunks
        return range(first, end if self._final is None else min(end, self._final + 1))


class Sessions(Generic[T]):
    """The attempts at hand, one a session, and the sessions that ended.

    `let_go` is called with each item of an attempt that was given up for a newer one or cancelled.
    """

    def __init__(self, *, clip_chunks: int, let_go: Callable[[T], None]) -> None:
        self._clip_chunks = clip_chunks
        self._let_go = let_go
        self._attempts: dict[SessionKey, Attempt[T]] = {}
        self._ended: OrderedDict[SessionKey, int] = OrderedDict()

    def attempt(self, key: SessionKey, epoch: int, sequence: int) -> Attempt[T]:
        """The attempt that a chunk belongs to; a newer epoch gives up the older one.

        An attempt begins with the first chunk of a clip: whoever takes over a session reads all chunks
        of its unfinished clip again, so what precedes them is a copy. Raises Stale for such a copy, for an
        older epoch, and for what has ended.
        """
        if epoch <= self._ended.get(key, -1):
            raise Stale(f"session {key.session_id} has ended in epoch {epoch}")
        attempt = self._attempts.get(key)
        if attempt is not None and attempt.epoch > epoch:
            raise Stale(f"epoch {epoch} is over, expected {attempt.epoch}")
        if attempt is not None and attempt.epoch == epoch:
            return attempt
        self._drop(key)
        clip, place = divmod(sequence, self._clip_chunks)
        if place:
            raise Stale(f"chunk {sequence} is a copy, expected the beginning of a clip")
        attempt = Attempt(epoch=epoch, first_clip=clip, clip_chunks=self._clip_chunks)
        self._attempts[key] = attempt
        return attempt

    def end(self, key: SessionKey, epoch: int) -> None:
        """Forget a session; whatever still comes of this epoch or an older one is stale."""
        attempt = self._attempts.get(key)
        if attempt is not None and attempt.epoch <= epoch:
            self._drop(key)
        self._ended[key] = max(epoch, self._ended.get(key, -1))
        self._ended.move_to_end(key)
        if len(self._ended) > _MAX_ENDED:
            self._ended.popitem(last=False)

    def drop_idle(self, before_s: float) -> list[SessionKey]:
        """Give up the attempts that were not touched since `before_s`, and return whose they were.

        Nobody goes on with them: their cancellation came to an earlier owner.
        """
        idle = [key for key, attempt in self._attempts.items() if attempt.touched_s < before_s]
        for key in idle:
            self._drop(key)
        return idle

    def forget(self, keys: Iterable[SessionKey]) -> None:
        """Lose all memory of sessions that went to another owner; nothing is let go."""
        for key in list(keys):
            attempt = self._attempts.pop(key, None)
            if attempt is not None:
                attempt.is_dropped = True
            self._ended.pop(key, None)

    def items(self) -> list[tuple[SessionKey, T]]:
        """Every item held, with its session."""
        return [(key, item) for key, attempt in self._attempts.items() for item in attempt.items()]

    def _drop(self, key: SessionKey) -> None:
        attempt = self._attempts.pop(key, None)
        if attempt is not None:
            attempt.is_dropped = True
            for item in attempt.items():
                self._let_go(item)
