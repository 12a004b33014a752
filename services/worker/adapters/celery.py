"""Jobs through Celery on Redis: orders travel through the broker, the work is done on our event loop."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent import futures
from contextlib import asynccontextmanager
from typing import Final

from celery import Celery
from kombu.exceptions import OperationalError

from services.kit.errors import Unavailable
from services.worker.jobs import Job, perform, repeat
from services.worker.settings import JobSettings

__all__ = ["CeleryJobs", "run_celery"]

_QUEUE: Final = "dramatis-worker"
_SOCKET_TIMEOUT_S: Final = 5.0
_PATIENCE_S: Final = 5.0
# These tell of every single order.
_CHATTY: Final = ("celery.app.trace", "celery.worker.request", "celery.worker.strategy")
# What a lost worker had not finished is ordered again after this. Nothing waits for that: the next orders
# are on their way. It only has to be longer than any job may take.
_VISIBILITY_TIMEOUT_S: Final = 900


async def run_celery(schedule: Sequence[Job], settings: JobSettings) -> None:
    """Order the jobs at their intervals, and do those that this or another worker ordered, until cancelled.

    There is one process: Celery's consumer and its pool are threads, and each job is a coroutine of the
    running loop, where the database and the network are open already. A job's bug is raised here; jobs
    under way at the end have `grace_s` to finish.
    """
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    app = _make_app(settings.broker_url.get_secret_value())
    crashed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    hand = _Hand(asyncio.get_running_loop(), crashed)
    for job in schedule:
        app.task(hand.task_of(job), name=job.name, ignore_result=True, shared=False)
    async with _consuming(app, hand, settings), asyncio.TaskGroup() as tasks:
        tasks.create_task(repeat(CeleryJobs(app), schedule))
        await crashed


class CeleryJobs:
    """`Jobs` that any worker on the same broker may do."""

    def __init__(self, app: Celery) -> None:
        self._app = app

    async def submit(self, job: Job) -> None:
        await asyncio.to_thread(self._send, job)

    def _send(self, job: Job) -> None:
        # An order that finds no worker expires, and few of them ever wait: others follow it.
        expires_s = job.interval.total_seconds() + _PATIENCE_S
        try:
            self._app.send_task(job.name, expires=expires_s, retry=False, ignore_result=True)
        except OperationalError as error:
            raise Unavailable(f"Redis does not take the order of job {job.name}: {error}") from error


class _Hand:
    """Does on the event loop what Celery's threads are told to do."""

    def __init__(self, loop: asyncio.AbstractEventLoop, crashed: asyncio.Future[None]) -> None:
        self._loop = loop
        self._crashed = crashed
        self._under_way: set[futures.Future[None]] = set()

    def task_of(self, job: Job) -> Callable[[], None]:
        def run() -> None:
            future = asyncio.run_coroutine_threadsafe(perform(job), self._loop)
            self._under_way.add(future)
            futures.wait([future])
            self._under_way.discard(future)
            self._loop.call_soon_threadsafe(self._note, future)

        return run

    def drop(self) -> None:
        """Cancel what is still under way."""
        for future in tuple(self._under_way):
            future.cancel()

    def _note(self, future: futures.Future[None]) -> None:
        error = None if future.cancelled() else future.exception()
        if error is not None and not self._crashed.done():
            self._crashed.set_exception(error)


@asynccontextmanager
async def _consuming(app: Celery, hand: _Hand, settings: JobSettings) -> AsyncIterator[None]:
    controller = app.WorkController(
        app=app,
        pool_cls="threads",
        concurrency=settings.num_threads,
        loglevel="WARNING",
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    )
    thread = threading.Thread(target=controller.start, name="celery", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopping = asyncio.create_task(asyncio.to_thread(controller.stop))
        await asyncio.wait({stopping}, timeout=settings.grace_s)
        hand.drop()
        await stopping
        await asyncio.to_thread(thread.join, settings.grace_s)
        await asyncio.to_thread(app.close)


def _make_app(broker_url: str) -> Celery:
    app = Celery("dramatis", broker=broker_url, set_as_current=False)
    app.conf.update(
        accept_content=["json"],
        broker_connection_max_retries=None,
        broker_connection_retry_on_startup=True,
        broker_connection_timeout=_SOCKET_TIMEOUT_S,
        broker_transport_options={
            "health_check_interval": 10,
            "socket_connect_timeout": _SOCKET_TIMEOUT_S,
            "socket_timeout": _SOCKET_TIMEOUT_S,
            "visibility_timeout": _VISIBILITY_TIMEOUT_S,
        },
        task_acks_late=True,
        task_default_queue=_QUEUE,
        task_ignore_result=True,
        task_reject_on_worker_lost=True,
        task_serializer="json",
        worker_enable_remote_control=False,
        worker_hijack_root_logger=False,
        worker_prefetch_multiplier=1,
    )
    # The threads of the pool find their application through this; a process has one.
    app.set_default()
    return app
