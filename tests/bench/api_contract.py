"""Five minutes of schemathesis, every check on: `python -m tests.bench.api_contract [seconds]`."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

from services.kit.logs import configure_logs
from services.kit.settings import TelemetrySettings
from tests.api.fuzzing import AT_RANDOM, fuzz


def main() -> int:
    """Print the report; the exit code is that of schemathesis."""
    seconds = sys.argv[1] if len(sys.argv) > 1 else "300"
    configure_logs("gateway", TelemetrySettings(log_level="warning", log_format="console"))
    with tempfile.TemporaryDirectory() as folder:
        outcome = asyncio.run(fuzz(Path(folder), AT_RANDOM, ["--max-time", seconds]))
    sys.stdout.write(outcome.report)
    return outcome.exit_code


if __name__ == "__main__":
    sys.exit(main())
