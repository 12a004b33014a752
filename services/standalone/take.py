"""One take of the command: the user's files go into the pipeline, and what comes of them to its place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from services.ingestion.adapters.espeak import EspeakVoice
from services.kit import messages as m
from services.kit.blobs import Blobs
from services.kit.bus import Bus
from services.kit.clock import Clock, SystemClock
from services.kit.egress import Egress, EgressPolicy
from services.kit.errors import BadInput
from services.kit.logs import configure_logs
from services.kit.memory_bus import MemoryBus
from services.kit.settings import TelemetrySettings
from services.standalone.local_blobs import LocalBlobs
from services.standalone.motion_file import write_motion_file
from services.standalone.output import fill_output, open_workspace
from services.standalone.terminal import Outcome, Terminal

if TYPE_CHECKING:  # the models load while the inputs are looked at
    from services.generation.engine import Engine
    from services.generation.handler import LoadEngine
    from services.generation.offline import Offline
    from services.standalone.groups import Group

__all__ = ["Take", "Track", "film"]

_TENANT: Final = "local"
_CHARACTER: Final = "character"
_SESSION: Final = "performance"
_PORTRAIT_KEY: Final = f"{_TENANT}/characters/{_CHARACTER}/portrait"


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """A file that drives the portrait: `name` is what the pipeline calls it, `option` what the user does."""

    name: Literal["speech", "listen", "driver"]
    option: str
    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """What is to be filmed; `motion` is where its motion is written to as well."""

    portrait: Path
    tracks: Sequence[Track]
    output: Path
    size: int
    seed: int
    face: int | None
    engine: str
    directions: tuple[m.Direction, ...] = ()
    intensity: m.MotionIntensity | None = None
    motion: Path | None = None


def film(take: Take, duration_s: float | None, terminal: Terminal) -> Outcome:
    """Make the video; `duration_s` is how long it will probably be.

    Raises BadInput, naming the user's file, when a stage cannot use it; Fatal when something else fails.
    """
    configure_logs("standalone", TelemetrySettings(log_level="error", log_format="console"))
    with (
        open_workspace(take.output) as folder,
        _loading(take.engine) as load_engine,
        terminal.follow(duration_s) as show_frames,
    ):
        from services.standalone.production import Audience, produce

        clock = SystemClock()
        blobs = LocalBlobs(folder / "blobs", f"output {take.output}")
        _lend(take, blobs)
        bus = MemoryBus(partitions=1)
        open_stages = partial(_open_stages, bus, blobs, clock, folder, {take.engine: load_engine})
        audience = Audience(
            show_frames=show_frames,
            show_steps=terminal.show_steps,
            show_faces=lambda count: _note_faces(take, count, terminal),
            show_notice=lambda notice: terminal.note(_in_options(notice.detail, take)),
        )
        try:
            finished = produce(_performance(take, clock), bus, blobs, open_stages, audience)
        except BadInput as error:
            raise BadInput(_name_the_file(str(error), take)) from error
        if take.motion is not None and finished.motion is not None:
            write_motion_file(finished.motion, take.motion)
        fill_output(finished.path, take.output)
        return Outcome(num_frames=finished.num_frames)


def _lend(take: Take, blobs: LocalBlobs) -> None:
    blobs.lend(_PORTRAIT_KEY, take.portrait)
    for track in take.tracks:
        blobs.lend(_key(track), track.path)


@contextmanager
def _loading(engine: str) -> Iterator[LoadEngine]:
    """Load an engine in a thread, beside everything that comes before it is needed."""

    def load() -> Engine[Any] | Offline:
        from services.generation.loading import load_engine

        return load_engine(engine)

    with ThreadPoolExecutor(1, thread_name_prefix="loading") as pool:
        yield pool.submit(load).result


async def _open_stages(
    bus: Bus,
    blobs: Blobs,
    clock: Clock,
    workspace: Path,
    engines: Mapping[str, LoadEngine],
    stack: AsyncExitStack,
) -> Sequence[Group]:
    from services.standalone.stages import Stages, open_studio

    stages = Stages(
        bus=bus,
        blobs=blobs,
        clock=clock,
        workspace=workspace,
        voice=EspeakVoice(),
        egress=Egress(EgressPolicy()),
        engines=engines,
        slots=1,
    )
    return (await open_studio(stack, stages)).groups


def _performance(take: Take, clock: Clock) -> m.Performance:
    envelope = m.Envelope(tenant=_TENANT, session_id=_SESSION, epoch=0, sequence=0, created_at=clock.now())
    opening = m.Opening(
        character_id=_CHARACTER,
        portrait_uri=_PORTRAIT_KEY,
        face=take.face or 0,
        size=take.size,
        engine=take.engine,
        seed=take.seed,
        motion_intensity=take.intensity,
    )
    keys = {track.name: _key(track) for track in take.tracks}
    return m.Performance(
        envelope=envelope,
        opening=opening,
        directions=take.directions,
        speech_uri=keys.get("speech", ""),
        listen_uri=keys.get("listen", ""),
        driver_uri=keys.get("driver", ""),
    )


def _key(track: Track) -> str:
    return f"{_TENANT}/performances/{_SESSION}/{track.name}"


def _note_faces(take: Take, num_faces: int, terminal: Terminal) -> None:
    if num_faces > 1 and take.face is None:
        terminal.note(
            f"the portrait shows {num_faces} faces, the largest is used "
            f"(--face 1 to {num_faces} picks one, largest first)"
        )


def _name_the_file(fault: str, take: Take) -> str:
    """What a stage says, with what the user calls the things it speaks of."""
    for track in take.tracks:
        if fault.startswith(f"{track.name} "):
            return fault.replace(track.name, f"{track.option} {track.path}", 1)
    return f"--{fault}" if fault.startswith("face ") else fault


def _in_options(notice: str, take: Take) -> str:
    """A notice about tracks, with what the user calls them."""
    for track in take.tracks:
        notice = re.sub(rf"\b{track.name}\b", track.option, notice)
    return notice
