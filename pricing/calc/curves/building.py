"""Every curve that the quotes of a day allow, each with its inputs; those that cannot be built are named, with why."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeVar

import numpy as np
import QuantLib as ql  # noqa: N813 - the field's own abbreviation

from carbonfin.kernel.allowances import Scheme
from carbonfin.kernel.batch import Failure
from carbonfin.kernel.dates import Calendar
from carbonfin.kernel.errors import CarbonFinError, InvalidInput, MissingData
from carbonfin.kernel.quantlib import quantlib_on
from carbonfin.kernel.units import Currency, to_float
from carbonfin.rules.parameters import ParameterBook, ParameterValue
from pricing.calc.curve_quotes import FX_SPOT, LPR, RATE_SERIES, CurveQuote, CurveQuoteKind, CurveQuotes
from pricing.calc.curves.curve_set import CurveSet
from pricing.calc.curves.discount import DiscountCurve, discount_curve
from pricing.calc.curves.from_quotes import futures_inputs, rate_inputs, spot_rate
from pricing.calc.curves.futures import FuturesCurve, Phase, futures_curves
from pricing.calc.curves.fx import FxForwardCurve, fx_curve_from_discounts, fx_curve_from_points
from pricing.calc.curves.indexes import (
    RateConvention,
    quantlib_calendar,
    quote_limits,
    rate_conventions,
)
from pricing.calc.curves.nodes import day_of, serials_of
from pricing.calc.curves.origins import CurveBuild, CurveInput, CurveKind, CurveOrigin
from pricing.calc.curves.surfaces import SurfaceBuild, SurfaceLimits, surfaces_of

_CONVENTION_KEY = "pricing.rate_convention"
_PHASE_KEY = "pricing.trading_phase"
_PHASE_WORDS = frozenset({"first_delivery", "last_delivery", "banks_into_next"})
_BESIDE_CURVES = frozenset({LPR, "DR001", "HIBOR", "CNH_HIBOR"})
_BEFORE_SPOT = frozenset({"ON", "TN", "SN"})
_Curve = TypeVar("_Curve")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rules:
    """The parameters of a day, and our own calendars."""

    book: ParameterBook
    valid_on: date
    known_at: datetime
    calendars: Mapping[str, Calendar]
    conventions: Mapping[str, RateConvention]

    def on(self, key: str, scope: str = "") -> ParameterValue:
        return self.book.on(f"pricing.{key}", valid_on=self.valid_on, known_at=self.known_at, scope=scope)

    def find(self, key: str, scope: str) -> ParameterValue | None:
        return self.book.find(f"pricing.{key}", valid_on=self.valid_on, known_at=self.known_at, scope=scope)

    def for_pair(self, key: str, pair: str) -> ParameterValue:
        """Give what is set for a pair, else what is set for all."""
        own = self.book.find(f"pricing.{key}", valid_on=self.valid_on, known_at=self.known_at, scope=pair)
        return own if own is not None else self.on(key)


def curve_set_of(quotes: CurveQuotes, *, book: ParameterBook, calendars: Mapping[str, Calendar]) -> CurveBuild:
    """Build the discount, futures and exchange curves of a day from its recorded quotes.

    A discount curve joins the series that `pricing.curve_series` names, as far as they are quoted. A futures curve is
    the settlement curve of a scheme by its phases. An exchange curve takes outright forwards where they are quoted, and
    follows by covered parity from both discount curves where spot alone is. One that cannot be built stops no other.

    Args:
        quotes: The quotes of the day as they were known at an instant.
        book: Conventions and limits; asked for the same day and instant.
        calendars: Our own calendars by name; they go before QuantLib's.
    """
    rules = _Rules(
        book=book,
        valid_on=quotes.valuation_date,
        known_at=quotes.known_at,
        calendars=calendars,
        conventions=rate_conventions(book, valid_on=quotes.valuation_date, known_at=quotes.known_at),
    )
    failures: list[Failure] = []
    discount = _each(
        CurveKind.DISCOUNT, _quoted_currencies(quotes, rules), failures, lambda name: _discount(quotes, rules, name)
    )
    by_currency = {curve.currency: curve for curve, _ in discount}
    futures = _each(
        CurveKind.FUTURES,
        _names(quotes, CurveQuoteKind.SETTLEMENT),
        failures,
        lambda name: _futures(quotes, rules, Scheme(name)),
    )
    fx = _each(
        CurveKind.FX, _names(quotes, CurveQuoteKind.FX), failures, lambda name: _fx(quotes, rules, name, by_currency)
    )
    surfaces, surface_failures = _surfaces(quotes, rules, [curve for curve, _ in futures])
    return CurveBuild(
        curves=CurveSet(
            valuation_date=quotes.valuation_date,
            known_at=quotes.known_at,
            discount=tuple(curve for curve, _ in discount),
            futures=tuple(curve for curve, _ in futures),
            fx=tuple(curve for curve, _ in fx),
            volatility=tuple(one.surface for one in surfaces),
        ),
        origins=tuple(origin for _, origin in (*discount, *futures, *fx)),
        failures=tuple(failures),
        surfaces=surfaces,
        surface_failures=surface_failures,
    )


def _surfaces(
    quotes: CurveQuotes, rules: _Rules, futures: Sequence[FuturesCurve]
) -> tuple[tuple[SurfaceBuild, ...], tuple[Failure, ...]]:
    if not any(quote.kind is CurveQuoteKind.VOLATILITY for quote in quotes.quotes):
        return (), ()
    limits = SurfaceLimits(
        volatility_max=rules.on("volatility_max").decimal,
        stale_after_days=rules.on("volatility_stale_after_days").integer,
        extrapolation_days=rules.on("volatility_extrapolation_days").integer,
    )
    return surfaces_of(quotes, futures=futures, phases_of=lambda scheme: _phases(rules, scheme)[0], limits=limits)


def _each(
    kind: CurveKind,
    names: Sequence[str],
    failures: list[Failure],
    make: Callable[[str], Sequence[tuple[_Curve, CurveOrigin]]],
) -> list[tuple[_Curve, CurveOrigin]]:
    """Make the curves of every name; of those that cannot be made the failures are told."""
    made: list[tuple[_Curve, CurveOrigin]] = []
    for name in names:
        try:
            made.extend(make(name))
        except CarbonFinError as error:
            failures.append(Failure.of(f"{kind} {name}", error))
    return made


def _names(quotes: CurveQuotes, kind: CurveQuoteKind) -> list[str]:
    return sorted({quote.name for quote in quotes.quotes if quote.kind is kind})


def _quoted_currencies(quotes: CurveQuotes, rules: _Rules) -> list[str]:
    """Give the currencies of which a curve is asked: rates that stand beside curves ask for none by themselves."""
    found = set()
    for quote in quotes.quotes:
        if quote.name not in RATE_SERIES:
            continue
        series = rules.find("curve_series", str(quote.currency))
        if quote.name not in _BESIDE_CURVES or (series is not None and quote.name in series.value.split()):
            found.add(str(quote.currency))
    return sorted(found)


def _discount(quotes: CurveQuotes, rules: _Rules, name: str) -> list[tuple[DiscountCurve, CurveOrigin]]:
    currency = Currency(name)
    series = rules.on("curve_series", name)
    quoted = {quote.name for quote in quotes.quotes}
    chosen = [one for one in series.value.split() if one in quoted]
    curve = discount_curve(
        currency=currency,
        valuation_date=quotes.valuation_date,
        quotes=rate_inputs(quotes, names=chosen, conventions=rules.conventions),
        limits=quote_limits(rules.book, currency=currency, valid_on=rules.valid_on, known_at=rules.known_at),
        calendars=rules.calendars,
        extrapolation_days=rules.on("curve_extrapolation_days").integer,
    )
    by_name = {f"{quote.name} {quote.point}": quote for one in chosen for quote in quotes.rates_of(one)}
    inputs = tuple(
        CurveInput(quote=by_name[found.name], node_date=found.node_date, residual=found.residual_rate)
        for found in curve.residuals
    )
    unconfirmed = tuple(f"{_CONVENTION_KEY} {one}" for one in curve.unconfirmed)
    return [(curve, _origin(CurveKind.DISCOUNT, name, inputs, unconfirmed=unconfirmed))]


def _futures(quotes: CurveQuotes, rules: _Rules, scheme: Scheme) -> list[tuple[FuturesCurve, CurveOrigin]]:
    listed = {quote.expiry_date: quote for quote in quotes.settlements_of(scheme)}
    if not listed:
        raise MissingData(
            f"every quoted contract of {scheme} has expired by {quotes.valuation_date}",
            zh=f"{scheme} 已报价的合约在 {quotes.valuation_date} 前均已到期",
            field="expiry_date",
            remedy="Import the settlement prices of that day.",
            remedy_zh="请导入当日结算价。",
        )
    phases, unconfirmed = _phases(rules, scheme)
    made = futures_curves(
        valuation_date=quotes.valuation_date,
        quotes=futures_inputs(quotes, scheme=scheme, vintage=None),
        phases=phases,
        stale_after_days=rules.on("settlement_stale_after_days").integer,
        price_ratio_max=rules.on("settlement_ratio_max").decimal,
        flat_carry_days=rules.on("flat_carry_days").integer,
        calendar_known_until=None,
    )
    found = []
    for curve in made:
        prices = curve.forwards_per_t(np.array(curve.node_serials, dtype=np.int64))
        inputs = tuple(
            CurveInput(quote=listed[day], node_date=day, residual=price - to_float(listed[day].value))
            for day, price in zip((day_of(serial) for serial in curve.node_serials), prices.tolist(), strict=True)
        )
        name = str(scheme) if len(made) == 1 else f"{scheme}/{'+'.join(curve.phases)}"
        found.append((curve, _origin(CurveKind.FUTURES, name, inputs, unconfirmed=unconfirmed)))
    return found


def _phases(rules: _Rules, scheme: Scheme) -> tuple[tuple[Phase, ...], tuple[str, ...]]:
    """Give the trading phases of a scheme, and which of them nobody has confirmed."""
    values = [
        value
        for value in rules.book.in_force(valid_on=rules.valid_on, known_at=rules.known_at)
        if value.key == _PHASE_KEY and value.scope.split("-")[0] == scheme
    ]
    if not values:
        raise MissingData(
            f"no trading phase of {scheme} is known",
            zh=f"{scheme} 的交易阶段未设定",
            field=_PHASE_KEY,
            remedy="Enter and approve the scheme's phases: a curve must not cross from one to another unasked.",
            remedy_zh="请录入并复核该品种的交易阶段：曲线不得擅自跨越阶段。",
        )
    unconfirmed = tuple(f"{value.key} {value.scope}" for value in values if not value.confirmed)
    return tuple(_phase(scheme, value) for value in values), unconfirmed


def _phase(scheme: Scheme, value: ParameterValue) -> Phase:
    words = dict(word.split("=", 1) for word in value.value.split() if "=" in word)
    _, _, name = value.scope.partition("-")
    if not name or words.keys() != _PHASE_WORDS or words["banks_into_next"] not in {"true", "false"}:
        raise _misread(value)
    try:
        first, last = (date.fromisoformat(words[key]) for key in ("first_delivery", "last_delivery"))
    except ValueError as error:
        raise _misread(value) from error
    return Phase(
        scheme=scheme,
        name=name,
        first_delivery=first,
        last_delivery=last,
        banks_into_next=words["banks_into_next"] == "true",
    )


def _misread(value: ParameterValue) -> InvalidInput:
    return InvalidInput(
        f"the trading phase {value.scope} cannot be read: {value.value!r}",
        zh=f"交易阶段 {value.scope} 无法读取",
        field=_PHASE_KEY,
        remedy="Scope it SCHEME-PHASE and write first_delivery, last_delivery and banks_into_next as name=value.",
        remedy_zh="范围请写“品种-阶段”，取值按 first_delivery、last_delivery、banks_into_next 逐项填写。",
    )


def _fx(
    quotes: CurveQuotes, rules: _Rules, pair: str, discount: Mapping[Currency, DiscountCurve]
) -> list[tuple[FxForwardCurve, CurveOrigin]]:
    priced, quoted = Currency(pair[:3]), Currency(pair[3:])
    found = quotes.fx_of(pair)
    _check_fresh(found[0], quotes.valuation_date, limit_days=rules.for_pair("fx_stale_after_days", pair).integer)
    spot = spot_rate(quotes, pair=pair)
    spot_days = rules.for_pair("fx_spot_days", pair)
    outright = [quote for quote in found if quote.point != FX_SPOT]
    spot_date, dates = _fx_dates(rules, (priced, quoted), outright, spot_days=spot_days.integer)
    # Where a holiday brings two tenors to one day the later one counts, as in a discount curve.
    by_day = dict(zip(dates, outright, strict=True))
    made_of: tuple[str, ...] = ()
    unconfirmed = set() if spot_days.confirmed else {f"{spot_days.key} {spot_days.scope}".strip()}
    if outright:
        curve = fx_curve_from_points(
            priced=priced,
            quoted=quoted,
            valuation_date=quotes.valuation_date,
            spot_rate=spot,
            spot_date=spot_date,
            dates=list(by_day),
            points=[quote.value - spot for quote in by_day.values()],
        )
    else:
        both = [_discount_of(discount, one, pair) for one in (priced, quoted)]
        curve = fx_curve_from_discounts(priced=both[0], quoted=both[1], spot_rate=spot, spot_date=spot_date)
        made_of = (str(priced), str(quoted))
        unconfirmed |= {f"{_CONVENTION_KEY} {name}" for one in both for name in one.unconfirmed}
    spot_quote = next(quote for quote in found if quote.point == FX_SPOT)
    days = [(spot_date, spot_quote), *by_day.items()]
    rates = curve.forward_rates(serials_of([day for day, _ in days])).tolist()
    inputs = tuple(
        CurveInput(quote=quote, node_date=day, residual=rate - to_float(quote.value))
        for (day, quote), rate in zip(days, rates, strict=True)
    )
    return [(curve, _origin(CurveKind.FX, pair, inputs, made_of=made_of, unconfirmed=tuple(sorted(unconfirmed))))]


def _fx_dates(
    rules: _Rules, currencies: Sequence[Currency], outright: Sequence[CurveQuote], *, spot_days: int
) -> tuple[date, list[date]]:
    """Give the day spot settles and the days of outright forwards, on days open for both currencies."""
    for quote in outright:
        if quote.point in _BEFORE_SPOT:
            raise InvalidInput(
                f"{quote.name} {quote.point} is no forward from spot on",
                zh=f"{quote.name} {quote.point} 不是即期以后的远期",
                field="tenor",
                remedy="Give outright forwards by weeks, months or years.",
                remedy_zh="远期汇率的期限请按周、月、年填写。",
            )
    with quantlib_on(rules.valid_on) as today:
        first, second = (quantlib_calendar(_calendar_name(rules, one), rules.calendars)[0] for one in currencies)
        both = ql.JointCalendar(first, second)
        spot = both.advance(today, spot_days, ql.Days)
        ends = [both.adjust(spot + ql.Period(quote.point), ql.ModifiedFollowing) for quote in outright]
        return day_of(spot.serialNumber()), [day_of(end.serialNumber()) for end in ends]


def _calendar_name(rules: _Rules, currency: Currency) -> str:
    """Give the calendar of a currency's deposits."""
    name = f"{currency}_DEPOSIT"
    if name not in rules.conventions:
        raise MissingData(
            f"there is no convention for {name}, whose calendar spot settles by",
            zh=f"没有 {name} 的利率约定，无法确定外汇交割日历",
            field=_CONVENTION_KEY,
            remedy="Enter and approve the convention with its source.",
            remedy_zh="请录入该利率约定及依据并经复核。",
        )
    return rules.conventions[name].calendar


