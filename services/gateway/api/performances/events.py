"""`/v1/performances/{id}/events`: progress as server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Final

from fastapi import APIRouter, Header
from starlette.responses import Response, StreamingResponse

from services.gateway.api.call import Call, caller
from services.gateway.api.openapi import refusals
from services.gateway.api.performances.rows import performance_row
from services.gateway.api.performances.views import performance_of, queue_positions
from services.gateway.api.values import PerformanceId
from services.gateway.problems import CONCURRENCY_LIMIT, NOT_FOUND, Problem
from services.kit.errors import Retryable

__all__ = ["router"]

router: Final = APIRouter(prefix="/v1/performances", tags=["performances"])

Reading = Annotated[Call, caller("performances:read")]

_RETRY_MS: Final = 2000
_STREAM: Final = {
    "text/event-stream": {
        # Of each event.
        "schema": {
            "type": "object",
            "properties": {
                "id": {"type": "string", "description": "For `Last-Event-ID`"},
                "event": {"type": "string", "enum": ["state", "progress", "deleted"]},
                "data": {"type": "string", "contentMediaType": "application/json"},
            },
            "required": ["event", "data"],
        },
        "example": 'id: 4\nevent: progress\ndata: {"id": "per_...", "state": "processing", ...}\n\n',
    }
}


@router.get(
    "/{performance_id}/events",
    response_class=Response,
    responses={
        200: {"description": "Events until the performance has ended", "content": _STREAM},
        204: {"description": "It has ended, and the client knows"},
        **refusals(NOT_FOUND, CONCURRENCY_LIMIT),
    },
)
async def stream_events(
    call: Reading,
    performance_id: PerformanceId,
    last_event_id: Annotated[
        str | None,
        Header(
            alias="Last-Event-ID", pattern=r"^[0-9]{1,9}$", description="The `id` of the last event received"
        ),
    ] = None,
) -> Response:
    """Follow a performance as server-sent events.

    `state` tells of a new state, `progress` of frames, of the estimated end or of the place in the queue;
    both carry the whole performance. The stream ends after the last state. With `Last-Event-ID` it goes on
    where it broke off; 204 then means that nothing is left to tell.
    """
    async with call.read() as session:
        row = await performance_row(session, call, performance_id)
    seen = None if last_event_id is None else int(last_event_id)
    if row.finished_at is not None and seen == row.version:
        return Response(status_code=204)
    call.gateway.streams.require_room(call.tenant)
    return StreamingResponse(
        _Follower(call, performance_id, seen).events(),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


class _Follower:
    """Looks at a performance again and again, and tells what is new."""

    def __init__(self, call: Call, performance_id: str, seen: int | None) -> None:
        self._call = call
        self._performance_id = performance_id
        self._seen = seen
        self._state: str | None = None
        self._position: int | None = None
        self._settings = call.gateway.settings.api

    async def events(self) -> AsyncIterator[str]:
        monotonic = self._call.gateway.clock.monotonic
        ends_s = monotonic() + self._settings.events_max_s
        told_s = monotonic()
        with self._call.gateway.streams.held(self._call.tenant):
            yield f"retry: {_RETRY_MS}\n\n"
            while monotonic() < ends_s:
                text, is_last = await self._look()
                if text or monotonic() - told_s >= self._settings.heartbeat_s:
                    yield text or ": still here\n\n"
                    told_s = monotonic()
                if is_last:
                    return
                await asyncio.sleep(self._settings.events_poll_s)

    async def _look(self) -> tuple[str, bool]:
        """What there is to tell, if anything, and whether it is the last."""
        try:
            async with self._call.read() as session:
                row = await performance_row(session, self._call, self._performance_id)
                positions = await queue_positions(session, [row])
        except Retryable:
            return "", False
        except Problem:
            return "event: deleted\ndata: {}\n\n", True
        position = positions.get(row.id)
        is_new = row.version != self._seen or (self._state is not None and position != self._position)
        name = "progress" if row.state == self._state else "state"
        self._seen, self._state, self._position = row.version, row.state, position
        is_last = row.finished_at is not None
        if not is_new:
            return "", is_last
        data = performance_of(row, positions).model_dump_json()
        return f"id: {row.version}\nevent: {name}\ndata: {data}\n\n", is_last
