"""What a process tells about its work: Prometheus metrics and OpenTelemetry spans."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Final

from opentelemetry.trace import NoOpTracer, SpanKind, Tracer
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.process_collector import ProcessCollector

from services.kit.bus import Record, Source
from services.kit.settings import TelemetrySettings
from services.kit.tracing import extract

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

__all__ = ["Telemetry", "open_telemetry"]

_MAX_TENANTS: Final = 200
_EXPORT_TIMEOUT_S: Final = 5.0
_SECONDS: Final = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)


class Telemetry:
    """The metrics and the tracer of one process; services add their own metrics to `registry`.

    Without a tracer nothing is traced, and tracing costs nothing.
    """

    def __init__(self, tracer: Tracer | None = None) -> None:
        self.tracer: Tracer = tracer or NoOpTracer()
        self.registry = CollectorRegistry()
        self._is_tracing = tracer is not None
        self._tenants: set[str] = set()
        ProcessCollector(registry=self.registry)
        self._records = Counter(
            "dramatis_records",
            "Records by what became of them: consumed, settled, stale, retried, dead",
            ("group", "topic", "outcome", "tenant"),
            registry=self.registry,
        )
        self._handle_seconds = Histogram(
            "dramatis_handle_seconds",
            "Time in the handler of one record",
            ("group", "topic"),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._lag = Gauge(
            "dramatis_lag_records",
            "Records of a partition that the group has not been given, where the bus knows it",
            ("group", "topic", "partition"),
            registry=self.registry,
        )

    def count(self, group: str, topic: str, key: str, outcome: str) -> None:
        """Count a record under what became of it, and under the tenant of its key."""
        self._records.labels(group, topic, outcome, self.tenant_label(key)).inc()

    def observe_handling(self, group: str, topic: str, duration_s: float) -> None:
        """Note how long a handler took."""
        self._handle_seconds.labels(group, topic).observe(duration_s)

    def observe_lag(self, group: str, source: Source, num_records: int) -> None:
        """Note how many records of a source wait on the bus."""
        self._lag.labels(group, source.topic, str(source.partition)).set(num_records)

    def tenant_label(self, key: str) -> str:
        """The tenant of a key, as a label. Those beyond the first 200 share `other`."""
        tenant = key.partition("/")[0]
        if tenant in self._tenants:
            return tenant
        if len(self._tenants) >= _MAX_TENANTS:
            return "other"
        self._tenants.add(tenant)
        return tenant

    @property
    def is_tracing(self) -> bool:
        """Whether spans go anywhere."""
        return self._is_tracing

    def span(self, group: str, record: Record) -> AbstractContextManager[object]:
        """A span around the handling of a record; it continues the trace the record names."""
        if not self._is_tracing:
            return nullcontext()
        return self.tracer.start_as_current_span(
            f"{record.source.topic} process",
            context=extract(record.headers),
            kind=SpanKind.CONSUMER,
            attributes={
                "messaging.system": "kafka",
                "messaging.operation.type": "process",
                "messaging.destination.name": record.source.topic,
                "messaging.destination.partition.id": str(record.source.partition),
                "messaging.kafka.offset": record.offset,
                "messaging.kafka.message.key": record.key,
                "messaging.consumer.group.name": group,
            },
        )


@contextmanager
def open_telemetry(service: str, settings: TelemetrySettings) -> Iterator[Telemetry]:
    """The telemetry of a process; spans that wait are sent at the end."""
    if not settings.otlp_endpoint:
        yield Telemetry()
        return
    provider = _open_provider(service, settings)
    try:
        yield Telemetry(provider.get_tracer("dramatis"))
    finally:
        provider.shutdown()


def _open_provider(service: str, settings: TelemetrySettings) -> TracerProvider:
    # A process that traces nothing never loads the exporter, which takes longer than all of the kit.
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

    provider = TracerProvider(
        resource=Resource.create({"service.name": service, "service.namespace": "dramatis"}),
        sampler=ParentBased(TraceIdRatioBased(settings.sample_ratio)),
        shutdown_on_exit=False,
    )
    exporter = OTLPSpanExporter(
        endpoint=settings.otlp_endpoint,
        insecure=not settings.otlp_endpoint.startswith("https://"),
        timeout=_EXPORT_TIMEOUT_S,
    )
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider
