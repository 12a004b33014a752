from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from services.kit.errors import BadInput
from services.kit.keys import key_id_of
from services.standalone.database import database
from services.standalone.keys import keys


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A database that is not there yet."""
    return f"sqlite:///{tmp_path}/new/dramatis.db"


def call(*words: str, url: str) -> Result:
    return CliRunner().invoke(keys, [words[0], "--database", url, *words[1:]])


def test_the_first_key_needs_no_database_and_no_tenant(url: str) -> None:
    result = call("create", "--tenant", "acme", url=url)

    assert result.exit_code == 0
    assert key_id_of(result.stdout.removesuffix("\n")) is not None


def test_two_keys_of_one_name_belong_to_one_tenant(url: str) -> None:
    tenants = {
        call("create", "--tenant", "acme", url=url).stderr.split("(")[1].split(")")[0] for _ in range(2)
    }

    assert len(tenants) == 1


def test_a_list_shows_ids_and_never_secrets(url: str) -> None:
    token = call(
        "create", "--tenant", "acme", "--scope", "usage:read", "--name", "bill", url=url
    ).stdout.strip()

    listed = call("list", url=url).stdout

    assert listed == f"{key_id_of(token)}  acme  valid  usage:read  bill\n"


def test_a_revoked_key_is_listed_as_such(url: str) -> None:
    key_id = key_id_of(call("create", "--tenant", "acme", url=url).stdout.strip())
    assert key_id is not None

    assert call("revoke", "--tenant", "acme", key_id, url=url).exit_code == 0

    assert "revoked" in call("list", "--tenant", "acme", url=url).stdout


def test_another_tenant_cannot_revoke_a_key(url: str) -> None:
    key_id = key_id_of(call("create", "--tenant", "acme", url=url).stdout.strip())
    assert key_id is not None
    call("create", "--tenant", "other", url=url)

    refused = call("revoke", "--tenant", "other", key_id, url=url)

    assert isinstance(refused.exception, BadInput)
    assert "revoked" not in call("list", url=url).stdout


def test_an_unknown_scope_is_refused_with_the_known_ones(url: str) -> None:
    refused = call("create", "--tenant", "acme", "--scope", "all", url=url)

    assert isinstance(refused.exception, BadInput)
    assert "performances:write" in str(refused.exception)


def test_the_tables_go_up_and_down(url: str) -> None:
    def run(*words: str) -> str:
        result = CliRunner().invoke(database, [words[0], "--database", url, *words[1:]])
        assert result.exit_code == 0
        return result.stdout.strip()

    head = run("upgrade")
    assert run("current") == f"{head}  (this release: {head})"
    assert run("downgrade", "--yes", "base") == "none"
