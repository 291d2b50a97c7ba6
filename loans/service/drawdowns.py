"""Drawdowns (提款): a loan note drawn under a contract when another person approved it and the collateral agrees."""

from datetime import datetime
from decimal import Decimal

from sqlmodel import Session

from carbonfin.kernel.actors import Actor, Role
from carbonfin.kernel.dates import FixedClock
from carbonfin.kernel.errors import Conflict, MissingData
from carbonfin.kernel.parties import Party
from carbonfin.storage import approvals
from carbonfin.storage.approvals import OPEN_STATES, Agreed, Answer, Approval, ApprovalKind, ProposalDraft
from carbonfin.storage.keyset import Place
from carbonfin.storage.parties import Standing, load_party, standing_of
from loans.calc.facilities import CreditLine, DrawdownDraft, LoanContract, require_drawable
from loans.calc.jiangtandai import RateDecision, rate_without_trace
from loans.calc.notes import LoanNoteDraft
from loans.service import decisions, facilities, facts
from loans.service.links import rerate_under_links
from loans.service.securities import draw_behind, require_security
from loans.store import facilities as store
from loans.store import notes as note_store

_OPEN_MAX = 10_000


def propose_drawdown(
    session: Session, maker: Actor, draft: DrawdownDraft, *, standing: Standing, reason: str
) -> Approval:
    """Put a drawdown before the checkers; it is carried out on its day, once another person approved it.

    A rate that follows the LPR is decided now and kept; it is looked at again on the day of the drawdown.

    Raises:
        NotFound: There is no such contract in force on the day of the drawdown.
        Conflict: Not so much may be drawn then, the code is taken, or the collateral does not let it through.
        MissingData: The rate is not decided, for want of a report, a score, the LPR or a parameter.
    """
    contract, line = _terms_on(session, maker, draft, standing=standing)
    borrower = load_party(session, maker, line.party_id)
    _require_open(session, maker, draft, contract, line, standing=standing, counts_waiting=True)
    rate, note, decision_id = _rate(session, maker, draft, contract, borrower, standing=standing)
    contract.terms_of(draft, rate=rate)
    return approvals.propose(
        session,
        maker,
        DRAWDOWN_APPROVAL,
        ProposalDraft(
            subject=f"loan_note:{draft.note_code}",
            title_zh=f"提款 {draft.note_code} {borrower.name}",
            title_en=f"Drawdown {draft.note_code} {borrower.name}",
            payload=store.payload_of(draft)
            | {
                "party": f"{borrower.name} {borrower.code}",
                "line_number": line.number,
                "rate": format(rate, "f"),
                "rate_note": note,
                "rate_decision_id": decision_id,
            },
            reason=reason,
            effective_on=draft.drawdown_date,
        ),
        at=standing.known_at,
    )


def waiting_drawdowns(session: Session, actor: Actor, *, but: str | None = None) -> tuple[DrawdownDraft, ...]:
    """Give the drawdowns that wait for another person or for their day, without the note named."""
    found = approvals.approval_page(
        session, actor, Place(limit=_OPEN_MAX), states=OPEN_STATES, kinds=(DRAWDOWN_APPROVAL,)
    ).items
    drafts = (store.terms_of_payload(one.payload, DrawdownDraft) for one in found)
    return tuple(draft for draft in drafts if draft.note_code != but)


def _terms_on(
    session: Session, actor: Actor, draft: DrawdownDraft, *, standing: Standing
) -> tuple[LoanContract, CreditLine]:
    day, known_at = max(draft.drawdown_date, standing.business_date), standing.known_at
    contract = facilities.load_contract(session, actor, draft.contract_number, valid_on=day, known_at=known_at).terms
    line = facilities.load_line(session, actor, contract.line_number, valid_on=day, known_at=known_at).terms
    return contract, line


def _require_open(
    session: Session,
    actor: Actor,
    draft: DrawdownDraft,
    contract: LoanContract,
    line: CreditLine,
    *,
    standing: Standing,
    counts_waiting: bool,
) -> None:
    if note_store.find_note(session, actor, draft.note_code) is not None:
        raise Conflict(
            f"loan note {draft.note_code} is there already", zh=f"借据 {draft.note_code} 已存在", field="note_code",
            remedy="Use another code.", remedy_zh="请更换借据号。",
        )  # fmt: skip
    waiting = waiting_drawdowns(session, actor, but=draft.note_code) if counts_waiting else ()
    book = facilities.book_of(
        session, actor, waiting=waiting, valid_on=draft.drawdown_date, known_at=standing.known_at,
        party_id=line.party_id,
    )  # fmt: skip
    require_drawable(draft, contract, line, book, on=standing.business_date)
    require_security(
        session, actor, contract, amount_cny=draft.amount_cny, maturity_date=draft.maturity_date,
        on=standing.business_date,
    )  # fmt: skip


