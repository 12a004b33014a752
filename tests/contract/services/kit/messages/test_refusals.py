"""What breaks a rule of a message is refused, with a text that says so."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from services.kit import messages as m
from services.kit.errors import BadMessage
from services.kit.topics import (
    CHARACTERS,
    CHUNKS,
    CLIPS,
    CONTROLS,
    CUES,
    IDENTITIES,
    PERFORMANCES,
    SEGMENTS,
    STATUSES,
    VERDICTS,
    Topic,
)
from tests.contract.services.kit.messages.specimens import DIRECTIONS, ENVELOPE, OPENING, SPECIMENS

MESSAGE: dict[str, Any] = {topic.name: message for topic, message in SPECIMENS}
HEARD = np.zeros((1, 80), np.float32)
SHOWN: dict[str, Any] = {"speak": None, "pictures": (b"jpeg", b"")}
FIRST = replace(ENVELOPE, sequence=0)
NAN = float("nan")


def broken(topic: Topic[Any], text: str, **changes: object) -> Any:
    """A case: the topic's specimen with a fault, and what is said of it."""
    return pytest.param(topic, replace(MESSAGE[topic.name], **changes), text, id=f"{topic.name}: {text}")


def opened(text: str, **changes: object) -> Any:
    opening = replace(OPENING, **changes)  # type: ignore[arg-type]  # each case names its field
    return pytest.param(
        SEGMENTS, replace(MESSAGE[SEGMENTS.name], opening=opening), text, id=f"opening: {text}"
    )


def directed(text: str, **changes: object) -> Any:
    direction = replace(DIRECTIONS[0], **changes)  # type: ignore[arg-type]  # each case names its field
    message = replace(MESSAGE[PERFORMANCES.name], directions=(direction,))
    return pytest.param(PERFORMANCES, message, text, id=f"direction: {text}")


