"""Lines of a portfolio with an agreed price in another currency, and the papers a contract stands on.

The release before neither reads nor writes these columns; it has no forward that is agreed in another currency.

Revision ID: 0031
Revises: 0030
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

_NAMES = ("currency", "master_agreement", "derivatives_licence")


def upgrade():
    for name in _NAMES:
        op.add_column(
            "portfolio_line",
            sa.Column(name, sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql"), nullable=True),
        )


def downgrade():
    op.execute("DELETE FROM portfolio_line WHERE kind = 'forward' AND currency IS NOT NULL")
    for name in reversed(_NAMES):
        op.execute(f"ALTER TABLE portfolio_line DROP COLUMN {name}")
