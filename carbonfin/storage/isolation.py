"""Whose rows each table holds, and the policies by which PostgreSQL itself keeps organisations apart.

Services ask for an organisation's own rows; these policies stand behind them, so that a forgotten condition shows
nothing. A transaction names its scope (`carbonfin.storage.engine.Sessions`); without one the application's role sees no
row. The owner of the tables, who migrates and backs up, is bound by its scope too, and by nothing while it names none:
a migration must reach every row, and so must the release before this one.

The policies are made by the migrations in plain SQL; a test holds that they are the ones given here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa

_ORGANIZATION = "(SELECT current_setting('app.organization', true))"
_SCOPE = "(SELECT coalesce(current_setting('app.scope', true), ''))"


class Holding(StrEnum):
    """Whose the rows of a table are."""

    OWN = "own"  # each row names its organisation
    OWN_OR_PUBLIC = "own-or-public"  # rows without an organisation are read by all and written by the operator
    SHARED = "shared"  # facts for everybody, read by all and written by the operator
    CHILD = "child"  # rows that belong to a row of another table
    ORGANIZATION = "organization"  # the organisations themselves


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How one table is kept.

    Attributes:
        parent: For a child, the column that names its row and the table that holds it.
        door: What signing in does with it, as SQL commands.
        bureau_reads: Whether a bureau reads the rows of all banks of its own world, real or sample.
        reader: The column that names another organisation that may read a row and change nothing.
    """

    holding: Holding
    parent: tuple[str, str] | None = None
    door: tuple[str, ...] = ()
    bureau_reads: bool = False
    reader: str | None = None


OWN = Rule(holding=Holding.OWN)
SHARED = Rule(holding=Holding.SHARED)

RULES: Mapping[str, Rule] = {
    # --- organisations, and what signing in needs ---
    "organization": Rule(holding=Holding.ORGANIZATION, door=("SELECT",)),
    "user_account": Rule(holding=Holding.OWN, door=("SELECT", "UPDATE")),
    "api_key": Rule(holding=Holding.OWN, door=("SELECT", "UPDATE")),
    "web_session": Rule(holding=Holding.CHILD, parent=("user_id", "user_account"), door=("ALL",)),
    "second_factor": Rule(holding=Holding.OWN, door=("ALL",)),
    "security_event": Rule(holding=Holding.OWN, door=("SELECT", "INSERT")),
    # --- facts for everybody ---
    "fx_rate": SHARED,
    "holiday": SHARED,
    "holiday_notice": SHARED,
    "rate": SHARED,
    "curve_quote": Rule(holding=Holding.OWN_OR_PUBLIC),
    "quote": Rule(holding=Holding.OWN_OR_PUBLIC),
    # --- each organisation's own ---
    "account_consent": OWN,
    "account_entry": OWN,
    "account_pull": OWN,
    "accrual": OWN,
    "agreement_exposure": OWN,
    "approval": OWN,
    "approval_event": OWN,
    "authority_act": OWN,
    "carbon_account_year": OWN,
    "chain_head": OWN,
    "compliance_allocation": OWN,
    "compliance_position": OWN,
    "coverage": OWN,
    "credit_line": OWN,
    "custody_account": OWN,
    "custody_statement": OWN,
    "decision": OWN,
    "decision_chain": OWN,
    "decision_item": OWN,
    "decision_seal": OWN,
    "decision_table": OWN,
    "encumbrance": OWN,
    "enforcement": OWN,
    "enforcement_step": OWN,
    "evidence_file": OWN,
    "external_id": OWN,
    "haircut_policy": OWN,
    "file_link": OWN,
    "green_recognition": OWN,
    "headroom": OWN,
    "idempotency_key": OWN,
    "inbox_item": OWN,
    "interest_voucher": OWN,
    "job_request": OWN,
    "job_run": OWN,
    "journal_entry": OWN,
    "journal_posting": OWN,
    "link_document": OWN,
    "link_observation": OWN,
    "loan_contract": OWN,
    "loan_note": OWN,
    "loan_notice": OWN,
    "loan_classification": OWN,
    "note_segment": OWN,
    "repayment": OWN,
    "loan_concession_stop": OWN,
    "loan_rate_change": OWN,
    "loan_rate_reset": OWN,
    "margin_call": OWN,
    "market_version": OWN,
    "margin_call_event": OWN,
    "margin_terms": OWN,
    "outbox_message": OWN,
    "parameter": OWN,
    "party": OWN,
    "pledge": OWN,
    "pledge_approval": OWN,
    "pledge_change": OWN,
    "pledge_change_event": OWN,
    "pledge_change_unit": OWN,
    "pledge_event": OWN,
    "pledge_unit": OWN,
    "portfolio": OWN,
    "portfolio_block": Rule(holding=Holding.CHILD, parent=("portfolio_id", "portfolio")),
    "portfolio_line": Rule(holding=Holding.CHILD, parent=("portfolio_id", "portfolio")),
    "rating_benchmark": OWN,
    "rating_benchmark_group": OWN,
    "rating_objection": OWN,
    "rating_objection_answer": OWN,
    "rating_report": OWN,
    "rating_result": OWN,
    "registry_account": OWN,
    "registry_request": OWN,
    "repo": OWN,
    "repo_event": OWN,
    "repo_exposure": OWN,
    "serial_range": OWN,
    "settlement": OWN,
    "subsidy_application": Rule(holding=Holding.OWN, bureau_reads=True),
    "subsidy_outcome": Rule(holding=Holding.OWN, reader="bank_id"),
    "subsidy_outcome_step": Rule(holding=Holding.OWN, reader="bank_id"),
    "subsidy_report": OWN,
    "subsidy_report_line": Rule(holding=Holding.CHILD, parent=("report_id", "subsidy_report")),
    "subsidy_review_step": OWN,
    "sustainability_link": OWN,
    "term_sheet": OWN,
    "unit_position": OWN,
    "valuation": OWN,
    "webhook": OWN,
    "webhook_delivery": OWN,
}
"""Every table of all packages; one that is missing fails a test, and is refused to the application's role."""


