"""Running the dramatis command as its users do, with what it costs."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Of one whole process: its wall clock, the processor time of all its threads, its largest memory."""

    wall_s: float
    cpu_s: float
    peak_rss_mib: float


def dramatis(*arguments: str | Path) -> Cost:
    """Run the command to its end.

    Raises:
        subprocess.CalledProcessError: it failed; what it said went to the standard error.
    """
    line = [sys.executable, "-m", "services.standalone.main", *map(str, arguments)]
    begin_s = time.perf_counter()
    process = subprocess.Popen(line, cwd=_ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, line)
    return Cost(
        wall_s=time.perf_counter() - begin_s,
        cpu_s=usage.ru_utime + usage.ru_stime,
        peak_rss_mib=usage.ru_maxrss / 1024,
    )
