"""Average-price options as lines of a portfolio: their averaging days and what is fixed of them.

The release before neither reads nor writes these columns; it has no portfolio with average-price options.

Revision ID: 0025
Revises: 0024
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade():
    op.add_column(
        "portfolio_line",
        sa.Column(
            "averaging_dates", sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql"), nullable=True
        ),
    )
    op.add_column(
        "portfolio_line",
        sa.Column("fixed_count", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
    )
    op.add_column(
        "portfolio_line",
        sa.Column("fixed_average_per_t", sa.Numeric(18, 6).with_variant(sa.Integer(), "sqlite"), nullable=True),
    )


def downgrade():
    op.execute("DELETE FROM portfolio_line WHERE option_style = 'average_price'")
    for name in ("fixed_average_per_t", "fixed_count", "averaging_dates"):
        op.execute(f"ALTER TABLE portfolio_line DROP COLUMN {name}")
