"""Whether a tenant may store or make any more."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Select, SQLColumnExpression, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.gateway.admission import quotas_of, reserved_s_of
from services.gateway.api.call import Call
from services.gateway.problems import CONCURRENCY_LIMIT, QUOTA_EXCEEDED, Problem
from services.kit.database.tables import Character, Performance, PerformanceState, Reference, Tenant

__all__ = ["require_seconds", "require_storage", "require_turn", "stored_bytes"]

_RETRY_AFTER_S = "30"


async def require_storage(session: AsyncSession, call: Call, more_bytes: int) -> None:
    """Raise Problem quota_exceeded when the tenant's blobs would take more than they may."""
    tenant = await session.get_one(Tenant, call.tenant)
    if tenant.storage_bytes is None:
        return
    used_bytes = await stored_bytes(session, call.tenant)
    if used_bytes + more_bytes > tenant.storage_bytes:
        raise Problem(
            QUOTA_EXCEEDED,
            f"{used_bytes} of {tenant.storage_bytes} bytes are used, {more_bytes} more do not fit",
        )


async def stored_bytes(session: AsyncSession, tenant: str) -> int:
    """Bytes of a tenant's portraits, references, inputs and videos."""
    sums = (
        _sum(Character.portrait_size_bytes, Character.tenant_id == tenant, Character.deleted_at.is_(None)),
        _sum(Reference.size_bytes, Reference.tenant_id == tenant),
        _sum(
            Performance.input_size_bytes + Performance.video_size_bytes,
            Performance.tenant_id == tenant,
            Performance.deleted_at.is_(None),
        ),
    )
    return sum([int(await session.scalar(each) or 0) for each in sums])


async def require_seconds(session: AsyncSession, call: Call) -> None:
    """Raise Problem quota_exceeded when no seconds of video are left this month."""
    settings = call.gateway.settings.admission
    quota = (await quotas_of(session, [call.tenant], settings, call.now))[call.tenant]
    if quota.left_s(await reserved_s_of(session, call.tenant)) == 0:
        raise Problem(QUOTA_EXCEEDED, f"{quota.limits.video_s_per_month:g} s of video a month are used up")


async def require_turn(session: AsyncSession, call: Call) -> None:
    """Raise Problem concurrency_limit when too many performances of the tenant wait."""
    most = call.gateway.settings.admission.max_queued_per_tenant
    queued = await session.scalar(
        select(func.count()).where(
            Performance.tenant_id == call.tenant, Performance.state == PerformanceState.QUEUED
        )
    )
    if (queued or 0) >= most:
        raise Problem(
            CONCURRENCY_LIMIT,
            f"{queued} performances are queued, at most {most} may be",
            headers={"Retry-After": _RETRY_AFTER_S},
        )


def _sum(column: SQLColumnExpression[int], *conditions: ColumnElement[bool]) -> Select[int]:
    return select(func.coalesce(func.sum(column), 0)).where(*conditions)
