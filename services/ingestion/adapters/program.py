"""Running a program: no shell, text on its standard input, a bounded time and a plain environment."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from services.kit.errors import Unavailable

__all__ = ["Result", "run_program"]

_ENVIRONMENT: Final = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How a program ended; `complaint` is the first line it wrote to its standard error."""

    exit_code: int
    output: str
    complaint: str


async def run_program(arguments: Sequence[str], text: str, package: str, timeout_s: float) -> Result:
    """Run a program to its end. Raises Unavailable when it is not installed, or takes too long."""
    try:
        process = await asyncio.create_subprocess_exec(
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=_ENVIRONMENT,
        )
    except FileNotFoundError as error:
        raise Unavailable(
            f"{arguments[0]} is not installed, expected the package {package} (apt-get install {package})"
        ) from error
    try:
        async with asyncio.timeout(timeout_s):
            output, complaint = await process.communicate(text.encode())
    except TimeoutError as error:
        raise Unavailable(f"{arguments[0]} took more than {timeout_s:g} s") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return Result(
        exit_code=process.returncode or 0,
        output=output.decode(errors="replace"),
        complaint=complaint.decode(errors="replace").strip().partition("\n")[0][:200],
    )
