"""Which errors of the database mean that the same may succeed later."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm.exc import StaleDataError

from services.kit.errors import Overloaded, Unavailable

__all__ = ["translated"]

# Classes of SQLSTATE: connection, authorisation at connecting, database gone, rolled back because of
# others, out of resources, lock not available, stopped by an operator, system error.
_PASSING: Final = frozenset({"08", "28", "3D", "40", "53", "55", "57", "58"})


@contextmanager
def translated() -> Iterator[None]:
    """Raise Unavailable or Overloaded for what passes; any other error of the database is a bug."""
    try:
        yield
    except PoolTimeoutError as error:
        raise Overloaded("every connection to the database is in use") from error
    except StaleDataError as error:
        raise Unavailable("another update of the row came first") from error
    except DBAPIError as error:
        if not _is_passing(error):
            raise
        raise Unavailable(f"the database does not answer: {_describe(error.orig)}") from error
    except OSError as error:
        raise Unavailable(f"the database does not answer: {type(error).__name__}") from error


def _is_passing(error: DBAPIError) -> bool:
    if error.connection_invalidated:
        return True
    cause = error.orig
    if isinstance(cause, sqlite3.OperationalError):
        # The plain SQLITE_ERROR is a wrong statement; locks, full disks and the like have their own.
        return cause.sqlite_errorcode != sqlite3.SQLITE_ERROR
    state = getattr(cause, "sqlstate", None)  # drivers of PostgreSQL have it, without a common type
    return state is not None and state[:2] in _PASSING


def _describe(cause: BaseException | None) -> str:
    # SQLite's texts name no values, and tell a lock from a folder that is not there.
    return str(cause) if isinstance(cause, sqlite3.Error) else type(cause).__name__
