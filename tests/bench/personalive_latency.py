"""How long after a driver's movement PersonaLive's picture of it leaves the platform, frame by frame, live.

The clock is virtual. A driver's pictures come at 25 fps; a stage begins when what it needs is there and it is
idle. What runs for real, and takes the processor time it takes here: the face is found and cut out, messages
are written and read, the driver's pictures are decoded, the video is encoded. What is simulated: the step of
the engine, which takes as long as four frames do at 45 frames a second on a GPU, and answers with the
driver's own pictures. What is left out: the camera, and networks between the stages. `personalive_early` is
simulated with the same step, of which a quarter less is the denoiser's work.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from services.encoding.footage import encode_footage
from services.generation.video import ClipEncoder
from services.kit import contracts
from services.kit import messages as m
from services.kit.contracts import FRAME_RATE_HZ, Footage, Picture, Pixels
from services.kit.engines import CLOCKS, EngineClock
from services.kit.media.driver import read_driver
from services.kit.media.portrait import read_portrait
from services.kit.topics import CHUNKS, CUES
from tests.bench.figures import report
from tests.bench.media import MissingMediaError, find_media

BENCH: Final = "personalive_latency"
ENGINES: Final = ("personalive", "personalive_early")
STEP_RATE_HZ: Final = 45.0
FRAMES: Final = 400
BAR_S: Final = 0.75
PORTRAIT: Final = Path(__file__).parents[2] / "examples" / "portrait.jpg"
OPENING: Final = m.Opening(
    character_id="c", portrait_uri="t/c", face=0, size=512, engine="personalive", seed=0, identity_uri="t/i"
)


class Stage:
    """Something that does one thing after the other, on the virtual clock."""

    def __init__(self) -> None:
        self.free_s = 0.0

    def work(self, since_s: float, cost_s: float) -> float:
        """When work is done that could begin at `since_s`."""
        self.free_s = max(since_s, self.free_s) + cost_s
        return self.free_s


class Camera:
    """Films at 25 fps; what is done with a picture before the next one is asked for is the cost of it."""

    def __init__(self, pictures: Iterator[Pixels], stage: Stage) -> None:
        self._pictures, self._stage = pictures, stage
        self._came_s, self._begun_s = 0.0, time.process_time()
        self._is_at_work = False

    def film(self) -> Iterator[Picture]:
        for frame, pixels in enumerate(self._pictures):
            self._came_s, self._begun_s = frame / FRAME_RATE_HZ, time.process_time()
            self._is_at_work = True
            yield Picture(time_s=self._came_s, pixels=pixels)
            self.look_up()

    def look_up(self) -> None:
        """Count what was done with the picture at hand, once."""
        if self._is_at_work:
            self._stage.work(self._came_s, time.process_time() - self._begun_s)
        self._is_at_work = False


def main(frames: int = FRAMES) -> None:
    """Print how late each engine's pictures leave, and how late they are shown at an even rate."""
    for engine in ENGINES:
        clock = CLOCKS[engine]
        driver, pictures = _driver()
        published_s = _run(pictures, frames, clock)
        moved_s = np.arange(len(published_s)) / FRAME_RATE_HZ
        within_s = np.arange(len(published_s)) % clock.chunk_frames / FRAME_RATE_HZ
        _report(f"{engine}, {driver}, published", published_s - moved_s, clock)
        _report(f"{engine}, {driver}, shown at an even rate", published_s + within_s - moved_s, clock)


def _report(case: str, latency_s: NDArray[np.float64], clock: EngineClock) -> None:
    simulated = f"the engine's step, {_step_s(clock):.4f} s; the clock"
    shares = {"p50": 0.5, "p95": 0.95, "max": 1.0}
    for figure, share in shares.items():
        value = float(np.quantile(latency_s, share))
        report(BENCH, case, figure, value, "s", bar=BAR_S, frames=len(latency_s), simulated=simulated)


def _step_s(clock: EngineClock) -> float:
    return clock.chunk_frames / STEP_RATE_HZ


def _run(pictures: Iterator[Pixels], frames: int, clock: EngineClock) -> NDArray[np.float64]:
    """When every frame has left, in seconds since the first was filmed."""
    seeing, engine, drawing = Stage(), Stage(), Stage()
    camera = Camera((picture for picture, _ in zip(pictures, range(frames), strict=False)), seeing)
    seen: dict[int, tuple[bytes, ...]] = {}
    encoder, left_s = ClipEncoder(), list[float]()
    for footage in encode_footage(camera.film(), clock):
        cue = _sent(footage)
        camera.look_up()
        begun_s = time.process_time()
        seen[footage.sequence] = cue.pictures
        chunk = _shown(cue, seen, clock)
        stepped_s = engine.work(seeing.free_s, _step_s(clock) + time.process_time() - begun_s)
        if chunk is not None:
            begun_s = time.process_time()
            _publish(chunk, encoder.encode(chunk))
            done_s = drawing.work(stepped_s, time.process_time() - begun_s)
            left_s += [done_s] * len(chunk.frames)
    # What leaves after the end has not waited for pictures.
    return np.array(left_s[: frames - clock.lag * clock.chunk_frames])


def _sent(footage: Footage) -> m.Cue:
    cue = m.Cue(
        envelope=_envelope(footage.sequence),
        num_frames=footage.num_frames,
        is_final=False,
        pictures=footage.pictures,
        opening=OPENING if footage.sequence == 0 else None,
    )
    return CUES.decode(CUES.outgoing(cue).value)


def _shown(cue: m.Cue, seen: dict[int, tuple[bytes, ...]], clock: EngineClock) -> contracts.Chunk | None:
    """The pictures of the chunk that leaves, at the cost of decoding those of the cue."""
    blank = np.zeros((OPENING.size, OPENING.size, 3), np.uint8)
    decoded = [cv2.imdecode(np.frombuffer(data, np.uint8), 1) if data else blank for data in cue.pictures]
    sequence = cue.envelope.sequence - clock.lag
    if cue.num_frames == 0 or len(decoded) != len(seen[sequence]):
        return None
    frames = [np.asarray(picture, np.uint8) for picture in decoded[: cue.num_frames]]
    return contracts.Chunk(sequence=sequence, frames=np.stack(frames))


def _publish(chunk: contracts.Chunk, frames: tuple[bytes, ...]) -> None:
    is_opened = chunk.sequence % m.CLIP_CHUNKS == 0
    message = m.Chunk(
        envelope=_envelope(chunk.sequence),
        frames=frames,
        is_final=False,
        opening=OPENING if is_opened else None,
    )
    CHUNKS.decode(CHUNKS.outgoing(replace(message)).value)


def _envelope(sequence: int) -> m.Envelope:
    now = datetime(2026, 11, 21, tzinfo=UTC)
    return m.Envelope(tenant="t", session_id="s", epoch=0, sequence=sequence, created_at=now)


def _driver() -> tuple[str, Iterator[Pixels]]:
    """A recorded driver, over and over; the example portrait, carried to and fro, where there is none."""
    try:
        recorded = find_media("d01")
    except MissingMediaError:
        return "example portrait", _carried(read_portrait(PORTRAIT))
    return recorded.stem, _repeated(recorded)


def _repeated(path: Path) -> Iterator[Pixels]:
    while True:
        yield from (picture.pixels for picture in read_driver(path))


def _carried(portrait: Pixels) -> Iterator[Pixels]:
    for frame in range(10**9):
        yield np.roll(portrait, round(12 * np.sin(frame / 9)), axis=1)


if __name__ == "__main__":
    main()
