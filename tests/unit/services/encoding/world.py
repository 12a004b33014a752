"""Encoding with everything around it made of a few lines: a test sees each cue and each settling."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

import numpy as np

from services.encoding.faults import Fault
from services.encoding.handler import Encoding, open_encoding
from services.encoding.session import Limits
from services.encoding.workshop import Bundle, Led, Workshop
from services.kit import contracts
from services.kit.blobs import BlobInfo
from services.kit.bus import Outgoing
from services.kit.consumer import Receipt
from services.kit.contracts import CHUNK_SAMPLES, FloatArray, Footage, Motion
from services.kit.errors import BlobMissing, Stale, Unavailable
from services.kit.messages import (
    Control,
    ControlKind,
    Cue,
    Direction,
    Envelope,
    Identity,
    Opening,
    Segment,
    Status,
    SubjectKind,
    Verdict,
)
from services.kit.topics import CUES, IDENTITIES, STATUSES

NOW = datetime(2026, 11, 21, tzinfo=UTC)
PORTRAIT = "t/characters/c/portrait"


class LateEcho:
    """A `Streams` that answers a segment when the next one is known, with the sums of both."""

    def __init__(self) -> None:
        self._last: contracts.Segment | None = None

    def push(self, segment: contracts.Segment) -> list[contracts.Cue]:
        answered = [] if self._last is None else [_answer(self._last, _sum(segment.speech))]
        self._last = segment
        return [*answered, _answer(segment, 0.0)] if segment.is_final else answered


def _answer(segment: contracts.Segment, after: float) -> contracts.Cue:
    speak = np.array([[_sum(segment.speech), after]], np.float32)
    listen = np.array([[_sum(segment.listen), 0.0]], np.float32)
    return contracts.Cue(
        sequence=segment.sequence,
        num_frames=5,
        speak=None if segment.speech is None else speak,
        listen=None if segment.listen is None else listen,
    )


def _sum(samples: FloatArray | None) -> float:
    return 0.0 if samples is None else float(samples.sum())


class CountingWorkshop:
    """A `Workshop` that counts what it makes."""

    def __init__(self) -> None:
        self.num_bundles = 0

    def build_bundle(self, engine: str, portrait: bytes, size: int, face: int) -> Bundle:
        if portrait == b"landscape":
            raise Fault("no_face", "portrait shows no face that can be found, expected one")
        self.num_bundles += 1
        prefix = b"" if engine == "lpm" else engine.encode()
        return Bundle(data=prefix + portrait + bytes([face]) + str(size).encode(), num_faces=2)

    def open_driver(self, engine: str, path: Path, is_stopped: Event) -> Iterator[Led]:
        data = path.read_bytes()
        if not data:
            raise Fault("driver_without_face", "driver cannot be used: no face")
        for sequence, value in enumerate(data):
            if engine == "lpm":
                yield Motion(sequence=sequence, frames=np.full((5, 58), value, np.float32))
            else:
                is_last = sequence == len(data) - 1
                yield Footage(sequence=sequence, num_frames=4 * is_last, pictures=(bytes([value]),))

    @property
    def workshop(self) -> Workshop:
        return Workshop(
            build_bundle=self.build_bundle,
            open_streams=lambda _engine: LateEcho(),
            open_driver=self.open_driver,
        )


class DictBlobs:
    """`Blobs` in a dictionary; the next `outages` calls fail."""

    def __init__(self) -> None:
        self.blobs = {PORTRAIT: b"face", "t/performances/s/driver": b"\1\2\3"}
        self.outages = 0

    def _answer(self) -> None:
        if self.outages:
            self.outages -= 1
            raise Unavailable("the store is down")

    async def put(self, key: str, data: bytes, content_type: str) -> None:
        self._answer()
        self.blobs[key] = data

    async def get(self, key: str) -> bytes:
        self._answer()
        await asyncio.sleep(0)
        if key not in self.blobs:
            raise BlobMissing(key)
        return self.blobs[key]

    async def get_file(self, key: str, path: Path) -> None:
        path.write_bytes(await self.get(key))

    async def info(self, key: str) -> BlobInfo | None:
        self._answer()
        return BlobInfo(size_bytes=len(self.blobs[key]), etag="") if key in self.blobs else None


class ListBus:
    """A `Bus` that lists what is published; the next `outages` calls fail."""

    def __init__(self) -> None:
        self.records: list[Outgoing] = []
        self.outages = 0

    async def publish(self, records: Sequence[Outgoing]) -> None:
        await asyncio.sleep(0)
        if self.outages:
            self.outages -= 1
            raise Unavailable("the broker is down")
        self.records += records

    @property
    def cues(self) -> list[Cue]:
        return [CUES.decode(record.value) for record in self.records if record.topic == CUES.name]

    @property
    def identities(self) -> list[Identity]:
        return [IDENTITIES.decode(record.value) for record in self.records if record.topic == IDENTITIES.name]

    @property
    def statuses(self) -> list[Status]:
        return [STATUSES.decode(record.value) for record in self.records if record.topic == STATUSES.name]


class StoppedClock:
    """A `Clock` that stands still until told."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return self.seconds


