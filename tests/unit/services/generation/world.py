"""Generation with everything around it made of a few lines: a test sees each byte and each settling."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from services.generation.domain import Loudness
from services.generation.engine import Rows
from services.generation.handler import Generation, LoadEngine, open_generation
from services.generation.session import Limits
from services.kit import contracts
from services.kit.blobs import BlobInfo
from services.kit.bus import Outgoing
from services.kit.consumer import Receipt
from services.kit.contracts import FloatArray, Motion
from services.kit.errors import BadMessage, BlobMissing, Stale, Unavailable
from services.kit.messages import Chunk, Control, ControlKind, Cue, Direction, Envelope, Opening, Status
from services.kit.telemetry import Telemetry
from services.kit.topics import CHUNKS, STATUSES

State = NDArray[np.float64]
NOW = datetime(2026, 11, 21, tzinfo=UTC)
SPEAK_SHAPE = (3, 2)
LISTEN_SHAPE = (4, 2)
MOTION_WIDTH = 58


class EchoEngine:
    """An `Engine` whose row is a running mix of everything it heard and of its noise."""

    def __init__(self, max_rows: int = 64) -> None:
        self._max_rows = max_rows
        self.widths: set[int] = set()
        self.rows_of_steps: list[int] = []

    @property
    def lag(self) -> int:
        return 0

    @property
    def max_rows(self) -> int:
        return self._max_rows

    @property
    def noise_shape(self) -> tuple[int, ...]:
        return (MOTION_WIDTH,)

    def check(self, cue: contracts.Cue) -> None:
        for stream, shape in ((cue.speak, SPEAK_SHAPE), (cue.listen, LISTEN_SHAPE)):
            if stream is not None and stream.shape != shape:
                raise ValueError(f"a stream is {stream.shape}, expected {shape}")

    def read_identity(self, bundle: bytes) -> HashRole:
        if bundle == b"damaged":
            raise ValueError("not a bundle")
        return HashRole(bundle)

    def loudness(self, cue: contracts.Cue) -> tuple[Loudness | None, Loudness | None]:
        return _loudness(cue.speak), _loudness(cue.listen)

    def init_state(self, slots: int) -> State:
        return np.zeros((slots, MOTION_WIDTH))

    def reset(self, state: State, rows: Rows) -> State:
        return state * ~rows[:, None]

    def step(
        self, state: State, cues: Sequence[contracts.Cue | None], noise: FloatArray
    ) -> tuple[list[Motion | None], State]:
        self.widths.add(len(cues))
        self.rows_of_steps.append(sum(cue is not None for cue in cues))
        heard = np.array([[0.0 if cue is None else _mix(cue)] for cue in cues])
        active = np.array([[cue is not None] for cue in cues])
        state = np.where(active, state * 0.5 + heard + noise, state)
        return [
            None
            if cue is None
            else Motion(sequence=cue.sequence, frames=np.tile(row, (cue.num_frames, 1)).astype(np.float32))
            for cue, row in zip(cues, state, strict=True)
        ], state

    def join(self, states: Sequence[State]) -> State:
        return np.concatenate(states)

    def split(self, state: State) -> list[State]:
        return [row[None] for row in state]

    def dump(self, state: State) -> bytes:
        return state.tobytes()

    def load(self, data: bytes) -> State:
        if len(data) != 8 * MOTION_WIDTH:
            raise ValueError(f"a row has {len(data)} bytes")
        return np.frombuffer(data).reshape(1, MOTION_WIDTH).copy()


def _mix(cue: contracts.Cue) -> float:
    """A number that tells streams, their absence and directions apart."""
    streams = [float("0.1" if stream is None else stream.sum()) for stream in (cue.speak, cue.listen)]
    return streams[0] + 2 * streams[1] + sum(len(text) for text in cue.directions)


def _loudness(window: FloatArray | None) -> Loudness | None:
    """As loud as its first number says."""
    return None if window is None else Loudness(full_scale_db=-20.0, relative_db=float(window[0, 0]))


class HashDecoder:
    """A `Decoder` whose pictures are a digest of the identity and the motion."""

    def __init__(self, identity: bytes) -> None:
        self._identity = identity

    def decode(self, motion: Motion) -> contracts.Chunk:
        digests = [sha256(self._identity + frame.tobytes()).digest()[:12] for frame in motion.frames]
        pictures = np.frombuffer(b"".join(digests), np.uint8).reshape(-1, 2, 2, 3)
        return contracts.Chunk(sequence=motion.sequence, frames=pictures)


class ChainEncoder:
    """A `VideoEncoder` whose access units depend on all before them in their clip."""

    def __init__(self) -> None:
        self._chain = b""

    def encode(self, chunk: contracts.Chunk) -> tuple[bytes, ...]:
        if chunk.sequence % 10 == 0:
            self._chain = b""
        return tuple(self._next(picture.tobytes()) for picture in chunk.frames)

    def _next(self, picture: bytes) -> bytes:
        self._chain = sha256(self._chain + picture).digest()
        return self._chain


class HashRole:
    """A `Role` that rows know nothing of."""

    def __init__(self, identity: bytes) -> None:
        self._identity = identity

    def seat(self, row: State) -> State:
        return row

    def decoders(self, count: int) -> list[HashDecoder]:
        return [HashDecoder(self._identity) for _ in range(count)]


class DictBlobs:
    """`Blobs` in a dictionary; the next `outages` calls fail."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {"t/characters/c/identity/512-0.bundle": b"face"}
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
        if key not in self.blobs:
            raise BlobMissing(key)
        return self.blobs[key]

    async def info(self, key: str) -> BlobInfo | None:
        self._answer()
        return BlobInfo(size_bytes=len(self.blobs[key]), etag="") if key in self.blobs else None

    async def delete(self, prefix: str) -> int:
        self._answer()
        doomed = [key for key in self.blobs if key.startswith(prefix)]
        for key in doomed:
            del self.blobs[key]
        return len(doomed)


