"""Clips of talking people, in files and in memory, and the batches that are drawn from them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.fantasytalking.config import ClipConfig
from models.fantasytalking.geometry import num_samples

# Shapes: T frames, S samples, H W rows and columns of a picture.

_PARTIAL: Final = ".partial.npz"


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """One talking person, at the frame rate of the model.

    `pictures` uint8 RGB [T, H, W, 3], as large as the model has them. `sound` float32 [S] at the model's
    rate, beginning with the first picture. `landmarks` float32 [T, 478, 3] of the face and `joints` float32
    [T, 33, 3] of the body are in pixels of the pictures; the last number of a joint is how likely it is seen.
    """

    pictures: NDArray[np.uint8]
    sound: NDArray[np.float32]
    landmarks: NDArray[np.float32]
    joints: NDArray[np.float32]
    prompt: str = ""

    def __len__(self) -> int:
        return len(self.pictures)

    def part(self, start: int, frames: int, config: ClipConfig) -> Clip:
        """Return so many frames from `start` on, and what sounds meanwhile."""
        here = slice(start, start + frames)
        first = num_samples(start, config)
        return Clip(
            pictures=self.pictures[here],
            sound=self.sound[first : first + num_samples(frames, config)],
            landmarks=self.landmarks[here],
            joints=self.joints[here],
            prompt=self.prompt,
        )


class Entry(NamedTuple):
    """A clip in a file: frames, and rows and columns of its pictures."""

    path: Path
    frames: int
    size: tuple[int, int]

    def read(self) -> Clip:
        """Read the clip."""
        with np.load(self.path) as arrays:
            return Clip(
                pictures=arrays["pictures"],
                sound=arrays["sound"],
                landmarks=arrays["landmarks"],
                joints=arrays["joints"],
                prompt=str(arrays["prompt"]),
            )


class Points(NamedTuple):
    """Landmarks [T, 478, 3] and joints [T, 33, 3] of a clip."""

    landmarks: NDArray[np.float32]
    joints: NDArray[np.float32]


def save_clip(path: Path, clip: Clip) -> None:
    """Write a clip, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(_PARTIAL)
    np.savez_compressed(
        partial,
        pictures=clip.pictures,
        sound=clip.sound,
        landmarks=clip.landmarks,
        joints=clip.joints,
        prompt=np.array(clip.prompt),
        size=np.array(clip.pictures.shape[:3]),
    )
    partial.replace(path)


def find_clips(folder: Path) -> list[Entry]:
    """Return the clips in a folder, whose pictures stay there. Raises ValueError when there are none."""
    entries = []
    for path in sorted(folder.glob("*.npz")):
        if not path.name.endswith(_PARTIAL):
            with np.load(path) as arrays:
                frames, height, width = arrays["size"].tolist()
            entries.append(Entry(path, frames, (height, width)))
    if not entries:
        raise ValueError(f"{folder} holds no clips: prepare some first")
    return entries


def read_points(entry: Entry) -> Points:
    """Read landmarks and joints of a clip without its pictures."""
    with np.load(entry.path) as arrays:
        return Points(arrays["landmarks"], arrays["joints"])


class ClipSampler:
    """Draws batches of parts of clips, all of one size, and reads only what it draws."""

    def __init__(
        self, entries: Sequence[Entry], config: ClipConfig, *, batch: int, frames: int, seed: int
    ) -> None:
        self._entries = [entry for entry in entries if entry.frames >= frames]
        if not self._entries:
            longest = max((entry.frames for entry in entries), default=0)
            raise ValueError(f"no clip has {frames} frames; the longest has {longest}")
        self._config = config
        self._batch = batch
        self._frames = frames
        self._random = np.random.default_rng(seed)

    def draw(self) -> list[Clip]:
        """Draw a batch: each clip is as likely as any other to set its size."""
        size = self._choose(self._entries).size
        alike = [entry for entry in self._entries if entry.size == size]
        return list(self._parts(alike))

    def _parts(self, entries: Sequence[Entry]) -> Iterator[Clip]:
        for _ in range(self._batch):
            entry = self._choose(entries)
            start = int(self._random.integers(entry.frames - self._frames + 1))
            yield entry.read().part(start, self._frames, self._config)

    def _choose(self, entries: Sequence[Entry]) -> Entry:
        return entries[int(self._random.integers(len(entries)))]
