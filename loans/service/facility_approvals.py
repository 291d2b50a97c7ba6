"""Credit lines and contracts before the checkers: in force as the next revision once another person approved them."""

from datetime import datetime

from sqlmodel import Session

from carbonfin.kernel.actors import Actor, Role
from carbonfin.kernel.dates import FixedClock
from carbonfin.kernel.errors import Conflict, InvalidInput
from carbonfin.storage import approvals
from carbonfin.storage.approvals import Answer, Approval, ApprovalKind, ProposalDraft
from carbonfin.storage.parties import Standing, load_party, standing_of
from loans.calc.facilities import CreditLine, LoanContract, require_room_for
from loans.service import facilities
from loans.service.securities import require_known_security
from loans.service.term_contracts import require_drawn_as_offered
from loans.store import facilities as store

_MAKERS = frozenset({Role.OFFICER, Role.SYSTEM})
_CHECKERS = frozenset({Role.CHECKER})


def propose_credit_line(
    session: Session, maker: Actor, line: CreditLine, *, standing: Standing, reason: str
) -> Approval:
    """Put a credit line, or a change of one, before the checkers; nothing changes until another person approves it.

    Raises:
        NotFound: The bank knows no such borrower.
        Conflict: The number stands for another borrower or currency, or a change of it waits already.
    """
    party = load_party(session, maker, line.party_id)
    _require_same_line(session, maker, line, known_at=standing.known_at)
    return approvals.propose(
        session,
        maker,
        CREDIT_LINE_APPROVAL,
        ProposalDraft(
            subject=f"credit_line:{line.number}",
            title_zh=f"授信 {line.number} {party.name}",
            title_en=f"Credit line {line.number} {party.name}",
            payload=store.payload_of(line) | {"party": f"{party.name} {party.code}"},
            reason=reason,
        ),
        at=standing.known_at,
    )


def propose_loan_contract(
    session: Session, maker: Actor, contract: LoanContract, *, standing: Standing, reason: str
) -> Approval:
    """Put a contract, or a change of one, before the checkers; nothing changes until another person approves it.

    Raises:
        NotFound: The line, the pledge or the repo is not known.
        Conflict: The line has no room for it, or a change of it waits already.
        InvalidInput: It may be drawn outside the line's availability period, or says otherwise than its term sheet.
        NotApplicable: The line is in another currency than CNY.
    """
    _require_fit(session, maker, contract, standing=standing)
    return approvals.propose(
        session,
        maker,
        LOAN_CONTRACT_APPROVAL,
        ProposalDraft(
            subject=f"loan_contract:{contract.number}",
            title_zh=f"借款合同 {contract.number}",
            title_en=f"Loan contract {contract.number}",
            payload=store.payload_of(contract),
            reason=reason,
        ),
        at=standing.known_at,
    )


def _require_same_line(session: Session, actor: Actor, line: CreditLine, *, known_at: datetime) -> None:
    for one in store.lines_known(session, actor, known_at=known_at, number=line.number):
        for name, zh in (("party_id", "借款人"), ("currency", "币种")):
            if getattr(one.terms, name) != getattr(line, name):
                raise Conflict(
                    f"line {line.number} stands with another {name}",
                    zh=f"授信 {line.number} 已录入且{zh}不同", field=name,
                    remedy="Use another number.", remedy_zh="请使用其他编号。",
                )  # fmt: skip


def _require_fit(session: Session, actor: Actor, contract: LoanContract, *, standing: Standing) -> None:
    line = facilities.load_line(
        session, actor, contract.line_number, valid_on=contract.valid_from, known_at=standing.known_at
    ).terms
    for one in store.contracts_known(session, actor, known_at=standing.known_at, number=contract.number):
        if one.terms.line_number != contract.line_number:
            raise Conflict(
                f"contract {contract.number} stands under line {one.terms.line_number}",
                zh=f"合同 {contract.number} 已录入于授信 {one.terms.line_number}", field="line_number",
                remedy="Use another number.", remedy_zh="请使用其他编号。",
            )  # fmt: skip
    if contract.signed_on > standing.business_date:
        raise InvalidInput(
            f"signed on {contract.signed_on}, after the business date {standing.business_date}",
            zh=f"签约日不得晚于业务日期 {standing.business_date}", field="signed_on",
        )  # fmt: skip
    require_drawn_as_offered(session, actor, contract, party_id=line.party_id)
    require_known_security(session, actor, contract)
    book = facilities.book_of(
        session, actor, waiting=(), valid_on=standing.business_date, known_at=standing.known_at, party_id=line.party_id
    )
    require_room_for(contract, line, book, on=standing.business_date)


def _apply_line(session: Session, checker: Actor, approval: Approval, _: Answer, at: datetime) -> None:
    """Put the line in force as its next revision."""
    line = store.terms_of_payload(approval.payload, CreditLine)
    store.lock_borrower(session, line.party_id)
    standing = standing_of(session, checker.organization_id, FixedClock(at))
    _require_same_line(session, checker, line, known_at=standing.known_at)
    store.add_line(session, checker, line, approval, known_from=standing.business_date, at=at)


def _apply_contract(session: Session, checker: Actor, approval: Approval, _: Answer, at: datetime) -> None:
    """Put the contract in force as its next revision; whether its line has room is looked at again."""
    contract = store.terms_of_payload(approval.payload, LoanContract)
    standing = standing_of(session, checker.organization_id, FixedClock(at))
    line = facilities.load_line(
        session, checker, contract.line_number, valid_on=contract.valid_from, known_at=standing.known_at
    ).terms
    store.lock_borrower(session, line.party_id)
    _require_fit(session, checker, contract, standing=standing)
    store.add_contract(session, checker, contract, approval, known_from=standing.business_date, at=at)


CREDIT_LINE_APPROVAL = ApprovalKind(
    name="loans.credit_line",
    title_zh="授信额度",
    title_en="Credit line",
    maker_roles=_MAKERS,
    checker_roles=_CHECKERS,
    apply=_apply_line,
    address=lambda approval: f"/credit-lines/{approval.payload['number']}",
)
LOAN_CONTRACT_APPROVAL = ApprovalKind(
    name="loans.contract",
    title_zh="借款合同",
    title_en="Loan contract",
    maker_roles=_MAKERS,
    checker_roles=_CHECKERS,
    apply=_apply_contract,
    address=lambda approval: f"/credit-lines/{approval.payload['line_number']}",
)
