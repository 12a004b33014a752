"""The life of a real process: signals, exit codes and what it logs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[4]
SERVICE = """
import asyncio, time
from pydantic_settings import SettingsConfigDict
from services.kit.errors import Fatal
from services.kit.runtime import Runtime, run
from services.kit.settings import ServiceSettings
class Settings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="STAGE_")
async def serve(settings: Settings, runtime: Runtime) -> None:
    runtime.ready()
    {body}
run("stage", Settings, serve)
"""


@contextmanager
def service(body: str, **variables: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", SERVICE.format(body=body)],
        env=os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT}/proto/gen"} | variables,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def events_of(process: subprocess.Popen[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in process.communicate(timeout=60)[1].splitlines()]


def await_ready(process: subprocess.Popen[str]) -> dict[str, object]:
    assert process.stderr is not None
    started: dict[str, object] = {}
    for line in process.stderr:
        event = json.loads(line)
        if event["event"] == "service.started":
            started = event
        if event["event"] == "service.ready":
            return started
    raise AssertionError("the service ended")


def test_sigterm_ends_a_service_with_exit_code_zero() -> None:
    with service("await asyncio.sleep(600)", STAGE_SHUTDOWN_TIMEOUT_S="50") as process:
        await_ready(process)
        process.send_signal(signal.SIGTERM)
        names = [event["event"] for event in events_of(process)]
    assert process.returncode == 0
    assert names == ["service.stopping", "service.stopped"]


def test_a_shutdown_that_takes_too_long_is_cut_off() -> None:
    body = "\n    try: await asyncio.sleep(600)\n    finally: time.sleep(600)"
    with service(body, STAGE_SHUTDOWN_TIMEOUT_S="0.2") as process:
        await_ready(process)
        process.send_signal(signal.SIGTERM)
        names = [event["event"] for event in events_of(process)]
    assert process.returncode == 1
    assert names == ["service.stopping", "service.abandoned"]


def test_a_bug_is_logged_with_its_traceback_and_ends_the_process() -> None:
    with service("1 / 0") as process:
        crash = events_of(process)[-1]
    assert process.returncode == 1
    assert crash["event"] == "service.crashed"
    assert "ZeroDivisionError" in json.dumps(crash["exception"])


def test_a_fatal_error_is_one_line() -> None:
    with service('raise Fatal("the device is lost")') as process:
        failure = events_of(process)[-1]
    assert process.returncode == 1
    assert (failure["event"], failure["reason"]) == ("service.failed", "the device is lost")


def test_a_misspelled_variable_is_refused_before_anything_starts() -> None:
    with service("pass", STAGE_HEALTH__PROT="1") as process:
        (failure,) = events_of(process)
    assert process.returncode == 1
    assert "STAGE_HEALTH__PROT is not a setting: did you mean STAGE_HEALTH__PORT" in str(failure["reason"])
