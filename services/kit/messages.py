"""The messages that services send each other, as plain values; `wire` turns them to bytes and back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final

from services.kit.contracts import FloatArray, MotionIntensity

__all__ = [
    "CLIP_CHUNKS",
    "Character",
    "Chunk",
    "Clip",
    "Consent",
    "ConsentKind",
    "Control",
    "ControlKind",
    "Cue",
    "Direction",
    "Envelope",
    "Identity",
    "MotionIntensity",
    "Notice",
    "Opening",
    "Performance",
    "Reason",
    "Script",
    "Segment",
    "SpokenText",
    "Status",
    "StatusKind",
    "SubjectKind",
    "Verdict",
]

# A clip: 2 s of video, one closed group of pictures, and the interval of snapshots.
CLIP_CHUNKS: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """Whose message it is, which attempt it belongs to, and its place from 0 on, without gaps."""

    tenant: str
    session_id: str
    epoch: int
    sequence: int
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """How a session is to be performed.

    `face` counts from 1, the largest first; 0 leaves the choice. `size` is pixels a side. `identity_uri`
    is empty until encoding has made the bundle, `soundtrack_uri` while there is none. `motion_intensity` is
    None where nobody asked for one.
    """

    character_id: str
    portrait_uri: str
    face: int
    size: int
    engine: str
    seed: int
    identity_uri: str = ""
    soundtrack_uri: str = ""
    motion_intensity: MotionIntensity | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Direction:
    """A text and the seconds it is in force; `end_s` 0 leaves the end open."""

    start_s: float
    end_s: float
    text: str


class ControlKind(Enum):
    """What is asked of a running session."""

    CANCEL = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """An order to whichever services hold the session."""

    envelope: Envelope
    kind: ControlKind


class StatusKind(Enum):
    """What is said of a session: how long it will be, that it is done, that it cannot be, how far it is."""

    MEASURED = 1
    FINISHED = 2
    FAILED = 3
    PROGRESSED = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What the user should know though nothing failed: a stable `code`, and a `detail` of one line."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What a service (`stage`) says about a session; any may bring `notices`.

    MEASURED sets `num_frames` (expected). FINISHED sets `num_frames`, `video_uri`, `size_bytes`, `sha256`
    and, where the engine makes motion, `motion_uri`: float32 [num_frames, 58], little-endian. FAILED sets a
    stable `code` and a `detail` of one line. PROGRESSED sets `steps_done` of `steps_expected`: what an engine
    does before there is anything to show.
    """

    envelope: Envelope
    stage: str
    kind: StatusKind
    num_frames: int = 0
    video_uri: str = ""
    size_bytes: int = 0
    sha256: str = ""
    code: str = ""
    detail: str = ""
    notices: tuple[Notice, ...] = ()
    motion_uri: str = ""
    steps_done: int = 0
    steps_expected: int = 0


class ConsentKind(Enum):
    """Why a face may be used: it is the asker's own, its owner agreed, or it is nobody's."""

    SELF = 1
    LICENSED = 2
    SYNTHETIC = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """Who allowed a face to be used, and when."""

    kind: ConsentKind
    granted_by: str
    granted_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Character:
    """A character waits to be judged and prepared; `face` 0 expects that the portrait shows only one."""

    tenant: str
    character_id: str
    portrait_uri: str
    face: int
    consent: Consent
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """The words of a performance wait to be judged; `engine` will read those that direct it."""

    envelope: Envelope
    speech_text: str
    direction_texts: tuple[str, ...]
    engine: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpokenText:
    """Text for a synthetic voice; an empty `voice` or `language` (BCP 47) takes the default."""

    text: str
    voice: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Performance:
    """A performance that may begin. A blob ends in _uri; `max_duration_s` 0 sets no limit.

    At most one of the five inputs speech_* and driver_* is set. Beside a speech, or alone, there may be
    one of listen_*: what is said to the character; a driver excludes it.
    """

    envelope: Envelope
    opening: Opening
    directions: tuple[Direction, ...] = ()
    speech_uri: str = ""
    speech_url: str = ""
    speech_text: SpokenText | None = None
    driver_uri: str = ""
    driver_url: str = ""
    listen_uri: str = ""
    listen_url: str = ""
    max_duration_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One chunk of input. `speech` is what the character says, `listen` what is said to it.

    Each is [n] mono 16 kHz, n = 3200, fewer only when final and the same for both; None where the stream
    is absent. A session with a driver has a single segment with `driver_uri` and neither. `opening` comes
    with the first segment, `directions` are those in force.
    """

    envelope: Envelope
    speech: FloatArray | None
    is_final: bool
    listen: FloatArray | None = None
    opening: Opening | None = None
    driver_uri: str = ""
    directions: tuple[Direction, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cue:
    """Everything an engine needs for its next chunk, of `num_frames` frames (as many as its engine shows at a
    time, fewer only in the last; 0 in the first cues of an engine that shows what it sees some cues later).

    `speak` and `listen` are log-mel windows [mel_frames, channels], None where the stream is absent;
    without both the character is directed only. Or there is `motion` [num_frames, 58] of a driver, or there
    are its `pictures`, JPEG, empty where no face is seen and after the driver's end; or there is the
    `waveform` [n] of what the character says, as in a segment, for an engine with ears of its own.
    """

    envelope: Envelope
    num_frames: int
    is_final: bool
    speak: FloatArray | None = None
    listen: FloatArray | None = None
    motion: FloatArray | None = None
    opening: Opening | None = None
    directions: tuple[Direction, ...] = ()
    pictures: tuple[bytes, ...] = ()
    waveform: FloatArray | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """The pictures of one chunk: one H.264 access unit (Annex B) a frame.

    The first frame of each clip (every CLIP_CHUNKS chunks) is a keyframe with its parameter sets. `motion`
    [frames, 58] is what the pictures show; an engine that makes pictures without it has None.
    """

    envelope: Envelope
    frames: tuple[bytes, ...]
    is_final: bool
    motion: FloatArray | None = None
    opening: Opening | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """A playable piece of the video; its sequence counts clips."""

    envelope: Envelope
    clip_uri: str
    first_frame: int
    num_frames: int
    is_final: bool


class SubjectKind(Enum):
    """What moderation judges."""

    CHARACTER = 1
    PERFORMANCE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why something was judged as it was; `score` is a classifier's, from 0 to 1."""

    code: str
    detail: str
    score: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What moderation decided, with reasons and the name of the policy that judged.

    Of a character it repeats `portrait_uri` and `face`, of a performance its `epoch`; there, `notices` tell
    what nothing speaks against.
    """

    tenant: str
    subject: SubjectKind
    subject_id: str
    is_approved: bool
    reasons: tuple[Reason, ...]
    policy: str
    created_at: datetime
    portrait_uri: str = ""
    face: int = 0
    epoch: int = 0
    notices: tuple[Notice, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A portrait was prepared for pictures of `size` pixels; or it could not be, and `code` says why."""

    tenant: str
    character_id: str
    size: int
    identity_uri: str
    num_faces: int
    created_at: datetime
    code: str = ""
    detail: str = ""
