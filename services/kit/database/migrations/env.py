"""What Alembic runs: the steps, on the connection it was given."""

from __future__ import annotations

from alembic import context

from services.kit.database.tables import Row


def _run() -> None:
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=Row.metadata,
        # SQLite cannot alter most things in place.
        render_as_batch=True,
        transaction_per_migration=False,
    )
    with context.begin_transaction():
        context.run_migrations()


_run()
