"""Whose API key it is: looked up for every request, its secret checked once while its hash stays the same."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.kit.database.database import Database
from services.kit.database.tables import ApiKey, Tenant
from services.kit.errors import Retryable
from services.kit.keys import key_id_of, verify

__all__ = ["Holder", "KeyRing"]

_MAX_KNOWN: Final = 10_000
_MAX_CHECKS: Final = 2
_USE_NOTED_EVERY: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who holds a valid key, and what the key permits."""

    tenant: str
    key_id: str
    scopes: frozenset[str]
    requests_per_minute: int | None
    last_used_at: datetime | None


class KeyRing:
    """The keys of the database. A revoked or expired key opens nothing from that moment on."""

    def __init__(self) -> None:
        # By key id: the stored hash and the digest of the token that was found to fit it.
        self._known: OrderedDict[str, tuple[str, bytes]] = OrderedDict()
        # A hash takes milliseconds of a core on purpose; guessing must not take all cores.
        self._checks = asyncio.Semaphore(_MAX_CHECKS)

    async def find(self, session: AsyncSession, token: str, now: datetime) -> Holder | None:
        """Who holds this key; None when it is not known, expired or revoked."""
        key_id = key_id_of(token)
        if key_id is None:
            return None
        found = await session.execute(
            select(ApiKey, Tenant.requests_per_minute)
            .join(Tenant, Tenant.id == ApiKey.tenant_id)
            .where(ApiKey.id == key_id, ApiKey.revoked_at.is_(None))
        )
        row = found.one_or_none()
        if row is None:
            return None
        key, per_minute = row
        if (key.expires_at is not None and key.expires_at <= now) or not await self._fits(key, token):
            return None
        return Holder(
            tenant=key.tenant_id,
            key_id=key.id,
            scopes=frozenset(key.scopes),
            requests_per_minute=per_minute,
            last_used_at=key.last_used_at,
        )

    async def note_use(self, database: Database, holder: Holder, now: datetime) -> None:
        """Note when the key was used, once an hour; a database that does not answer is no obstacle."""
        if holder.last_used_at is not None and now - holder.last_used_at < _USE_NOTED_EVERY:
            return
        with suppress(Retryable):
            async with database.begin() as session:
                await session.execute(
                    update(ApiKey).where(ApiKey.id == holder.key_id).values(last_used_at=now)
                )

    async def _fits(self, key: ApiKey, token: str) -> bool:
        fingerprint = (key.secret_hash, sha256(token.encode()).digest())
        if self._known.get(key.id) == fingerprint:
            self._known.move_to_end(key.id)
            return True
        async with self._checks:
            is_valid = await asyncio.to_thread(verify, token, key.secret_hash)
        if is_valid:
            self._known[key.id] = fingerprint
            if len(self._known) > _MAX_KNOWN:
                self._known.popitem(last=False)
        return is_valid
