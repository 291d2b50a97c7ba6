"""Options among the lines of a portfolio: value and sensitivities on recorded points of the market, in 元."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import partial
from typing import NamedTuple

import numpy as np

from carbonfin.kernel.batch import Batch, Failure
from carbonfin.kernel.errors import CarbonFinError, InvalidInput, MissingData
from carbonfin.kernel.units import round_half_up, to_decimal, to_float
from carbonfin.rules.trace import Figure
from pricing.calc import option_traces
from pricing.calc.curves.nodes import FloatArray
from pricing.calc.delivery_days import known_calendar
from pricing.calc.fixings import Fixings, average_values_per_t, fixings_of
from pricing.calc.line_faults import failure_of
from pricing.calc.lines import LineMarket, ValuedLine
from pricing.calc.liquidity import PriceFlag
from pricing.calc.option_lines import OPTION_LEVEL
from pricing.calc.option_market import OptionMarket, OptionPoint, OptionTerms
from pricing.calc.options.american import american_option_values
from pricing.calc.options.black76 import OptionGreeks, black76_greeks
from pricing.calc.options.kinds import ExerciseStyle
from pricing.calc.positions import LineValue, OptionFigures, PortfolioLine
from pricing.calc.tradability import label_notes

_PRICE_PLACES, _GREEK_PLACES, _SHOWN_PLACES = 6, 4, 8
_DAYS_A_YEAR, _POINT, _BASIS_POINT = 365.0, 0.01, 1e-4
_PRICE_BUMP = 0.01


class OptionColumns(NamedTuple):
    """The numbers of options, arrays of shape (options,)."""

    forward: FloatArray
    strike: FloatArray
    volatility: FloatArray
    years: FloatArray
    discount: FloatArray
    sign: FloatArray


def columns_of(points: Sequence[OptionPoint], lines: Sequence[PortfolioLine]) -> OptionColumns:
    """Give the numbers of options, one line to one point."""
    return OptionColumns(
        forward=np.array([to_float(one.forward_per_t) for one in points]),
        strike=np.array([to_float(one.terms.strike_per_t) for one in points]),
        volatility=np.array([to_float(one.volatility) for one in points]),
        years=np.array([to_float(one.years) for one in points]),
        discount=np.array([to_float(one.discount_factor) for one in points]),
        sign=np.array([1.0 if line.option_type is None else line.option_type.sign for line in lines]),
    )


def option_greeks(
    style: ExerciseStyle, columns: OptionColumns, valuation_date: date, fixings: Fixings | None = None
) -> OptionGreeks:
    """Give values and sensitivities of options of one style, contract currency per tonne.

    European ones in closed form; others by differences of `option_values`: over ±1 % of the forward, a point of
    volatility, a day and a basis point, scaled to the units of `OptionGreeks`.

    Args:
        style: Of all of them.
        columns: Their numbers.
        valuation_date: Day of valuation.
        fixings: Of average-price options, one for all.

    Raises:
        CalculationFailed: QuantLib found no exercise boundary.
    """
    if style is ExerciseStyle.EUROPEAN:
        return black76_greeks(
            forward_per_t=columns.forward, strike_per_t=columns.strike, volatility=columns.volatility,
            expiry_years=columns.years, discount_factor=columns.discount, option_sign=columns.sign,
        )  # fmt: skip

    def value(moved: OptionColumns) -> FloatArray:
        return option_values(style, moved, valuation_date, fixings)

    step = _PRICE_BUMP * columns.forward
    rate = -np.log(columns.discount) / columns.years
    sooner = np.maximum(columns.years - 1.0 / _DAYS_A_YEAR, 0.0)
    aged = columns._replace(years=sooner, discount=np.exp(-rate * sooner))
    base = value(columns)
    up, down = (value(columns._replace(forward=columns.forward + sign * step)) for sign in (1.0, -1.0))
    more, less = (value(columns._replace(volatility=columns.volatility + sign * _POINT)) for sign in (1.0, -1.0))
    dearer, cheaper = (
        value(columns._replace(discount=columns.discount * np.exp(sign * _BASIS_POINT * columns.years)))
        for sign in (-1.0, 1.0)
    )
    later = option_values(style, aged, valuation_date, None if fixings is None else fixings.sooner(1.0 / _DAYS_A_YEAR))
    return OptionGreeks(
        value_per_t=base,
        delta=(up - down) / (2.0 * step),
        gamma=(up - 2.0 * base + down) / (step * step),
        vega=(more - less) / (2.0 * _POINT),
        theta=(later - base) * _DAYS_A_YEAR,
        rho=(dearer - cheaper) / (2.0 * _BASIS_POINT),
    )


def option_values(
    style: ExerciseStyle, columns: OptionColumns, valuation_date: date, fixings: Fixings | None = None
) -> FloatArray:
    """Give the values of `option_greeks` alone, the same bits.

    Raises:
        CalculationFailed: QuantLib found no exercise boundary.
    """
    if style is ExerciseStyle.EUROPEAN:
        return option_greeks(style, columns, valuation_date).value_per_t
    if style is ExerciseStyle.AVERAGE_PRICE:
        assert fixings is not None, "an average-price option has fixings"
        return average_values_per_t(
            forward_per_t=columns.forward, strike_per_t=columns.strike, volatility=columns.volatility,
            discount_factor=columns.discount, option_sign=columns.sign, fixings=fixings,
        )  # fmt: skip
    return american_option_values(
        valuation_date=valuation_date, forward_per_t=columns.forward, strike_per_t=columns.strike,
        total_volatility=columns.volatility * np.sqrt(columns.years), discount_factor=columns.discount,
        option_sign=columns.sign,
    ).value_per_t  # fmt: skip


@dataclass(frozen=True, slots=True)
class PricedOption:
    """An option with its point of the market."""

    line: PortfolioLine
    point: OptionPoint


def placed_options(
    market: OptionMarket | None, lines: Sequence[PortfolioLine], valuation_date: date
) -> tuple[list[PricedOption], list[Failure]]:
    """Give each option its point, and the failures of those whose market is not known."""
    points = {} if market is None else {one.terms: one for one in market.points}
    gaps = {} if market is None else {one.item: one for one in market.gaps}
    placed, failures = [], []
    for line in lines:
        point = points.get(OptionTerms.of(line))
        if point is not None and line.currency not in {None, point.currency}:
            failures.append(failure_of(line, _other_currency(line, point)))
        elif point is not None:
            placed.append(PricedOption(line, point))
        else:
            failures.append(gaps.get(line.line_id) or failure_of(line, _not_taken(valuation_date)))
    return placed, failures


def value_options(
    market: LineMarket, lines: Sequence[PortfolioLine], options: OptionMarket | None
) -> Batch[ValuedLine]:
    """Value options on futures: V = D w (F Phi(w d1) - K Phi(w d2)), or with early exercise; times tonnes and 元.

    Each is rounded to the fen once, after the exchange rate.
    """
    today = market.snapshot.valuation_date
    placed, failures = placed_options(options, lines, today)
    ends, late = _calendar_ends(market, options, placed)
    failures += late
    placed = [one for one in placed if one.line.line_id in ends]
    valued: list[ValuedLine] = []
    for style, mine in _alike(placed):
        columns = columns_of([one.point for one in mine], [one.line for one in mine])
        try:
            greeks = option_greeks(style, columns, today, _fixings(mine[0].line, today))
        except CarbonFinError as error:
            failures += [failure_of(one.line, error) for one in mine]
            continue
        valued += [
            _valued(market, one, _figures(one, columns, greeks, place), ends[one.line.line_id])
            for place, one in enumerate(mine)
        ]
    return Batch(values=tuple(valued), failures=tuple(failures))


def _calendar_ends(
    market: LineMarket, options: OptionMarket | None, placed: Sequence[PricedOption]
) -> tuple[dict[str, date | None], list[Failure]]:
    """Give by code the end of the calendar where an option's expiry or delivery lies past it, and what is too late."""
    calendar = known_calendar(market.snapshot) if options is not None and options.marks_calendar else None
    ends: dict[str, date | None] = {}
    late: list[Failure] = []
    for one in placed:
        terms = one.point.terms
        until = None
        try:
            if calendar is not None:
                scheme = terms.unit.scheme
                until = calendar.provisional_after(scheme, terms.expiry_date, field="expiry_date")
                until = calendar.provisional_after(scheme, terms.delivery_date, field="delivery_date") or until
        except MissingData as error:
            late.append(failure_of(one.line, error))
            continue
        ends[one.line.line_id] = until
    return ends, late


