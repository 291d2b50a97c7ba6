"""The curves of a day under one digest, read on a book's buckets without QuantLib."""

import math
import pickle
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest

from carbonfin.kernel.allowances import Scheme
from carbonfin.kernel.errors import InvalidInput, MissingData
from carbonfin.kernel.units import Currency
from carbonfin.rules.parameters import Grade
from pricing.calc.curve_quotes import CurveQuote, CurveQuoteKind, CurveQuotes, curve_quote_order
from pricing.calc.curves.buckets import NO_EXPIRY, BucketMarket, bucket_market
from pricing.calc.curves.curve_set import CurveSet
from pricing.calc.curves.discount import flat_discount_curve
from pricing.calc.curves.from_quotes import futures_inputs, rate_inputs, spot_rate
from pricing.calc.curves.futures import Phase, Product
from pricing.calc.curves.fx import fx_curve_from_discounts
from pricing.calc.curves.nodes import serial_of, serials_of
from pricing.calc.curves.volatility import flat_volatility
from tests.pricing.curves.samples import CONVENTIONS, MONDAY, curve, prices, strip

NOW = datetime(2022, 2, 21, 10, tzinfo=UTC)
DELIVERY = date(2022, 12, 19)
CEA_2024 = Phase(
    scheme=Scheme.CEA,
    name="2024",
    first_delivery=date(2021, 7, 16),
    last_delivery=date(2025, 12, 31),
    banks_into_next=False,
)
CEA = Product(scheme=Scheme.CEA, phase="2024", vintage=2023)
EUA = Product(scheme=Scheme.EUA, phase="4", vintage=None)


def _set() -> CurveSet:
    flat = {
        currency: flat_discount_curve(
            currency=currency, valuation_date=MONDAY, rate=Decimal(rate), horizon=date(2025, 2, 21)
        )
        for currency, rate in ((Currency.CNY, "0.02"), (Currency.EUR, "0.01"), (Currency.USD, "0.03"))
    }
    pairs = (
        (Currency.EUR, Currency.USD, "1.1"),
        (Currency.USD, Currency.CNY, "6.5"),
        (Currency.EUR, Currency.CNY, "7.15"),
    )
    cea = prices(((MONDAY, "58"), (DELIVERY, "60")), scheme=Scheme.CEA, vintage=2023, currency=Currency.CNY)
    return CurveSet(
        valuation_date=MONDAY,
        known_at=NOW,
        discount=tuple(flat[currency] for currency in (Currency.CNY, Currency.EUR)),
        futures=(
            *strip(cea, phases=(CEA_2024,), calendar_known_until=date(2022, 12, 31), flat_carry_days=300),
            *strip(prices(((DELIVERY, "80"), (date(2023, 12, 18), "82")))),
        ),
        fx=tuple(
            fx_curve_from_discounts(
                priced=flat[priced], quoted=flat[quoted], spot_rate=Decimal(rate), spot_date=date(2022, 2, 23)
            )
            for priced, quoted, rate in pairs
        ),
        volatility=(
            flat_volatility(
                product=EUA,
                valuation_date=MONDAY,
                volatility=Decimal("0.5"),
                forward_per_t=Decimal(80),
                horizon=DELIVERY,
            ),
        ),
    )


def _market(rows: list[tuple[Product, date, date | None, float]], *, curves: CurveSet | None = None) -> BucketMarket:
    return bucket_market(
        curves or _set(),
        [product for product, _, _, _ in rows],
        serials_of([delivery for _, delivery, _, _ in rows]),
        np.array([NO_EXPIRY if expiry is None else serial_of(expiry) for _, _, expiry, _ in rows]),
        np.array([strike for _, _, _, strike in rows]),
    )


# --- the set ----------------------------------------------------------------------------------------------------------
def test_the_digest_names_every_bit_and_no_order() -> None:
    curves = _set()
    turned = replace(curves, discount=curves.discount[::-1], fx=curves.fx[::-1], futures=curves.futures[::-1])
    assert turned.digest == curves.digest == _set().digest
    first = curves.discount[0]
    moved = replace(first, log_discount_factors=(0.0, math.nextafter(first.log_discount_factors[1], 0)))
    assert replace(curves, discount=(moved, *curves.discount[1:])).digest != curves.digest
    assert replace(curves, known_at=NOW + timedelta(seconds=1)).digest != curves.digest
    assert replace(curves, volatility=()).digest != curves.digest


def test_the_set_travels_between_processes_whole() -> None:
    curves = _set()
    again = pickle.loads(pickle.dumps(curves))  # noqa: S301 - our own bytes
    assert again == curves
    assert again.digest == curves.digest


