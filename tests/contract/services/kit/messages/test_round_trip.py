"""Any message that may be sent is read as it was."""

from __future__ import annotations

from datetime import UTC, datetime
from string import ascii_letters, digits
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from services.kit import messages as m
from services.kit.topics import TOPICS, Topic
from tests.contract.services.kit.messages.specimens import is_same

IDS = st.text(ascii_letters + digits + "_", min_size=1, max_size=64)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
TIMES = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  zone added
COUNTS = st.integers(0, 2**32 - 1)
LONG_COUNTS = st.integers(0, 2**64 - 1)
SECONDS = st.floats(0, 1e6)
FINITE = st.floats(-1e3, 1e3, width=32)
TENANT = "ten_x"
URIS = st.text(ascii_letters + digits, min_size=1, max_size=40).map(lambda name: f"{TENANT}/{name}")
MAYBE_URIS = st.just("") | URIS


def kind(cls: type, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.builds(cls, **fields)


def floats(*shape: int | st.SearchStrategy[int]) -> st.SearchStrategy[Any]:
    sizes = [side if isinstance(side, st.SearchStrategy) else st.just(side) for side in shape]
    return st.tuples(*sizes).flatmap(lambda sides: arrays.arrays(np.float32, sides, elements=FINITE))


def envelopes(sequences: st.SearchStrategy[int] = LONG_COUNTS) -> st.SearchStrategy[m.Envelope]:
    return kind(
        m.Envelope, tenant=st.just(TENANT), session_id=IDS, epoch=COUNTS, sequence=sequences, created_at=TIMES
    )


OPENINGS = kind(
    m.Opening,
    character_id=IDS,
    portrait_uri=URIS,
    face=COUNTS,
    size=st.integers(1, 2048).map(lambda half: 2 * half),
    engine=TEXTS,
    seed=LONG_COUNTS,
    identity_uri=MAYBE_URIS,
    soundtrack_uri=MAYBE_URIS,
    motion_intensity=st.none() | kind(m.MotionIntensity, face=st.floats(0, 1), body=st.floats(0, 1)),
)
DIRECTIONS = st.lists(
    st.builds(
        lambda start_s, length_s, text: m.Direction(
            start_s=start_s, end_s=start_s + length_s if length_s else 0.0, text=text
        ),
        SECONDS,
        st.just(0.0) | st.floats(0.01, 1e3),
        TEXTS,
    ),
    max_size=3,
).map(tuple)
INPUTS = st.one_of(
    st.fixed_dictionaries({"speech_uri": URIS}),
    st.fixed_dictionaries({"driver_uri": URIS}),
    st.fixed_dictionaries({"speech_url": TEXTS.filter(bool)}),
    st.fixed_dictionaries({"driver_url": TEXTS.filter(bool)}),
    st.fixed_dictionaries(
        {"speech_text": kind(m.SpokenText, text=TEXTS.filter(bool), voice=TEXTS, language=TEXTS)}
    ),
)
LISTENS = st.one_of(
    st.fixed_dictionaries({"listen_uri": URIS}),
    st.fixed_dictionaries({"listen_url": TEXTS.filter(bool)}),
)
CONVERSATIONS = st.builds(
    lambda speech, listen: speech | listen,
    INPUTS.filter(lambda given_input: not given_input.keys() & {"driver_uri", "driver_url"}),
    LISTENS,
)
PERFORMANCES = st.one_of(INPUTS, LISTENS, CONVERSATIONS).flatmap(
    lambda given_input: kind(
        m.Performance,
        envelope=envelopes(),
        opening=OPENINGS,
        directions=DIRECTIONS,
        max_duration_s=SECONDS,
        **{name: st.just(value) for name, value in given_input.items()},
    )
)
SEGMENTS = kind(
    m.Segment,
    envelope=envelopes(),
    speech=st.none() | floats(3200),
    listen=st.none() | floats(3200),
    is_final=st.booleans(),
    opening=OPENINGS,
    directions=DIRECTIONS,
) | kind(
    m.Segment,
    envelope=envelopes(st.just(0)),
    speech=st.none(),
    is_final=st.just(True),
    opening=OPENINGS,
    driver_uri=URIS,
)
CUES = (
    kind(
        m.Cue,
        envelope=envelopes(),
        num_frames=st.just(5),
        is_final=st.booleans(),
        speak=st.none() | floats(st.integers(1, 50), st.just(16)),
        listen=st.none() | floats(st.integers(1, 250), st.just(16)),
        opening=OPENINGS,
        directions=DIRECTIONS,
    )
    | kind(
        m.Cue,
        envelope=envelopes(st.integers(1, 99)),
        num_frames=st.just(3),
        is_final=st.just(True),
        motion=floats(3, 58),
    )
    | kind(
        m.Cue,
        envelope=envelopes(st.integers(1, 99)),
        num_frames=st.sampled_from([0, 4]),
        is_final=st.just(False),
        pictures=st.lists(st.binary(max_size=30), min_size=1, max_size=4).map(tuple),
    )
    | kind(
        m.Cue,
        envelope=envelopes(st.integers(1, 99)),
        num_frames=st.just(2),
        is_final=st.just(True),
        waveform=floats(st.integers(1, 3200)),
    )
)
CHUNKS = kind(
    m.Chunk,
    envelope=envelopes(),
    frames=st.lists(st.binary(min_size=1, max_size=30), min_size=4, max_size=5).map(tuple),
    is_final=st.booleans(),
    opening=OPENINGS,
)
STATUSES = kind(
    m.Status,
    envelope=envelopes(),
    stage=TEXTS,
    kind=st.sampled_from(m.StatusKind),
    num_frames=LONG_COUNTS,
    video_uri=URIS,
    size_bytes=LONG_COUNTS,
    sha256=TEXTS,
    code=TEXTS.filter(bool),
    detail=TEXTS,
    notices=st.lists(kind(m.Notice, code=TEXTS.filter(bool), detail=TEXTS), max_size=2).map(tuple),
    steps_done=LONG_COUNTS,
    steps_expected=LONG_COUNTS,
)
VERDICTS = kind(
    m.Verdict,
    tenant=st.just(TENANT),
    subject=st.sampled_from(m.SubjectKind),
    subject_id=IDS,
    is_approved=st.booleans(),
    reasons=st.lists(
        kind(m.Reason, code=TEXTS, detail=TEXTS, score=st.none() | st.floats(0, 1)), max_size=3
    ).map(tuple),
    policy=TEXTS,
    created_at=TIMES,
    portrait_uri=URIS,
    face=COUNTS,
    epoch=COUNTS,
)
IDENTITIES = kind(
    m.Identity,
    tenant=st.just(TENANT),
    character_id=IDS,
    size=COUNTS,
    identity_uri=URIS,
    num_faces=COUNTS,
    created_at=TIMES,
    detail=TEXTS,
)
MESSAGES: dict[str, st.SearchStrategy[Any]] = {
    "control": kind(m.Control, envelope=envelopes(), kind=st.sampled_from(m.ControlKind)),
    "status": STATUSES,
    "character": kind(
        m.Character,
        tenant=st.just(TENANT),
        character_id=IDS,
        portrait_uri=URIS,
        face=COUNTS,
        consent=kind(m.Consent, kind=st.sampled_from(m.ConsentKind), granted_by=TEXTS, granted_at=TIMES),
        created_at=TIMES,
    ),
    "script": kind(
        m.Script,
        envelope=envelopes(),
        speech_text=TEXTS,
        direction_texts=st.lists(TEXTS, max_size=3).map(tuple),
        engine=TEXTS,
    ),
    "performance": PERFORMANCES,
    "segment": SEGMENTS,
    "verdict": VERDICTS,
    "identity": IDENTITIES,
    "cue": CUES,
    "chunk": CHUNKS,
    "clip": kind(
        m.Clip,
        envelope=envelopes(),
        clip_uri=URIS,
        first_frame=LONG_COUNTS,
        num_frames=st.integers(1, 2**32 - 1),
        is_final=st.booleans(),
    ),
}


@pytest.mark.parametrize("topic", TOPICS, ids=[topic.name for topic in TOPICS])
def test_any_message_is_read_as_it_was_written(topic: Topic[Any]) -> None:
    @settings(max_examples=60, deadline=None, derandomize=True)
    @given(MESSAGES[topic.name.split(".")[2]])
    def check(message: object) -> None:
        assert is_same(topic.decode(topic.encode(message)), message)

    check()
