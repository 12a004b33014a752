"""One performance in one process, for the command: the stages of the platform on embedded adapters."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from services.kit import messages as m
from services.kit.bus import Bus
from services.kit.consumer import Receipt, Route, consume, settling
from services.kit.errors import BadInput, Fatal, Retryable
from services.kit.topics import CHUNKS, CLIPS, CUES, IDENTITIES, PERFORMANCES, SEGMENTS, STATUSES, Topic
from services.standalone.failures import worst_of
from services.standalone.groups import Group
from services.standalone.local_blobs import LocalBlobs

__all__ = ["Audience", "Finished", "OpenStages", "produce"]

# Opens stages on a stack and returns their groups, which are to be consumed.
OpenStages = Callable[[AsyncExitStack], Awaitable[Sequence[Group]]]

_WORK: Final[tuple[Topic[Any], ...]] = (PERFORMANCES, SEGMENTS, CUES, CHUNKS)
_LAST_WORDS_S: Final = 0.2
# What is wrong then is nothing that the user gave.
_OUR_FAULTS: Final = (
    "bad_message",
    "blob_missing",
    "generation_failed",
    "identity_damaged",
    "identity_missing",
    "session_lost",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """Who is told meanwhile: of the frames of each clip, the faces that the portrait shows, and notices.

    Of an engine that takes many steps before it shows anything, of those that are done and of all.
    """

    show_frames: Callable[[int], None]
    show_steps: Callable[[int, int], None]
    show_faces: Callable[[int], None]
    show_notice: Callable[[m.Notice], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A finished video, and its motion, float32 [num_frames, 58], where its engine makes motion."""

    path: Path
    num_frames: int
    motion: Path | None


def produce(
    performance: m.Performance, bus: Bus, blobs: LocalBlobs, open_stages: OpenStages, audience: Audience
) -> Finished:
    """Perform on stages that speak through `bus`, and return the video and its motion, which are blobs.

    Raises BadInput with what a stage found wrong, and Fatal where the platform would wait and try again:
    nobody mends anything while a command runs.
    """
    try:
        status = asyncio.run(_produce(performance, bus, open_stages, audience))
    except BaseExceptionGroup as group:
        raise worst_of(group) from None
    if status.kind is m.StatusKind.FAILED:
        raise (Fatal if status.code in _OUR_FAULTS else BadInput)(status.detail)
    return Finished(
        path=blobs.path(status.video_uri),
        num_frames=status.num_frames,
        motion=blobs.path(status.motion_uri) if status.motion_uri else None,
    )


async def _produce(
    performance: m.Performance, bus: Bus, open_stages: OpenStages, audience: Audience
) -> m.Status:
    viewer = _Viewer(audience)
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as tasks:
        groups = [*await open_stages(stack), Group(name="standalone", routes=viewer.routes())]
        consumers = [
            tasks.create_task(
                consume(bus, group.name, [_impatient(route) for route in group.routes], grace_s=0.0)
            )
            for group in groups
        ]
        # Each joins the bus in its first step; only then may something be published.
        await asyncio.sleep(0)
        await bus.publish([PERFORMANCES.outgoing(performance)])
        status = await viewer.ended
        for consumer in consumers:
            consumer.cancel()
    return status


class _Viewer:
    """Follows a performance to its end."""

    def __init__(self, audience: Audience) -> None:
        self.ended: asyncio.Future[m.Status] = asyncio.get_running_loop().create_future()
        self._audience = audience

    def routes(self) -> list[Route[Any]]:
        return [
            Route(topic=CLIPS, handle=settling(self._see_clip)),
            Route(topic=STATUSES, handle=settling(self._see_status)),
            Route(topic=IDENTITIES, handle=settling(self._see_identity)),
            *(Route(topic=_dead(topic), handle=settling(self._see_dead)) for topic in _WORK),
        ]

    async def _see_clip(self, clip: m.Clip) -> None:
        self._audience.show_frames(clip.num_frames)

    async def _see_dead(self, _message: object) -> None:
        # Whoever sets a message aside says why before; its words may still be on their way.
        await asyncio.sleep(_LAST_WORDS_S)
        if not self.ended.done():
            self.ended.set_exception(Fatal("a message between the stages could not be handled"))

    async def _see_identity(self, identity: m.Identity) -> None:
        self._audience.show_faces(identity.num_faces)

    async def _see_status(self, status: m.Status) -> None:
        for notice in status.notices:
            self._audience.show_notice(notice)
        if status.steps_expected:
            self._audience.show_steps(status.steps_done, status.steps_expected)
        ends = status.kind in (m.StatusKind.FINISHED, m.StatusKind.FAILED)
        if ends and not self.ended.done():
            self.ended.set_result(status)


def _dead(topic: Topic[Any]) -> Topic[Any]:
    """The same messages, where those lie that could not be handled."""
    return replace(topic, name=topic.dead)


def _impatient(route: Route[Any]) -> Route[Any]:
    """A route that ends the process where it would try again."""

    async def handle_once(message: object, receipt: Receipt) -> None:
        try:
            await route.handle(message, receipt)
        except Retryable as error:
            raise Fatal(str(error)) from error

    return replace(route, handle=handle_once)
