"""What every exchange has, whatever its answer: an id, safe headers, a log event and its metrics."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import structlog
from prometheus_client import CollectorRegistry, Histogram
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.kit.clock import Clock

__all__ = ["Exchanges", "request_id_of"]

_LOG: Final = structlog.get_logger()
_LINGER_S: Final = 2.0
_LINGER_BYTES: Final = 64 << 20
_BUCKETS_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0)


def request_id_of(scope: Scope) -> str:
    """The id of the request; it is in the header Request-Id of the answer."""
    request_id: str = scope["state"]["request_id"]
    return request_id


class Exchanges:
    """ASGI middleware, the outermost of the application."""

    def __init__(
        self, app: ASGIApp, *, clock: Clock, new_request_id: Callable[[], str], registry: CollectorRegistry
    ) -> None:
        self._app = app
        self._clock = clock
        self._new_request_id = new_request_id
        self._durations = Histogram(
            "gateway_request_seconds",
            "From a request's headers to the first byte of its answer",
            ("method", "route", "status"),
            registry=registry,
            buckets=_BUCKETS_S,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope.setdefault("state", {})["request_id"] = self._new_request_id()
        exchange = _Exchange(scope, receive, send, self._clock)
        exchange.observe = self._durations.labels
        await self._app(scope, exchange.receive, exchange.send)


class _Exchange:
    """One request and its answer."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, clock: Clock) -> None:
        self.observe: Callable[..., Histogram] | None = None
        self._scope = scope
        self._receive = receive
        self._send = send
        self._clock = clock
        self._started_s = clock.monotonic()
        headers = Headers(scope=scope)
        self._has_unread_body = _announces_body(headers)
        self._has_expectation = "expect" in headers
        self._is_closing = False

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request" and not message.get("more_body", False):
            self._has_unread_body = False
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._add_headers(MutableHeaders(scope=message))
            self._tell(message["status"])
        elif self._is_closing and not message.get("more_body", False):
            await self._send({**message, "more_body": True})
            await self._linger()
            message = {"type": "http.response.body"}
        await self._send(message)

    async def _linger(self) -> None:
        """Let the client see the answer: bytes of it that nobody reads would reset the connection.

        So much of what comes is thrown away; a client that asked whether to send at all sends nothing.
        """
        if self._has_expectation:
            return
        num_bytes = 0
        with suppress(TimeoutError):
            async with asyncio.timeout(_LINGER_S):
                while num_bytes < _LINGER_BYTES:
                    message = await self._receive()
                    num_bytes += len(message.get("body", b""))
                    if not message.get("more_body", False):
                        return

    def _add_headers(self, headers: MutableHeaders) -> None:
        headers["Request-Id"] = request_id_of(self._scope)
        headers["X-Content-Type-Options"] = "nosniff"
        headers.setdefault("Cache-Control", "private, no-cache")
        for name, value in self._scope["state"].get("rate_headers", {}).items():
            headers.setdefault(name, value)
        if self._has_unread_body:
            # Whatever is still on its way will not be read; the client learns it from the end of the stream.
            headers["Connection"] = "close"
            self._is_closing = True

    def _tell(self, status: int) -> None:
        duration_s = self._clock.monotonic() - self._started_s
        route = getattr(self._scope.get("route"), "path", "unknown")
        method = self._scope["method"]
        if self.observe is not None:
            self.observe(method=method, route=route, status=str(status)).observe(duration_s)
        # What is only read, and polled, would drown the rest.
        tell = _LOG.debug if method == "GET" and status < 400 else _LOG.info
        tell(
            "request",
            request_id=request_id_of(self._scope),
            tenant=self._scope["state"].get("tenant", ""),
            method=method,
            route=route,
            status=status,
            duration_s=round(duration_s, 4),
        )


def _announces_body(headers: Headers) -> bool:
    return "transfer-encoding" in headers or headers.get("content-length", "0") != "0"
