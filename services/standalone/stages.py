"""The four stages from an input to a video, opened in one process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from services.encoding.handler import open_encoding
from services.encoding.handler import routes as encoding_routes
from services.generation.handler import Generation, LoadEngine, open_generation
from services.generation.handler import routes as generation_routes
from services.ingestion.domain import Limits
from services.ingestion.handler import open_ingestion
from services.ingestion.handler import routes as ingestion_routes
from services.ingestion.voice import SpeechSynthesizer
from services.kit.blobs import Blobs
from services.kit.bus import Bus
from services.kit.clock import Clock
from services.kit.egress import Egress
from services.kit.telemetry import Telemetry
from services.standalone.groups import Group
from services.stitching.handler import routes as stitching_routes

__all__ = ["Stages", "Studio", "open_studio"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stages:
    """What the stages stand on. What loads `engines` is called in threads; `slots` sessions share each."""

    bus: Bus
    blobs: Blobs
    clock: Clock
    workspace: Path
    voice: SpeechSynthesizer
    egress: Egress
    engines: Mapping[str, LoadEngine]
    slots: int
    encoders: int = 2
    painters: int = 3
    limits: Limits = field(default_factory=Limits)
    telemetry: Telemetry = field(default_factory=Telemetry)


@dataclass(frozen=True, slots=True, kw_only=True)
class Studio:
    """The open stages: the groups to be consumed, and the one that takes its time to warm up."""

    groups: Sequence[Group]
    generation: Generation


async def open_studio(stack: AsyncExitStack, stages: Stages) -> Studio:
    """Open every stage on `stack`, which is to be left in the task that enters it."""
    bus, blobs, clock, workspace = stages.bus, stages.blobs, stages.clock, stages.workspace
    pool = stack.enter_context(ThreadPoolExecutor(stages.encoders, thread_name_prefix="encoding"))
    ingestion = await stack.enter_async_context(
        open_ingestion(
            bus=bus,
            blobs=blobs,
            voice=stages.voice,
            egress=stages.egress,
            workspace=workspace,
            limits=stages.limits,
        )
    )
    encoding = await stack.enter_async_context(
        open_encoding(bus=bus, blobs=blobs, clock=clock, pool=pool, telemetry=stages.telemetry)
    )
    generation = await stack.enter_async_context(
        open_generation(
            bus=bus,
            blobs=blobs,
            clock=clock,
            engines=stages.engines,
            slots=stages.slots,
            telemetry=stages.telemetry,
            threads=stages.painters,
        )
    )
    groups = (
        Group(name="ingestion", routes=ingestion_routes(ingestion)),
        Group(name="encoding", routes=encoding_routes(encoding)),
        Group(name="generation", routes=generation_routes(generation)),
        Group(name="stitching", routes=stitching_routes(bus, blobs, clock, workspace)),
    )
    return Studio(groups=groups, generation=generation)
