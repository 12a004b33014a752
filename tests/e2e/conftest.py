"""The dramatis command in a process of its own, and short inputs for it."""

from __future__ import annotations

import subprocess
import sys
import wave
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
COMMAND: Final = (sys.executable, "-m", "services.standalone.main")
# A shell lets the jobs it runs in the background ignore SIGINT, and their children inherit that.
_HEEDING: Final = ("env", "--default-signal=INT")

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def dramatis() -> Run:
    """Run the command to its end."""

    def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, *map(str, arguments)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def begin_dramatis() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start the command and hand over its process; whatever still runs in the end is killed."""
    begun: list[subprocess.Popen[str]] = []

    def begin(*arguments: str | Path) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [*_HEEDING, *COMMAND, *map(str, arguments)], cwd=ROOT, stderr=subprocess.PIPE, text=True
        )
        begun.append(process)
        return process

    yield begin
    for process in begun:
        process.kill()
        process.wait()


@pytest.fixture(scope="session")
def short_speech(example_speech: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first 1.9 s of the example speech."""
    return _cut(example_speech, tmp_path_factory.mktemp("speech") / "short.wav", 1.9)


@pytest.fixture(scope="session")
def long_speech(example_speech: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Minutes of the example speech, over and over."""
    return _cut(example_speech, tmp_path_factory.mktemp("speech") / "long.wav", 300)


@pytest.fixture(scope="session")
def performance(
    dramatis: Run, example_portrait: Path, short_speech: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """The example portrait speaking the short speech."""
    output = tmp_path_factory.mktemp("performance") / "out.mp4"
    return output, dramatis("perform", example_portrait, "--speech", short_speech, "--output", output)


def _cut(source: Path, target: Path, seconds: float) -> Path:
    with wave.open(str(source), "rb") as reader, wave.open(str(target), "wb") as writer:
        writer.setparams(reader.getparams())
        content = reader.readframes(reader.getnframes())
        num_bytes = round(seconds * reader.getframerate()) * reader.getsampwidth() * reader.getnchannels()
        writer.writeframes((content * (num_bytes // len(content) + 1))[:num_bytes])
    return target
