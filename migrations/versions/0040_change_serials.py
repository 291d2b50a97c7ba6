"""The serial numbers chosen of the units that a change of a pledge adds or frees.

The release before neither reads nor writes the column: its changes choose none.

Revision ID: 0040
Revises: 0039
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade():
    op.add_column(
        "pledge_change_unit",
        sa.Column("serials", sa.Text().with_variant(postgresql.JSONB(), "postgresql"), nullable=True),
    )


def downgrade():
    op.execute("ALTER TABLE pledge_change_unit DROP COLUMN serials")
