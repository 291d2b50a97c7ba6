"""Margin terms: proposed for a pledge or a repo, and in force once another person approved them."""

from datetime import datetime

from sqlmodel import Session

from carbonfin.kernel.actors import Actor, Role
from carbonfin.kernel.dates import Calendar, FixedClock
from carbonfin.kernel.errors import InvalidInput, MissingData, NotFound
from carbonfin.kernel.units import Currency
from carbonfin.storage import approvals
from carbonfin.storage.approvals import Answer, Approval, ApprovalKind, ProposalDraft
from carbonfin.storage.calendars import CalendarName, calendar_on
from carbonfin.storage.parties import Standing, standing_of
from collateral.calc.agreed_terms import (
    AgreedTerms,
    AgreementKind,
    TermsRecord,
    lines_below,
    terms_of_payload,
    terms_payload,
)
from collateral.calc.call_timing import CallTiming
from collateral.service.view import lines_of
from collateral.store import margin as store
from collateral.store import pledges, repos


def propose_terms(session: Session, actor: Actor, terms: AgreedTerms, *, standing: Standing, reason: str) -> Approval:
    """Put margin terms of one agreement before the checkers, with the bank's own lines where these lie below them.

    Raises:
        NotFound: There is no such agreement.
        InvalidInput: The terms are in another currency than the agreement, or begin before the business date.
        Conflict: Terms of the agreement wait for approval already.
    """
    _require_agreement(session, actor, terms)
    if terms.valid_from < standing.business_date:
        raise InvalidInput(
            f"terms begin {terms.valid_from}, before the business date {standing.business_date}",
            zh=f"生效日不得早于业务日期 {standing.business_date}：已做的通知依据当时的条款",
            field="valid_from",
        )
    terms.timing(calendars_known(session, standing.known_at))
    return approvals.propose(
        session,
        actor,
        TERMS_APPROVAL,
        ProposalDraft(
            subject=f"margin_terms:{terms.agreement_code}",
            title_zh=f"保证金条款 {terms.agreement_code}",
            title_en=f"Margin terms {terms.agreement_code}",
            payload={**terms_payload(terms), **_exception(session, terms, standing, reason)},
            reason=reason,
        ),
        at=standing.known_at,
    )


def approve_terms(
    session: Session, checker: Actor, approval_id: str, *, standing: Standing, reason: str
) -> tuple[TermsRecord, ...]:
    """Approve terms as another person than their maker; gives every revision of the agreement.

    Raises:
        NotPermitted: The checker is the maker, or the role may not approve.
    """
    approved = approvals.approve(
        session,
        checker,
        approval_id,
        kinds=(TERMS_APPROVAL,),
        answer=Answer(reason=reason),
        at=standing.known_at,
        business_date=standing.business_date,
    )
    return store.terms_of(session, checker, str(approved.payload["agreement_code"]))


def terms_of(session: Session, actor: Actor, agreement_code: str) -> tuple[TermsRecord, ...]:
    """Give every revision of an agreement's terms."""
    return store.terms_of(session, actor, agreement_code)


def waiting_terms(session: Session, actor: Actor, agreement_code: str) -> Approval | None:
    """Give the terms that wait for approval, if any do."""
    return approvals.open_approval_of(
        session, actor.organization_id, kind=TERMS_APPROVAL.name, subject=f"margin_terms:{agreement_code}"
    )


def agreement_address(session: Session, actor: Actor, agreement_code: str) -> str:
    """Give the subject of an agreement by its code: `pledge:ID` or `repo:ID`.

    Raises:
        NotFound: There is neither a pledge nor a repo of that code.
    """
    pledge = pledges.find_pledge(session, actor, agreement_code)
    if pledge is not None:
        return f"pledge:{pledge.id}"
    repo = repos.find_repo(session, actor, agreement_code)
    if repo is not None:
        return f"repo:{repo.id}"
    raise _no_agreement(agreement_code)


def timing_of(session: Session, terms: AgreedTerms, known_at: datetime) -> CallTiming:
    """Give the hours and days of terms over the calendars as known."""
    return terms.timing(calendars_known(session, known_at))


def calendars_known(session: Session, known_at: datetime) -> dict[str, Calendar]:
    """Give the calendars that terms name, as known at an instant."""
    names: tuple[CalendarName, ...] = ("bank", "exchange")
    return {name: calendar_on(session, name, known_at) for name in names}


def _exception(session: Session, terms: AgreedTerms, standing: Standing, reason: str) -> dict[str, str]:
    """Say what the bank's own lines are and why these lie below; nothing where they do not, or the bank has none."""
    try:
        below = lines_below(terms, lines_of(session, standing))
    except MissingData:
        return {}
    if below is None:
        return {}
    return {"override_ruled": below[0], "override_used": below[1], "override_reason": reason}


def _require_agreement(session: Session, actor: Actor, terms: AgreedTerms) -> None:
    currency = _currency_of(session, actor, terms.agreement_kind, terms.agreement_code)
    if currency is not terms.currency:
        raise InvalidInput(
            f"{terms.agreement_code} is in {currency}, the terms are in {terms.currency}",
            zh=f"协议 {terms.agreement_code} 的币种为 {currency}，条款须同币种",
            field="currency",
        )


def _currency_of(session: Session, actor: Actor, kind: AgreementKind, code: str) -> Currency:
    if kind == "pledge":
        if pledges.find_pledge(session, actor, code) is None:
            raise _no_agreement(code)
        return Currency.CNY
    repo = repos.find_repo(session, actor, code)
    if repo is None:
        raise _no_agreement(code)
    return repo.terms.currency


def _no_agreement(code: str) -> NotFound:
    return NotFound(
        f"there is no pledge or repo {code}",
        zh=f"没有编号为 {code} 的质押或回购",
        field="agreement_code",
        remedy="Take the code from the collateral desk.",
        remedy_zh="请以押品工作台所列编号为准。",
    )


def _apply(session: Session, checker: Actor, approval: Approval, _: Answer, at: datetime) -> None:
    """Put terms in force as the next revision; the agreement is looked at again on the day."""
    terms = terms_of_payload(approval.payload)
    _require_agreement(session, checker, terms)
    standing = standing_of(session, checker.organization_id, FixedClock(at))
    if terms.valid_from < standing.business_date:
        raise InvalidInput(
            f"terms begin {terms.valid_from}, before the business date {standing.business_date}",
            zh="生效日已过，请退回并重新提交",
            field="valid_from",
        )
    store.add_terms(
        session,
        checker,
        terms,
        store.Signed(
            approval_id=approval.id,
            maker_id=approval.maker_id,
            maker_name=approval.maker_name,
            checker_id=checker.id,
            checker_name=checker.name,
            approved_at=at,
        ),
    )


TERMS_APPROVAL = ApprovalKind(
    name="collateral.margin_terms",
    title_zh="保证金条款",
    title_en="Margin terms",
    maker_roles=frozenset({Role.OFFICER, Role.SYSTEM}),
    checker_roles=frozenset({Role.CHECKER}),
    apply=_apply,
    address=lambda approval: f"/margin-terms?agreement={approval.payload['agreement_code']}",
)
