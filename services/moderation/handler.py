"""Moderation: characters and scripts come in, verdicts go out; what cannot be judged now waits."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, Final

import structlog

from services.kit import messages as m
from services.kit.blobs import Blobs
from services.kit.bus import Bus
from services.kit.clock import Clock
from services.kit.consumer import Route, settling
from services.kit.errors import BadInput, BlobMissing
from services.kit.media.portrait import decode_portrait, measure_portrait
from services.kit.topics import CHARACTERS, SCRIPTS, VERDICTS
from services.moderation.domain import (
    Finding,
    judge_consent,
    judge_faces,
    judge_scores,
    judge_size,
    judge_text,
)
from services.moderation.judges import Judges
from services.moderation.vocabulary import notices_of

__all__ = ["Moderation", "routes"]

_LOGGER: Final = structlog.stdlib.get_logger(__name__)


# A list of routes holds messages of several types, which only Any can say.
def routes(moderation: Moderation) -> list[Route[Any]]:
    """What moderation does with its topics."""
    return [
        Route(topic=CHARACTERS, handle=settling(moderation.judge_character)),
        Route(topic=SCRIPTS, handle=settling(moderation.judge_script)),
    ]


class Moderation:
    """Judges by its policy. A subject is approved when nothing at all was found against it.

    What a judge or the blob store cannot answer now raises Unavailable: the subject waits, undecided.
    """

    def __init__(self, *, bus: Bus, blobs: Blobs, clock: Clock, judges: Judges) -> None:
        self._bus = bus
        self._blobs = blobs
        self._clock = clock
        self._judges = judges
        self._rules = judges.policy

    async def judge_character(self, character: m.Character) -> None:
        """Publish a verdict about a character's portrait and consent."""
        consent = character.consent
        findings = [
            *judge_consent(consent.granted_by, consent.granted_at, character.created_at),
            *await self._judge_portrait(character.portrait_uri, character.face),
        ]
        await self._publish(
            m.Verdict(
                tenant=character.tenant,
                subject=m.SubjectKind.CHARACTER,
                subject_id=character.character_id,
                is_approved=not findings,
                reasons=_reasons(findings),
                policy=str(self._rules),
                created_at=self._clock.now(),
                portrait_uri=character.portrait_uri,
                face=character.face,
            )
        )

    async def judge_script(self, script: m.Script) -> None:
        """Publish a verdict about the words of a performance; without words there is nothing against it."""
        texts = [("speech", script.speech_text), *(("direction", text) for text in script.direction_texts)]
        findings = [finding for what, text in texts if text for finding in await self._judge_text(what, text)]
        envelope = script.envelope
        await self._publish(
            m.Verdict(
                tenant=envelope.tenant,
                subject=m.SubjectKind.PERFORMANCE,
                subject_id=envelope.session_id,
                is_approved=not findings,
                reasons=_reasons(findings),
                policy=str(self._rules),
                created_at=self._clock.now(),
                epoch=envelope.epoch,
                notices=notices_of(script.direction_texts, script.engine),
            )
        )

    async def _judge_portrait(self, key: str, face: int) -> list[Finding]:
        rules = self._rules.portrait
        info = await self._blobs.info(key)
        if info is not None and info.size_bytes > rules.max_bytes:
            detail = f"the portrait has {info.size_bytes} bytes, expected at most {rules.max_bytes}"
            return [Finding(code="portrait_too_large", detail=detail)]
        try:
            data = await self._blobs.get(key)
            return await self._judge_picture(data, face)
        except BlobMissing:
            return [Finding(code="portrait_missing", detail="the portrait is no longer there")]
        except BadInput as error:
            return [Finding(code="portrait_unreadable", detail=str(error))]

    async def _judge_picture(self, data: bytes, face: int) -> list[Finding]:
        """What speaks against a picture. Raises BadInput when it cannot be decoded."""
        rules = self._rules.portrait
        width, height = await asyncio.to_thread(measure_portrait, data)
        if findings := list(judge_size(width, height, rules)):
            return findings
        picture = await asyncio.to_thread(decode_portrait, data)
        findings = list(judge_faces(await self._judges.faces.find(picture), face, rules))
        if self._judges.pictures is not None:
            findings += judge_scores("portrait", await self._judges.pictures.classify(picture), rules.labels)
        return findings

    async def _judge_text(self, what: str, text: str) -> list[Finding]:
        rules = self._rules.text
        findings = await asyncio.to_thread(lambda: list(judge_text(what, text, rules)))
        if self._judges.texts is not None and len(text) <= rules.max_characters:
            findings += judge_scores(what, await self._judges.texts.classify(text), rules.labels)
        return findings

    async def _publish(self, verdict: m.Verdict) -> None:
        _LOGGER.info(
            "verdict.given",
            subject_id=verdict.subject_id,
            is_approved=verdict.is_approved,
            codes=[reason.code for reason in verdict.reasons],
        )
        await self._bus.publish([VERDICTS.outgoing(verdict)])


def _reasons(findings: Iterable[Finding]) -> tuple[m.Reason, ...]:
    return tuple(m.Reason(code=each.code, detail=each.detail, score=each.score) for each in findings)
