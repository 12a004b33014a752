"""Usage and limits as clients see them."""

from __future__ import annotations

from datetime import date
from typing import Generic, TypeVar

from pydantic import BaseModel, Field

__all__ = ["BodyLimits", "DayUsage", "Limit", "Limits", "MonthUsage", "Usage"]

NumberT = TypeVar("NumberT", int, float)


class DayUsage(BaseModel):
    """What was made on one day (UTC)."""

    day: date
    video_seconds: float = Field(examples=[12.4])
    performances: int = Field(examples=[3])


class MonthUsage(BaseModel):
    """What was made in one month (UTC)."""

    month: str = Field(pattern=r"^[0-9]{4}-[0-9]{2}$", examples=["2026-11"])
    video_seconds: float = Field(examples=[310.2])
    performances: int = Field(examples=[41])


class Usage(BaseModel):
    """What is used now, and what was made; days and months without any are left out."""

    video_seconds_this_month: float = Field(examples=[310.2])
    storage_bytes: int = Field(description="Portraits, references, inputs and videos", examples=[73_400_320])
    processing: int = Field(description="Performances that are being made", examples=[1])
    queued: int = Field(description="Performances that wait", examples=[0])
    days: list[DayUsage] = Field(description="The newest first")
    months: list[MonthUsage] = Field(description="The newest first")


class Limit(BaseModel, Generic[NumberT]):
    """A limit that is used up little by little; null is none."""

    limit: NumberT | None
    used: NumberT
    left: NumberT | None


class BodyLimits(BaseModel):
    """How large uploads may be."""

    portrait_bytes: int
    speech_bytes: int
    listen_bytes: int
    driver_bytes: int


class Limits(BaseModel):
    """The limits that hold, and what is left of them."""

    video_seconds_per_month: Limit[float] = Field(
        description="`used` includes what running performances may still need"
    )
    processing: Limit[int] = Field(description="Performances at the same time")
    queued: Limit[int] = Field(description="Performances that wait")
    storage_bytes: Limit[int]
    requests_per_minute: int = Field(description="Of each key; what is left is in `RateLimit-Remaining`")
    max_duration_s: float = Field(description="The longest video")
    uploads: BodyLimits