FAULTS = [
    broken(CONTROLS, "tenant has 0 characters", envelope=replace(ENVELOPE, tenant="")),
    broken(CONTROLS, "tenant has 65 characters", envelope=replace(ENVELOPE, tenant="a" * 65)),
    broken(CONTROLS, "session_id is not an id", envelope=replace(ENVELOPE, session_id="../x")),
    broken(CONTROLS, "session_id is not an id", envelope=replace(ENVELOPE, session_id="pér")),
    broken(STATUSES, "video_uri is not a blob of its tenant", video_uri="ten_other/video.mp4"),
    broken(STATUSES, "a finished session needs its video", video_uri=""),
    broken(STATUSES, "a failed session needs a code", kind=m.StatusKind.FAILED, code=""),
    broken(STATUSES, "a notice needs a code", notices=(m.Notice(code="", detail="something"),)),
    broken(STATUSES, "motion_uri is not a blob of its tenant", motion_uri="ten_other/motion"),
    broken(CHARACTERS, "portrait_uri is not a blob of its tenant", portrait_uri="ten_0ax/portrait"),
    broken(CHARACTERS, "portrait_uri is empty", portrait_uri=""),
    broken(CHARACTERS, "is no key of a blob", portrait_uri="ten_0a/../ten_b/portrait"),
    broken(VERDICTS, "an approved character needs its portrait", portrait_uri=""),
    broken(VERDICTS, "score is nan", reasons=(m.Reason(code="a", detail="", score=NAN),)),
    broken(VERDICTS, "a notice needs a code", notices=(m.Notice(code="", detail="something"),)),
    broken(VERDICTS, "score is 1.5", reasons=(m.Reason(code="a", detail="", score=1.5),)),
    broken(IDENTITIES, "either a bundle or a code", identity_uri=""),
    broken(IDENTITIES, "either a bundle or a code", code="no_face"),
    broken(PERFORMANCES, "a performance has no input", speech_text=None),
    broken(PERFORMANCES, "speech_uri is not a blob", speech_text=None, speech_uri="elsewhere"),
    broken(PERFORMANCES, "listen_uri is not a blob", listen_uri="elsewhere"),
    broken(
        PERFORMANCES,
        "a driver and a listen track",
        speech_text=None,
        driver_uri="ten_0a/d",
        listen_uri="ten_0a/l",
    ),
    broken(
        PERFORMANCES,
        "a driver and a listen track",
        speech_text=None,
        driver_url="http://a",
        listen_url="http://b",
    ),
    broken(PERFORMANCES, "max_duration_s is inf", max_duration_s=float("inf")),
    broken(SEGMENTS, "a segment has 3199 samples", speech=np.zeros(3199, np.float32)),
    broken(SEGMENTS, "a segment has 3201 samples", speech=np.zeros(3201, np.float32), is_final=True),
    broken(SEGMENTS, "not finite", speech=np.full(3200, np.nan, np.float32)),
    broken(SEGMENTS, "a segment has 3199 samples", speech=None, listen=np.zeros(3199, np.float32)),
    broken(SEGMENTS, "not finite", listen=np.full(3200, np.inf, np.float32)),
    broken(
        SEGMENTS,
        r"have \[640, 3200\] samples, expected as many",
        listen=np.zeros(640, np.float32),
        is_final=True,
    ),
    broken(
        SEGMENTS,
        "a driver needs to be the only segment",
        driver_uri="ten_0a/driver",
        speech=None,
        is_final=True,
        envelope=FIRST,
        listen=np.zeros(3200, np.float32),
    ),
    broken(SEGMENTS, "the first message has no opening", envelope=FIRST, opening=None),
    broken(SEGMENTS, "a driver needs to be the only segment", driver_uri="ten_0a/driver"),
    opened("motion_intensity.face is 1.5", motion_intensity=m.MotionIntensity(face=1.5)),
    opened("motion_intensity.body is -0.5", motion_intensity=m.MotionIntensity(body=-0.5)),
    opened("motion_intensity.body is nan", motion_intensity=m.MotionIntensity(body=NAN)),
    opened("size is 511", size=511),
    opened("size is 0", size=0),
    opened("size is 8192", size=8192),
    opened("character_id has 0", character_id=""),
    opened("portrait_uri is empty", portrait_uri=""),
    opened("identity_uri is not a blob", identity_uri="ten_b/identity"),
    opened("soundtrack_uri is not a blob", soundtrack_uri="ten_b/sound"),
    directed("start_s is -1.0", start_s=-1.0),
    directed("end_s is nan", end_s=NAN),
    directed("ends at 1.5 s, expected after 2.0", start_s=2.0),
    broken(CUES, "a cue has 4 frames", num_frames=4),
    broken(CUES, "a cue has 0 frames", num_frames=0, is_final=True),
    broken(CUES, "a cue has 6 frames", num_frames=6),
    broken(CUES, "a cue has 3 frames", num_frames=3, **SHOWN),
    broken(CUES, "a cue has 0 frames", num_frames=0, is_final=True, **SHOWN),
    broken(CUES, "a cue has several of a stream", pictures=(b"jpeg",)),
    broken(CUES, "a cue has several of a stream", motion=np.zeros((5, 58), np.float32)),
    broken(
        CUES,
        "a cue has several of a stream",
        speak=None,
        listen=HEARD,
        motion=np.zeros((5, 58), np.float32),
    ),
    broken(CUES, "a cue has several of a stream", waveform=np.zeros(3200, np.float32)),
    broken(CUES, "3199 samples, expected 3200", speak=None, waveform=np.zeros(3199, np.float32)),
    broken(CUES, "not finite", speak=None, waveform=np.full(3200, np.nan, np.float32)),
    broken(CUES, "no rows of 58", speak=None, motion=np.zeros((5, 57), np.float32)),
    broken(CUES, "motion has 4 frames", speak=None, motion=np.zeros((4, 58), np.float32)),
    broken(CUES, "not finite", speak=None, listen=np.full((1, 80), np.nan, np.float32)),
    broken(CUES, "not finite", speak=np.full((1, 80), np.inf, np.float32)),
    broken(CUES, "the first message has no opening", envelope=FIRST, opening=None),
    broken(CHUNKS, "a chunk has 2 frames", frames=(b"a", b"b")),
    broken(CHUNKS, "motion has 4 frames, not 5", motion=np.zeros((4, 58), np.float32)),
    broken(CHUNKS, "no rows of 58", motion=np.zeros((5, 57), np.float32)),
    broken(CHUNKS, "not finite", motion=np.full((5, 58), np.nan, np.float32)),
    broken(CHUNKS, "a chunk has an empty frame", frames=(b"a", b"b", b"", b"d", b"e")),
    broken(CHUNKS, "the first message has no opening", envelope=FIRST, opening=None),
    broken(CLIPS, "a clip has no frames", num_frames=0),
    broken(CLIPS, "clip_uri is empty", clip_uri=""),
]


@pytest.mark.parametrize(("topic", "message", "text"), FAULTS)
def test_a_message_that_breaks_a_rule_is_refused(topic: Topic[Any], message: object, text: str) -> None:
    with pytest.raises(BadMessage, match=text):
        topic.decode(topic.encode(message))


@pytest.mark.parametrize("topic", [CONTROLS, STATUSES])
def test_a_kind_that_is_not_known_is_refused(topic: Topic[Any]) -> None:
    proto: Any = topic.write(MESSAGE[topic.name])
    for number in (0, 99):
        proto.kind = number
        with pytest.raises(BadMessage, match=f"is {number}, which it does not know"):
            topic.decode(proto.SerializeToString())


def test_a_time_that_is_none_is_refused() -> None:
    proto: Any = CONTROLS.write(MESSAGE[CONTROLS.name])
    proto.envelope.created_at_us = 2**63 - 1
    with pytest.raises(BadMessage, match="not a time"):
        CONTROLS.decode(proto.SerializeToString())


def test_a_field_of_a_later_version_is_passed_over() -> None:
    later = CONTROLS.encode(MESSAGE[CONTROLS.name]) + b"\xfa\x3f\x01x"  # field 1023
    assert CONTROLS.decode(later) == MESSAGE[CONTROLS.name]
