"""Which texts are keys of blobs."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["check_key", "check_prefix"]

_LONGEST: Final = 512
# No segment begins with a dot, so that none means "here", "above" or a file of the store's own.
_SEGMENT: Final = r"[A-Za-z0-9_][A-Za-z0-9_.~=+-]*"
_KEY: Final = re.compile(rf"{_SEGMENT}(?:/{_SEGMENT})+")
_PREFIX: Final = re.compile(rf"{_SEGMENT}/(?:{_SEGMENT}/)*(?:{_SEGMENT})?")


def check_key(key: str) -> str:
    """The key itself. Raises ValueError when it is none."""
    if len(key) > _LONGEST or not _KEY.fullmatch(key):
        raise ValueError(f"{key[:80]!r} is no key of a blob, expected tenant/segments of plain characters")
    return key


def check_prefix(prefix: str) -> str:
    """The prefix itself. Raises ValueError when it is none, or does not hold a whole tenant and a slash."""
    if len(prefix) > _LONGEST or not _PREFIX.fullmatch(prefix):
        raise ValueError(f"{prefix[:80]!r} is no prefix of blobs, expected tenant/ and more")
    return prefix
