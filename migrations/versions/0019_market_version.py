"""How often an organisation's prices changed, so that every process sees at once that what it keeps is old.

The release before neither reads nor writes the table: what it stores is seen after some seconds, as before.

Revision ID: 0019
Revises: 0018
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

ORGANIZATION = "(SELECT current_setting('app.organization', true))"
SCOPE = "(SELECT coalesce(current_setting('app.scope', true), ''))"


def upgrade():
    op.create_table(
        "market_version",
        sa.Column(
            "organization_id", sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql"), nullable=False
        ),
        sa.Column("version", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_market_version_organization_id_organization")
        ),
        sa.PrimaryKeyConstraint("organization_id", name=op.f("pk_market_version")),
        sqlite_strict=True,
    )
    if op.get_context().dialect.name != "postgresql":
        return
    op.execute("ALTER TABLE market_version ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE market_version FORCE ROW LEVEL SECURITY")
    for name, command, role, condition in (
        ("unscoped_owner", "ALL", "CURRENT_USER", f"{SCOPE} = ''"),
        ("operator", "ALL", "PUBLIC", f"{SCOPE} = 'operator'"),
        ("own", "ALL", "PUBLIC", f"organization_id = {ORGANIZATION}"),
    ):
        op.execute(f"CREATE POLICY {name} ON market_version FOR {command} TO {role} USING ({condition})")


def downgrade():
    op.drop_table("market_version")
