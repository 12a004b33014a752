"""The settings of ingestion: environment variables that begin with INGESTION_."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from services.ingestion.domain import Limits
from services.kit.egress import EgressPolicy
from services.kit.settings import Group, ServiceSettings

__all__ = ["LimitSettings", "Settings", "VoiceSettings"]

_DEFAULTS = Limits()


class VoiceSettings(Group):
    """Who speaks a text: a program of this machine, or a server with POST /v1/audio/speech."""

    kind: Literal["espeak", "flite", "openai"] = "espeak"
    language: str = Field(default="en-us", description="of a text that names none (espeak)")
    voice: str = Field(default="", description="of a text that names none; by default the kind's own")
    url: str = Field(default="", description="the server's address, before /v1 (openai)")
    key: SecretStr = SecretStr("")
    model: str = Field(default="tts-1", description="the server's model (openai)")
    response_format: Literal["wav", "mp3", "flac", "opus", "aac"] = "wav"
    timeout_s: float = Field(default=120.0, gt=0, description="for one text")


class LimitSettings(Group):
    """What one performance may ask."""

    sessions: int = Field(default=_DEFAULTS.sessions, ge=1, description="performances beside each other")
    input_bytes: int = Field(default=_DEFAULTS.input_bytes, ge=1, description="of the file at a URL")
    text_characters: int = Field(default=_DEFAULTS.text_characters, ge=1, description="of a text to speak")
    fetch_timeout_s: float = Field(default=_DEFAULTS.fetch_timeout_s, gt=0, description="for one file")
    fetch_attempts: int = Field(default=_DEFAULTS.fetch_attempts, ge=1, description="at a URL")
    voice_attempts: int = Field(default=_DEFAULTS.voice_attempts, ge=1, description="at a voice")

    def limits(self) -> Limits:
        """The same for the domain."""
        return Limits(**self.model_dump())


class Settings(ServiceSettings):
    """What ingestion adds to the settings of every service."""

    model_config = SettingsConfigDict(env_prefix="INGESTION_")

    workspace: Path | None = Field(
        default=None, description="where inputs are decoded; by default the system's temporary folder"
    )
    egress: EgressPolicy = EgressPolicy()
    voice: VoiceSettings = VoiceSettings()
    limits: LimitSettings = LimitSettings()
