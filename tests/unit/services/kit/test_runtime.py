from __future__ import annotations

import asyncio
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from services.kit.errors import Fatal
from services.kit.runtime import Runtime, live
from services.kit.settings import ServiceSettings
from tests.servers.processes import free_port


def fetch(port: object, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=60) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_readiness_follows_warm_up_and_metrics_are_served() -> None:
    answers: list[tuple[int, str]] = []

    async def serve(settings: ServiceSettings, runtime: Runtime) -> None:
        port = ports.pop()
        answers.append(await asyncio.to_thread(fetch, port, "/readyz"))
        answers.append(await asyncio.to_thread(fetch, port, "/healthz"))
        runtime.ready()
        answers.append(await asyncio.to_thread(fetch, port, "/readyz"))
        runtime.telemetry.count("group", "topic", "ten_a/per_b", "consumed")
        answers.append(await asyncio.to_thread(fetch, port, "/metrics"))
        answers.append(await asyncio.to_thread(fetch, port, "/other"))

    ports = [free_port()]
    settings = ServiceSettings.model_validate({"health": {"port": ports[0]}})
    asyncio.run(live("stage", settings, serve, lambda: None))
    assert [status for status, _ in answers] == [503, 200, 200, 200, 404]
    line = 'dramatis_records_total{group="group",outcome="consumed",tenant="ten_a",topic="topic"} 1.0'
    assert line in answers[3][1]


def test_resources_close_in_reverse_when_a_service_ends() -> None:
    closed: list[str] = []

    @asynccontextmanager
    async def resource(name: str) -> AsyncIterator[str]:
        yield name
        closed.append(name)

    async def serve(settings: ServiceSettings, runtime: Runtime) -> None:
        for name in ("first", "second"):
            await runtime.enter(resource(name))

    asyncio.run(live("stage", ServiceSettings(), serve, lambda: None))
    assert closed == ["second", "first"]


def test_a_taken_port_is_one_clear_line() -> None:
    async def serve(settings: ServiceSettings, runtime: Runtime) -> None:
        await live("other", settings, serve, lambda: None)

    port = free_port()
    settings = ServiceSettings.model_validate({"health": {"port": port}})
    with pytest.raises(Fatal, match=f"cannot listen on 127.0.0.1:{port}: Address already in use"):
        asyncio.run(live("stage", settings, serve, lambda: None))
