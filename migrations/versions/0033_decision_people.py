"""The engine, maker, checker and override of each decision, which its record digest covers from here on.

Decisions of before have no `form` and keep the digest they were sealed with. The release before writes none of the
columns, so what it records beside this one is of the old form.

Revision ID: 0033
Revises: 0032
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

TEXTS = (
    "engine_version", "maker_id", "maker_name", "checker_id", "checker_name", "approval_id", "override",
)  # fmt: skip
OVERRIDDEN = "override IS NOT NULL"


def upgrade():
    op.add_column("decision", sa.Column("form", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True))
    for name in TEXTS:
        text = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
        op.add_column("decision", sa.Column(name, text, nullable=True))
    op.create_index(
        "ix_decision_overridden",
        "decision",
        ["organization_id", "known_at", "id"],
        sqlite_where=sa.text(OVERRIDDEN),
        postgresql_where=sa.text(OVERRIDDEN),
    )


def downgrade():
    count = op.get_bind().scalar(sa.text("SELECT count(*) FROM decision WHERE form IS NOT NULL"))
    if count:
        message = f"{count} decisions are sealed with their people and engine: without the columns none would verify"
        raise RuntimeError(message)
    op.drop_index("ix_decision_overridden", table_name="decision")
    for name in (*reversed(TEXTS), "form"):
        op.execute(f"ALTER TABLE decision DROP COLUMN {name}")
