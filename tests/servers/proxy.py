"""A wire that can be cut: a TCP proxy through which clients reach a server."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final, TypeVar

from tests.servers.processes import LOOPBACK, free_port

T = TypeVar("T")

_PIECE_BYTES: Final = 1 << 16
_CALL_TIMEOUT_S: Final = 60.0


class Proxy:
    """Cutting it looks to clients as if the server had died: connections break, new ones are refused.

    The server itself keeps running, and with it what it only holds in memory.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, listener: asyncio.Server) -> None:
        self.host: Final = LOOPBACK
        self.port: Final[int] = listener.sockets[0].getsockname()[1]
        self._loop = loop
        self._listener: asyncio.Server | None = listener
        self._target: tuple[str, int] | None = None
        self._open: set[asyncio.StreamWriter] = set()

    @property
    def address(self) -> str:
        """host:port for clients."""
        return f"{self.host}:{self.port}"

    def forward(self, host: str, port: int) -> None:
        """Name the server behind it."""
        self._target = (host, port)

    def cut(self) -> None:
        """Break every connection and refuse new ones."""
        self._run(self._cut())

    def restore(self) -> None:
        """Take connections again."""
        self._run(self._restore())

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_CALL_TIMEOUT_S)

    async def _cut(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        for writer in list(self._open):
            writer.transport.abort()

    async def _restore(self) -> None:
        if self._listener is None:
            self._listener = await asyncio.start_server(self.serve, self.host, self.port, start_serving=False)
            await self._listener.start_serving()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection."""
        if self._listener is None:  # cut after the system took the connection
            writer.transport.abort()
            return
        self._open.add(writer)
        try:
            assert self._target is not None, "forward() comes first"
            back_reader, back_writer = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            self._open.discard(writer)
            return
        self._open.add(back_writer)
        try:
            # Whichever end breaks, the other must not be left believing that somebody is there.
            with suppress(OSError):
                await asyncio.gather(_pump(reader, back_writer), _pump(back_reader, writer))
        finally:
            for end in (writer, back_writer):
                end.transport.abort()
                self._open.discard(end)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(_PIECE_BYTES):
        writer.write(piece)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()


@contextmanager
def open_proxy() -> Iterator[Proxy]:
    """A proxy on a port of its own; `forward` names the server behind it."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="proxy", daemon=True)
    thread.start()
    proxy = asyncio.run_coroutine_threadsafe(_listen(loop), loop).result(_CALL_TIMEOUT_S)
    try:
        yield proxy
    finally:
        proxy.cut()
        asyncio.run_coroutine_threadsafe(_cancel_rest(), loop).result(_CALL_TIMEOUT_S)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(_CALL_TIMEOUT_S)
        loop.close()


async def _listen(loop: asyncio.AbstractEventLoop) -> Proxy:
    proxy: Proxy | None = None

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert proxy is not None
        await proxy.serve(reader, writer)

    proxy = Proxy(loop, await asyncio.start_server(serve, LOOPBACK, free_port()))
    return proxy


async def _cancel_rest() -> None:
    rest = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)
