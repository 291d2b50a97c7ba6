"""What banks are told of the applications they filed: outcomes of reports, and steps of the bureau's review.

Steps taken before are told by copying what an applicant is told of each, without names, reasons and files. Outcomes of
reports built before are written when the report is asked for again. The release before neither reads nor writes these.

Revision ID: 0050
Revises: 0049
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0050"
down_revision = "0049"
branch_labels = None
depends_on = None

ORGANIZATION = "(SELECT current_setting('app.organization', true))"
SCOPE = "(SELECT coalesce(current_setting('app.scope', true), ''))"
OUTCOME, STEP = "subsidy_outcome", "subsidy_outcome_step"


def text(name):
    return sa.Column(name, sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql"), nullable=False)


def whole(name):
    return sa.Column(name, sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False)


def day(name, *, nullable=False):
    return sa.Column(name, sa.Date().with_variant(sa.Text(), "sqlite"), nullable=nullable)


def instant(name):
    return sa.Column(name, sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite"), nullable=False)


def amount(name):
    return sa.Column(name, sa.Numeric(20, 2).with_variant(sa.Integer(), "sqlite"), nullable=True)


def points_at(table, column, other):
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=op.f(f"fk_{table}_{column}_{other}"))


def keep_apart(table):
    """Have PostgreSQL let the body that decides write its own rows, and the bank a row names read it."""
    if op.get_context().dialect.name != "postgresql":
        return
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    for name, command, role, condition in (
        ("unscoped_owner", "ALL", "CURRENT_USER", f"{SCOPE} = ''"),
        ("operator", "ALL", "PUBLIC", f"{SCOPE} = 'operator'"),
        ("own", "ALL", "PUBLIC", f"organization_id = {ORGANIZATION}"),
        ("reader", "SELECT", "PUBLIC", f"bank_id = {ORGANIZATION}"),
    ):
        op.execute(f"CREATE POLICY {name} ON {table} FOR {command} TO {role} USING ({condition})")


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


def tell_steps_taken():
    """Copy the steps an applicant is told; an amount only where it is told."""
    until = (
        "json_extract(step.details, '$.published_until')"
        if op.get_context().dialect.name == "sqlite"
        else "CAST(nullif(step.details ->> 'published_until', '') AS date)"
    )
    op.execute(
        f"INSERT INTO {STEP} (id, organization_id, bank_id, application_id, place, name, happened_on, told_at, "  # noqa: S608 - own names
        "amount_cny, published_until) "
        "SELECT step.id, step.organization_id, filed.organization_id, step.application_id, step.place, step.name, "
        "step.happened_on, step.taken_at, "
        "CASE WHEN step.name IN ('review', 'refuse', 'exclude', 'bounce') THEN NULL ELSE step.amount_cny END, "
        f"{until} "
        "FROM subsidy_review_step AS step JOIN subsidy_application AS filed ON filed.id = step.application_id "
        "WHERE step.name IN ('review', 'refuse', 'publish', 'reduce', 'exclude', 'order', 'pay', 'bounce', 'demand', "
        "'recover', 'recover_all')"
    )


def upgrade():
    op.create_table(
        OUTCOME,
        text("id"),
        text("organization_id"),
        text("bank_id"),
        text("report_id"),
        text("application_id"),
        whole("sequence"),
        text("quarter"),
        day("as_of"),
        instant("told_at"),
        text("verdict"),
        amount("calculated_cny"),
        amount("proposed_cny"),
        amount("granted_cny"),
        sa.Column("details", sa.Text().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        points_at(OUTCOME, "organization_id", "organization"),
        points_at(OUTCOME, "bank_id", "organization"),
        points_at(OUTCOME, "report_id", "subsidy_report"),
        points_at(OUTCOME, "application_id", "subsidy_application"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{OUTCOME}")),
        sa.UniqueConstraint("report_id", "application_id", name=op.f(f"uq_{OUTCOME}_report_id_application_id")),
        sqlite_strict=True,
    )
    op.create_index(op.f(f"ix_{OUTCOME}_bank_id_told_at_id"), OUTCOME, ["bank_id", "told_at", "id"])
    op.create_index(
        op.f(f"ix_{OUTCOME}_organization_id_application_id_sequence"),
        OUTCOME,
        ["organization_id", "application_id", "sequence"],
    )
    op.create_table(
        STEP,
        text("id"),
        text("organization_id"),
        text("bank_id"),
        text("application_id"),
        whole("place"),
        text("name"),
        day("happened_on"),
        instant("told_at"),
        amount("amount_cny"),
        day("published_until", nullable=True),
        points_at(STEP, "organization_id", "organization"),
        points_at(STEP, "bank_id", "organization"),
        points_at(STEP, "application_id", "subsidy_application"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{STEP}")),
        sa.UniqueConstraint(
            "organization_id", "application_id", "place", name=op.f(f"uq_{STEP}_organization_id_application_id_place")
        ),
        sqlite_strict=True,
    )
    op.create_index(op.f(f"ix_{STEP}_bank_id_told_at"), STEP, ["bank_id", "told_at"])
    tell_steps_taken()
    for table in (OUTCOME, STEP):
        append_only(table)
        keep_apart(table)


def downgrade():
    for table in (STEP, OUTCOME):
        op.drop_table(table)
        if op.get_context().dialect.name == "postgresql":
            op.execute(f"DROP FUNCTION {table}_refuse()")
