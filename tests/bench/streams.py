"""Motion of the shipped model for two streams and a timeline, many rows at once, without rendering."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from itertools import pairwise, tee
from pathlib import Path
from typing import Final, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from models.lpm.config import LpmConfig
from models.lpm.direction import MAX_ITEMS, encode_items, read_direction
from models.lpm.model import LpmChunk
from models.lpm.streaming import EitherLpm, StreamingLpm
from models.lpm.weights import load_streaming
from models.lpm.windows import ListenWindows, SpeakWindows
from models.motion import CHUNK_FRAMES, FRAME_RATE_HZ, NUM_MOTION
from models.registry import weights_folder
from models.rig.arrays import F32
from services.kit.contracts import CHUNK_SAMPLES

Flags = NDArray[np.bool_]
RowT = TypeVar("RowT")
StateT = TypeVar("StateT")
_WEIGHTS: Final = "DRAMATIS_BENCH_WEIGHTS"
CHUNK_S: Final = CHUNK_FRAMES / FRAME_RATE_HZ


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What one session hears and is told, on the chunk clock; C chunks of 3,200 samples at 16 kHz.

    `speak` and `listen` are float32 [C * 3200]; `speaks` and `listens` [C] are False where the stream is
    absent; `concepts` int64 [C, 8] and `strengths` float32 [C, 8] are as `encode_items` gives them.
    """

    speak: F32
    speaks: Flags
    listen: F32
    listens: Flags
    concepts: NDArray[np.int64]
    strengths: F32

    @property
    def num_chunks(self) -> int:
        return len(self.speaks)

    def pieces(self) -> Iterator[Piece]:
        """Yield chunk after chunk."""
        for n in range(self.num_chunks):
            samples = slice(n * CHUNK_SAMPLES, (n + 1) * CHUNK_SAMPLES)
            yield Piece(
                speak=self.speak[samples],
                speaks=bool(self.speaks[n]),
                listen=self.listen[samples],
                listens=bool(self.listens[n]),
                concepts=self.concepts[n],
                strengths=self.strengths[n],
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One chunk of a `Scene`: samples float32 [3200] of either stream, and the items of the direction."""

    speak: F32
    speaks: bool
    listen: F32
    listens: bool
    concepts: NDArray[np.int64]
    strengths: F32


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """A direction from `start_s` to `end_s`, in force from the next chunk boundary on."""

    start_s: float
    end_s: float
    text: str


def make_scene(speak: F32 | None, listen: F32 | None, timeline: Sequence[Timed] = ()) -> Scene:
    """A scene as long as its longer track; None is a stream that is absent all the time.

    A track that ends before the other is absent from the end of its last chunk on.
    """
    num_chunks = -(-max(0 if x is None else len(x) for x in (speak, listen)) // CHUNK_SAMPLES)
    said, speaks = _on_the_clock(speak, num_chunks)
    heard, listens = _on_the_clock(listen, num_chunks)
    concepts = np.zeros((num_chunks, MAX_ITEMS), np.int64)
    strengths = np.zeros((num_chunks, MAX_ITEMS), np.float32)
    for n in range(num_chunks):
        texts = [timed.text for timed in timeline if timed.start_s <= n * CHUNK_S < timed.end_s]
        concepts[n], strengths[n] = encode_items(read_direction(" ".join(texts)).items)
    return Scene(
        speak=said, speaks=speaks, listen=heard, listens=listens, concepts=concepts, strengths=strengths
    )


def swapped(scene: Scene) -> Scene:
    """The same scene from the other side of the table, undirected."""
    return Scene(
        speak=scene.listen,
        speaks=scene.listens,
        listen=scene.speak,
        listens=scene.speaks,
        concepts=np.zeros_like(scene.concepts),
        strengths=np.zeros_like(scene.strengths),
    )


def without_listening(scene: Scene) -> Scene:
    """The same scene to one who cannot hear the other: the listen stream is absent."""
    return Scene(
        speak=scene.speak,
        speaks=scene.speaks,
        listen=np.zeros_like(scene.listen),
        listens=np.zeros_like(scene.listens),
        concepts=scene.concepts,
        strengths=scene.strengths,
    )


def perform(lpm: StreamingLpm[StateT], scenes: Sequence[Scene], seeds: Sequence[int]) -> F32:
    """Motion float32 [rows, F, 58] of equally long scenes, each with its own seed; the cores share them.

    A seed draws the noise that the command would draw from it. Equal objects among `scenes` are encoded once.
    """
    unique = {id(scene): scene for scene in scenes}.values()
    encoded = {id(scene): [*encode(scene.pieces(), lpm.config)] for scene in unique}
    rows = [encoded[id(scene)] for scene in scenes]
    cores = min(os.cpu_count() or 1, len(rows))
    with ThreadPoolExecutor(cores) as pool:
        parts = pool.map(partial(_step_through, lpm), _shared(rows, cores), _shared(seeds, cores))
        return np.concatenate([*parts])


def takes(lpm: StreamingLpm[StateT], scene: Scene, seeds: Sequence[int]) -> F32:
    """Motion float32 [seeds, F, 58] of one scene."""
    return perform(lpm, [scene] * len(seeds), seeds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What one row of an `LpmChunk` holds, but for its noise: a piece and the windows around it."""

    speak: F32
    listen: F32
    piece: Piece


def encode(pieces: Iterable[Piece], config: LpmConfig) -> Iterator[Heard]:
    """Yield the inputs of every chunk, heard 0.2 s at a time as a live session would. Memory is bounded."""
    said, heard, told = tee(pieces, 3)
    speaks = _windows(SpeakWindows(config), (piece.speak for piece in said))
    listens = _windows(ListenWindows(config), (piece.listen for piece in heard))
    for speak, listen, piece in zip(speaks, listens, told, strict=True):
        yield Heard(speak=speak, listen=listen, piece=piece)


def join_rows(rows: Sequence[Heard], noise: torch.Tensor) -> LpmChunk:
    """One chunk for all rows; `noise` is [rows, 5, 58]."""
    concepts = np.stack([row.piece.concepts for row in rows])
    strengths = np.stack([row.piece.strengths for row in rows])
    told = MAX_ITEMS if concepts.any() else 0
    return LpmChunk(
        speak=torch.from_numpy(np.stack([row.speak for row in rows])),
        speaks=torch.tensor([row.piece.speaks for row in rows]),
        listen=torch.from_numpy(np.stack([row.listen for row in rows])),
        listens=torch.tensor([row.piece.listens for row in rows]),
        concepts=torch.from_numpy(concepts[:, :told]),
        strengths=torch.from_numpy(strengths[:, :told]),
        noise=noise,
    )


def draw_noise(chance: np.random.Generator) -> F32:
    """The noise of one row and chunk, float32 [5, 58]."""
    return chance.standard_normal((CHUNK_FRAMES, NUM_MOTION), np.float32)


@cache
def shipped_model() -> EitherLpm:
    """The default engine's model, or that in the folder DRAMATIS_BENCH_WEIGHTS; cached for the process."""
    folder = os.environ.get(_WEIGHTS)
    return EitherLpm(load_streaming(weights_folder("lpm", "motion") if folder is None else Path(folder)))


def _shared(rows: Sequence[RowT], cores: int) -> list[Sequence[RowT]]:
    """Cut into as many runs, about equally long."""
    edges = [len(rows) * k // cores for k in range(cores + 1)]
    return [rows[first:end] for first, end in pairwise(edges)]


def _step_through(lpm: StreamingLpm[StateT], rows: Sequence[Sequence[Heard]], seeds: Sequence[int]) -> F32:
    """Motion [rows, F, 58] of equally long rows, stepped together."""
    chances = [np.random.default_rng(seed) for seed in seeds]
    state, active = lpm.init_state(len(rows)), torch.ones(len(rows), dtype=torch.bool)
    motions = []
    with torch.inference_mode():
        for heard in zip(*rows, strict=True):
            noise = torch.from_numpy(np.stack([draw_noise(chance) for chance in chances]))
            motion, state = lpm.step(state, join_rows(heard, noise), active)
            motions.append(motion)
    return np.asarray(torch.cat(motions, dim=1).numpy(), np.float32)


def _on_the_clock(track: F32 | None, num_chunks: int) -> tuple[F32, Flags]:
    present = np.zeros(num_chunks, bool)
    samples = np.zeros(num_chunks * CHUNK_SAMPLES, np.float32)
    if track is not None:
        present[: -(-len(track) // CHUNK_SAMPLES)] = True
        samples[: len(track)] = track
    return samples, present


def _windows(windows: SpeakWindows | ListenWindows, pieces: Iterable[F32]) -> Iterator[F32]:
    for samples in pieces:
        yield from windows.push(samples)
    yield from windows.flush()
