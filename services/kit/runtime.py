"""The life of a service process: settings, logs, telemetry, health, signals and a bounded shutdown."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Final, Self, TypeVar

import structlog
import uvloop

from services.kit.clock import Clock, SystemClock
from services.kit.errors import Fatal
from services.kit.health import health_app
from services.kit.http import open_http
from services.kit.logs import configure_logs
from services.kit.settings import ServiceSettings, TelemetrySettings, load
from services.kit.telemetry import Telemetry, open_telemetry

__all__ = ["Runtime", "Serve", "live", "run"]

T = TypeVar("T")
SettingsT = TypeVar("SettingsT", bound=ServiceSettings)
Serve = Callable[[SettingsT, "Runtime"], Awaitable[None]]

_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
_LOGGER: Final = structlog.stdlib.get_logger(__name__)


class Runtime:
    """What a service is given besides its settings."""

    def __init__(self, stack: AsyncExitStack, telemetry: Telemetry, clock: Clock) -> None:
        self.telemetry = telemetry
        self.clock = clock
        self._stack = stack
        self._is_ready = False

    async def enter(self, resource: AbstractAsyncContextManager[T]) -> T:
        """Open a resource that is closed when the service ends, the last opened first."""
        return await self._stack.enter_async_context(resource)

    def ready(self) -> None:
        """Say that the service is warm and takes work; /readyz answers 200 from now on."""
        self._is_ready = True
        _LOGGER.info("service.ready")

    def unready(self) -> None:
        """Say that no more work is wanted."""
        self._is_ready = False

    def is_ready(self) -> bool:
        """Whether `ready` was called, and shutdown has not begun."""
        return self._is_ready


def run(service: str, settings_type: type[SettingsT], serve: Serve[SettingsT]) -> None:
    """Run a service until it returns or SIGTERM or SIGINT asks it to end, then exit.

    `serve` is cancelled by the signal; it and the closing of its resources have
    `shutdown_timeout_s`. The exit code is 0, or 1 after an error or when that time is over.
    """
    configure_logs(service, TelemetrySettings())
    try:
        settings = load(settings_type)
        configure_logs(service, settings.telemetry)
        loop_factory = uvloop.new_event_loop if settings.event_loop == "uvloop" else None
        with (
            _Watchdog(settings.shutdown_timeout_s) as watchdog,
            asyncio.Runner(loop_factory=loop_factory) as runner,
        ):
            runner.run(live(service, settings, serve, watchdog.start))
    except Fatal as error:
        _LOGGER.critical("service.failed", error=type(error).__name__, reason=str(error))
        sys.exit(1)
    except Exception:  # a bug: say so, and let whatever runs this process start it again
        _LOGGER.critical("service.crashed", exc_info=True)
        sys.exit(1)
    _LOGGER.info("service.stopped")


async def live(
    service: str, settings: SettingsT, serve: Serve[SettingsT], on_stopping: Callable[[], None]
) -> None:
    """Open what every service has, serve, and close it all in reverse.

    `on_stopping` is called when the end begins, whatever its reason, and perhaps again.
    """
    async with AsyncExitStack() as stack:
        telemetry = stack.enter_context(open_telemetry(service, settings.telemetry))
        runtime = Runtime(stack, telemetry, SystemClock())
        app = health_app(runtime.is_ready, telemetry.registry)
        health = await runtime.enter(open_http(app, settings.health.host, settings.health.port))
        _LOGGER.info("service.started", health_host=health.host, health_port=health.port)
        stop = _Stop(asyncio.ensure_future(serve(settings, runtime)), runtime, on_stopping)
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.add_signal_handler(number, stop.ask, number)
        await stop.wait()


class _Stop:
    """Ends a service: gently when first asked, at once when asked again."""

    def __init__(self, task: asyncio.Future[None], runtime: Runtime, on_stopping: Callable[[], None]) -> None:
        self._task = task
        self._runtime = runtime
        self._on_stopping = on_stopping
        self._is_asked = False

    def ask(self, number: signal.Signals) -> None:
        _LOGGER.info("service.stopping", signal=number.name)
        if self._is_asked:
            os._exit(1)
        self._is_asked = True
        self._runtime.unready()
        self._on_stopping()
        self._task.cancel()

    async def wait(self) -> None:
        try:
            await self._task
        except asyncio.CancelledError:
            if not self._is_asked:
                raise
        finally:
            self._runtime.unready()
            self._on_stopping()


class _Watchdog:
    """Ends the process when its end takes too long. A thread, because the event loop may be what hangs."""

    def __init__(self, timeout_s: float) -> None:
        self._timer = threading.Timer(timeout_s, _abandon, (timeout_s,))
        self._timer.daemon = True

    def start(self) -> None:
        if self._timer.ident is None:
            self._timer.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()


def _abandon(timeout_s: float) -> None:
    _LOGGER.critical("service.abandoned", shutdown_timeout_s=timeout_s)
    os._exit(1)
