"""What the worker counts."""

from __future__ import annotations

from prometheus_client import Counter

from services.kit.telemetry import Telemetry

__all__ = ["Metrics"]


class Metrics:
    """Counters in the registry of the process."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry
        self._attempts = Counter(
            "dramatis_worker_webhook_attempts",
            "Attempts to deliver a webhook by outcome: delivered, retry, exhausted, gone",
            ("outcome", "tenant"),
            registry=telemetry.registry,
        )
        self._swept = Counter(
            "dramatis_worker_swept",
            "What the sweep did with things that made no progress: released, failed, announced",
            ("action", "tenant"),
            registry=telemetry.registry,
        )
        self._removed = Counter(
            "dramatis_worker_removed",
            "Blobs and rows that were removed",
            ("kind",),
            registry=telemetry.registry,
        )

    def count_attempt(self, outcome: str, tenant: str) -> None:
        """An attempt to deliver a webhook."""
        self._attempts.labels(outcome, self._telemetry.tenant_label(tenant)).inc()

    def count_swept(self, action: str, tenant: str) -> None:
        """Something without progress was seen to."""
        self._swept.labels(action, self._telemetry.tenant_label(tenant)).inc()

    def count_removed(self, kind: str, number: int) -> None:
        """Things that were removed."""
        self._removed.labels(kind).inc(number)
