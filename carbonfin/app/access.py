"""Who may do what: one policy, default deny. Every route stands here; a test walks them all.

A route that is missing is refused to everyone. Rows belong to organisations besides: services see only the actor's own.
"""

import re
from collections.abc import Mapping

from carbonfin.kernel.actors import Role

SYSTEM, OFFICER, CHECKER, RISK = Role.SYSTEM, Role.OFFICER, Role.CHECKER, Role.RISK
BUREAU, AUDITOR, ADMINISTRATOR, OPERATOR = Role.BUREAU, Role.AUDITOR, Role.ADMINISTRATOR, Role.OPERATOR
EVERYONE = frozenset(Role)
PEOPLE = EVERYONE - {SYSTEM}
DECISION_READERS = frozenset({SYSTEM, OFFICER, CHECKER, RISK, BUREAU, AUDITOR})
ADMINISTRATORS = frozenset({ADMINISTRATOR})
OPERATORS = frozenset({OPERATOR})
BANK_READERS = frozenset({SYSTEM, OFFICER, CHECKER, RISK, AUDITOR})
BANK_MAKERS = frozenset({SYSTEM, OFFICER})
REPORT_READERS = frozenset({SYSTEM, OFFICER, CHECKER, BUREAU, AUDITOR})
BUREAU_MAKERS = frozenset({BUREAU})
APPROVAL_READERS = frozenset({SYSTEM, OFFICER, CHECKER, RISK, BUREAU, AUDITOR, ADMINISTRATOR})
APPROVAL_MAKERS = APPROVAL_READERS - {AUDITOR}
APPROVAL_DECIDERS = APPROVAL_MAKERS
MESSAGE_READERS = frozenset({ADMINISTRATOR, AUDITOR})
FILE_READERS = APPROVAL_READERS
FILE_MAKERS = APPROVAL_MAKERS
FILE_ERASERS = frozenset({OFFICER, RISK, BUREAU, ADMINISTRATOR})
"""Who may propose an erasure; another person approves it."""
EXTERNAL_ID_MAKERS = frozenset({SYSTEM, OFFICER, ADMINISTRATOR})
PARAMETER_READERS = APPROVAL_READERS - {SYSTEM}
RULE_READERS = APPROVAL_READERS
REGISTER_READERS = DECISION_READERS - {SYSTEM}
RULE_MAKERS = frozenset({OFFICER, CHECKER, RISK, BUREAU})
"""Who may propose a table; another person approves it. A system brings none: rules are made by people."""
PARTY_READERS = BANK_READERS | ADMINISTRATORS
PARTY_MAKERS = frozenset({SYSTEM, OFFICER, ADMINISTRATOR})
JOB_READERS = frozenset({SYSTEM, OFFICER, CHECKER, RISK, AUDITOR, ADMINISTRATOR})
JOB_ASKERS = frozenset({SYSTEM, CHECKER, ADMINISTRATOR})
"""Closing the day binds the whole bank: not an officer, whose own loans are valued by it, nor who only watches."""

PUBLIC: frozenset[str] = frozenset(
    {
        "GET /healthz",
        "GET /readyz",
        "GET /metrics",  # asks for its own token, see carbonfin/app/metrics.py
        "GET /sign-in",
        "POST /sign-in",
        "POST /oauth/token",
        "GET /sign-in/with/{provider:str}",
        "GET /sign-in/with/{provider:str}/answer",
        "GET /problems",
        "GET /problems/{code:str}",
        "GET /docs/api",
        "GET /docs/api/try",
        "GET /schema",
        "GET /schema/openapi.json",
        "GET /static/{file_name:str}",
        "GET /assets/htmx/{file_name:str}",
        "GET /assets/swagger/{file_name:str}",
        "GET /assets/fonts/{file_name:str}",
        "GET /favicon.ico",
    }
)
"""Open to strangers: they show nothing of any organisation."""

