"""The settings of generation: environment variables that begin with GENERATION_."""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from services.kit.settings import ServiceSettings

__all__ = ["Settings"]


class Settings(ServiceSettings):
    """How many sessions step together, and with how much of the machine."""

    model_config = SettingsConfigDict(env_prefix="GENERATION_")

    engine: Literal["lpm"] = "lpm"
    slots: int = Field(default=4, ge=1, le=64, description="rows of every step; the same in all processes")
    engine_threads: int = Field(default=1, ge=1, description="threads of one step")
    picture_threads: int = Field(default=3, ge=1, description="threads that draw and encode")
    patience_s: float = Field(default=60.0, gt=0, description="how long a session waits for a missing cue")
