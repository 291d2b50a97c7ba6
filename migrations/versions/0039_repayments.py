"""Receipts on loan notes, the stretches of their schedules, and penalty and compound interest beside what accrues.

The release before neither reads nor writes the tables and columns; a note it shows has what was received taken off.

Revision ID: 0039
Revises: 0038
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

ORGANIZATION = "(SELECT current_setting('app.organization', true))"
SCOPE = "(SELECT coalesce(current_setting('app.scope', true), ''))"


AMOUNT = sa.Numeric(20, 2).with_variant(sa.Integer(), "sqlite")
RATIO = sa.Numeric(18, 10).with_variant(sa.Integer(), "sqlite")


def money(name, *, nullable=False):
    return sa.Column(name, AMOUNT, nullable=nullable)


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
        "repayment",
        text("id"),
        text("organization_id"),
        text("note_id"),
        whole("number"),
        day("paid_on"),
        money("amount_cny"),
        money("fees_cny"),
        money("compensation_cny"),
        money("prepaid_cny"),
        sa.Column("lines", sa.Text().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        day("interest_paid_to_before"),
        text("reference"),
        text("allocation_order"),
        text("approval_id"),
        text("recorded_by"),
        instant("recorded_at"),
        sa.CheckConstraint("amount_cny > 0", name=op.f("ck_repayment_amount_above_zero")),
        points_at("repayment", "organization_id", "organization"),
        points_at("repayment", "note_id", "loan_note"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_repayment")),
        sa.UniqueConstraint("note_id", "number", name=op.f("uq_repayment_note_id_number")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_repayment_note_id"), "repayment", ["note_id"])
    op.create_table(
        "note_segment",
        text("id"),
        text("organization_id"),
        text("note_id"),
        whole("number"),
        day("start"),
        money("principal_cny"),
        sa.Column("rate", RATIO, nullable=False),
        text("reason"),
        text("words"),
        text("recorded_by"),
        instant("recorded_at"),
        points_at("note_segment", "organization_id", "organization"),
        points_at("note_segment", "note_id", "loan_note"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_note_segment")),
        sa.UniqueConstraint("note_id", "number", name=op.f("uq_note_segment_note_id_number")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_note_segment_note_id"), "note_segment", ["note_id"])
    for table in ("repayment", "note_segment"):
        append_only(table)
        keep_apart(table)
    op.add_column("accrual", money("penalty_cny", nullable=True))
    op.add_column("accrual", money("compound_cny", nullable=True))


def downgrade():
    op.execute("ALTER TABLE accrual DROP COLUMN compound_cny")
    op.execute("ALTER TABLE accrual DROP COLUMN penalty_cny")
    for table in ("note_segment", "repayment"):
        op.drop_table(table)
        if op.get_context().dialect.name == "postgresql":
            op.execute(f"DROP FUNCTION {table}_refuse()")
