"""An HTTP server for an ASGI application, as a resource of the process that runs it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, MutableMapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final, NamedTuple

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from services.kit.errors import Fatal

__all__ = ["Address", "AsgiApp", "open_http"]

# ASGI itself says no more about what its messages hold.
_Message = MutableMapping[str, Any]
AsgiApp = Callable[[_Message, Callable[[], Awaitable[_Message]], Callable[[_Message], Awaitable[None]]], Any]

_BACKLOG: Final = 2048
_HEADERS_TIMEOUT_S: Final = 10.0


class Address(NamedTuple):
    """Where a server listens."""

    host: str
    port: int


@asynccontextmanager
async def open_http(
    app: AsgiApp,
    host: str,
    port: int,
    *,
    grace_s: float = 5.0,
    idle_timeout_s: float = 30.0,
    max_connections: int | None = None,
) -> AsyncIterator[Address]:
    """Serve `app` until the end; requests in flight then have `grace_s` to finish.

    Port 0 takes a free one. Signals are left alone. Raises Fatal when the address cannot be had.
    """
    listener = _bind(host, port)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        timeout_keep_alive=round(idle_timeout_s),
        timeout_graceful_shutdown=round(grace_s),
        limit_concurrency=max_connections,
        http=_Protocol,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]), name="http")
    try:
        while not server.started:
            await asyncio.sleep(0.005)
            if task.done():
                await task
        yield Address(host, listener.getsockname()[1])
    finally:
        server.should_exit = True
        await task
        listener.close()


class _Protocol(HttpToolsProtocol):
    """Closes a connection whose next request does not have its headers in time."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._await_headers()

    def data_received(self, data: bytes) -> None:
        if self._headers_timer is None and (self.cycle is None or self.cycle.response_complete):
            self._await_headers()
        super().data_received(data)

    def on_headers_complete(self) -> None:
        self._stop_timer()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def _await_headers(self) -> None:
        self._headers_timer: asyncio.TimerHandle | None = self.loop.call_later(
            _HEADERS_TIMEOUT_S, self.transport.close
        )

    def _stop_timer(self) -> None:
        if self._headers_timer is not None:
            self._headers_timer.cancel()
            self._headers_timer = None


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the runtime."""
        yield


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns Nagle's algorithm off only where the protocol is named; it would cost 40 ms an answer.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise Fatal(f"cannot listen on {host}:{port}: {error.strerror or error}") from error
    listener.listen(_BACKLOG)
    listener.setblocking(False)
    return listener
