"""Names of things: a prefix that tells the kind, then the moment and chance, so that they sort by time."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

__all__ = ["Randomness", "is_id", "new_id"]

Randomness = Callable[[int], bytes]

# Crockford's base 32, small: without i, l, o and u.
_DIGITS: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_NUM_DIGITS: Final = 26
_CHANCE_BYTES: Final = 10
_BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)


def new_id(prefix: str, now: datetime, randomness: Randomness = secrets.token_bytes) -> str:
    """`prefix`, an underscore, and 26 digits: 48 bits of milliseconds, then 80 bits of chance."""
    moment = (now - _BEGINNING) // timedelta(milliseconds=1)
    number = moment << (8 * _CHANCE_BYTES) | int.from_bytes(randomness(_CHANCE_BYTES))
    digits = [_DIGITS[number >> shift & 31] for shift in range(5 * (_NUM_DIGITS - 1), -1, -5)]
    return f"{prefix}_{''.join(digits)}"


def is_id(text: str, prefix: str) -> bool:
    """Whether a text has the form of an id of this kind."""
    kind, _, digits = text.partition("_")
    return kind == prefix and len(digits) == _NUM_DIGITS and all(digit in _DIGITS for digit in digits)
