"""The figures of a forward's line: its terms, forward price, discount factor and value, on curves or on a flat rate."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

from carbonfin.kernel.units import Currency
from carbonfin.rules.parameters import ParameterValue
from carbonfin.rules.trace import Figure
from pricing.calc.compliance import VintageUse
from pricing.calc.forward_market import ForwardMarket, ForwardPoint
from pricing.calc.positions import FORWARD_BASIS_LABELS, ForwardFigures, PortfolioLine
from pricing.calc.traces import (
    PRESENT_VALUE,
    RATE,
    computed,
    entered,
    last_usable_figure,
    price_name,
    quantity_figure,
)

CURVES = "curves"


def curves_figure(forwards: ForwardMarket) -> Figure:
    """Give the digest of the curves that forwards of a book rest on."""
    return Figure(
        name=CURVES,
        label_zh="当日曲线（SHA-256）",
        label_en="curves of the day, SHA-256",
        value=forwards.set_digest,
        unit="code",
        source=f"曲线报价 {forwards.quotes_digest}",
    )


def yield_name(value: ParameterValue) -> str:
    """Give the name of the figure that holds a scheme's convenience yield."""
    return f"convenience_yield.{value.scope}"


def _terms(line: PortfolioLine, days: int) -> tuple[Figure, Figure, Figure, Figure]:
    """Give quantity, agreed price, delivery and days to it."""
    quantity = quantity_figure(line)
    is_cny = line.currency is None
    strike = entered(
        line, "strike_cny_per_t" if is_cny else "strike_per_t", ("约定价格", "agreed price"),
        format(line.agreed_per_t or 0, "f"), unit=f"{line.agreed_currency}/t",
    )  # fmt: skip
    delivery = entered(line, "delivery_date", ("交割日", "delivery date"), _day_text(line.delivery_date), unit="date")
    tenor = computed(
        line,
        "days",
        ("剩余天数", "days to delivery"),
        Decimal(days),
        unit="days",
        formula="delivery_date - valuation_date",
        inputs=("valuation_date", delivery.name),
    )
    return quantity, strike, delivery, tenor


def flat_figures(
    line: PortfolioLine,
    *,
    days: int,
    forward_cny_per_t: Decimal,
    discount_factor: Decimal,
    present_value_cny: Decimal,
    past_use: VintageUse | None = None,
) -> tuple[Figure, ...]:
    """Give quantity, agreed price, days, forward price, discount factor and value of a forward on a flat rate."""
    quantity, strike, delivery, tenor = _terms(line, days)
    last = () if past_use is None else (last_usable_figure(line, past_use),)
    forward = computed(
        line,
        "forward_cny_per_t",
        ("远期价格", "forward price"),
        forward_cny_per_t,
        unit="CNY/t",
        formula="0, delivery_date > last_usable_date" if last else "price * exp(rate * days / 365)",
        inputs=(delivery.name, last[0].name) if last else (price_name(str(line.unit)), RATE, tenor.name),
    )
    factor = computed(
        line,
        "discount_factor",
        ("贴现因子", "discount factor"),
        discount_factor,
        unit="ratio",
        formula="exp(-rate * days / 365)",
        inputs=(RATE, tenor.name),
    )
    value = computed(
        line,
        PRESENT_VALUE,
        ("现值", "present value"),
        present_value_cny,
        unit="CNY",
        formula="round_half_up((forward - strike) * quantity_t * discount_factor, 2), unrounded inside",
        inputs=(forward.name, strike.name, quantity.name, factor.name),
    )
    return quantity, strike, delivery, tenor, *last, forward, factor, value


