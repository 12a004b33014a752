"""The doctor: what this machine has, what it lacks, and the command that mends it."""

from __future__ import annotations

import json
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final, Literal

import av

from services.encoding.readiness import check_face_models
from services.generation.loading import check_weights

__all__ = ["Finding", "diagnose", "is_healthy", "render_json", "render_text"]

State = Literal["ok", "missing", "optional"]

_SETUP: Final = "make setup"
_PYTHON: Final = (3, 11)
_PACKAGES: Final = {
    "torch": "torch",
    "numpy": "numpy",
    "scipy": "scipy",
    "numba": "numba",
    "opencv-python-headless": "cv2",
    "pillow": "PIL",
    "safetensors": "safetensors",
    "einops": "einops",
}
# What only `dramatis serve` needs.
_PLATFORM_PACKAGES: Final = {
    "fastapi": "fastapi",
    "uvicorn": "uvicorn",
    "sqlalchemy": "sqlalchemy",
    "aiosqlite": "aiosqlite",
    "alembic": "alembic",
    "argon2-cffi": "argon2",
    "httpx": "httpx",
    "standardwebhooks": "standardwebhooks",
}
_CODECS: Final = ("libx264", "aac")
_VOICES: Final = {
    "espeak-ng": "only for performances from text, and training: apt-get install espeak-ng",
    "flite": "only for another voice, and training: apt-get install flite",
}
_CORES: Final = 2
_MEMORY_GIB: Final = 2
_DISK_GIB: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing looked at: `state` is "ok", "missing", or "optional" (absent, but not needed to perform)."""

    name: str
    state: State
    found: str
    remedy: str = ""


def diagnose() -> list[Finding]:
    """Look at everything the command needs; nothing is changed or downloaded."""
    return [
        _python(),
        *(_package(name, module) for name, module in (_PACKAGES | _PLATFORM_PACKAGES).items()),
        *(_codec(name) for name in _CODECS),
        _model("mediapipe", check_face_models()),
        _model("lpm weights", check_weights()),
        *_machine(),
        *(_voice(program, remedy) for program, remedy in _VOICES.items()),
    ]


def is_healthy(findings: Iterable[Finding]) -> bool:
    """True when nothing that is needed is missing."""
    return all(finding.state != "missing" for finding in findings)


def render_text(findings: list[Finding]) -> str:
    """One line a finding, then the verdict."""
    width = max(len(finding.name) for finding in findings)
    lines = [
        f"{finding.state:<9}{finding.name:<{width}}  {finding.found}" + _mend(finding) for finding in findings
    ]
    num_missing = sum(finding.state == "missing" for finding in findings)
    verdict = "ready to perform" if num_missing == 0 else f"{num_missing} needed but missing"
    return "\n".join([*lines, "", verdict])


def render_json(findings: list[Finding]) -> str:
    """An object with `healthy` and the list of `findings`."""
    return json.dumps(
        {"healthy": is_healthy(findings), "findings": [asdict(finding) for finding in findings]}, indent=2
    )


def _mend(finding: Finding) -> str:
    return f"  -> {finding.remedy}" if finding.remedy else ""


def _finding(name: str, is_present: bool, found: str, remedy: str) -> Finding:
    if is_present:
        return Finding(name=name, state="ok", found=found)
    return Finding(name=name, state="missing", found=found, remedy=remedy)


def _python() -> Finding:
    wanted = ".".join(map(str, _PYTHON))
    is_present = sys.version_info[:2] >= _PYTHON
    return _finding("python", is_present, platform.python_version(), f"install Python {wanted} or later")


def _package(name: str, module: str) -> Finding:
    try:
        import_module(module)
        return _finding(name, True, version(name), _SETUP)
    except (ImportError, OSError, PackageNotFoundError) as error:
        return _finding(name, False, f"does not import: {error}", _SETUP)


def _codec(name: str) -> Finding:
    try:
        av.codec.Codec(name, "w")
    except av.codec.codec.UnknownCodecError:
        return _finding(f"{name} encoder", False, f"not in PyAV {av.__version__}", _SETUP)
    return _finding(f"{name} encoder", True, f"PyAV {av.__version__}", _SETUP)


def _model(name: str, problem_or_description: tuple[bool, str]) -> Finding:
    is_present, found = problem_or_description
    return _finding(name, is_present, found, _SETUP)


def _machine() -> list[Finding]:
    cores = len(os.sched_getaffinity(0))
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    disk_gib = shutil.disk_usage(Path.cwd()).free / 2**30
    return [
        _wish("cores", cores >= _CORES, str(cores), f"{_CORES} cores are needed for real time"),
        _wish(
            "memory", memory_gib >= _MEMORY_GIB, f"{memory_gib:.1f} GiB", f"{_MEMORY_GIB} GiB are recommended"
        ),
        _wish("disk", disk_gib >= _DISK_GIB, f"{disk_gib:.1f} GiB free here", f"free {_DISK_GIB} GiB"),
        _finding("write access", _can_write(), str(Path.cwd()), "change to a folder you may write to"),
    ]


def _wish(name: str, is_met: bool, found: str, remedy: str) -> Finding:
    return Finding(
        name=name, state="ok" if is_met else "optional", found=found, remedy="" if is_met else remedy
    )


def _can_write() -> bool:
    try:
        with tempfile.TemporaryFile(dir=Path.cwd()):
            return True
    except OSError:
        return False


def _voice(program: str, remedy: str) -> Finding:
    path = shutil.which(program)
    return _wish(program, path is not None, path or "not installed", remedy)
