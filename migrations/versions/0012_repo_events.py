"""Events of repos, carried out by two people, and pricing rates that changed on the way.

The release before neither reads nor writes the table, and leaves the new column empty: one rate counts throughout.

Revision ID: 0012
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0010"
branch_labels = None
depends_on = None

ORGANIZATION = "(SELECT current_setting('app.organization', true))"
SCOPE = "(SELECT coalesce(current_setting('app.scope', true), ''))"


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


def plain(name, *, nullable=False):
    return sa.Column(name, sa.Text().with_variant(postgresql.JSONB(), "postgresql"), nullable=nullable)


def upgrade():
    op.create_table(
        "repo_event",
        text("id"),
        text("organization_id"),
        text("repo_id"),
        whole("place"),
        text("kind"),
        text("state_before"),
        text("state_after"),
        day("business_date"),
        instant("happened_at"),
        text("maker_name"),
        text("checker_id"),
        text("checker_name"),
        text("cause"),
        text("approval_id"),
        text("decision_id"),
        text("party", nullable=True),
        amount("cash_to_buyer_amount"),
        text("currency"),
        plain("details"),
        own("repo_event"),
        sa.ForeignKeyConstraint(["repo_id"], ["repo.id"], name=op.f("fk_repo_event_repo_id_repo")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_repo_event")),
        sa.UniqueConstraint("repo_id", "place", name=op.f("uq_repo_event_repo_id_place")),
        sa.UniqueConstraint("approval_id", name=op.f("uq_repo_event_approval_id")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_repo_event_organization_id"), "repo_event", ["organization_id"])
    keep_apart("repo_event")
    append_only("repo_event")
    op.add_column("repo", plain("later_rates", nullable=True))


def downgrade():
    op.execute("ALTER TABLE repo DROP COLUMN later_rates")
    op.drop_table("repo_event")
    no_longer_append_only("repo_event")
