"""`dramatis serve`: the platform on this machine, until it is told to end."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from services.standalone.failures import worst_of

__all__ = ["serve"]


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 takes a free one."
)
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("dramatis-data"),
    show_default=True,
    help="Folder of the database and all files; made when it is not there.",
)
def serve(host: str, port: int, data: Path) -> None:
    """Serve the HTTP API, with every service in this process.

    The first start of a folder prints the key to its API.
    """
    from services.kit.logs import configure_logs  # heavy, and only for this command
    from services.kit.runtime import live
    from services.kit.settings import load
    from services.standalone import platform
    from services.standalone.settings import ProcessSettings, ServicesSettings

    process, services = load(ProcessSettings), ServicesSettings.load()
    configure_logs("standalone", process.telemetry)
    place = platform.Host(
        data=data,
        host=host,
        port=port,
        show_key=lambda key: click.echo(f"API key, not shown again: {key}"),
        show_address=lambda address: click.echo(f"serving http://{address.host}:{address.port}"),
    )

    async def run() -> None:
        await live(
            "standalone", process, lambda _, runtime: platform.serve(place, services, runtime), _nothing
        )

    try:
        asyncio.run(run())
    except BaseExceptionGroup as group:
        raise worst_of(group) from None


def _nothing() -> None:
    """The end is bounded by the grace of each service."""