class World:
    """What outlives a process: the bus, the blobs, and which segments are settled."""

    def __init__(self) -> None:
        self.bus = ListBus()
        self.blobs = DictBlobs()
        self.clock = StoppedClock()
        self.maker = CountingWorkshop()
        self.settled: set[tuple[str, int, int]] = set()

    @asynccontextmanager
    async def process(self, limits: Limits | None = None) -> AsyncIterator[Encoding]:
        """A process of encoding."""
        with ThreadPoolExecutor(2) as pool:
            async with open_encoding(
                bus=self.bus,  # type: ignore[arg-type]  # nobody subscribes here
                blobs=self.blobs,  # type: ignore[arg-type]  # encoding needs no streams
                clock=self.clock,
                pool=pool,
                workshop=self.maker.workshop,
                limits=limits,
            ) as encoding:
                yield encoding

    async def deliver(self, encoding: Encoding, segments: Iterable[Segment]) -> None:
        """Hand over segments as the consumer loop does."""
        for segment in segments:
            receipt = self.receipt(segment)
            try:
                await encoding.take(segment, receipt)
            except Stale:
                receipt.settle()

    def receipt(self, segment: Segment, partition: int = 0) -> Receipt:
        envelope = segment.envelope
        name = (envelope.session_id, envelope.epoch, envelope.sequence)
        return Receipt(partition, lambda: self.settled.add(name))

    def are_settled(self, segments: Iterable[Segment]) -> bool:
        """Whether all of them are settled."""
        names = {(s.envelope.session_id, s.envelope.epoch, s.envelope.sequence) for s in segments}
        return names <= self.settled

    async def until(self, is_met: Callable[[], bool]) -> None:
        """Wait for something to come true."""
        async with asyncio.timeout(60):
            while not is_met():
                await asyncio.sleep(0.001)


def make_opening(**changes: object) -> Opening:
    fields: dict[str, object] = {
        "character_id": "c",
        "portrait_uri": PORTRAIT,
        "face": 0,
        "size": 256,
        "engine": "lpm",
        "seed": 3,
    }
    return Opening(**(fields | changes))  # type: ignore[arg-type]  # the fields of an opening


def make_segments(session_id: str = "s", count: int = 9, epoch: int = 0) -> list[Segment]:
    """The segments of a speech; the fifth says which direction is in force."""
    chance = np.random.default_rng([count, epoch])
    smile = (Direction(start_s=0.8, end_s=0.0, text="smile"),)
    return [
        Segment(
            envelope=_envelope(session_id, n, epoch),
            speech=chance.normal(size=CHUNK_SAMPLES - 100 * (n == count - 1)).astype(np.float32),
            is_final=n == count - 1,
            opening=make_opening() if n == 0 else None,
            directions=smile if n == 4 else (),
        )
        for n in range(count)
    ]


def make_driven(driver_uri: str = "t/performances/s/driver") -> Segment:
    return Segment(
        envelope=_envelope("s", 0, 0),
        speech=None,
        is_final=True,
        opening=make_opening(),
        driver_uri=driver_uri,
    )


def make_verdict(**changes: object) -> Verdict:
    fields: dict[str, object] = {
        "tenant": "t",
        "subject": SubjectKind.CHARACTER,
        "subject_id": "c",
        "is_approved": True,
        "reasons": (),
        "policy": "p",
        "created_at": NOW,
        "portrait_uri": PORTRAIT,
        "face": 1,
    }
    return Verdict(**(fields | changes))  # type: ignore[arg-type]  # the fields of a verdict


def cancel(session_id: str = "s", epoch: int = 0) -> Control:
    return Control(envelope=_envelope(session_id, 0, epoch), kind=ControlKind.CANCEL)


def _envelope(session_id: str, sequence: int, epoch: int) -> Envelope:
    return Envelope(tenant="t", session_id=session_id, epoch=epoch, sequence=sequence, created_at=NOW)
