"""Sustainability links as two people signed them, what is handed in for them, observations, and changes of a rate.

The release before neither reads nor writes these tables.

Revision ID: 0044
Revises: 0043
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None

ORGANIZATION = "(SELECT current_setting('app.organization', true))"
SCOPE = "(SELECT coalesce(current_setting('app.scope', true), ''))"
TABLES = ("sustainability_link", "link_document", "link_observation", "loan_rate_change")


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


def plain(name):
    return sa.Column(name, sa.Text().with_variant(postgresql.JSONB(), "postgresql"), nullable=False)


def exact(name, digits, places, *, nullable=False):
    return sa.Column(name, sa.Numeric(digits, places).with_variant(sa.Integer(), "sqlite"), nullable=nullable)


def people(table):
    """Give who proposed and who approved a row."""
    return (
        text("approval_id"),
        text("maker_id"),
        text("maker_name"),
        text("checker_id"),
        text("checker_name"),
        instant("approved_at"),
        sa.CheckConstraint("maker_id <> checker_id", name=op.f(f"ck_{table}_four_eyes")),
    )


def made(table, *columns, unique):
    """Make a table of an organisation's own that nobody changes."""
    op.create_table(
        table,
        text("id"),
        text("organization_id"),
        *columns,
        points_at(table, "organization_id", "organization"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint(*unique, name=op.f(f"uq_{table}_{'_'.join(unique)}")),
        sqlite_strict=True,
    )


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
    made(
        "sustainability_link",
        text("number"),
        whole("revision"),
        text("contract_number"),
        text("event"),
        text("state"),
        text("reason"),
        day("valid_from"),
        day("known_from"),
        plain("terms"),
        *people("sustainability_link"),
        unique=("organization_id", "number", "revision"),
    )
    made(
        "link_document",
        text("link_number"),
        whole("observation_number"),
        text("kind"),
        whole("version"),
        day("received_date"),
        text("evidence_digest"),
        plain("content"),
        text("recorded_by"),
        instant("recorded_at"),
        unique=("organization_id", "link_number", "observation_number", "kind", "version"),
    )
    made(
        "link_observation",
        text("link_number"),
        whole("observation_number"),
        whole("version"),
        text("status"),
        whole("report_version", nullable=True),
        exact("step_bp", 18, 10),
        exact("interim_bp", 18, 10, nullable=True),
        exact("level_bp", 18, 10),
        day("report_due_date"),
        day("applies_after"),
        day("known_from"),
        text("decision_id"),
        *people("link_observation"),
        points_at("link_observation", "decision_id", "decision"),
        unique=("organization_id", "link_number", "observation_number", "version"),
    )
    made(
        "loan_rate_change",
        text("note_id"),
        whole("number"),
        text("link_number"),
        text("cause"),
        day("known_from"),
        plain("spells"),
        exact("compensation_cny", 20, 2),
        text("decision_id"),
        instant("recorded_at"),
        points_at("loan_rate_change", "note_id", "loan_note"),
        points_at("loan_rate_change", "decision_id", "decision"),
        unique=("note_id", "number"),
    )
    op.create_index(op.f("ix_loan_rate_change_note_id"), "loan_rate_change", ["note_id"])
    for table in TABLES:
        append_only(table)
        keep_apart(table)


def downgrade():
    for table in reversed(TABLES):
        op.drop_table(table)
        if op.get_context().dialect.name == "postgresql":
            op.execute(f"DROP FUNCTION {table}_refuse()")
