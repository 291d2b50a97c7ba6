from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carbonfin.kernel.dates import Calendar, DayCount
from carbonfin.kernel.errors import InvalidInput
from loans.calc.contracts.interest import accrued_interest_cny, net_of_vat_cny
from loans.calc.contracts.schedule import RepaymentSchedule, ScheduleInputs, make_schedule
from loans.calc.contracts.terms import AccrualDates, CalendarDays, LoanTerms, RepaymentMethod
from tests.loans.samples import BANK_2025, l1_calendar, l1_request

WEEKENDS_ONLY = Calendar(
    name="bank",
    holidays=frozenset(),
    make_up_workdays=frozenset(),
    known_until=date(2099, 12, 31),
    works_make_up_days=True,
)


def schedule_of(rate: str, **changes: object) -> RepaymentSchedule:
    terms = l1_request(**changes).terms_at(Decimal(rate))
    days = CalendarDays.of(BANK_2025, start=terms.drawdown_date, end=date(2030, 1, 1))
    return make_schedule(ScheduleInputs(terms=terms, calendar=days))


def test_emission_cut_loan_to_the_fen() -> None:
    schedule = make_schedule(ScheduleInputs(terms=l1_request().terms_at(Decimal("0.0329")), calendar=l1_calendar()))
    assert len(schedule.rows) == 13
    assert (schedule.rows[0].days, schedule.rows[0].interest_cny) == (20, Decimal("18277.78"))
    assert schedule.interest_total_cny == Decimal("333569.49")
    assert schedule.principal_total_cny == Decimal("10000000.00")
    assert [row.principal_cny for row in schedule.rows[:-1]] == [Decimal("0.00")] * 12
    assert schedule_of("0.0340").interest_total_cny == Decimal("344722.22")


def test_rows_past_the_published_notices_are_provisional_and_unmoved() -> None:
    schedule = make_schedule(ScheduleInputs(terms=l1_request().terms_at(Decimal("0.0329")), calendar=l1_calendar()))
    assert [row.provisional for row in schedule.rows] == [False] * 6 + [True] * 7
    assert schedule.provisional_from == date(2026, 1, 21)
    # Sundays 2025-09-21 and 2025-12-21 move to Monday; Sunday 2026-06-21 stands where it is
    assert [row.payment_date for row in schedule.rows[:6]] == [
        date(2025, 7, 21), date(2025, 8, 21), date(2025, 9, 22), date(2025, 10, 21), date(2025, 11, 21), date(2025, 12, 22),
    ]  # fmt: skip
    assert schedule.rows[11].payment_date == date(2026, 6, 21)


def test_settled_loan_paid_interest_by_quarter() -> None:
    schedule = schedule_of(
        "0.0385",
        credit_line_cny=Decimal(3_000_000),
        principal_cny=Decimal(3_000_000),
        drawdown_date=date(2024, 6, 21),
        maturity_date=date(2025, 6, 20),
        interest_period_months=3,
    )
    vouchers = [row.interest_cny for row in schedule.rows]
    assert vouchers == [Decimal(text) for text in ("29516.67", "29195.83", "28875.00", "29195.83")]
    assert sum(vouchers) == Decimal("116783.33")
    split = [net_of_vat_cny(interest, vat_rate=Decimal("0.06")) for interest in vouchers]
    assert sum(vat for _, vat in split) == Decimal("6610.36")
    assert sum(net for net, _ in split) == Decimal("110172.97")


@pytest.mark.parametrize(
    ("principal", "rate", "paid_to", "accrued"),
    [
        ("2000000", "0.0340", date(2025, 6, 21), "1700.00"),
        ("2300000", "0.0345", date(2025, 6, 27), "661.25"),
        ("855000", "0.0355", date(2025, 6, 21), "758.81"),
    ],
)
def test_interest_accrued_on_the_running_pledge_loans(principal: str, rate: str, paid_to: date, accrued: str) -> None:
    interest = accrued_interest_cny(
        balance_cny=Decimal(principal),
        rate=Decimal(rate),
        basis=DayCount.ACT_360,
        paid_to=paid_to,
        accrual_date=date(2025, 6, 30),
    )
    assert interest == Decimal(accrued)


def test_accrual_before_the_day_paid_to_is_refused() -> None:
    with pytest.raises(InvalidInput) as refused:
        accrued_interest_cny(
            balance_cny=Decimal(1),
            rate=Decimal("0.03"),
            basis=DayCount.ACT_360,
            paid_to=date(2025, 6, 21),
            accrual_date=date(2025, 6, 20),
        )
    assert refused.value.field == "accrual_date"


def test_equal_instalments_by_whole_months_match_the_textbook_annuity() -> None:
    # P = 120,000 at 3.60 % over 12 months of 30 days: A = P i / (1 - (1+i)^-12) with i = 0.003 gives 10,196.37
    schedule = schedule_of(
        "0.036",
        principal_cny=Decimal(120_000),
        drawdown_date=date(2025, 1, 21),
        maturity_date=date(2026, 1, 21),
        method=RepaymentMethod.EQUAL_INSTALMENT,
        basis=DayCount.THIRTY_E_360,
    )
    i = Decimal("0.003")
    annuity = 120_000 * i / (1 - (1 + i) ** -12)
    assert {row.payment_cny for row in schedule.rows[:-1]} == {round(annuity, 2)}
    assert abs(schedule.rows[-1].payment_cny - annuity) < Decimal("0.12")
    assert schedule.rows[0].interest_cny == Decimal("360.00")


