"""Performances as clients send and see them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import BaseModel, Field, StringConstraints

from services.gateway.api.values import FILLED, HTTP_URL, Failure, ReasonItem, Submitted
from services.kit.engines import EngineName

__all__ = [
    "Caveat",
    "Cue",
    "CueIn",
    "Listen",
    "Motion",
    "MotionIntensity",
    "MotionIntensityIn",
    "OfDriverUrl",
    "OfListenUrl",
    "OfSpeechUrl",
    "OfText",
    "Performance",
    "PerformanceIn",
    "Progress",
    "Source",
    "SpokenTextIn",
    "State",
    "Video",
]

State = Literal["queued", "processing", "succeeded", "failed", "cancelled", "rejected"]

_MAX_SEED: Final = 2**53 - 1
_LONGEST_S: Final = 86_400.0
_DIRECTION: Final = "How the character acts all the time; what the timeline says comes on top"
_TIMELINE: Final = (
    "How the character acts when. Entries do not overlap, and all end by the end of the performance, where "
    "one without `end_s` ends"
)
_INTENSITY: Final = "From 0, least, to 1, most; 0.5 is usual"
_ENGINE: Final = (
    "`lpm` takes everything. `personalive` follows a driver, without `direction` and `timeline`; "
    "`fantasytalking` says what is said, alone and without `timeline`, with a `direction` in any words. "
    "These two are there where they are served, and there is no motion of their performances"
)
_LISTEN_URL: Final = "What is said to the character is fetched"

Url = Annotated[
    str,
    Field(
        max_length=2000,
        pattern=HTTP_URL,
        json_schema_extra={"format": "uri"},
        examples=["https://files.example.com/speech.mp3"],
    ),
]
MetadataKey = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[0-9A-Za-z_.-]+$")]
MetadataValue = Annotated[str, StringConstraints(max_length=500, pattern=r"^[^\x00]*$")]


class CueIn(Submitted):
    """A text and the seconds it is in force."""

    start_s: float = Field(ge=0, le=_LONGEST_S, examples=[0.0])
    end_s: float | None = Field(
        default=None, ge=0, le=_LONGEST_S, description="null: until the end", examples=[2.5]
    )
    text: str = Field(min_length=1, max_length=500, pattern=FILLED, examples=["smiles"])


class MotionIntensityIn(Submitted):
    """How much face and body move, where no direction says it."""

    face: float = Field(default=0.5, ge=0, le=1, description=_INTENSITY, examples=[0.8])
    body: float = Field(default=0.5, ge=0, le=1, description=_INTENSITY, examples=[0.3])


class SpokenTextIn(Submitted):
    """A text for a synthetic voice."""

    text: str = Field(min_length=1, max_length=20_000, pattern=FILLED, examples=["Hello, I am Ada."])
    voice: str = Field(default="", max_length=64, pattern=r"^[0-9A-Za-z_+.:/-]*$", description="empty: any")
    language: str = Field(
        default="",
        max_length=35,
        pattern=r"^([A-Za-z]{2,3}(-[0-9A-Za-z]{1,8})*)?$",
        description="BCP 47; empty: that of the voice",
        examples=["en-GB"],
    )


class PerformanceIn(Submitted):
    """What every performance has, whatever drives it."""

    character_id: str = Field(pattern=r"^chr_[0-9a-z]{26}$", examples=["chr_01j8z3k4m5n6p7q8r9s0t1v2w3"])
    direction: str | None = Field(
        default=None, min_length=1, max_length=500, pattern=FILLED, description=_DIRECTION
    )
    timeline: list[CueIn] = Field(default_factory=list, max_length=100, description=_TIMELINE)
    motion_intensity: MotionIntensityIn | None = None
    engine: EngineName = Field(default="lpm", description=_ENGINE)
    size: int = Field(default=512, ge=64, le=2048, multiple_of=2, description="Pixels a side")
    seed: int = Field(default=0, ge=0, le=_MAX_SEED, description="The same seed gives the same video")
    metadata: dict[MetadataKey, MetadataValue] = Field(
        default_factory=dict,
        max_length=16,
        description="Yours; it comes back as it was",
        json_schema_extra={"additionalProperties": False},
        examples=[{"order": "17"}],
    )


class OfSpeechUrl(PerformanceIn):
    """The speech is fetched."""

    speech_url: Url
    listen_url: Url | None = Field(default=None, description=_LISTEN_URL)


class OfText(PerformanceIn):
    """The speech is made from a text."""

    text: SpokenTextIn
    listen_url: Url | None = Field(default=None, description=_LISTEN_URL)


class OfListenUrl(PerformanceIn):
    """The character listens, to what is fetched, and says nothing."""

    listen_url: Url


class OfDriverUrl(PerformanceIn):
    """The motion comes from a video that is fetched."""

    driver_url: Url


class Caveat(BaseModel):
    """Something that was accepted and will not have the effect one may expect."""

    code: str = Field(description="Stable name of it", examples=["listen_shorter"])
    detail: str = Field(
        examples=["listen lasts 8.00 s, 4.00 s less than speech: it counts as absent from 8.0 s on"]
    )


class Cue(BaseModel):
    """A text and the seconds it is in force; without `end_s` until the end."""

    start_s: float = Field(examples=[0.0])
    end_s: float | None = Field(examples=[2.5])
    text: str = Field(examples=["smiles"])


class MotionIntensity(BaseModel):
    """How much face and body move, from 0 to 1; 0.5 is usual."""

    face: float = Field(examples=[0.8])
    body: float = Field(examples=[0.3])


class Source(BaseModel):
    """What the character says, or follows: a file that was sent, an address, or a text."""

    kind: Literal["speech_file", "speech_url", "text", "driver_file", "driver_url"]
    url: str | None = None
    text: str | None = None
    voice: str | None = None
    language: str | None = None
    media_type: str | None = None
    size_bytes: int | None = None


class Listen(BaseModel):
    """What is said to the character: a file that was sent, or an address."""

    kind: Literal["listen_file", "listen_url"]
    url: str | None = None
    media_type: str | None = None
    size_bytes: int | None = None


class Progress(BaseModel):
    """How far it is."""

    frames_done: int = Field(examples=[150])
    frames_expected: int | None = Field(description="null while the sound is not measured", examples=[300])
    steps_done: int | None = Field(
        description="Of an engine that works for long before it shows anything; null for the others",
        examples=[17],
    )
    steps_expected: int | None = Field(
        description="null as above, and while they are not counted", examples=[120]
    )
    eta_s: float | None = Field(
        description="Seconds until the end, as estimated at `updated_at`", examples=[4.2]
    )


class Video(BaseModel):
    """The result."""

    url: str = Field(examples=["/v1/performances/per_01j8z3k4m5n6p7q8r9s0t1v2w3/video"])
    media_type: Literal["video/mp4"] = "video/mp4"
    size_bytes: int = Field(examples=[1_284_233])
    sha256: str
    num_frames: int = Field(examples=[300])
    duration_s: float = Field(examples=[12.0])


class Motion(BaseModel):
    """The motion that the video shows, as numbers."""

    url: str = Field(
        description="`?format=` json or csv",
        examples=["/v1/performances/per_01j8z3k4m5n6p7q8r9s0t1v2w3/motion"],
    )
    num_frames: int = Field(examples=[300])
    frame_rate_hz: int = Field(examples=[25])


class Performance(BaseModel):
    """A video that is being made, or was."""

    id: str = Field(examples=["per_01j8z3k4m5n6p7q8r9s0t1v2w3"])
    state: State
    character_id: str = Field(examples=["chr_01j8z3k4m5n6p7q8r9s0t1v2w3"])
    source: Source | None = Field(description="null: it says nothing, and listens")
    listen: Listen | None = Field(description="null: nobody speaks to it")
    direction: str | None
    timeline: list[Cue]
    motion_intensity: MotionIntensity | None = Field(description="null: it was not asked for")
    engine: str = Field(examples=["lpm"])
    size: int = Field(examples=[512])
    seed: int = Field(examples=[0])
    metadata: dict[str, str]
    warnings: list[Caveat] = Field(description="They may grow until it has ended")
    queue_position: int | None = Field(description="1 is next; null when it is not queued", examples=[3])
    progress: Progress
    reasons: list[ReasonItem] = Field(description="What moderation said")
    error: Failure | None = Field(description="Why it failed")
    video: Video | None
    motion: Motion | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    updated_at: datetime
