"""ETags: what a client has already, and what it believes it changes."""

from __future__ import annotations

from hashlib import sha256

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from services.gateway.problems import PRECONDITION_FAILED, Problem

__all__ = ["etag_of", "has_current", "representation", "require_match"]


def etag_of(representation: bytes) -> str:
    """The strong ETag of a representation."""
    return f'"{sha256(representation).hexdigest()[:32]}"'


def has_current(request: Request, etag: str) -> bool:
    """Whether the client says that it has this representation, so that 304 is the answer."""
    return _lists(request.headers.get("if-none-match"), etag)


def require_match(request: Request, etag: str) -> None:
    """Raise Problem precondition_failed when the client means to change another representation."""
    wanted = request.headers.get("if-match")
    if wanted is not None and not _lists(wanted, etag):
        raise Problem(PRECONDITION_FAILED, f"the resource has ETag {etag}, which If-Match does not list")


def _lists(header: str | None, etag: str) -> bool:
    if header is None:
        return False
    tags = {tag.strip().removeprefix("W/") for tag in header.split(",")}
    return "*" in tags or etag in tags


def representation(request: Request, model: BaseModel) -> Response:
    """The answer to a GET of one resource: 304 when the client has it already."""
    content = model.model_dump_json().encode()
    headers = {"ETag": etag_of(content)}
    if has_current(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Response(content, media_type="application/json", headers=headers)
