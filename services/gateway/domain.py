"""The rules of characters and performances: their states, who may start, quotas, and how long it takes."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from services.kit.errors import Stale

__all__ = [
    "CharacterState",
    "Limits",
    "PerformanceState",
    "Quota",
    "Refused",
    "Release",
    "Running",
    "Turn",
    "Waiting",
    "admit",
    "eta_s",
    "move_character",
    "move_performance",
]


class CharacterState(Enum):
    """What has happened to a character so far."""

    PENDING = "pending"
    PREPARING = "preparing"
    READY = "ready"
    REJECTED = "rejected"
    FAILED = "failed"

    @property
    def is_final(self) -> bool:
        """Nothing will change it any more."""
        return self in {CharacterState.READY, CharacterState.REJECTED, CharacterState.FAILED}


class PerformanceState(Enum):
    """What has happened to a performance so far."""

    QUEUED = "queued"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    REJECTED = "rejected"

    @property
    def is_final(self) -> bool:
        """Nothing will change it any more."""
        return self not in {PerformanceState.QUEUED, PerformanceState.PROCESSING}


_CHARACTER_MOVES: Final = {
    CharacterState.PENDING: {CharacterState.PREPARING, CharacterState.REJECTED, CharacterState.FAILED},
    CharacterState.PREPARING: {CharacterState.READY, CharacterState.FAILED},
}
_PERFORMANCE_MOVES: Final = {
    PerformanceState.QUEUED: {
        PerformanceState.PROCESSING,
        PerformanceState.REJECTED,
        PerformanceState.FAILED,
        PerformanceState.CANCELLED,
    },
    PerformanceState.PROCESSING: {
        PerformanceState.SUCCEEDED,
        PerformanceState.FAILED,
        PerformanceState.CANCELLED,
    },
}


def move_character(now: CharacterState, then: CharacterState) -> CharacterState:
    """The next state. Raises Stale when there is no way from `now` to `then`."""
    if then not in _CHARACTER_MOVES.get(now, set()):
        raise Stale(f"a character that is {now.value} cannot become {then.value}")
    return then


def move_performance(now: PerformanceState, then: PerformanceState) -> PerformanceState:
    """The next state. Raises Stale when there is no way from `now` to `then`."""
    if then not in _PERFORMANCE_MOVES.get(now, set()):
        raise Stale(f"a performance that is {now.value} cannot become {then.value}")
    return then


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a tenant may have: performances at the same time, and seconds of video a month (None: any)."""

    concurrency: int
    video_s_per_month: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """Seconds of video that a tenant may still make this month, before what is running is taken off."""

    limits: Limits
    used_s: float

    def left_s(self, reserved_s: float) -> float | None:
        """What is left when `reserved_s` is spoken for; None without a limit."""
        if self.limits.video_s_per_month is None:
            return None
        return max(0.0, self.limits.video_s_per_month - self.used_s - reserved_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A performance that is being made, and the seconds of video it may still turn out to have."""

    tenant: str
    reserved_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A performance that may start as far as moderation and its character are concerned."""

    performance_id: str
    tenant: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """This performance starts, and may become `max_duration_s` long."""

    performance_id: str
    max_duration_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """This performance can never start: its tenant has no seconds left, and none are coming back."""

    performance_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What admission decided."""

    released: tuple[Release, ...]
    refused: tuple[Refused, ...]


def admit(
    waiting: Sequence[Waiting],
    running: Sequence[Running],
    quotas: Mapping[str, Quota],
    *,
    capacity: int,
    max_duration_s: float,
) -> Turn:
    """Release waiting performances, the oldest first, within capacity, concurrency and quota.

    A tenant at its limit does not hold up the others. Whoever has no seconds left waits while
    reservations of its own may still shrink, and is refused when there are none.
    """
    counts = Counter(each.tenant for each in running)
    reserved_s: defaultdict[str, float] = defaultdict(float)
    for each in running:
        reserved_s[each.tenant] += each.reserved_s
    released: list[Release] = []
    refused: list[Refused] = []
    for candidate in waiting:
        tenant = candidate.tenant
        quota = quotas[tenant]
        left_s = quota.left_s(reserved_s[tenant])
        if left_s is not None and left_s <= 0 and not counts[tenant]:
            refused.append(Refused(performance_id=candidate.performance_id))
            continue
        is_full = len(running) + len(released) >= capacity or counts[tenant] >= quota.limits.concurrency
        if is_full or (left_s is not None and left_s <= 0):
            continue
        granted_s = max_duration_s if left_s is None else min(max_duration_s, left_s)
        released.append(Release(performance_id=candidate.performance_id, max_duration_s=granted_s))
        counts[tenant] += 1
        reserved_s[tenant] += granted_s
    return Turn(released=tuple(released), refused=tuple(refused))


def eta_s(frames_done: int, frames_expected: int | None, elapsed_s: float) -> float | None:
    """Seconds until the last frame at the speed so far; None while nothing can be said."""
    if not frames_expected or not frames_done or elapsed_s <= 0:
        return None
    return max(0, frames_expected - frames_done) * elapsed_s / frames_done
