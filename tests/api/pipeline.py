"""The services behind the gateway, pretended: they approve, prepare and deliver at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256

import numpy as np

from services.gateway.handler import routes
from services.kit import messages as m
from services.kit.blobs import Blobs
from services.kit.bus import Bus
from services.kit.clock import Clock
from services.kit.consumer import Route, consume, settling
from services.kit.contracts import FloatArray
from services.kit.database.outbox import relay
from services.kit.memory_bus import MemoryBus
from services.kit.topics import (
    CHARACTERS,
    CLIPS,
    CONTROLS,
    IDENTITIES,
    PERFORMANCES,
    SCRIPTS,
    STATUSES,
    VERDICTS,
    Topic,
)
from tests.api.platform import Platform

__all__ = ["VIDEO", "Pipeline", "motion_of", "running_pipeline"]

VIDEO = bytes(range(256)) * 40
_CLIP_FRAMES = 50


def motion_of(num_frames: int) -> FloatArray:
    """The motion of a video, [num_frames, 58]; no two numbers are alike."""
    return np.linspace(0, 1, num_frames * 58, dtype="<f4").reshape(num_frames, 58)


class Pipeline:
    """Answers every request of the gateway; `num_frames` long videos.

    A text with "forbidden" in it is rejected, one with "broken" fails, and one with "endless" never ends. One
    with "lost" is lost in its first attempts.
    """

    def __init__(self, bus: Bus, blobs: Blobs, clock: Clock, num_frames: int) -> None:
        self._bus = bus
        self._blobs = blobs
        self._clock = clock
        self._num_frames = num_frames
        self.started: list[m.Performance] = []
        self.cancelled: list[str] = []

    def routes(self) -> list[Route]:  # type: ignore[type-arg]
        """What it consumes."""
        return [
            Route(topic=CHARACTERS, handle=settling(self._judge_character)),
            Route(topic=SCRIPTS, handle=settling(self._judge_script)),
            Route(topic=PERFORMANCES, handle=settling(self._perform)),
            Route(topic=CONTROLS, handle=settling(self._control)),
        ]

    async def _judge_character(self, character: m.Character) -> None:
        is_approved = character.consent.granted_by != "nobody"
        await self._say(
            VERDICTS,
            m.Verdict(
                tenant=character.tenant,
                subject=m.SubjectKind.CHARACTER,
                subject_id=character.character_id,
                is_approved=is_approved,
                reasons=() if is_approved else (m.Reason(code="no_consent", detail="nobody agreed"),),
                policy="pretended",
                created_at=self._clock.now(),
                portrait_uri=character.portrait_uri,
                face=character.face,
            ),
        )
        if is_approved:
            identity = m.Identity(
                tenant=character.tenant,
                character_id=character.character_id,
                size=512,
                identity_uri=f"{character.tenant}/characters/{character.character_id}/identity/512-0.bundle",
                num_faces=1,
                created_at=self._clock.now(),
            )
            await asyncio.sleep(0.01)
            await self._say(IDENTITIES, identity)

    async def _judge_script(self, script: m.Script) -> None:
        words = " ".join((script.speech_text, *script.direction_texts))
        is_approved = "forbidden" not in words
        await self._say(
            VERDICTS,
            m.Verdict(
                tenant=script.envelope.tenant,
                subject=m.SubjectKind.PERFORMANCE,
                subject_id=script.envelope.session_id,
                is_approved=is_approved,
                reasons=() if is_approved else (m.Reason(code="forbidden_words", detail="no"),),
                policy="pretended",
                created_at=self._clock.now(),
                epoch=script.envelope.epoch,
            ),
        )

    async def _perform(self, performance: m.Performance) -> None:
        self.started.append(performance)
        words = performance.speech_text.text if performance.speech_text else ""
        if "endless" in words:
            return
        envelope, kind = performance.envelope, m.StatusKind
        if "broken" in words:
            await self._status(envelope, kind.FAILED, code="text_unspeakable", detail="speech has no words")
            return
        if "always lost" in words or ("lost" in words and envelope.epoch < 2):
            await self._status(envelope, kind.FAILED, code="session_lost", detail="cue 7 did not come")
            return
        await self._status(envelope, kind.MEASURED, num_frames=self._num_frames)
        folder = f"{envelope.tenant}/performances/{envelope.session_id}/{envelope.epoch}"
        for number in range(self._num_frames // _CLIP_FRAMES):
            clip = m.Clip(
                envelope=m.Envelope(
                    tenant=envelope.tenant,
                    session_id=envelope.session_id,
                    epoch=envelope.epoch,
                    sequence=number,
                    created_at=self._clock.now(),
                ),
                clip_uri=f"{folder}/clips/{number:06}",
                first_frame=number * _CLIP_FRAMES,
                num_frames=_CLIP_FRAMES,
                is_final=(number + 1) * _CLIP_FRAMES >= self._num_frames,
            )
            await self._say(CLIPS, clip)
            await asyncio.sleep(0.01)
        await self._blobs.put(f"{folder}/video.mp4", VIDEO, "video/mp4")
        rows = motion_of(self._num_frames).tobytes()
        await self._blobs.put(f"{folder}/motion", rows, "application/octet-stream")
        await self._status(
            envelope,
            kind.FINISHED,
            num_frames=self._num_frames,
            video_uri=f"{folder}/video.mp4",
            size_bytes=len(VIDEO),
            sha256=sha256(VIDEO).hexdigest(),
            motion_uri=f"{folder}/motion",
        )

    async def _control(self, control: m.Control) -> None:
        self.cancelled.append(control.envelope.session_id)

    async def _status(self, envelope: m.Envelope, kind: m.StatusKind, **fields: object) -> None:
        status = m.Status(envelope=envelope, stage="pretended", kind=kind, **fields)  # type: ignore[arg-type]
        await self._say(STATUSES, status)

    async def _say(self, topic: Topic, message: object) -> None:  # type: ignore[type-arg]
        await self._bus.publish([topic.outgoing(message)])


@asynccontextmanager
async def running_pipeline(platform: Platform, num_frames: int = 100) -> AsyncIterator[Pipeline]:
    """The gateway's own consumer and relay, and the pretended services, on a bus in memory."""
    bus = MemoryBus()
    pipeline = Pipeline(bus, platform.blobs, platform.clock, num_frames)
    results = routes(platform.database, platform.clock, platform.settings.admission)
    tasks = [
        asyncio.create_task(consume(bus, "gateway", results)),
        asyncio.create_task(consume(bus, "pretended", pipeline.routes())),
    ]
    await asyncio.sleep(0)
    tasks.append(asyncio.create_task(relay(platform.database, bus)))
    try:
        yield pipeline
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
