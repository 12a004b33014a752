from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from services.kit.errors import BadInput
from services.standalone.keys import keys
from services.standalone.tenants import tenants


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A database with the tenant acme."""
    address = f"sqlite:///{tmp_path}/dramatis.db"
    CliRunner().invoke(keys, ["create", "--database", address, "--tenant", "acme"])
    return address


def call(*words: str, url: str) -> Result:
    return CliRunner().invoke(tenants, [words[0], "--database", url, *words[1:]])


def test_a_new_tenant_has_the_platforms_limits(url: str) -> None:
    listed = call("list", url=url).stdout

    assert listed.endswith(
        "  acme  video_seconds_per_month=-  max_concurrency=-  storage_bytes=-  requests_per_minute=-\n"
    )


def test_limits_are_set_one_by_one_and_taken_back(url: str) -> None:
    call("limit", "acme", "--video-seconds", "0", "--concurrency", "3", url=url)
    call("limit", "acme", "--storage-bytes", "1000000000000", url=url)
    call("limit", "acme", "--concurrency", "-1", url=url)

    listed = call("list", url=url).stdout
    assert "video_seconds_per_month=0.0  max_concurrency=-  storage_bytes=1000000000000" in listed


def test_a_tenant_that_is_not_there_is_refused(url: str) -> None:
    assert isinstance(call("limit", "other", "--concurrency", "1", url=url).exception, BadInput)
