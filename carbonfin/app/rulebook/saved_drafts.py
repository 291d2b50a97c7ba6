"""A maker's saved drafts of rules: put before the checkers once they are ready, whichever kind of rule they are."""

from datetime import date, datetime

from sqlmodel import Session

from carbonfin.app.packages import TABLE_CONTRACTS
from carbonfin.app.rulebook.parameter_list import whole_book
from carbonfin.kernel.actors import Actor
from carbonfin.rules.known import backdated_days
from carbonfin.storage.approvals import Approval, ApprovalState, load_approval
from carbonfin.storage.rulebook import PARAMETER_APPROVAL, TABLE_APPROVAL, submit_parameter, submit_table

RULE_APPROVALS = (TABLE_APPROVAL, PARAMETER_APPROVAL)
_KINDS = frozenset(kind.name for kind in RULE_APPROVALS)


def submit_draft(session: Session, maker: Actor, approval_id: str, *, at: datetime) -> Approval:
    """Put a saved draft of a table or a value before the checkers; it is validated again as on its first day.

    Raises:
        NotFound: The organisation has no such approval.
        NotApplicable: It is about no rule.
        InvalidInput: It is not sound, or its days do not hold any more.
        NotPermitted: Another person drafted it.
        Conflict: It is no draft any more, or another version with the same dates stands.
    """
    if load_approval(session, maker, approval_id).kind == PARAMETER_APPROVAL.name:
        return submit_parameter(session, maker, approval_id, at=at, known=whole_book(session, maker))
    return submit_table(session, maker, approval_id, at=at, contracts=TABLE_CONTRACTS)


def backdated(approval: Approval) -> int:
    """Give how many days a rule that an approval is about is, or would be, in force backwards; else none."""
    days = approval.payload.get("valid_from"), approval.payload.get("known_from")
    if approval.kind not in _KINDS or not all(isinstance(one, str) for one in days):
        return 0
    valid_from, known_from = (date.fromisoformat(str(one)) for one in days)
    return backdated_days(valid_from=valid_from, known_from=known_from)


def may_submit(approval: Approval, actor: Actor) -> bool:
    """Whether somebody may put an approval before the checkers: it is his own draft of a rule."""
    is_own_draft = approval.state is ApprovalState.DRAFT and approval.maker_id == actor.id
    return is_own_draft and approval.kind in _KINDS
