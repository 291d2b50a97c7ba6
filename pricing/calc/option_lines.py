"""Options of a book valued on the curves of a day: forward, discount factor and volatility once a line, then arrays."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

import numpy as np

from carbonfin.kernel.batch import Batch, Failure
from carbonfin.kernel.dates import DayCount, year_fraction
from carbonfin.kernel.errors import CarbonFinError, InvalidInput, MissingData
from carbonfin.kernel.units import Currency, to_decimal, to_float
from pricing.calc.curves.curve_set import CurveSet
from pricing.calc.curves.nodes import FloatArray, serial_of
from pricing.calc.curves.volatility import VolatilitySurface
from pricing.calc.delivery_days import KnownCalendar
from pricing.calc.options.american import american_option_values
from pricing.calc.options.average_price import AverageSchedule, average_price_value_per_t
from pricing.calc.options.black76 import black76_greeks
from pricing.calc.options.kinds import ExerciseStyle, OptionType

_PRICE_PLACES, _FACTOR_PLACES, _GREEK_PLACES = 6, 8, 8
OPTION_LEVEL = 3
"""Options on allowances rest on a surface between few quotes: the lowest level of inputs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionLine:
    """One option on a forward or future; what cannot be valued is a failure of the line, so nothing is refused here.

    Attributes:
        line_id: Code unique within the book.
        surface: Scheme and phase of the surface that prices it (EUA/4); the scheme alone where it has one.
        quantity_t: Whole tonnes of the underlying; negative for an option sold.
        strike_per_t: In the currency of the scheme's futures curve.
        expiry_date: Last day of exercise.
        delivery_date: Delivery of the underlying, not before expiry.
        averaging_dates: Days whose prices are averaged; empty but for an average-price option.
        fixed_count: Averaging days already fixed, which are not among `averaging_dates`.
        fixed_average_per_t: Their average; 0 where there is none.
    """

    line_id: str
    surface: str
    option_type: OptionType
    style: ExerciseStyle
    quantity_t: int
    strike_per_t: Decimal
    expiry_date: date
    delivery_date: date
    averaging_dates: tuple[date, ...] = ()
    fixed_count: int = 0
    fixed_average_per_t: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionLineValue:
    """What an option is worth and each number it came from, in the currency of its futures curve.

    Attributes:
        forward_per_t: F for the delivery, off the futures curve.
        volatility: sigma at the strike and expiry, off the surface.
        years: T, act/365 to expiry.
        discount_factor: D to expiry, off the discount curve.
        value_per_t: Of one tonne: Black-76, or by its style American or average price.
        early_exercise_per_t: What American exercise adds; 0 for the others.
        present_value: Value of all tonnes.
        delta_t: Tonnes of forward that move as much; None where it is not given: American and average-price options.
        vega: Change for one point (0.01) of volatility, all tonnes; None as well.
        is_assumption: Whether the volatility was assumed for want of quotes.
    """

    line_id: str
    surface: str
    style: ExerciseStyle
    option_type: OptionType
    quantity_t: int
    currency: Currency
    forward_per_t: Decimal
    strike_per_t: Decimal
    volatility: Decimal
    years: Decimal
    discount_factor: Decimal
    value_per_t: Decimal
    early_exercise_per_t: Decimal
    present_value: Decimal
    delta_t: Decimal | None
    vega: Decimal | None
    is_assumption: bool
    is_provisional: bool = False


def value_option_lines(
    curves: CurveSet, lines: Sequence[OptionLine], *, calendar: KnownCalendar | None = None
) -> Batch[OptionLineValue]:
    """Value options on the curves of a day; one that cannot be valued is a failure and the others stand.

    V = D w (F Phi(w d1) - K Phi(w d2)) q for European ones (`black76_greeks`), with F for the delivery and sigma, D to
    expiry; American and average-price options by `american_option_values` and `average_price_value_per_t`.
    """
    values: list[OptionLineValue] = []
    failures: list[Failure] = []
    seen: set[str] = set()
    for line in lines:
        try:
            if line.line_id in seen:
                raise _unfit("line_id", f"line {line.line_id} stands twice", f"持仓代码 {line.line_id} 重复")
            seen.add(line.line_id)
            value = _value(curves, line)
            is_provisional = calendar is not None and _lies_past(calendar, curves, line)
            values.append(replace(value, is_provisional=is_provisional))
        except CarbonFinError as error:
            failures.append(Failure.of(line.line_id, error))
    return Batch(values=tuple(values), failures=tuple(failures))


