"""What the engines want their cues to look like, as it lies beside their weights."""

from __future__ import annotations

from functools import cache
from typing import Final

from models.lpm.config import LpmConfig, from_json
from models.lpm.weights import CONFIG_FILE
from models.registry import weights_folder
from services.kit.errors import Unavailable

__all__ = ["ENGINES", "load_config"]

# The variant of its model that each engine runs.
_VARIANTS: Final = {"lpm": "motion"}
ENGINES: Final = tuple(_VARIANTS)


@cache
def load_config(engine: str) -> LpmConfig:
    """The configuration of an engine. Raises Unavailable when it is missing or damaged."""
    path = weights_folder(engine, _VARIANTS[engine]) / CONFIG_FILE
    try:
        return from_json(path.read_text())
    except (OSError, ValueError) as error:
        raise Unavailable(f"the configuration of engine {engine} cannot be read: {error}") from error
