"""Dead letters on a real broker go back once what broke them is mended."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from click.testing import CliRunner

from services.kit import messages as m
from services.kit.bus import Bus, Record, Source
from services.kit.consumer import Route, consume, settling
from services.kit.errors import BadInput
from services.kit.kafka.bus import open_kafka_bus
from services.kit.settings import BusSettings
from services.kit.topics import SCRIPTS
from services.standalone.letters import leave, publish, send_back
from services.standalone.redrive import redrive
from tests.servers.kafka import open_cuttable_kafka

_PATIENCE_S = 180.0


def script(sequence: int) -> m.Script:
    envelope = m.Envelope(
        tenant="ten_a",
        session_id="per_a",
        epoch=0,
        sequence=sequence,
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    return m.Script(envelope=envelope, speech_text="hello", direction_texts=())


async def keep(_sources: Sequence[Source]) -> Mapping[Source, int]:
    return {}


async def wait_for_letters(bus: Bus, number: int) -> None:
    """Return once so many have died: to find none for some seconds is how `send_back` knows the end."""
    async with asyncio.timeout(_PATIENCE_S), bus.subscribe([SCRIPTS.dead], uuid4().hex, keep) as letters:
        for _ in range(number):
            await letters.receive()


def test_dead_letters_go_back_once_and_are_handled_when_the_fault_is_mended(tmp_path: Path) -> None:
    handled: list[int] = []
    is_mended = False

    async def handle(message: m.Script) -> None:
        if not is_mended:
            raise BadInput("the rules file is broken")
        handled.append(message.envelope.sequence)

    async def scenario(address: str) -> list[int]:
        nonlocal is_mended
        settings = BusSettings(bootstrap_servers=address, session_timeout_s=4, fetch_wait_s=0.01)
        async with open_kafka_bus(settings) as bus:
            loop = asyncio.create_task(consume(bus, "group", [Route(topic=SCRIPTS, handle=settling(handle))]))
            await bus.publish([SCRIPTS.outgoing(script(i)) for i in range(4)])
            await wait_for_letters(bus, 4)
            shown = await send_back(bus, [SCRIPTS.name], None, leave, "run-0")
            is_mended = True
            first = await send_back(bus, [SCRIPTS.name], 1, publish, "run-1")
            rest = await send_back(bus, [SCRIPTS.name], None, publish, "run-2")
            again = await send_back(bus, [SCRIPTS.name], None, publish, "run-3", first_wait_s=8)
            async with asyncio.timeout(_PATIENCE_S):
                while len(handled) < 4:
                    await asyncio.sleep(0.05)
            loop.cancel()
            await asyncio.wait([loop])
            return [shown, first, rest, again]

    with open_cuttable_kafka(tmp_path) as proxy:
        assert asyncio.run(scenario(proxy.address)) == [4, 1, 3, 0]
    assert handled == [0, 1, 2, 3]


def test_letters_that_die_again_are_left_for_the_next_run_and_counted(tmp_path: Path) -> None:
    seen: list[Record] = []

    async def refuse(_message: m.Script) -> None:
        raise BadInput("the rules file is broken")

    async def show(_bus: object, _subscription: object, record: Record, _run: str) -> None:
        seen.append(record)

    async def scenario(address: str) -> int:
        settings = BusSettings(bootstrap_servers=address, session_timeout_s=4, fetch_wait_s=0.01)
        async with open_kafka_bus(settings) as bus:
            loop = asyncio.create_task(consume(bus, "group", [Route(topic=SCRIPTS, handle=settling(refuse))]))
            await bus.publish([SCRIPTS.outgoing(script(i)) for i in range(30)])
            await wait_for_letters(bus, 30)
            async with asyncio.timeout(_PATIENCE_S):
                num_sent = await send_back(bus, [SCRIPTS.name], None, publish, "run-1")
                await wait_for_letters(bus, 60)
                await send_back(bus, [SCRIPTS.name], None, show, "run-2")
            loop.cancel()
            await asyncio.wait([loop])
            return num_sent

    with open_cuttable_kafka(tmp_path) as proxy:
        assert asyncio.run(scenario(proxy.address)) == 30
    assert [letter.headers["dead-redrives"] for letter in seen] == [b"1"] * 30
    assert [SCRIPTS.read(letter).envelope.sequence for letter in seen] == list(range(30))


def test_the_command_shows_letters_in_a_dry_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def kill_one(address: str) -> None:
        settings = BusSettings(bootstrap_servers=address, fetch_wait_s=0.01)
        letter = SCRIPTS.outgoing(script(0))
        async with open_kafka_bus(settings) as bus:
            headers = {**letter.headers, "dead-error": b"BadInput", "dead-reason": b"no rules"}
            await bus.publish(
                [type(letter)(topic=SCRIPTS.dead, key=letter.key, value=letter.value, headers=headers)]
            )

    with open_cuttable_kafka(tmp_path) as proxy:
        asyncio.run(kill_one(proxy.address))
        monkeypatch.setenv("GATEWAY_BUS__BOOTSTRAP_SERVERS", proxy.address)
        monkeypatch.setenv("GATEWAY_BUS__SESSION_TIMEOUT_S", "4")
        monkeypatch.setenv("GATEWAY_API__PORT", "80")
        # In this process it would stay configured for the tests that follow.
        monkeypatch.setattr("services.kit.logs.configure_logs", lambda *_: None)
        result = CliRunner().invoke(redrive, [SCRIPTS.name, "--dry-run"], catch_exceptions=False)
    assert f"{SCRIPTS.dead}/0/0 ten_a/per_a BadInput: no rules (sent back 0 times before)" in result.stdout
    assert result.stdout.endswith("1 dead letters found\n")


def test_an_unknown_topic_and_a_missing_broker_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GATEWAY_BUS__BOOTSTRAP_SERVERS", raising=False)
    with pytest.raises(BadInput, match="x is no topic, expected one of dramatis"):
        CliRunner().invoke(redrive, ["x"], catch_exceptions=False)
    with pytest.raises(BadInput, match="GATEWAY_BUS__BOOTSTRAP_SERVERS is not set"):
        CliRunner().invoke(redrive, [SCRIPTS.dead], catch_exceptions=False)
