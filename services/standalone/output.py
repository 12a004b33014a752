"""Where the user's video goes: checked before, worked on beside, and put there whole or not at all."""

from __future__ import annotations

import errno
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from services.kit.errors import BadInput, Fatal

__all__ = ["OUTPUT_SUFFIX", "check_output", "fill_output", "open_workspace"]

OUTPUT_SUFFIX: Final = ".mp4"
_PREFIX: Final = ".dramatis-"
_STORAGE_ERRORS: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS)


def check_output(output: Path, inputs: Iterable[Path]) -> None:
    """Raise BadInput unless a file of ours may appear at `output` without touching an input."""
    if output.is_dir():
        raise BadInput(f"output {output} is a directory, expected a file name")
    if output.suffix.lower() != OUTPUT_SUFFIX:
        raise BadInput(f"output {output} has the ending {output.suffix!r}, expected {OUTPUT_SUFFIX!r}")
    if output.exists() and not output.is_file():
        raise BadInput(f"output {output} is not a regular file")
    if not output.parent.is_dir():
        raise BadInput(f"output directory {output.parent} does not exist")
    for source in inputs:
        if output.exists() and source.exists() and output.samefile(source):
            raise BadInput(f"output {output} is also an input, expected another name")
    with open_workspace(output):
        pass


@contextmanager
def open_workspace(output: Path) -> Iterator[Path]:
    """A hidden folder beside `output` for everything on the way to it; nothing of it stays.

    Raises BadInput when the place cannot be written, Fatal when the disk fills up.
    """
    try:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=output.absolute().parent))
    except OSError as error:
        raise BadInput(f"output {output} cannot be written: {_reason(error)}") from error
    try:
        yield folder
    except OSError as error:
        if error.errno not in _STORAGE_ERRORS:
            raise
        raise Fatal(f"output {output} cannot be completed: {_reason(error)}") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def fill_output(video: Path, output: Path) -> None:
    """Move a finished video from the workspace to its place, in one step."""
    video.replace(output)


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
