"""Authorities' acts on units, and the enforcement of pledges with its steps.

The release before neither reads nor writes these tables.

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

ORGANIZATION = "(SELECT current_setting('app.organization', true))"
SCOPE = "(SELECT coalesce(current_setting('app.scope', true), ''))"
TABLES = ("authority_act", "enforcement", "enforcement_step")


def text(name, *, nullable=False):
    return sa.Column(name, sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql"), nullable=nullable)


def whole(name):
    return sa.Column(name, sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False)


def day(name):
    return sa.Column(name, sa.Date().with_variant(sa.Text(), "sqlite"), nullable=False)


def amount(name):
    return sa.Column(name, sa.Numeric(20, 2).with_variant(sa.Integer(), "sqlite"), nullable=False)


def own(table):
    return sa.ForeignKeyConstraint(
        ["organization_id"], ["organization.id"], name=op.f(f"fk_{table}_organization_id_organization")
    )


def keep_apart(table):
    """Have PostgreSQL show an organisation its own rows alone, and let it write no others."""
    if op.get_context().dialect.name != "postgresql":
        return
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    for name, command, role, condition in (
        ("unscoped_owner", "ALL", "CURRENT_USER", f"{SCOPE} = ''"),
        ("operator", "ALL", "PUBLIC", f"{SCOPE} = 'operator'"),
        ("own", "ALL", "PUBLIC", f"organization_id = {ORGANIZATION}"),
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


def no_longer_append_only(table):
    """Remove the function of a dropped table, which PostgreSQL keeps."""
    if op.get_context().dialect.name == "postgresql":
        op.execute(f"DROP FUNCTION {table}_refuse()")


def instant(name):
    return sa.Column(name, sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite"), nullable=False)


def upgrade():
    op.create_table(
        "authority_act",
        text("id"),
        text("organization_id"),
        text("party_id"),
        text("pledge_id", nullable=True),
        text("unit"),
        text("kind"),
        whole("quantity_t"),
        text("freeze_id", nullable=True),
        text("authority"),
        text("document"),
        day("document_date"),
        text("evidence_digest"),
        day("business_date"),
        instant("recorded_at"),
        text("actor_id"),
        text("actor_name"),
        sa.CheckConstraint("kind IN ('freeze', 'lift', 'deduction')", name=op.f("ck_authority_act_kind_known")),
        sa.CheckConstraint("quantity_t > 0", name=op.f("ck_authority_act_quantity_positive")),
        own("authority_act"),
        sa.ForeignKeyConstraint(["party_id"], ["party.id"], name=op.f("fk_authority_act_party_id_party")),
        sa.ForeignKeyConstraint(["pledge_id"], ["pledge.id"], name=op.f("fk_authority_act_pledge_id_pledge")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_authority_act")),
        sqlite_strict=True,
    )
    for column in ("organization_id", "party_id", "pledge_id", "freeze_id"):
        op.create_index(op.f(f"ix_authority_act_{column}"), "authority_act", [column])
    op.create_table(
        "enforcement",
        text("id"),
        text("organization_id"),
        text("pledge_id"),
        whole("number"),
        text("state"),
        text("ground"),
        amount("principal_cny"),
        amount("accrued_cny"),
        day("opened_on"),
        text("maker_name"),
        text("checker_name"),
        sa.CheckConstraint("state IN ('OPEN', 'SOLD', 'ENDED')", name=op.f("ck_enforcement_state_known")),
        own("enforcement"),
        sa.ForeignKeyConstraint(["pledge_id"], ["pledge.id"], name=op.f("fk_enforcement_pledge_id_pledge")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enforcement")),
        sa.UniqueConstraint("pledge_id", "number", name=op.f("uq_enforcement_pledge_id_number")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_enforcement_organization_id"), "enforcement", ["organization_id"])
    op.create_table(
        "enforcement_step",
        text("id"),
        text("organization_id"),
        text("enforcement_id"),
        whole("place"),
        text("kind"),
        day("business_date"),
        instant("happened_at"),
        text("actor_id"),
        text("actor_name"),
        text("cause"),
        text("evidence_digest"),
        text("decision_id", nullable=True),
        sa.Column("details", sa.Text().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        own("enforcement_step"),
        sa.ForeignKeyConstraint(
            ["enforcement_id"], ["enforcement.id"], name=op.f("fk_enforcement_step_enforcement_id_enforcement")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enforcement_step")),
        sa.UniqueConstraint("enforcement_id", "place", name=op.f("uq_enforcement_step_enforcement_id_place")),
        sqlite_strict=True,
    )
    for table in TABLES:
        keep_apart(table)
    append_only("authority_act")
    append_only("enforcement_step")


def downgrade():
    for table in reversed(TABLES):
        op.drop_table(table)
    no_longer_append_only("authority_act")
    no_longer_append_only("enforcement_step")
