"""Clips on disk: shards of sound, direction and motion as arrays, with phones and phrases beside them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from training.worlds.conversation.clip import Clip, SceneKind, WorldConfig, generate_clip
from training.worlds.speech.life import Phrase
from training.worlds.speech.phones import Phone

CLIPS_PER_SHARD: Final = 50
_SHARD_STRIDE: Final = 1_000_003


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """K clips of equal length, F frames in C chunks.

    `speak` and `listen` int16 [K, F * 640] at 16 kHz, zero where absent; `present` bool [K, C, 2], speak
    first; `concepts` int8 and `strengths` float16 [K, C, 8]; `motion` float16 [K, F, 58]. `phones` are the
    character's, `heard` the other's phrases, which may reach beyond the clip; of `voices` and `languages`
    the character's comes first, and the other's is empty when nobody else has a voice.
    """

    speak: npt.NDArray[np.int16]
    listen: npt.NDArray[np.int16]
    present: npt.NDArray[np.bool_]
    concepts: npt.NDArray[np.int8]
    strengths: npt.NDArray[np.float16]
    motion: npt.NDArray[np.float16]
    kinds: tuple[SceneKind, ...]
    phones: tuple[tuple[Phone, ...], ...]
    heard: tuple[tuple[Phrase, ...], ...]
    voices: tuple[tuple[str, str], ...]
    languages: tuple[tuple[str, str], ...]


def write_shard(folder: Path, index: int, seed: int, config: WorldConfig) -> Path:
    """Make and write the shard `index` of a seed: `shard-00000.npz` and `shard-00000.json`."""
    first = seed * _SHARD_STRIDE + index * CLIPS_PER_SHARD
    clips = [generate_clip(first + k, config) for k in range(CLIPS_PER_SHARD)]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"shard-{index:05d}.npz"
    save_shard(path, clips)
    return path


def save_shard(path: Path, clips: list[Clip]) -> None:
    """Write clips of equal length to an `.npz` file, and their labels to the `.json` beside it."""
    path.with_suffix(".json").write_text(json.dumps([_label(clip) for clip in clips]), encoding="utf-8")
    np.savez(
        path,
        speak=np.stack([_pcm(clip.speak) for clip in clips]),
        listen=np.stack([_pcm(clip.listen) for clip in clips]),
        present=np.stack([clip.present for clip in clips]),
        concepts=np.stack([clip.concepts.astype(np.int8) for clip in clips]),
        strengths=np.stack([clip.strengths.astype(np.float16) for clip in clips]),
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
            speak=arrays["speak"],
            listen=arrays["listen"],
            present=arrays["present"],
            concepts=arrays["concepts"],
            strengths=arrays["strengths"],
            motion=arrays["motion"],
            kinds=tuple(label["kind"] for label in labels),
            phones=tuple(
                tuple(Phone(symbol=symbol, start_s=a, end_s=b) for symbol, a, b in label["phones"])
                for label in labels
            ),
            heard=tuple(
                tuple(Phrase(start_s=a, end_s=b, is_question=asks) for a, b, asks in label["heard"])
                for label in labels
            ),
            voices=tuple((label["voices"][0], label["voices"][1]) for label in labels),
            languages=tuple((label["languages"][0], label["languages"][1]) for label in labels),
        )


def _pcm(samples: npt.NDArray[np.float32]) -> npt.NDArray[np.int16]:
    return np.round(samples * 32767.0).astype(np.int16)


def _label(clip: Clip) -> dict[str, object]:
    return {
        "kind": clip.kind,
        "voices": clip.voices,
        "languages": clip.languages,
        "phones": [(phone.symbol, round(phone.start_s, 4), round(phone.end_s, 4)) for phone in clip.phones],
        "heard": [(round(p.start_s, 4), round(p.end_s, 4), p.is_question) for p in clip.heard],
    }
