"""Serial numbers chosen at a change of a pledge, conversions of pledged vintages, and the file behind a change.

The release before neither reads nor writes the columns and makes no such change.

Revision ID: 0046
Revises: 0045
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None

NAME = "ck_pledge_change_kind_known"
KINDS = "kind IN ('top_up', 'substitution', 'part_release'{more})"


def upgrade():
    text = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
    with op.batch_alter_table("pledge_change", table_kwargs={"sqlite_strict": True}) as batch_op:
        batch_op.add_column(sa.Column("evidence_digest", text, nullable=True))
        batch_op.drop_constraint(op.f(NAME), type_="check")
        batch_op.create_check_constraint(op.f(NAME), KINDS.format(more=", 'conversion'"))
    op.add_column(
        "pledge_change_unit",
        sa.Column("serials", sa.Text().with_variant(postgresql.JSONB(), "postgresql"), nullable=True),
    )


def downgrade():
    op.execute("ALTER TABLE pledge_change_unit DROP COLUMN serials")
    with op.batch_alter_table("pledge_change", table_kwargs={"sqlite_strict": True}) as batch_op:
        batch_op.drop_constraint(op.f(NAME), type_="check")
        batch_op.create_check_constraint(op.f(NAME), KINDS.format(more=""))
        batch_op.drop_column("evidence_digest")
