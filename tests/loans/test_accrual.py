from dataclasses import replace
from datetime import date
from decimal import Decimal

from carbonfin.kernel.dates import DayCount
from carbonfin.storage.engine import Sessions
from collateral import service as collateral_service
from loans import jobs, service
from loans.calc.contracts.terms import AccrualDates, LoanTerms, RepaymentMethod
from loans.calc.notes import LoanNoteDraft
from tests.collateral.desk import build_desk, take_over_all
from tests.loans.world import KNOWN_AT

NEXT_DAY = date(2025, 7, 1)
# code: principal, drawn, maturity, rate, interest paid to, accrued on 1 July (10, 4 and 10 days; P3 ties at 843.125)
NOTES = {
    "P1": ("2000000", date(2025, 6, 10), date(2025, 10, 31), "0.0340", date(2025, 6, 21), "1888.89"),
    "P2": ("2300000", date(2025, 6, 27), date(2026, 6, 12), "0.0345", date(2025, 6, 27), "881.67"),
    "P3": ("855000", date(2025, 3, 14), date(2025, 12, 12), "0.0355", date(2025, 6, 21), "843.13"),
}


def note_draft(code: str, party_id: str) -> LoanNoteDraft:
    principal, drawn, maturity, rate, paid_to, _ = NOTES[code]
    return LoanNoteDraft(
        code=f"JJ-{code}",
        party_id=party_id,
        pledge_code=code,
        product="碳配额质押贷款(示例)",
        terms=LoanTerms(
            principal_cny=Decimal(principal),
            drawdown_date=drawn,
            maturity_date=maturity,
            rate=Decimal(rate),
            basis=DayCount.ACT_360,
            method=RepaymentMethod.BULLET,
            interest_period_months=1,
            settlement_day=20,
            accrual_dates=AccrualDates.UNADJUSTED,
        ),
        rate_note="固定",
        interest_paid_to=paid_to,
        is_sample=True,
    )


def test_what_notes_owe_is_posted_to_their_pledges(sessions: Sessions) -> None:
    with sessions.begin() as session:
        desk = build_desk(session)
        take_over_all(session, desk)
        for code in NOTES:
            pledge = collateral_service.pledge_by_code(session, desk.maker, code)
            assert pledge is not None
            service.record_loan_note(session, desk.maker, note_draft(code, pledge.pledgor_id), known_at=KNOWN_AT)
        first = jobs.accrue_interest(session, desk.maker, NEXT_DAY)
        assert (first.done_count, first.failures) == (3, ())
        again = jobs.accrue_interest(session, desk.maker, NEXT_DAY)
        assert again == first
    with sessions.read() as session:
        for code, (principal, *_, accrued) in NOTES.items():
            exposure = collateral_service.latest_exposure(session, desk.maker, code, on=NEXT_DAY)
            assert exposure is not None
            assert exposure.exposure_date == NEXT_DAY
            assert (exposure.principal_cny, exposure.accrued_cny) == (Decimal(principal), Decimal(accrued))


def test_past_maturity_no_default_interest_is_invented(sqlite_sessions: Sessions) -> None:
    with sqlite_sessions.begin() as session:
        desk = build_desk(session)
        take_over_all(session, desk)
        pledge = collateral_service.pledge_by_code(session, desk.maker, "P1")
        assert pledge is not None
        draft = replace(note_draft("P1", pledge.pledgor_id), pledge_code=None)
        service.record_loan_note(session, desk.maker, draft, known_at=KNOWN_AT)
        outcome = jobs.accrue_interest(session, desk.maker, date(2025, 11, 30))
        assert outcome.done_count == 1
        assert "matured on 2025-10-31" in outcome.failures[0].detail
        paid_ahead = jobs.accrue_interest(session, desk.maker, date(2025, 6, 15))
        assert paid_ahead.done_count == 0
        assert "paid to 2025-06-21" in paid_ahead.failures[0].detail
