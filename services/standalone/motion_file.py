"""The motion beside the video, as a file in the format of its ending, which appears whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, Protocol

import numpy as np

from services.kit.contracts import FloatArray
from services.kit.live_link import LiveLinkMotion
from services.kit.motion import MOTION_NAMES, JsonMotion
from services.standalone.output import check_output, fill_output, open_workspace

__all__ = ["check_motion_file", "write_motion_file"]


class MotionFormat(Protocol):
    """The text of a file of motion: `head`, then `rows` once and again, then `tail`."""

    def head(self) -> str: ...

    def rows(self, frames: FloatArray, first: int) -> str: ...

    def tail(self) -> str: ...


_FORMATS: Final[dict[str, type[MotionFormat]]] = {".csv": LiveLinkMotion, ".json": JsonMotion}
_FRAME: Final = np.dtype(("<f4", (len(MOTION_NAMES),)))
# How many frames become text at a time, so that memory stays flat.
_FRAMES: Final = 250


def check_motion_file(output: Path | None, inputs: Iterable[Path | None]) -> None:
    """Raise BadInput unless a file of motion may appear at `output`, if one is wanted."""
    if output is not None:
        check_output(output, inputs, what="motion", suffixes=tuple(_FORMATS))


def write_motion_file(motion: Path, output: Path) -> None:
    """Write the motion of a finished video, float32 [frames, 58], as text. Raises Fatal for a full disk."""
    text = _FORMATS[output.suffix.lower()]()
    with open_workspace(output, "motion") as folder:
        path = folder / "motion"
        with path.open("w", encoding="utf-8", newline="") as file:
            file.write(text.head())
            for first, frames in _read(motion):
                file.write(text.rows(frames, first))
            file.write(text.tail())
        fill_output(path, output)


def _read(motion: Path) -> Iterator[tuple[int, FloatArray]]:
    """The frames [F, 58] of a file, a few at a time, each with the number of its first."""
    first = 0
    with motion.open("rb") as file:
        while data := file.read(_FRAMES * _FRAME.itemsize):
            frames = np.frombuffer(data, _FRAME).astype(np.float32)
            yield first, frames
            first += len(frames)
