"""From rows to the messages that set the services to work; used for the first attempt and for later ones."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final, cast

from sqlalchemy.ext.asyncio import AsyncSession

from services.kit import messages as m
from services.kit.database.outbox import enqueue
from services.kit.database.tables import BlobDeletion, Character, Performance
from services.kit.topics import PERFORMANCES

__all__ = [
    "begin_again",
    "character_message",
    "directions_of",
    "performance_message",
    "script_message",
]

# Whoever still works on an old attempt writes its last blobs within this.
_OLD_BLOBS_STAY: Final = timedelta(hours=1)


async def begin_again(session: AsyncSession, performance: Performance, now: datetime) -> None:
    """A new attempt from the beginning; what the old one may still say is stale."""
    character = await session.get_one(Character, performance.character_id)
    old = f"{performance.tenant_id}/performances/{performance.id}/{performance.epoch}/"
    session.add(
        BlobDeletion(
            tenant_id=performance.tenant_id, prefix=old, due_at=now + _OLD_BLOBS_STAY, created_at=now
        )
    )
    performance.epoch += 1
    performance.attempts += 1
    performance.frames_done = 0
    performance.steps_done = performance.steps_expected = None
    performance.progressed_at = performance.updated_at = now
    enqueue(session, PERFORMANCES, performance_message(performance, character, now), now)


def character_message(character: Character) -> m.Character:
    """Ask moderation to judge a character."""
    return m.Character(
        tenant=character.tenant_id,
        character_id=character.id,
        portrait_uri=character.portrait_uri,
        face=character.face,
        consent=m.Consent(
            kind=m.ConsentKind[character.consent_kind.name],
            granted_by=character.consent_granted_by,
            granted_at=character.consent_granted_at,
        ),
        created_at=character.created_at,
    )


def script_message(performance: Performance, now: datetime) -> m.Script:
    """Ask moderation to judge the words of a performance; there may be none."""
    source = _json(performance.source)
    return m.Script(
        envelope=_envelope(performance, now),
        speech_text=source.get("text") or "",
        direction_texts=tuple(each.text for each in directions_of(performance)),
        engine=performance.engine,
    )


def performance_message(performance: Performance, character: Character, now: datetime) -> m.Performance:
    """Let a performance begin, in the epoch its row has."""
    source, listen = _json(performance.source), _json(performance.listen or {})
    kind, uri, url = source.get("kind"), source.get("uri") or "", source.get("url") or ""
    spoken = m.SpokenText(
        text=source.get("text") or "",
        voice=source.get("voice") or "",
        language=source.get("language") or "",
    )
    return m.Performance(
        envelope=_envelope(performance, now),
        opening=m.Opening(
            character_id=character.id,
            portrait_uri=character.portrait_uri,
            face=character.face,
            size=performance.size,
            engine=performance.engine,
            seed=performance.seed,
            motion_intensity=_intensity_of(performance),
        ),
        directions=directions_of(performance),
        speech_uri=uri if kind == "speech_file" else "",
        speech_url=url if kind == "speech_url" else "",
        speech_text=spoken if kind == "text" else None,
        driver_uri=uri if kind == "driver_file" else "",
        driver_url=url if kind == "driver_url" else "",
        listen_uri=listen.get("uri") or "",
        listen_url=listen.get("url") or "",
        max_duration_s=performance.max_duration_s,
    )


def directions_of(performance: Performance) -> tuple[m.Direction, ...]:
    """The directions of a performance in their order."""
    rows = cast("Sequence[dict[str, Any]]", performance.directions)  # JSON of our own making
    return tuple(
        m.Direction(start_s=row["start_s"], end_s=row.get("end_s") or 0.0, text=row["text"]) for row in rows
    )


def _intensity_of(performance: Performance) -> m.MotionIntensity | None:
    stored = performance.motion_intensity
    return None if stored is None else m.MotionIntensity(**_json(stored))


def _envelope(performance: Performance, now: datetime) -> m.Envelope:
    return m.Envelope(
        tenant=performance.tenant_id,
        session_id=performance.id,
        epoch=performance.epoch,
        sequence=0,
        created_at=now,
    )


def _json(value: object) -> dict[str, Any]:
    return cast("dict[str, Any]", value)
