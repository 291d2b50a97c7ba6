"""Resets of notes' rates, stops of concessions, vouchers that correct others, and one receipt a bank and reference.

The release before neither reads nor writes the two tables. It writes receipts without the new column, which then is 0,
so the index holds for it as well; two of its requests at one instant may then end as an error instead of two receipts.

Receipts that share a reference already stay as they were entered: the first keeps copy 0, each later one of that bank
and reference is numbered, so that nothing is lost and no new one joins them.

Revision ID: 0047
Revises: 0046
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None

ORGANIZATION = "(SELECT current_setting('app.organization', true))"
SCOPE = "(SELECT coalesce(current_setting('app.scope', true), ''))"
RESET, STOP = "loan_rate_reset", "loan_concession_stop"
UNIQUE_REFERENCE = "uq_repayment_organization_id_reference_reference_copy"
NUMBERED = """
UPDATE repayment SET reference_copy = (
  SELECT count(*) FROM repayment AS earlier
  WHERE earlier.organization_id = repayment.organization_id AND earlier.reference = repayment.reference
    AND (earlier.recorded_at < repayment.recorded_at
      OR (earlier.recorded_at = repayment.recorded_at AND earlier.id < repayment.id)))
WHERE EXISTS (
  SELECT 1 FROM repayment AS other
  WHERE other.organization_id = repayment.organization_id AND other.reference = repayment.reference
    AND other.id <> repayment.id)
"""


def day(name):
    return sa.Column(name, sa.Date().with_variant(sa.Text(), "sqlite"), nullable=False)


def text(name):
    return sa.Column(name, sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql"), nullable=False)


def whole(name, *, nullable=False, server_default=None):
    kind = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    return sa.Column(name, kind, nullable=nullable, server_default=server_default)


def exact(name, digits, places):
    return sa.Column(name, sa.Numeric(digits, places).with_variant(sa.Integer(), "sqlite"), nullable=False)


def points_at(table, column, other):
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=op.f(f"fk_{table}_{column}_{other}"))


def made(table, *columns, unique):
    """Make a table of what became of notes' rates, which nobody changes."""
    op.create_table(
        table,
        text("id"),
        text("organization_id"),
        text("note_id"),
        whole("number"),
        day("known_from"),
        *columns,
        exact("rate_before", 18, 10),
        exact("rate_after", 18, 10),
        exact("compensation_cny", 20, 2),
        whole("change_number", nullable=True),
        text("decision_id"),
        sa.Column("recorded_at", sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite"), nullable=False),
        points_at(table, "organization_id", "organization"),
        points_at(table, "note_id", "loan_note"),
        points_at(table, "decision_id", "decision"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        *(sa.UniqueConstraint(*one, name=op.f(f"uq_{table}_{'_'.join(one)}")) for one in unique),
        sqlite_strict=True,
    )
    op.create_index(op.f(f"ix_{table}_note_id"), table, ["note_id"])


def keep_apart(table):
    """Have PostgreSQL show an organisation its own rows alone, and let it write no others."""
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


def refuse_on_sqlite(table, verb):
    op.execute(
        f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
    )


def append_only(table):
    """Have the database refuse to change or remove rows."""
    if op.get_context().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            refuse_on_sqlite(table, verb)
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


def number_copies():
    """Number the receipts that share a reference; the one change of rows that are never changed otherwise."""
    if op.get_context().dialect.name == "sqlite":
        op.execute("DROP TRIGGER repayment_no_update")
        op.execute(NUMBERED)
        refuse_on_sqlite("repayment", "UPDATE")
        return
    op.execute("ALTER TABLE repayment DISABLE TRIGGER repayment_no_change")
    op.execute(NUMBERED)
    op.execute("ALTER TABLE repayment ENABLE TRIGGER repayment_no_change")


def upgrade():
    made(
        RESET,
        day("reset_date"),
        day("fixing_date"),
        text("lpr_tenor"),
        exact("lpr_rate", 18, 10),
        day("published_on"),
        whole("margin_bp"),
        exact("concession_bp", 18, 10),
        exact("rate", 18, 10),
        exact("rate_without_concession", 18, 10),
        whole("contract_revision"),
        unique=(("note_id", "number"), ("note_id", "reset_date")),
    )
    made(
        STOP,
        text("turn"),
        day("effective_on"),
        sa.Column("stops", sa.Text().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        unique=(("note_id", "number"),),
    )
    for table in (RESET, STOP):
        append_only(table)
        keep_apart(table)
    op.add_column("interest_voucher", whole("corrects", nullable=True))
    op.add_column("repayment", whole("reference_copy", server_default="0"))
    number_copies()
    op.create_index(UNIQUE_REFERENCE, "repayment", ["organization_id", "reference", "reference_copy"], unique=True)


def downgrade():
    op.drop_index(UNIQUE_REFERENCE, table_name="repayment")
    op.drop_column("repayment", "reference_copy")
    op.drop_column("interest_voucher", "corrects")
    for table in (STOP, RESET):
        op.drop_table(table)
        if op.get_context().dialect.name == "postgresql":
            op.execute(f"DROP FUNCTION {table}_refuse()")