def unit_values(
    options: OptionMarket | None, lines: Sequence[PortfolioLine], valuation_date: date
) -> dict[str, tuple[float, float]]:
    """Give by code what a tonne of each option with a point is worth in its currency, and 元 for one unit of that.

    The product with tonnes times 元 is what `value_options` rounds to the fen.

    Raises:
        CalculationFailed: QuantLib found no exercise boundary.
        InvalidInput: The averaging days that passed are not those that are fixed.
    """
    placed, _ = placed_options(options, lines, valuation_date)
    found: dict[str, tuple[float, float]] = {}
    for style, mine in _alike(placed):
        columns = columns_of([one.point for one in mine], [one.line for one in mine])
        values = option_values(style, columns, valuation_date, _fixings(mine[0].line, valuation_date))
        for one, value in zip(mine, values.tolist(), strict=True):
            found[one.line.line_id] = (value, to_float(one.point.cny_per_unit))
    return found


def _alike(placed: Sequence[PricedOption]) -> Iterator[tuple[ExerciseStyle, list[PricedOption]]]:
    """Give options that are valued together: by style, average-price ones each by itself, as its days are its own."""
    for style in (ExerciseStyle.EUROPEAN, ExerciseStyle.AMERICAN):
        mine = [one for one in placed if one.line.option_style is style]
        if mine:
            yield style, mine
    for one in placed:
        if one.line.option_style is ExerciseStyle.AVERAGE_PRICE:
            yield ExerciseStyle.AVERAGE_PRICE, [one]


