"""Four eyes, once: what one person proposes takes effect only when another approves it."""

from carbonfin.storage.approvals.drafting import draft, note_validation, propose, second_fault, submit
from carbonfin.storage.approvals.lifecycle import approve, expire_overdue, make_due_effective, reject, withdraw
from carbonfin.storage.approvals.overrides import Overridden, override_page, overrides_of
from carbonfin.storage.approvals.reading import (
    approval_page,
    approvals_of,
    effective_of,
    events_of,
    latest_approval,
    load_approval,
    open_approval_of,
    waiting_for,
)
from carbonfin.storage.approvals.rows import ApprovalEventRow, ApprovalRow, ApprovalState
from carbonfin.storage.approvals.values import (
    OPEN_STATES,
    Agreed,
    Answer,
    Approval,
    ApprovalEvent,
    ApprovalKind,
    ProposalDraft,
)

__all__ = [
    "OPEN_STATES",
    "Agreed",
    "Answer",
    "Approval",
    "ApprovalEvent",
    "ApprovalEventRow",
    "ApprovalKind",
    "ApprovalRow",
    "ApprovalState",
    "Overridden",
    "ProposalDraft",
    "approval_page",
    "approvals_of",
    "approve",
    "draft",
    "effective_of",
    "events_of",
    "expire_overdue",
    "latest_approval",
    "load_approval",
    "make_due_effective",
    "note_validation",
    "open_approval_of",
    "override_page",
    "overrides_of",
    "propose",
    "reject",
    "second_fault",
    "submit",
    "waiting_for",
    "withdraw",
]
