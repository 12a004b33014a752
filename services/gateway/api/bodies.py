"""Reading what a client sends: never more than allowed, never slower than allowed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from hashlib import sha256
from typing import Any, Final, TypeVar

from fastapi import Depends
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from starlette.requests import Request

from services.gateway.problems import (
    INVALID_REQUEST,
    MALFORMED_REQUEST,
    PAYLOAD_TOO_LARGE,
    REQUEST_TIMEOUT,
    UNSUPPORTED_MEDIA_TYPE,
    FieldError,
    Problem,
)
from services.gateway.settings import BodySettings

__all__ = [
    "digest_of",
    "field_errors",
    "json_body",
    "media_type",
    "parse_json",
    "read_chunks",
    "read_json",
    "set_digest",
    "validate",
]

ModelT = TypeVar("ModelT", bound=BaseModel)

JSON: Final = "application/json"


def json_body(model: type[ModelT]) -> Any:  # noqa: ANN401  what FastAPI calls a dependency
    """The dependency that reads a JSON body as `model`; declare it beside `json_request(model)`."""

    async def read(request: Request) -> ModelT:
        if media_type(request) != JSON:
            raise Problem(UNSUPPORTED_MEDIA_TYPE, f"the body is {media_type(request)!r}, expected {JSON}")
        return validate(model, await read_json(request))

    return Depends(read)


def media_type(request: Request) -> str:
    """The media type of the body, without parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def read_json(request: Request) -> Any:  # noqa: ANN401  that is what JSON is
    """The JSON value of the body. It becomes the request's digest."""
    settings: BodySettings = request.app.state.gateway.settings.bodies
    parts = [chunk async for chunk in read_chunks(request, settings.json_bytes, settings)]
    value = parse_json(b"".join(parts))
    set_digest(request, sha256(json.dumps(value, sort_keys=True).encode()).hexdigest())
    return value


def parse_json(data: bytes | str) -> Any:  # noqa: ANN401
    """The JSON value in `data`; NaN and infinities are none, and 2.0 is the whole number it equals."""
    try:
        return json.loads(data, parse_constant=_refuse_constant, parse_float=_number)
    except (ValueError, RecursionError) as error:
        raise Problem(MALFORMED_REQUEST, "the body is not JSON") from error


def _number(text: str) -> float | int:
    value = float(text)
    return int(value) if value.is_integer() else value


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON")


def validate(model: type[ModelT], value: object) -> ModelT:
    """The model of a JSON value. Raises Problem invalid_request with every fault."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        faults = field_errors(error.errors(include_url=False, include_input=False), "body")
        raise Problem(
            INVALID_REQUEST, faults[0].location + ": " + faults[0].message, errors=faults
        ) from error


def field_errors(faults: list[ErrorDetails], root: str) -> list[FieldError]:
    """Pydantic's faults for a client."""
    return [
        FieldError(location=".".join([root, *map(str, fault["loc"])]), message=fault["msg"])
        for fault in faults
    ]


async def read_chunks(request: Request, limit_bytes: int, settings: BodySettings) -> AsyncIterator[bytes]:
    """Yield the body as it comes.

    Raises Problem payload_too_large before anything is read when the length is announced, or as soon as
    it is exceeded, and request_timeout when a chunk, or all of it, takes too long.
    """
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > limit_bytes:
        raise Problem(PAYLOAD_TOO_LARGE, f"the body has {announced} bytes, at most {limit_bytes} are allowed")
    num_bytes = 0
    stream = request.stream()
    try:
        async with asyncio.timeout(settings.total_timeout_s):
            while True:
                async with asyncio.timeout(settings.chunk_timeout_s):
                    chunk = await anext(stream, None)
                if chunk is None:
                    return
                num_bytes += len(chunk)
                if num_bytes > limit_bytes:
                    raise Problem(PAYLOAD_TOO_LARGE, f"the body has more than {limit_bytes} bytes")
                yield chunk
    except TimeoutError as error:
        raise Problem(REQUEST_TIMEOUT, f"{num_bytes} bytes came before the time was over") from error


def set_digest(request: Request, digest: str) -> None:
    """Remember what the body says, for the idempotency key."""
    request.state.body_digest = digest


def digest_of(request: Request) -> str:
    """What tells this request from others: its method, its path and its body."""
    body = getattr(request.state, "body_digest", "")
    parts = (request.method, request.url.path, request.url.query, body)
    return sha256("\n".join(parts).encode()).hexdigest()
