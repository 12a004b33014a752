"""What encoding counts."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

from services.kit.telemetry import Telemetry

__all__ = ["EncodingMetrics"]


class EncodingMetrics:
    """The metrics of encoding, in the registry of its process."""

    def __init__(self, telemetry: Telemetry) -> None:
        registry = telemetry.registry
        self._label = telemetry.tenant_label
        self._cues = Counter("dramatis_encoding_cues", "Cues published", ("tenant",), registry=registry)
        self._bundles = Counter(
            "dramatis_encoding_bundles", "Identity bundles made", ("tenant",), registry=registry
        )
        self._sessions = Gauge("dramatis_encoding_sessions", "Sessions in this process", registry=registry)
        self._endings = Counter(
            "dramatis_encoding_endings",
            "Sessions by how they ended: finished, repeated, failed, cancelled, replaced, lost, released",
            ("outcome",),
            registry=registry,
        )

    def count_cues(self, tenant: str, num_cues: int) -> None:
        """Note cues that were published."""
        self._cues.labels(self._label(tenant)).inc(num_cues)

    def count_bundle(self, tenant: str) -> None:
        """Note a bundle that was made."""
        self._bundles.labels(self._label(tenant)).inc()

    def note_sessions(self, num_sessions: int) -> None:
        """Note how many sessions are here."""
        self._sessions.set(num_sessions)

    def count_ending(self, outcome: str) -> None:
        """Note how a session ended in this process."""
        self._endings.labels(outcome).inc()
