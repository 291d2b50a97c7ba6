"""Last usable dates in a valuation, obligations met by the unit that ends first, carrying over, fines; by hand."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carbonfin.kernel.allowances import Holding, Scheme, Unit
from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.parameters import Grade, ParameterValue
from pricing.calc.compliance import (
    CARRIES_FORWARD,
    LAST_USABLE_DATE,
    ComplianceMarket,
    ComplianceValue,
    Obligation,
    PenaltyRange,
    VintageState,
    VintageUse,
    carry_over_limit_t,
    compliance_value,
    vintage_use,
)
from pricing.calc.market import MarketSnapshot
from pricing.calc.portfolio import PortfolioInputs, PortfolioValue, value_portfolio
from pricing.calc.positions import PortfolioLine
from tests.pricing.markets import F1, KNOWN_AT, forward_rate, snapshot_of, spot

_2021, _2023, _2024, _2025 = (Unit(Scheme.CEA, year) for year in (2021, 2023, 2024, 2025))
ON = date(2025, 6, 30)


def fact(key: str, scope: str, value: str, unit: str) -> ParameterValue:
    return ParameterValue(
        key=key, scope=scope, value=value, unit=unit, valid_from=date(2024, 1, 1), valid_to=None,
        known_from=date(2024, 1, 1), document="分配方案", article="附件5", grade=Grade.READ, confirmed=True,
        approved_by=("甲", "乙"), note="",
    )  # fmt: skip


def ends(unit: str, day: str) -> ParameterValue:
    return fact(LAST_USABLE_DATE, unit, day, "date")


def use(unit: Unit, day: str | None, *, carries: bool = False) -> VintageUse:
    return VintageUse(
        unit=unit,
        last_usable=None if day is None else ends(str(unit), day),
        carries_forward=fact(CARRIES_FORWARD, unit.scheme, "true", "code") if carries else None,
    )


def market_of(*uses: VintageUse, prices: dict[Unit, str], carry_over_t: int = 0) -> ComplianceMarket:
    return ComplianceMarket(
        valuation_date=ON,
        uses={one.unit: one for one in uses},
        prices_cny_per_t={unit: Decimal(price) for unit, price in prices.items()},
        penalties={
            Scheme.CEA: PenaltyRange(
                low=fact("pricing.penalty_multiple", "CEA.low", "5", "ratio"),
                high=fact("pricing.penalty_multiple", "CEA.high", "10", "ratio"),
                mean_cny_per_t=Decimal("70.25"),
            )
        },
        carry_over_t={Scheme.CEA: carry_over_t},
    )


def due(year: int, day: str, quantity_t: int) -> Obligation:
    return Obligation(scheme=Scheme.CEA, year=year, surrender_date=date.fromisoformat(day), quantity_t=quantity_t)


# --- in a valuation -------------------------------------------------------------------------------------------------
def valued(*lines: PortfolioLine, facts: tuple[ParameterValue, ...], on: date = ON) -> PortfolioValue:
    snapshot: MarketSnapshot = snapshot_of(parameters=(forward_rate(), *facts))
    assert snapshot.valuation_date == on
    own = tuple(value for value in snapshot.parameters if value.key not in {LAST_USABLE_DATE, CARRIES_FORWARD})
    snapshot = replace(snapshot, parameters=(*own, *facts))
    return value_portfolio(
        PortfolioInputs(
            portfolio_id="P",
            portfolio_name="示例",
            valuation_date=on,
            known_at=KNOWN_AT,
            lines=lines,
            snapshot=snapshot,
        )
    )


def test_a_vintage_past_its_last_usable_date_is_worth_nothing_and_says_why() -> None:
    value = valued(spot("A", "CEA-2021", 1_000), facts=(ends("CEA-2021", "2025-06-29"),))
    line = value.lines[0]
    assert line.present_value_cny == Decimal("0.00")
    assert line.price_cny_per_t == Decimal("75.02")
    assert "2025-06-29" in line.notes_zh[0]
    assert "价值为零" in line.notes_zh[0]
    figures = {figure.name: figure for figure in value.trace}
    assert figures["line.A.last_usable_date"].value == "2025-06-29"
    assert "line.A.last_usable_date" in figures[line.figure].inputs


def test_the_last_usable_date_itself_still_counts() -> None:
    value = valued(spot("A", "CEA-2021", 1_000), facts=(ends("CEA-2021", "2025-06-30"),))
    assert value.lines[0].present_value_cny == Decimal("75020.00")
    assert not any("价值为零" in note for note in value.lines[0].notes_zh)


def test_a_vintage_whose_end_is_not_known_is_flagged() -> None:
    value = valued(spot("A", "CEA-2021", 1), spot("B", "CEA-2023", 1), facts=(ends("CEA-2023", "2025-12-31"),))
    assert "配额最后可用日未掌握" in value.lines[0].notes_zh
    assert "配额最后可用日未掌握" not in value.lines[1].notes_zh


def test_a_forward_delivered_after_the_end_brings_units_worth_nothing() -> None:
    late = replace(F1, unit=_2023, delivery_date=date(2026, 1, 5))
    value = valued(late, facts=(ends("CEA-2023", "2025-12-31"),))
    # -77.50 x 20,000 t x exp(-0.015 x 189/365) : -1,538,007.5924
    assert value.lines[0].price_cny_per_t == Decimal(0)
    assert abs(value.lines[0].present_value_cny - Decimal("-1538007.59")) <= Decimal("0.01")
    assert {figure.name for figure in value.trace} >= {"line.F1.last_usable_date"}
    in_time = valued(replace(F1, unit=_2023), facts=(ends("CEA-2023", "2025-12-31"),))
    assert in_time.lines[0].present_value_cny == Decimal("-38935.49")


# --- obligations ----------------------------------------------------------------------------------------------------
def test_states_of_a_vintage() -> None:
    assert use(_2023, "2025-12-31").state_on(date(2025, 12, 31)) is VintageState.USABLE
    assert use(_2023, "2025-12-31").state_on(date(2026, 1, 1)) is VintageState.PAST_USE
    assert use(_2023, None, carries=True).state_on(ON) is VintageState.CARRIES_FORWARD
    assert use(_2023, None).state_on(ON) is VintageState.UNKNOWN
    assert use(Unit(Scheme.CEA), None).state_on(ON) is VintageState.NOT_A_VINTAGE
    assert use(_2023, None).words_on(ON)[0] == "配额最后可用日未掌握"


def test_the_unit_that_ends_first_meets_the_obligation_and_the_rest_lapses() -> None:
    value = compliance_value(
        (Holding(unit=_2025, quantity_t=500), Holding(unit=_2023, quantity_t=1_200)),
        (due(2024, "2025-12-31", 1_000),),
        market_of(
            use(_2023, "2025-12-31"), use(_2025, None, carries=True), prices={_2023: "70.00", _2025: "75.00"},
            carry_over_t=150,
        ),
    )  # fmt: skip
    new, old = value.holdings
    assert (old.surrendered_t, old.carried_t, old.lapsed_t, old.value_cny) == (1_000, 150, 50, Decimal("80500.00"))
    assert "50 吨" in old.reason_zh
    assert (new.surrendered_t, new.carried_t, new.lapsed_t, new.value_cny) == (0, 500, 0, Decimal("37500.00"))
    assert not value.shortfalls


def test_a_shortfall_has_its_purchase_price_and_its_fine() -> None:
    value = compliance_value(
        (Holding(unit=_2023, quantity_t=300),),
        (due(2025, "2026-12-31", 200), due(2024, "2025-12-31", 400)),
        market_of(use(_2023, "2025-12-31"), use(_2025, None, carries=True), prices={_2023: "70.00", _2025: "75.00"}),
    )
    first, second = value.shortfalls
    assert (first.obligation.year, first.quantity_t, first.purchase_cny) == (2024, 100, Decimal("7500.00"))
    # 100 t x 5 x 70.25 and 100 t x 10 x 70.25
    assert first.penalty_cny == (Decimal("35125.00"), Decimal("70250.00"))
    assert (second.obligation.year, second.quantity_t) == (2025, 200)


def test_without_price_end_or_rule_there_is_no_figure() -> None:
    value = compliance_value(
        (Holding(unit=_2023, quantity_t=300), Holding(unit=_2021, quantity_t=10)),
        (Obligation(scheme=Scheme.SZA, year=2024, surrender_date=date(2025, 8, 31), quantity_t=5),),
        market_of(use(_2023, None), use(_2021, "2025-12-31"), prices={_2023: "70.00"}),
    )
    assert [one.value_cny for one in value.holdings] == [None, None]
    assert value.shortfalls[0].purchase_cny is None
    assert value.shortfalls[0].penalty_cny is None


def test_a_holding_past_use_is_worth_nothing() -> None:
    value = compliance_value(
        (Holding(unit=_2021, quantity_t=10),), (), market_of(use(_2021, "2025-06-29"), prices={_2021: "70.00"})
    )
    assert value.holdings[0].value_cny == Decimal("0.00")
    assert "2025-06-29" in value.holdings[0].reason_zh


@given(
    held=st.lists(st.integers(0, 9), min_size=3, max_size=3),
    owed=st.lists(st.integers(0, 9), min_size=3, max_size=3),
)
@settings(max_examples=60)
def test_no_order_of_use_leaves_less_shortfall(held: list[int], owed: list[int]) -> None:
    units = (_2021, _2023, _2024)
    days = ("2025-07-31", "2025-12-31", "2026-12-31")
    market = market_of(*(use(unit, day) for unit, day in zip(units, days, strict=True)), prices={})
    value = compliance_value(
        tuple(Holding(unit=unit, quantity_t=t) for unit, t in zip(units, held, strict=True)),
        tuple(due(2024 + place, day, t) for place, (day, t) in enumerate(zip(days, owed, strict=True))),
        market,
    )
    assert sum(one.quantity_t for one in value.shortfalls) == min(
        _shortfall(held, owed, order)
        for order in permutations([(one, two) for one in range(3) for two in range(one + 1)])
    )
    _balances(value, held)


def _shortfall(held: list[int], owed: list[int], order: tuple[tuple[int, int], ...]) -> int:
    """Use unit `one` for obligation `two` in the given order: each unit serves obligations up to its own end."""
    left, missing = list(held), list(owed)
    for one, two in order:
        used = min(left[one], missing[two])
        left[one] -= used
        missing[two] -= used
    return sum(missing)


def _balances(value: ComplianceValue, held: list[int]) -> None:
    for one, quantity_t in zip(value.holdings, held, strict=True):
        assert one.surrendered_t + one.carried_t + one.lapsed_t == quantity_t
        assert one.surrendered_t == sum(used.quantity_t for used in value.surrenders if used.unit == one.unit)


def test_carry_over_limit_by_hand() -> None:
    ratio = Decimal("1.5")
    assert carry_over_limit_t(base_t=10_000, net_sales_ratio=ratio, net_sales_t=333, held_t=50_000) == 10_499
    assert carry_over_limit_t(base_t=10_000, net_sales_ratio=ratio, net_sales_t=-5_000, held_t=50_000) == 10_000
    assert carry_over_limit_t(base_t=10_000, net_sales_ratio=ratio, net_sales_t=333, held_t=900) == 900
    with pytest.raises(InvalidInput, match="held_t is -1"):
        carry_over_limit_t(base_t=1, net_sales_ratio=ratio, net_sales_t=0, held_t=-1)


def test_bad_input_is_refused() -> None:
    market = market_of(use(_2023, "2025-12-31"), prices={})
    with pytest.raises(InvalidInput, match="obligation of 2024 is -1"):
        compliance_value((), (due(2024, "2025-12-31", -1),), market)
    with pytest.raises(InvalidInput, match="two holdings"):
        compliance_value((Holding(unit=_2023, quantity_t=1), Holding(unit=_2023, quantity_t=2)), (), market)


def test_what_is_known_of_an_end_comes_from_its_parameters() -> None:
    facts = {(LAST_USABLE_DATE, "CEA-2023"): ends("CEA-2023", "2025-12-31")}
    found = vintage_use(lambda key, scope: facts.get((key, scope)), _2023)
    assert found.last_usable is not None
    assert found.last_usable.day == date(2025, 12, 31)
    assert vintage_use(lambda key, scope: facts.get((key, scope)), Unit(Scheme.CEA)).last_usable is None
