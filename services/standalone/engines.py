"""What an engine must have, and can make, before a command begins."""

from __future__ import annotations

from pathlib import Path

from services.generation.settings import EngineSettings
from services.kit.engines import DRIVEN_ENGINES, SPOKEN_ENGINES
from services.kit.errors import BadInput

__all__ = ["check_engine"]


def check_engine(engine: str, motion: Path | None) -> None:
    """Raise BadInput when an engine is not to be had, or does not make the motion that is asked for."""
    try:
        EngineSettings().check_served(engine)
    except ValueError as error:
        raise BadInput(str(error).replace("\n", " ")) from error
    if motion is not None and engine in DRIVEN_ENGINES | SPOKEN_ENGINES:
        raise BadInput(f"motion {motion} cannot be written: engine {engine} makes none")
