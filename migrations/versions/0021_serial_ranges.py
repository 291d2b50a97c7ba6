"""Serial ranges of units, held by accounts and locked for agreements; live ones of a kind never overlap.

The release before neither reads nor writes the table, and leaves the new column at false: it knows no account with
serial numbers, and must not be run again once there is one.

Revision ID: 0021
Revises: 0019
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0021"
down_revision = "0019"
branch_labels = None
depends_on = None

# ruff: noqa: S608 - put together of constants
ORGANIZATION = "(SELECT current_setting('app.organization', true))"
SCOPE = "(SELECT coalesce(current_setting('app.scope', true), ''))"
KEY = ("organization_id", "registry_code", "kind", "unit")
LIVE = (("held", "IS NULL"), ("locked", "IS NOT NULL"))


def text(name, *, nullable=False):
    return sa.Column(name, sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql"), nullable=nullable)


def whole(name):
    return sa.Column(name, sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False)


def points_at(column, table):
    return sa.ForeignKeyConstraint([column], [f"{table}.id"], name=op.f(f"fk_serial_range_{column}_{table}"))


def keep_ranges_apart():
    """Have the database refuse ranges that overlap: by exclusion, or by triggers where there is one writer."""
    if op.get_context().dialect.name == "sqlite":
        same = " AND ".join(f"other.{column} = NEW.{column}" for column in KEY)
        for name, bound in LIVE:
            for verb in ("INSERT", "UPDATE"):
                op.execute(
                    f"CREATE TRIGGER serial_range_{name}_{verb.lower()} BEFORE {verb} ON serial_range "
                    f"WHEN NEW.is_live AND NEW.encumbrance_id {bound} AND EXISTS (SELECT 1 FROM serial_range AS other "
                    f"WHERE {same} AND other.first_serial <= NEW.last_serial "
                    f"AND NEW.first_serial <= other.last_serial AND other.id <> NEW.id "
                    f"AND other.is_live AND other.encumbrance_id {bound}) "
                    f"BEGIN SELECT RAISE(ABORT, 'serial_range spans overlap'); END"
                )
        return
    key = " || '|' || ".join(KEY)
    ends = ", ".join(f"{key} || '|' || lpad({end}::text, 19, '0')" for end in ("first_serial", "last_serial"))
    op.execute('CREATE TYPE serial_range_span AS RANGE (SUBTYPE = text, COLLATION = "C")')
    for name, bound in LIVE:
        op.execute(
            f"ALTER TABLE serial_range ADD CONSTRAINT ex_serial_range_{name} EXCLUDE USING gist "
            f"(serial_range_span({ends}, '[]') WITH &&) WHERE (is_live AND encumbrance_id {bound})"
        )


def keep_banks_apart():
    """Have PostgreSQL show an organisation its own rows alone, and let it write no others."""
    if op.get_context().dialect.name != "postgresql":
        return
    op.execute("ALTER TABLE serial_range ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE serial_range FORCE ROW LEVEL SECURITY")
    for name, role, condition in (
        ("unscoped_owner", "CURRENT_USER", f"{SCOPE} = ''"),
        ("operator", "PUBLIC", f"{SCOPE} = 'operator'"),
        ("own", "PUBLIC", f"organization_id = {ORGANIZATION}"),
    ):
        op.execute(f"CREATE POLICY {name} ON serial_range FOR ALL TO {role} USING ({condition})")


def upgrade():
    op.create_table(
        "serial_range",
        text("id"),
        text("organization_id"),
        text("account_id"),
        text("unit"),
        text("registry_code"),
        text("kind"),
        whole("first_serial"),
        whole("last_serial"),
        text("encumbrance_id", nullable=True),
        sa.Column("is_live", sa.Boolean().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_serial_range")),
        sa.CheckConstraint(
            "first_serial >= 1 AND first_serial <= last_serial", name=op.f("ck_serial_range_runs_upwards")
        ),
        sa.CheckConstraint(
            "replace(registry_code, '|', '') = registry_code", name=op.f("ck_serial_range_registry_code_undivided")
        ),
        sa.CheckConstraint("replace(kind, '|', '') = kind", name=op.f("ck_serial_range_kind_undivided")),
        points_at("organization_id", "organization"),
        points_at("account_id", "registry_account"),
        points_at("encumbrance_id", "encumbrance"),
        sqlite_strict=True,
    )
    for column in ("account_id", "encumbrance_id"):
        op.create_index(op.f(f"ix_serial_range_{column}"), "serial_range", [column])
    keep_ranges_apart()
    keep_banks_apart()
    op.add_column(
        "unit_position",
        sa.Column("has_serials", sa.Boolean().with_variant(sa.Integer(), "sqlite"), server_default="0", nullable=False),
    )


def downgrade():
    op.execute("ALTER TABLE unit_position DROP COLUMN has_serials")
    op.drop_table("serial_range")
    if op.get_context().dialect.name == "postgresql":
        op.execute("DROP TYPE serial_range_span")
