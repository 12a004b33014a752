"""How much the face and the body of a performance move."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

JSON: Final = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    # It may be empty, so that the release before goes on beside this one.
    op.add_column("performances", sa.Column("motion_intensity", JSON, nullable=True))


def downgrade() -> None:
    op.drop_column("performances", "motion_intensity")
