"""How far an engine is that works for long before it shows anything."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # They may be empty, so that the release before goes on beside this one.
    op.add_column("performances", sa.Column("steps_done", sa.Integer(), nullable=True))
    op.add_column("performances", sa.Column("steps_expected", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column("performances", "steps_expected")
    op.drop_column("performances", "steps_done")
