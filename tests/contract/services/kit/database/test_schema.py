"""The migrations lead to the tables that the code expects, and back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect, text

from services.kit.database import schema
from services.kit.database.database import Database, open_database
from services.kit.database.tables import Character, Performance, Row
from services.kit.errors import Fatal
from tests.contract.services.kit.database.test_database import performance

pytestmark = pytest.mark.anyio


async def names_of_tables(url: str) -> set[str]:
    async with open_database(url) as database, database.engine.connect() as connection:
        return set(await connection.run_sync(lambda given: inspect(given).get_table_names()))


def differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(
        connection, opts={"compare_type": True, "compare_server_default": True}
    )
    return list(compare_metadata(context, Row.metadata))


def checks(connection: Connection) -> dict[str, set[str | None]]:
    tables = inspect(connection)
    return {
        name: {check["name"] for check in tables.get_check_constraints(name)}
        for name in tables.get_table_names()
        if tables.get_check_constraints(name)
    }


async def test_the_migrated_tables_are_the_models_tables(database_url: str) -> None:
    await schema.upgrade(database_url)

    async with open_database(database_url) as database, database.engine.connect() as connection:
        assert await connection.run_sync(differences) == []
        found = await connection.run_sync(checks)
    assert found == {
        "characters": {"ck_characters_characterstate", "ck_characters_consentname"},
        "performances": {"ck_performances_performancestate", "ck_performances_scriptstate"},
        "verdicts": {"ck_verdicts_subjectname"},
        "webhook_deliveries": {"ck_webhook_deliveries_deliverystate"},
    }


async def test_down_removes_what_up_made(database_url: str) -> None:
    await schema.upgrade(database_url)
    assert set(Row.metadata.tables) < await names_of_tables(database_url)

    await schema.downgrade(database_url, "base")

    assert await names_of_tables(database_url) == {"alembic_version"}
    assert await schema.current(database_url) is None


async def test_up_down_and_up_again_gives_the_same_tables(database_url: str) -> None:
    await schema.upgrade(database_url)
    await schema.downgrade(database_url, "base")
    await schema.upgrade(database_url)

    async with open_database(database_url) as database, database.engine.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_performances_outlive_a_release_back_and_forth(
    database: Database, database_url: str, character: Callable[[str], Character]
) -> None:
    async with database.begin() as session:
        session.add(character("chr_a"))
        session.add(performance("per_a", "chr_a"))

    await schema.downgrade(database_url, "0001")
    await schema.upgrade(database_url)

    async with open_database(database_url) as opened, opened.read() as session:
        found = await session.get_one(Performance, "per_a")
    assert (found.source["text"], found.listen, found.motion_uri) == ("Good evening, ☕", None, None)


async def test_several_replicas_may_migrate_at_once(database_url: str) -> None:
    await schema.upgrade(database_url)
    await schema.downgrade(database_url, "base")

    await asyncio.gather(*[schema.upgrade(database_url) for _ in range(4)])

    assert await schema.current(database_url) == schema.expected()


async def test_a_database_of_another_release_is_refused_with_advice(database_url: str) -> None:
    await schema.upgrade(database_url)
    async with open_database(database_url) as database:
        await schema.check_schema(database)
        async with database.begin() as session:
            await session.execute(text("UPDATE alembic_version SET version_num = 'older'"))

        with pytest.raises(Fatal, match=r"at revision older, expected .*dramatis database upgrade"):
            await schema.check_schema(database)

        async with database.begin() as session:
            await session.execute(
                text("UPDATE alembic_version SET version_num = :head"), {"head": schema.expected()}
            )
