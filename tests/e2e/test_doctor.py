from __future__ import annotations

import json
import subprocess
from collections.abc import Callable

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def test_a_machine_that_was_set_up_is_healthy(dramatis: Run) -> None:
    result = dramatis("doctor")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.endswith("ready to perform\n")


def test_findings_can_be_read_by_a_program(dramatis: Run) -> None:
    report = json.loads(dramatis("doctor", "--json").stdout)
    assert report["healthy"] is True
    assert {"python", "torch", "mediapipe", "lpm weights", "libx264 encoder"} <= {
        finding["name"] for finding in report["findings"]
    }


def test_the_version_is_told(dramatis: Run) -> None:
    result = dramatis("--version")
    assert result.returncode == 0
    assert result.stdout.startswith("dramatis ")