POLICY: Mapping[str, frozenset[Role]] = {
    # --- app: home, session, decisions ---
    "GET /": PEOPLE,
    "GET /search": PEOPLE,
    "POST /sign-out": PEOPLE,
    "GET /account": PEOPLE,
    "POST /account/password": PEOPLE,
    "GET /account/second-factor": PEOPLE,
    "POST /account/second-factor": PEOPLE,
    "POST /account/second-factor/confirm": PEOPLE,
    "POST /account/second-factor/end": PEOPLE,
    "GET /sign-in/second-factor": PEOPLE,
    "POST /sign-in/second-factor": PEOPLE,
    "POST /account/sessions/{session_id:str}/end": PEOPLE,
    "POST /account/sessions/end-others": PEOPLE,
    # --- app: approvals ---
    "GET /approvals": APPROVAL_READERS,
    "GET /approvals/{approval_id:str}": APPROVAL_READERS,
    "POST /approvals/{approval_id:str}/decision": APPROVAL_DECIDERS,
    "POST /approvals/{approval_id:str}/withdrawal": APPROVAL_MAKERS,
    "GET /v1/approvals": APPROVAL_READERS,
    "GET /v1/approvals/{approval_id:str}": APPROVAL_READERS,
    "POST /v1/approvals/{approval_id:str}/approve": APPROVAL_DECIDERS,
    "POST /v1/approvals/{approval_id:str}/reject": APPROVAL_DECIDERS,
    "POST /v1/approvals/{approval_id:str}/withdraw": APPROVAL_MAKERS,
    # --- app: evidence files ---
    "GET /files": FILE_READERS,
    "POST /files": FILE_MAKERS,
    "GET /files/{digest:str}": FILE_READERS,
    "GET /files/{digest:str}/content": FILE_READERS,
    "POST /files/{digest:str}/links": FILE_MAKERS,
    "POST /files/{digest:str}/links/{link_id:str}/void": FILE_MAKERS,
    "POST /files/{digest:str}/erasure": FILE_ERASERS,
    "GET /v1/files": FILE_READERS,
    "POST /v1/files": FILE_MAKERS,
    "GET /v1/files/{digest:str}": FILE_READERS,
    "GET /v1/files/{digest:str}/content": FILE_READERS,
    "POST /v1/files/{digest:str}/links": FILE_MAKERS,
    "POST /v1/files/{digest:str}/links/{link_id:str}/void": FILE_MAKERS,
    "POST /v1/files/{digest:str}/erasure": FILE_ERASERS,
    # --- app: administration ---
    "GET /administration": ADMINISTRATORS | OPERATORS,
    "GET /administration/people": ADMINISTRATORS | {AUDITOR},
    "POST /administration/people": ADMINISTRATORS,
    "GET /administration/people/{person_id:str}": ADMINISTRATORS | {AUDITOR},
    "POST /administration/people/{person_id:str}/steps": ADMINISTRATORS,
    "GET /administration/keys": ADMINISTRATORS | {AUDITOR},
    "POST /administration/keys": ADMINISTRATORS,
    "POST /administration/keys/{key_id:str}/steps": ADMINISTRATORS,
    "GET /administration/events": ADMINISTRATORS | {AUDITOR, OPERATOR},
    "GET /administration/events/export": ADMINISTRATORS | {AUDITOR, OPERATOR},
    "GET /administration/settings": ADMINISTRATORS | OPERATORS,
    "GET /administration/parameters": PARAMETER_READERS,
    "GET /external-ids": APPROVAL_READERS,
    "POST /external-ids": EXTERNAL_ID_MAKERS,
    "POST /external-ids/{external_id:str}/removal": EXTERNAL_ID_MAKERS,
    "GET /v1/external-ids": APPROVAL_READERS,
    "POST /v1/external-ids": EXTERNAL_ID_MAKERS,
    "DELETE /v1/external-ids/{external_id:str}": EXTERNAL_ID_MAKERS,
    # --- app: rules ---
    "GET /rules": RULE_READERS,
    "GET /rules/changes": RULE_READERS,
    "GET /rules/{table_name:str}": RULE_READERS,
    "GET /rules/{table_name:str}/comparison": RULE_READERS,
    "GET /rules/{table_name:str}/export/{ending:str}": RULE_READERS,
    "GET /rules/parameters": PARAMETER_READERS,
    "GET /rules/parameters/export/{ending:str}": PARAMETER_READERS,
    "GET /rules/parameters/{key:str}": PARAMETER_READERS,
    "GET /rules/parameters/drafts": RULE_MAKERS,
    "POST /rules/parameters/drafts": RULE_MAKERS,
    "POST /rules/parameters/proposals": RULE_MAKERS,
    "GET /rules/drafts": RULE_MAKERS,
    "POST /rules/drafts": RULE_MAKERS,
    "POST /rules/proposals": RULE_MAKERS,
    "GET /v1/rules/tables": RULE_READERS,
    "GET /v1/rules/tables/{table_name:str}": RULE_READERS,
    "POST /v1/rules/tables/{table_name:str}/trials": RULE_READERS,
    "POST /v1/rules/validations": RULE_READERS,
    "POST /v1/rules/proposals": RULE_MAKERS,
    "GET /v1/rules/parameters": RULE_READERS,
    "POST /v1/rules/parameters/validations": DECISION_READERS,
    "POST /v1/rules/parameters/proposals": RULE_MAKERS,
    # --- app: parties ---
    "GET /parties": PARTY_READERS,
    "POST /parties": PARTY_MAKERS,
    "GET /parties/{party_id:str}": PARTY_READERS,
    "POST /parties/{party_id:str}": PARTY_MAKERS,
    "GET /v1/parties": PARTY_READERS,
    "POST /v1/parties": PARTY_MAKERS,
    "GET /v1/parties/{party_id:str}": PARTY_READERS,
    "PATCH /v1/parties/{party_id:str}": PARTY_MAKERS,
    # --- app: messages ---
    "GET /inbox": PEOPLE,
    "POST /inbox/{item_id:str}/read": PEOPLE,
    "GET /notices/{item_id:str}/pdf": PEOPLE,
    "GET /messages": MESSAGE_READERS,
    "POST /messages/webhooks": ADMINISTRATORS,
    "POST /messages/webhooks/{webhook_id:str}/rotate-secret": ADMINISTRATORS,
    "POST /messages/webhooks/{webhook_id:str}/retire": ADMINISTRATORS,
    "POST /messages/deliveries/{delivery_id:str}/resend": ADMINISTRATORS,
    "POST /messages/deliveries/{delivery_id:str}/skip": ADMINISTRATORS,
    "POST /messages/{message_id:str}/resend": ADMINISTRATORS,
    "GET /v1/inbox": EVERYONE,
    "POST /v1/inbox/{item_id:str}/read": EVERYONE,
    "GET /v1/inbox/{item_id:str}/pdf": EVERYONE,
    "GET /v1/webhooks": MESSAGE_READERS,
    "POST /v1/webhooks": ADMINISTRATORS,
    "GET /v1/webhooks/{webhook_id:str}": MESSAGE_READERS,
    "PATCH /v1/webhooks/{webhook_id:str}": ADMINISTRATORS,
    "DELETE /v1/webhooks/{webhook_id:str}": ADMINISTRATORS,
    "POST /v1/webhooks/{webhook_id:str}/rotate-secret": ADMINISTRATORS,
    "GET /v1/deliveries": MESSAGE_READERS,
    "POST /v1/deliveries/{delivery_id:str}/resend": ADMINISTRATORS,
    "POST /v1/deliveries/{delivery_id:str}/skip": ADMINISTRATORS,
    "GET /v1/messages/dead": MESSAGE_READERS,
    "POST /v1/messages/{message_id:str}/resend": ADMINISTRATORS,
    "GET /decisions": DECISION_READERS,
    "GET /audit/{register:str}": REGISTER_READERS,
    "GET /audit/{register:str}/export/{ending:str}": REGISTER_READERS,
    "GET /decisions/chain": DECISION_READERS,
    "GET /decisions/chain/heads.jsonl": DECISION_READERS,
    "GET /decisions/{decision_id:str}": DECISION_READERS,
    "POST /decisions/{decision_id:str}/replay": DECISION_READERS,
    "GET /v1/me": EVERYONE,
    "GET /v1/decisions": DECISION_READERS,
    "GET /v1/decisions/registers/{register:str}": DECISION_READERS,
    "GET /v1/decisions/chain": DECISION_READERS,
    "GET /v1/decisions/chain/heads": DECISION_READERS,
    "GET /v1/decisions/{decision_id:str}": DECISION_READERS,
    "POST /v1/decisions/{decision_id:str}/replay": DECISION_READERS,
    # --- app: jobs ---
    "GET /jobs": JOB_READERS,
    "POST /jobs": JOB_ASKERS,
    "GET /jobs/{job_id:str}": JOB_READERS,
    "GET /jobs/{job_id:str}/events": JOB_READERS,
    "GET /v1/jobs": JOB_READERS,
    "POST /v1/jobs": JOB_ASKERS,
    "GET /v1/jobs/{job_id:str}": JOB_READERS,
    # --- pricing ---
    "POST /v1/valuations": BANK_MAKERS,
    "POST /v1/valuations/preview": BANK_READERS,
    "POST /v1/valuations/stream": BANK_READERS,
    "GET /v1/valuations/{valuation_id:str}": BANK_READERS,
    "GET /v1/portfolios": BANK_READERS,
    "POST /v1/portfolios/files": BANK_MAKERS,
    "GET /v1/market/quotes": BANK_READERS,
    "GET /v1/market/quality": BANK_READERS,
    "POST /v1/market/quotes": BANK_MAKERS,
    "GET /v1/market/curve-quotes": BANK_READERS,
    "GET /v1/curves": BANK_READERS,
    "GET /v1/market/volatilities": BANK_READERS,
    "POST /v1/market/volatilities": BANK_MAKERS,
    "GET /v1/volatility-surfaces": BANK_READERS,
    "POST /v1/options/values": BANK_READERS,
    "GET /v1/fair-values": BANK_READERS,
    "POST /v1/risk": BANK_READERS,
    "POST /v1/trades/read": BANK_READERS,
    "POST /v1/compliance-values": BANK_READERS,
    "POST /v1/market/settlements": BANK_MAKERS,
    "POST /v1/market/rates": BANK_MAKERS,
    "POST /v1/market/fx": BANK_MAKERS,
    "GET /v1/forwards/quote": BANK_READERS,
    "GET /market": BANK_READERS,
    "GET /market/export/{ending:str}": BANK_READERS,
    "GET /market/quality": BANK_READERS,
    "GET /market/fair-value": BANK_READERS,
    "GET /curves": BANK_READERS,
    "GET /curves/volatility": BANK_READERS,
    "GET /market/quality/export/{ending:str}": BANK_READERS,
    "GET /market/curve-quotes": BANK_READERS,
    "GET /market/curve-quotes/export/{ending:str}": BANK_READERS,
    "GET /market/curve-quotes/upload": BANK_MAKERS,
    "POST /market/curve-quotes/upload": BANK_MAKERS,
    "GET /market/upload": BANK_MAKERS,
    "POST /market/upload": BANK_MAKERS,
    "GET /trades/read": BANK_READERS,
    "POST /trades/read": BANK_READERS,
    "GET /portfolios": BANK_READERS,
    "GET /portfolios/upload": BANK_MAKERS,
    "POST /portfolios/upload": BANK_MAKERS,
    "GET /portfolios/{portfolio_id:str}/export/csv": BANK_READERS,
    "GET /portfolios/{portfolio_id:str}": BANK_READERS,
    "POST /portfolios/{portfolio_id:str}/valuations": BANK_MAKERS,
    "GET /portfolios/{portfolio_id:str}/risk": BANK_READERS,
    "POST /portfolios/{portfolio_id:str}/risk": BANK_MAKERS,
    "GET /portfolios/{portfolio_id:str}/compliance": BANK_READERS,
    "GET /valuations/{valuation_id:str}": BANK_READERS,
    "GET /valuations/{valuation_id:str}/lines/{line_id:str}": BANK_READERS,
    "GET /valuations/{valuation_id:str}/export/{ending:str}": BANK_READERS,
    # --- collateral ---
    "POST /v1/pledges/appraisals": BANK_MAKERS,
    "POST /v1/pledges": BANK_MAKERS,
    "GET /v1/pledges": BANK_READERS,
    "GET /v1/pledges/{pledge_id:str}": BANK_READERS,
    "POST /v1/repos": BANK_MAKERS,
    "POST /v1/repos/previews": BANK_READERS,
    "POST /v1/repos/reconciliations": BANK_MAKERS,
    "GET /v1/pledges/{pledge_id:str}/letter.pdf": BANK_READERS,
    "GET /v1/pledges/{pledge_id:str}/changes": BANK_READERS,
    "POST /v1/pledges/{pledge_id:str}/changes": BANK_MAKERS,
    "POST /v1/pledges/{pledge_id:str}/changes/previews": BANK_READERS,
    "GET /v1/pledges/{pledge_id:str}/changes/{change_id:str}": BANK_READERS,
    "GET /v1/pledges/{pledge_id:str}/changes/{change_id:str}/letter.pdf": BANK_READERS,
    "POST /v1/pledges/{pledge_id:str}/changes/{change_id:str}/withdraw": BANK_MAKERS,
    "POST /v1/pledges/{pledge_id:str}/changes/{change_id:str}/requests": BANK_MAKERS,
    "GET /v1/repos/{repo_id:str}": BANK_READERS,
    "GET /v1/repos/{repo_id:str}/events": BANK_READERS,
    "POST /v1/repos/{repo_id:str}/events": BANK_MAKERS,
    "POST /v1/repos/{repo_id:str}/events/previews": BANK_READERS,
    "GET /v1/registry/reconciliations": BANK_READERS,
    "GET /v1/collateral-desk": BANK_READERS,
    "GET /v1/holding-rights": BANK_READERS,
    "GET /v1/collateral-register": BANK_READERS,
    "GET /v1/collateral-register.xlsx": BANK_READERS,
    "GET /v1/parties/{party_id:str}/headroom": BANK_READERS,
    "GET /v1/pledges/{pledge_id:str}/enforcement": BANK_READERS,
    "POST /v1/pledges/{pledge_id:str}/enforcement/defaults": BANK_MAKERS,
    "POST /v1/pledges/{pledge_id:str}/enforcement/late-cures": BANK_MAKERS,
    "POST /v1/pledges/{pledge_id:str}/enforcement/means/previews": BANK_READERS,
    "POST /v1/pledges/{pledge_id:str}/enforcement/means": BANK_MAKERS,
    "POST /v1/pledges/{pledge_id:str}/enforcement/failed-sales": BANK_MAKERS,
    "POST /v1/pledges/{pledge_id:str}/enforcement/sales/previews": BANK_READERS,
    "POST /v1/pledges/{pledge_id:str}/enforcement/sales": BANK_MAKERS,
    "POST /v1/pledges/{pledge_id:str}/enforcement/transfers": BANK_MAKERS,
    "POST /v1/pledges/{pledge_id:str}/enforcement/distributions/previews": BANK_READERS,
    "POST /v1/pledges/{pledge_id:str}/enforcement/distributions": BANK_MAKERS,
    "GET /v1/pledges/{pledge_id:str}/enforcement/notice.pdf": BANK_READERS,
    "GET /v1/pledges/{pledge_id:str}/enforcement/surplus.pdf": BANK_READERS,
    "POST /v1/authority-acts": BANK_MAKERS,
    "GET /v1/pledges/{pledge_id:str}/authority-acts": BANK_READERS,
    "GET /v1/parties/{party_id:str}/authority-acts": BANK_READERS,
    "GET /v1/margin-calls": BANK_READERS,
    "GET /v1/margin-calls/{call_id:str}": BANK_READERS,
    "POST /v1/margin-calls/{call_id:str}/steps": BANK_MAKERS,
    "GET /v1/margin-terms/{agreement_code:str}": BANK_READERS,
    "POST /v1/margin-terms": BANK_MAKERS,
    "GET /margin-calls": BANK_READERS,
    "GET /margin-calls/{call_id:str}": BANK_READERS,
    "GET /margin-calls/{call_id:str}/pdf": BANK_READERS,
    "POST /margin-calls/{call_id:str}/steps": BANK_MAKERS,
    "GET /margin-terms": BANK_READERS,
    "POST /margin-terms": BANK_MAKERS,
    "GET /v1/parties/{party_id:str}/compliance": BANK_READERS,
    "POST /v1/parties/{party_id:str}/compliance": BANK_MAKERS,
    "GET /v1/parties/{party_id:str}/carry-over": BANK_READERS,
    "POST /v1/parties/{party_id:str}/carry-over": BANK_MAKERS,
    "POST /v1/compliance-positions/files": BANK_MAKERS,
    "GET /compliance": BANK_READERS,
    "GET /compliance/upload": BANK_MAKERS,
    "POST /compliance/upload": BANK_MAKERS,
    "GET /compliance/{party_id:str}": BANK_READERS,
    "GET /compliance/{party_id:str}/carry-over": BANK_READERS,
    "POST /compliance/{party_id:str}/carry-over": BANK_MAKERS,
    "GET /pledges": BANK_READERS,
    "GET /pledges/new": BANK_MAKERS,
    "POST /pledges/new": BANK_MAKERS,
    "GET /pledges/{pledge_id:str}": BANK_READERS,
    "POST /pledges/{pledge_id:str}/steps": BANK_MAKERS,
    "GET /pledges/{pledge_id:str}/letter.pdf": BANK_READERS,
    "GET /pledges/{pledge_id:str}/enforcement": BANK_READERS,
    "POST /pledges/{pledge_id:str}/enforcement": BANK_MAKERS,
    "GET /pledges/{pledge_id:str}/enforcement/notice.pdf": BANK_READERS,
    "GET /pledges/{pledge_id:str}/enforcement/surplus.pdf": BANK_READERS,
    "GET /pledges/{pledge_id:str}/authority-acts/new": BANK_MAKERS,
    "POST /pledges/{pledge_id:str}/authority-acts/new": BANK_MAKERS,
    "GET /pledges/{pledge_id:str}/changes/new": BANK_MAKERS,
    "POST /pledges/{pledge_id:str}/changes/new": BANK_MAKERS,
    "GET /pledges/{pledge_id:str}/changes/{change_id:str}": BANK_READERS,
    "POST /pledges/{pledge_id:str}/changes/{change_id:str}/steps": BANK_MAKERS,
    "GET /pledges/{pledge_id:str}/changes/{change_id:str}/letter.pdf": BANK_READERS,
    "GET /repos/reconciliation": BANK_MAKERS,
    "POST /repos/reconciliation": BANK_MAKERS,
    "GET /repos/new": BANK_MAKERS,
    "POST /repos/new": BANK_MAKERS,
    "GET /repos/{repo_id:str}": BANK_READERS,
    "GET /repos/{repo_id:str}/events/new": BANK_MAKERS,
    "POST /repos/{repo_id:str}/events/new": BANK_MAKERS,
    "GET /registry/reconciliations": BANK_READERS,
    "GET /collateral-register.xlsx": BANK_READERS,
    "GET /holding-rights": BANK_READERS,
    "GET /registry/reconciliations/export/{ending:str}": BANK_READERS,
    # --- loans ---
    "POST /v1/ratings": BANK_MAKERS,
    "POST /v1/rate-decisions": BANK_MAKERS,
    "POST /v1/schedules": BANK_MAKERS,
    "POST /v1/term-sheets": BANK_MAKERS,
    "GET /v1/term-sheets/{number:str}": BANK_READERS,
    "GET /v1/term-sheets/{number:str}/pdf": BANK_READERS,
    "GET /v1/term-sheets/{number:str}/docx": BANK_READERS,
    "GET /enterprises": BANK_READERS,
    "GET /enterprises/{party_id:str}": BANK_READERS,
    "GET /enterprises/{party_id:str}/rating": BANK_READERS,
    "POST /enterprises/{party_id:str}/rating": BANK_MAKERS,
    "GET /loans": BANK_READERS,
    "GET /loans/new": BANK_MAKERS,
    "POST /loans/new": BANK_MAKERS,
    "GET /term-sheets/{number:str}": BANK_READERS,
    "GET /term-sheets/{number:str}/pdf": BANK_READERS,
    "GET /term-sheets/{number:str}/docx": BANK_READERS,
    # --- reporting ---
    "POST /v1/subsidies/applications": BANK_MAKERS,
    "GET /v1/subsidies/applications": REPORT_READERS,
    "GET /v1/subsidies/applications/{application_id:str}/preview": REPORT_READERS,
    "POST /v1/subsidies/reports": BUREAU_MAKERS,
    "GET /v1/subsidies/reports/{report_id:str}": REPORT_READERS,
    "GET /v1/subsidies/reports/{report_id:str}/workbook.xlsx": REPORT_READERS,
    "GET /v1/subsidies/reports/{report_id:str}/table.csv": REPORT_READERS,
    "GET /subsidies": REPORT_READERS,
    "GET /subsidies/{application_id:str}": REPORT_READERS,
    "POST /subsidies/reports": BUREAU_MAKERS,
    "GET /subsidies/reports/{report_id:str}/export/{ending:str}": REPORT_READERS,
}
"""`METHOD path` to the roles that may."""


