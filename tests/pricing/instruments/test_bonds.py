"""A bond with a price-linked coupon: fixed part beside QuantLib, linked part by hand and by quadrature."""

import math
from datetime import date
from decimal import Decimal

import numpy as np
import pytest
import QuantLib as ql  # noqa: N813 - the field's own abbreviation

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.dates import DayCount
from carbonfin.kernel.errors import InvalidInput, MissingData
from carbonfin.kernel.quantlib import ql_date, quantlib_on
from carbonfin.kernel.units import Currency
from pricing.calc.instruments.bonds import carbon_bond_value, expected_linked_rates
from pricing.calc.instruments.structures import CarbonBond, PriceLink
from tests.pricing.instruments.trades import BUYER, EMPTY, SELLER

ISSUED, TODAY = date(2025, 6, 30), date(2025, 9, 30)
DAYS = (date(2026, 6, 30), date(2027, 6, 30), date(2028, 6, 30))


def link(*, floor: str | None = "0.0005", cap: str | None = "0.0020") -> PriceLink:
    return PriceLink(
        unit=Unit.parse("CCER"), reference_per_t=Decimal(80), slope_rate=Decimal("0.0001"),
        floor_rate=None if floor is None else Decimal(floor), cap_rate=None if cap is None else Decimal(cap),
    )  # fmt: skip


def bond(terms: PriceLink) -> CarbonBond:
    return CarbonBond(
        bond_id="B1", face_amount=Decimal(1_000_000), currency=Currency.CNY, issuer=SELLER, holder=BUYER,
        base_rate=Decimal("0.0565"), link=terms, issue_date=ISSUED, coupon_dates=DAYS, day_count=DayCount.ACT_365,
        basis=EMPTY,
    )  # fmt: skip


def test_the_fixed_part_equals_quantlibs_bond() -> None:
    rate = 0.023
    with quantlib_on(TODAY) as today:
        curve = ql.YieldTermStructureHandle(ql.FlatForward(today, rate, ql.Actual365Fixed()))
        schedule = ql.Schedule(
            ql_date(ISSUED), ql_date(DAYS[-1]), ql.Period(12, ql.Months), ql.NullCalendar(), ql.Unadjusted, ql.Unadjusted,
            ql.DateGeneration.Backward, False,  # noqa: FBT003 - QuantLib's own signature
        )  # fmt: skip
        oracle = ql.FixedRateBond(0, 1_000_000.0, schedule, [0.0565], ql.Actual365Fixed())
        oracle.setPricingEngine(ql.DiscountingBondEngine(curve))
        expected = oracle.NPV()
    factors = np.array([math.exp(-rate * (day - TODAY).days / 365) for day in DAYS])
    value = carbon_bond_value(
        bond(link()), valuation_date=TODAY, forward_per_t=np.full(3, 80.0), total_volatility=np.zeros(3),
        discount_factor=factors,
    )  # fmt: skip
    assert value.fixed_amount == pytest.approx(expected, rel=1e-12)
    # At the reference the linked part is its floor of 5 bp; periods have 365, 365 and 366 days.
    assert value.linked_amount == pytest.approx(500 * float(factors @ np.array([1, 1, 366 / 365])), rel=1e-12)
    assert value.total_amount == value.fixed_amount + value.linked_amount


@pytest.mark.parametrize(
    ("price", "floor", "cap", "rate"),
    [
        (90.0, "0.0005", "0.0020", 0.0010),
        (82.0, "0.0005", "0.0020", 0.0005),
        (150.0, "0.0005", "0.0020", 0.0020),
        (60.0, None, "0.0020", -0.0020),
        (150.0, "0.0005", None, 0.0070),
        (60.0, None, None, -0.0020),
        (60.0, "-0.0100", None, -0.0020),
    ],
)
def test_a_known_price_gives_the_rate_by_hand(price: float, floor: str | None, cap: str | None, rate: float) -> None:
    terms = link(floor=floor, cap=cap)
    found = expected_linked_rates(terms, forward_per_t=np.array([price]), total_volatility=np.zeros(1))
    assert float(found[0]) == pytest.approx(rate, abs=1e-15)
    assert float(terms.linked_rate(Decimal(price))) == pytest.approx(rate, abs=1e-15)


@pytest.mark.parametrize(("floor", "cap"), [("0.0005", "0.0020"), (None, "0.0020"), ("0.0005", None), (None, None)])
def test_an_unknown_price_gives_the_mean_over_its_distribution(floor: str | None, cap: str | None) -> None:
    terms, forward, deviation = link(floor=floor, cap=cap), 88.0, 0.45
    nodes = np.linspace(-10, 10, 400_001)
    prices = forward * np.exp(deviation * nodes - deviation**2 / 2)
    rates = 0.0001 * (prices - 80)
    rates = np.clip(rates, None if floor is None else 0.0005, None if cap is None else 0.0020)
    density = np.exp(-(nodes**2) / 2) / math.sqrt(2 * math.pi)
    expected = float(np.sum(rates * density) * (nodes[1] - nodes[0]))
    found = expected_linked_rates(terms, forward_per_t=np.array([forward]), total_volatility=np.array([deviation]))
    assert float(found[0]) == pytest.approx(expected, rel=1e-7)


def test_only_coupons_to_come_are_in_the_value() -> None:
    last = carbon_bond_value(
        bond(link()), valuation_date=DAYS[1], forward_per_t=np.array([90.0]), total_volatility=np.zeros(1),
        discount_factor=np.array([0.98]),
    )  # fmt: skip
    assert last.fixed_amount == pytest.approx(1_000_000 * (0.0565 * 366 / 365 + 1) * 0.98, rel=1e-14)
    with pytest.raises(MissingData):
        carbon_bond_value(
            bond(link()), valuation_date=DAYS[2], forward_per_t=np.ones(1), total_volatility=np.zeros(1),
            discount_factor=np.ones(1),
        )  # fmt: skip


def test_what_cannot_be_valued_is_refused() -> None:
    for forward, deviation in ((np.zeros(3), np.zeros(3)), (np.ones(3), -np.ones(3)), (np.ones(2), np.ones(3))):
        with pytest.raises(InvalidInput) as refused:
            expected_linked_rates(link(), forward_per_t=forward, total_volatility=deviation)
        assert refused.value.field == "forward_per_t"
    with pytest.raises(InvalidInput) as short:
        carbon_bond_value(
            bond(link()), valuation_date=TODAY, forward_per_t=np.ones(2), total_volatility=np.zeros(2),
            discount_factor=np.ones(2),
        )  # fmt: skip
    assert short.value.field == "forward_per_t"
    with pytest.raises(InvalidInput):
        link(floor="0.0030")
    assert bond(link()).notes()[1][0].startswith("valuation only, not tradable")
