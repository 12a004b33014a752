"""Answering with a blob, or with the part of it that a client asks for."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Final

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from services.gateway.api.etags import has_current
from services.gateway.problems import NOT_FOUND, RANGE_NOT_SATISFIABLE, Problem
from services.kit.blobs import Blobs

__all__ = ["parse_range", "send_blob", "without_stalls"]

# One range of bytes; several in one request are answered with the whole file, as HTTP allows.
_RANGE: Final = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)
_STALL_S: Final = 30.0


async def send_blob(
    request: Request, blobs: Blobs, uri: str, *, media_type: str, etag: str, disposition: str
) -> Response:
    """The blob, streamed. Raises Problem not_found when it is gone."""
    headers = {"ETag": etag, "Accept-Ranges": "bytes", "Content-Disposition": disposition}
    if has_current(request, etag):
        return Response(status_code=304, headers=headers)
    info = await blobs.info(uri)
    if info is None:
        raise Problem(NOT_FOUND, "the file is gone")
    wanted = request.headers.get("range")
    if request.headers.get("if-range") not in {None, etag}:
        wanted = None
    part = None if wanted is None else parse_range(wanted, info.size_bytes)
    start, end = part or (0, info.size_bytes)
    headers["Content-Length"] = str(end - start)
    if part is not None:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{info.size_bytes}"
    return StreamingResponse(
        without_stalls(blobs.stream(uri, start, end)),
        status_code=200 if part is None else 206,
        media_type=media_type,
        headers=headers,
    )


def parse_range(header: str, size_bytes: int) -> tuple[int, int] | None:
    """First byte and the one behind the last; None when the header is not one we follow.

    Raises Problem range_not_satisfiable when the file has no such bytes.
    """
    found = _RANGE.fullmatch(header.strip())
    if found is None or found[1] == found[2] == "":
        return None
    if found[1] == "":
        start, end = max(0, size_bytes - int(found[2])), size_bytes
    else:
        start = int(found[1])
        end = min(size_bytes, int(found[2]) + 1) if found[2] else size_bytes
        if found[2] and int(found[2]) < start:
            return None
    if start >= end:
        detail = f"{header} asks for bytes that a file of {size_bytes} bytes does not have"
        headers = {"Content-Range": f"bytes */{size_bytes}"}
        raise Problem(RANGE_NOT_SATISFIABLE, detail, headers=headers)
    return start, end


async def without_stalls(parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The parts of a blob. Raises TimeoutError when one takes too long."""
    while True:
        async with asyncio.timeout(_STALL_S):
            part = await anext(parts, None)
        if part is None:
            return
        yield part
