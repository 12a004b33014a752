"""Loading engines: from the weights that ship with the project, and from those that settings name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError

from models.fantasytalking.parallel.config import ParallelConfig
from models.lpm.weights import load_streaming, weights_files
from models.registry import weights_folder
from services.generation.engine import Engine
from services.generation.lpm import LpmEngine
from services.generation.offline import Offline
from services.generation.settings import EngineSettings
from services.kit.errors import Unavailable

__all__ = [
    "check_weights",
    "engines_of",
    "load_engine",
    "load_fantasytalking",
    "load_lpm",
    "load_personalive",
    "set_engine_threads",
]

# What files that are missing, damaged or of another kind lead to.
_FAULTS: Final = (OSError, ValueError, SafetensorError)

_LPM_VARIANT: Final = "motion"


def load_lpm() -> LpmEngine:
    """Load the engine that is shipped. Raises Unavailable when its weights are missing or damaged."""
    folder = weights_folder("lpm", _LPM_VARIANT)
    try:
        return LpmEngine(load_streaming(folder))
    except _FAULTS as error:
        raise Unavailable(f"the weights of engine lpm cannot be loaded: {error}") from error


def load_personalive(folder: Path, settings: EngineSettings) -> Engine[Any]:
    """Load the engine whose weights lie in `folder`. Raises Unavailable when they are missing or damaged."""
    # Here, so that nobody else waits for its libraries.
    from services.generation.personalive_loading import finishes_of, open_personalive

    try:
        return open_personalive(folder, settings.device, settings.precision, finishes_of(settings))
    except (*_FAULTS, RuntimeError) as error:
        raise Unavailable(f"the weights of engine personalive cannot be loaded: {error}") from error


def load_fantasytalking(settings: EngineSettings) -> Offline:
    """Load the offline engine whose networks lie where the settings say, in as many processes as they say.

    Raises Unavailable as above, or when there is no room for the processes.
    """
    # Here, so that nobody else waits for its libraries.
    from services.generation.fantasytalking.loading import open_fantasytalking, open_together

    parallel, cluster = settings.fantasytalking.parallel(settings.device), settings.fantasytalking.ray_address
    try:
        where = (settings.fantasytalking_folders(), settings.device, settings.precision)
        if parallel == ParallelConfig(device=parallel.device):
            return open_fantasytalking(*where)
        return open_together(*where, parallel, cluster)
    except (*_FAULTS, RuntimeError) as error:
        raise Unavailable(f"the weights of engine fantasytalking cannot be loaded: {error}") from error


def engines_of(settings: EngineSettings) -> dict[str, Callable[[], Engine[Any] | Offline]]:
    """What loads the engines that are shipped or configured, by their names."""
    engines: dict[str, Callable[[], Engine[Any] | Offline]] = {"lpm": load_lpm}
    if settings.weights.personalive is not None:
        engines["personalive"] = partial(load_personalive, settings.weights.personalive, settings)
    if settings.weights.fantasytalking is not None:
        engines["fantasytalking"] = partial(load_fantasytalking, settings)
    return engines


def load_engine(name: str) -> Engine[Any] | Offline:
    """Load one engine, as the environment configures it. Raises Unavailable as the others do."""
    return load_lpm() if name == "lpm" else engines_of(EngineSettings())[name]()


def set_engine_threads(num_threads: int) -> None:
    """Let every step use this many threads; more than one pays only on a machine with little else to do."""
    torch.set_num_threads(num_threads)


def check_weights() -> tuple[bool, str]:
    """Whether the shipped engine loads, and a line of what was found."""
    try:
        load_lpm()
    except Unavailable as error:
        return False, str(error)
    return True, _describe(weights_folder("lpm", _LPM_VARIANT))


def _describe(folder: Path) -> str:
    contents = b"".join(file.read_bytes() for file in weights_files(folder))
    digest = sha256(contents).hexdigest()
    return f"{folder.name}, {len(contents) / 2**20:.1f} MiB, sha256 {digest[:16]}"
