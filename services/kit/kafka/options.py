"""From bus settings to what the client library calls them."""

from __future__ import annotations

from typing import Final

from services.kit.settings import BusSettings

__all__ = ["Options", "client_options", "consumer_options", "producer_options"]

# What the library takes; it names no types.
Options = dict[str, object]

_RECONNECT_MAX_MS: Final = 1_000
_CONNECT_TIMEOUT_MS: Final = 5_000
_BATCH_BYTES: Final = 64 << 10


def client_options(settings: BusSettings) -> Options:
    """How every client reaches the brokers."""
    options: Options = {
        "bootstrap_servers": settings.bootstrap_servers.split(","),
        "security_protocol": settings.security_protocol,
        "request_timeout_ms": round(settings.request_timeout_s * 1000),
        "reconnect_backoff_max_ms": _RECONNECT_MAX_MS,
        "bootstrap_timeout_ms": _CONNECT_TIMEOUT_MS,
    }
    if settings.ca_file is not None:
        options["ssl_cafile"] = str(settings.ca_file)
    if settings.sasl_mechanism:
        options["sasl_mechanism"] = settings.sasl_mechanism
        options["sasl_plain_username"] = settings.username
        options["sasl_plain_password"] = settings.password.get_secret_value()
    return options


def producer_options(settings: BusSettings) -> Options:
    """A record counts as published when every replica in sync has it; order holds through retries."""
    timeout_ms = round(settings.request_timeout_s * 1000)
    return client_options(settings) | {
        "metrics_enabled": False,
        "acks": "all",
        "enable_idempotence": True,
        "allow_auto_create_topics": False,
        "delivery_timeout_ms": timeout_ms + 1_000,
        "max_block_ms": timeout_ms,
        "max_request_size": settings.record_max_bytes,
        "batch_size": _BATCH_BYTES,
    }


def consumer_options(settings: BusSettings, group: str) -> Options:
    """A member of a group that commits by hand and begins where the group stands, or at the beginning."""
    return client_options(settings) | {
        "metrics_enabled": False,
        "group_id": group,
        "enable_auto_commit": False,
        "auto_offset_reset": "earliest",
        "allow_auto_create_topics": False,
        "session_timeout_ms": round(settings.session_timeout_s * 1000),
        "heartbeat_interval_ms": round(settings.heartbeat_interval_s * 1000),
        "request_timeout_ms": round(max(settings.request_timeout_s, settings.session_timeout_s + 5) * 1000),
        "fetch_max_wait_ms": round(settings.fetch_wait_s * 1000),
        "fetch_max_bytes": settings.fetch_max_bytes,
        "max_partition_fetch_bytes": settings.record_max_bytes,
        "max_poll_records": settings.memory_depth,
    }
