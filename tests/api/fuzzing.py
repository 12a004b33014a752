"""Schemathesis against an API that is served on a real socket."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from pydantic import SecretStr

from services.gateway.settings import AdmissionSettings, ApiSettings, Settings
from services.kit.http import open_http
from services.kit.settings import DatabaseSettings
from tests.api.pipeline import running_pipeline
from tests.api.platform import open_platform, sqlite_url

__all__ = ["AT_RANDOM", "REPEATABLE", "Outcome", "fuzz"]

_ROOT: Final = Path(__file__).parents[2]
# How schemathesis is configured.
AT_RANDOM: Final = Path(__file__).parent / "at_random.toml"
REPEATABLE: Final = Path(__file__).parent / "repeatable.toml"
_NO_LIMIT: Final = 1_000_000


class Outcome(NamedTuple):
    """How schemathesis ended, and what it wrote."""

    exit_code: int
    report: str


async def fuzz(folder: Path, config: Path, options: Sequence[str]) -> Outcome:
    """Run every check of schemathesis with further options, and return its report."""
    settings = Settings(
        api=ApiSettings(events_poll_s=0.05, events_max_s=1.0),
        admission=AdmissionSettings(
            max_queued_per_tenant=_NO_LIMIT, concurrency=_NO_LIMIT, max_running=_NO_LIMIT
        ),
        database=DatabaseSettings(url=SecretStr(sqlite_url(folder))),
    )
    async with (
        open_platform(folder, settings) as platform,
        running_pipeline(platform),
        open_http(platform.app, "127.0.0.1", 0) as address,
    ):
        command = (
            str(Path(sys.executable).parent / "schemathesis"),
            *("--config-file", str(config)),
            *("run", f"http://{address.host}:{address.port}/openapi.json"),
            *("--checks", "all", "--no-color"),
            *options,
        )
        environment = {
            **os.environ,
            "API_KEY": platform.ours,
            # Sets come in the order of the hashes of what is in them.
            "PYTHONHASHSEED": "0",
            "PYTHONPATH": f"{_ROOT}:{_ROOT / 'proto' / 'gen'}",
            "SCHEMATHESIS_HOOKS": "tests.api.schemathesis_hooks",
        }
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=folder,
            env=environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            report, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    assert process.returncode is not None
    return Outcome(process.returncode, report.decode(errors="replace"))
