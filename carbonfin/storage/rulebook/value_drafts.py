"""Values of parameters before they are in force: drafted, validated on record, come back to and proposed."""

from collections.abc import Iterator
from datetime import datetime

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import china_day
from carbonfin.kernel.errors import CarbonFinError, Conflict, InvalidInput, NotApplicable
from carbonfin.rules.parameter_drafts import draft_faults, require_sound
from carbonfin.rules.parameters import ParameterBook, ParameterValue
from carbonfin.storage import approvals
from carbonfin.storage.approvals import Approval, ApprovalState
from carbonfin.storage.rulebook.findings import validation_words
from carbonfin.storage.rulebook.parameters import (
    PARAMETER_APPROVAL,
    own_book,
    parameter_proposal,
    parameter_subject,
    proposed_value,
    require_known_later,
)


def proposal_faults(
    session: Session,
    maker: Actor,
    value: ParameterValue,
    *,
    at: datetime,
    known: ParameterBook,
    declares_gap: bool = False,
) -> tuple[CarbonFinError, ...]:
    """Give all that `propose_parameter` would refuse a value for now, the maker's role and reason apart.

    Args:
        session: An open session.
        maker: Who would propose.
        value: The value.
        at: Now.
        known: Every value the organisation's decisions read: keys and units are those of the product.
        declares_gap: Whether days left out between own values are left out on purpose.
    """
    return (
        *draft_faults(value, known, own_book(session, maker.organization_id), declares_gap=declares_gap),
        *_standing_faults(session, maker, value, at=at),
    )


def _standing_faults(
    session: Session, maker: Actor, value: ParameterValue, *, at: datetime
) -> Iterator[CarbonFinError]:
    """Give what the day, the values that stand and the open approvals forbid."""
    try:
        require_known_later(value, day=china_day(at))
    except InvalidInput as fault:
        yield fault
    try:
        parameter_proposal(session, maker, value, reason="", at=at)
    except Conflict as fault:
        yield fault
    subject = parameter_subject(value)
    standing = approvals.open_approval_of(
        session, maker.organization_id, kind=PARAMETER_APPROVAL.name, subject=subject
    )  # fmt: skip
    if standing is not None:
        yield approvals.second_fault(standing)


def draft_parameter(
    session: Session,
    maker: Actor,
    value: ParameterValue,
    *,
    reason: str,
    at: datetime,
    known: ParameterBook,
    declares_gap: bool = False,
) -> Approval:
    """Keep a value as its maker's draft with the record of its validation; no checker is asked.

    Args:
        session: An open session.
        maker: Who drafts.
        value: The value.
        reason: Why.
        at: Now.
        known: Every value the organisation's decisions read: keys and units are those of the product.
        declares_gap: Whether days left out between own values are left out on purpose.

    Raises:
        InvalidInput: No reason, or the value breaks a rule, days before its approval apart.
        NotPermitted: The maker's role may not propose parameters.
        Conflict: Another value with the same dates stands, is drafted or waits.
    """
    require_sound(value, known, own_book(session, maker.organization_id), declares_gap=declares_gap)
    proposal = parameter_proposal(session, maker, value, reason=reason, at=at, declares_gap=declares_gap)
    drafted = approvals.draft(session, maker, PARAMETER_APPROVAL, proposal, at=at)
    return approvals.note_validation(session, maker, drafted.id, found=validation_words(value.digest, ()), at=at)


def submit_parameter(
    session: Session, maker: Actor, approval_id: str, *, at: datetime, known: ParameterBook
) -> Approval:
    """Put a saved draft before the checkers; it is validated again, and that stands on record.

    Raises:
        NotFound: The organisation has no such approval.
        NotApplicable: It is about no parameter.
        InvalidInput: As `propose_parameter` refuses.
        NotPermitted: Another person drafted it.
        Conflict: It is no draft any more, or another value with the same dates stands.
    """
    approval = approvals.load_approval(session, maker, approval_id)
    if approval.kind != PARAMETER_APPROVAL.name:
        raise NotApplicable(f"approval {approval_id} is about no parameter", zh="该审批不是参数", field="approval_id")
    value, declared = proposed_value(approval), bool(approval.payload.get("declares_gap"))
    if approval.state is ApprovalState.DRAFT and approval.maker_id == maker.id:  # else the step itself says why not
        require_sound(value, known, own_book(session, maker.organization_id), declares_gap=declared)
        require_known_later(value, day=china_day(at))
        parameter_proposal(session, maker, value, reason=approval.maker_reason, at=at, declares_gap=declared)
    approvals.note_validation(session, maker, approval_id, found=validation_words(value.digest, ()), at=at)
    return approvals.submit(session, maker, PARAMETER_APPROVAL, approval_id, at=at)


def propose_parameter(
    session: Session,
    maker: Actor,
    value: ParameterValue,
    *,
    reason: str,
    at: datetime,
    known: ParameterBook,
    declares_gap: bool = False,
) -> Approval:
    """Put a value of an own parameter before the checkers at once: drafted, validated, proposed.

    Args:
        session: An open session.
        maker: Who proposes.
        value: The value.
        reason: Why.
        at: Now.
        known: Every value the organisation's decisions read: keys and units are those of the product.
        declares_gap: Whether days left out between own values are left out on purpose.

    Raises:
        InvalidInput: An unknown key, another unit, a value its unit does not take, no source, days in disorder or left
            out, or it would be known before its approval.
        NotPermitted: The maker's role may not propose parameters.
        Conflict: Another value with the same dates stands or waits; a correction has a later `known_from`.
    """
    drafted = draft_parameter(
        session, maker, value, reason=reason, at=at, known=known, declares_gap=declares_gap
    )  # fmt: skip
    require_known_later(value, day=china_day(at))
    return approvals.submit(session, maker, PARAMETER_APPROVAL, drafted.id, at=at)
