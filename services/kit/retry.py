"""Trying again outside the consumer loop: for the tasks of a session, which own their effects."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Final, TypeVar

import structlog

from services.kit.backoff import Backoff
from services.kit.errors import Retryable

__all__ = ["retrying"]

T = TypeVar("T")

_LOGGER: Final = structlog.stdlib.get_logger(__name__)


async def retrying(attempt: Callable[[], Awaitable[T]], backoff: Backoff | None = None) -> T:
    """The result of `attempt`, which is made again after growing pauses while it raises Retryable."""
    backoff = backoff or Backoff()
    for number in count(1):
        try:
            return await attempt()
        except Retryable as error:
            _LOGGER.warning("attempt.failed", attempt=number, reason=str(error))
            await asyncio.sleep(backoff.pause_s(number))
    raise AssertionError("counting does not end")
