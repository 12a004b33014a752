"""`dramatis redrive`: sending dead letters back to where they could not be handled."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from uuid import uuid4

import click

from services.kit.errors import BadInput

__all__ = ["redrive"]


@click.command()
@click.argument("topics", nargs=-1, metavar="[TOPIC]...")
@click.option("--limit", type=click.IntRange(min=1), help="At most so many letters.  [default: all]")
@click.option("--dry-run", is_flag=True, help="Show them, and leave them where they are.")
def redrive(topics: Sequence[str], limit: int | None, dry_run: bool) -> None:
    """Send the dead letters of TOPICs (of all, when none is named) back, once what broke them is mended.

    The bus is that of the gateway: GATEWAY_BUS__BOOTSTRAP_SERVERS and its like. What dies again is left
    for the next call; the header dead-redrives counts how often a letter was sent back.
    """
    # Only this command loads the messages and the client of the bus.
    from services.kit.logs import configure_logs
    from services.kit.settings import TelemetrySettings
    from services.standalone.letters import check_topics, gateway_bus, leave, open_letters, publish

    names = check_topics(topics)
    settings = gateway_bus()
    if not settings.bootstrap_servers:
        raise BadInput("GATEWAY_BUS__BOOTSTRAP_SERVERS is not set; the embedded bus keeps no dead letters")
    configure_logs("redrive", TelemetrySettings(log_format="console", log_level="warning"))
    deliver = leave if dry_run else publish
    num_letters = asyncio.run(open_letters(settings, names, limit, deliver, uuid4().hex))
    click.echo(f"{num_letters} dead letters {'found' if dry_run else 'sent back'}")
