"""What the engines want their cues to look like, as it lies beside their weights."""

from __future__ import annotations

from functools import cache
from typing import Final

from models.lpm.config import LpmConfig
from models.lpm.weights import read_config
from models.registry import weights_folder
from services.kit.errors import Unavailable

__all__ = ["load_config"]

# The variant of its model that each engine runs.
_VARIANTS: Final = {"lpm": "motion"}


@cache
def load_config(engine: str) -> LpmConfig:
    """The configuration of an engine. Raises Unavailable when it is missing or damaged."""
    try:
        return read_config(weights_folder(engine, _VARIANTS[engine]))
    except (OSError, ValueError) as error:
        raise Unavailable(f"the configuration of engine {engine} cannot be read: {error}") from error
