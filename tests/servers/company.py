"""Performances beside each other, over HTTP, each held against what it was when nobody disturbed it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from tests.servers.client import Video, cut
from tests.servers.stage import SPEECH, ClipRow, Stage
from tests.servers.videos import Fingerprint, fingerprint

_TIMEOUT_S: Final = 600.0
_LEDGER_TIMEOUT_S: Final = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """What is performed, and what came of it undisturbed."""

    character_id: str
    speech: Path
    seed: int
    size: int
    expected: Fingerprint | None = None


@dataclass(slots=True)
class Outcome:
    """What became of the performances of one disturbance; every list holds ids with what was wrong."""

    num_performed: int = 0
    failed: list[str] = field(default_factory=list)
    different_files: list[str] = field(default_factory=list)
    different_pictures: list[str] = field(default_factory=list)
    broken_ledgers: list[str] = field(default_factory=list)
    num_attempts: int = 0
    slowest_s: float = 0.0

    @property
    def faults(self) -> list[str]:
        """Everything that was wrong."""
        return [*self.failed, *self.different_files, *self.different_pictures, *self.broken_ledgers]


def rehearse(
    stage: Stage, character_id: str, num_plays: int = 8, speech_s: float = 3.0, size: int = 512
) -> list[Play]:
    """Perform everything once, undisturbed, all at the same time."""
    plays = [
        Play(
            character_id=character_id,
            speech=cut(SPEECH, stage.folder / f"speech-{number}.wav", speech_s, start_s=0.7 * number),
            seed=number,
            size=size,
        )
        for number in range(num_plays)
    ]
    with ThreadPoolExecutor(num_plays) as pool:
        fingerprints = list(pool.map(lambda play: fingerprint(_perform(stage, play)[1].content), plays))
    return [replace(play, expected=expected) for play, expected in zip(plays, fingerprints, strict=True)]


@contextmanager
def performing(stage: Stage, plays: Sequence[Play]) -> Iterator[Outcome]:
    """Perform the plays over and over while the block lasts, then let those that run come to their end."""
    outcome, is_over, lock = Outcome(), threading.Event(), threading.Lock()

    def repeat(play: Play) -> None:
        while True:
            judge(stage, play, outcome, lock)
            if is_over.is_set():
                return

    with ThreadPoolExecutor(len(plays)) as pool:
        running = [pool.submit(repeat, play) for play in plays]
        try:
            yield outcome
        finally:
            is_over.set()
        for future in running:
            future.result()


def judge(stage: Stage, play: Play, outcome: Outcome, lock: threading.Lock) -> None:
    """Perform a play once and write into `outcome` what is wrong with it."""
    begin_s = time.perf_counter()
    try:
        performance_id, video = _perform(stage, play)
    except (AssertionError, TimeoutError) as error:
        with lock:
            outcome.num_performed += 1
            outcome.failed.append(str(error)[:500])
        return
    found = fingerprint(video.content)
    clips, fault = _settled_ledger(stage, performance_id, video.performance["video"]["num_frames"])
    assert play.expected is not None
    with lock:
        outcome.num_performed += 1
        outcome.num_attempts += 1 + max((clip.epoch for clip in clips), default=0)
        outcome.slowest_s = max(outcome.slowest_s, time.perf_counter() - begin_s)
        if found.pictures != play.expected.pictures:
            outcome.different_pictures.append(performance_id)
        if found.sha256 != play.expected.sha256:
            outcome.different_files.append(performance_id)
        if fault:
            outcome.broken_ledgers.append(f"{performance_id}: {fault}")


def _settled_ledger(stage: Stage, performance_id: str, num_frames: int) -> tuple[Sequence[ClipRow], str]:
    """The clips and what is wrong with them; the last word on a video may come before that on its clips."""
    end_s = time.monotonic() + _LEDGER_TIMEOUT_S
    while True:
        clips = stage.clips(performance_id)
        fault = ledger_fault(clips, num_frames)
        if not fault or time.monotonic() > end_s:
            return clips, fault
        time.sleep(1.0)


def ledger_fault(clips: Sequence[ClipRow], num_frames: int) -> str:
    """What is wrong with the clips of the last attempt: a gap, a double, a wrong sum; empty for nothing."""
    if not clips:
        return "no clip at all"
    last = [clip for clip in clips if clip.epoch == clips[-1].epoch]
    if [clip.sequence for clip in last] != list(range(len(last))):
        return f"sequences {[clip.sequence for clip in last]}"
    ends = [0, *(clip.first_frame + clip.num_frames for clip in last)]
    if [clip.first_frame for clip in last] != ends[:-1] or ends[-1] != num_frames:
        return f"clips end at {ends}, the video has {num_frames} frames"
    return ""


def _perform(stage: Stage, play: Play) -> tuple[str, Video]:
    asked = stage.client.create_performance
    performance_id = asked(play.character_id, play.speech, seed=play.seed, size=play.size)
    return performance_id, stage.client.video(performance_id, _TIMEOUT_S)
