"""The value of each kind of structured trade to its buyer, by part, in the currency of the trade."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import numpy as np

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.dates import year_fraction
from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import Currency, round_half_up, to_float
from pricing.calc.cross_currency import quanto_forward_per_t
from pricing.calc.instruments.bonds import coupon_values
from pricing.calc.instruments.structures import simple_interest_amount
from pricing.calc.instruments.valuation import FloatArray, fair_fixed_price_per_t, forward_value_amount
from pricing.calc.lines import Forward
from pricing.calc.options.spread import spread_option_value_per_t
from pricing.calc.structured.readings import (
    PRICE_CORRELATION,
    PRICE_FX_CORRELATION,
    Readings,
    volatile_units,
)
from pricing.calc.structured.trades import StructuredTrade, StructureKind, days_to_come

Labels = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of a value to the buyer, in the currency of the trade, unrounded.

    Attributes:
        inputs: Names of the figures the formula takes.
    """

    name: str
    labels: Labels
    amount: float
    formula: str
    inputs: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """What a trade is worth to its buyer.

    Attributes:
        fair_price_per_t: Fixed price, spread or strike at which it would be worth nothing; None where there is none.
    """

    parts: tuple[Part, ...]
    fair_price_per_t: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Strip:
    """Forward prices and discount factors of the days to come, with the names of their figures."""

    forward_per_t: FloatArray
    discount_factor: FloatArray
    names: tuple[str, ...]


def worth_of(trade: StructuredTrade, readings: Readings) -> Worth:
    """Give what a sound trade is worth to its buyer.

    Raises:
        MissingData: A price, curve, volatility or correlation is not known.
        InvalidInput: The price of a quanto is not quoted in the currency it names.
    """
    return _WORTHS[trade.kind](trade, readings)


def _strip(trade: StructuredTrade, readings: Readings, unit: Unit, currency: Currency | None = None) -> _Strip:
    found: list[Forward] = []
    names: list[str] = []
    for day in days_to_come(trade, readings.inputs.valuation_date):
        one, figures = readings.forward(unit, day, currency or trade.currency)
        found.append(one)
        names += figures
    return _Strip(
        forward_per_t=np.array([one.forward_per_t for one in found]),
        discount_factor=np.array([one.discount_factor for one in found]),
        names=tuple(names),
    )


def _quantity(trade: StructuredTrade) -> float:
    return to_float(Decimal(trade.quantity_t or 0))


def _price(trade: StructuredTrade) -> float:
    assert trade.price_per_t is not None, "a sound trade of this kind has a price"
    return to_float(trade.price_per_t)


def _strip_amount(trade: StructuredTrade, price_per_t: FloatArray, discount_factor: FloatArray) -> float:
    values = forward_value_amount(
        forward_per_t=price_per_t,
        agreed_per_t=np.full(price_per_t.shape, _price(trade)),
        quantity_t=np.full(price_per_t.shape, _quantity(trade)),
        discount_factor=discount_factor,
    )
    return float(np.sum(values))


def _swap(trade: StructuredTrade, readings: Readings) -> Worth:
    strip = _strip(trade, readings, trade.unit)
    part = Part(
        name="strip", labels=("各结算日差额现值", "value of the settlements"),
        amount=_strip_amount(trade, strip.forward_per_t, strip.discount_factor),
        formula="sum((forward - price_per_t) * quantity_t * discount_factor)",
        inputs=("price_per_t", "quantity_t", *strip.names),
    )  # fmt: skip
    fair = fair_fixed_price_per_t(forward_per_t=strip.forward_per_t, discount_factor=strip.discount_factor)
    return Worth(parts=(part,), fair_price_per_t=fair)


def _spread_swap(trade: StructuredTrade, readings: Readings) -> Worth:
    assert trade.other_unit is not None, "a sound spread has two units"
    assert trade.ratio is not None, "a sound spread swap has a ratio"
    first, other = _strip(trade, readings, trade.unit), _strip(trade, readings, trade.other_unit)
    spread = first.forward_per_t - to_float(trade.ratio) * other.forward_per_t
    part = Part(
        name="strip", labels=("各结算日价差现值", "value of the spreads"),
        amount=_strip_amount(trade, spread, first.discount_factor),
        formula="sum((first forward - ratio * other forward - price_per_t) * quantity_t * discount_factor)",
        inputs=("price_per_t", "quantity_t", "ratio", *first.names, *other.names),
    )  # fmt: skip
    fair = fair_fixed_price_per_t(forward_per_t=spread, discount_factor=first.discount_factor)
    return Worth(parts=(part,), fair_price_per_t=fair)