def _check_fresh(quote: CurveQuote, valuation_date: date, *, limit_days: int) -> None:
    if (valuation_date - quote.quote_date).days > limit_days:
        raise MissingData(
            f"{quote.name} is of {quote.quote_date}, more than {limit_days} days before {valuation_date}",
            zh=f"{quote.name} 的报价日 {quote.quote_date} 已过期（超过 {limit_days} 天）",
            field="quote_date",
            remedy="Import the rate of that day.",
            remedy_zh="请导入当日汇率。",
        )


def _discount_of(discount: Mapping[Currency, DiscountCurve], currency: Currency, pair: str) -> DiscountCurve:
    if currency not in discount:
        raise MissingData(
            f"{pair} has spot alone, and {currency} no discount curve to carry it forward",
            zh=f"{pair} 只有即期汇率，且没有 {currency} 贴现曲线，无法推算远期汇率",
            field="currency",
            remedy=f"Import outright forwards of {pair}, or rates in {currency}.",
            remedy_zh=f"请导入 {pair} 远期汇率或 {currency} 利率。",
        )
    return discount[currency]


def _origin(
    kind: CurveKind,
    name: str,
    inputs: tuple[CurveInput, ...],
    *,
    made_of: tuple[str, ...] = (),
    unconfirmed: tuple[str, ...] = (),
) -> CurveOrigin:
    return CurveOrigin(kind=kind, name=name, inputs=inputs, made_of=made_of, unconfirmed=unconfirmed)
