"""Where the user's files go: checked before, worked on beside, and put there whole or not at all."""

from __future__ import annotations

import errno
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from services.kit.errors import BadInput, Fatal

__all__ = ["VIDEO_SUFFIX", "check_output", "fill_output", "open_workspace"]

VIDEO_SUFFIX: Final = ".mp4"
_PREFIX: Final = ".dramatis-"
_STORAGE_ERRORS: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS)


def check_output(
    output: Path,
    inputs: Iterable[Path | None],
    *,
    what: str = "output",
    suffixes: Sequence[str] = (VIDEO_SUFFIX,),
) -> None:
    """Raise BadInput, which calls it `what`, unless a file of ours may appear at `output`.

    It has one of the endings `suffixes`, and touches no input.
    """
    if output.is_dir():
        raise BadInput(f"{what} {output} is a directory, expected a file name")
    if output.suffix.lower() not in suffixes:
        expected = " or ".join(map(repr, suffixes))
        raise BadInput(f"{what} {output} has the ending {output.suffix!r}, expected {expected}")
    if output.exists() and not output.is_file():
        raise BadInput(f"{what} {output} is not a regular file")
    if not output.parent.is_dir():
        raise BadInput(f"{what} directory {output.parent} does not exist")
    for source in inputs:
        if source is not None and output.exists() and source.exists() and output.samefile(source):
            raise BadInput(f"{what} {output} is also an input, expected another name")
    with open_workspace(output, what):
        pass


@contextmanager
def open_workspace(output: Path, what: str = "output") -> Iterator[Path]:
    """A hidden folder beside `output` for everything on the way to it; nothing of it stays.

    Raises BadInput when the place cannot be written, Fatal when the disk fills up.
    """
    try:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=output.absolute().parent))
    except OSError as error:
        raise BadInput(f"{what} {output} cannot be written: {_reason(error)}") from error
    try:
        yield folder
    except OSError as error:
        if error.errno not in _STORAGE_ERRORS:
            raise
        raise Fatal(f"{what} {output} cannot be completed: {_reason(error)}") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def fill_output(finished: Path, output: Path) -> None:
    """Move a finished file from the workspace to its place, in one step."""
    finished.replace(output)


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
