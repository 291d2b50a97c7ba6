"""Row-level security: PostgreSQL itself keeps organisations apart. SQLite has none and is left as it is.

The release before names no scope and connects as the owner of the tables, whom the policy `unscoped_owner` lets see
every row: it goes on beside this migration. One transaction makes all of it or nothing.

Revision ID: 0003
Revises: 0002
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ORGANIZATION = "(SELECT current_setting('app.organization', true))"
SCOPE = "(SELECT coalesce(current_setting('app.scope', true), ''))"

OWN = (
    "accrual", "agreement_exposure", "api_key", "approval", "approval_event", "carbon_account_year", "chain_head",
    "compliance_position", "coverage", "decision", "decision_chain", "decision_seal", "encumbrance", "evidence_file",
    "external_id", "file_link", "headroom", "idempotency_key", "inbox_item", "interest_voucher", "job_request",
    "job_run", "journal_entry", "journal_posting", "loan_note", "margin_call", "outbox_message", "parameter", "party",
    "pledge", "pledge_approval", "pledge_event", "pledge_unit", "portfolio", "quote", "rating_report",
    "registry_account", "repo", "repo_exposure", "security_event", "settlement", "subsidy_application",
    "subsidy_report", "term_sheet", "unit_position", "user_account", "valuation", "webhook", "webhook_delivery",
)  # fmt: skip
SHARED = ("fx_rate", "holiday", "holiday_notice", "rate")
CHILDREN = (
    ("portfolio_line", "portfolio_id", "portfolio"),
    ("subsidy_report_line", "report_id", "subsidy_report"),
    ("web_session", "user_id", "user_account"),
)
DOORS = (
    ("organization", "SELECT"), ("user_account", "SELECT"), ("user_account", "UPDATE"), ("api_key", "SELECT"),
    ("api_key", "UPDATE"), ("web_session", "ALL"), ("security_event", "SELECT"), ("security_event", "INSERT"),
)  # fmt: skip
TABLES = (*OWN, *SHARED, *(child[0] for child in CHILDREN), "organization")


def upgrade():
    """Guard every table, and open it to whom its rows belong."""
    if op.get_context().dialect.name != "postgresql":
        return
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        policy("unscoped_owner", table, f"{SCOPE} = ''", role="CURRENT_USER")
        policy("operator", table, f"{SCOPE} = 'operator'")
    for table in OWN:
        policy("own", table, f"organization_id = {ORGANIZATION}")
    for table in SHARED:
        policy("shared", table, f"{SCOPE} <> ''", command="SELECT")
    for table, column, parent in CHILDREN:
        policy("own", table, f"EXISTS (SELECT 1 FROM {parent} WHERE {parent}.id = {table}.{column})")  # noqa: S608 - own names
    for table, command in DOORS:
        policy(f"door_{command.lower()}", table, f"{SCOPE} = 'door'", command=command)
    policy("own_read", "organization", f"id = {ORGANIZATION}", command="SELECT")
    policy("own_update", "organization", f"id = {ORGANIZATION}", command="UPDATE")
    policy("public", "quote", f"organization_id IS NULL AND {SCOPE} <> ''", command="SELECT")
    policy(
        "bureau",
        "subsidy_application",
        "is_sample = (SELECT reader.is_sample FROM organization reader "  # noqa: S608 - constants of this file
        f"WHERE reader.id = {ORGANIZATION} AND reader.kind = 'bureau')",
        command="SELECT",
    )


def downgrade():
    """Take the guards away again."""
    if op.get_context().dialect.name != "postgresql":
        return
    for table in TABLES:
        for name in ("unscoped_owner", "operator", "own", "shared", "own_read", "own_update", "public", "bureau"):
            op.execute(f"DROP POLICY IF EXISTS {name} ON {table}")
        for command in ("select", "update", "insert", "all"):
            op.execute(f"DROP POLICY IF EXISTS door_{command} ON {table}")
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")


def policy(name, table, condition, *, command="ALL", role="PUBLIC"):
    """Open a table's rows to a command where a condition holds."""
    clause = "WITH CHECK" if command == "INSERT" else "USING"
    op.execute(f"CREATE POLICY {name} ON {table} FOR {command} TO {role} {clause} ({condition})")
