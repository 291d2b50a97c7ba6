"""Margin terms under four eyes, the steps of each call, and what a call has received and until when.

The release before writes calls and coverage without the new columns, which have defaults or are empty; it reads what
this one writes, except that of a call disputed in part it sees two.

Revision ID: 0006
Revises: 0012
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0012"
branch_labels = None
depends_on = None

ORGANIZATION = "(SELECT current_setting('app.organization', true))"
SCOPE = "(SELECT coalesce(current_setting('app.scope', true), ''))"
TEXT = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
AMOUNT = sa.Numeric(20, 2).with_variant(sa.Integer(), "sqlite")
DAY = sa.Date().with_variant(sa.Text(), "sqlite")
INSTANT = sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite")
WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.Text().with_variant(postgresql.JSONB(), "postgresql")
OLD_KEY = "uq_margin_call_organization_id_agreement_code_issued_on"
NEW_KEY = "uq_margin_call_organization_id_agreement_code_issued_on_part"
KEYS = ["organization_id", "agreement_code", "issued_on"]


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


def keep_apart(table):
    """Have PostgreSQL show an organisation its own rows alone."""
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


def organization_of(table):
    """Give the foreign key of a table to its organisation."""
    return sa.ForeignKeyConstraint(
        ["organization_id"], ["organization.id"], name=op.f(f"fk_{table}_organization_id_organization")
    )


def upgrade():
    op.create_table(
        "margin_terms",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("organization_id", TEXT, nullable=False),
        sa.Column("agreement_kind", TEXT, nullable=False),
        sa.Column("agreement_code", TEXT, nullable=False),
        sa.Column("revision", WHOLE, nullable=False),
        sa.Column("valid_from", DAY, nullable=False),
        sa.Column("terms", JSON, nullable=False),
        sa.Column("approval_id", TEXT, nullable=False),
        sa.Column("maker_id", TEXT, nullable=False),
        sa.Column("maker_name", TEXT, nullable=False),
        sa.Column("checker_id", TEXT, nullable=False),
        sa.Column("checker_name", TEXT, nullable=False),
        sa.Column("approved_at", INSTANT, nullable=False),
        sa.CheckConstraint("agreement_kind IN ('pledge', 'repo')", name=op.f("ck_margin_terms_kind_known")),
        sa.CheckConstraint("maker_id <> checker_id", name=op.f("ck_margin_terms_four_eyes")),
        organization_of("margin_terms"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_margin_terms")),
        sa.UniqueConstraint(
            "organization_id",
            "agreement_code",
            "revision",
            name=op.f("uq_margin_terms_organization_id_agreement_code_revision"),
        ),
        sqlite_strict=True,
    )
    op.create_table(
        "margin_call_event",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("organization_id", TEXT, nullable=False),
        sa.Column("call_id", TEXT, nullable=False),
        sa.Column("place", WHOLE, nullable=False),
        sa.Column("event", TEXT, nullable=False),
        sa.Column("state_before", TEXT, nullable=False),
        sa.Column("state_after", TEXT, nullable=False),
        sa.Column("amount", AMOUNT, nullable=False),
        sa.Column("business_date", DAY, nullable=False),
        sa.Column("happened_at", INSTANT, nullable=False),
        sa.Column("actor_id", TEXT, nullable=False),
        sa.Column("actor_name", TEXT, nullable=False),
        sa.Column("cause", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["margin_call.id"], name=op.f("fk_margin_call_event_call_id_margin_call")),
        organization_of("margin_call_event"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_margin_call_event")),
        sa.UniqueConstraint("call_id", "place", name=op.f("uq_margin_call_event_call_id_place")),
        sqlite_strict=True,
    )
    for table in ("margin_terms", "margin_call_event"):
        append_only(table)
        keep_apart(table)
    for name in ("margin_held_cny", "delivery_cny", "return_cny"):
        op.add_column("coverage", sa.Column(name, AMOUNT, nullable=True))
    op.add_column("coverage", sa.Column("terms_id", TEXT, nullable=True))
    with op.batch_alter_table("margin_call", table_kwargs={"sqlite_strict": True}) as batch:
        batch.add_column(sa.Column("part", WHOLE, nullable=False, server_default="0"))
        batch.add_column(sa.Column("direction", TEXT, nullable=False, server_default="delivery"))
        batch.add_column(sa.Column("received_amount", AMOUNT, nullable=False, server_default="0"))
        for name in ("deadline_at", "resolution_at", "grace_end_at"):
            batch.add_column(sa.Column(name, INSTANT, nullable=True))
        batch.add_column(sa.Column("terms_id", TEXT, nullable=True))
        batch.drop_constraint(OLD_KEY, type_="unique")
        batch.create_unique_constraint(NEW_KEY, [*KEYS, "part"])


def downgrade():
    op.drop_table("margin_call_event")
    no_longer_append_only("margin_call_event")
    op.drop_table("margin_terms")
    no_longer_append_only("margin_terms")
    op.execute("DELETE FROM margin_call WHERE part > 0 OR direction <> 'delivery'")
    with op.batch_alter_table("margin_call", table_kwargs={"sqlite_strict": True}) as batch:
        batch.drop_constraint(NEW_KEY, type_="unique")
        batch.create_unique_constraint(OLD_KEY, KEYS)
        for name in (
            "part", "direction", "received_amount", "deadline_at", "resolution_at", "grace_end_at", "terms_id",
        ):  # fmt: skip
            batch.drop_column(name)
    for name in ("margin_held_cny", "delivery_cny", "return_cny", "terms_id"):
        op.execute(f"ALTER TABLE coverage DROP COLUMN {name}")
