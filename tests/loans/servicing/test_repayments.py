"""Receipts through the services on both databases: proposed, approved, allocated, posted to the pledge, vouchered."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from sqlmodel import Session

from carbonfin.kernel.dates import FixedClock
from carbonfin.kernel.errors import CarbonFinError, Conflict, InvalidInput
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import DayState, Standing, roll_business_date, standing_of
from loans import jobs, service
from loans.calc.contracts.terms import RepaymentMethod
from loans.calc.notes import LoanNoteDraft, NoteState
from loans.calc.servicing.receipts import ReceiptDraft
from loans.service import RepaymentDraft
from tests.loans.facility_samples import approved
from tests.loans.test_accrual import note_draft
from tests.loans.world import BUSINESS_DATE, KNOWN_AT, Bank, furnished_bank

PAY_DAY = date(2025, 7, 21)


def draft_of(party_id: str) -> LoanNoteDraft:
    """855,000.00 at 3.55 %, act/360, bullet, interest paid to 21 June: on 21 July 2,529.38 are due."""
    draft = note_draft("P3", party_id)
    return replace(draft, pledge_code=None)


def receipt(paid_on: date, amount: str, *, reference: str = "HD-001", **more: Any) -> RepaymentDraft:
    return RepaymentDraft(
        note_code="JJ-P3", reference=reference,
        receipt=ReceiptDraft(paid_on=paid_on, amount_cny=Decimal(amount), **more),
    )  # fmt: skip


def world(session: Session, *, day: date = PAY_DAY) -> tuple[Bank, Standing]:
    bank = furnished_bank(session)
    service.record_loan_note(session, bank.officer, draft_of(bank.clothing.id), known_at=KNOWN_AT)
    roll_business_date(session, bank.officer.organization_id, expected=BUSINESS_DATE, to=day, state=DayState.OPEN)
    return bank, standing_of(session, bank.officer.organization_id, FixedClock(KNOWN_AT))


def enter(session: Session, bank: Bank, standing: Standing, draft: RepaymentDraft) -> None:
    waiting = service.propose_repayment(session, bank.officer, draft, standing=standing, reason="入账")
    approved(session, bank.checker, waiting, at=standing.known_at)


def test_a_receipt_pays_what_is_due_and_leaves_its_voucher(sessions: Sessions) -> None:
    with sessions.begin() as session:
        bank, standing = world(session)
        waiting = service.propose_repayment(
            session, bank.officer, receipt(PAY_DAY, "2529.38"), standing=standing, reason="入账"
        )
        before = service.note_view(session, bank.officer, "JJ-P3", standing=standing)
        assert (before.receipts, before.line.standing.due_cny) == ((), Decimal("2529.38"))
        approved(session, bank.checker, waiting, at=standing.known_at)
        after = service.note_view(session, bank.officer, "JJ-P3", standing=standing)
        assert after.line.note.interest_paid_to == PAY_DAY
        assert [(one.amount_cny, reference) for one, reference in after.receipts] == [(Decimal("2529.38"), "HD-001")]
        voucher = after.vouchers[-1]
        assert (voucher.period_start, voucher.period_end, voucher.interest_cny) == (
            date(2025, 6, 21), PAY_DAY, Decimal("2529.38"),
        )  # fmt: skip
        assert (voucher.net_cny, voucher.vat_cny) == (Decimal("2386.21"), Decimal("143.17"))  # 2529.38 / 1.06
        assert after.line.standing.due_cny == 0


def test_part_of_the_interest_leaves_no_voucher_until_the_rest_came(sessions: Sessions) -> None:
    with sessions.begin() as session:
        bank, standing = world(session)
        enter(session, bank, standing, receipt(PAY_DAY, "1000.00"))
        half = service.note_view(session, bank.officer, "JJ-P3", standing=standing)
        assert (half.vouchers, half.line.note.interest_paid_to) == ((), date(2025, 6, 21))
        assert half.line.standing.due_cny == Decimal("1529.38")
        enter(session, bank, standing, receipt(PAY_DAY, "1529.38", reference="HD-002"))
        whole = service.note_view(session, bank.officer, "JJ-P3", standing=standing)
        assert [one.interest_cny for one in whole.vouchers] == [Decimal("2529.38")]
        with pytest.raises(Conflict) as refused:
            service.record_interest_payment(
                session, bank.officer, "JJ-P3", period_end=date(2025, 8, 21), paid_date=PAY_DAY, known_at=KNOWN_AT
            )
        assert refused.value.field == "code"


def test_a_receipt_is_entered_once_in_a_bank(sessions: Sessions) -> None:
    with sessions.begin() as session:
        bank, standing = world(session)
        other = replace(draft_of(bank.clothing.id), code="JJ-P4")
        service.record_loan_note(session, bank.officer, other, known_at=KNOWN_AT)
        on_other = replace(receipt(PAY_DAY, "1000.00"), note_code="JJ-P4")
        waiting = service.propose_repayment(session, bank.officer, on_other, standing=standing, reason="入账")
        enter(session, bank, standing, receipt(PAY_DAY, "1000.00"))
        for again in (receipt(PAY_DAY, "500.00"), on_other):
            with pytest.raises(Conflict) as refused:
                service.preview_repayment(session, bank.officer, again, standing=standing)
            assert (refused.value.field, "JJ-P3" in str(refused.value)) == ("reference", True)
        with pytest.raises(Conflict) as late:
            approved(session, bank.checker, waiting, at=standing.known_at)
        assert late.value.field == "reference"


def test_repaying_early_is_kept_and_the_schedule_follows(sessions: Sessions) -> None:
    """On 21 July 2,529.38 and 355,000.00: then 500,000 x 0.0355 x 31 / 360 = 1,528.47 to 21 August."""
    with sessions.begin() as session:
        bank, standing = world(session)
        enter(session, bank, standing, receipt(PAY_DAY, "357529.38", prepays=True))
    with sessions.read() as session:
        view = service.note_view(session, bank.officer, "JJ-P3", standing=standing)
        assert view.line.note.outstanding_cny == Decimal("500000.00")
        following = next(row for row in view.rows if row.start == PAY_DAY)
        assert (following.opening_balance_cny, following.interest_cny) == (Decimal("500000.00"), Decimal("1528.47"))
        assert view.rows[-1].principal_cny == Decimal("500000.00")


def test_the_figure_of_the_page_settles_the_note(sessions: Sessions) -> None:
    """Ten days late: 2,529.38 late, compound 2,529.38 x 0.0355 x 1.5 x 10 / 360 = 3.74, accrued 843.13."""
    late = date(2025, 7, 31)
    with sessions.begin() as session:
        bank, standing = world(session, day=late)
        owed = service.note_view(session, bank.officer, "JJ-P3", standing=standing).line.standing
        assert (owed.interest_due_cny, owed.compound_cny, owed.accrued_cny) == (
            Decimal("2529.38"), Decimal("3.74"), Decimal("843.13"),
        )  # fmt: skip
        assert owed.payoff_cny == Decimal("858376.25")
        enter(session, bank, standing, receipt(late, "858376.25", prepays=True))
        note = service.load_note(session, bank.officer, "JJ-P3")
        assert (note.state, note.settled_date, note.outstanding_cny) == (NoteState.SETTLED, late, 0)
        with pytest.raises(Conflict) as refused:
            service.propose_repayment(session, bank.officer, receipt(late, "1.00"), standing=standing, reason="x")
        assert refused.value.field == "note_code"


def test_what_is_overdue_is_accrued_with_its_penalties(sessions: Sessions) -> None:
    late = date(2025, 7, 31)
    with sessions.begin() as session:
        bank, _ = world(session, day=late)
        outcome = jobs.accrue_interest(session, bank.officer, late)
        assert (outcome.done_count, outcome.failures) == (1, ())
        assert jobs.accrue_interest(session, bank.officer, late) == outcome


def test_what_changed_since_it_was_proposed_is_not_entered(sessions: Sessions) -> None:
    """Proposed on the day; approved the day after another receipt of the same day would pay something else."""
    with sessions.begin() as session:
        bank, standing = world(session)
        waiting = service.propose_repayment(
            session, bank.officer, receipt(PAY_DAY, "2529.38"), standing=standing, reason="入账"
        )
        with pytest.raises(Conflict):  # one at a time
            service.propose_repayment(
                session, bank.officer, receipt(PAY_DAY, "1.00"), standing=standing, reason="又一笔"
            )
        service.record_interest_payment(
            session, bank.officer, "JJ-P3", period_end=PAY_DAY, paid_date=PAY_DAY, known_at=KNOWN_AT
        )
        with pytest.raises(CarbonFinError) as refused:
            approved(session, bank.checker, waiting, at=standing.known_at)
        assert refused.value.field == "amount_cny"


@pytest.mark.parametrize(("paid_on", "reference"), [(date(2025, 7, 22), "HD-1"), (PAY_DAY, " ")])
def test_a_receipt_of_tomorrow_or_without_a_reference_is_refused(
    sqlite_sessions: Sessions, paid_on: date, reference: str
) -> None:
    with sqlite_sessions.begin() as session:
        bank, standing = world(session)
        with pytest.raises(InvalidInput):
            service.propose_repayment(
                session, bank.officer, replace(receipt(paid_on, "1.00"), reference=reference), standing=standing,
                reason="x",
            )  # fmt: skip


def test_a_balance_by_instalments_goes_down_as_it_is_paid(sqlite_sessions: Sessions) -> None:
    with sqlite_sessions.begin() as session:
        bank = furnished_bank(session)
        draft = draft_of(bank.clothing.id)
        terms = replace(draft.terms, method=RepaymentMethod.EQUAL_PRINCIPAL, drawdown_date=date(2025, 6, 21))
        service.record_loan_note(session, bank.officer, replace(draft, terms=terms), known_at=KNOWN_AT)
        organization_id = bank.officer.organization_id
        roll_business_date(session, organization_id, expected=BUSINESS_DATE, to=PAY_DAY, state=DayState.OPEN)
        standing = standing_of(session, organization_id, FixedClock(KNOWN_AT))
        owed = service.note_view(session, bank.officer, "JJ-P3", standing=standing).line.standing
        # 855,000 over six payments, the last on 12 December: 142,500.00 each
        assert (owed.principal_due_cny, owed.interest_due_cny) == (Decimal("142500.00"), Decimal("2529.38"))
        enter(session, bank, standing, receipt(PAY_DAY, "145029.38"))
        assert service.load_note(session, bank.officer, "JJ-P3").outstanding_cny == Decimal("712500.00")
