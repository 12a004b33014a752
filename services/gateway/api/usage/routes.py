"""`/v1/usage` and `/v1/limits`."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Query
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from services.gateway.admission import quotas_of, reserved_s_of
from services.gateway.api.call import Call, caller
from services.gateway.api.etags import representation
from services.gateway.api.openapi import NOT_MODIFIED, refusals
from services.gateway.api.quotas import stored_bytes
from services.gateway.api.usage.models import BodyLimits, DayUsage, Limit, Limits, MonthUsage, Usage
from services.gateway.api.usage.sums import Sum, by_month, count_states, sum_by_day
from services.kit.database.tables import PerformanceState, Tenant

__all__ = ["router"]

_PROCESSING: Final = PerformanceState.PROCESSING
_QUEUED: Final = PerformanceState.QUEUED

router: Final = APIRouter(prefix="/v1", tags=["usage"])

Reading = Annotated[Call, caller("usage:read")]


@router.get("/usage", response_model=Usage, responses={**NOT_MODIFIED, **refusals()})
async def get_usage(
    call: Reading,
    days: Annotated[int, Query(ge=1, le=366, description="How many days are listed")] = 31,
) -> Response:
    """What is used now, and what was made by day, and by month of the last twelve."""
    today = call.now.date()
    first_month = _eleven_months_before(today)
    first_day = today - timedelta(days=days - 1)
    async with call.read() as session:
        sums = await sum_by_day(session, call.tenant, min(first_month, first_day))
        counts = await count_states(session, call.tenant)
        size_bytes = await stored_bytes(session, call.tenant)
    months = by_month({day: value for day, value in sums.items() if day >= first_month})
    usage = Usage(
        video_seconds_this_month=months.get(f"{today:%Y-%m}", Sum()).video_s,
        storage_bytes=size_bytes,
        processing=counts[_PROCESSING],
        queued=counts[_QUEUED],
        days=[
            DayUsage(day=day, video_seconds=value.video_s, performances=value.performances)
            for day, value in sums.items()
            if day >= first_day
        ],
        months=[
            MonthUsage(month=month, video_seconds=value.video_s, performances=value.performances)
            for month, value in months.items()
        ],
    )
    return representation(call.request, usage)


def _eleven_months_before(today: date) -> date:
    """The first day of the oldest of twelve months."""
    return date(today.year - 1 + today.month // 12, today.month % 12 + 1, 1)


@router.get("/limits", response_model=Limits, responses={**NOT_MODIFIED, **refusals()})
async def get_limits(call: Reading) -> Response:
    """The limits that hold for this key's tenant, and what is left."""
    async with call.read() as session:
        limits = await _limits(session, call)
    return representation(call.request, limits)


async def _limits(session: AsyncSession, call: Call) -> Limits:
    settings = call.gateway.settings
    tenant = await session.get_one(Tenant, call.tenant)
    quota = (await quotas_of(session, [call.tenant], settings.admission, call.now))[call.tenant]
    counts = await count_states(session, call.tenant)
    return Limits(
        video_seconds_per_month=_seconds(
            quota.limits.video_s_per_month, quota.used_s + await reserved_s_of(session, call.tenant)
        ),
        processing=_number(quota.limits.concurrency, counts[_PROCESSING]),
        queued=_number(settings.admission.max_queued_per_tenant, counts[_QUEUED]),
        storage_bytes=_number(tenant.storage_bytes, await stored_bytes(session, call.tenant)),
        requests_per_minute=tenant.requests_per_minute or settings.admission.requests_per_minute,
        max_duration_s=settings.admission.max_duration_s,
        uploads=BodyLimits(
            portrait_bytes=settings.bodies.portrait_bytes,
            speech_bytes=settings.bodies.speech_bytes,
            listen_bytes=settings.bodies.listen_bytes,
            driver_bytes=settings.bodies.driver_bytes,
        ),
    )


def _number(limit: int | None, used: int) -> Limit[int]:
    return Limit[int](limit=limit, used=used, left=None if limit is None else max(0, limit - used))


def _seconds(limit: float | None, used: float) -> Limit[float]:
    return Limit[float](limit=limit, used=used, left=None if limit is None else max(0.0, limit - used))
