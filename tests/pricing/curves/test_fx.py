"""Forward exchange rates: covered parity, points as QuantLib's helper has them, triangles that close."""

import json
import math
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest
import QuantLib as ql  # noqa: N813 - the field's own abbreviation

from carbonfin.kernel.errors import InvalidInput, MissingData
from carbonfin.kernel.quantlib import ql_date, quantlib_on
from carbonfin.kernel.units import Currency
from pricing.calc.curves.discount import DiscountCurve, flat_discount_curve
from pricing.calc.curves.fx import FxForwardCurve, fx_curve_from_discounts, fx_curve_from_points, triangle_gap
from pricing.calc.curves.nodes import serial_of, serials_of
from tests.pricing.curves.samples import MONDAY, RATES, SHARED, curve

SPOT_DATE = date(2022, 2, 23)
VECTORS = SHARED.parent / "vectors" / "pricing" / "fx_and_cross_currency.json"


def _flat(currency: Currency, rate: str, *, day: date = MONDAY) -> DiscountCurve:
    return flat_discount_curve(
        currency=currency, valuation_date=day, rate=Decimal(rate), horizon=day + timedelta(days=800)
    )


def _parity(priced: DiscountCurve, quoted: DiscountCurve, spot: str) -> FxForwardCurve:
    return fx_curve_from_discounts(priced=priced, quoted=quoted, spot_rate=Decimal(spot), spot_date=SPOT_DATE)


def test_parity_on_flat_curves_by_hand() -> None:
    made = _parity(_flat(Currency.EUR, "0.01"), _flat(Currency.CNY, "0.03"), "7.2")
    delivery = SPOT_DATE + timedelta(days=365)
    assert made.forward_rates(serials_of([SPOT_DATE, delivery])) == pytest.approx(
        [7.2, 7.2 * math.exp(0.02)], rel=1e-14
    )
    assert made.forward_rates(serials_of([MONDAY])) == pytest.approx([7.2 * math.exp(-0.02 * 2 / 365)], rel=1e-14)


def test_shared_vectors_of_hkd_per_cnh() -> None:
    if not VECTORS.exists():
        pytest.skip(f"shared vectors are not at {VECTORS}")
    cases = json.loads(VECTORS.read_text(encoding="utf-8"))["cnh_hkd"]
    assert cases
    for case in cases:
        given, expected = case["input"], case["expected"]
        day, spot_date = date.fromisoformat(given["valuation"]), date.fromisoformat(given["spot_date"])
        curves = {
            currency: _flat(currency, str(given[f"{currency.lower()}_rate_cc"]), day=day)
            for currency in (Currency.CNH, Currency.HKD, Currency.USD)
        }
        direct = fx_curve_from_discounts(
            priced=curves[Currency.CNH],
            quoted=curves[Currency.HKD],
            spot_rate=Decimal(str(given["usd_hkd"])) / Decimal(str(given["usd_cnh"])),
            spot_date=spot_date,
        )
        maturity = serials_of([date.fromisoformat(given["maturity"])])
        assert direct.forward_rates(maturity) == pytest.approx([expected["forward_hkd_per_cnh"]], rel=1e-14)
        sides = [
            fx_curve_from_discounts(
                priced=curves[Currency.USD],
                quoted=curves[quoted],
                spot_rate=Decimal(str(given[key])),
                spot_date=spot_date,
            )
            for quoted, key in ((Currency.CNH, "usd_cnh"), (Currency.HKD, "usd_hkd"))
        ]
        gap, _ = triangle_gap(first=sides[0].inverted(), second=sides[1], cross=direct)
        assert gap < 1e-14


def test_parity_holds_on_every_day_of_bootstrapped_curves() -> None:
    cny = curve(RATES[:6])
    eur = curve(
        (("EUR_DEPOSIT", "3M", "-0.005"), ("EUR_SWAP", "1Y", "0.002"), ("EUR_SWAP", "2Y", "0.004")),
        currency=Currency.EUR,
    )
    made = _parity(eur, cny, "7.16")
    serials = np.arange(serial_of(MONDAY), serial_of(made.horizon) + 1)
    spot = serials_of([SPOT_DATE])
    expected = (
        7.16
        * (eur.discount_factors(serials) / eur.discount_factors(spot))
        / (cny.discount_factors(serials) / cny.discount_factors(spot))
    )
    assert made.forward_rates(serials) == pytest.approx(expected, rel=1e-14)
    assert made.horizon == min(eur.horizon, cny.horizon)


