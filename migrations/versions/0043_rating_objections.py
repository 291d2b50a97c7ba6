"""Objections of enterprises to their ratings, and the answers two people gave.

The release before neither reads nor writes the tables.

Revision ID: 0043
Revises: 0042
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None

OBJECTION, ANSWER = "rating_objection", "rating_objection_answer"
ORGANIZATION = "(SELECT current_setting('app.organization', true))"
SCOPE = "(SELECT coalesce(current_setting('app.scope', true), ''))"


def day(name, *, nullable=False):
    return sa.Column(name, sa.Date().with_variant(sa.Text(), "sqlite"), nullable=nullable)


def instant(name):
    return sa.Column(name, sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite"), nullable=False)


def text(name, *, nullable=False):
    return sa.Column(name, sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql"), nullable=nullable)


def whole(name):
    return sa.Column(name, sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False)


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
        OBJECTION,
        text("id"),
        text("organization_id"),
        text("party_id"),
        whole("number"),
        text("decision_id"),
        text("ground"),
        day("received_on"),
        day("answer_by", nullable=True),
        text("evidence"),
        text("filed_by"),
        instant("filed_at"),
        points_at(OBJECTION, "organization_id", "organization"),
        points_at(OBJECTION, "party_id", "party"),
        points_at(OBJECTION, "decision_id", "decision"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{OBJECTION}")),
        sa.UniqueConstraint(
            "organization_id", "party_id", "number", name=op.f(f"uq_{OBJECTION}_organization_id_party_id_number")
        ),
        sqlite_strict=True,
    )
    op.create_table(
        ANSWER,
        text("id"),
        text("organization_id"),
        text("objection_id"),
        text("outcome"),
        text("finding"),
        text("new_decision_id", nullable=True),
        text("approval_id"),
        text("maker_id"),
        text("maker_name"),
        text("checker_id"),
        text("checker_name"),
        instant("answered_at"),
        sa.CheckConstraint("maker_id <> checker_id", name=op.f(f"ck_{ANSWER}_four_eyes")),
        points_at(ANSWER, "organization_id", "organization"),
        points_at(ANSWER, "objection_id", OBJECTION),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{ANSWER}")),
        sa.UniqueConstraint("objection_id", name=op.f(f"uq_{ANSWER}_objection_id")),
        sqlite_strict=True,
    )
    for table in (OBJECTION, ANSWER):
        append_only(table)
        keep_apart(table)


def downgrade():
    for table in (ANSWER, OBJECTION):
        op.drop_table(table)
        if op.get_context().dialect.name == "postgresql":
            op.execute(f"DROP FUNCTION {table}_refuse()")
