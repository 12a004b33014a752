"""Prints what an image needs of the dependencies in pyproject.toml: `requirements.py platform|engine`."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path
from typing import Final

# Only encoding, generation and moderation load models; the other services do without all of this.
ENGINE_ONLY: Final = frozenset(
    {
        "absl-py",
        "attrs",
        "einops",
        "flatbuffers",
        "matplotlib",
        "numba",
        "safetensors",
        "scipy",
        "torch",
        "tqdm",
        "transformers",
    }
)


def requirements(project: Path, image: str) -> list[str]:
    """The requirements of an image, as pip reads them."""
    declared: list[str] = tomllib.loads(project.read_text(encoding="utf-8"))["project"]["dependencies"]
    if image == "engine":
        return declared
    if image != "platform":
        raise ValueError(f"image {image}, expected platform or engine")
    return [line for line in declared if _name(line) not in ENGINE_ONLY]


def _name(requirement: str) -> str:
    match = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert match is not None
    return match.group()


if __name__ == "__main__":
    sys.stdout.write("\n".join(requirements(Path("pyproject.toml"), sys.argv[1])) + "\n")