def test_points_are_those_of_quantlibs_fx_swaps() -> None:
    """A foreign curve bootstrapped from the points by FxSwapRateHelper gives the same forwards at the quoted days."""
    quoted = (("1M", "0.0125"), ("3M", "0.0410"), ("6M", "0.0790"), ("1Y", "0.1480"))
    with quantlib_on(MONDAY) as today:
        cny = ql.FlatForward(today, 0.022, ql.Actual365Fixed())
        helpers = [
            ql.FxSwapRateHelper(
                ql.QuoteHandle(ql.SimpleQuote(float(points))), ql.QuoteHandle(ql.SimpleQuote(7.16)), ql.Period(tenor), 2,
                ql.WeekendsOnly(), ql.ModifiedFollowing, False, False,  # noqa: FBT003 - QuantLib's own signature
                ql.YieldTermStructureHandle(cny),
            )
            for tenor, points in quoted
        ]  # fmt: skip
        eur = ql.PiecewiseLogLinearDiscount(today, helpers, ql.Actual365Fixed(), ql.IterativeBootstrap(1e-15))
        eur.enableExtrapolation()
        spot = ql_date(SPOT_DATE)
        serials = [helper.pillarDate().serialNumber() for helper in helpers]
        expected = [
            7.16
            * (eur.discount(ql.Date(serial)) / eur.discount(spot))
            / (cny.discount(ql.Date(serial)) / cny.discount(spot))
            for serial in serials
        ]
    made = fx_curve_from_points(
        priced=Currency.EUR,
        quoted=Currency.CNY,
        valuation_date=MONDAY,
        spot_rate=Decimal("7.16"),
        spot_date=SPOT_DATE,
        dates=[date(1899, 12, 30) + timedelta(days=serial) for serial in serials],
        points=[Decimal(points) for _, points in quoted],
    )
    assert made.forward_rates(np.array(serials)) == pytest.approx(expected, rel=1e-13)
    assert made.forward_rates(np.array(serials)) == pytest.approx(
        [7.16 + float(points) for _, points in quoted], rel=1e-14
    )
    halfway = (made.node_serials[1] + made.node_serials[2]) // 2
    assert float(made.forward_rates(np.array([halfway]))[0]) == pytest.approx((7.1725 + 7.2010) / 2, abs=5e-4)
    with pytest.raises(MissingData):
        made.forward_rates(serials_of([MONDAY]))


def test_a_triangle_closes_or_its_widest_gap_is_named() -> None:
    eur, usd, cny = (
        _flat(currency, rate)
        for currency, rate in ((Currency.EUR, "0.01"), (Currency.USD, "0.04"), (Currency.CNY, "0.02"))
    )
    first, second, cross = _parity(eur, usd, "1.1"), _parity(usd, cny, "6.5"), _parity(eur, cny, "7.15")
    assert triangle_gap(first=first, second=second, cross=cross)[0] < 1e-15
    steeper = _parity(eur, _flat(Currency.CNY, "0.021"), "7.15")
    gap, day = triangle_gap(first=first, second=second, cross=steeper)
    assert day == MONDAY + timedelta(days=800)
    assert gap == pytest.approx(0.001 * 798 / 365, rel=1e-9)
    with pytest.raises(InvalidInput, match="do not make"):
        triangle_gap(first=second, second=first, cross=cross)
    with pytest.raises(InvalidInput, match="do not make"):
        triangle_gap(first=first, second=second, cross=replace(cross, valuation_date=date(2022, 2, 22)))


def test_a_pair_turned_round_is_one_over_it() -> None:
    made = _parity(_flat(Currency.EUR, "0.01"), _flat(Currency.CNY, "0.03"), "7.2")
    back = made.inverted()
    assert (made.pair, back.pair) == ("EURCNY", "CNYEUR")
    serials = serials_of([MONDAY, date(2023, 5, 5)])
    assert back.forward_rates(serials) * made.forward_rates(serials) == pytest.approx([1.0, 1.0], rel=1e-15)


def test_rates_and_days_that_cannot_be_are_refused() -> None:
    eur, cny = _flat(Currency.EUR, "0.01"), _flat(Currency.CNY, "0.03")
    for spot in ("0", "-1", "NaN"):
        with pytest.raises(InvalidInput, match="spot is"):
            _parity(eur, cny, spot)
    with pytest.raises(InvalidInput, match="settles on"):
        fx_curve_from_discounts(priced=eur, quoted=cny, spot_rate=Decimal(7), spot_date=date(2022, 2, 18))
    with pytest.raises(InvalidInput, match="make no forward"):
        _parity(eur, eur, "1")
    with pytest.raises(InvalidInput, match="make no forward"):
        _parity(eur, _flat(Currency.CNY, "0.03", day=date(2022, 2, 22)), "7")
    with pytest.raises(InvalidInput, match="77") as refused:
        fx_curve_from_points(
            priced=Currency.EUR, quoted=Currency.CNY, valuation_date=MONDAY, spot_rate=Decimal("7.2"),
            spot_date=SPOT_DATE, dates=[date(2022, 3, 23)], points=[Decimal(77)],
        )  # fmt: skip
    assert refused.value.field == "points"