def curve_figures(
    line: PortfolioLine,
    point: ForwardPoint,
    forward: ForwardFigures,
    *,
    days: int,
    shown_cny_per_t: Decimal,
    convenience_yield: ParameterValue | None,
    present_value_cny: Decimal,
    past_use: VintageUse | None = None,
) -> tuple[Figure, ...]:
    """Give the terms of a forward, which curves it rests on, what they say of its delivery, and its value."""
    terms = _terms(line, days)
    quantity, strike, delivery, tenor = terms
    last = () if past_use is None else (last_usable_figure(line, past_use),)
    basis = _basis(line, point)
    factor = computed(
        line, "discount_factor", ("贴现因子", "discount factor"), forward.discount_factor, unit="ratio",
        formula=f"{point.terms.currency} discount curve, log-linear in the factor", inputs=(CURVES, delivery.name),
    )  # fmt: skip
    exchange = _exchange(line, point, delivery)
    inputs: tuple[str, ...] = (CURVES, delivery.name, basis.name)
    formula = f"futures curve {point.price_curve}, log-linear in the price"
    if point.forward_per_t is None:
        inputs = (price_name(str(line.unit)), basis.name, factor.name, tenor.name)
        formula = "price * exp(-convenience_yield * days / 365) / discount_factor"
        inputs += () if convenience_yield is None else (yield_name(convenience_yield),)
        if point.fx_curve:
            formula = f"price * exp(-convenience_yield * days / 365) / {point.price_curve} discount factor"
    if exchange:
        formula, inputs = f"({formula}) * fx_forward", (*inputs, exchange[0].name)
    if last:
        formula, inputs = "0, delivery_date > last_usable_date", (delivery.name, last[0].name)
    price = computed(
        line, "forward_per_t", ("远期价格", "forward price"), forward.forward_per_t, unit=f"{forward.currency}/t",
        formula=formula, inputs=inputs,
    )  # fmt: skip
    fx = replace(
        entered(
            line, "cny_per_unit", ("汇率", "exchange rate"), format(point.cny_per_unit, "f"),
            unit=f"CNY/{forward.currency}",
        ),
        source=point.fx_source or "人民币",
    )  # fmt: skip
    shown = computed(
        line, "forward_cny_per_t", ("远期价格（元）", "forward price in CNY"), shown_cny_per_t, unit="CNY/t",
        formula="round_half_up(forward_per_t * cny_per_unit, 4)", inputs=(price.name, fx.name),
    )  # fmt: skip
    own = _own_value(line, forward, (price.name, strike.name, quantity.name, factor.name))
    value = computed(
        line, PRESENT_VALUE, ("现值", "present value"), present_value_cny, unit="CNY",
        formula="round_half_up(present_value * cny_per_unit, 2), unrounded inside"
        if own
        else "round_half_up((forward - strike) * quantity_t * discount_factor, 2), unrounded inside",
        inputs=(own[0].name, fx.name) if own else (price.name, strike.name, quantity.name, factor.name),
    )  # fmt: skip
    return *terms, *last, basis, factor, *exchange, price, fx, shown, *own, value


def _own_value(line: PortfolioLine, forward: ForwardFigures, inputs: tuple[str, ...]) -> tuple[Figure, ...]:
    """Give the value in the currency of the agreed price where that is not 元."""
    if forward.currency is Currency.CNY:
        return ()
    return (
        computed(
            line, "present_value", ("现值（原币）", "present value in its currency"), forward.present_value,
            unit=forward.currency, inputs=inputs,
            formula="round_half_up((forward - strike) * quantity_t * discount_factor, 2), unrounded inside",
        ),
    )  # fmt: skip


def _basis(line: PortfolioLine, point: ForwardPoint) -> Figure:
    """Say which curve gives the price, whose quotes made it, and of which day."""
    zh, en = FORWARD_BASIS_LABELS[point.basis]
    return replace(
        entered(line, "forward_basis", ("远期价格依据", "basis of the forward price"), point.basis, unit="code"),
        source=f"{point.price_curve} 曲线；{'、'.join(point.sources)} {point.quote_date}",
        confirmed=not point.is_sample,
        note_zh=zh,
        note_en=en,
    )


def _exchange(line: PortfolioLine, point: ForwardPoint, delivery: Figure) -> tuple[Figure, ...]:
    if not point.fx_curve:
        return ()
    return (
        computed(
            line, "fx_forward", ("远期汇率", "forward exchange rate"), point.fx_forward,
            unit=f"{point.terms.currency}/{point.price_currency}",
            formula=f"forward exchange curve {point.fx_curve}", inputs=(CURVES, delivery.name),
        ),
    )  # fmt: skip


def _day_text(day: date | None) -> str:
    return day.isoformat() if day else ""
