"""Where the shipped weights of each engine's variants lie."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

_MODELS: Final = Path(__file__).parent

WEIGHTS: Final[Mapping[tuple[str, str], Path]] = MappingProxyType(
    {("lpm", "motion"): _MODELS / "lpm" / "weights" / "motion"}
)


def weights_folder(engine: str, variant: str) -> Path:
    """Return the folder with the weights of an engine's variant.

    Raises ValueError, naming what there is, when none are shipped for it.
    """
    try:
        return WEIGHTS[engine, variant]
    except KeyError as error:
        known = ", ".join(f"{e} {v}" for e, v in WEIGHTS)
        raise ValueError(f"no weights are shipped for {engine} {variant}; there are: {known}") from error
