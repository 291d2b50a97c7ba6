"""A bank with 10,000,000 drawn at 3.29 % (3.40 % without the concession), whose contract says what becomes of the rate.

Interest is due on the 21st of each month: 21 days at 3.29 % from 30 June, 19,191.67, on 21 July 2025.
"""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from sqlmodel import Session

from carbonfin.kernel.dates import FixedClock, end_of_china_day
from carbonfin.storage.jobs import JobOutcome
from carbonfin.storage.parties import DayState, Standing, roll_business_date, standing_of
from loans import jobs, service
from loans.calc.servicing.receipts import ReceiptDraft
from tests.loans.facility_samples import approved, contract_of, drawdown_of, line_of, put_in_force
from tests.loans.world import BUSINESS_DATE, KNOWN_AT, Bank, furnished_bank

NOTE = "JJ-2025-001"
STOPS: dict[str, Any] = {
    "concession_stop_days": 30, "concession_stops_from": "due-day", "concession_returns": "paid",
}  # fmt: skip
RESETS: dict[str, Any] = {"reset_months": 3, "reset_day": "anniversary", "fixing_lag_days": 1}


@dataclass(slots=True)
class RateWorld:
    """The bank on its business date; `roll` moves it."""

    session: Session
    bank: Bank
    today: date = BUSINESS_DATE
    references: list[str] = field(default_factory=list)

    @property
    def clock(self) -> FixedClock:
        return FixedClock(end_of_china_day(self.today))

    @property
    def standing(self) -> Standing:
        return standing_of(self.session, self.bank.officer.organization_id, self.clock)

    def roll(self, to: date) -> None:
        organization_id = self.bank.officer.organization_id
        roll_business_date(self.session, organization_id, expected=self.today, to=to, state=DayState.OPEN)
        self.today = to

    def stop(self) -> JobOutcome:
        return jobs.stop_concessions(self.session, self.bank.officer, self.today, self.clock)

    def reset(self) -> JobOutcome:
        return jobs.reset_rates(self.session, self.bank.officer, self.today, self.clock)

    def pay(self, amount: str, *, paid_on: date | None = None, prepays: bool = False) -> None:
        reference = f"HD-{len(self.references) + 1:03}"
        self.references.append(reference)
        receipt = ReceiptDraft(paid_on=paid_on or self.today, amount_cny=Decimal(amount), prepays=prepays)
        draft = service.RepaymentDraft(note_code=NOTE, reference=reference, receipt=receipt)
        waiting = service.propose_repayment(
            self.session, self.bank.officer, draft, standing=self.standing, reason="入账"
        )  # fmt: skip
        approved(self.session, self.bank.checker, waiting, at=self.standing.known_at)

    def view(self) -> service.NoteView:
        return service.note_view(self.session, self.bank.officer, NOTE, standing=self.standing)


def rate_world(session: Session, *, password_hash: str = "", **clauses: Any) -> RateWorld:
    """Give the bank, its contract with the clauses given, and one note drawn under it."""
    bank = furnished_bank(session, password_hash=password_hash)
    world = RateWorld(session=session, bank=bank)
    put_in_force(session, bank.officer, bank.checker, world.standing, line_of(bank.clothing.id), contract_of(**clauses))
    waiting = service.propose_drawdown(session, bank.officer, drawdown_of(), standing=world.standing, reason="提款")
    approved(session, bank.checker, waiting, at=KNOWN_AT)
    return world
