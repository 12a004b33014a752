"""Tenants and their keys, as the command line and the HTTP interface manage them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.kit.database.database import serialise
from services.kit.database.tables import ApiKey, Tenant
from services.kit.ids import Randomness, new_id

__all__ = ["ApiKeys", "Tenants"]


class Tenants:
    """All tenants; only an operator sees more than one."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def find(self, name: str) -> Tenant | None:
        """The tenant of a name."""
        return await self._session.scalar(select(Tenant).where(Tenant.name == name))

    async def find_or_add(self, name: str, now: datetime, randomness: Randomness) -> Tenant:
        """The tenant of a name, which is made, with the platform's limits, when there is none."""
        await serialise(self._session, "tenants")
        tenant = await self.find(name)
        if tenant is None:
            tenant = Tenant(id=new_id("ten", now, randomness), name=name, created_at=now)
            self._session.add(tenant)
            await self._session.flush()
        return tenant

    async def all(self) -> Sequence[Tenant]:
        """Every tenant, by name."""
        found = await self._session.scalars(select(Tenant).order_by(Tenant.name))
        return found.all()


class ApiKeys:
    """The keys of one tenant. Of a secret, only the hash comes here."""

    def __init__(self, session: AsyncSession, tenant_id: str) -> None:
        self._session = session
        self._tenant_id = tenant_id

    def add(
        self,
        *,
        key_id: str,
        secret_hash: str,
        name: str,
        scopes: Iterable[str],
        expires_at: datetime | None,
        now: datetime,
    ) -> ApiKey:
        """A new key, of `keys.issue`."""
        key = ApiKey(
            id=key_id,
            tenant_id=self._tenant_id,
            name=name,
            secret_hash=secret_hash,
            scopes=sorted(scopes),
            created_at=now,
            expires_at=expires_at,
        )
        self._session.add(key)
        return key

    async def all(self) -> Sequence[ApiKey]:
        """Every key, the oldest first; revoked ones as well."""
        found = await self._session.scalars(
            select(ApiKey).where(ApiKey.tenant_id == self._tenant_id).order_by(ApiKey.id)
        )
        return found.all()

    async def find(self, key_id: str) -> ApiKey | None:
        """A key of this tenant."""
        return await self._session.scalar(
            select(ApiKey).where(ApiKey.tenant_id == self._tenant_id, ApiKey.id == key_id)
        )

    async def revoke(self, key_id: str, now: datetime) -> ApiKey | None:
        """End a key now; one that was revoked before keeps its time. None when there is no such key."""
        key = await self.find(key_id)
        if key is not None and key.revoked_at is None:
            key.revoked_at = now
        return key
