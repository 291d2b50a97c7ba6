"""What is said of a valued forward: the price it rests on, its curves, and that it cannot be traded."""

import math
from dataclasses import replace
from decimal import Decimal

from carbonfin.kernel.units import to_decimal, to_float
from carbonfin.rules.trace import Figure
from pricing.calc import forward_traces, traces
from pricing.calc.forward_market import ForwardPoint
from pricing.calc.lines import FORWARD_RATE, Forward, LineMarket, spot_value
from pricing.calc.liquidity import PriceFlag
from pricing.calc.positions import FORWARD_BASIS_LABELS, ForwardFigures, LineValue, PortfolioLine
from pricing.calc.tradability import label_notes

_FACTOR_PLACES, _RATE_PLACES, _PRICE_PLACES = 12, 12, 10
_SHOWN_PLACES = 8
_NOTHING = Decimal(0)


def forward_value(
    market: LineMarket, line: PortfolioLine, known: Forward, worth: float, present_value_cny: Decimal
) -> LineValue:
    """Give all that is said of a forward.

    Args:
        market: Snapshot and fair prices.
        line: The forward.
        known: What it rests on.
        worth: Its value in the currency of its agreed price.
        present_value_cny: The same in 元, to the fen.
    """
    if known.point is None:
        return _flat_value(market, line, known, present_value_cny)
    tradable_zh, tradable_en = label_notes(market.snapshot, line)
    curves = [*curve_notes(known), *provisional_notes(known)]
    value = (
        spot_value(market, line, present_value_cny)
        if known.spot is not None
        else _listed_value(market, line, known.point, present_value_cny)
    )
    source = f"{known.point.price_curve} 曲线（{'、'.join(known.point.sources)}）"
    return replace(
        value,
        price_cny_per_t=known.shown_cny_per_t,
        price_source=source if known.spot is None else _carried_source(value, known, source),
        level=known.level,
        is_sample=known.is_sample,
        notes_zh=(*tradable_zh, *(zh for zh, _ in curves), *value.notes_zh),
        notes_en=(*tradable_en, *(en for _, en in curves), *value.notes_en),
        forward=_figures(known, known.point, worth),
        is_provisional=True if known.provisional_after else None,
    )


def _carried_source(value: LineValue, known: Forward, source: str) -> str:
    """Say where a carried price comes from; units that are of no use at delivery have none."""
    return f"{value.price_source}，沿 {source} 持有至交割" if known.shown_cny_per_t else value.notes_zh[0]


def _listed_value(
    market: LineMarket, line: PortfolioLine, point: ForwardPoint, present_value_cny: Decimal
) -> LineValue:
    """Give what is said of a line whose price a futures curve gives; the rest is replaced."""
    return LineValue(
        line_id=line.line_id,
        label=line.label,
        kind=line.kind,
        unit=line.unit,
        quantity_t=line.quantity_t,
        price_cny_per_t=_NOTHING,
        price_date=point.quote_date,
        price_source="",
        staleness_days=market.snapshot.staleness_days(point.quote_date),
        level=0,
        is_sample=point.is_sample,
        flags=(PriceFlag.SAMPLE,) if point.is_sample else (),
        present_value_cny=present_value_cny,
        variation_margin_cny=None,
        notes_zh=("示例报价",) if point.is_sample else (),
        notes_en=("sample quotes",) if point.is_sample else (),
        figure=traces.value_name(line),
        snapshot_digest=market.digest,
    )


def _figures(known: Forward, point: ForwardPoint, worth: float) -> ForwardFigures:
    years = to_float(point.years)
    return ForwardFigures(
        basis=point.basis,
        price_curve=point.price_curve,
        curves_digest=known.curves_digest,
        currency=point.terms.currency,
        forward_per_t=to_decimal(known.forward_per_t, places=_PRICE_PLACES).normalize() + _NOTHING,
        discount_factor=to_decimal(known.discount_factor, places=_FACTOR_PLACES),
        years=to_decimal(years, places=_RATE_PLACES),
        zero_rate=to_decimal(-math.log(known.discount_factor) / years, places=_RATE_PLACES),
        convenience_yield=None if known.convenience_yield is None else known.convenience_yield.decimal,
        fx_forward=point.fx_forward,
        cny_per_unit=point.cny_per_unit,
        present_value=to_decimal(worth, places=2) + _NOTHING,
    )


