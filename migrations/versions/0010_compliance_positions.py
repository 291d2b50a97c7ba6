"""Compliance positions: what was surrendered, how far emissions are established, the day described, allocation by state.

The release before leaves the new columns of `compliance_position` empty and does not read them; what it wrote is read as
verified emissions of which nothing is known to be surrendered, with allocation in totals. It does not know the new table.

Revision ID: 0010
Revises: 0012
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0006"
branch_labels = None
depends_on = None

ORGANIZATION = "(SELECT current_setting('app.organization', true))"
SCOPE = "(SELECT coalesce(current_setting('app.scope', true), ''))"


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


def upgrade():
    op.add_column(
        "compliance_position",
        sa.Column(
            "emissions_state", sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql"), nullable=True
        ),
    )
    op.add_column(
        "compliance_position",
        sa.Column("surrendered_t", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
    )
    op.add_column("compliance_position", sa.Column("as_of", sa.Date().with_variant(sa.Text(), "sqlite"), nullable=True))
    op.create_table(
        "compliance_allocation",
        sa.Column("id", sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql"), nullable=False),
        sa.Column(
            "organization_id", sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql"), nullable=False
        ),
        sa.Column(
            "compliance_position_id",
            sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("place", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("state", sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql"), nullable=False),
        sa.Column("standing", sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql"), nullable=False),
        sa.Column("quantity_t", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("source", sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql"), nullable=False),
        sa.Column("unconfirmed", sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql"), nullable=False),
        sa.CheckConstraint("quantity_t >= 0", name=op.f("ck_compliance_allocation_not_negative")),
        sa.ForeignKeyConstraint(
            ["compliance_position_id"],
            ["compliance_position.id"],
            name=op.f("fk_compliance_allocation_compliance_position_id_compliance_position"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_compliance_allocation_organization_id_organization")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_compliance_allocation")),
        sa.UniqueConstraint(
            "compliance_position_id", "place", name=op.f("uq_compliance_allocation_compliance_position_id_place")
        ),
        sqlite_strict=True,
    )
    append_only("compliance_allocation")
    keep_apart("compliance_allocation")


def downgrade():
    op.drop_table("compliance_allocation")
    no_longer_append_only("compliance_allocation")
    for name in ("as_of", "surrendered_t", "emissions_state"):
        op.execute(f"ALTER TABLE compliance_position DROP COLUMN {name}")