def test_another_day_two_curves_for_one_thing_and_a_naive_instant_are_refused() -> None:
    curves = _set()
    later = flat_discount_curve(
        currency=Currency.HKD, valuation_date=date(2022, 2, 22), rate=Decimal("0.02"), horizon=date(2022, 3, 1)
    )
    with pytest.raises(InvalidInput, match="2022-02-22"):
        replace(curves, discount=(later,))
    for twice in (
        {"discount": curves.discount[:1] * 2},
        {"futures": curves.futures[:1] * 2},
        {"fx": curves.fx[:1] * 2},
        {"volatility": curves.volatility * 2},
    ):
        with pytest.raises(InvalidInput, match="two curves"):
            replace(curves, **twice)
    with pytest.raises(InvalidInput, match="time zone"):
        replace(curves, known_at=datetime(2022, 2, 21))  # noqa: DTZ001 - the fault under test


def test_curves_are_found_or_missing_by_name() -> None:
    curves = _set()
    assert curves.discount_of(Currency.CNY).currency is Currency.CNY
    assert curves.futures_of(EUA).phases == ("3", "4")
    assert curves.volatility_of(EUA).product == EUA
    assert curves.fx_of(priced=Currency.EUR, quoted=Currency.CNY).pair == "EURCNY"
    turned = curves.fx_of(priced=Currency.CNY, quoted=Currency.EUR)
    assert turned.forward_rates(serials_of([date(2022, 2, 23)])) == pytest.approx([1 / 7.15])
    with pytest.raises(MissingData, match="HKD") as refused:
        curves.discount_of(Currency.HKD)
    assert refused.value.field == "currency"
    with pytest.raises(MissingData, match="CEA-2024/2024"):
        curves.futures_of(replace(CEA, vintage=2024))
    with pytest.raises(MissingData, match="CEA-2023/2024"):
        curves.volatility_of(CEA)
    with pytest.raises(MissingData, match="HKDCNY"):
        curves.fx_of(priced=Currency.HKD, quoted=Currency.CNY)


def test_triangles_of_the_set_close() -> None:
    ((names, gap, _),) = _set().triangle_gaps()
    assert names == "EURUSD USDCNY EURCNY"
    assert gap < 1e-14


# --- buckets ----------------------------------------------------------------------------------------------------------
def test_buckets_by_hand() -> None:
    expiry = date(2022, 12, 14)
    market = _market([(EUA, DELIVERY, None, math.nan), (EUA, DELIVERY, expiry, 90.0), (CEA, DELIVERY, None, math.nan)])
    assert market.failures == ()
    assert market.forward_per_t == pytest.approx([80.0, 80.0, 60.0], rel=1e-14)
    years = (DELIVERY - MONDAY).days / 365
    assert market.discount_factor == pytest.approx(
        [math.exp(-0.01 * years), math.exp(-0.01 * years), math.exp(-0.02 * years)], rel=1e-14
    )
    assert market.total_volatility == pytest.approx([0.0, 0.5 * math.sqrt(296 / 365), 0.0], rel=1e-14)


def test_buckets_are_what_the_curves_give_one_by_one() -> None:
    curves = replace(_set(), discount=(curve(), *_set().discount[1:]))
    deliveries = [MONDAY + timedelta(days=shift) for shift in range(0, 310, 7)]
    market = _market([(CEA, day, None, math.nan) for day in deliveries], curves=curves)
    serials = serials_of(deliveries)
    assert np.array_equal(market.forward_per_t, curves.futures_of(CEA).forwards_per_t(serials))
    assert np.array_equal(market.discount_factor, curves.discount_of(Currency.CNY).discount_factors(serials))


def test_bad_buckets_are_named_and_the_good_stand() -> None:
    nothing = math.nan
    curves = _set()
    market = _market(
        [
            (CEA, DELIVERY, None, nothing),
            (CEA, date(2023, 1, 9), None, nothing),  # past the calendar
            (EUA, date(2024, 6, 3), None, nothing),  # past the last listed delivery
            (replace(CEA, vintage=2022), DELIVERY, None, nothing),
            (EUA, DELIVERY, date(2022, 12, 14), nothing),
            (EUA, DELIVERY, date(2022, 12, 20), 80.0),
            (EUA, date(2023, 12, 18), date(2023, 6, 1), 80.0),  # past the surface
            (CEA, DELIVERY, date(2022, 12, 14), 60.0),  # no volatility at all
            (EUA, DELIVERY, date(2022, 12, 14), 80.0),
        ]
    )
    assert [failure.item for failure in market.failures] == ["1", "2", "3", "4", "5", "6", "7"]
    assert [failure.field for failure in market.failures] == [
        "delivery_date", "date", "product", "strike", "expiry_date", "date", "product",
    ]  # fmt: skip
    assert "known until 2022-12-31" in market.failures[0].detail
    assert all(failure.remedy and failure.remedy_zh for failure in market.failures)
    for column in (market.forward_per_t, market.discount_factor, market.total_volatility):
        assert np.isfinite(column[[0, 8]]).all()
        assert np.isnan(column[1:8]).all()
    without = _market([(EUA, DELIVERY, None, nothing)], curves=replace(curves, discount=curves.discount[:1]))
    assert without.failures[0].field == "currency"
    assert "EUR" in without.failures[0].detail


