"""SQLAlchemy's engine, as the two databases need it."""

from __future__ import annotations

from typing import Final

from sqlalchemy import URL, Connection, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

__all__ = ["create_engine", "parse_url"]

_DRIVERS: Final = {
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
    "postgresql+asyncpg": "postgresql+asyncpg",
}
_CONNECT_TIMEOUT_S: Final = 5.0
# A host that vanished keeps its locks for at most 30 s.
_KEEPALIVE: Final = {
    "tcp_keepalives_idle": "15",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}


def parse_url(url: str) -> URL:
    """An address with its asynchronous driver. Raises ValueError for a database that is not supported."""
    parsed = make_url(url)
    driver = _DRIVERS.get(parsed.drivername)
    if driver is None:
        raise ValueError(f"{parsed.drivername} is not supported, expected sqlite or postgresql")
    return parsed.set(drivername=driver)


def create_engine(url: str, *, pool_size: int, timeout_s: float) -> AsyncEngine:
    """An engine; errors never show the values of parameters."""
    parsed = parse_url(url)
    if parsed.get_backend_name() == "sqlite":
        return _create_sqlite(parsed, timeout_s)
    return create_async_engine(
        parsed,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=timeout_s,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args={
            "timeout": min(timeout_s, _CONNECT_TIMEOUT_S),
            "command_timeout": timeout_s,
            "server_settings": {"application_name": "dramatis", **_KEEPALIVE},
        },
    )


def _create_sqlite(url: URL, timeout_s: float) -> AsyncEngine:
    engine = create_async_engine(url, hide_parameters=True, connect_args={"timeout": timeout_s})
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    # The driver must leave transactions to us.
    connection.isolation_level = None
    cursor = connection.cursor()
    for statement in (
        "PRAGMA journal_mode = WAL",
        "PRAGMA synchronous = FULL",
        "PRAGMA foreign_keys = ON",
    ):
        cursor.execute(statement)
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A writer takes the lock at once: one that only comes to it later may have to give up.
    is_read_only = connection.get_execution_options().get("is_read_only", False)
    connection.exec_driver_sql("BEGIN" if is_read_only else "BEGIN IMMEDIATE")
