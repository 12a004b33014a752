"""The settings of a platform in one process: those of its services, under their own names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from pydantic_settings import SettingsConfigDict

from services.encoding.settings import Settings as EncodingSettings
from services.gateway.settings import Settings as GatewaySettings
from services.generation.settings import Settings as GenerationSettings
from services.ingestion.settings import Settings as IngestionSettings
from services.kit.settings import ServiceSettings, TelemetrySettings, load
from services.moderation.settings import Settings as ModerationSettings
from services.worker.settings import Settings as WorkerSettings

__all__ = ["ProcessSettings", "ServicesSettings"]


class ProcessSettings(ServiceSettings):
    """What concerns the process: logs, traces, health. Variables begin with STANDALONE_."""

    model_config = SettingsConfigDict(env_prefix="STANDALONE_")

    telemetry: TelemetrySettings = TelemetrySettings(log_format="console", log_level="warning")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicesSettings:
    """What concerns the work of each service; where its bus, blobs and database are is not asked."""

    gateway: GatewaySettings
    moderation: ModerationSettings
    ingestion: IngestionSettings
    encoding: EncodingSettings
    generation: GenerationSettings
    worker: WorkerSettings

    @classmethod
    def load(cls) -> Self:
        """Read the environment. Raises Fatal for a variable that no service knows."""
        return cls(
            gateway=load(GatewaySettings),
            moderation=load(ModerationSettings),
            ingestion=load(IngestionSettings),
            encoding=load(EncodingSettings),
            generation=load(GenerationSettings),
            worker=load(WorkerSettings),
        )
