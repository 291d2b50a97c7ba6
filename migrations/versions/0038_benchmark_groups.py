"""Frozen samples of a benchmark, one row a peer group; ratings by the scorecard in short.

The release before neither reads nor writes these tables. The column `groups` that 0035 made goes into one of them; no release
lay between the two, so that nobody serves beside this step or goes back over it.

Revision ID: 0038
Revises: 0037
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

ORGANIZATION = "(SELECT current_setting('app.organization', true))"
SCOPE = "(SELECT coalesce(current_setting('app.scope', true), ''))"


TABLES = ("rating_benchmark_group", "rating_result")


def text(name, *, nullable=False):
    return sa.Column(name, sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql"), nullable=nullable)


def whole(name):
    return sa.Column(name, sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False)


def day(name):
    return sa.Column(name, sa.Date().with_variant(sa.Text(), "sqlite"), nullable=False)


def upgrade():
    op.create_table(
        "rating_benchmark_group",
        text("id"),
        text("organization_id"),
        text("benchmark_id"),
        text("name"),
        whole("peer_count"),
        sa.Column("sample", sa.Text().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_rating_benchmark_group_organization_id_organization"),
        ),
        sa.ForeignKeyConstraint(
            ["benchmark_id"],
            ["rating_benchmark.id"],
            name=op.f("fk_rating_benchmark_group_benchmark_id_rating_benchmark"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rating_benchmark_group")),
        sa.UniqueConstraint(
            "organization_id",
            "benchmark_id",
            "name",
            name=op.f("uq_rating_benchmark_group_organization_id_benchmark_id_name"),
        ),
        sqlite_strict=True,
    )
    op.execute("ALTER TABLE rating_benchmark DROP COLUMN groups")
    op.create_table(
        "rating_result",
        text("id"),
        text("organization_id"),
        text("party_id"),
        whole("number"),
        whole("year"),
        text("letter", nullable=True),
        sa.Column("points", sa.Numeric(20, 2).with_variant(sa.Integer(), "sqlite"), nullable=True),
        day("valid_on"),
        sa.Column("known_at", sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite"), nullable=False),
        day("valid_to"),
        text("decision_id"),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_rating_result_organization_id_organization")
        ),
        sa.ForeignKeyConstraint(["party_id"], ["party.id"], name=op.f("fk_rating_result_party_id_party")),
        sa.ForeignKeyConstraint(["decision_id"], ["decision.id"], name=op.f("fk_rating_result_decision_id_decision")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rating_result")),
        sa.UniqueConstraint(
            "organization_id", "party_id", "number", name=op.f("uq_rating_result_organization_id_party_id_number")
        ),
        sqlite_strict=True,
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
    op.add_column(
        "rating_benchmark",
        sa.Column(
            "groups",
            sa.Text().with_variant(postgresql.JSONB(), "postgresql"),
            nullable=False,
            server_default=sa.text("'[]'"),
        ),
    )
