"""Consents, lines of carbon accounts and frozen benchmarks of ratings.

The release before neither reads nor writes these tables.

Revision ID: 0035
Revises: 0034
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

ORGANIZATION = "(SELECT current_setting('app.organization', true))"
SCOPE = "(SELECT coalesce(current_setting('app.scope', true), ''))"
TABLES = ("account_consent", "account_entry", "rating_benchmark")


def text(name, *, nullable=False):
    return sa.Column(name, sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql"), nullable=nullable)


def whole(name, *, nullable=False):
    return sa.Column(name, sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=nullable)


def day(name, *, nullable=False):
    return sa.Column(name, sa.Date().with_variant(sa.Text(), "sqlite"), nullable=nullable)


def instant(name):
    return sa.Column(name, sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite"), nullable=False)


def own(table, *, has_party):
    keys = [
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f(f"fk_{table}_organization_id_organization")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    ]
    if has_party:
        keys.append(sa.ForeignKeyConstraint(["party_id"], ["party.id"], name=op.f(f"fk_{table}_party_id_party")))
    return keys


def upgrade():
    op.create_table(
        "account_consent",
        text("id"),
        text("organization_id"),
        text("party_id"),
        text("purpose"),
        whole("number"),
        text("state"),
        day("given_on"),
        day("valid_to", nullable=True),
        text("evidence"),
        text("recorded_by"),
        instant("recorded_at"),
        *own("account_consent", has_party=True),
        sa.UniqueConstraint(
            "organization_id",
            "party_id",
            "purpose",
            "number",
            name=op.f("uq_account_consent_organization_id_party_id_purpose_number"),
        ),
        sqlite_strict=True,
    )
    op.create_table(
        "account_entry",
        text("id"),
        text("organization_id"),
        text("party_id"),
        text("kind"),
        whole("year"),
        whole("month"),
        text("item"),
        whole("version"),
        sa.Column("quantity", sa.Numeric(18, 6).with_variant(sa.Integer(), "sqlite"), nullable=True),
        text("factor_id"),
        whole("factor_year", nullable=True),
        text("evidence"),
        text("source"),
        text("reason"),
        text("recorded_by"),
        instant("recorded_at"),
        *own("account_entry", has_party=True),
        sa.UniqueConstraint(
            "organization_id",
            "party_id",
            "kind",
            "year",
            "month",
            "item",
            "version",
            name=op.f("uq_account_entry_organization_id_party_id_kind_year_month_item_version"),
        ),
        sqlite_strict=True,
    )
    op.create_table(
        "rating_benchmark",
        text("id"),
        text("organization_id"),
        text("code"),
        day("released_on"),
        text("source"),
        whole("enterprise_count"),
        sa.Column("groups", sa.Text().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        text("digest"),
        text("recorded_by"),
        instant("recorded_at"),
        *own("rating_benchmark", has_party=False),
        sa.UniqueConstraint("organization_id", "code", name=op.f("uq_rating_benchmark_organization_id_code")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_account_consent_party_id"), "account_consent", ["party_id"])
    op.create_index(op.f("ix_account_entry_party_id"), "account_entry", ["party_id"])
    op.create_index(
        op.f("ix_account_entry_organization_id_kind_item"), "account_entry", ["organization_id", "kind", "item"]
    )
    for table in TABLES:
        append_only(table)
        keep_apart(table)


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


def downgrade():
    for table in reversed(TABLES):
        op.drop_table(table)
        if op.get_context().dialect.name == "postgresql":
            op.execute(f"DROP FUNCTION {table}_refuse()")
