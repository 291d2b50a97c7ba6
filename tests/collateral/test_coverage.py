"""Coverage, LTV, close-out and last safe date of the sample pledges, to the fen (expected: the sample scenario)."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carbonfin.kernel.allowances import Scheme, Unit
from carbonfin.kernel.errors import InvalidInput, MissingData
from collateral.calc.appraisal import AppraisalInputs, AppraisalOutcome, Availability, decide_appraisal
from collateral.calc.coverage import CoverageInputs, CoverageOutcome, Debt, PledgedLine, TopUpCandidate, decide_coverage
from collateral.calc.coverage_rules import CoverageLevel
from collateral.calc.haircuts import Haircut, haircut_value_cny, stacked_ratio
from collateral.calc.surrender import SafeDateKind
from tests.collateral.world import (
    EXCHANGE,
    TODAY,
    haircut,
    line,
    parameter,
    price,
    safety_terms,
    thresholds,
)


def debt(principal: str, accrued: str) -> Debt:
    return Debt(
        principal_cny=Decimal(principal),
        accrued_cny=Decimal(accrued),
        costs_cny=Decimal("0.00"),
        exposure_date=TODAY,
        source="test",
    )


def coverage(
    lines: tuple[PledgedLine, ...], owed: Debt, *, end: date, candidates: tuple[TopUpCandidate, ...] = ()
) -> CoverageOutcome:
    return decide_coverage(
        CoverageInputs(
            agreement_code="P",
            valuation_date=TODAY,
            end_date=end,
            lines=lines,
            debt=owed,
            thresholds=thresholds(),
            safety=safety_terms(*(str(one.unit) for one in lines)),
            candidates=candidates,
        )
    )


def figure(outcome: CoverageOutcome | AppraisalOutcome, name: str) -> str:
    return next(one.value for one in outcome.trace if one.name == name)


def test_pledge_p1() -> None:
    outcome = coverage((line("CEA-2023", 50000),), debt("2000000.00", "1700.00"), end=date(2025, 10, 31))
    valuation = outcome.valuation
    assert valuation.market_value_cny == Decimal("3701500.00")
    assert valuation.collateral_value_cny == Decimal("2220900.00")
    assert f"{valuation.coverage_ratio:.4f}" == "1.1095"
    assert f"{valuation.ltv_ratio:.4f}" == "0.5403"
    assert valuation.level is CoverageLevel.COVERED
    assert outcome.closeout_days == 3
    assert outcome.safe_date.kind is SafeDateKind.DATED
    assert outcome.safe_date.day == date(2025, 12, 12)
    assert outcome.cash_to_initial_cny == 0
    assert figure(outcome, "last_safe_date") == "2025-12-12"
    assert figure(outcome, "market_value") == "3701500.00"


def test_pledge_p2() -> None:
    outcome = coverage(
        (line("SZA-2022", 60000), line("SZA-2023", 60000)), debt("2300000.00", "661.25"), end=date(2026, 6, 12)
    )
    assert outcome.valuation.collateral_value_cny == Decimal("2370000.00")
    assert f"{outcome.valuation.coverage_ratio:.4f}" == "1.0301"
    assert outcome.closeout_days == 30
    assert outcome.safe_date.kind is SafeDateKind.NOT_LIMITED
    assert outcome.unconfirmed == ("pricing.vintage_carries_forward[SZA]",)


def test_pledge_p3_is_called_with_cash_or_tonnes() -> None:
    candidate = TopUpCandidate(
        unit=Unit.parse("SZA-2024"), free_t=33000, price=price("41.00"), haircut=line("SZA-2024", 1).haircut
    )
    outcome = coverage(
        (line("SZA-2023", 40000),), debt("855000.00", "758.81"), end=date(2025, 12, 12), candidates=(candidate,)
    )
    assert outcome.valuation.debt_cny == Decimal("855758.81")
    assert outcome.valuation.collateral_value_cny == Decimal("800000.00")
    assert f"{outcome.valuation.coverage_ratio:.4f}" == "0.9348"
    assert outcome.valuation.level is CoverageLevel.WARNING
    assert outcome.cash_to_initial_cny == Decimal("55758.81")
    assert [(str(one.unit), one.quantity_t, one.is_sufficient) for one in outcome.top_ups] == [("SZA-2024", 2720, True)]


def test_pledge_p3_at_drawdown() -> None:
    outcome = coverage((line("SZA-2023", 40000, "46.00"),), debt("855000.00", "0.00"), end=date(2025, 12, 12))
    assert outcome.valuation.collateral_value_cny == Decimal("920000.00")
    assert f"{outcome.valuation.coverage_ratio:.4f}" == "1.0760"


def appraisal(
    *,
    end: date,
    free_t: int = 60000,
    quantity_t: int = 50000,
    age_days: int = 0,
    held_t: int | None = None,
    has_limit: bool | None = True,
) -> AppraisalOutcome:
    limit = parameter("pricing.stale_after_days", "5", scope="CEA", unit="days")
    asked = line("CEA-2023", quantity_t)
    return decide_appraisal(
        AppraisalInputs(
            agreement_code="P5",
            extends_code="P1",
            valuation_date=TODAY,
            end_date=end,
            lines=(replace(asked, price=replace(asked.price, staleness_days=age_days)),),
            debt=debt("2000000.00", "0.00"),
            thresholds=thresholds(),
            safety=safety_terms("CEA-2023"),
            availability=(Availability(unit=Unit.parse("CEA-2023"), free_t=free_t, held_t=held_t),),
            headrooms=(),
            schemes_without_headroom=(),
            stale_after=None if has_limit is None else ((Scheme.CEA, limit),) if has_limit else (),
        )
    )


def test_pledge_p5_is_refused_for_its_end() -> None:
    outcome = appraisal(end=date(2026, 3, 31))
    assert [one.code for one in outcome.refusals] == ["end-after-last-safe-date"]
    assert "2025-12-12" in outcome.refusals[0].zh
    assert "未获准结转" in outcome.refusals[0].zh
    assert not outcome.is_acceptable


def test_appraisal_within_the_last_safe_date_is_acceptable() -> None:
    assert appraisal(end=date(2025, 12, 12)).is_acceptable
    assert [one.code for one in appraisal(end=date(2025, 12, 13)).refusals] == ["end-after-last-safe-date"]


def test_appraisal_names_units_that_are_not_free_and_low_coverage() -> None:
    outcome = appraisal(end=date(2025, 10, 31), free_t=10000, quantity_t=40000)
    assert [one.code for one in outcome.refusals] == ["coverage-below-initial", "units-not-free"]


def test_a_price_older_than_its_scheme_allows_is_refused_with_both_figures_and_what_to_do() -> None:
    end = date(2025, 10, 31)
    assert appraisal(end=end, age_days=5).is_acceptable
    (refusal,) = appraisal(end=end, age_days=6).refusals
    assert refusal.code == "price-stale"
    assert all(word in refusal.zh for word in ("CEA-2023", "6 个交易日", "上限 5 个交易日", "请补录"))
    assert "6 trading days old, more than 5" in refusal.detail


def test_a_scheme_without_a_limit_of_age_is_refused_but_in_decisions_made_before_it_was_asked() -> None:
    end = date(2025, 10, 31)
    (refusal,) = appraisal(end=end, has_limit=False).refusals
    assert refusal.code == "price-age-limit-unknown"
    assert "CEA" in refusal.zh
    assert appraisal(end=end, has_limit=None, age_days=90).is_acceptable


def test_units_nobody_registered_are_refused_as_such_and_not_as_bound() -> None:
    end = date(2025, 10, 31)
    (refusal,) = appraisal(end=end, free_t=0, held_t=0).refusals
    assert refusal.code == "holding-not-registered"
    assert all(word in refusal.zh for word in ("50000 吨", "登记持有 0 吨", "持仓证明"))
    assert [one.code for one in appraisal(end=end, free_t=0, held_t=50000).refusals] == ["units-not-free"]


def test_value_on_a_line_has_not_fallen_below_it() -> None:
    on_warning = coverage((line("SZA-2023", 38000),), debt("800000.00", "0.00"), end=date(2025, 12, 12))
    assert on_warning.valuation.coverage_ratio == Decimal("0.95")
    assert on_warning.valuation.level is CoverageLevel.BELOW_INITIAL
    on_disposal = coverage((line("SZA-2023", 34000),), debt("800000.00", "0.00"), end=date(2025, 12, 12))
    assert on_disposal.valuation.level is CoverageLevel.WARNING
    below = coverage((line("SZA-2023", 34000),), debt("800000.01", "0.00"), end=date(2025, 12, 12))
    assert below.valuation.level is CoverageLevel.DISPOSAL


def test_a_missing_haircut_is_refused() -> None:
    with pytest.raises(MissingData, match=r"collateral\.haircut_ratio\[GDEA\]"):
        haircut(Unit.parse("GDEA-2024"))


def test_haircuts_add_and_do_not_multiply() -> None:
    # vectors/collateral/collateral_csa_margin.json, haircut_stacking: 5 % + 8 % + 2 % of 1,000,000 leave 850,000.
    ratio = stacked_ratio([Decimal("0.05"), Decimal("0.08"), Decimal("0.02")])
    assert haircut_value_cny(Decimal(1_000_000), ratio) == Decimal("850000.00")


@given(parts=st.lists(st.decimals(min_value=0, max_value=1, places=4), min_size=1, max_size=4))
def test_haircuts_stay_within_0_to_1(parts: list[Decimal]) -> None:
    if sum(parts) > 1:
        with pytest.raises(InvalidInput):
            stacked_ratio(parts)
        return
    ratio = stacked_ratio(parts)
    assert 0 <= ratio <= 1
    assert 0 <= haircut_value_cny(Decimal("3701500.00"), ratio) <= Decimal("3701500.00")


@pytest.mark.parametrize("value", ["-0.01", "1.01"])
def test_a_haircut_outside_0_to_1_is_refused(value: str) -> None:
    with pytest.raises(InvalidInput):
        Haircut(parts=(parameter("collateral.haircut_ratio", value),))


@given(quantity_t=st.integers(1, 10**6), principal=st.decimals(min_value=1, max_value=10**9, places=2))
def test_top_up_and_cash_each_restore_the_initial_line(quantity_t: int, principal: Decimal) -> None:
    candidate = TopUpCandidate(
        unit=Unit.parse("SZA-2024"), free_t=0, price=price("41.00"), haircut=line("SZA-2024", 1).haircut
    )
    lines = (line("SZA-2023", quantity_t),)
    outcome = coverage(lines, debt(str(principal), "0.00"), end=date(2025, 12, 12), candidates=(candidate,))
    if outcome.cash_to_initial_cny == 0:
        assert outcome.valuation.level is CoverageLevel.COVERED
        return
    assert outcome.valuation.collateral_value_cny >= principal - outcome.cash_to_initial_cny
    added = outcome.top_ups[0].quantity_t
    value = outcome.valuation.collateral_value_cny
    assert value + added * Decimal("20.50") >= principal > value + (added - 1) * Decimal("20.50")


def test_the_calendar_of_the_test_closes_on_national_day() -> None:
    assert not EXCHANGE.is_open(date(2025, 10, 8))
    assert not EXCHANGE.is_open(date(2025, 10, 11))
