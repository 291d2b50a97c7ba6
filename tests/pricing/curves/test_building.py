"""The curves that the recorded quotes of a day make: which are built, of what, and why the others are not."""

import math
import pickle
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest

from carbonfin.kernel.dates import end_of_china_day
from carbonfin.kernel.errors import InvalidInput, MissingData
from carbonfin.kernel.units import Currency
from carbonfin.rules.parameters import Grade, ParameterBook, ParameterValue
from carbonfin.storage.rulebook.parameters import builtin_book
from pricing.calc.curve_quotes import RATE_SERIES, CurveQuote, CurveQuoteKind, CurveQuotes, curve_quote_order
from pricing.calc.curves.building import curve_set_of
from pricing.calc.curves.nodes import serial_of
from pricing.calc.curves.origins import CurveBuild, CurveKind
from pricing.calc.curves.reading import CurveReading, read_curve
from tests.pricing.curves.samples import PLAIN_CALENDARS

MONDAY = date(2025, 3, 3)
EUA_2025, EUA_2026 = date(2025, 12, 15), date(2026, 12, 14)
STRIP = (("EUA", "EUA-2025-12", EUA_2025, "70.00"), ("EUA", "EUA-2026-12", EUA_2026, "72.00"))
RATES = (("SHIBOR", "3M", "0.0160"), ("FR007_SWAP", "1Y", "0.0155"), ("EUR_DEPOSIT", "1Y", "0.0220"))


def quote(name: str, point: str, value: str, *, expiry: date | None = None, day: date = MONDAY) -> CurveQuote:
    if name in RATE_SERIES:
        kind, currency = RATE_SERIES[name]
    else:
        kind = CurveQuoteKind.FX if expiry is None else CurveQuoteKind.SETTLEMENT
        currency = Currency(name[3:]) if expiry is None else Currency.EUR
    return CurveQuote(
        kind=kind, name=name, point=point, expiry_date=expiry, quote_date=day, value=Decimal(value), currency=currency,
        known_from=day, source="发布机构", document="公告", grade=Grade.READ, is_sample=False,
    )  # fmt: skip


def built(*quotes: CurveQuote, book: ParameterBook | None = None, day: date = MONDAY) -> CurveBuild:
    of_day = CurveQuotes(
        valuation_date=day, known_at=end_of_china_day(day), quotes=tuple(sorted(quotes, key=curve_quote_order))
    )
    return curve_set_of(of_day, book=builtin_book("pricing") if book is None else book, calendars=PLAIN_CALENDARS)


def rates(rows: Sequence[tuple[str, str, str]] = RATES) -> list[CurveQuote]:
    return [quote(*row) for row in rows]


def strip(rows: Sequence[tuple[str, str, date, str]] = STRIP) -> list[CurveQuote]:
    return [quote(name, point, value, expiry=expiry) for name, point, expiry, value in rows]


def reading(build: CurveBuild, kind: CurveKind, name: str) -> CurveReading:
    return read_curve(build, kind=kind, name=name)


def phase(scope: str, value: str) -> ParameterValue:
    return ParameterValue(
        key="pricing.trading_phase", scope=scope, value=value, unit="text", valid_from=date(2013, 1, 1), valid_to=None,
        known_from=date(2013, 1, 1), document="文件", article="", grade=Grade.READ, confirmed=True, approved_by=(), note="",
    )  # fmt: skip


def without(key: str, *added: ParameterValue) -> ParameterBook:
    return ParameterBook([*(value for value in builtin_book("pricing").values() if value.key != key), *added])


def test_fixings_give_way_to_swaps_and_each_input_is_repriced() -> None:
    cny = reading(built(*rates()), CurveKind.DISCOUNT, "CNY")
    # SHIBOR starts a day later, Tuesday 4 March: three months to 4 June, a year to 4 March 2026.
    assert [(item.quote.name, item.node_date) for item in cny.inputs] == [
        ("SHIBOR", date(2025, 6, 4)),
        ("FR007_SWAP", date(2026, 3, 4)),
    ]
    assert max(abs(item.residual) for item in cny.inputs) <= 1e-12
    # One deposit from the second day on, with the same flat forward before it: D(t) = (1 + 0.016 * 92 / 360) ** (-t / 92).
    growth = math.log1p(0.016 * 92 / 360) / 92
    node = cny.nodes[1]
    assert (node.day, node.years) == (date(2025, 6, 4), Decimal("0.254795"))  # 93 / 365
    assert float(node.discount_factor or 0) == pytest.approx(math.exp(-93 * growth), abs=1e-12)
    assert float(node.zero_rate or 0) == pytest.approx(365 * growth, abs=1e-8)
    assert cny.nodes[0].zero_rate is None
    assert cny.nodes[0].discount_factor == 1
    assert cny.horizon == date(2026, 3, 4) + timedelta(days=366)
    assert cny.origin.unconfirmed == ("pricing.rate_convention FR007_SWAP", "pricing.rate_convention SHIBOR")


