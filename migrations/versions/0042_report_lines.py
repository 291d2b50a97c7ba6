"""What a subsidy report keeps of each line beside its application and decision; reports kept whole have none.

The release before reads only reports that were kept whole; it builds those of a day anew.

Revision ID: 0042
Revises: 0041
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade():
    op.add_column(
        "subsidy_report_line",
        sa.Column("details", sa.Text().with_variant(postgresql.JSONB(), "postgresql"), nullable=True),
    )


def downgrade():
    op.drop_column("subsidy_report_line", "details")