def policy_statements(table_name: str, rule: Rule) -> tuple[str, ...]:
    """Give the statements that make PostgreSQL keep a table by its rule."""
    policies = [
        ("unscoped_owner", "ALL", "CURRENT_USER", f"{_SCOPE} = ''"),
        ("operator", "ALL", "PUBLIC", f"{_SCOPE} = 'operator'"),
        *((name, command, "PUBLIC", condition) for name, command, condition in _holding_policies(table_name, rule)),
        *((f"door_{verb.lower()}", verb, "PUBLIC", f"{_SCOPE} = 'door'") for verb in rule.door),
    ]
    if rule.bureau_reads:
        policies.append(("bureau", "SELECT", "PUBLIC", _OF_THE_BUREAUS_WORLD))
    if rule.reader is not None:
        policies.append(("reader", "SELECT", "PUBLIC", f"{rule.reader} = {_ORGANIZATION}"))
    return (
        f"ALTER TABLE {table_name} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {table_name} FORCE ROW LEVEL SECURITY",
        *(
            f"CREATE POLICY {name} ON {table_name} FOR {command} TO {role} "
            f"{'WITH CHECK' if command == 'INSERT' else 'USING'} ({condition})"
            for name, command, role, condition in policies
        ),
    )


_OF_THE_BUREAUS_WORLD = (
    "is_sample = (SELECT reader.is_sample FROM organization reader "  # noqa: S608 - constants of this module
    f"WHERE reader.id = {_ORGANIZATION} AND reader.kind = 'bureau')"
)


def _holding_policies(table_name: str, rule: Rule) -> tuple[tuple[str, str, str], ...]:
    """Give name, command and condition of the policies for an organisation's own scope."""
    own = ("own", "ALL", f"organization_id = {_ORGANIZATION}")
    if rule.holding is Holding.OWN:
        return (own,)
    if rule.holding is Holding.OWN_OR_PUBLIC:
        return (own, ("public", "SELECT", f"organization_id IS NULL AND {_SCOPE} <> ''"))
    if rule.holding is Holding.SHARED:
        return (("shared", "SELECT", f"{_SCOPE} <> ''"),)
    if rule.holding is Holding.ORGANIZATION:
        condition = f"id = {_ORGANIZATION}"
        return (("own_read", "SELECT", condition), ("own_update", "UPDATE", condition))
    assert rule.parent is not None, f"{table_name} is a child of some table"
    column, parent = rule.parent
    return (("own", "ALL", f"EXISTS (SELECT 1 FROM {parent} WHERE {parent}.id = {table_name}.{column})"),)  # noqa: S608 - own names


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleFacts:
    """What a database role is."""

    name: str
    is_superuser: bool
    bypasses: bool
    owns_tables: bool

    @property
    def is_bound(self) -> bool:
        """Whether row-level security holds for the role in every transaction."""
        return not (self.is_superuser or self.bypasses or self.owns_tables)


def role_facts(engine: sa.Engine, role: str | None = None) -> RoleFacts | None:
    """Give the facts of a role, or of the connected one; None where there is none, or on SQLite."""
    if engine.dialect.name != "postgresql":
        return None
    with engine.connect() as connection:
        found = connection.execute(
            sa.text(
                "SELECT rolname, rolsuper, rolbypassrls, EXISTS (SELECT 1 FROM pg_class WHERE relkind IN ('r', 'p') "
                "AND relnamespace = 'public'::regnamespace AND pg_has_role(pg_roles.oid, relowner, 'USAGE')) AS owns "
                "FROM pg_roles WHERE rolname = coalesce(CAST(:role AS text), current_user)"
            ),
            {"role": role},
        ).one_or_none()
    if found is None:
        return None
    return RoleFacts(
        name=found.rolname, is_superuser=found.rolsuper, bypasses=found.rolbypassrls, owns_tables=found.owns
    )


def unguarded_tables(engine: sa.Engine) -> tuple[str, ...]:
    """Give the tables of ours that the database does not keep apart by row; none on SQLite, which cannot."""
    if engine.dialect.name != "postgresql":
        return ()
    with engine.connect() as connection:
        forced = connection.execute(
            sa.text(
                "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' "
                "AND relrowsecurity AND relforcerowsecurity"
            )
        ).scalars()
        return tuple(sorted(set(RULES) - set(forced)))
