"""An ingestion service of its own, whose bus, voice and name server are the test's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from services.ingestion.domain import Limits
from services.ingestion.handler import Ingestion, open_ingestion
from services.kit import messages as m
from services.kit.bus import Outgoing
from services.kit.consumer import Receipt
from services.kit.egress import Egress, EgressPolicy
from services.kit.errors import Unavailable
from services.kit.folder_blobs import FolderBlobs
from services.kit.memory_bus import MemoryBus
from services.kit.topics import SEGMENTS, STATUSES

NOW = datetime(2026, 1, 2, tzinfo=UTC)


class RecordingBus(MemoryBus):
    """Remembers what was published; does not answer the first `failures` times, and waits at a gate."""

    def __init__(self) -> None:
        super().__init__()
        self.published: list[Outgoing] = []
        self.failures = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def publish(self, records: Sequence[Outgoing]) -> None:
        await self.gate.wait()
        if self.failures:
            self.failures -= 1
            raise Unavailable("the broker does not answer")
        self.published += records


class FakeVoice:
    """Speaks by copying a file; counts how often, and is not there the first `failures` times."""

    def __init__(self, recording: Path | None = None, failures: int = 0) -> None:
        self.recording = recording
        self.failures = failures
        self.spoken: list[tuple[str, str, str]] = []

    async def speak(self, text: str, voice: str, language: str, path: Path) -> str:
        self.spoken.append((text, voice, language))
        if self.failures:
            self.failures -= 1
            raise Unavailable("nobody speaks")
        assert self.recording is not None
        path.write_bytes(self.recording.read_bytes())
        return "audio/wav"


class Studio:
    """One ingestion service and everything around it."""

    def __init__(self, folder: Path, voice: FakeVoice | None = None, limits: Limits | None = None) -> None:
        self.workspace = folder / "workspace"
        self.workspace.mkdir(parents=True, exist_ok=True)
        self.bus = RecordingBus()
        self.blobs = FolderBlobs(folder / "blobs", force=lambda _: None)
        self.voice = voice or FakeVoice()
        self.settled: list[str] = []
        self._limits = limits or Limits(fetch_attempts=1, voice_attempts=1)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Ingestion]:
        policy = EgressPolicy(allowed_networks=(ip_network("127.0.0.1/32"),))
        async with open_ingestion(
            bus=self.bus,
            blobs=self.blobs,
            voice=self.voice,
            egress=Egress(policy),
            workspace=self.workspace,
            limits=self._limits,
        ) as ingestion:
            yield ingestion

    def receipt(self, name: str = "per_a", partition: int = 0) -> Receipt:
        return Receipt(partition, lambda: self.settled.append(name))

    async def finish(self, *performances: m.Performance) -> None:
        """Serve performances until each is settled."""
        expected = len(self.settled) + len(performances)
        async with self.open() as ingestion:
            for performance in performances:
                await ingestion.perform(performance, self.receipt(performance.envelope.session_id))
            await self.until(lambda: len(self.settled) >= expected)

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(60):
            while not is_so():
                await asyncio.sleep(0.005)

    def segments(self, session_id: str = "per_a") -> list[m.Segment]:
        found = (SEGMENTS.decode(r.value) for r in self.bus.published if r.topic == SEGMENTS.name)
        return [segment for segment in found if segment.envelope.session_id == session_id]

    def statuses(self) -> list[m.Status]:
        return [STATUSES.decode(r.value) for r in self.bus.published if r.topic == STATUSES.name]

    def failure(self) -> tuple[str, str]:
        """Code and detail of the only failure."""
        [failed] = [status for status in self.statuses() if status.kind is m.StatusKind.FAILED]
        return failed.code, failed.detail


def opening() -> m.Opening:
    return m.Opening(
        character_id="chr_a",
        portrait_uri="ten_a/p",
        face=0,
        size=64,
        engine="lpm",
        seed=1,
        identity_uri="ten_a/identity",
    )


def performance(session_id: str = "per_a", epoch: int = 0, **fields: Any) -> m.Performance:
    envelope = m.Envelope(tenant="ten_a", session_id=session_id, epoch=epoch, sequence=0, created_at=NOW)
    return m.Performance(envelope=envelope, opening=opening(), **fields)


def cancel(session_id: str = "per_a", epoch: int = 0) -> m.Control:
    return m.Control(
        envelope=performance(session_id, epoch).envelope,
        kind=m.ControlKind.CANCEL,
    )


@pytest.fixture
def studio(tmp_path: Path) -> Callable[..., Studio]:
    """Make a service; its files lie in a folder of its own if it is named."""

    def make(name: str = "studio", voice: FakeVoice | None = None, limits: Limits | None = None) -> Studio:
        return Studio(tmp_path / name, voice, limits)

    return make