def test_equal_principal_gives_the_last_row_the_remainder() -> None:
    schedule = schedule_of("0.03", principal_cny=Decimal("1000.00"), method=RepaymentMethod.EQUAL_PRINCIPAL)
    assert {row.principal_cny for row in schedule.rows[:-1]} == {Decimal("76.92")}
    assert schedule.rows[-1].principal_cny == Decimal("76.96")


def test_last_day_of_the_month_is_not_lost_on_short_months() -> None:
    schedule = schedule_of("0.03", settlement_day=31, drawdown_date=date(2025, 1, 10), maturity_date=date(2025, 6, 10))
    assert [row.end for row in schedule.rows] == [
        date(2025, 2, 1), date(2025, 3, 1), date(2025, 4, 1), date(2025, 5, 1), date(2025, 6, 1), date(2025, 6, 10),
    ]  # fmt: skip


def test_adjusted_interest_runs_to_the_day_paid() -> None:
    unadjusted = schedule_of("0.0329")
    adjusted = schedule_of("0.0329", accrual_dates=AccrualDates.ADJUSTED)
    assert (unadjusted.rows[2].days, adjusted.rows[2].days) == (31, 32)
    assert (unadjusted.rows[3].days, adjusted.rows[3].days) == (30, 29)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"principal_cny": Decimal(0)}, "principal_cny"),
        ({"principal_cny": Decimal("1.001")}, "principal_cny"),
        ({"principal_cny": Decimal("NaN")}, "principal_cny"),
        ({"principal_cny": Decimal("20000000.01")}, "principal_cny"),
        ({"credit_line_cny": Decimal(0)}, "credit_line_cny"),
        ({"maturity_date": date(2025, 7, 1)}, "maturity_date"),
        ({"maturity_date": date(2095, 7, 1)}, "maturity_date"),
        ({"drawdown_date": date(9998, 1, 1), "maturity_date": date(9999, 12, 31)}, "drawdown_date"),
        ({"drawdown_date": date(1, 1, 1)}, "drawdown_date"),
        ({"settlement_day": 0}, "settlement_day"),
        ({"interest_period_months": 2}, "interest_period_months"),
    ],
)
def test_impossible_terms_are_refused_by_field(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        l1_request(**changes)
    assert refused.value.field == field
    assert refused.value.zh


def test_rate_beyond_reason_is_refused() -> None:
    terms = l1_request().terms_at(Decimal("0.03"))
    for rate in ("-0.01", "3.29", "NaN"):
        with pytest.raises(InvalidInput):
            replace(terms, rate=Decimal(rate))


TERMS = st.builds(
    LoanTerms,
    principal_cny=st.integers(1, 10**12).map(lambda fen: Decimal(fen).scaleb(-2)),
    drawdown_date=st.dates(date(2020, 1, 1), date(2026, 12, 31)),
    maturity_date=st.dates(date(2027, 1, 1), date(2032, 12, 31)),
    rate=st.integers(0, 1500).map(lambda bp: Decimal(bp) / 10_000),
    basis=st.sampled_from(DayCount),
    method=st.sampled_from(RepaymentMethod),
    interest_period_months=st.sampled_from((1, 3, 6, 12)),
    settlement_day=st.integers(1, 31),
    accrual_dates=st.sampled_from(AccrualDates),
)


def made(terms: LoanTerms) -> RepaymentSchedule:
    days = CalendarDays.of(WEEKENDS_ONLY, start=terms.drawdown_date, end=date(2034, 1, 1))
    return make_schedule(ScheduleInputs(terms=terms, calendar=days))


@settings(max_examples=60, deadline=None)
@given(TERMS)
def test_schedule_repays_the_principal_exactly(terms: LoanTerms) -> None:
    schedule = made(terms)
    assert schedule.principal_total_cny == terms.principal_cny
    assert schedule.rows[-1].closing_balance_cny == 0
    assert schedule.payment_total_cny == schedule.interest_total_cny + schedule.principal_total_cny
    assert all(row.interest_cny >= 0 and row.principal_cny >= 0 for row in schedule.rows)
    assert all(before.end == after.start for before, after in zip(schedule.rows, schedule.rows[1:], strict=False))
    assert all(row.payment_date >= row.contract_date for row in schedule.rows)


@settings(max_examples=40, deadline=None)
@given(TERMS.filter(lambda terms: terms.method is not RepaymentMethod.EQUAL_INSTALMENT), st.integers(1, 500))
def test_interest_grows_with_the_rate(terms: LoanTerms, more_bp: int) -> None:
    dearer = replace(terms, rate=terms.rate + Decimal(more_bp) / 10_000)
    for before, after in zip(made(terms).rows, made(dearer).rows, strict=True):
        assert after.interest_cny >= before.interest_cny
