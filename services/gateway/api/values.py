"""Values that several resources have."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import Path
from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

__all__ = [
    "FILLED",
    "HTTP_URL",
    "CharacterId",
    "Failure",
    "Moment",
    "Name",
    "PerformanceId",
    "ReasonItem",
    "ReferenceId",
    "Stored",
    "Submitted",
]

# Databases take no NUL in a text; \S keeps out what is blank.
FILLED: Final = r"^[^\x00]*[^\x00\s][^\x00]*$"
# The URIs of RFC 3986, over HTTP, with a host and without a fragment.
HTTP_URL: Final = (
    r"^https?://[0-9A-Za-z][0-9A-Za-z.-]*(:[0-9]{1,5})?"
    r"(/([0-9A-Za-z._~:/?@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)?$"
)
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)\Z", re.ASCII)

CharacterId = Annotated[str, Path(pattern=r"^chr_[0-9a-z]{26}$", examples=["chr_01j8z3k4m5n6p7q8r9s0t1v2w3"])]
PerformanceId = Annotated[
    str, Path(pattern=r"^per_[0-9a-z]{26}$", examples=["per_01j8z3k4m5n6p7q8r9s0t1v2w3"])
]
ReferenceId = Annotated[str, Path(pattern=r"^ref_[0-9a-z]{26}$", examples=["ref_01j8z3k4m5n6p7q8r9s0t1v2w3"])]
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=FILLED)]


def _require_text(value: object) -> object:
    if isinstance(value, datetime) or (isinstance(value, str) and _MOMENT.match(value)):
        return value
    raise ValueError("expected a date and time with its offset, such as 2026-01-31T12:00:00Z")


def _to_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("expected a moment between the years 1 and 9999") from error


Moment = Annotated[
    AwareDatetime, BeforeValidator(_require_text), AfterValidator(_to_utc), Field(strict=False)
]


class Submitted(BaseModel):
    """What a client sends: nothing that is not known, nothing bent to fit."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class ReasonItem(BaseModel):
    """Why moderation judged as it did."""

    code: str = Field(examples=["several_faces"])
    detail: str = Field(examples=["the portrait shows 2 faces, expected one"])
    score: float | None = Field(default=None, description="A classifier's, from 0 to 1")


class Failure(BaseModel):
    """Why it failed; rely on `code`."""

    code: str = Field(examples=["speech_unreadable"])
    detail: str = Field(examples=["speech is not a media file"])


class Stored(BaseModel):
    """A file that was stored."""

    media_type: str = Field(examples=["image/jpeg"])
    size_bytes: int = Field(examples=[184_233])
    sha256: str = Field(examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"])
