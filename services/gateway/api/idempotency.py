"""Idempotency keys: a POST that is sent again is answered again, and done once.

The answer is stored in the transaction that does the work. Before it, a lease says that somebody is at
it; a gateway that dies leaves a lease that runs out and no work, or an answer and all of the work.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, Final

from fastapi import Header
from pydantic import BaseModel
from sqlalchemy import ColumnElement, and_, delete, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from services.gateway.api.bodies import digest_of
from services.gateway.api.call import Call
from services.gateway.api.etags import etag_of
from services.gateway.problems import IDEMPOTENCY_IN_FLIGHT, IDEMPOTENCY_KEY_REUSED, Problem
from services.kit.database.tables import IdempotencyKey
from services.kit.errors import Retryable

__all__ = ["Answer", "IdempotencyHeader", "Work", "answer_once"]

_KEPT: Final = timedelta(hours=24)
# Longer than the store may take for the largest upload.
_LEASE: Final = timedelta(minutes=2)

IdempotencyHeader = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[!-~]{1,128}$",
        description="Names the request: sent again with the same content within 24 hours, it is answered "
        "with the first answer and `Idempotent-Replayed: true`, and nothing is done twice",
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a POST is answered. `replay` replaces the body in replays: for secrets that are shown once."""

    status: int
    body: BaseModel | None
    headers: Mapping[str, str] = field(default_factory=dict)
    replay: BaseModel | None = None


Work = Callable[[AsyncSession], Awaitable[Answer]]


async def answer_once(
    call: Call, key: str | None, work: Work, around: AbstractAsyncContextManager[None] | None = None
) -> Response:
    """Do the work in one transaction and answer; with a key at most once, however often it is sent.

    `around` is entered before the transaction, only when there is work to do; an error of the work, or of
    the commit, passes through it. Refusals are not kept: the same key may try again.
    """
    if key is None:
        async with around or nullcontext(), call.begin() as session:
            answer = await work(session)
        return _response(answer)
    digest = digest_of(call.request)
    lease = call.gateway.new_id("lse")
    earlier = await _claim(call, key, digest, lease)
    if earlier is not None:
        return earlier
    try:
        async with around or nullcontext(), call.begin() as session:
            answer = await work(session)
            await _keep(session, call, key, lease, answer)
    except BaseException:
        await _give_up(call, key, lease)
        raise
    return _response(answer)


async def _claim(call: Call, key: str, digest: str, lease: str) -> Response | None:
    """The earlier answer; or None, and the lease is ours."""
    row = IdempotencyKey(
        tenant_id=call.tenant,
        key=key,
        digest=digest,
        lease_token=lease,
        lease_until=call.now + _LEASE,
        created_at=call.now,
        expires_at=call.now + _KEPT,
    )
    try:
        async with call.begin() as session:
            known = await session.get(IdempotencyKey, (call.tenant, key))
            if known is not None and known.expires_at > call.now:
                return await _follow(session, call, known, digest, lease)
            if known is not None:
                await session.delete(known)
                await session.flush()
            session.add(row)
    except IntegrityError as error:
        raise _in_flight() from error
    return None


async def _follow(
    session: AsyncSession, call: Call, known: IdempotencyKey, digest: str, lease: str
) -> Response | None:
    if known.digest != digest:
        raise Problem(IDEMPOTENCY_KEY_REUSED, "the Idempotency-Key came with another request before")
    if known.status is not None:
        headers = {name: str(value) for name, value in (known.headers or {}).items()}
        headers["Idempotent-Replayed"] = "true"
        return Response(known.body, status_code=known.status, headers=headers)
    if known.lease_until > call.now:
        raise _in_flight()
    taken = await session.scalar(
        update(IdempotencyKey)
        .where(_is_row(call, known.key), IdempotencyKey.lease_token == known.lease_token)
        .values(lease_token=lease, lease_until=call.now + _LEASE)
        .returning(IdempotencyKey.key)
    )
    if taken is None:
        raise _in_flight()
    return None


async def _keep(session: AsyncSession, call: Call, key: str, lease: str, answer: Answer) -> None:
    shown = answer.replay or answer.body
    stored = _response(Answer(status=answer.status, body=shown, headers=answer.headers))
    kept = await session.scalar(
        update(IdempotencyKey)
        .where(_is_row(call, key), IdempotencyKey.lease_token == lease)
        .values(status=stored.status_code, headers=dict(stored.headers), body=bytes(stored.body))
        .returning(IdempotencyKey.key)
    )
    if kept is None:
        # The lease ran out and somebody else is at it: what was done here is rolled back.
        raise _in_flight()


async def _give_up(call: Call, key: str, lease: str) -> None:
    # Without a database the lease runs out by itself.
    with suppress(Retryable):
        async with call.begin() as session:
            await session.execute(
                delete(IdempotencyKey).where(
                    _is_row(call, key), IdempotencyKey.lease_token == lease, IdempotencyKey.status.is_(None)
                )
            )


def _is_row(call: Call, key: str) -> ColumnElement[bool]:
    return and_(IdempotencyKey.tenant_id == call.tenant, IdempotencyKey.key == key)


def _in_flight() -> Problem:
    return Problem(
        IDEMPOTENCY_IN_FLIGHT,
        "the request with this Idempotency-Key is being answered; try again",
        headers={"Retry-After": "1"},
    )


def _response(answer: Answer) -> Response:
    if answer.body is None:
        return Response(status_code=answer.status, headers=answer.headers)
    content = answer.body.model_dump_json().encode()
    headers = {**answer.headers, "ETag": etag_of(content)}
    return Response(content, status_code=answer.status, headers=headers, media_type="application/json")
