"""The topics: their names, the one message type of each, and the key that keeps a session in order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

from google.protobuf.message import Message

from services.kit import messages as m
from services.kit.bus import Outgoing, Record
from services.kit.errors import BadMessage
from services.kit.tracing import inject
from services.kit.wire import requests, results, session, stages

__all__ = [
    "CHARACTERS",
    "CHUNKS",
    "CLIPS",
    "CONTROLS",
    "CUES",
    "DEAD_SUFFIX",
    "IDENTITIES",
    "PERFORMANCES",
    "SCRIPTS",
    "SEGMENTS",
    "STATUSES",
    "TOPICS",
    "TYPE_HEADER",
    "VERDICTS",
    "Topic",
]

T = TypeVar("T")

DEAD_SUFFIX: Final = ".dead"
TYPE_HEADER: Final = "dramatis-type"


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic(Generic[T]):
    """One topic and its message type; `key` names the session or the thing whose order matters.

    `type_name` is the full name of the protobuf message, with its version; every record names it.
    """

    name: str
    type_name: str
    write: Callable[[T], Message]
    decode: Callable[[bytes], T]
    key: Callable[[T], str]

    def encode(self, message: T) -> bytes:
        """The bytes of a message; equal messages give equal bytes."""
        return self.write(message).SerializeToString(deterministic=True)

    def outgoing(self, message: T) -> Outgoing:
        """The record of a message. It continues the trace that is current."""
        headers = {TYPE_HEADER: self.type_name.encode()}
        inject(headers)
        return Outgoing(topic=self.name, key=self.key(message), value=self.encode(message), headers=headers)

    def read(self, record: Record) -> T:
        """The message of a record. Raises BadMessage when it is none, or one of another type or version."""
        found = record.headers.get(TYPE_HEADER, b"").decode("ascii", "replace")
        if found != self.type_name:
            raise BadMessage(f"the record names its type {found[:80]!r}, expected {self.type_name!r}")
        return self.decode(record.value)

    @property
    def dead(self) -> str:
        """The name of the topic for messages of this one that cannot be handled."""
        return self.name + DEAD_SUFFIX


class _OfSession(Protocol):
    @property
    def envelope(self) -> m.Envelope: ...


def _by_session(message: _OfSession) -> str:
    return f"{message.envelope.tenant}/{message.envelope.session_id}"


def _by_character(message: m.Character | m.Identity) -> str:
    return f"{message.tenant}/{message.character_id}"


def _by_subject(message: m.Verdict) -> str:
    return f"{message.tenant}/{message.subject_id}"


CONTROLS: Final = Topic(
    name="dramatis.session.control.v1",
    type_name="dramatis.session.v1.Control",
    write=session.write_control,
    decode=session.read_control,
    key=_by_session,
)
STATUSES: Final = Topic(
    name="dramatis.session.status.v1",
    type_name="dramatis.session.v1.Status",
    write=session.write_status,
    decode=session.read_status,
    key=_by_session,
)
CHARACTERS: Final = Topic(
    name="dramatis.gateway.character.v1",
    type_name="dramatis.gateway.v1.Character",
    write=requests.write_character,
    decode=requests.read_character,
    key=_by_character,
)
SCRIPTS: Final = Topic(
    name="dramatis.gateway.script.v1",
    type_name="dramatis.gateway.v1.Script",
    write=requests.write_script,
    decode=requests.read_script,
    key=_by_session,
)
PERFORMANCES: Final = Topic(
    name="dramatis.gateway.performance.v1",
    type_name="dramatis.gateway.v1.Performance",
    write=requests.write_performance,
    decode=requests.read_performance,
    key=_by_session,
)
SEGMENTS: Final = Topic(
    name="dramatis.ingestion.segment.v1",
    type_name="dramatis.ingestion.v1.Segment",
    write=stages.write_segment,
    decode=stages.read_segment,
    key=_by_session,
)
VERDICTS: Final = Topic(
    name="dramatis.moderation.verdict.v1",
    type_name="dramatis.moderation.v1.Verdict",
    write=results.write_verdict,
    decode=results.read_verdict,
    key=_by_subject,
)
IDENTITIES: Final = Topic(
    name="dramatis.encoding.identity.v1",
    type_name="dramatis.encoding.v1.Identity",
    write=results.write_identity,
    decode=results.read_identity,
    key=_by_character,
)
CUES: Final = Topic(
    name="dramatis.encoding.cue.v1",
    type_name="dramatis.encoding.v1.Cue",
    write=stages.write_cue,
    decode=stages.read_cue,
    key=_by_session,
)
CHUNKS: Final = Topic(
    name="dramatis.generation.chunk.v1",
    type_name="dramatis.generation.v1.Chunk",
    write=stages.write_chunk,
    decode=stages.read_chunk,
    key=_by_session,
)
CLIPS: Final = Topic(
    name="dramatis.stitching.clip.v1",
    type_name="dramatis.stitching.v1.Clip",
    write=stages.write_clip,
    decode=stages.read_clip,
    key=_by_session,
)

TOPICS: Final = (
    CONTROLS,
    STATUSES,
    CHARACTERS,
    SCRIPTS,
    PERFORMANCES,
    SEGMENTS,
    VERDICTS,
    IDENTITIES,
    CUES,
    CHUNKS,
    CLIPS,
)
