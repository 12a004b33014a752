"""The receiver in docs/webhooks.md, run as it stands there."""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path

import pytest

from services.kit.database.database import Database
from services.kit.egress import Egress, EgressPolicy
from services.kit.telemetry import Telemetry
from services.worker.metrics import Metrics
from services.worker.settings import WebhookSettings
from services.worker.webhooks import Tools, open_webhooks
from tests.servers.processes import accepts, free_port, running
from tests.webhooks.rows import SECRET, HandClock, add_endpoint, tell

pytestmark = pytest.mark.anyio

GUIDE = Path(__file__).parents[4] / "docs" / "webhooks.md"


async def test_the_receiver_of_the_guide_verifies_and_prints_events(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    example = re.search(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    assert example is not None
    (tmp_path / "receiver.py").write_text(example[1], encoding="utf-8")
    port, log = free_port(), tmp_path / "receiver.log"
    monkeypatch.setenv("WEBHOOK_SECRET", SECRET)
    monkeypatch.setenv("PORT", str(port))
    clock = HandClock(datetime.now(UTC))
    tools = Tools(
        database=database,
        sender=Egress(EgressPolicy(allowed_networks=(ip_network("127.0.0.0/8"),))),
        clock=clock,
        jitter=lambda: 0.0,
        metrics=Metrics(Telemetry()),
        settings=WebhookSettings(),
    )
    await add_endpoint(database, f"http://127.0.0.1:{port}/")
    await tell(database, clock.now(), number=2)
    with running([sys.executable, tmp_path / "receiver.py"], log, lambda: accepts(port)):
        async with open_webhooks(tools) as webhooks:
            await webhooks.send_due()
    printed = [line for line in log.read_text().splitlines() if line.startswith("character.ready")]
    assert sorted(printed) == ['character.ready {"id": "chr_0"}', 'character.ready {"id": "chr_1"}']
    assert log.read_text().count(" 204 ") == 2
