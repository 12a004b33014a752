"""The topics on the brokers: made where they are missing, by whichever service comes first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import structlog
from kafka.admin import KafkaAdminClient
from kafka.errors import (
    KafkaConfigurationError,
    KafkaError,
    SaslAuthenticationFailedError,
    TopicAlreadyExistsError,
)

from services.kit.errors import Fatal, Unavailable
from services.kit.kafka.options import client_options
from services.kit.settings import BusSettings
from services.kit.topics import DEAD_SUFFIX

__all__ = ["ensure_topics"]

_LOGGER: Final = structlog.stdlib.get_logger(__name__)


def ensure_topics(settings: BusSettings, names: Iterable[str]) -> None:
    """Make the topics that are missing. Blocks; any number of services may do it at once.

    Raises Unavailable when the brokers do not answer, Fatal when a topic has another number of
    partitions than the settings say: then sessions would lose their owner.
    """
    try:
        admin = KafkaAdminClient(**client_options(settings))
    except (KafkaConfigurationError, SaslAuthenticationFailedError) as error:
        raise Fatal(f"the settings of the bus do not fit: {error}") from error
    except KafkaError as error:
        raise Unavailable(f"no broker of {settings.bootstrap_servers} answers") from error
    try:
        wanted = list(names)
        found = _num_partitions(admin)
        for name in wanted:
            if name not in found:
                _create(admin, settings, name)
        _check(settings, wanted, _num_partitions(admin))
    except KafkaError as error:
        raise Unavailable(f"the topics cannot be made: {type(error).__name__}") from error
    finally:
        admin.close()


def _num_partitions(admin: KafkaAdminClient) -> dict[str, int]:
    # To ask for a topic by its name makes it, on brokers that make topics by themselves.
    return {topic["name"]: len(topic["partitions"]) for topic in admin.describe_topics()}


def _create(admin: KafkaAdminClient, settings: BusSettings, name: str) -> None:
    is_dead = name.endswith(DEAD_SUFFIX)
    hours = settings.dead_retention_hours if is_dead else settings.retention_hours
    options = {
        "num_partitions": 1 if is_dead else settings.partitions,
        "replication_factor": settings.replication_factor,
        "configs": {
            "retention.ms": str(round(hours * 3_600_000)),
            "max.message.bytes": str(settings.record_max_bytes),
            "cleanup.policy": "delete",
        },
    }
    try:
        admin.create_topics({name: options}, timeout_ms=round(settings.request_timeout_s * 1000))
        _LOGGER.info("topic.created", topic=name, partitions=options["num_partitions"])
    except TopicAlreadyExistsError:
        pass  # another service was faster


def _check(settings: BusSettings, wanted: Iterable[str], found: Mapping[str, int]) -> None:
    for name in wanted:
        num_partitions = found.get(name, settings.partitions)
        if not name.endswith(DEAD_SUFFIX) and num_partitions != settings.partitions:
            raise Fatal(f"topic {name} has {num_partitions} partitions, expected {settings.partitions}")
