"""When each subsidy application was written down, beside the instant its bank names; those of before have none.

The release before neither reads nor writes the column.

Revision ID: 0049
Revises: 0048
"""

import sqlalchemy as sa
from alembic import op

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None


def upgrade():
    op.add_column(
        "subsidy_application",
        sa.Column("recorded_at", sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite"), nullable=True),
    )


def downgrade():
    op.drop_column("subsidy_application", "recorded_at")
