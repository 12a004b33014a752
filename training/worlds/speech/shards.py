"""Clips on disk: shards of samples int16 [K, N] and motion float16 [K, F, 58], with phones beside them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from training.worlds.speech.clip import Clip, ClipConfig, generate_clip
from training.worlds.speech.phones import Phone

CLIPS_PER_SHARD: Final = 50
_SHARD_STRIDE: Final = 1_000_003


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """K clips of equal length: samples int16 [K, N] at 16 kHz, motion float16 [K, F, 58]."""

    samples: npt.NDArray[np.int16]
    motion: npt.NDArray[np.float16]
    phones: tuple[tuple[Phone, ...], ...]
    voices: tuple[str, ...]
    languages: tuple[str, ...]


def write_shard(folder: Path, index: int, seed: int, config: ClipConfig) -> Path:
    """Make and write the shard `index` of a seed: `shard-00000.npz` and `shard-00000.json`."""
    first = seed * _SHARD_STRIDE + index * CLIPS_PER_SHARD
    clips = [generate_clip(first + k, config) for k in range(CLIPS_PER_SHARD)]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"shard-{index:05d}.npz"
    save_shard(path, clips)
    return path


def save_shard(path: Path, clips: list[Clip]) -> None:
    """Write clips of equal length to an `.npz` file, and their phones to the `.json` beside it."""
    path.with_suffix(".json").write_text(json.dumps([_label(clip) for clip in clips]), encoding="utf-8")
    np.savez(
        path,
        samples=np.stack([np.round(clip.samples * 32767.0).astype(np.int16) for clip in clips]),
        motion=np.stack([clip.motion.astype(np.float16) for clip in clips]),
    )


def read_shards(folder: Path) -> Iterator[Shard]:
    """Read every shard of a folder in order. Raises ValueError when it holds none."""
    paths = sorted(folder.glob("shard-*.npz"))
    if not paths:
        raise ValueError(f"{folder} holds no shards")
    return (_read(path) for path in paths)


def _read(path: Path) -> Shard:
    labels = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    with np.load(path) as arrays:
        return Shard(
            samples=arrays["samples"],
            motion=arrays["motion"],
            phones=tuple(
                tuple(
                    Phone(symbol=symbol, start_s=start_s, end_s=end_s)
                    for symbol, start_s, end_s in label["phones"]
                )
                for label in labels
            ),
            voices=tuple(label["voice"] for label in labels),
            languages=tuple(label["language"] for label in labels),
        )


def _label(clip: Clip) -> dict[str, object]:
    phones = [(phone.symbol, round(phone.start_s, 4), round(phone.end_s, 4)) for phone in clip.phones]
    return {"voice": clip.voice, "language": clip.language, "phones": phones}