def _rate(
    session: Session,
    actor: Actor,
    draft: DrawdownDraft,
    contract: LoanContract,
    borrower: Party,
    *,
    standing: Standing,
) -> tuple[Decimal, str, str | None]:
    if contract.fixed_rate is not None:
        return contract.fixed_rate, "合同约定固定利率", None
    assert contract.lpr_tenor is not None, "a contract without a fixed rate names its LPR"
    assert contract.margin_bp is not None, "and its margin"
    recorded = decisions.decide_rate_of(
        session, actor, borrower, margin_bp=contract.margin_bp, lpr_tenor=contract.lpr_tenor,
        applies_from=draft.drawdown_date, decided_on=standing.business_date, known_at=standing.known_at,
    )  # fmt: skip
    outcome = recorded.outcome
    return _decided(outcome, draft), _rate_note(contract, outcome), recorded.decision_id


def _decided(outcome: RateDecision, draft: DrawdownDraft) -> Decimal:
    if outcome.executed_rate is None:
        raise MissingData(
            f"the rate of note {draft.note_code} is not decided: {'; '.join(one.en for one in outcome.missing)}",
            zh=f"借据 {draft.note_code} 的利率{'；'.join(one.zh for one in outcome.missing)}",
            field=outcome.missing[0].field if outcome.missing else "rate",
            remedy="Enter the rating report with its score, then draw again.",
            remedy_zh="请录入碳评级报告及得分后再提款。",
        )
    return outcome.executed_rate


def _rate_note(contract: LoanContract, outcome: RateDecision) -> str:
    concession = outcome.concession_bp or Decimal(0)
    floor = "，按利率下限" if outcome.floor_applied else ""
    return f"LPR {contract.lpr_tenor} {contract.margin_bp:+d}BP，优惠 {concession.normalize():f}BP{floor}"


def _apply(session: Session, checker: Actor, approval: Approval, answer: Answer, at: datetime) -> None:
    """Draw the note: room, rate and collateral are looked at again, on its own day; a link moves its rate at once."""
    draft = store.terms_of_payload(approval.payload, DrawdownDraft)
    standing = standing_of(session, checker.organization_id, FixedClock(at))
    contract, line = _terms_on(session, checker, draft, standing=standing)
    store.lock_borrower(session, line.party_id)
    _require_open(session, checker, draft, contract, line, standing=standing, counts_waiting=False)
    borrower = load_party(session, checker, line.party_id)
    rate = Decimal(approval.payload["rate"])
    _require_same_rate(session, checker, draft, contract, borrower, standing=standing, rate=rate)
    note = note_store.add_note(session, checker, _note(approval, draft, contract, borrower), recorded_at=at)
    rerate_under_links(session, checker, contract.number, note.code, cause="drawdown", standing=standing, at=at)
    draw_behind(session, checker, note, standing=standing, agreed=Agreed.to(approval, checker, answer))


def _note(approval: Approval, draft: DrawdownDraft, contract: LoanContract, borrower: Party) -> LoanNoteDraft:
    return LoanNoteDraft(
        code=draft.note_code,
        party_id=borrower.id,
        pledge_code=contract.pledge_code,
        product=contract.product,
        terms=contract.terms_of(draft, rate=Decimal(approval.payload["rate"])),
        rate_note=approval.payload["rate_note"],
        interest_paid_to=draft.drawdown_date,
        is_sample=borrower.is_sample,
        contract_number=contract.number,
        approval_id=approval.id,
    )


def _require_same_rate(
    session: Session,
    actor: Actor,
    draft: DrawdownDraft,
    contract: LoanContract,
    borrower: Party,
    *,
    standing: Standing,
    rate: Decimal,
) -> None:
    today = contract.fixed_rate
    if contract.lpr_tenor is not None and contract.margin_bp is not None:
        inputs = facts.rate_inputs(
            session, actor, borrower, margin_bp=contract.margin_bp, lpr_tenor=contract.lpr_tenor,
            applies_from=draft.drawdown_date, decided_on=standing.business_date, known_at=standing.known_at,
        )  # fmt: skip
        today = _decided(rate_without_trace(inputs)[0], draft)
    if today != rate:
        raise Conflict(
            f"the rate of note {draft.note_code} was proposed as {rate} and is {today} today",
            zh=f"借据 {draft.note_code} 提交时利率为 {rate}，今日为 {today}",
            field="rate",
            remedy="Withdraw the drawdown and propose it again.",
            remedy_zh="请撤回后重新提交提款。",
        )


DRAWDOWN_APPROVAL = ApprovalKind(
    name="loans.drawdown",
    title_zh="提款",
    title_en="Drawdown",
    maker_roles=frozenset({Role.OFFICER, Role.SYSTEM}),
    checker_roles=frozenset({Role.CHECKER}),
    apply=_apply,
    address=lambda approval: f"/loan-contracts/{approval.payload['contract_number']}",
)
