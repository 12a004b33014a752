"""The settings of stitching: environment variables that begin with STITCHING_."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from services.kit.settings import ServiceSettings

__all__ = ["Settings"]


class Settings(ServiceSettings):
    """What stitching adds to the settings of every service."""

    model_config = SettingsConfigDict(env_prefix="STITCHING_")

    workspace: Path | None = Field(
        default=None, description="where videos are put together; by default the system's temporary folder"
    )
