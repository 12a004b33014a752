from __future__ import annotations

from datetime import UTC, datetime

import pytest

from services.kit.ids import new_id
from services.kit.keys import SCOPES, issue, key_id_of, permits, verify

KEY_ID = new_id("key", datetime(2026, 11, 21, tzinfo=UTC), bytes)


def test_a_token_names_its_key_and_opens_it() -> None:
    issued = issue(KEY_ID)

    assert key_id_of(issued.token) == KEY_ID
    assert verify(issued.token, issued.secret_hash)


def test_the_hash_holds_neither_the_secret_nor_the_token() -> None:
    issued = issue(KEY_ID)

    assert issued.secret_hash.startswith("$argon2id$")
    assert issued.token.rpartition("_")[2] not in issued.secret_hash


def test_equal_secrets_have_different_hashes() -> None:
    assert issue(KEY_ID, bytes).secret_hash != issue(KEY_ID, bytes).secret_hash


def test_another_keys_secret_does_not_open_it() -> None:
    assert not verify(issue(KEY_ID).token, issue(KEY_ID).secret_hash)


TOKEN = issue(KEY_ID, bytes).token


@pytest.mark.parametrize(
    "text",
    [
        "",
        "dk_",
        "Bearer x",
        KEY_ID,
        TOKEN[:-1],
        TOKEN + "0",
        TOKEN.upper(),
        TOKEN.replace("_0", "_u", 1),
        TOKEN + "\n",
    ],
)
def test_a_text_that_is_no_token_names_no_key_and_opens_none(text: str) -> None:
    assert key_id_of(text) is None
    assert not verify(text, issue(KEY_ID).secret_hash)


@pytest.mark.parametrize("stored", ["", "plain", "$argon2id$v=19$m=8192,t=2,p=1$broken"])
def test_a_hash_that_is_none_opens_nothing(stored: str) -> None:
    assert not verify(issue(KEY_ID).token, stored)


def test_a_scope_permits_itself_alone_and_the_star_everything() -> None:
    assert permits(frozenset({"characters:read"}), "characters:read")
    assert not permits(frozenset({"characters:read"}), "characters:write")
    assert not permits(frozenset(), "usage:read")
    assert all(permits(frozenset({"*"}), scope) for scope in SCOPES)
