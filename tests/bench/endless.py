"""Endless: an hour of conversation in one session, its end against its beginning.

`python -m tests.bench.endless [HOURS]`. The first three minutes and the last three hear the same conversation
and draw the same noise; what lies between repeats it from ever other places. So whatever differs between
the two stretches comes from the hour between them.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from resource import getpagesize
from typing import Final, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from models.lpm.streaming import StreamingLpm
from models.motion import CHUNK_FRAMES, INDEX, NUM_MOTION
from models.rig.arrays import F32
from tests.bench.behaviour import num_blinks, num_frozen, opening
from tests.bench.dialogues import synthetic_dialogues
from tests.bench.figures import report
from tests.bench.streams import CHUNK_S, Piece, draw_noise, encode, join_rows, shipped_model

StateT = TypeVar("StateT")
_HOURS: Final = 1.0
_STRETCH_S: Final = 180.0
_STRETCH: Final = round(_STRETCH_S / CHUNK_S)  # chunks
_MINUTE: Final = round(60 / CHUNK_S)
_SEED: Final = 1
_FREEZE_S: Final = 8
_MEMORY_BAR: Final = 0.01
_TIME_BAR: Final = 0.05
_MOTION_BAR: Final = 0.10


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Motion float32 [F, 58], processor time of each step, resident memory after a minute and at the end."""

    motion: F32
    step_cpu_s: NDArray[np.float64]
    rss_early: int
    rss_late: int


def main(hours: float = _HOURS) -> None:
    """Print what grew, what slowed down, what drifted and what froze in the hour."""
    case = f"{hours:g} h"
    session = live(shipped_model(), [*conversation()][:_STRETCH], round(hours * 3600 / CHUNK_S))
    growth = session.rss_late / session.rss_early - 1
    report("endless", case, "rss_growth", growth, "share", bar=_MEMORY_BAR, rss_mib=session.rss_late / 2**20)
    early, late = (float(np.median(times)) for times in _ends(session.step_cpu_s, _STRETCH))
    slower = late / early - 1
    report("endless", case, "step_time_growth", slower, "share", bar=_TIME_BAR, early_ms=early * 1e3)
    for name, change in changes(*_ends(session.motion, _STRETCH * CHUNK_FRAMES)).items():
        report("endless", case, f"change_{name}", change, "share", bar=_MOTION_BAR)
    frozen = num_frozen(session.motion, _FREEZE_S)
    report("endless", case, "frozen", frozen, f"stretches of {_FREEZE_S} s", bar=0)


def conversation() -> Iterator[Piece]:
    """Held-out dialogues, one after the other."""
    for dialogue in synthetic_dialogues():
        yield from dialogue.scene.pieces()


def live(lpm: StreamingLpm[StateT], pieces: list[Piece], num_chunks: int) -> Session:
    """Stream a session of so many chunks that begins and ends with `pieces`, in bounded memory."""
    motion = np.full((num_chunks * CHUNK_FRAMES, NUM_MOTION), np.nan, np.float32)
    step_cpu_s = np.full(num_chunks, np.nan)
    rss_early = 0
    noise = _noise(len(pieces), num_chunks)
    state, active = lpm.init_state(1), torch.ones(1, dtype=torch.bool)
    with torch.inference_mode():
        for n, heard in enumerate(encode(_looped(pieces, num_chunks), lpm.config)):
            chunk = join_rows([heard], torch.from_numpy(next(noise)[None]))
            begin_s = time.process_time()
            frames, state = lpm.step(state, chunk, active)
            step_cpu_s[n] = time.process_time() - begin_s
            motion[n * CHUNK_FRAMES :][:CHUNK_FRAMES] = frames[0].numpy()
            rss_early = resident_bytes() if n == _MINUTE else rss_early
    return Session(motion=motion, step_cpu_s=step_cpu_s, rss_early=rss_early, rss_late=resident_bytes())


def changes(early: F32, late: F32) -> dict[str, float]:
    """How far each statistic of motion [F, 58] moved, as a share of what it was.

    Spreads and rates against themselves; the mean of an angle, which may be 0, against its spread.
    """
    change = {"opening_mean": _change(opening(early).mean(), opening(late).mean())}
    change["opening_std"] = _change(opening(early).std(), opening(late).std())
    change["blinks"] = _change(num_blinks(early), num_blinks(late))
    for name in ("headPitch", "headYaw", "headRoll"):
        before, after = early[:, INDEX[name]], late[:, INDEX[name]]
        change[f"{name}_std"] = _change(before.std(), after.std())
        change[f"{name}_mean"] = float(abs(after.mean() - before.mean()) / before.std())
    return change


def _change(before: float, after: float) -> float:
    return float(abs(after / before - 1))


def _ends(values: NDArray[np.float32] | NDArray[np.float64], length: int) -> tuple[F32, F32]:
    return np.asarray(values[:length], np.float32), np.asarray(values[-length:], np.float32)


def _looped(pieces: list[Piece], num_chunks: int) -> Iterator[Piece]:
    """`pieces`, then runs of up to a minute from random places of them, then `pieces` again."""
    chance = np.random.default_rng(_SEED)
    yield from pieces
    missing = num_chunks - 2 * len(pieces)
    while missing > 0:
        run = min(missing, int(chance.integers(_MINUTE // 4, _MINUTE)))
        first = int(chance.integers(len(pieces)))
        yield from (pieces[(first + k) % len(pieces)] for k in range(run))
        missing -= run
    yield from pieces


def _noise(stretch: int, num_chunks: int) -> Iterator[F32]:
    """The noise of each chunk: that of the last stretch is that of the first."""
    chances = [np.random.default_rng(seed) for seed in (_SEED, _SEED + 1, _SEED)]
    for chance, count in zip(chances, (stretch, num_chunks - 2 * stretch, stretch), strict=True):
        for _ in range(count):
            yield draw_noise(chance)


def resident_bytes() -> int:
    """Resident memory of this process in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * getpagesize()


if __name__ == "__main__":
    main(*map(float, sys.argv[1:]))
