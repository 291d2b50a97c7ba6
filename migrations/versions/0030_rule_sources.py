"""What a parameter says of its source, and the instant from which own parameters and decision tables are known.

The release before writes neither: its rows are known from the beginning of their day, as they always were.

Revision ID: 0030
Revises: 0026
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0030"
down_revision = "0026"
branch_labels = None
depends_on = None

NAMES = {
    "parameter": ["organization_id", "key", "scope", "valid_from", "known_from"],
    "decision_table": ["organization_id", "name", "valid_from", "known_from"],
}


def append_only(table):
    """Have SQLite refuse to change or remove rows; PostgreSQL keeps its triggers when a table is altered."""
    if op.get_context().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )


def upgrade():
    text = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
    instant = sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite")
    for table, names in NAMES.items():
        told_apart = f"uq_{table}_{'_'.join(names)}"
        with op.batch_alter_table(table, table_kwargs={"sqlite_strict": True}) as batch_op:
            if table == "parameter":
                batch_op.add_column(sa.Column("document_number", text, nullable=True))
                batch_op.add_column(sa.Column("quote", text, nullable=True))
            batch_op.add_column(sa.Column("known_at", instant, nullable=True))
            batch_op.drop_constraint(op.f(told_apart), type_="unique")
            batch_op.create_unique_constraint(op.f(f"{told_apart}_known_at"), [*names, "known_at"])
        op.create_index(
            op.f(f"uq_{table}_known_all_day"),
            table,
            names,
            unique=True,
            sqlite_where=sa.text("known_at IS NULL"),
            postgresql_where=sa.text("known_at IS NULL"),
        )
        append_only(table)


def downgrade():
    for table, names in NAMES.items():
        told_apart = f"uq_{table}_{'_'.join(names)}"
        op.drop_index(op.f(f"uq_{table}_known_all_day"), table_name=table)
        with op.batch_alter_table(table, table_kwargs={"sqlite_strict": True}) as batch_op:
            batch_op.drop_constraint(op.f(f"{told_apart}_known_at"), type_="unique")
            batch_op.create_unique_constraint(op.f(told_apart), names)
            batch_op.drop_column("known_at")
            if table == "parameter":
                batch_op.drop_column("quote")
                batch_op.drop_column("document_number")
        append_only(table)
