"""The settings of encoding: environment variables that begin with ENCODING_."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from services.kit.settings import ServiceSettings

__all__ = ["Settings"]


class Settings(ServiceSettings):
    """How much of the machine encoding takes."""

    model_config = SettingsConfigDict(env_prefix="ENCODING_")

    threads: int = Field(default=2, ge=1, description="portraits, speeches and drivers encoded at a time")
    patience_s: float = Field(
        default=60.0, gt=0, description="how long a session waits for a missing segment"
    )