def _fixings(line: PortfolioLine, valuation_date: date) -> Fixings | None:
    return None if line.averaging is None else fixings_of(line.averaging, valuation_date)


class _Worth(NamedTuple):
    """An option's figures, its value in 元 and that of one tonne."""

    figures: OptionFigures
    present_value_cny: Decimal
    value_cny_per_t: Decimal


def _figures(one: PricedOption, columns: OptionColumns, greeks: OptionGreeks, place: int) -> _Worth:
    line, point = one.line, one.point
    assert line.option_type is not None, "checked by `line_fault`"
    assert line.option_style is not None, "checked by `line_fault`"
    root = columns.volatility[place] * np.sqrt(columns.years[place])
    d1 = np.log(columns.forward[place] / columns.strike[place]) / root + root / 2.0
    tonnes = to_float(Decimal(line.quantity_t))
    amount = tonnes * to_float(point.cny_per_unit)

    def read(values: FloatArray, scale: float, places: int) -> Decimal:
        return to_decimal(values[place].item() * scale, places=places) + Decimal(0)

    value_per_t = read(greeks.value_per_t, 1.0, _PRICE_PLACES)
    return _Worth(
        figures=OptionFigures(
            option_type=line.option_type,
            style=line.option_style,
            expiry_date=point.terms.expiry_date,
            delivery_date=point.terms.delivery_date,
            currency=point.currency,
            forward_per_t=round_half_up(point.forward_per_t, _SHOWN_PLACES).normalize(),
            strike_per_t=point.terms.strike_per_t,
            volatility=round_half_up(point.volatility, _SHOWN_PLACES).normalize(),
            years=round_half_up(point.years, _SHOWN_PLACES).normalize(),
            discount_factor=round_half_up(point.discount_factor, _SHOWN_PLACES).normalize(),
            d1=to_decimal(d1.item(), places=_SHOWN_PLACES),
            d2=to_decimal((d1 - root).item(), places=_SHOWN_PLACES),
            value_per_t=value_per_t,
            cny_per_unit=point.cny_per_unit,
            delta_t=read(greeks.delta, tonnes, _GREEK_PLACES),
            gamma_t=read(greeks.gamma, tonnes, _GREEK_PLACES),
            vega_cny=read(greeks.vega, amount * _POINT, 2),
            theta_cny=read(greeks.theta, amount / _DAYS_A_YEAR, 2),
            rho_cny=read(greeks.rho, amount * _BASIS_POINT, 2),
        ),
        present_value_cny=read(greeks.value_per_t, amount, 2),
        value_cny_per_t=round_half_up(value_per_t * point.cny_per_unit, _PRICE_PLACES),
    )


