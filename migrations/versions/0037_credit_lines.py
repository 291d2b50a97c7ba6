"""Credit lines and loan contracts as two people approved them, and the contract a loan note was drawn under.

The release before neither reads nor writes the tables and columns; its notes stand under no contract.

Revision ID: 0037
Revises: 0036
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

ORGANIZATION = "(SELECT current_setting('app.organization', true))"
SCOPE = "(SELECT coalesce(current_setting('app.scope', true), ''))"


def day(name):
    return sa.Column(name, sa.Date().with_variant(sa.Text(), "sqlite"), nullable=False)


def instant(name):
    return sa.Column(name, sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite"), nullable=False)


def text(name, *, nullable=False):
    return sa.Column(name, sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql"), nullable=nullable)


def whole(name, *, nullable=False):
    return sa.Column(name, sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=nullable)


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


def approved_terms(table, *, under):
    """Make a table of terms by revision, each with who proposed and who approved them."""
    op.create_table(
        table,
        text("id"),
        text("organization_id"),
        text("number"),
        whole("revision"),
        under,
        day("valid_from"),
        day("known_from"),
        sa.Column("terms", sa.Text().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        text("approval_id"),
        text("maker_id"),
        text("maker_name"),
        text("checker_id"),
        text("checker_name"),
        instant("approved_at"),
        sa.CheckConstraint("maker_id <> checker_id", name=op.f(f"ck_{table}_four_eyes")),
        points_at(table, "organization_id", "organization"),
        *((points_at(table, "party_id", "party"),) if under.name == "party_id" else ()),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint(
            "organization_id", "number", "revision", name=op.f(f"uq_{table}_organization_id_number_revision")
        ),
        sqlite_strict=True,
    )
    append_only(table)
    keep_apart(table)


def upgrade():
    approved_terms("credit_line", under=text("party_id"))
    op.create_index(op.f("ix_credit_line_party_id"), "credit_line", ["party_id"])
    approved_terms("loan_contract", under=text("line_number"))
    op.add_column("loan_note", text("contract_number", nullable=True))
    op.add_column("loan_note", text("approval_id", nullable=True))


def downgrade():
    op.execute("ALTER TABLE loan_note DROP COLUMN approval_id")
    op.execute("ALTER TABLE loan_note DROP COLUMN contract_number")
    for table in ("loan_contract", "credit_line"):
        op.drop_table(table)
        if op.get_context().dialect.name == "postgresql":
            op.execute(f"DROP FUNCTION {table}_refuse()")
