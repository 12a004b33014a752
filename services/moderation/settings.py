"""The settings of moderation: environment variables that begin with MODERATION_."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from services.kit.settings import Group, ServiceSettings

__all__ = ["JudgeSettings", "Settings"]


class JudgeSettings(Group):
    """By which rules, and with which classifiers, is judged."""

    policy: Path | None = Field(default=None, description="a TOML file; by default the one that ships")
    picture_classifier: Path | None = Field(
        default=None, description="the folder of a published transformers image classifier"
    )
    text_classifier: Path | None = Field(
        default=None, description="the folder of a published transformers text classifier"
    )


class Settings(ServiceSettings):
    """What moderation adds to the settings of every service."""

    model_config = SettingsConfigDict(env_prefix="MODERATION_")

    judges: JudgeSettings = JudgeSettings()