def test_carry_is_what_the_strip_shows_over_the_discount_curve() -> None:
    eua = reading(built(*strip(), *rates()), CurveKind.FUTURES, "EUA")
    assert [str(node.forward_price_per_t) for node in eua.nodes] == ["70.000000", "72.000000"]
    # A deposit from 5 March for 365 days (act/360) is one flat rate: r = 365 ln(1 + 0.022 * 365/360) / 365.
    rate = math.log1p(0.022 * 365 / 360)
    years = (EUA_2026 - EUA_2025).days / 365
    assert eua.nodes[0].net_carry_rate is None
    assert float(eua.nodes[1].net_carry_rate or 0) == pytest.approx(math.log(72 / 70) / years - rate, abs=1e-8)
    # Half way in days between the expiries the price is the geometric mean.
    middle = np.array([(serial_of(EUA_2025) + serial_of(EUA_2026)) // 2])
    curve = built(*strip()).curves.futures[0]
    assert curve.forwards_per_t(middle)[0] == pytest.approx(math.sqrt(70 * 72), rel=1e-12)
    assert eua.phases == ("3", "4", "2031")


def test_without_rates_a_strip_has_no_carry_and_says_why() -> None:
    eua = reading(built(*strip()), CurveKind.FUTURES, "EUA")
    assert eua.carry_note == ("没有 EUR 贴现曲线", "there is no EUR discount curve")
    assert [node.net_carry_rate for node in eua.nodes] == [None, None]


def test_spot_alone_is_carried_forward_by_parity() -> None:
    eurcny = reading(built(*rates(), quote("EURCNY", "SPOT", "7.60")), CurveKind.FX, "EURCNY")
    assert eurcny.origin.made_of == ("EUR", "CNY")
    (spot,) = eurcny.inputs
    assert (spot.quote.point, spot.node_date) == ("SPOT", date(2025, 3, 5))
    assert abs(spot.residual) <= 1e-14
    # EUR grows by 0.022 simple act/360 in the 365 days from spot, CNY by its own curve over the same days.
    curves = built(*rates())
    cny = curves.curves.discount_of(Currency.CNY)
    days = np.array([serial_of(date(2025, 3, 5)), serial_of(date(2026, 3, 5))])
    factors = cny.discount_factors(days)
    expected = 7.60 * (factors[0] / factors[1]) / (1 + 0.022 * 365 / 360)
    (node,) = [one for one in eurcny.nodes if one.day == date(2026, 3, 5)]
    assert float(node.exchange_rate or 0) == pytest.approx(expected, abs=1e-8)
    assert "pricing.rate_convention EUR_DEPOSIT" in eurcny.origin.unconfirmed


def test_outright_forwards_go_before_parity_and_weeks_are_calendar_days() -> None:
    build = built(
        *rates(), quote("EURCNY", "SPOT", "7.60"), quote("EURCNY", "7D", "7.599"), quote("EURCNY", "1M", "7.59")
    )
    eurcny = reading(build, CurveKind.FX, "EURCNY")
    assert eurcny.origin.made_of == ()
    # Spot settles on Wednesday 5 March; a month later is Saturday 5 April, rolled to Monday.
    assert [(node.day, str(node.exchange_rate)) for node in eurcny.nodes] == [
        (date(2025, 3, 5), "7.60000000"), (date(2025, 3, 12), "7.59900000"), (date(2025, 4, 7), "7.59000000"),
    ]  # fmt: skip
    assert eurcny.horizon == date(2025, 4, 7)


def test_a_curve_that_cannot_be_built_stops_no_other_and_is_asked_for_with_its_reason() -> None:
    build = built(*strip(), *rates((("SHIBOR", "3M", "0.4"), ("EUR_DEPOSIT", "1Y", "0.022"))))
    assert [failure.item for failure in build.failures] == ["discount CNY"]
    assert build.failures[0].field == "rate"
    assert [origin.name for origin in build.origins] == ["EUR", "EUA"]
    with pytest.raises(MissingData, match=r"SHIBOR 3M is 0\.4") as refused:
        reading(build, CurveKind.DISCOUNT, "CNY")
    assert "合理范围" in refused.value.zh
    assert refused.value.remedy_zh
    with pytest.raises(MissingData, match="'USD' on 2025-03-03; there are: EUR"):
        reading(build, CurveKind.DISCOUNT, "USD")


@pytest.mark.parametrize(
    ("quotes", "item", "words"),
    [
        ([quote("EURCNY", "SPOT", "7.6")], "fx EURCNY", "no discount curve"),
        ([quote("EURCNY", "1M", "7.6")], "fx EURCNY", "no spot rate"),
        ([quote("EURCNY", "SPOT", "7.6"), quote("EURCNY", "TN", "7.6")], "fx EURCNY", "no forward from spot"),
        ([quote("EURCNY", "SPOT", "7.6", day=MONDAY - timedelta(days=8))], "fx EURCNY", "more than 7 days"),
        ([quote("EURCNY", "SPOT", "7.6"), quote("EURCNY", "1M", "76")], "fx EURCNY", "points"),
        ([quote("SHIBOR", "3M", "0.016", day=MONDAY - timedelta(days=11))], "discount CNY", "more than 10 days"),
        ([quote("USD_SWAP", "5Y", "0.30")], "discount USD", "outside"),
        ([quote("FR007", "7D", "0.016")], "discount CNY", "no rate quote"),
        ([quote("SZA", "A", "30", expiry=EUA_2025)], "futures SZA", "no trading phase"),
        ([quote("EUA", "A", "70", expiry=date(2041, 12, 16))], "futures EUA", "no phase"),
        ([quote("EUA", "A", "70", expiry=MONDAY - timedelta(days=3), day=MONDAY - timedelta(days=5))], "futures EUA",
         "has expired"),
        ([*strip(), quote("EUA", "B", "0.01", expiry=date(2027, 12, 20))], "futures EUA", "median"),
        ([quote("EUA", "A", "70", expiry=EUA_2025, day=MONDAY - timedelta(days=11))], "futures EUA", "older than 10"),
    ],
)  # fmt: skip
def test_what_makes_no_curve_is_named_with_a_remedy(quotes: list[CurveQuote], item: str, words: str) -> None:
    build = built(*quotes)
    assert build.origins == ()
    (failure,) = build.failures
    assert failure.item == item
    assert words in failure.detail
    assert failure.zh
    assert failure.remedy
    assert failure.remedy_zh


def test_a_break_between_phases_makes_two_curves_each_named_with_its_phase() -> None:
    book = without(
        "pricing.trading_phase",
        phase("EUA-a", "first_delivery=2013-01-01 last_delivery=2025-12-31 banks_into_next=false"),
        phase("EUA-b", "first_delivery=2026-01-01 last_delivery=2030-12-31 banks_into_next=true"),
    )
    build = built(*strip(), book=book)
    assert [origin.name for origin in build.origins] == ["EUA/a", "EUA/b"]
    # One price alone speaks for its own delivery and no other.
    first = reading(build, CurveKind.FUTURES, "EUA/a")
    assert (first.first_day, first.horizon) == (EUA_2025, EUA_2025)
    assert first.carry_note is not None
    with pytest.raises(MissingData, match="there are: EUA/a, EUA/b"):
        reading(build, CurveKind.FUTURES, "EUA")


@pytest.mark.parametrize(
    ("scope", "value"),
    [
        ("EUA", "first_delivery=2013-01-01 last_delivery=2025-12-31 banks_into_next=false"),
        ("EUA-4", "first_delivery=2013-01-01 last_delivery=2025-12-31"),
        ("EUA-4", "first_delivery=2013-01-01 last_delivery=2025-12-31 banks_into_next=no"),
        ("EUA-4", "first_delivery=2013-13-01 last_delivery=2025-12-31 banks_into_next=true"),
    ],
)
def test_a_phase_that_cannot_be_read_is_named(scope: str, value: str) -> None:
    build = built(*strip(), book=without("pricing.trading_phase", phase(scope, value)))
    (failure,) = build.failures
    assert scope in failure.detail
    assert failure.field == "pricing.trading_phase"


def test_the_set_travels_and_its_digest_moves_with_any_quote() -> None:
    build = built(*strip(), *rates(), quote("EURCNY", "SPOT", "7.60"))
    assert pickle.loads(pickle.dumps(build)) == build  # noqa: S301  made here
    other = built(*strip(), *rates(), quote("EURCNY", "SPOT", "7.6000001"))
    assert build.curves.digest != other.curves.digest
    moved = [replace(one, value=one.value + Decimal("1e-12")) if one.point == "3M" else one for one in rates()]
    assert built(*strip(), *moved, quote("EURCNY", "SPOT", "7.60")).curves.digest != build.curves.digest


def test_a_quote_of_a_later_day_is_refused() -> None:
    with pytest.raises(InvalidInput, match="later quote"):
        built(quote("SHIBOR", "3M", "0.016", day=MONDAY + timedelta(days=1)))
