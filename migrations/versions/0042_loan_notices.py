"""Notices of payments as they were told, and risk classes as a bank's system gave them.

The release before neither reads nor writes the tables.

Revision ID: 0042
Revises: 0041
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0042"
down_revision = "0041"
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


def upgrade():
    op.create_table(
        "loan_classification",
        text("id"),
        text("organization_id"),
        text("note_id"),
        whole("number"),
        day("classified_on"),
        text("risk_class"),
        whole("stage", nullable=True),
        text("source"),
        text("recorded_by"),
        instant("recorded_at"),
        points_at("loan_classification", "organization_id", "organization"),
        points_at("loan_classification", "note_id", "loan_note"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_loan_classification")),
        sa.UniqueConstraint("note_id", "number", name=op.f("uq_loan_classification_note_id_number")),
        sqlite_strict=True,
    )
    op.create_table(
        "loan_notice",
        text("id"),
        text("organization_id"),
        text("note_id"),
        text("kind"),
        day("due_start"),
        day("due_on"),
        day("made_on"),
        sa.Column("content", sa.Text().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        instant("recorded_at"),
        points_at("loan_notice", "organization_id", "organization"),
        points_at("loan_notice", "note_id", "loan_note"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_loan_notice")),
        sa.UniqueConstraint("note_id", "kind", "due_start", name=op.f("uq_loan_notice_note_id_kind_due_start")),
        sqlite_strict=True,
    )
    for table in ("loan_classification", "loan_notice"):
        op.create_index(op.f(f"ix_{table}_note_id"), table, ["note_id"])
        append_only(table)
        keep_apart(table)


def downgrade():
    for table in ("loan_notice", "loan_classification"):
        op.drop_table(table)
        if op.get_context().dialect.name == "postgresql":
            op.execute(f"DROP FUNCTION {table}_refuse()")
