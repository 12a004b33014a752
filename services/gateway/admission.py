"""Admission: which of the queued performances may begin, decided and written in one transaction."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.gateway.changes import fail_performance, release_performance
from services.gateway.domain import Limits, Quota, Running, Waiting, admit
from services.gateway.settings import AdmissionSettings
from services.kit.database.database import serialise
from services.kit.database.tables import (
    Character,
    CharacterState,
    Performance,
    PerformanceState,
    ScriptState,
    Tenant,
    UsageRecord,
)

__all__ = ["QUOTA_CODE", "admit_waiting", "quotas_of", "reserved_s_of", "take_turn"]

QUOTA_CODE = "quota_exceeded"


async def take_turn(session: AsyncSession) -> None:
    """Wait until no other transaction changes what runs; call it first in those that do."""
    await serialise(session, "admission")


async def admit_waiting(session: AsyncSession, settings: AdmissionSettings, now: datetime) -> None:
    """Release what may begin, and fail what never can. The transaction has taken its turn."""
    await session.flush()
    waiting = await _waiting(session)
    if not waiting:
        return
    quotas = await quotas_of(session, {each.tenant for each in waiting}, settings, now)
    turn = admit(
        waiting,
        await _running(session),
        quotas,
        capacity=settings.max_running,
        max_duration_s=settings.max_duration_s,
    )
    for release in turn.released:
        performance = await session.get_one(Performance, release.performance_id, with_for_update=True)
        character = await session.get_one(Character, performance.character_id)
        await release_performance(session, performance, character, release.max_duration_s, now)
    for refused in turn.refused:
        performance = await session.get_one(Performance, refused.performance_id, with_for_update=True)
        await fail_performance(
            session, performance, QUOTA_CODE, "no seconds of video are left this month", now
        )


async def quotas_of(
    session: AsyncSession, tenants: Collection[str], settings: AdmissionSettings, now: datetime
) -> dict[str, Quota]:
    """Limits and use of tenants in the month of `now` (UTC)."""
    month = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    used = await session.execute(
        select(UsageRecord.tenant_id, func.sum(UsageRecord.video_s))
        .where(UsageRecord.tenant_id.in_(tenants), UsageRecord.created_at >= month)
        .group_by(UsageRecord.tenant_id)
    )
    used_s: dict[str, float] = dict(used.all())
    rows = await session.scalars(select(Tenant).where(Tenant.id.in_(tenants)))
    return {row.id: Quota(limits=_limits(row, settings), used_s=used_s.get(row.id, 0.0)) for row in rows}


async def reserved_s_of(session: AsyncSession, tenant: str) -> float:
    """Seconds of video that the running performances of a tenant may still use."""
    total = await session.scalar(
        select(func.coalesce(func.sum(Performance.reserved_s), 0.0)).where(
            Performance.tenant_id == tenant, Performance.state == PerformanceState.PROCESSING
        )
    )
    return float(total or 0.0)


def _limits(tenant: Tenant, settings: AdmissionSettings) -> Limits:
    return Limits(
        concurrency=settings.concurrency if tenant.max_concurrency is None else tenant.max_concurrency,
        video_s_per_month=tenant.video_seconds_per_month,
    )


async def _waiting(session: AsyncSession) -> Sequence[Waiting]:
    rows = await session.execute(
        select(Performance.id, Performance.tenant_id)
        .join(Character, Character.id == Performance.character_id)
        .where(
            Performance.state == PerformanceState.QUEUED,
            Performance.script_state == ScriptState.APPROVED,
            Character.state == CharacterState.READY,
        )
        .order_by(Performance.created_at, Performance.id)
    )
    return [Waiting(performance_id=performance_id, tenant=tenant) for performance_id, tenant in rows]


async def _running(session: AsyncSession) -> Sequence[Running]:
    rows = await session.execute(
        select(Performance.tenant_id, Performance.reserved_s).where(
            Performance.state == PerformanceState.PROCESSING
        )
    )
    return [Running(tenant=tenant, reserved_s=reserved_s) for tenant, reserved_s in rows]
