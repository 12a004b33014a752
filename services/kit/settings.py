"""Settings from environment variables: typed, frozen, and strict about names nobody knows."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Final, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.kit.errors import Fatal

__all__ = [
    "BlobSettings",
    "BusSettings",
    "DatabaseSettings",
    "Group",
    "HealthSettings",
    "ServiceSettings",
    "TelemetrySettings",
    "load",
]

SettingsT = TypeVar("SettingsT", bound="ServiceSettings")

NESTING: Final = "__"
# How pydantic begins what a validator of ours has said.
_OURS: Final = "Value error, "


class Group(BaseModel):
    """Settings that belong together, as a field of a `ServiceSettings`."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class BusSettings(Group):
    """Where records go. Without `bootstrap_servers` they stay in this process."""

    bootstrap_servers: str = Field(default="", description="host:port of Kafka brokers, separated by commas")
    partitions: int = Field(default=8, ge=1, description="partitions of every topic; fixed once topics exist")
    replication_factor: int = Field(default=1, ge=1, description="copies of every partition")
    retention_hours: float = Field(default=72.0, gt=0, description="how long records stay on the broker")
    dead_retention_hours: float = Field(default=336.0, gt=0, description="how long dead letters stay")
    memory_depth: int = Field(default=256, ge=1, description="records that wait per partition, in process")
    request_timeout_s: float = Field(default=15.0, gt=0, description="when a broker counts as not answering")
    session_timeout_s: float = Field(default=10.0, gt=0, description="when a silent member loses its place")
    heartbeat_interval_s: float = Field(default=1.0, gt=0, description="how often a member shows it lives")
    record_max_bytes: int = Field(default=4 << 20, ge=1024, description="the largest record")
    fetch_wait_s: float = Field(default=0.05, ge=0, description="how long a broker waits for records")
    fetch_max_bytes: int = Field(default=16 << 20, ge=1024, description="bytes of a fetch")
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: str = ""
    username: str = ""
    password: SecretStr = SecretStr("")
    ca_file: Path | None = None


class BlobSettings(Group):
    """Where blobs lie: in a folder, or in a bucket of an S3 server."""

    folder: Path | None = None
    endpoint: str = Field(default="", description="host:port of the S3 server")
    bucket: str = "dramatis"
    access_key: str = ""
    secret_key: SecretStr = SecretStr("")
    region: str = ""
    secure: bool = Field(default=True, description="HTTPS")

    @model_validator(mode="after")
    def _check_one_store(self) -> Self:
        if self.folder is not None and self.endpoint:
            raise ValueError("a folder and an endpoint are given, expected one of them")
        return self


class DatabaseSettings(Group):
    """The database, as an SQLAlchemy address; it may hold a password."""

    url: SecretStr = SecretStr("sqlite+aiosqlite:///dramatis.db")
    pool_size: int = Field(default=10, ge=1)
    timeout_s: float = Field(default=10.0, gt=0, description="for a connection, and for a statement")


class TelemetrySettings(Group):
    """Logs, traces and metrics."""

    log_format: Literal["json", "console"] = "json"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    otlp_endpoint: str = Field(default="", description="an OTLP gRPC receiver; empty traces nothing")
    sample_ratio: float = Field(default=1.0, ge=0, le=1, description="share of the traces that are kept")


class HealthSettings(Group):
    """Where /healthz, /readyz and /metrics are served; port 0 takes a free one."""

    host: str = "127.0.0.1"
    port: int = Field(default=0, ge=0, le=65535)


class ServiceSettings(BaseSettings):
    """What every service has. A service adds its own fields and its prefix:

    `model_config = SettingsConfigDict(env_prefix="GENERATION_")`
    """

    model_config = SettingsConfigDict(frozen=True, extra="forbid", env_nested_delimiter=NESTING)

    bus: BusSettings = BusSettings()
    blobs: BlobSettings = BlobSettings()
    database: DatabaseSettings = DatabaseSettings()
    telemetry: TelemetrySettings = TelemetrySettings()
    health: HealthSettings = HealthSettings()
    shutdown_timeout_s: float = Field(default=25.0, gt=0, description="from the signal to the end")
    event_loop: Literal["asyncio", "uvloop"] = "asyncio"


def load(settings_type: type[SettingsT]) -> SettingsT:
    """The settings of the environment.

    Raises Fatal, with every fault in one line and no value in it, when a variable with the prefix is
    not known or a value does not fit.
    """
    refuse_unknown(settings_type, os.environ)
    try:
        return settings_type()
    except ValidationError as error:
        prefix = settings_type.model_config.get("env_prefix", "")
        faults = "; ".join(
            _tell(prefix, fault["loc"], fault["msg"]) for fault in error.errors(include_input=False)
        )
        raise Fatal(f"the settings do not fit: {faults}") from None


def _tell(prefix: str, place: tuple[int | str, ...], text: str) -> str:
    """What is wrong with one variable; what is wrong with several names them itself."""
    text = text.removeprefix(_OURS)
    return f"{prefix}{NESTING.join(str(part) for part in place).upper()}: {text}" if place else text


def refuse_unknown(settings_type: type[ServiceSettings], environment: Mapping[str, str]) -> None:
    """Raise Fatal when a variable has the prefix of the settings and names none of them."""
    prefix = settings_type.model_config.get("env_prefix", "").upper()
    known = set(_names_of(settings_type, prefix))
    given = {name.upper() for name in environment if name.upper().startswith(prefix)}
    unknown = sorted(name for name in given - known if not _is_injected(name, prefix))
    if unknown:
        raise Fatal("; ".join(_explain(name, known) for name in unknown))


def _names_of(model: type[BaseModel], prefix: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        full = f"{prefix}{name}".upper()
        yield full
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _names_of(kind, full + NESTING)


def _is_injected(name: str, prefix: str) -> bool:
    """Whether Kubernetes made it, for a service that is called as ours."""
    rest = name.removeprefix(prefix)
    return rest.startswith(("SERVICE_HOST", "SERVICE_PORT", "PORT_")) or rest == "PORT"


def _explain(name: str, known: set[str]) -> str:
    near = get_close_matches(name, sorted(known), n=3, cutoff=0.7)
    hint = f"did you mean {' or '.join(near)}?" if near else "no setting has a name like it"
    return f"{name} is not a setting: {hint}"