def test_no_bucket_gives_empty_columns_and_uneven_ones_are_refused() -> None:
    empty = _market([])
    assert empty.forward_per_t.shape == (0,)
    with pytest.raises(InvalidInput, match="1 products"):
        bucket_market(_set(), [EUA], np.array([], dtype=np.int64), np.array([NO_EXPIRY]), np.array([math.nan]))


# --- out of recorded quotes -------------------------------------------------------------------------------------------
def _quote(kind: CurveQuoteKind, name: str, point: str, value: str, *, expiry: date | None = None) -> CurveQuote:
    currency = {"EUA": Currency.EUR, "EURCNY": Currency.CNY, "EURUSD": Currency.USD}.get(name, Currency.CNY)
    return CurveQuote(
        kind=kind, name=name, point=point, expiry_date=expiry, quote_date=MONDAY, value=Decimal(value), currency=currency,
        known_from=MONDAY, source="s", document="d", grade=Grade.SAMPLE, is_sample=True,
    )  # fmt: skip


def _quotes() -> CurveQuotes:
    fixing, swap, fx = CurveQuoteKind.FIXING, CurveQuoteKind.SWAP, CurveQuoteKind.FX
    rows = [
        *(
            _quote(fixing, "SHIBOR", tenor, rate)
            for tenor, rate in (("ON", "0.0219"), ("1M", "0.023"), ("6M", "0.0245"))
        ),
        *(_quote(fixing, "FR007", tenor, "0.0212") for tenor in ("7D",)),
        *(
            _quote(swap, "FR007_SWAP", tenor, rate)
            for tenor, rate in (("3M", "0.0214"), ("1Y", "0.022"), ("5Y", "0.026"))
        ),
        _quote(fx, "EURCNY", "SPOT", "7.16"),
        _quote(fx, "EURUSD", "1Y", "1.14"),
        _quote(CurveQuoteKind.SETTLEMENT, "EUA", "FEUA", "80.5", expiry=DELIVERY),
    ]
    return CurveQuotes(valuation_date=MONDAY, known_at=NOW, quotes=tuple(sorted(rows, key=curve_quote_order)))


def test_a_series_gives_way_where_the_next_begins() -> None:
    inputs = rate_inputs(_quotes(), names=("SHIBOR", "FR007_SWAP"), conventions=CONVENTIONS)
    assert [quote.name for quote in inputs] == [
        "SHIBOR ON",
        "SHIBOR 1M",
        "FR007_SWAP 3M",
        "FR007_SWAP 1Y",
        "FR007_SWAP 5Y",
    ]
    weekly = rate_inputs(_quotes(), names=("FR007", "FR007_SWAP"), conventions=CONVENTIONS)
    assert [quote.tenor for quote in weekly] == ["7D", "3M", "1Y", "5Y"]
    made = curve(tuple((quote.convention.name, quote.tenor, str(quote.rate)) for quote in weekly))
    seven_days = 1 / (1 + 0.0212 * 7 / 365)
    assert float(made.discount_factors(serials_of([date(2022, 2, 28)]))[0]) == pytest.approx(seven_days, abs=2e-15)
    with pytest.raises(MissingData, match="no convention for FR007"):
        rate_inputs(_quotes(), names=("FR007",), conventions={})


def test_settlements_and_spot_of_recorded_quotes() -> None:
    (quote,) = futures_inputs(_quotes(), scheme=Scheme.EUA, vintage=None)
    assert (quote.delivery_date, quote.price_per_t, quote.currency) == (DELIVERY, Decimal("80.5"), Currency.EUR)
    assert spot_rate(_quotes(), pair="EURCNY") == Decimal("7.16")
    with pytest.raises(MissingData, match="no spot"):
        spot_rate(_quotes(), pair="EURUSD")
