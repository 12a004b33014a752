"""The settings of the gateway."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from services.kit.settings import Group, ServiceSettings

__all__ = ["AdmissionSettings", "ApiSettings", "BodySettings", "Settings"]

_MIB: Final = 1 << 20


class ApiSettings(Group):
    """Where the API is served, and to whom."""

    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535, description="0 takes a free one")
    public_url: str = Field(default="", description="what clients call this API; written into openapi.json")
    cors_origins: tuple[str, ...] = Field(default=(), description="origins whose pages may call the API")
    serves_metrics: bool = Field(default=False, description="/metrics on this port too; it names tenants")
    max_connections: int = Field(default=1000, ge=1)
    events_poll_s: float = Field(default=0.5, gt=0, description="how often a progress stream looks")
    events_max_s: float = Field(
        default=900.0, gt=0, description="a progress stream ends then; clients resume"
    )
    events_per_tenant: int = Field(default=50, ge=1, description="progress streams open at the same time")
    heartbeat_s: float = Field(default=15.0, gt=0, description="a comment keeps silent streams open")


class BodySettings(Group):
    """What clients may send."""

    folder: Path | None = Field(
        default=None, description="where uploads lie while a request lasts; none: /tmp"
    )
    json_bytes: int = Field(default=_MIB, ge=1)
    portrait_bytes: int = Field(default=20 * _MIB, ge=1)
    speech_bytes: int = Field(default=200 * _MIB, ge=1)
    listen_bytes: int = Field(default=200 * _MIB, ge=1)
    driver_bytes: int = Field(default=500 * _MIB, ge=1)
    chunk_timeout_s: float = Field(default=15.0, gt=0, description="the longest pause within a body")
    total_timeout_s: float = Field(default=600.0, gt=0, description="the longest a body may take")


class AdmissionSettings(Group):
    """How much is made at the same time. A tenant's own limits stand in the database."""

    max_running: int = Field(default=8, ge=1, description="performances at the same time, of all tenants")
    max_queued_per_tenant: int = Field(default=200, ge=1)
    max_duration_s: float = Field(default=1800.0, gt=0, description="the longest video")
    concurrency: int = Field(default=2, ge=1, description="of a tenant without a limit of its own")
    max_attempts: int = Field(default=5, ge=1, description="of a performance whose session was lost")
    requests_per_minute: int = Field(default=600, ge=1, description="of a key")


class Settings(ServiceSettings):
    """Everything the gateway is told by its environment."""

    model_config = SettingsConfigDict(env_prefix="GATEWAY_")

    api: ApiSettings = ApiSettings()
    bodies: BodySettings = BodySettings()
    admission: AdmissionSettings = AdmissionSettings()