def _lending(trade: StructuredTrade, readings: Readings) -> Worth:
    """Give what the borrower owes, so that both parts are negative: units to return and the fee."""
    assert trade.other_unit is not None, "a sound lending has the unit that comes back"
    strip = _strip(trade, readings, trade.other_unit)
    factor = float(strip.discount_factor[0])
    fee = _interest(trade, Decimal(trade.quantity_t or 0) * (trade.price_per_t or 0))
    return Worth(
        parts=(
            Part(
                name="return", labels=("待归还配额现值", "units to return"),
                amount=-_quantity(trade) * float(strip.forward_per_t[0]) * factor,
                formula="-quantity_t * forward * discount_factor", inputs=("quantity_t", *strip.names),
            ),
            Part(
                name="fee", labels=("借碳费现值", "fee"), amount=-to_float(fee) * factor,
                formula="-round_half_up(quantity_t * price_per_t * rate * years, 2) * discount_factor",
                inputs=("quantity_t", "price_per_t", "rate", strip.names[1]),
            ),
        )
    )  # fmt: skip


def _repo(trade: StructuredTrade, readings: Readings) -> Worth:
    strip = _strip(trade, readings, trade.unit)
    factor = float(strip.discount_factor[0])
    purchase = round_half_up(Decimal(trade.quantity_t or 0) * (trade.price_per_t or 0), 2)
    repurchase = purchase + _interest(trade, purchase)
    return Worth(
        parts=(
            Part(
                name="cash", labels=("购回价款现值", "repurchase cash"), amount=to_float(repurchase) * factor,
                formula="(purchase + round_half_up(purchase * rate * years, 2)) * discount_factor",
                inputs=("quantity_t", "price_per_t", "rate", strip.names[1]),
            ),
            Part(
                name="units", labels=("待返还配额现值", "units to give back"),
                amount=-_quantity(trade) * float(strip.forward_per_t[0]) * factor,
                formula="-quantity_t * forward * discount_factor", inputs=("quantity_t", *strip.names),
            ),
        )
    )  # fmt: skip


def _interest(trade: StructuredTrade, amount: Decimal) -> Decimal:
    assert trade.rate is not None, "a sound trade of this kind has a rate"
    assert trade.day_count is not None, "a sound trade of this kind has a day count"
    return simple_interest_amount(
        amount, rate=trade.rate, basis=trade.day_count, start=trade.trade_date, end=trade.dates[-1]
    )


def _carbon_bond(trade: StructuredTrade, readings: Readings) -> Worth:
    assert trade.rate is not None, "a sound bond has a base coupon"
    assert trade.day_count is not None, "a sound bond has a day count"
    assert trade.face_amount is not None, "a sound bond has a face"
    today = readings.inputs.valuation_date
    starts = (trade.trade_date, *trade.dates[:-1])
    periods = [(start, end) for start, end in zip(starts, trade.dates, strict=True) if end > today]
    strip = _strip(trade, readings, trade.unit)
    deviations: list[float] = []
    names: list[str] = []
    for _, day in periods:
        volatility, name = _limit_volatility(trade, readings, day)
        deviations.append(volatility * math.sqrt(readings.years(day)))
        names += name
    value = coupon_values(
        face=to_float(trade.face_amount),
        base_rate=to_float(trade.rate),
        link=trade.link,
        years=np.array([float(year_fraction(trade.day_count, start, end)) for start, end in periods]),
        forward_per_t=strip.forward_per_t,
        total_volatility=np.array(deviations),
        discount_factor=strip.discount_factor,
    )
    limits = tuple(one for one in ("link_floor_rate", "link_cap_rate") if getattr(trade, one) is not None)
    linked = ("face_amount", "link_reference_per_t", "link_slope_rate", *limits, *strip.names, *names)
    return Worth(
        parts=(
            Part(
                name="fixed", labels=("固定票息与本金现值", "base coupons and face"), amount=value.fixed_amount,
                formula="face_amount * (sum(rate * years * discount_factor) + last discount_factor)",
                inputs=("face_amount", "rate", *strip.names[1::2]),
            ),
            Part(
                name="linked", labels=("挂钩票息现值", "linked coupons"), amount=value.linked_amount,
                formula="face_amount * sum(E[min(cap, max(floor, slope * (price - reference)))] * years"
                " * discount_factor)",
                inputs=linked,
            ),
        )
    )  # fmt: skip


