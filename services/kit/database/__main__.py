"""`python -m services.kit.database upgrade URL`: the tables of a database, without the whole program."""

from __future__ import annotations

import asyncio

import click

from services.kit.database import schema


@click.group(help="The tables of a database.")
def main() -> None:
    """Gather the commands."""


@main.command(help="Go forward to a revision, the newest by default.")
@click.argument("url")
@click.argument("revision", default="head")
def upgrade(url: str, revision: str) -> None:
    """Run `schema.upgrade`."""
    asyncio.run(schema.upgrade(url, revision))


@main.command(help='Go back to a revision; "base" removes every table.')
@click.argument("url")
@click.argument("revision")
def downgrade(url: str, revision: str) -> None:
    """Run `schema.downgrade`."""
    asyncio.run(schema.downgrade(url, revision))


@main.command(help="Print the revision.")
@click.argument("url")
def current(url: str) -> None:
    """Print `schema.current`."""
    click.echo(asyncio.run(schema.current(url)) or "none")


if __name__ == "__main__":
    main()
