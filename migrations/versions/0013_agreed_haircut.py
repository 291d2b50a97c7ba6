"""The haircut a repo's contract agreed, and the reason where it lies below the bank's own.

The release before neither reads nor writes the columns: they are empty there, and the bank's own haircut counts.

Revision ID: 0013
Revises: 0012
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade():
    ratio = sa.Numeric(18, 10).with_variant(sa.Integer(), "sqlite")
    op.add_column("repo", sa.Column("agreed_haircut_ratio", ratio, nullable=True))
    text = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
    op.add_column("repo", sa.Column("override_reason", text, nullable=True))


def downgrade():
    op.execute("ALTER TABLE repo DROP COLUMN override_reason")
    op.execute("ALTER TABLE repo DROP COLUMN agreed_haircut_ratio")
