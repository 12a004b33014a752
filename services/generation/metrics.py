"""What generation counts."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

from services.kit.telemetry import Telemetry

__all__ = ["GenerationMetrics"]

_LAGS_S: Final = (0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 100.0, 300.0)


class GenerationMetrics:
    """The metrics of generation, in the registry of its process."""

    def __init__(self, telemetry: Telemetry) -> None:
        registry = telemetry.registry
        self._label = telemetry.tenant_label
        self._steps = Counter("dramatis_generation_steps", "Steps of the engine", registry=registry)
        self._rows = Counter(
            "dramatis_generation_rows", "Rows of all steps that answered a cue", registry=registry
        )
        self._frames = Counter(
            "dramatis_generation_frames", "Frames published", ("tenant",), registry=registry
        )
        self._sessions = Gauge("dramatis_generation_sessions", "Sessions in this process", registry=registry)
        self._activity_seconds = Counter(
            "dramatis_generation_activity_seconds",
            "Seconds performed, by the voices that sound: idle, listening, speaking, overlap",
            ("activity",),
            registry=registry,
        )
        self._endings = Counter(
            "dramatis_generation_endings",
            "Sessions by how they ended here: finished, failed, cancelled, replaced, released",
            ("outcome",),
            registry=registry,
        )
        self._lag_seconds = Histogram(
            "dramatis_generation_lag_seconds",
            "From the making of a cue to the publishing of its chunk",
            buckets=_LAGS_S,
            registry=registry,
        )

    def count_step(self, num_rows: int) -> None:
        """Note a step that answered `num_rows` cues."""
        self._steps.inc()
        self._rows.inc(num_rows)

    def count_chunk(self, tenant: str, num_frames: int, lag_s: float) -> None:
        """Note a published chunk."""
        self._frames.labels(self._label(tenant)).inc(num_frames)
        self._lag_seconds.observe(lag_s)

    def count_activity(self, activity: str, duration_s: float) -> None:
        """Note what a session is doing for a chunk."""
        self._activity_seconds.labels(activity).inc(duration_s)

    def note_sessions(self, num_sessions: int) -> None:
        """Note how many sessions are here."""
        self._sessions.set(num_sessions)

    def count_ending(self, outcome: str) -> None:
        """Note how a session ended in this process."""
        self._endings.labels(outcome).inc()
