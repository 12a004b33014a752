"""API keys as clients send and see them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, get_args

from fastapi import Path
from pydantic import BaseModel, Field

from services.gateway.api.values import Name, Submitted
from services.kit.keys import SCOPES

__all__ = ["Key", "KeyId", "KeyIn", "NewKey", "Scope"]

Scope = Literal[
    "*",
    "characters:read",
    "characters:write",
    "keys:read",
    "keys:write",
    "performances:read",
    "performances:write",
    "usage:read",
    "webhooks:read",
    "webhooks:write",
]
# A literal cannot be made of a constant.
assert frozenset(get_args(Scope)) == SCOPES

KeyId = Annotated[str, Path(pattern=r"^key_[0-9a-z]{26}$", examples=["key_01j8z3k4m5n6p7q8r9s0t1v2w3"])]


class KeyIn(Submitted):
    """What a new key is to permit."""

    name: Name = Field(examples=["Build server"])
    scopes: list[Scope] = Field(
        min_length=1,
        max_length=32,
        description="What it permits, at most what the key permits that asks for it; `*` is everything",
        examples=[["performances:read", "performances:write"]],
    )
    expires_in_days: int | None = Field(default=None, ge=1, le=3650, description="null: never", examples=[90])


class Key(BaseModel):
    """A key, without its secret."""

    id: str = Field(examples=["key_01j8z3k4m5n6p7q8r9s0t1v2w3"])
    name: str = Field(examples=["Build server"])
    scopes: list[Scope] = Field(examples=[["performances:read", "performances:write"]])
    state: Literal["active", "expired", "revoked"]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None = Field(description="To within an hour")


class NewKey(Key):
    """A key with its secret, which is not shown again."""

    token: str | None = Field(
        description="Send it as `Authorization: Bearer <token>`; null when the answer is replayed",
        examples=["dk_01j8z3k4m5n6p7q8r9s0t1v2w3_" + 64 * "0"],
    )
