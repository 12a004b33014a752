"""Telling whoever waits for a session that one of its messages can never be handled."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Protocol

from services.kit import messages as m
from services.kit.bus import Bus
from services.kit.clock import Clock
from services.kit.errors import Rejected
from services.kit.topics import STATUSES

__all__ = ["code_of", "failing"]


class _OfSession(Protocol):
    @property
    def envelope(self) -> m.Envelope: ...


def failing(bus: Bus, stage: str, clock: Clock) -> Callable[[_OfSession, Rejected], Awaitable[None]]:
    """An `on_rejected` for the messages of sessions: the service `stage` says that the session failed."""

    async def tell(message: _OfSession, error: Rejected) -> None:
        about = message.envelope
        envelope = m.Envelope(
            tenant=about.tenant,
            session_id=about.session_id,
            epoch=about.epoch,
            sequence=0,
            created_at=clock.now(),
        )
        status = m.Status(
            envelope=envelope,
            stage=stage,
            kind=m.StatusKind.FAILED,
            code=code_of(error),
            detail=str(error),
        )
        await bus.publish([STATUSES.outgoing(status)])

    return tell


def code_of(error: Rejected) -> str:
    """The stable code of an error: the name of its class, such as `bad_input`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", type(error).__name__).lower()
