"""One authenticated call: who calls, with what rights, and what it works with."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request

from services.gateway.api.key_ring import KeyRing
from services.gateway.api.rate_limits import RateLimits
from services.gateway.api.streams import Streams
from services.gateway.problems import MISSING_SCOPE, UNAUTHORIZED, Problem
from services.gateway.settings import Settings
from services.kit.blobs import Blobs
from services.kit.clock import Clock
from services.kit.database.database import Database
from services.kit.keys import permits

__all__ = ["Call", "Gateway", "caller"]

_BEARER: Final = HTTPBearer(auto_error=False, scheme_name="api_key", description="An API key: `dk_...`")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """What the API is made of; built once, in `create_app`."""

    settings: Settings
    database: Database
    blobs: Blobs
    clock: Clock
    new_id: Callable[[str], str]
    key_ring: KeyRing
    rates: RateLimits
    streams: Streams


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request whose key is valid and has the scope that the route asks for."""

    gateway: Gateway
    request: Request
    tenant: str
    key_id: str
    scopes: frozenset[str]
    now: datetime

    def begin(self) -> AbstractAsyncContextManager[AsyncSession]:
        """A transaction: committed at the end, rolled back by an error."""
        return self.gateway.database.begin()

    def read(self) -> AbstractAsyncContextManager[AsyncSession]:
        """A transaction that only reads."""
        return self.gateway.database.read()


def caller(scope: str) -> Any:  # noqa: ANN401  what FastAPI calls a dependency
    """The dependency that lets in only keys with this scope, as often as they may."""

    async def authenticate(
        request: Request, given: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]
    ) -> Call:
        gateway: Gateway = request.app.state.gateway
        if given is None:
            raise _unauthorized("send Authorization: Bearer <API key>")
        now = gateway.clock.now()
        async with gateway.database.read() as session:
            holder = await gateway.key_ring.find(session, given.credentials, now)
        if holder is None:
            raise _unauthorized("the API key is not known, expired or revoked")
        request.state.tenant = holder.tenant
        per_minute = holder.requests_per_minute or gateway.settings.admission.requests_per_minute
        request.state.rate_headers = gateway.rates.take(holder.key_id, per_minute)
        if not permits(holder.scopes, scope):
            raise Problem(MISSING_SCOPE, f"the API key lacks the scope {scope}")
        await gateway.key_ring.note_use(gateway.database, holder, now)
        return Call(
            gateway=gateway,
            request=request,
            tenant=holder.tenant,
            key_id=holder.key_id,
            scopes=holder.scopes,
            now=now,
        )

    return Depends(authenticate)


def _unauthorized(detail: str) -> Problem:
    return Problem(UNAUTHORIZED, detail, headers={"WWW-Authenticate": 'Bearer realm="dramatis"'})
