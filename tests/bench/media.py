"""Where the benches find the recordings they measure on; they are not part of the project."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

_DEFAULT: Final = Path("..") / "shared" / "data" / "eval"  # beside the repository
_ROOT: Final = Path(__file__).parents[2]


class MissingMediaError(FileNotFoundError):
    """The evaluation recordings are not on this machine."""


def media_dir() -> Path:
    """The folder of the evaluation recordings: DRAMATIS_EVAL_DIR, or the default beside the repository.

    Raises:
        MissingMediaError: there is no such folder.
    """
    path = Path(os.environ.get("DRAMATIS_EVAL_DIR", _ROOT / _DEFAULT))
    if not path.is_dir():
        raise MissingMediaError(f"no evaluation recordings at {path}; set DRAMATIS_EVAL_DIR to their folder")
    return path


def find_media(stem: str) -> Path:
    """The one file whose name begins with `stem`, such as "v01" or "p03".

    Raises:
        MissingMediaError: there is none, or more than one.
    """
    found = sorted(media_dir().glob(f"{stem}*"))
    if len(found) != 1:
        raise MissingMediaError(f"expected one file {stem}* in {media_dir()}, found {len(found)}")
    return found[0]
