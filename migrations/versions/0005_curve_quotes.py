"""Curve quotes, in a table of their own; products, opening, highest, lowest and average prices of quotes.

The release before neither reads nor writes the new table. It leaves the new columns of `quote` empty, and what it reads
there it reads as before. Going back removes the quotes of single products, which it would take for the unit's price.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ORGANIZATION = "(SELECT current_setting('app.organization', true))"
SCOPE = "(SELECT coalesce(current_setting('app.scope', true), ''))"
PRICES = ("open_cny_per_t", "high_cny_per_t", "low_cny_per_t", "vwap_cny_per_t")


def keep_apart(table):
    """Have PostgreSQL show an organisation its own rows and the public ones, and let it write its own alone."""
    if op.get_context().dialect.name != "postgresql":
        return
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    for name, command, role, condition in (
        ("unscoped_owner", "ALL", "CURRENT_USER", f"{SCOPE} = ''"),
        ("operator", "ALL", "PUBLIC", f"{SCOPE} = 'operator'"),
        ("own", "ALL", "PUBLIC", f"organization_id = {ORGANIZATION}"),
        ("public", "SELECT", "PUBLIC", f"organization_id IS NULL AND {SCOPE} <> ''"),
    ):
        op.execute(f"CREATE POLICY {name} ON {table} FOR {command} TO {role} USING ({condition})")


def upgrade():
    op.create_table(
        "curve_quote",
        sa.Column("id", sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql"), nullable=False),
        sa.Column(
            "organization_id", sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql"), nullable=True
        ),
        sa.Column("kind", sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql"), nullable=False),
        sa.Column("name", sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql"), nullable=False),
        sa.Column("point", sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql"), nullable=False),
        sa.Column("expiry_date", sa.Date().with_variant(sa.Text(), "sqlite"), nullable=True),
        sa.Column("quote_date", sa.Date().with_variant(sa.Text(), "sqlite"), nullable=False),
        sa.Column("revision", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("value", sa.Numeric(18, 10).with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("currency", sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql"), nullable=False),
        sa.Column("known_from", sa.Date().with_variant(sa.Text(), "sqlite"), nullable=False),
        sa.Column("source", sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql"), nullable=False),
        sa.Column("document", sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql"), nullable=False),
        sa.Column("grade", sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql"), nullable=False),
        sa.Column("is_sample", sa.Boolean().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.CheckConstraint("revision >= 1", name=op.f("ck_curve_quote_revision_from_one")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_curve_quote_organization_id_organization")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_curve_quote")),
        sa.UniqueConstraint(
            "organization_id", "kind", "name", "point", "quote_date", "revision", name="uq_curve_quote_own"
        ),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_curve_quote_quote_date"), "curve_quote", ["quote_date"])
    op.create_index(
        "uq_curve_quote_public",
        "curve_quote",
        ["kind", "name", "point", "quote_date", "revision"],
        unique=True,
        sqlite_where=sa.text("organization_id IS NULL"),
        postgresql_where=sa.text("organization_id IS NULL"),
    )
    keep_apart("curve_quote")
    op.add_column(
        "quote",
        sa.Column("product", sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql"), nullable=True),
    )
    for name in PRICES:
        op.add_column("quote", sa.Column(name, sa.Numeric(18, 6).with_variant(sa.Integer(), "sqlite"), nullable=True))


def downgrade():
    op.execute("DELETE FROM quote WHERE product IS NOT NULL")
    for name in (*PRICES, "product"):
        op.execute(f"ALTER TABLE quote DROP COLUMN {name}")
    op.drop_table("curve_quote")
