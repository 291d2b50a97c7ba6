"""Custody accounts of trading funds, and what custodian and exchange state of them day by day.

The release before neither reads nor writes the tables.

Revision ID: 0026
Revises: 0025
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

ORGANIZATION = "(SELECT current_setting('app.organization', true))"
SCOPE = "(SELECT coalesce(current_setting('app.scope', true), ''))"


def text(name):
    return sa.Column(name, sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql"), nullable=False)


def day(name, *, nullable=False):
    return sa.Column(name, sa.Date().with_variant(sa.Text(), "sqlite"), nullable=nullable)


def instant(name):
    return sa.Column(name, sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite"), nullable=False)


def points_at(table, column, other):
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=op.f(f"fk_{table}_{column}_{other}"))


def keep_apart(table):
    """Have PostgreSQL show an organisation its own rows alone, and let it write no others."""
    if op.get_context().dialect.name != "postgresql":
        return
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    for name, role, condition in (
        ("unscoped_owner", "CURRENT_USER", f"{SCOPE} = ''"),
        ("operator", "PUBLIC", f"{SCOPE} = 'operator'"),
        ("own", "PUBLIC", f"organization_id = {ORGANIZATION}"),
    ):
        op.execute(f"CREATE POLICY {name} ON {table} FOR ALL TO {role} USING ({condition})")


def append_only(table):
    """Have the database refuse to change or remove rows."""
    if op.get_context().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
        return
    op.execute(
        f"CREATE FUNCTION {table}_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"RAISE EXCEPTION '{table} is append-only' USING ERRCODE = 'integrity_constraint_violation'; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table} "
        f"FOR EACH ROW EXECUTE FUNCTION {table}_refuse()"
    )
    op.execute(
        f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_refuse()"
    )


def upgrade():
    op.create_table(
        "custody_account",
        *(text(name) for name in ("id", "organization_id", "party_id", "custodian_name", "account_number")),
        text("exchange_code"),
        day("bound_from"),
        day("bound_to", nullable=True),
        instant("entered_at"),
        text("actor_id"),
        text("actor_name"),
        sa.CheckConstraint(
            "bound_to IS NULL OR bound_to >= bound_from", name=op.f("ck_custody_account_bound_in_order")
        ),
        points_at("custody_account", "organization_id", "organization"),
        points_at("custody_account", "party_id", "party"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_custody_account")),
        sa.UniqueConstraint(
            "organization_id", "exchange_code", "account_number", "bound_from",
            name=op.f("uq_custody_account_organization_id_exchange_code_account_number_bound_from"),
        ),
        sqlite_strict=True,
    )  # fmt: skip
    op.create_index(op.f("ix_custody_account_party_id"), "custody_account", ["party_id"])
    op.create_table(
        "custody_statement",
        *(text(name) for name in ("id", "organization_id", "account_id")),
        day("business_date"),
        text("side"),
        text("item"),
        sa.Column("amount", sa.Numeric(20, 2).with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("revision", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        text("source"),
        instant("entered_at"),
        text("actor_id"),
        text("actor_name"),
        sa.CheckConstraint("side IN ('bank', 'exchange')", name=op.f("ck_custody_statement_side_known")),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_custody_statement_amount_not_negative")),
        points_at("custody_statement", "organization_id", "organization"),
        points_at("custody_statement", "account_id", "custody_account"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_custody_statement")),
        sa.UniqueConstraint(
            "account_id", "business_date", "side", "item", "revision",
            name=op.f("uq_custody_statement_account_id_business_date_side_item_revision"),
        ),
        sqlite_strict=True,
    )  # fmt: skip
    op.create_index(op.f("ix_custody_statement_organization_id"), "custody_statement", ["organization_id"])
    append_only("custody_statement")
    for table in ("custody_account", "custody_statement"):
        keep_apart(table)


def downgrade():
    op.drop_table("custody_statement")
    op.drop_table("custody_account")
    if op.get_context().dialect.name == "postgresql":
        op.execute("DROP FUNCTION custody_statement_refuse()")
