"""Loading engines from the weights that ship with the project."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Final

import torch
from safetensors import SafetensorError

from models.lpm.weights import load_streaming, weights_files
from models.registry import weights_folder
from services.generation.lpm import LpmEngine
from services.kit.errors import Unavailable

__all__ = ["check_weights", "load_engine", "set_engine_threads"]

# Each engine of the command, and the variant of its model that it runs.
_VARIANTS: Final = {"lpm": "motion"}


def load_engine(engine: str) -> LpmEngine:
    """Load an engine by its name. Raises Unavailable when its weights are missing or damaged."""
    folder = weights_folder(engine, _VARIANTS[engine])
    try:
        return LpmEngine(load_streaming(folder))
    except (OSError, ValueError, SafetensorError) as error:
        raise Unavailable(f"the weights of engine {engine} cannot be loaded: {error}") from error


def set_engine_threads(num_threads: int) -> None:
    """Let every step use this many threads; more than one pays only on a machine with little else to do."""
    torch.set_num_threads(num_threads)


def check_weights(engine: str) -> tuple[bool, str]:
    """Whether an engine loads, and a line of what was found."""
    try:
        load_engine(engine)
    except Unavailable as error:
        return False, str(error)
    return True, _describe(weights_folder(engine, _VARIANTS[engine]))


def _describe(folder: Path) -> str:
    contents = b"".join(file.read_bytes() for file in weights_files(folder))
    digest = sha256(contents).hexdigest()
    return f"{folder.name}, {len(contents) / 2**20:.1f} MiB, sha256 {digest[:16]}"
