"""Figures of performances of held-out conversations, from their motion alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.signal import butter, sosfiltfilt

from models.motion import CHUNK_FRAMES, FRAME_RATE_HZ, INDEX
from training.lpm_motion.data import FloatArray, Scenes
from training.lpm_motion.evaluation import HEAD, closure, likeness, opening
from training.worlds.conversation import read_shards

PARTED: Final = 0.1  # of a wide-open jaw, beyond which lips move while they should not
NOD_BAND_HZ: Final = (1.0, 4.0)
NOD_WITHIN: Final = FRAME_RATE_HZ  # frames after the end of a phrase in which a nod answers it
SPOKEN_AROUND: Final = FRAME_RATE_HZ // 5  # frames before and after a phone that belong to speaking
SILENCE: Final = "sil"

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Turns:
    """When the other alone speaks, boolean [clips, frames], and when its phrases end: (clip, frame)."""

    listening: BoolArray
    ends: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PerformanceFigures:
    """`opening_r` and `closure` as in `training.lpm_motion.evaluation`; `false_lips`: share of listening
    frames with parted lips; `nod_ratio`: nodding in the second after the other's phrases, over that of all
    listening; `takes_mouth_r` and `takes_head_r`: likeness of two takes; `jerk`: mean size of the third
    difference, over the taught one's; `seam`: mean change of velocity between chunks, over that inside.
    """

    opening_r: float
    closure: float
    false_lips: float
    nod_ratio: float
    takes_mouth_r: float
    takes_head_r: float
    jerk: float
    seam: float


def measure(
    one: FloatArray, other: FloatArray, scenes: Scenes, turns: Turns, scale: FloatArray
) -> PerformanceFigures:
    """Compare two takes [clips, frames, 58] of the first clips with what was taught.

    `scale` [58] is the unit of each number for what is averaged over numbers.
    """
    clips = len(one)
    taught = scenes.motion[:clips].astype(np.float32)
    head = [INDEX[name] for name in HEAD]
    return PerformanceFigures(
        opening_r=likeness(opening(one), opening(taught)),
        closure=closure(one, scenes.phones[:clips]),
        false_lips=false_lips(one, turns),
        nod_ratio=nod_ratio(one, turns),
        takes_mouth_r=likeness(opening(one), opening(other)),
        takes_head_r=likeness(one[..., head], other[..., head]),
        jerk=jerk(one / scale) / jerk(taught / scale),
        seam=seam(one / scale),
    )


def read_turns(folder: Path, clips: int) -> Turns:
    """Read who speaks when in the first clips of a folder of shards."""
    listening: list[BoolArray] = []
    ends: list[tuple[int, int]] = []
    for shard in read_shards(folder):
        frames = shard.motion.shape[1]
        for phones, heard in zip(shard.phones, shard.heard, strict=True):
            spoken = [(p.start_s, p.end_s) for p in phones if p.symbol != SILENCE]
            speaking = _frames_within(spoken, frames, around=SPOKEN_AROUND)
            hearing = _frames_within([(p.start_s, p.end_s) for p in heard], frames)
            at = [round(phrase.end_s * FRAME_RATE_HZ) for phrase in heard]
            quiet = [end for end in at if 0 <= end <= frames - NOD_WITHIN and not speaking[end:][:5].any()]
            ends += [(len(listening), end) for end in quiet]
            listening.append(hearing & ~speaking)
    return Turns(
        listening=np.stack(listening[:clips]), ends=tuple((clip, end) for clip, end in ends if clip < clips)
    )


def _frames_within(spans_s: list[tuple[float, float]], frames: int, *, around: int = 0) -> BoolArray:
    inside = np.zeros(frames, np.bool_)
    for start_s, end_s in spans_s:
        first = max(int(start_s * FRAME_RATE_HZ) - around, 0)
        inside[first : max(int(np.ceil(end_s * FRAME_RATE_HZ)) + around, 0)] = True
    return inside


def false_lips(motion: FloatArray, turns: Turns) -> float:
    """Return the share of listening frames in which the lips of `motion` [clips, frames, 58] are parted."""
    parted = opening(motion)[turns.listening] > PARTED
    return float(parted.mean()) if parted.size else float("nan")


def nod_ratio(motion: FloatArray, turns: Turns) -> float:
    """Return how much more the head nods after the other's phrases than in all the listening."""
    band = butter(2, NOD_BAND_HZ, btype="bandpass", fs=FRAME_RATE_HZ, output="sos")
    energy = np.square(sosfiltfilt(band, motion[..., INDEX["headPitch"]], axis=-1))
    after = [energy[clip, end : end + NOD_WITHIN].mean() for clip, end in turns.ends]
    usual = energy[turns.listening]
    return float(np.mean(after) / usual.mean()) if after and usual.any() else float("nan")


def jerk(motion: FloatArray) -> float:
    """Return the mean size of the third difference of motion [clips, frames, M]."""
    return float(np.abs(np.diff(motion, n=3, axis=1)).mean())


def seam(motion: FloatArray) -> float:
    """Return the mean change of velocity at the first frame of a chunk, over that at all other frames."""
    bends = np.abs(np.diff(motion, n=2, axis=1)).mean((0, 2))
    first = (np.arange(len(bends)) + 2) % CHUNK_FRAMES == 0
    inside = bends[~first].mean()
    return float(bends[first].mean() / inside) if inside > 0 else float("nan")
