"""Where the benches find the recordings they measure on; they are not part of the project."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

_FOLDER: Final = "DRAMATIS_EVAL_DIR"


class MissingMediaError(FileNotFoundError):
    """The evaluation recordings are not on this machine."""


def media_dir() -> Path:
    """The folder of the evaluation recordings, named by DRAMATIS_EVAL_DIR.

    Raises:
        MissingMediaError: the variable is not set, or there is no such folder.
    """
    folder = os.environ.get(_FOLDER)
    if folder is None or not Path(folder).is_dir():
        raise MissingMediaError(f"no evaluation recordings: set {_FOLDER} to their folder, found {folder!r}")
    return Path(folder)


def find_media(stem: str) -> Path:
    """The one file whose name begins with `stem`, such as "v01" or "p03".

    Raises:
        MissingMediaError: there is none, or more than one.
    """
    found = sorted(media_dir().glob(f"{stem}*"))
    if len(found) != 1:
        raise MissingMediaError(f"expected one file {stem}* in {media_dir()}, found {len(found)}")
    return found[0]
