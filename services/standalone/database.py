"""`dramatis database`: bringing the tables of a database to this release, or back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final, TypeVar

import click

__all__ = ["DEFAULT_URL", "database", "database_option"]

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])  # click's decorators take any function

# Where `dramatis serve` keeps it.
DEFAULT_URL: Final = "sqlite+aiosqlite:///dramatis-data/dramatis.db"


def database_option(function: FunctionT) -> FunctionT:
    """The option that says which database a command works on."""
    return click.option(
        "--database",
        "url",
        envvar="GATEWAY_DATABASE__URL",
        default=DEFAULT_URL,
        metavar="URL",
        show_envvar=True,
        help="sqlite:///FILE or postgresql://USER@HOST/NAME.  [default: that of `dramatis serve`]",
    )(function)


@click.group()
def database() -> None:
    """Create, change or remove the tables of a database."""


@database.command()
@database_option
@click.argument("revision", default="head")
def upgrade(url: str, revision: str) -> None:
    """Go forward to REVISION, the newest by default; nothing happens when it is there already."""
    from services.kit.database import schema  # heavy, and only for this command

    asyncio.run(schema.upgrade(url, revision))
    click.echo(asyncio.run(schema.current(url)) or "none")


@database.command()
@database_option
@click.argument("revision")
@click.confirmation_option(prompt="Tables and columns go, with everything in them. Continue?")
def downgrade(url: str, revision: str) -> None:
    """Go back to REVISION; "base" removes every table."""
    from services.kit.database import schema  # heavy, and only for this command

    asyncio.run(schema.downgrade(url, revision))
    click.echo(asyncio.run(schema.current(url)) or "none")


@database.command()
@database_option
def current(url: str) -> None:
    """Print the revision of the database, and the one this release expects."""
    from services.kit.database import schema  # heavy, and only for this command

    click.echo(f"{asyncio.run(schema.current(url)) or 'none'}  (this release: {schema.expected()})")