NOT_SERVED: frozenset[str] = frozenset({"GET /schema/{path}"})
"""What the framework registers by itself and we do not serve: answered as not found."""


def plain_path(path_template: str) -> str:
    """Write an address without the types of its parameters."""
    return _TYPED.sub("}", path_template)


def plain_entry(method: str, path_template: str) -> str:
    """Write a route as the framework names it at run time: parameters without their types."""
    return f"{'GET' if method == 'HEAD' else method} {plain_path(path_template)}"


def roles_for(method: str, path_template: str) -> frozenset[Role] | None:
    """Give the roles that may use a route; nobody where it is not listed, None where it is public."""
    entry = plain_entry(method, path_template)
    if entry in _PUBLIC:
        return None
    return _POLICY.get(entry, frozenset())


def allows(role: Role | None, method: str, path_template: str) -> bool:
    """Whether a role may use a route; what asks this leaves out links and buttons that would be refused."""
    roles = roles_for(method, path_template)
    return roles is None or role in roles


def may_open(role: Role, address: str) -> bool:
    """Whether a role may open the page of a thing, such as `/pledges/ID`; what links to it asks this."""
    head = f"GET {address.rpartition('/')[0]}/{{"
    pages = (
        roles for entry, roles in _POLICY.items() if entry.startswith(head) and entry.count("/") == head.count("/")
    )
    return any(role in roles for roles in pages)


_TYPED = re.compile(r":[a-z]+\}")
_PUBLIC = frozenset(plain_entry(*entry.split(" ", 1)) for entry in PUBLIC)
_POLICY = {plain_entry(*entry.split(" ", 1)): roles for entry, roles in POLICY.items()}
