from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.kit import messages as m
from services.kit.consumer import Route, settling
from services.kit.errors import BadInput, BadMessage, Fatal, Unavailable
from services.kit.memory_bus import MemoryBus
from services.kit.topics import CLIPS, IDENTITIES, PERFORMANCES, STATUSES
from services.standalone.groups import Group
from services.standalone.local_blobs import LocalBlobs
from services.standalone.production import Audience, Finished, produce

Act = Callable[[MemoryBus], Awaitable[None]]

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ENVELOPE = m.Envelope(tenant="local", session_id="p", epoch=0, sequence=0, created_at=NOW)
OPENING = m.Opening(character_id="c", portrait_uri="local/c/portrait", face=0, size=512, engine="lpm", seed=0)
PERFORMANCE = m.Performance(envelope=ENVELOPE, opening=OPENING, speech_uri="local/p/speech")
FINISHED = m.Status(
    envelope=ENVELOPE,
    stage="stitching",
    kind=m.StatusKind.FINISHED,
    num_frames=63,
    video_uri="local/p/video.mp4",
    motion_uri="local/p/motion",
    size_bytes=5,
    sha256="0" * 64,
)
FAILED = m.Status(
    envelope=ENVELOPE,
    stage="encoding",
    kind=m.StatusKind.FAILED,
    code="no_face",
    detail="portrait shows nobody",
)


class _Told:
    def __init__(self) -> None:
        self.frames: list[int] = []
        self.steps: list[tuple[int, int]] = []
        self.faces: list[int] = []
        self.notices: list[str] = []
        self.audience = Audience(
            show_frames=self.frames.append,
            show_steps=lambda done, expected: self.steps.append((done, expected)),
            show_faces=self.faces.append,
            show_notice=lambda notice: self.notices.append(notice.code),
        )


def _produce(folder: Path, act: Act, audience: Audience | None = None) -> Finished:
    """Perform on a single stage that does `act` when the performance comes."""
    bus = MemoryBus()

    async def perform(_performance: m.Performance) -> None:
        await act(bus)

    async def open_stages(_stack: AsyncExitStack) -> Sequence[Group]:
        return [Group(name="stage", routes=[Route(topic=PERFORMANCES, handle=settling(perform))])]

    blobs = LocalBlobs(folder, "output a.mp4")
    return produce(PERFORMANCE, bus, blobs, open_stages, audience or _Told().audience)


def _saying(status: m.Status) -> Act:
    async def act(bus: MemoryBus) -> None:
        await bus.publish([STATUSES.outgoing(status)])

    return act


def test_the_finished_video_and_its_motion_are_where_their_blobs_lie(tmp_path: Path) -> None:
    finished = _produce(tmp_path, _saying(FINISHED))
    assert finished == Finished(
        path=tmp_path / "local/p/video.mp4", num_frames=63, motion=tmp_path / "local/p/motion"
    )


def test_the_audience_hears_of_frames_and_faces(tmp_path: Path) -> None:
    async def act(bus: MemoryBus) -> None:
        identity = m.Identity(
            tenant="local", character_id="c", size=512, identity_uri="local/i", num_faces=2, created_at=NOW
        )
        await bus.publish([IDENTITIES.outgoing(identity)])
        for sequence, num_frames in enumerate((50, 13)):
            clip = m.Clip(
                envelope=replace(ENVELOPE, sequence=sequence),
                clip_uri=f"local/clips/{sequence}",
                first_frame=50 * sequence,
                num_frames=num_frames,
                is_final=sequence == 1,
            )
            await bus.publish([CLIPS.outgoing(clip)])
        await bus.publish([STATUSES.outgoing(FINISHED)])

    told = _Told()
    _produce(tmp_path, act, told.audience)
    assert (told.faces, told.frames) == ([2], [50, 13])


def test_the_audience_hears_of_notices(tmp_path: Path) -> None:
    told = _Told()
    notices = (m.Notice(code="listen_shorter", detail="listen lasts 2 s"),)
    _produce(tmp_path, _saying(replace(FINISHED, notices=notices)), told.audience)
    assert told.notices == ["listen_shorter"]


def test_the_audience_hears_of_steps_and_waits_on(tmp_path: Path) -> None:
    async def act(bus: MemoryBus) -> None:
        status = replace(FINISHED, kind=m.StatusKind.PROGRESSED, steps_done=3, steps_expected=12)
        await bus.publish([STATUSES.outgoing(status), STATUSES.outgoing(FINISHED)])

    told = _Told()
    assert _produce(tmp_path, act, told.audience).num_frames == 63
    assert told.steps == [(3, 12)]


def test_what_is_wrong_with_an_input_is_the_users_fault(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="portrait shows nobody"):
        _produce(tmp_path, _saying(FAILED))


def test_a_lost_session_is_not_the_users_fault(tmp_path: Path) -> None:
    with pytest.raises(Fatal):
        _produce(tmp_path, _saying(replace(FAILED, code="session_lost")))


def test_nothing_is_waited_for(tmp_path: Path) -> None:
    async def act(bus: MemoryBus) -> None:
        raise Unavailable("the disk is full")

    with pytest.raises(Fatal, match="the disk is full"):
        _produce(tmp_path, act)


def test_a_bug_is_raised_as_itself(tmp_path: Path) -> None:
    async def act(bus: MemoryBus) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        _produce(tmp_path, act)


def test_a_message_that_was_set_aside_without_a_word_is_no_endless_wait(tmp_path: Path) -> None:
    async def act(bus: MemoryBus) -> None:
        raise BadMessage("nobody understands it")

    with pytest.raises(Fatal, match="could not be handled"):
        _produce(tmp_path, act)
