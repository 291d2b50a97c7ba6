"""Options as lines of a portfolio: kind, style, expiry and strike.

The release before neither reads nor writes these columns; it has no portfolio with options.

Revision ID: 0018
Revises: 0017
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def text(name):
    return sa.Column(name, sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql"), nullable=True)


def upgrade():
    op.add_column("portfolio_line", text("option_type"))
    op.add_column("portfolio_line", text("option_style"))
    op.add_column(
        "portfolio_line", sa.Column("expiry_date", sa.Date().with_variant(sa.Text(), "sqlite"), nullable=True)
    )
    op.add_column(
        "portfolio_line",
        sa.Column("strike_per_t", sa.Numeric(18, 6).with_variant(sa.Integer(), "sqlite"), nullable=True),
    )


def downgrade():
    op.execute("DELETE FROM portfolio_line WHERE kind = 'option'")
    for name in ("strike_per_t", "expiry_date", "option_style", "option_type"):
        op.execute(f"ALTER TABLE portfolio_line DROP COLUMN {name}")