def _limit_volatility(trade: StructuredTrade, readings: Readings, day: date) -> tuple[float, tuple[str, ...]]:
    """Give the volatility to a coupon's day; nil where neither floor nor cap makes it matter."""
    if not volatile_units(trade):
        return 0.0, ()
    found, name = readings.volatility(trade.unit, day, trade.currency)
    return found, (name,)


def _spread_option(trade: StructuredTrade, readings: Readings) -> Worth:
    assert trade.other_unit is not None, "a sound spread has two units"
    assert trade.option_type is not None, "a sound option has a type"
    first, other = _strip(trade, readings, trade.unit), _strip(trade, readings, trade.other_unit)
    day = trade.dates[0]
    sigma, sigma_name = readings.volatility(trade.unit, day, trade.currency)
    other_sigma, other_name = readings.volatility(trade.other_unit, day, trade.currency)
    rho, rho_name = readings.parameter(PRICE_CORRELATION, f"{trade.unit}.{trade.other_unit}", "")
    per_t = spread_option_value_per_t(
        first_forward_per_t=first.forward_per_t,
        second_forward_per_t=other.forward_per_t,
        strike_per_t=np.array([_price(trade)]),
        first_volatility=np.array([sigma]),
        second_volatility=np.array([other_sigma]),
        correlation=np.array([rho]),
        expiry_years=np.array([readings.years(day)]),
        discount_factor=first.discount_factor,
        option_sign=np.array([trade.option_type.sign], dtype=np.float64),
    )
    part = Part(
        name="option", labels=("期权价值", "value of the option"), amount=float(per_t[0]) * _quantity(trade),
        formula="quantity_t * discount_factor * E[max(w * (first - other - price_per_t), 0)], by exact quadrature",
        inputs=("price_per_t", "quantity_t", *first.names, *other.names, sigma_name, other_name, rho_name),
    )  # fmt: skip
    return Worth(parts=(part,))


def _quanto_forward(trade: StructuredTrade, readings: Readings) -> Worth:
    assert trade.price_currency is not None, "a sound quanto names the currency of its price"
    foreign = _strip(trade, readings, trade.unit, trade.price_currency)
    own = _strip(trade, readings, trade.unit)
    day = trade.dates[0]
    point = readings.forward(trade.unit, day, trade.price_currency)[0].point
    if point is None or point.price_currency is not trade.price_currency:
        quoted = Currency.CNY if point is None else point.price_currency
        raise InvalidInput(
            f"{trade.unit} is quoted in {quoted}, not in {trade.price_currency}",
            zh=f"{trade.unit} 以 {quoted} 计价，不是 {trade.price_currency}",
            field="price_currency",
            remedy="Name the currency in which the unit is quoted.",
            remedy_zh="请填写该品种的计价币种。",
        )
    pair = f"{trade.price_currency}{trade.currency}"
    sigma, sigma_name = readings.volatility(trade.unit, day, trade.price_currency)
    fx, fx_name = readings.fx_volatility(trade.price_currency, trade.currency)
    rho, rho_name = readings.parameter(PRICE_FX_CORRELATION, f"{trade.unit}.{pair}")
    quanto = quanto_forward_per_t(
        foreign_forward_per_t=foreign.forward_per_t, price_vol=sigma, fx_vol=fx, price_fx_correlation=rho,
        maturity_years=readings.years(day),
    )  # fmt: skip
    part = Part(
        name="forward", labels=("汇率锁定远期现值", "value of the quanto forward"),
        amount=_strip_amount(trade, quanto, own.discount_factor),
        formula="(forward * exp(-correlation * price_vol * fx_vol * years) - price_per_t) * quantity_t"
        " * discount_factor",
        inputs=("price_per_t", "quantity_t", foreign.names[0], sigma_name, fx_name, rho_name, own.names[1]),
    )  # fmt: skip
    return Worth(parts=(part,), fair_price_per_t=float(quanto[0]))


_WORTHS: Mapping[StructureKind, Callable[[StructuredTrade, Readings], Worth]] = {
    StructureKind.SWAP: _swap,
    StructureKind.SPREAD_SWAP: _spread_swap,
    StructureKind.LENDING: _lending,
    StructureKind.REPO: _repo,
    StructureKind.CARBON_BOND: _carbon_bond,
    StructureKind.SPREAD_OPTION: _spread_option,
    StructureKind.QUANTO_FORWARD: _quanto_forward,
}
