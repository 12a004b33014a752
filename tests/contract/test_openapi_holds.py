"""The API does what its description says: a short run of schemathesis with every check."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.api.fuzzing import fuzz


def test_no_request_finds_a_gap_between_the_api_and_its_description(tmp_path: Path) -> None:
    # The same requests in every run; `python -m tests.bench.api_contract` draws others.
    repeatable = ("--generation-deterministic", "--seed", "1", "--request-timeout", "120")
    outcome = asyncio.run(
        fuzz(
            tmp_path,
            [*repeatable, "--phases", "examples,fuzzing", "--max-examples", "2", "--max-time", "20"],
        )
    )

    assert outcome.exit_code == 0, outcome.report
