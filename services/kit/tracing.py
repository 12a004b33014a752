"""The trace a message belongs to, as W3C `traceparent` in the headers of its record."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Final

from opentelemetry.context import Context
from opentelemetry.trace import get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

__all__ = ["extract", "inject"]

_PROPAGATOR: Final = TraceContextTextMapPropagator()
_FIELDS: Final = ("traceparent", "tracestate")


def inject(headers: MutableMapping[str, bytes]) -> None:
    """Name the current trace in headers; without one they stay as they are."""
    if not get_current_span().get_span_context().is_valid:
        return
    fields: dict[str, str] = {}
    _PROPAGATOR.inject(fields)
    headers.update({name: value.encode() for name, value in fields.items()})


def extract(headers: Mapping[str, bytes]) -> Context:
    """The trace that headers name; an empty context when they name none."""
    fields = {name: headers[name].decode("ascii", "replace") for name in _FIELDS if name in headers}
    return _PROPAGATOR.extract(fields, context=Context())
