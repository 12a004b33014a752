"""`/v1/performances/{id}/motion`: what a finished performance moves, frame by frame, for other renderers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Final, Literal, Protocol

import numpy as np
from fastapi import APIRouter, Query
from starlette.responses import Response, StreamingResponse

from services.gateway.api.call import Call, caller
from services.gateway.api.etags import has_current
from services.gateway.api.openapi import NOT_MODIFIED, refusals
from services.gateway.api.performances.rows import performance_row
from services.gateway.api.ranges import without_stalls
from services.gateway.api.values import PerformanceId
from services.gateway.problems import CONFLICT, NOT_FOUND, Problem
from services.kit.contracts import FloatArray
from services.kit.database import tables
from services.kit.live_link import LiveLinkMotion
from services.kit.motion import MOTION_NAMES, JsonMotion

__all__ = ["router"]

router: Final = APIRouter(prefix="/v1/performances", tags=["performances"])

Reading = Annotated[Call, caller("performances:read")]
Format = Literal["json", "csv"]

_FRAME: Final = np.dtype(("<f4", (len(MOTION_NAMES),)))
# How many frames become text at a time.
_FRAMES: Final = 250
_JSON: Final = {
    "schema": {
        "type": "object",
        "properties": {
            "version": {"type": "integer", "const": 1},
            "frame_rate_hz": {"type": "integer"},
            "names": {
                "type": "array",
                "items": {"type": "string"},
                "description": "What the numbers of a frame are: ARKit's coefficients from 0 to 1, the "
                "rotation of the head in radians, its translation",
            },
            "frames": {"type": "array", "items": {"type": "array", "items": {"type": "number"}}},
        },
        "required": ["version", "frame_rate_hz", "names", "frames"],
    },
}
_CSV: Final = {
    "schema": {"type": "string"},
    "example": "Timecode,BlendShapeCount,EyeBlinkLeft,...\n00:00:00:00.000,61,0.021,...\n",
}


class _Text(Protocol):
    """A format of motion: `head`, then `rows` once and again, then `tail`."""

    def head(self) -> str: ...

    def rows(self, frames: FloatArray, first: int) -> str: ...

    def tail(self) -> str: ...


_FORMATS: Final[dict[Format, tuple[type[_Text], str]]] = {
    "json": (JsonMotion, "application/json"),
    "csv": (LiveLinkMotion, "text/csv"),
}


@router.get(
    "/{performance_id}/motion",
    response_class=Response,
    responses={
        200: {"description": "The motion", "content": {"application/json": _JSON, "text/csv": _CSV}},
        **NOT_MODIFIED,
        **refusals(NOT_FOUND, CONFLICT),
    },
)
async def get_motion(
    call: Reading,
    performance_id: PerformanceId,
    wanted: Annotated[
        Format,
        Query(alias="format", description="json explains itself; csv is what Live Link Face writes"),
    ] = "json",
) -> Response:
    """The 52 ARKit coefficients and the head's pose of every frame of the video.

    The CSV has the columns of Live Link Face, which game engines and animation programs import.
    """
    async with call.read() as session:
        row = await performance_row(session, call, performance_id)
    if row.state is not tables.PerformanceState.SUCCEEDED:
        raise Problem(CONFLICT, f"performance {row.id} is {row.state}, there is motion once it succeeded")
    if row.motion_uri is None:
        raise Problem(NOT_FOUND, f"performance {row.id} has no motion")
    text, media_type = _FORMATS[wanted]
    headers = {
        "ETag": f'"{(row.video_sha256 or row.id)[:32]}-{wanted}"',
        "Content-Disposition": f'attachment; filename="{row.id}.{wanted}"',
    }
    if has_current(call.request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    if await call.gateway.blobs.info(row.motion_uri) is None:
        raise Problem(NOT_FOUND, "the file is gone")
    stored = without_stalls(call.gateway.blobs.stream(row.motion_uri))
    return StreamingResponse(_written(stored, text()), media_type=media_type, headers=headers)


async def _written(stored: AsyncIterator[bytes], text: _Text) -> AsyncIterator[str]:
    yield text.head()
    first = 0
    async for frames in _frames(stored):
        yield await asyncio.to_thread(text.rows, frames, first)
        first += len(frames)
    yield text.tail()


async def _frames(stored: AsyncIterator[bytes]) -> AsyncIterator[FloatArray]:
    """The frames [F, 58] in these bytes, a few at a time, none empty."""
    size = _FRAME.itemsize
    rest = b""
    async for part in stored:
        rest += part
        while len(rest) >= size * _FRAMES:
            yield _read(rest[: size * _FRAMES])
            rest = rest[size * _FRAMES :]
    if rest:
        yield _read(rest)


def _read(data: bytes) -> FloatArray:
    return np.frombuffer(data, _FRAME).astype(np.float32)
