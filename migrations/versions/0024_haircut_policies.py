"""Haircut policies of banks, by class and revision, approved by two people.

The release before neither reads nor writes the table.

Revision ID: 0024
Revises: 0021
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0024"
down_revision = "0021"
branch_labels = None
depends_on = None

ORGANIZATION = "(SELECT current_setting('app.organization', true))"
SCOPE = "(SELECT coalesce(current_setting('app.scope', true), ''))"


def text(name):
    return sa.Column(name, sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql"), nullable=False)


def upgrade():
    op.create_table(
        "haircut_policy",
        text("id"),
        text("organization_id"),
        text("code"),
        sa.Column("revision", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("valid_from", sa.Date().with_variant(sa.Text(), "sqlite"), nullable=False),
        sa.Column("known_from", sa.Date().with_variant(sa.Text(), "sqlite"), nullable=False),
        sa.Column("policy", sa.Text().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        text("approval_id"),
        text("maker_id"),
        text("maker_name"),
        text("checker_id"),
        text("checker_name"),
        sa.Column("approved_at", sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite"), nullable=False),
        sa.CheckConstraint("maker_id <> checker_id", name=op.f("ck_haircut_policy_four_eyes")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_haircut_policy_organization_id_organization")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_haircut_policy")),
        sa.UniqueConstraint(
            "organization_id", "code", "revision", name=op.f("uq_haircut_policy_organization_id_code_revision")
        ),
        sqlite_strict=True,
    )
    append_only()
    keep_apart()


def append_only():
    """Have the database refuse to change or remove rows."""
    if op.get_context().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER haircut_policy_no_{verb.lower()} BEFORE {verb} ON haircut_policy "
                "BEGIN SELECT RAISE(ABORT, 'haircut_policy is append-only'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION haircut_policy_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "RAISE EXCEPTION 'haircut_policy is append-only' USING ERRCODE = 'integrity_constraint_violation'; END $$"
    )
    op.execute(
        "CREATE TRIGGER haircut_policy_no_change BEFORE UPDATE OR DELETE ON haircut_policy "
        "FOR EACH ROW EXECUTE FUNCTION haircut_policy_refuse()"
    )
    op.execute(
        "CREATE TRIGGER haircut_policy_no_truncate BEFORE TRUNCATE ON haircut_policy "
        "FOR EACH STATEMENT EXECUTE FUNCTION haircut_policy_refuse()"
    )


def keep_apart():
    """Have PostgreSQL show an organisation its own rows alone, and let it write no others."""
    if op.get_context().dialect.name != "postgresql":
        return
    op.execute("ALTER TABLE haircut_policy ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE haircut_policy FORCE ROW LEVEL SECURITY")
    for name, role, condition in (
        ("unscoped_owner", "CURRENT_USER", f"{SCOPE} = ''"),
        ("operator", "PUBLIC", f"{SCOPE} = 'operator'"),
        ("own", "PUBLIC", f"organization_id = {ORGANIZATION}"),
    ):
        op.execute(f"CREATE POLICY {name} ON haircut_policy FOR ALL TO {role} USING ({condition})")


def downgrade():
    op.drop_table("haircut_policy")
    if op.get_context().dialect.name == "postgresql":
        op.execute("DROP FUNCTION haircut_policy_refuse()")
