"""Changes of pledges: top-ups, substitutions and partial releases, their units and steps; which change holds a unit.

The release before neither reads nor writes the new tables, and leaves the new column of `encumbrance` empty, which is
what it means: a hold of no change.

Revision ID: 0008
Revises: 0012
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0010"
branch_labels = None
depends_on = None

ORGANIZATION = "(SELECT current_setting('app.organization', true))"
SCOPE = "(SELECT coalesce(current_setting('app.scope', true), ''))"
TABLES = ("pledge_change", "pledge_change_unit", "pledge_change_event")


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


def upgrade():
    op.create_table(
        "pledge_change",
        text("id"),
        text("organization_id"),
        text("pledge_id"),
        whole("number"),
        text("kind"),
        text("state"),
        amount("repayment_cny"),
        amount("principal_before_cny"),
        text("reason"),
        text("decision_id"),
        whole("attempt"),
        text("request_key", nullable=True),
        day("started_on"),
        text("maker_id"),
        text("maker_name"),
        sa.CheckConstraint(
            "kind IN ('top_up', 'substitution', 'part_release')", name=op.f("ck_pledge_change_kind_known")
        ),
        sa.CheckConstraint("repayment_cny >= 0", name=op.f("ck_pledge_change_repayment_not_negative")),
        own("pledge_change"),
        sa.ForeignKeyConstraint(["pledge_id"], ["pledge.id"], name=op.f("fk_pledge_change_pledge_id_pledge")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pledge_change")),
        sa.UniqueConstraint("pledge_id", "number", name=op.f("uq_pledge_change_pledge_id_number")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_pledge_change_organization_id"), "pledge_change", ["organization_id"])
    op.create_index(op.f("ix_pledge_change_request_key"), "pledge_change", ["request_key"])
    op.create_table(
        "pledge_change_unit",
        text("id"),
        text("organization_id"),
        text("change_id"),
        text("side"),
        text("unit"),
        whole("quantity_t"),
        sa.CheckConstraint("side IN ('added', 'freed')", name=op.f("ck_pledge_change_unit_side_known")),
        sa.CheckConstraint("quantity_t > 0", name=op.f("ck_pledge_change_unit_quantity_positive")),
        own("pledge_change_unit"),
        sa.ForeignKeyConstraint(
            ["change_id"], ["pledge_change.id"], name=op.f("fk_pledge_change_unit_change_id_pledge_change")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pledge_change_unit")),
        sa.UniqueConstraint("change_id", "side", "unit", name=op.f("uq_pledge_change_unit_change_id_side_unit")),
        sqlite_strict=True,
    )
    op.create_table(
        "pledge_change_event",
        text("id"),
        text("organization_id"),
        text("change_id"),
        whole("place"),
        text("event"),
        text("state_before"),
        text("state_after"),
        day("business_date"),
        sa.Column("happened_at", sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite"), nullable=False),
        text("actor_id"),
        text("actor_name"),
        text("cause"),
        text("decision_id", nullable=True),
        own("pledge_change_event"),
        sa.ForeignKeyConstraint(
            ["change_id"], ["pledge_change.id"], name=op.f("fk_pledge_change_event_change_id_pledge_change")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pledge_change_event")),
        sa.UniqueConstraint("change_id", "place", name=op.f("uq_pledge_change_event_change_id_place")),
        sqlite_strict=True,
    )
    for table in TABLES:
        keep_apart(table)
    append_only("pledge_change_unit")
    append_only("pledge_change_event")
    op.add_column("encumbrance", text("change_id", nullable=True))
    op.create_index(op.f("ix_encumbrance_change_id"), "encumbrance", ["change_id"])


def downgrade():
    op.drop_index(op.f("ix_encumbrance_change_id"), table_name="encumbrance")
    op.execute("ALTER TABLE encumbrance DROP COLUMN change_id")
    for table in reversed(TABLES):
        op.drop_table(table)
    no_longer_append_only("pledge_change_unit")
    no_longer_append_only("pledge_change_event")