def _valued(market: LineMarket, one: PricedOption, worth: _Worth, until: date | None) -> ValuedLine:
    line, point = one.line, one.point
    return ValuedLine(
        line_id=line.line_id,
        kind=line.kind,
        unit=line.unit,
        price_cny_per_t=worth.value_cny_per_t,
        level=OPTION_LEVEL,
        is_sample=point.is_sample,
        present_value_cny=worth.present_value_cny,
        variation_margin_cny=None,
        value=partial(_line_value, market, one, worth, until),
        figures=partial(_line_figures, one, worth, until),
        is_valuation_only=market.is_valuation_only(line),
        is_provisional=until is not None,
    )


def _provisional_notes(until: date | None) -> list[tuple[str, str]]:
    """Say in Chinese and English that the next holiday notice may move expiry or delivery."""
    if until is None:
        return []
    return [
        (
            f"暂定：节假日安排未公布（已知至 {until}），到期日或标的交割日可能调整",
            f"provisional: holidays are known until {until}; expiry or delivery may move",
        )
    ]


def _line_figures(one: PricedOption, worth: _Worth, until: date | None) -> tuple[Figure, ...]:
    """Give the figures of an option's line, its value last; days that may move are not confirmed."""
    figures = option_traces.option_figures(one.line, one.point, worth.figures, worth.present_value_cny)
    if until is None:
        return figures
    ((zh, en),) = _provisional_notes(until)
    terms = one.point.terms
    moving = {
        option_traces.option_figure(one.line.line_id, name)
        for name, day in (("expiry_date", terms.expiry_date), ("delivery_date", terms.delivery_date))
        if day > until
    }
    return tuple(
        replace(figure, confirmed=False, note_zh=zh, note_en=en) if figure.name in moving else figure
        for figure in figures
    )


def _line_value(market: LineMarket, one: PricedOption, worth: _Worth, until: date | None) -> LineValue:
    line, point = one.line, one.point
    notes = [
        *_provisional_notes(until),
        ("公允价值第 3 层次：波动率由少数报价插值", "level 3: the volatility is read between few quotes"),
        *(
            (f"曲面 {point.surface} 存在套利：{what}", f"surface {point.surface} allows arbitrage: {what}")
            for what in point.arbitrages
        ),
    ]
    if point.is_assumption:
        notes.append(("波动率为假设", "the volatility is an assumption"))
    if point.is_sample:
        notes.append(("示例报价", "sample quotes"))
    tradable_zh, tradable_en = label_notes(market.snapshot, line)
    return LineValue(
        line_id=line.line_id,
        label=line.label,
        kind=line.kind,
        unit=line.unit,
        quantity_t=line.quantity_t,
        price_cny_per_t=worth.value_cny_per_t,
        price_date=point.quote_date,
        price_source=f"{'、'.join(point.sources)}，曲面 {point.surface}",
        staleness_days=market.snapshot.staleness_days(point.quote_date),
        level=OPTION_LEVEL,
        is_sample=point.is_sample,
        flags=(PriceFlag.SAMPLE,) if point.is_sample else (),
        present_value_cny=worth.present_value_cny,
        variation_margin_cny=None,
        notes_zh=(*tradable_zh, *(zh for zh, _ in notes)),
        notes_en=(*tradable_en, *(en for _, en in notes)),
        figure=option_traces.option_figure(line.line_id, option_traces.PRESENT_VALUE),
        snapshot_digest=market.digest,
        option=worth.figures,
        is_provisional=None if until is None else True,
    )


def _other_currency(line: PortfolioLine, point: OptionPoint) -> InvalidInput:
    return InvalidInput(
        f"the strike is in {line.currency}, the futures curve of {line.unit.scheme} in {point.currency}",
        zh=f"行权价币种为 {line.currency}，{line.unit.scheme} 期货曲线币种为 {point.currency}",
        field="currency",
        remedy="Give the strike in the currency of the futures curve.",
        remedy_zh="请按期货曲线币种填写行权价。",
    )


def _not_taken(valuation_date: date) -> MissingData:
    return MissingData(
        f"no volatility surface of {valuation_date} was taken with this book",
        zh=f"本次估值未取 {valuation_date} 的波动率曲面",
        field="unit",
        remedy="Value the book on the stored curves and surfaces of the day.",
        remedy_zh="请按当日已存曲线与曲面估值。",
    )
