"""What cash margin of a repo earns by its contract, and since when how much of it is held.

The release before neither reads nor writes the columns: its repos earn nothing on margin, as before.

Revision ID: 0032
Revises: 0031
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade():
    rate = sa.Numeric(18, 10).with_variant(sa.Integer(), "sqlite")
    op.add_column("repo", sa.Column("margin_rate", rate, nullable=True))
    steps = sa.Text().with_variant(postgresql.JSONB(), "postgresql")
    op.add_column("repo", sa.Column("margin_steps", steps, nullable=True))


def downgrade():
    op.execute("ALTER TABLE repo DROP COLUMN margin_steps")
    op.execute("ALTER TABLE repo DROP COLUMN margin_rate")
