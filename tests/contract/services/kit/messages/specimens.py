"""One message of every topic, and those of two streams; run as a module it writes them to `golden`."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np

from services.kit import messages as m
from services.kit.topics import (
    CHARACTERS,
    CHUNKS,
    CLIPS,
    CONTROLS,
    CUES,
    IDENTITIES,
    PERFORMANCES,
    SCRIPTS,
    SEGMENTS,
    STATUSES,
    VERDICTS,
    Topic,
)

GOLDEN: Final = Path(__file__).parent / "golden"
NOW: Final = datetime(2026, 11, 21, 4, 5, 6, 789012, tzinfo=UTC)
ENVELOPE: Final = m.Envelope(tenant="ten_0a", session_id="per_0b", epoch=2, sequence=7, created_at=NOW)
OPENING: Final = m.Opening(
    character_id="chr_0c",
    portrait_uri="ten_0a/characters/chr_0c/portrait",
    face=1,
    size=512,
    engine="lpm",
    seed=2**63 + 5,
    identity_uri="ten_0a/characters/chr_0c/identity/512-1.bundle",
    soundtrack_uri="ten_0a/performances/per_0b/2/soundtrack.m4a",
)
DIRECTIONS: Final = (
    m.Direction(start_s=0.0, end_s=1.5, text="smile"),
    m.Direction(start_s=1.5, end_s=0.0, text="обернись"),
)

# A message may be of any type.
SPECIMENS: Final[list[tuple[Topic[Any], Any]]] = [
    (CONTROLS, m.Control(envelope=ENVELOPE, kind=m.ControlKind.CANCEL)),
    (
        STATUSES,
        m.Status(
            envelope=ENVELOPE,
            stage="stitching",
            kind=m.StatusKind.FINISHED,
            num_frames=101,
            video_uri="ten_0a/performances/per_0b/2/video.mp4",
            size_bytes=123_456,
            sha256="ab" * 32,
            code="none",
            detail="nothing",
        ),
    ),
    (
        CHARACTERS,
        m.Character(
            tenant="ten_0a",
            character_id="chr_0c",
            portrait_uri="ten_0a/characters/chr_0c/portrait",
            face=1,
            consent=m.Consent(kind=m.ConsentKind.LICENSED, granted_by="an agency", granted_at=NOW),
            created_at=NOW,
        ),
    ),
    (SCRIPTS, m.Script(envelope=ENVELOPE, speech_text="Good morning.", direction_texts=("smile", "nod"))),
    (
        PERFORMANCES,
        m.Performance(
            envelope=ENVELOPE,
            opening=OPENING,
            directions=DIRECTIONS,
            speech_text=m.SpokenText(text="Good morning.", voice="en", language="en-GB"),
            max_duration_s=60.5,
        ),
    ),
    (
        SEGMENTS,
        m.Segment(
            envelope=ENVELOPE,
            speech=np.linspace(-1, 1, 3200, dtype=np.float32),
            is_final=False,
            opening=OPENING,
            directions=DIRECTIONS,
        ),
    ),
    (
        VERDICTS,
        m.Verdict(
            tenant="ten_0a",
            subject=m.SubjectKind.CHARACTER,
            subject_id="chr_0c",
            is_approved=True,
            reasons=(
                m.Reason(code="score", detail="a classifier", score=0.25),
                m.Reason(code="x", detail=""),
            ),
            policy="rules-1",
            created_at=NOW,
            portrait_uri="ten_0a/characters/chr_0c/portrait",
            face=1,
            epoch=2,
        ),
    ),
    (
        IDENTITIES,
        m.Identity(
            tenant="ten_0a",
            character_id="chr_0c",
            size=512,
            identity_uri="ten_0a/characters/chr_0c/identity/512-1.bundle",
            num_faces=3,
            created_at=NOW,
        ),
    ),
    (
        CUES,
        m.Cue(
            envelope=ENVELOPE,
            num_frames=5,
            is_final=False,
            speak=np.linspace(-8, 2, 40 * 80, dtype=np.float32).reshape(40, 80),
            opening=OPENING,
            directions=DIRECTIONS,
        ),
    ),
    (
        CHUNKS,
        m.Chunk(
            envelope=ENVELOPE,
            frames=(b"\x00\x00\x00\x01\x67", b"\x01", b"\x02", b"\x03", b"\x04"),
            is_final=False,
            opening=OPENING,
        ),
    ),
    (
        CLIPS,
        m.Clip(
            envelope=ENVELOPE,
            clip_uri="ten_0a/performances/per_0b/2/clips/000007",
            first_frame=350,
            num_frames=50,
            is_final=True,
        ),
    ),
]

# The messages of a conversation, which has a listen stream beside or instead of the speech, and hands out
# its motion.
CONVERSATION: Final[list[tuple[Topic[Any], Any]]] = [
    (
        STATUSES,
        m.Status(
            envelope=ENVELOPE,
            stage="ingestion",
            kind=m.StatusKind.MEASURED,
            num_frames=101,
            notices=(
                m.Notice(code="listen_shorter", detail="listen lasts 2 s"),
                m.Notice(code="x", detail=""),
            ),
            motion_uri="ten_0a/performances/per_0b/2/motion",
        ),
    ),
    (
        VERDICTS,
        m.Verdict(
            tenant="ten_0a",
            subject=m.SubjectKind.PERFORMANCE,
            subject_id="per_0b",
            is_approved=True,
            reasons=(),
            policy="rules-1",
            created_at=NOW,
            epoch=2,
            notices=(m.Notice(code="direction_not_understood", detail="not understood and ignored: wibble"),),
        ),
    ),
    (
        PERFORMANCES,
        m.Performance(
            envelope=ENVELOPE,
            opening=OPENING,
            directions=DIRECTIONS,
            speech_uri="ten_0a/performances/per_0b/speech",
            listen_uri="ten_0a/performances/per_0b/listen",
        ),
    ),
    (
        SEGMENTS,
        m.Segment(
            envelope=ENVELOPE,
            speech=np.linspace(-1, 1, 3200, dtype=np.float32),
            listen=np.linspace(1, 0, 3200, dtype=np.float32),
            is_final=False,
            opening=OPENING,
            directions=DIRECTIONS,
        ),
    ),
    (
        CUES,
        m.Cue(
            envelope=ENVELOPE,
            num_frames=5,
            is_final=False,
            speak=np.linspace(-8, 2, 40 * 80, dtype=np.float32).reshape(40, 80),
            listen=np.linspace(2, -8, 220 * 80, dtype=np.float32).reshape(220, 80),
            opening=OPENING,
            directions=DIRECTIONS,
        ),
    ),
    (
        CHUNKS,
        m.Chunk(
            envelope=ENVELOPE,
            frames=(b"\x00\x00\x00\x01\x67", b"\x01"),
            is_final=True,
            motion=np.linspace(-1, 1, 2 * 58, dtype=np.float32).reshape(2, 58),
            opening=OPENING,
        ),
    ),
]

# What begins a performance whose motion intensity was asked for; every opening of it is alike.
INTENSITY: Final[list[tuple[Topic[Any], Any]]] = [
    (
        PERFORMANCES,
        m.Performance(
            envelope=ENVELOPE,
            opening=dataclasses.replace(OPENING, motion_intensity=m.MotionIntensity(face=0.0, body=0.75)),
            speech_uri="ten_0a/performances/per_0b/speech",
        ),
    ),
]
# The messages of an engine that hears the speech itself, and performs it as a whole.
OFFLINE: Final[list[tuple[Topic[Any], Any]]] = [
    (
        STATUSES,
        m.Status(
            envelope=ENVELOPE,
            stage="generation",
            kind=m.StatusKind.PROGRESSED,
            steps_done=17,
            steps_expected=120,
        ),
    ),
    (
        SCRIPTS,
        m.Script(envelope=ENVELOPE, speech_text="", direction_texts=("waves",), engine="fantasytalking"),
    ),
    (
        CUES,
        m.Cue(
            envelope=ENVELOPE,
            num_frames=5,
            is_final=False,
            waveform=np.linspace(-1, 1, 3200, dtype=np.float32),
            opening=OPENING,
            directions=DIRECTIONS,
        ),
    ),
]
ALL: Final = SPECIMENS + CONVERSATION + INTENSITY + OFFLINE


def is_same(one: object, other: object) -> bool:
    """Equality that sees into arrays."""
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        return (
            isinstance(one, np.ndarray)
            and isinstance(other, np.ndarray)
            and one.shape == other.shape
            and one.dtype == other.dtype
            and one.tobytes() == other.tobytes()
        )
    if dataclasses.is_dataclass(one) and type(one) is type(other):
        names = [field.name for field in dataclasses.fields(one)]
        return all(is_same(getattr(one, name), getattr(other, name)) for name in names)
    return bool(one == other)


def golden_path(topic: Topic[Any], message: object) -> Path:
    """Where the bytes of a specimen lie."""
    named = {"": SPECIMENS, ".conversation": CONVERSATION, ".intensity": INTENSITY, ".offline": OFFLINE}
    (suffix,) = [name for name, listed in named.items() if any(message is each for _, each in listed)]
    return GOLDEN / f"{topic.type_name}{suffix}.bin"


if __name__ == "__main__":
    for topic, message in ALL:
        golden_path(topic, message).write_bytes(topic.encode(message))
