"""The keys of the HTTP interface: how they look, how they are kept, and what they permit."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from services.kit.ids import Randomness

__all__ = ["SCOPES", "IssuedKey", "hash_secret", "issue", "key_id_of", "permits", "verify"]

ANY_SCOPE: Final = "*"
SCOPES: Final = frozenset(
    {
        "characters:read",
        "characters:write",
        "performances:read",
        "performances:write",
        "webhooks:read",
        "webhooks:write",
        "keys:read",
        "keys:write",
        "usage:read",
        ANY_SCOPE,
    }
)

_ID_PREFIX: Final = "key_"
_SECRET_BYTES: Final = 32
_TOKEN: Final = re.compile(r"dk_([0-9a-hjkmnp-tv-z]{26})_([0-9a-f]{64})")
# A secret of 256 bits cannot be guessed; the hash is only as slow as an answer can bear (about 10 ms).
_HASHER: Final = PasswordHasher(time_cost=2, memory_cost=8 * 1024, parallelism=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedKey:
    """A new key: `token` is shown once, `secret_hash` is kept."""

    token: str
    secret_hash: str


def issue(key_id: str, randomness: Randomness = secrets.token_bytes) -> IssuedKey:
    """A key for an id of `new_id("key", ...)`. Takes some milliseconds of a core."""
    secret = randomness(_SECRET_BYTES).hex()
    token = f"dk_{key_id.removeprefix(_ID_PREFIX)}_{secret}"
    return IssuedKey(token=token, secret_hash=hash_secret(secret))


def hash_secret(secret: str) -> str:
    """The argon2 hash of a secret."""
    return _HASHER.hash(secret)


def key_id_of(token: str) -> str | None:
    """The id in a token, None when it has not the form of one."""
    match = _TOKEN.fullmatch(token)
    return None if match is None else _ID_PREFIX + match[1]


def verify(token: str, secret_hash: str) -> bool:
    """Whether the token's secret has this hash. Takes some milliseconds of a core: call it in a thread."""
    match = _TOKEN.fullmatch(token)
    if match is None:
        return False
    try:
        return _HASHER.verify(secret_hash, match[2])
    except (VerificationError, InvalidHashError):
        return False


def permits(scopes: frozenset[str], needed: str) -> bool:
    """Whether a key with these scopes may do what needs one."""
    return needed in scopes or ANY_SCOPE in scopes
