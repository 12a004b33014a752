"""What an operator asks a process: whether it lives, whether it is ready, and its metrics."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from services.kit.http import AsgiApp

__all__ = ["health_app"]


def health_app(is_ready: Callable[[], bool], registry: CollectorRegistry) -> AsgiApp:
    """An application with /healthz, /readyz (503 until ready) and /metrics."""

    def answer(path: str) -> tuple[int, str, bytes]:
        if path == "/healthz":
            return 200, "text/plain", b"alive\n"
        if path == "/readyz":
            return (200, "text/plain", b"ready\n") if is_ready() else (503, "text/plain", b"not ready\n")
        if path == "/metrics":
            return 200, CONTENT_TYPE_LATEST, generate_latest(registry)
        return 404, "text/plain", b"there are /healthz, /readyz and /metrics\n"

    async def app(
        scope: MutableMapping[str, Any],
        _receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
        send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
    ) -> None:
        if scope["type"] != "http":
            return
        status, kind, body = answer(scope["path"])
        headers = [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    return app
