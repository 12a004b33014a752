"""The API does what its description says: a short run of schemathesis with every check."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.api.fuzzing import REPEATABLE, fuzz


def test_no_request_finds_a_gap_between_the_api_and_its_description(tmp_path: Path) -> None:
    # As many requests as there are examples, however fast the machine; `python -m tests.bench.api_contract`
    # draws others.
    repeatable = ("--generation-deterministic", "--request-timeout", "120")
    phases = ("--phases", "examples,fuzzing", "--max-examples", "3")
    outcome = asyncio.run(fuzz(tmp_path, REPEATABLE, [*repeatable, *phases]))

    assert outcome.exit_code == 0, outcome.report
