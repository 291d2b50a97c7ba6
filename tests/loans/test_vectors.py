"""Independent cases of the shared vectors, through the package's public functions."""

import json
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from carbonfin.kernel.dates import Calendar, DayCount
from carbonfin.kernel.errors import InvalidInput
from loans.calc.contracts.interest import interest_fen, net_of_vat_cny
from loans.calc.contracts.schedule import exact_interest_of, interest_periods
from loans.calc.contracts.terms import AccrualDates, CalendarDays, LoanTerms, RepaymentMethod
from loans.calc.financed import attributed_t
from loans.calc.jiangtandai import PointFraction, concession_bp
from loans.calc.ratings.carbon_efficiency import intensity_band, ratio_level
from tests.loans.samples import BANDS, LEVELS, VECTORS


def vector(name: str) -> dict[str, Any]:
    path = VECTORS / f"{name}.json"
    if not path.exists():
        pytest.skip(f"vectors absent: {path}")
    cases: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    return cases


def as_fraction(number: Any) -> Fraction:
    return Fraction(Decimal(number))


def calendar_of(kind: str, *, known_until: date = date(2026, 12, 31)) -> Calendar:
    years = vector("loans_cn_calendar")[kind].values()
    return Calendar(
        name="bank",
        holidays=frozenset(date.fromisoformat(day) for year in years for day in year["holidays"]),
        make_up_workdays=frozenset(
            date.fromisoformat(day) for year in years for day in year.get("working_weekends", ())
        ),
        known_until=known_until,
        works_make_up_days=True,
    )


def test_carbon_efficiency_thresholds() -> None:
    rules = vector("loans_cn_rules")["zhejiang_carbon_efficiency"]
    for case in rules["cases"]:
        assert ratio_level(as_fraction(case["K"]), LEVELS) == case["level"], case
    for row in rules["absolute_t_per_10k_yuan"]:
        if "le" in row:
            assert intensity_band(as_fraction(row["le"]), BANDS) == row["label"]
        if "gt" in row:
            assert intensity_band(as_fraction(row["gt"]) + Fraction(1, 10**9), BANDS) == row["label"]


def test_concession_points() -> None:
    for case in vector("loans_cn_rules")["jiangtandai_pricing"]["cases"]:
        found = concession_bp(
            score=Decimal(case["score"]),
            base_score=Decimal(case["base"]),
            bp_per_point=Decimal(1),
            cap_bp=Decimal(case["cap_bp"]),
            fraction=PointFraction.FLOOR,
        )
        assert found == case["adj_bp"], case


def test_interest_net_of_vat() -> None:
    for case in vector("loans_cn_rules")["nanshan_green_financing_subsidy_2025"]["cases"]:
        net, vat = net_of_vat_cny(Decimal(case["interest_incl_vat"]), vat_rate=Decimal("0.06"))
        assert (net, vat) == (case["interest_incl_vat"] - case["vat"], case["vat"])


def test_interest_rounds_half_up_to_the_fen() -> None:
    cases = vector("loans_interest_rounding")["cases"]
    assert any(case["tie"] for case in cases)
    for case in cases:
        basis = {360: DayCount.ACT_360, 365: DayCount.ACT_365}[case["basis"]]
        found = interest_fen(
            balance_fen=case["balance_fen"], rate=Decimal(case["rate_bp"]) / 10_000, days=case["days"], basis=basis
        )
        assert found == case["interest_fen_half_up"], case


def test_financed_emissions() -> None:
    compared = 0
    for case in vector("loans_pcaf")["cases"]:
        denominator = next((case[key] for key in ("evic", "equity_plus_debt", "vehicle_value") if key in case), None)
        assert denominator is not None, case
        if "financed_s12" not in case:
            with pytest.raises(InvalidInput):
                attributed_t(
                    outstanding_cny=Decimal(case["outstanding"]),
                    denominator_cny=Decimal(denominator),
                    emissions_t=Decimal(1),
                )
            compared += 1
            continue
        emissions = case["s12"] if "s12" in case else case["s1"] + case["s2"]
        found = attributed_t(
            outstanding_cny=Decimal(case["outstanding"]),
            denominator_cny=Decimal(denominator),
            emissions_t=Decimal(emissions),
        )
        assert found == as_fraction(case["financed_s12"]), case
        compared += 1
    assert compared == 5


def test_equal_principal_unrounded_with_moved_days() -> None:
    data = vector("loans_lam_quantlib")
    terms = LoanTerms(
        principal_cny=Decimal(1_000_000),
        drawdown_date=date(2025, 1, 20),
        maturity_date=date(2027, 1, 20),
        rate=Decimal("0.0310"),
        basis=DayCount.ACT_360,
        method=RepaymentMethod.EQUAL_PRINCIPAL,
        interest_period_months=1,
        settlement_day=19,
        accrual_dates=AccrualDates.ADJUSTED,
    )
    days = CalendarDays.of(calendar_of("IB"), start=terms.drawdown_date, end=date(2027, 3, 1))
    periods = interest_periods(terms, days)
    interest = [(day, amount) for number, (day, amount) in enumerate(data["cashflows"]) if number % 2 == 0]
    principal = [(day, amount) for number, (day, amount) in enumerate(data["cashflows"]) if number % 2 == 1]
    assert len(periods) == len(interest) == 24
    balance_fen = Fraction(100_000_000)
    each = balance_fen / 24
    for period, (day, expected), (principal_day, repaid) in zip(periods, interest, principal, strict=True):
        assert period.payment_date.isoformat() == day == principal_day
        exact = exact_interest_of(terms, period, balance_fen=balance_fen) / 100
        assert abs(exact - Fraction(expected)) < Fraction(1, 10**8), day
        assert abs(each / 100 - Fraction(repaid)) < Fraction(1, 10**8)
        assert period.provisional == (period.contract_date >= date.fromisoformat(data["provisional_from"]))
        balance_fen -= each
