"""A credit line and a contract of the clothing maker, as the API takes them."""

from datetime import datetime
from typing import Any

import msgspec
from sqlmodel import Session

from carbonfin.app.approvals.kinds import APPROVAL_KINDS
from carbonfin.kernel.actors import Actor, Role
from carbonfin.kernel.dates import Clock, FixedClock
from carbonfin.storage import approvals
from carbonfin.storage.approvals import Answer, Approval
from carbonfin.storage.parties import Standing, actor_of, party_by_code, people_of, standing_of
from loans import service
from loans.calc.facilities import CreditLine, DrawdownDraft, LoanContract
from loans.schemas.facilities import CreditLineIn, DrawdownIn, LoanContractIn
from tests.loans.samples import E4_USCI

LINE: dict[str, Any] = {
    "number": "SX-2025-001", "usci": E4_USCI, "document": "授信批复(示例)〔2025〕1号", "currency": "CNY",
    "amount": "20000000.00", "is_revolving": False, "available_from": "2025-06-01", "available_to": "2026-05-31",
    "valid_from": "2025-06-01", "reason": "录入授信",
}  # fmt: skip
CONTRACT: dict[str, Any] = {
    "number": "HT-2025-001", "line_number": "SX-2025-001", "document": "借款合同(示例)", "product": "降碳贷(示例)",
    "purpose": "采购原材料", "amount": "12000000.00", "signed_on": "2025-06-30", "drawable_from": "2025-06-30",
    "drawable_to": "2025-12-31", "matures_by": "2026-12-31", "lpr_tenor": "1Y", "margin_bp": 40, "basis": "act/360",
    "method": "bullet", "interest_period_months": 1, "settlement_day": 20, "accrual_dates": "unadjusted",
    "valid_from": "2025-06-30", "reason": "签订合同",
}  # fmt: skip
DRAWDOWN: dict[str, Any] = {
    "note_code": "JJ-2025-001", "amount_cny": "10000000.00", "drawdown_date": "2025-06-30",
    "maturity_date": "2026-06-30", "reason": "按合同提款",
}  # fmt: skip


def line_of(party_id: str, **changed: Any) -> CreditLine:
    return msgspec.convert({**LINE, **changed}, CreditLineIn).line(party_id=party_id)


def contract_of(**changed: Any) -> LoanContract:
    return msgspec.convert({**CONTRACT, **changed}, LoanContractIn).contract()


def drawdown_of(contract_number: str = "HT-2025-001", **changed: Any) -> DrawdownDraft:
    return msgspec.convert({**DRAWDOWN, **changed}, DrawdownIn).draft(contract_number)


def approved(session: Session, checker: Actor, waiting: Approval, *, at: datetime) -> Approval:
    standing = standing_of(session, checker.organization_id, FixedClock(at))
    return approvals.approve(
        session, checker, waiting.id, kinds=APPROVAL_KINDS, answer=Answer(reason="同意"), at=at,
        business_date=standing.business_date,
    )  # fmt: skip


def put_in_force(
    session: Session, maker: Actor, checker: Actor, standing: Standing, *terms: CreditLine | LoanContract
) -> None:
    """Have lines and contracts proposed by one person and approved by another, in their order."""
    for one in terms:
        if isinstance(one, CreditLine):
            waiting = service.propose_credit_line(session, maker, one, standing=standing, reason="录入授信")
        else:
            waiting = service.propose_loan_contract(session, maker, one, standing=standing, reason="签订合同")
        approved(session, checker, waiting, at=standing.known_at)


def sign_sample_contract(session: Session, maker: Actor, *, clock: Clock) -> None:
    """Give a demonstration's bank a line and two contracts of the clothing maker, by its own checker."""
    standing = standing_of(session, maker.organization_id, clock)
    checker = next(
        actor_of(session, one.id) for one in people_of(session, maker.organization_id) if one.role is Role.CHECKER
    )
    party = party_by_code(session, maker, E4_USCI)
    second = contract_of(number="HT-2025-002", amount="1000000.00")
    put_in_force(session, maker, checker, standing, line_of(party.id), contract_of(), second)
