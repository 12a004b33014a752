"""Characters and references as clients send and see them."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from services.gateway.api.values import FILLED, Failure, Moment, Name, ReasonItem, Stored, Submitted

__all__ = ["Character", "CharacterIn", "Consent", "ConsentIn", "Reference", "ReferenceIn", "State"]

State = Literal["pending", "preparing", "ready", "rejected", "failed"]
_KIND = Field(description="`self`: the asker's own face; `licensed`: its owner agreed; `synthetic`: nobody's")


class ConsentIn(Submitted):
    """Who allowed the face to be used, and when."""

    kind: Literal["self", "licensed", "synthetic"] = _KIND
    granted_by: str = Field(min_length=1, max_length=200, pattern=FILLED, examples=["Ada Lovelace"])
    granted_at: Moment = Field(examples=["2026-01-31T12:00:00Z"])


class CharacterIn(Submitted):
    """What comes beside the portrait."""

    name: Name = Field(examples=["Ada"])
    consent: ConsentIn
    face: int = Field(
        default=0,
        ge=0,
        le=16,
        description="Which face of the portrait, 1 the largest; 0 expects that there is only one",
    )


class ReferenceIn(Submitted):
    """What comes beside a reference."""

    kind: Literal["body", "expression", "profile", "other"] = "other"


class Consent(BaseModel):
    """Who allowed the face to be used, and when."""

    kind: Literal["self", "licensed", "synthetic"] = _KIND
    granted_by: str = Field(examples=["Ada Lovelace"])
    granted_at: datetime


class Character(BaseModel):
    """A portrait on its way to, or ready for, performances."""

    id: str = Field(examples=["chr_01j8z3k4m5n6p7q8r9s0t1v2w3"])
    state: State = Field(
        description="`pending` waits for moderation, `preparing` for the identity; the others are final"
    )
    name: str = Field(examples=["Ada"])
    face: int = Field(examples=[0])
    num_faces: int | None = Field(description="Faces that the portrait shows; null before it was prepared")
    consent: Consent
    portrait: Stored
    reasons: list[ReasonItem] = Field(description="What moderation said")
    error: Failure | None
    created_at: datetime
    updated_at: datetime


class Reference(BaseModel):
    """A further view of a character."""

    id: str = Field(examples=["ref_01j8z3k4m5n6p7q8r9s0t1v2w3"])
    character_id: str = Field(examples=["chr_01j8z3k4m5n6p7q8r9s0t1v2w3"])
    kind: Literal["body", "expression", "profile", "other"]
    picture: Stored
    created_at: datetime
