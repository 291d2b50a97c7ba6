"""What a subsidy report keeps of each line beside its application and decision; reports kept whole have none.

The release before reads only reports that were kept whole; it builds those of a day anew.

Revision ID: 0045
Revises: 0044
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None


def upgrade():
    op.add_column(
        "subsidy_report_line",
        sa.Column("details", sa.Text().with_variant(postgresql.JSONB(), "postgresql"), nullable=True),
    )


def downgrade():
    op.drop_column("subsidy_report_line", "details")