def curve_notes(known: Forward) -> list[tuple[str, str]]:
    """Say in Chinese and English which curves a forward rests on, and what is not certain about them."""
    point = known.point
    assert point is not None, "a forward on curves has its point"
    zh, en = FORWARD_BASIS_LABELS[point.basis]
    notes = [
        (
            f"远期价格依据：{zh}（{point.price_curve}，报价日 {point.quote_date}）；{point.terms.currency} 曲线贴现",
            f"forward price by {en} ({point.price_curve}, {point.quote_date}), discounted in {point.terms.currency}",
        )
    ]
    if known.spot is not None:
        given = known.convenience_yield
        notes.append(
            ("便利收益未知，未计入", "the convenience yield is not known and is left out")
            if given is None
            else (f"便利收益 {given.value}（{given.document}）", f"convenience yield {given.value} ({given.document})")
        )
    if point.fx_curve:
        notes.append(
            (
                f"以 {point.fx_curve} 远期汇率折为 {point.terms.currency}",
                f"brought to {point.terms.currency} at the forward rate of {point.fx_curve}",
            )
        )
    if point.is_extrapolated:
        notes.append(
            ("交割日在挂牌到期日之外，沿用端部持有成本", "delivery lies outside the listed ones; the end carry goes on")
        )
    return notes


def provisional_notes(known: Forward) -> list[tuple[str, str]]:
    """Say in Chinese and English that a day the value rests on may move with the next holiday notice."""
    until = known.provisional_after
    if until is None:
        return []
    return [
        (
            f"暂定：节假日安排未公布（已知至 {until}），交割日或曲线节点可能调整",
            f"provisional: holidays are known until {until}; the delivery or days of the curve may move",
        )
    ]


def _flat_value(market: LineMarket, line: PortfolioLine, known: Forward, present_value_cny: Decimal) -> LineValue:
    rate = market.snapshot.parameter(FORWARD_RATE, scope="")
    spot = spot_value(market, line, present_value_cny)
    tradable_zh, tradable_en = label_notes(market.snapshot, line)
    return replace(
        spot,
        price_cny_per_t=known.shown_cny_per_t,
        price_source=f"{spot.price_source} × exp(r·T)" if known.shown_cny_per_t else spot.notes_zh[0],
        level=known.level,
        is_provisional=True if known.provisional_after else None,
        notes_zh=(
            *tradable_zh,
            *(zh for zh, _ in provisional_notes(known)),
            f"利率 {(rate.decimal * 100).normalize():f}%（连续复利，act/365）为假设，并非市场曲线",
            *spot.notes_zh,
        ),
        notes_en=(
            *tradable_en,
            *(en for _, en in provisional_notes(known)),
            f"flat rate {rate.value}, continuous, act/365, is an assumption, not a market curve",
            *spot.notes_en,
        ),
    )


def forward_figures(
    market: LineMarket, line: PortfolioLine, known: Forward, worth: float, present_value_cny: Decimal
) -> tuple[Figure, ...]:
    """Give the figures of a forward's line, its value last."""
    today = market.snapshot.valuation_date
    delivery = line.delivery_date or today
    days, past_use = (delivery - today).days, market.past_use(line.unit, delivery)
    if known.point is None:
        figures = forward_traces.flat_figures(
            line,
            days=days,
            forward_cny_per_t=known.shown_cny_per_t,
            discount_factor=to_decimal(known.discount_factor, places=_SHOWN_PLACES),
            present_value_cny=present_value_cny,
            past_use=past_use,
        )
    else:
        figures = forward_traces.curve_figures(
            line,
            known.point,
            _figures(known, known.point, worth),
            days=days,
            shown_cny_per_t=known.shown_cny_per_t,
            convenience_yield=known.convenience_yield,
            present_value_cny=present_value_cny,
            past_use=past_use,
        )
    if known.provisional_after is None:
        return figures
    ((zh, en),) = provisional_notes(known)
    return tuple(
        replace(one, confirmed=False, note_zh=zh, note_en=en) if one.name.endswith(".delivery_date") else one
        for one in figures
    )
