"""What is said to the character, and the motion of a finished performance."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

JSON: Final = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    # Both may be empty, so that the release before goes on beside this one.
    op.add_column("performances", sa.Column("listen", JSON, nullable=True))
    op.add_column("performances", sa.Column("motion_uri", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("performances", "motion_uri")
    op.drop_column("performances", "listen")
