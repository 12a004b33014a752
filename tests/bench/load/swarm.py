"""Many clients at once: locust in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from tests.servers.stage import PORTRAIT, Stage

_CLIENTS: Final = Path(__file__).with_name("clients.py")
# To start locust, and for requests under way at the end.
_GRACE_S: Final = 300.0
_STOP_S: Final = 120


def put_load(stage: Stage, character_id: str, num_clients: int, seconds: int) -> list[dict[str, Any]]:
    """Let so many clients loose for some seconds; what locust tells of every kind of request."""
    listed = stage.client.get("/v1/performances?limit=20").json()["data"]
    told = {
        "LOAD_KEY": stage.key,
        "LOAD_CHARACTER": character_id,
        "LOAD_PERFORMANCES": ",".join(performance["id"] for performance in listed),
        "LOAD_PORTRAIT": str(PORTRAIT),
    }
    command = [sys.executable, "-m", "locust", "-f", str(_CLIENTS), "--headless", "--json", "--only-summary"]
    command += ["--users", str(num_clients), "--spawn-rate", "25", "--run-time", f"{seconds}s"]
    command += ["--stop-timeout", str(_STOP_S)]
    done = subprocess.run(
        [*command, "--host", stage.cluster.api_url, "--loglevel", "WARNING"],
        env={**os.environ, **told},
        capture_output=True,
        text=True,
        timeout=seconds + _GRACE_S,
        check=False,
    )
    try:
        found: list[dict[str, Any]] = json.loads(done.stdout)
    except json.JSONDecodeError:
        raise RuntimeError(f"locust ended with {done.returncode}: {done.stderr[-2000:]}") from None
    return found
