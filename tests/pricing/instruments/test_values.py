"""Swaps, spreads, lending, repos and futures by hand and beside QuantLib."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
import QuantLib as ql  # noqa: N813 - the field's own abbreviation
from hypothesis import given
from hypothesis import strategies as st

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.dates import DayCount
from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.quantlib import ql_date, quantlib_on
from pricing.calc.instruments.exchange import (
    SettlementDay,
    margin_path,
    open_position,
    price_limits_per_t,
    require_within_limit,
    require_within_position_limit,
)
from pricing.calc.instruments.structures import AllowanceLending, RepoLeg, RiskBearer
from pricing.calc.instruments.valuation import (
    fair_fixed_price_per_t,
    forward_value_amount,
    lending_value,
    repo_value,
    spread_value_amount,
    swap_value_amount,
)
from tests.pricing.instruments.test_terms import spread, swap
from tests.pricing.instruments.trades import BUYER, EMPTY, FULL, SELLER, future, terms

TODAY = date(2025, 6, 30)
NAN = float("nan")


def test_a_swap_is_a_strip_of_forwards() -> None:
    # (80 - 78) x 1,000 x 0.99 + (77 - 78) x 1,000 x 0.98 = 1,980 - 980
    forward, factor = np.array([80.0, 77.0]), np.array([0.99, 0.98])
    assert swap_value_amount(swap(), forward_per_t=forward, discount_factor=factor) == pytest.approx(1000.0, rel=1e-14)
    fair = fair_fixed_price_per_t(forward_per_t=forward, discount_factor=factor)
    assert fair == pytest.approx((80 * 0.99 + 77 * 0.98) / 1.97, rel=1e-15)
    at_fair = swap(fixed_price_per_t=Decimal(repr(fair)))
    assert swap_value_amount(at_fair, forward_per_t=forward, discount_factor=factor) == pytest.approx(0, abs=1e-9)


def test_forwards_equal_quantlibs() -> None:
    rate, spot, agreed, tonnes, delivery = 0.0315, 81.3, 79.9, 12_345.0, TODAY + timedelta(days=401)
    with quantlib_on(TODAY) as today:
        domestic = ql.YieldTermStructureHandle(ql.FlatForward(today, rate, ql.Actual365Fixed()))
        units = ql.YieldTermStructureHandle(ql.FlatForward(today, 0.0, ql.Actual365Fixed()))
        engine = ql.DiscountingFxForwardEngine(units, domestic, ql.QuoteHandle(ql.SimpleQuote(spot)))
        trade = ql.FxForward(
            tonnes,
            ql.USDCurrency(),
            tonnes * agreed,
            ql.CNYCurrency(),
            ql_date(delivery),
            False,  # noqa: FBT003 - QuantLib's own signature
            0,
            ql.NullCalendar(),
        )
        trade.setPricingEngine(engine)
        # The engine answers in the source currency, which here are tonnes: times the spot it is money.
        expected = trade.NPV() * spot
    years = 401 / 365
    value = forward_value_amount(
        forward_per_t=np.array([spot * np.exp(rate * years)]), agreed_per_t=np.array([agreed]),
        quantity_t=np.array([tonnes]), discount_factor=np.array([np.exp(-rate * years)]),
    )  # fmt: skip
    assert float(value[0]) == pytest.approx(expected, rel=1e-12)


def test_a_spread_brings_each_leg_into_the_trades_currency() -> None:
    # EUA 70 EUR at 8.10 CNY is 567; less CEA 75 is 492; less the agreed 500 is -8, by 1,000 t at 0.98.
    value = spread_value_amount(
        spread(), first_forward_per_t=np.array([70.0]), first_fx_rate=np.array([8.1]),
        other_forward_per_t=np.array([75.0]), other_fx_rate=np.array([1.0]), discount_factor=np.array([0.98]),
    )  # fmt: skip
    assert value == pytest.approx(-7840.0, rel=1e-12)
    two_for_one = spread_value_amount(
        spread(ratio=Decimal(2)), first_forward_per_t=np.array([70.0]), first_fx_rate=np.array([8.1]),
        other_forward_per_t=np.array([75.0]), other_fx_rate=np.array([1.0]), discount_factor=np.array([0.98]),
    )  # fmt: skip
    assert two_for_one == pytest.approx(-7840.0 - 75 * 1000 * 0.98, rel=1e-12)


def lending(**changes: Any) -> AllowanceLending:
    plain = AllowanceLending(
        terms=terms(), returned_unit=Unit.parse("CEA-2024"), return_date=date(2025, 12, 31),
        reference_price_per_t=Decimal("75.00"), fee_rate=Decimal("0.04"), basis=DayCount.ACT_365,
        vintage_risk=RiskBearer.BORROWER, surrender_risk=RiskBearer.LENDER,
    )  # fmt: skip
    return replace(plain, **changes)


def test_a_lending_is_the_forward_return_and_the_fee() -> None:
    # 184 days: 1,000 x 75 x 4 % x 184 / 365 = 1,512.328767 -> 1,512.33
    assert lending().fee.amount == Decimal("1512.33")
    value = lending_value(lending(), returned_forward_per_t=76.0, discount_factor=0.99)
    assert value.return_amount == pytest.approx(75_240.0, rel=1e-14)
    assert value.fee_amount == pytest.approx(1512.33 * 0.99, rel=1e-14)
    assert value.total_amount == pytest.approx(75_240.0 + 1497.2067, rel=1e-12)
    # Where the forward only carries at the discount rate, what returns is worth today's price: the fee is the profit.
    carried = lending_value(lending(), returned_forward_per_t=75 / 0.99, discount_factor=0.99)
    assert carried.return_amount == pytest.approx(75_000, rel=1e-14)


def test_a_lending_says_who_bears_what() -> None:
    zh, en = lending(terms=terms(basis=FULL)).notes(last_usable_date=date(2025, 12, 30))
    assert zh == ("配额年度价差风险由借入方承担", "逾期不能清缴的风险由借出方承担",
                  "CEA-2024 于 2025-12-30 后不能清缴，归还日 2025-12-31 已过")  # fmt: skip
    assert en[0] == "the borrower bears the vintage risk"
    assert lending(terms=terms(basis=FULL)).notes(last_usable_date=date(2025, 12, 31))[0] == zh[:2]
    assert lending().notes(last_usable_date=None)[0][0].startswith("仅估值，不可成交")
    assert lending().notes(last_usable_date=None)[1][-1] == "the last usable day of CEA-2024 is not known"


def repo(**changes: Any) -> RepoLeg:
    plain = RepoLeg(
        terms=terms(), purchase_price_per_t=Decimal("60.00"), repo_rate=Decimal("0.035"), basis=DayCount.ACT_365,
        repurchase_date=date(2025, 9, 28),
    )  # fmt: skip
    return replace(plain, **changes)


def test_a_repo_is_clean_cash_and_a_forward() -> None:
    # 90 days: 60,000 x 3.5 % x 90 / 365 = 517.808219 -> 517.81; after 30 days 172.602740 -> 172.60
    trade = repo()
    assert trade.repurchase.amount == Decimal("60517.81")
    value = repo_value(trade, valuation_date=date(2025, 7, 30), forward_per_t=76.0, discount_factor=0.995)
    assert value.cash_amount == pytest.approx(60_517.81 * 0.995, rel=1e-14)
    assert value.accrued_amount == 172.60
    assert value.clean_cash_amount == pytest.approx(60_517.81 * 0.995 - 172.60, rel=1e-14)
    assert value.total_amount == pytest.approx((60_517.81 - 76_000) * 0.995, rel=1e-14)
    for day in (date(2025, 6, 29), date(2025, 9, 29)):
        with pytest.raises(InvalidInput) as outside:
            repo_value(trade, valuation_date=day, forward_per_t=76.0, discount_factor=0.995)
        assert outside.value.field == "valuation_date"
    assert trade.notes()[1] == ("valuation only, not tradable (no master agreement)",)


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: lending(returned_unit=Unit.parse("SZA-2024")), "returned_unit"),
        (lambda: lending(return_date=date(2025, 6, 1)), "return_date"),
        (lambda: lending(reference_price_per_t=Decimal(0)), "reference_price_per_t"),
        (lambda: lending(fee_rate=Decimal("-0.01")), "fee_rate"),
        (lambda: repo(purchase_price_per_t=Decimal(0)), "purchase_price_per_t"),
        (lambda: repo(repurchase_date=date(2025, 6, 1)), "repurchase_date"),
        (lambda: lending_value(lending(), returned_forward_per_t=NAN, discount_factor=1.0), "returned_forward_per_t"),
        (lambda: lending_value(lending(), returned_forward_per_t=1.0, discount_factor=-1.0), "discount_factor"),
        (
            lambda: swap_value_amount(swap(), forward_per_t=np.ones(3), discount_factor=np.ones(3)),
            "forward_per_t",
        ),
        (
            lambda: swap_value_amount(swap(), forward_per_t=np.ones(2), discount_factor=np.ones(3)),
            "forward_per_t",
        ),
        (
            lambda: swap_value_amount(swap(), forward_per_t=np.ones(2), discount_factor=np.array([1.0, NAN])),
            "discount_factor",
        ),
        (lambda: fair_fixed_price_per_t(forward_per_t=np.ones(0), discount_factor=np.ones(0)), "discount_factor"),
        (lambda: fair_fixed_price_per_t(forward_per_t=np.ones(1), discount_factor=np.zeros(1)), "discount_factor"),
    ],
)  # fmt: skip
def test_what_cannot_be_valued_is_refused_by_field(make: Any, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        make()
    assert refused.value.field == field


# --- exchange-style futures -------------------------------------------------------------------------------------------
def days(*prices: str) -> list[SettlementDay]:
    return [
        SettlementDay(settlement_date=TODAY + timedelta(days=place), price_per_t=Decimal(price))
        for place, price in enumerate(prices)
    ]


def test_daily_margin_adds_up_to_the_last_settlement_less_the_price_traded() -> None:
    path = margin_path(future(), days("75.40", "74.10", "76.00"))
    assert [day.variation_margin.amount for day in path] == [Decimal("400.00"), Decimal("-1300.00"), Decimal("1900.00")]
    assert [day.cumulative.amount for day in path] == [Decimal("400.00"), Decimal("-900.00"), Decimal("1000.00")]
    assert margin_path(future(), []) == ()


@given(st.lists(st.integers(min_value=1390, max_value=1610), min_size=1, max_size=30))
def test_margin_ties_whatever_the_path(ticks: list[int]) -> None:
    prices = [Decimal(tick) * Decimal("0.05") for tick in ticks]
    free = future(price_limit_ratio=None)
    path = margin_path(free, days(*map(str, prices)))
    total = sum((day.variation_margin.amount for day in path), Decimal(0))
    assert total == path[-1].cumulative.amount == 1000 * (prices[-1] - Decimal(75))


def test_prices_stay_inside_the_days_limits_on_the_tick() -> None:
    # 75.05 +- 10 % is 67.545 to 82.555: on the tick of 0.05 that is 67.55 to 82.55.
    limits = price_limits_per_t(future(), before_per_t=Decimal("75.05"))
    assert limits == (Decimal("67.55"), Decimal("82.55"))
    assert price_limits_per_t(future(price_limit_ratio=None), before_per_t=Decimal(75)) is None
    for price in ("67.55", "82.55"):
        require_within_limit(future(), before_per_t=Decimal("75.05"), price_per_t=Decimal(price))
    for price in ("67.50", "82.60", "75.01", "0"):
        with pytest.raises(InvalidInput) as refused:
            require_within_limit(future(), before_per_t=Decimal("75.05"), price_per_t=Decimal(price))
        assert refused.value.field == "price_per_t"
    with pytest.raises(InvalidInput):
        margin_path(future(), days("75.00", "82.55"))


def test_settlement_days_ascend_within_the_contract() -> None:
    early = [SettlementDay(settlement_date=TODAY - timedelta(days=1), price_per_t=Decimal(75))]
    late = [SettlementDay(settlement_date=date(2025, 12, 11), price_per_t=Decimal(75))]
    for wrong in (early, late, days("75", "75")[::-1], [*days("75"), *days("75")]):
        with pytest.raises(InvalidInput) as refused:
            margin_path(future(), wrong)
        assert refused.value.field == "settlement_date"


def test_positions_are_held_against_the_contracts_limit() -> None:
    bought, sold = future(), future(terms=terms(buyer=SELLER, seller=BUYER, quantity_t=400))
    assert open_position(BUYER, [bought, sold]).net_t == 600
    assert open_position(SELLER, [bought, sold]).net_t == -600
    require_within_position_limit(BUYER, [bought])
    with pytest.raises(InvalidInput) as over:
        require_within_position_limit(SELLER, [bought, bought])
    assert "500 t over the limit of 1500 t" in over.value.detail
    assert open_position(BUYER, [future(position_limit_t=None)] * 9).excess_t == 0
    for wrong in ([], [bought, future(contract_code="CEA2612")]):
        with pytest.raises(InvalidInput) as refused:
            open_position(BUYER, wrong)
        assert refused.value.field == "contract_code"


def test_an_empty_basis_is_empty() -> None:
    assert EMPTY.lacking(is_derivative=True)[1] == ("no master agreement", "no derivatives licence")