class ListBus:
    """A `Bus` that lists what is published; the next `outages` calls fail."""

    def __init__(self) -> None:
        self.records: list[Outgoing] = []
        self.outages = 0
        self.refused_sequence: int | None = None

    async def publish(self, records: Sequence[Outgoing]) -> None:
        await asyncio.sleep(0)
        if self.outages:
            self.outages -= 1
            raise Unavailable("the broker is down")
        for record in records:
            if record.topic == CHUNKS.name and self._sequence_of(record) == self.refused_sequence:
                raise BadMessage("the record is too large")
        self.records += records

    def _sequence_of(self, record: Outgoing) -> int:
        return CHUNKS.decode(record.value).envelope.sequence

    @property
    def chunks(self) -> list[Chunk]:
        return [CHUNKS.decode(record.value) for record in self.records if record.topic == CHUNKS.name]

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
    """What outlives a process: the bus, the blobs, and which cues are settled."""

    def __init__(self, slots: int = 3, others: Mapping[str, LoadEngine] = MappingProxyType({})) -> None:
        self.others = others
        self.bus = ListBus()
        self.blobs = DictBlobs()
        self.clock = StoppedClock()
        self.engine = EchoEngine()
        self.telemetry = Telemetry()
        self.settled: set[tuple[str, int, int]] = set()
        self.slots = slots

    @asynccontextmanager
    async def process(self, limits: Limits | None = None) -> AsyncIterator[Generation]:
        """A process of generation."""
        self.telemetry = Telemetry()
        async with open_generation(
            bus=self.bus,  # type: ignore[arg-type]  # nobody subscribes here
            blobs=self.blobs,  # type: ignore[arg-type]  # generation needs no streams
            clock=self.clock,
            engines={"lpm": lambda: self.engine, **self.others},
            slots=self.slots,
            new_encoder=ChainEncoder,
            telemetry=self.telemetry,
            limits=limits,
        ) as generation:
            await generation.warm_up()
            yield generation

    async def deliver(self, generation: Generation, cues: Iterable[Cue]) -> None:
        """Hand over cues as the consumer loop does."""
        for cue in cues:
            receipt = self.receipt(cue)
            try:
                await generation.take(cue, receipt)
            except Stale:
                receipt.settle()

    def receipt(self, cue: Cue, partition: int = 0) -> Receipt:
        envelope = cue.envelope
        name = (envelope.session_id, envelope.epoch, envelope.sequence)
        return Receipt(partition, lambda: self.settled.add(name))

    def unsettled(self, cues: Sequence[Cue]) -> list[Cue]:
        """What a new owner reads: everything from the first cue on that is not settled."""
        names = [(c.envelope.session_id, c.envelope.epoch, c.envelope.sequence) for c in cues]
        first = next((n for n, name in enumerate(names) if name not in self.settled), len(names))
        return list(cues[first:])

    async def until(self, is_met: Callable[[], bool], patience_s: float = 60.0) -> None:
        """Wait for something to come true."""
        async with asyncio.timeout(patience_s):
            while not is_met():
                await asyncio.sleep(0.001)

    def video(self, session_id: str, epoch: int = 0) -> list[bytes]:
        """The frames of a session in their order; equal repeats count once, and there is no gap."""
        chunks: dict[int, tuple[bytes, ...]] = {}
        for chunk in self.bus.chunks:
            if (chunk.envelope.session_id, chunk.envelope.epoch) == (session_id, epoch):
                kept = chunks.setdefault(chunk.envelope.sequence, chunk.frames)
                assert kept == chunk.frames, f"chunk {chunk.envelope.sequence} came in two versions"
        assert sorted(chunks) == list(range(len(chunks)))
        return [frame for sequence in sorted(chunks) for frame in chunks[sequence]]

    def is_finished(self, session_id: str) -> bool:
        return f"t/performances/{session_id}/0/snapshots/ended" in self.blobs.blobs


