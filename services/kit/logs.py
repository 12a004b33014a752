"""Logs as events with fields, one line each, on standard error; also those of the libraries."""

from __future__ import annotations

import logging
import os
import sys
from typing import Final

import structlog
from opentelemetry.trace import format_trace_id, get_current_span
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import EventDict, Processor

from services.kit.settings import TelemetrySettings

__all__ = ["configure_logs"]

# What these libraries tell at INFO is for their own authors.
_QUIET: Final = ("kafka", "urllib3", "httpx", "httpcore", "uvicorn", "opentelemetry", "alembic")


def configure_logs(service: str, settings: TelemetrySettings) -> None:
    """Send every event of this process, ours and the libraries', where `settings` say."""
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    shared = _processors(service)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_renderers(settings)],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    # Bars of transformers and diffusers are no events; both read this when they are imported.
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    # It warns of every callback that a busy machine delays.
    logging.getLogger("kafka.net.selector").setLevel(logging.ERROR)


def _processors(service: str) -> list[Processor]:
    def add_service(_logger: object, _method: str, event: EventDict) -> EventDict:
        event["service"] = service
        return event

    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        add_service,
        _add_trace,
    ]


def _add_trace(_logger: object, _method: str, event: EventDict) -> EventDict:
    context = get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = format_trace_id(context.trace_id)
    return event


def _renderers(settings: TelemetrySettings) -> list[Processor]:
    if settings.log_format == "console":
        return [structlog.dev.ConsoleRenderer()]
    # Values of variables stay out of the logs: they may be secrets, or large.
    frames = ExceptionDictTransformer(show_locals=False)
    return [structlog.processors.ExceptionRenderer(frames), structlog.processors.JSONRenderer()]
