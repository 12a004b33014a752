"""The settings of the worker."""

from __future__ import annotations

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from services.kit.egress import EgressPolicy
from services.kit.settings import Group, ServiceSettings

__all__ = ["JobSettings", "RetentionSettings", "Settings", "SweepSettings", "WebhookSettings"]


class JobSettings(Group):
    """Where the worker's orders travel. Without a broker they stay in this process."""

    broker_url: SecretStr = Field(default=SecretStr(""), description="redis://host:port/number")
    num_threads: int = Field(default=4, ge=1, description="jobs at the same time, in one process")
    grace_s: float = Field(default=3.0, gt=0, description="for jobs under way when the worker ends")


class WebhookSettings(Group):
    """How webhooks are sent."""

    interval_s: float = Field(default=1.0, gt=0, description="how often due deliveries are looked for")
    timeout_s: float = Field(default=15.0, gt=0, description="for the whole answer of a receiver")
    lease_s: float = Field(default=60.0, gt=0, description="a delivery of a lost worker is tried again then")
    max_in_flight: int = Field(default=64, ge=1, description="deliveries at the same time, in one process")
    max_in_flight_per_endpoint: int = Field(default=4, ge=1)
    retention_days: float = Field(default=30.0, gt=0, description="how long events and deliveries are kept")


class SweepSettings(Group):
    """When what makes no progress is begun again."""

    interval_s: float = Field(default=10.0, gt=0)
    stall_timeout_s: float = Field(
        default=300.0, gt=0, description="a performance without progress; doubles with each attempt"
    )
    max_attempts: int = Field(default=5, ge=1, description="then the performance has failed")
    announce_after_s: float = Field(
        default=120.0, gt=0, description="something undecided is announced again; doubles each time"
    )


class RetentionSettings(Group):
    """How long what nobody needs is kept."""

    interval_s: float = Field(default=60.0, gt=0)
    deleted_hours: float = Field(default=24.0, gt=0, description="rows of deleted things, after their blobs")


class Settings(ServiceSettings):
    """Everything the worker is told by its environment."""

    model_config = SettingsConfigDict(env_prefix="WORKER_")

    jobs: JobSettings = JobSettings()
    egress: EgressPolicy = EgressPolicy()
    webhooks: WebhookSettings = WebhookSettings()
    sweep: SweepSettings = SweepSettings()
    retention: RetentionSettings = RetentionSettings()
    usage_interval_s: float = Field(default=60.0, gt=0, description="how often usage is summed up")
