"""What the command says while it works: notes and a progress bar on stderr, one summary on stdout."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click
from tqdm import tqdm

from services.kit.contracts import FRAME_RATE_HZ

__all__ = ["Outcome", "Terminal"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A finished video of `num_frames` frames."""

    num_frames: int

    @property
    def duration_s(self) -> float:
        return self.num_frames / FRAME_RATE_HZ


class Terminal:
    """The user's terminal; `start_s` is when the command began, on the monotonic clock."""

    def __init__(self, *, quiet: bool, start_s: float) -> None:
        self._quiet = quiet
        self._start_s = start_s
        self._describe: Callable[[str], None] | None = None

    def note(self, text: str) -> None:
        """Tell the user something that is not an error."""
        click.echo(f"dramatis: {text}", err=True)

    @contextmanager
    def follow(self, duration_s: float | None) -> Iterator[Callable[[int], None]]:
        """Hand out a function to call with frames that are done, and show how many of how many are."""
        total = None if duration_s is None else max(1, round(duration_s * FRAME_RATE_HZ))
        hidden = True if self._quiet else None
        with tqdm(total=total, unit="frame", disable=hidden, file=sys.stderr, leave=False) as bar:
            self._describe = bar.set_description
            yield lambda num_frames: bar.update(num_frames) and None
            self._describe = None

    def show_steps(self, done: int, expected: int) -> None:
        """Show how many steps are done before there are frames, while it is followed."""
        if self._describe is not None:
            self._describe(f"step {done} of {expected}")

    def summarise(self, outcome: Outcome, output: Path) -> None:
        """Print the one line that ends a successful run."""
        if self._quiet:
            return
        elapsed_s = time.monotonic() - self._start_s
        factor = outcome.duration_s / elapsed_s
        click.echo(
            f"{output}: {outcome.duration_s:.2f} s of video in {elapsed_s:.1f} s ({factor:.1f}x real time)"
        )
