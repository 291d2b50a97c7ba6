"""Lines of portfolios as blocks of columns, beside their rows.

The release before neither reads nor writes the table. What it writes of a portfolio it writes anew, and the rows it
deletes take their blocks with them: such a portfolio is read by its rows until it is stored or valued again.

Revision ID: 0041
Revises: 0040
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

SCOPE = "(SELECT coalesce(current_setting('app.scope', true), ''))"


def text(name, *, nullable=False):
    return sa.Column(name, sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql"), nullable=nullable)


def whole(name):
    return sa.Column(name, sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False)


def upgrade():
    op.create_table(
        "portfolio_block",
        text("portfolio_id"),
        whole("place"),
        text("first_line_id", nullable=True),
        whole("line_count"),
        text("book_digest"),
        sa.Column("numbers", sa.LargeBinary(), nullable=False),
        sa.Column("texts", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["portfolio_id"], ["portfolio.id"], name=op.f("fk_portfolio_block_portfolio_id_portfolio")
        ),
        sa.ForeignKeyConstraint(
            ["first_line_id"],
            ["portfolio_line.id"],
            name=op.f("fk_portfolio_block_first_line_id_portfolio_line"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("portfolio_id", "place", name=op.f("pk_portfolio_block")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_portfolio_block_first_line_id"), "portfolio_block", ["first_line_id"])
    if op.get_context().dialect.name != "postgresql":
        return
    op.execute("ALTER TABLE portfolio_block ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE portfolio_block FORCE ROW LEVEL SECURITY")
    for name, role, condition in (
        ("unscoped_owner", "CURRENT_USER", f"{SCOPE} = ''"),
        ("operator", "PUBLIC", f"{SCOPE} = 'operator'"),
        ("own", "PUBLIC", "EXISTS (SELECT 1 FROM portfolio WHERE portfolio.id = portfolio_block.portfolio_id)"),
    ):
        op.execute(f"CREATE POLICY {name} ON portfolio_block FOR ALL TO {role} USING ({condition})")


def downgrade():
    op.drop_table("portfolio_block")
