"""The motion beside the video: a file that grows frame by frame and appears only when it is whole."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Protocol, TextIO

from services.kit.contracts import FloatArray
from services.kit.errors import Fatal
from services.kit.live_link import LiveLinkMotion
from services.kit.motion import JsonMotion
from services.standalone.output import check_output, open_workspace

__all__ = ["MotionFile", "check_motion_file", "open_motion_file"]


class MotionFormat(Protocol):
    """The text of a file of motion: `head`, then `rows` once and again, then `tail`."""

    def head(self) -> str: ...

    def rows(self, frames: FloatArray, first: int) -> str: ...

    def tail(self) -> str: ...


_FORMATS: Final[dict[str, type[MotionFormat]]] = {".csv": LiveLinkMotion, ".json": JsonMotion}


def check_motion_file(output: Path | None, inputs: Iterable[Path | None]) -> None:
    """Raise BadInput unless a file of motion may appear at `output`, if one is wanted."""
    if output is not None:
        check_output(output, inputs, what="motion", suffixes=tuple(_FORMATS))


class MotionFile:
    """Takes the frames of a performance in their order; `output` is its name in errors."""

    def __init__(self, file: TextIO, text: MotionFormat, output: Path) -> None:
        self.is_whole = False
        self._num_frames = 0
        self._file = file
        self._text = text
        self._output = output
        self._write(text.head())

    async def append(self, frames: FloatArray) -> None:
        """Add frames [F, 58]. Raises Fatal when the disk does not take them."""
        await asyncio.to_thread(self._write, self._text.rows(frames, self._num_frames))
        self._num_frames += len(frames)

    def complete(self) -> None:
        """Write the end of the text. Raises Fatal when the disk does not take it."""
        self._write(self._text.tail())
        with _disk_errors(self._output):
            self._file.close()
        self.is_whole = True

    def _write(self, text: str) -> None:
        with _disk_errors(self._output):
            self._file.write(text)


@contextmanager
def open_motion_file(output: Path) -> Iterator[MotionFile]:
    """A file of motion in the format of its ending. What was completed is put in its place in the end."""
    with open_workspace(output, "motion") as folder:
        path = folder / "motion"
        with _disk_errors(output), path.open("w", encoding="utf-8", newline="") as file:
            motion = MotionFile(file, _FORMATS[output.suffix.lower()](), output)
            yield motion
        if motion.is_whole:
            path.replace(output)


@contextmanager
def _disk_errors(output: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Fatal(
            f"motion {output} cannot be completed: {(error.strerror or str(error)).lower()}"
        ) from error
