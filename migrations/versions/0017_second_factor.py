"""A second factor for people, and what opened each signed-in session.

The release before neither reads nor writes the table; the sessions it opens are opened by a password.

Revision ID: 0017
Revises: 0013
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0017"
down_revision = "0013"
branch_labels = None
depends_on = None

ORGANIZATION = "(SELECT current_setting('app.organization', true))"
SCOPE = "(SELECT coalesce(current_setting('app.scope', true), ''))"


def text(name, *, nullable=False, default=None):
    kind = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
    return sa.Column(name, kind, nullable=nullable, server_default=default)


def whole(name):
    return sa.Column(name, sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False)


def upgrade():
    op.create_table(
        "second_factor",
        text("user_id"),
        text("organization_id"),
        text("sealed_secret"),
        whole("last_step"),
        whole("failed_count"),
        sa.Column("confirmed_at", sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite"), nullable=True),
        sa.Column("recovery_digests", sa.Text().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_second_factor_organization_id_organization")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_second_factor_user_id_user_account")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_second_factor")),
        sqlite_strict=True,
    )
    op.add_column("web_session", text("factor", default="password"))
    if op.get_context().dialect.name != "postgresql":
        return
    op.execute("ALTER TABLE second_factor ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE second_factor FORCE ROW LEVEL SECURITY")
    for name, command, role, condition in (
        ("unscoped_owner", "ALL", "CURRENT_USER", f"{SCOPE} = ''"),
        ("operator", "ALL", "PUBLIC", f"{SCOPE} = 'operator'"),
        ("own", "ALL", "PUBLIC", f"organization_id = {ORGANIZATION}"),
        ("door_all", "ALL", "PUBLIC", f"{SCOPE} = 'door'"),
    ):
        op.execute(f"CREATE POLICY {name} ON second_factor FOR {command} TO {role} USING ({condition})")


def downgrade():
    op.execute("ALTER TABLE web_session DROP COLUMN factor")
    op.drop_table("second_factor")
