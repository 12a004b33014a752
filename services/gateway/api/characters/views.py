"""From rows to what clients see of characters."""

from __future__ import annotations

from typing import Any, cast

from services.gateway.api.characters.models import Character, Consent, Reference
from services.gateway.api.values import Failure, ReasonItem, Stored
from services.kit.database import tables

__all__ = ["character_of", "reference_of"]


def character_of(row: tables.Character) -> Character:
    """A character as clients see it."""
    error = None
    if row.error_code is not None:
        error = Failure(code=row.error_code, detail=row.error_detail or "")
    return Character(
        id=row.id,
        state=row.state.value,
        name=row.name,
        face=row.face,
        num_faces=row.num_faces,
        consent=Consent(
            kind=row.consent_kind.value,
            granted_by=row.consent_granted_by,
            granted_at=row.consent_granted_at,
        ),
        portrait=Stored(
            media_type=row.portrait_media_type,
            size_bytes=row.portrait_size_bytes,
            sha256=row.portrait_sha256,
        ),
        reasons=[ReasonItem.model_validate(each) for each in row.reasons],
        error=error,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def reference_of(row: tables.Reference) -> Reference:
    """A reference as clients see it."""
    return Reference(
        id=row.id,
        character_id=row.character_id,
        kind=cast(Any, row.role),  # one of the words that were accepted
        picture=Stored(media_type=row.media_type, size_bytes=row.size_bytes, sha256=row.sha256),
        created_at=row.created_at,
    )