def _lies_past(calendar: KnownCalendar, curves: CurveSet, line: OptionLine) -> bool:
    scheme = surface_named(curves.volatility, line.surface, curves.valuation_date).product.scheme
    ends = [
        calendar.provisional_after(scheme, day, field=field)
        for field, day in (("expiry_date", line.expiry_date), ("delivery_date", line.delivery_date))
    ]
    return any(end is not None for end in ends)


def _reached(error: CarbonFinError | None, field: str) -> None:
    """Refuse a day that a curve does not reach, by the field that named it."""
    if error is not None:
        raise MissingData(
            error.detail, zh=error.zh, field=field, remedy=error.remedy, remedy_zh=error.remedy_zh
        ) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class _Terms:
    """The numbers of one option, each of shape (1,)."""

    forward: FloatArray
    strike: FloatArray
    volatility: FloatArray
    years: FloatArray
    discount: FloatArray
    sign: FloatArray


def _value(curves: CurveSet, line: OptionLine) -> OptionLineValue:
    _check(line, curves.valuation_date)
    surface = surface_named(curves.volatility, line.surface, curves.valuation_date)
    futures = curves.futures_of(surface.product)
    expiry, delivery = (np.array([serial_of(day)]) for day in (line.expiry_date, line.delivery_date))
    _reached(futures.error_outside(delivery), "delivery_date")
    _reached(surface.error_outside(expiry), "expiry_date")
    strike = np.array([to_float(line.strike_per_t)])
    forward = futures.forwards_per_t(delivery)
    variance = surface.total_variances(expiry_serials=expiry, strikes_per_t=strike, forwards_per_t=forward)
    years = np.array([_years(curves.valuation_date, line.expiry_date)])
    terms = _Terms(
        forward=forward,
        strike=strike,
        volatility=np.sqrt(variance / years),
        years=years,
        discount=curves.discount_of(futures.currency).discount_factors(expiry),
        sign=np.array([line.option_type.sign], dtype=np.float64),
    )
    return _valued(curves.valuation_date, line, surface, futures.currency, terms)


def _valued(
    valuation_date: date, line: OptionLine, surface: VolatilitySurface, currency: Currency, terms: _Terms
) -> OptionLineValue:
    greeks = black76_greeks(
        forward_per_t=terms.forward, strike_per_t=terms.strike, volatility=terms.volatility,
        expiry_years=terms.years, discount_factor=terms.discount, option_sign=terms.sign,
    )  # fmt: skip
    value, early = greeks.value_per_t, np.zeros(1)
    if line.style is ExerciseStyle.AMERICAN:
        american = american_option_values(
            valuation_date=valuation_date, forward_per_t=terms.forward, strike_per_t=terms.strike,
            total_volatility=terms.volatility * np.sqrt(terms.years), discount_factor=terms.discount,
            option_sign=terms.sign,
        )  # fmt: skip
        value, early = american.value_per_t, american.early_exercise_premium_per_t
    elif line.style is ExerciseStyle.AVERAGE_PRICE:
        value = average_price_value_per_t(
            _schedule(line, valuation_date, terms), strike_per_t=terms.strike, volatility=terms.volatility,
            discount_factor=terms.discount, option_sign=terms.sign,
        )  # fmt: skip
    quantity = to_float(Decimal(line.quantity_t))
    is_european = line.style is ExerciseStyle.EUROPEAN
    return OptionLineValue(
        line_id=line.line_id,
        surface=str(surface.product),
        style=line.style,
        option_type=line.option_type,
        quantity_t=line.quantity_t,
        currency=currency,
        forward_per_t=to_decimal(float(terms.forward[0]), places=_PRICE_PLACES),
        strike_per_t=line.strike_per_t,
        volatility=to_decimal(float(terms.volatility[0]), places=_GREEK_PLACES),
        years=to_decimal(float(terms.years[0]), places=_PRICE_PLACES),
        discount_factor=to_decimal(float(terms.discount[0]), places=_FACTOR_PLACES),
        value_per_t=to_decimal(float(value[0]), places=_PRICE_PLACES),
        early_exercise_per_t=to_decimal(float(early[0]), places=_PRICE_PLACES),
        present_value=to_decimal(float(value[0]) * quantity, places=2),
        delta_t=to_decimal(float(greeks.delta[0]) * quantity, places=2) if is_european else None,
        vega=to_decimal(float(greeks.vega[0]) * quantity / 100.0, places=2) if is_european else None,
        is_assumption=surface.is_assumption,
    )