def make_cues(session_id: str = "s", count: int = 23, seed: int = 7, epoch: int = 0) -> list[Cue]:
    """The cues of a speech; the last one shows three frames."""
    chance = np.random.default_rng([seed, *session_id.encode()])
    opening = Opening(
        character_id="c",
        portrait_uri="t/characters/c/portrait",
        face=0,
        size=512,
        engine="lpm",
        seed=seed,
        identity_uri="t/characters/c/identity/512-0.bundle",
    )
    return [
        Cue(
            envelope=_envelope(session_id, n, epoch),
            num_frames=3 if n == count - 1 else 5,
            is_final=n == count - 1,
            speak=chance.normal(size=SPEAK_SHAPE).astype(np.float32),
            opening=opening if n == 0 else None,
        )
        for n in range(count)
    ]


def make_conversation(session_id: str = "s", count: int = 23) -> list[Cue]:
    """The cues of a session with every combination of streams and directions, all of them and none."""
    smile = Direction(start_s=0.0, end_s=0.0, text="smile")
    nod = Direction(start_s=1.0, end_s=2.0, text="nod now")
    chance = np.random.default_rng([count, *session_id.encode()])
    return [
        replace(
            cue,
            speak=cue.speak if n % 2 else None,
            listen=chance.normal(size=LISTEN_SHAPE).astype(np.float32) if n % 3 else None,
            directions=[(), (smile,), (smile, nod)][n % 5 % 3],
        )
        for n, cue in enumerate(make_cues(session_id, count))
    ]


def cancel(session_id: str = "s", epoch: int = 0) -> Control:
    return Control(envelope=_envelope(session_id, 0, epoch), kind=ControlKind.CANCEL)


def _envelope(session_id: str, sequence: int, epoch: int) -> Envelope:
    return Envelope(tenant="t", session_id=session_id, epoch=epoch, sequence=sequence, created_at=NOW)
