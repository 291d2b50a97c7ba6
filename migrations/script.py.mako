<%
    body = f"{upgrades}{downgrades}"
%>"""${message}

Revision ID: ${up_revision}
Revises: ${down_revision | comma,n}
"""

% if "within(" in body:
from decimal import Decimal

% endif
import sqlalchemy as sa
from alembic import op
${imports if imports else ""}

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}


% if "within(" in body:
def within(column, *, low, high, scale):
    """Bound a decimal as the engine holds it: SQLite keeps scaled integers."""
    if op.get_context().dialect.name == "sqlite":
        low, high = (int(Decimal(bound).scaleb(scale)) for bound in (low, high))
    return f"{column} >= {low} AND {column} <= {high}"


% endif
% if "append_only(" in body:
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


% endif
def upgrade():
    ${upgrades if upgrades else "pass"}


def downgrade():
    ${downgrades if downgrades else "pass"}