def _schedule(line: OptionLine, valuation_date: date, terms: _Terms) -> AverageSchedule:
    years = np.array([_years(valuation_date, day) for day in line.averaging_dates])
    return AverageSchedule(
        fixing_years=years,
        forward_per_t=np.full(years.size, terms.forward[0]),
        fixed_count=line.fixed_count,
        fixed_average_per_t=to_float(line.fixed_average_per_t),
    )


def surface_named(surfaces: Sequence[VolatilitySurface], name: str, valuation_date: date) -> VolatilitySurface:
    """Give the surface of a scheme and phase, or of a scheme that has one.

    Raises:
        MissingData: There is none, or the scheme has several.
    """
    named = [one for one in surfaces if name in {str(one.product), str(one.product.scheme)}]
    if len(named) == 1:
        return named[0]
    there = [str(one.product) for one in surfaces]
    raise MissingData(
        f"{name!r} names no volatility surface of {valuation_date}; there are: {', '.join(there) or 'none'}",
        zh=f"{valuation_date} 没有“{name}”波动率曲面，现有：{'、'.join(there) or '无'}",
        field="surface",
        remedy="Import the volatilities of that day, or name scheme and phase of a surface that is there.",
        remedy_zh="请导入当日期权波动率，或按“品种/阶段”指定已有曲面。",
    )


def _years(valuation_date: date, day: date) -> float:
    return float(year_fraction(DayCount.ACT_365, valuation_date, day))


def _check(line: OptionLine, valuation_date: date) -> None:
    if line.quantity_t == 0:
        raise _unfit("quantity_t", "the quantity is 0 t", "数量不能为 0")
    if not line.strike_per_t.is_finite() or line.strike_per_t <= 0:
        raise _unfit("strike_per_t", f"the strike is {line.strike_per_t}", "行权价必须为正数")
    if line.expiry_date <= valuation_date:
        raise _unfit("expiry_date", f"it expired on {line.expiry_date}", f"期权已于 {line.expiry_date} 到期")
    if line.delivery_date < line.expiry_date:
        raise _unfit(
            "delivery_date", f"delivery {line.delivery_date} lies before expiry", "标的交割日不得早于期权到期日"
        )
    is_average = line.style is ExerciseStyle.AVERAGE_PRICE
    if is_average != bool(line.averaging_dates or line.fixed_count):
        raise _unfit(
            "averaging_dates", "averaging days belong to average-price options, which need them",
            "平均价期权须列出取价日，其他期权不得列出",
        )  # fmt: skip
    if any(not valuation_date < day <= line.expiry_date for day in line.averaging_dates):
        raise _unfit(
            "averaging_dates", f"averaging days to come lie after {valuation_date} and by the expiry",
            "未定价的取价日须晚于估值日且不晚于到期日",
        )  # fmt: skip


def _unfit(field: str, detail: str, zh: str) -> InvalidInput:
    return InvalidInput(
        detail, zh=zh, field=field, remedy="Correct the terms of the option.", remedy_zh="请更正该期权的条款。"
    )
