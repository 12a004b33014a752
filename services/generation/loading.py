"""Loading engines: from the weights that ship with the project, and from those that settings name."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

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

if TYPE_CHECKING:
    from services.generation.personalive_loading import Parts

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


def load_personalive(name: str, load_parts: Callable[[], Parts], settings: EngineSettings) -> Engine[Any]:
    """Make the engine of a name from its parts. Raises Unavailable when they are missing or damaged."""
    # Here, so that nobody else waits for its libraries.
    from services.generation.personalive_loading import open_engine

    try:
        return open_engine(name, load_parts(), settings)
    except (*_FAULTS, RuntimeError) as error:
        raise Unavailable(f"the weights of engine {name} cannot be loaded: {error}") from error


def load_fantasytalking(settings: EngineSettings) -> Offline:
    """Load the offline engine whose networks lie where the settings say, in as many processes as they say.

    Raises Unavailable as above, or when there is no room for the processes.
    """
    # Here, so that nobody else waits for its libraries.
    from services.generation.fantasytalking.loading import open_fantasytalking, open_together

    given, device, precision = settings.fantasytalking, settings.device, settings.precision
    parallel = given.parallel(device)
    try:
        folders = settings.fantasytalking_folders()
        if parallel == ParallelConfig(device=parallel.device):
            return open_fantasytalking(folders, device, precision, given.negative_prompt)
        return open_together(folders, device, precision, given.negative_prompt, parallel, given.ray_address)
    except (*_FAULTS, RuntimeError) as error:
        raise Unavailable(f"the weights of engine fantasytalking cannot be loaded: {error}") from error


def engines_of(settings: EngineSettings) -> dict[str, Callable[[], Engine[Any] | Offline]]:
    """What loads the engines that are shipped or configured, by their names."""
    engines: dict[str, Callable[[], Engine[Any] | Offline]] = {"lpm": load_lpm}
    if settings.weights.personalive is not None:
        # Its engines are one after the other loaded from the same networks, which lie in memory once.
        load_parts = cache(partial(_personalive_parts, settings.weights.personalive, settings))
        engines["personalive"] = partial(load_personalive, "personalive", load_parts, settings)
        if settings.approximate.leaving_early:
            engines["personalive_early"] = partial(
                load_personalive, "personalive_early", load_parts, settings
            )
    if settings.weights.fantasytalking is not None:
        engines["fantasytalking"] = partial(load_fantasytalking, settings)
    return engines


def _personalive_parts(folder: Path, settings: EngineSettings) -> Parts:
    from services.generation.personalive_loading import load_parts

    return load_parts(folder, settings)


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
