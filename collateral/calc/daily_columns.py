"""Many agreements' days struck at once: columns of whole fen over agreements, the same as `strike` one by one.

Everything is int64 and exact. Inside the bounds below no product leaves 64 bits, and Decimal's 28 digits, which
`strike` divides by, round no quotient over a fen or a tenth place: such a quotient has a whole denominator of at most
10^9 (a line) or 3·10^15 (an amount, times 10^10), so that it stands at least 10^-9 of a fen or 3·10^-26 of a ratio from
the next step, while half of Decimal's last digit is 5·10^-12 of a fen there and 5·10^-28 of a ratio below ten. What
lies outside the bounds is struck one by one.
"""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Context, Decimal
from typing import Any

import numpy as np
import numpy.typing as npt

from carbonfin.kernel.errors import CarbonFinError
from carbonfin.kernel.units import Currency
from collateral.calc.coverage import Valuation, ValuedLine
from collateral.calc.coverage_rules import RATIO_END, CoverageLevel
from collateral.calc.daily_margin import AgreedMargin, DailyInputs, PricedUnit, Struck, scheme_days, strike, top_up_of
from collateral.calc.margin import Infinite, Rounding, RoundingDirection
from collateral.calc.surrender import SafeDate, earliest_safe_date, safe_date_of

Whole = npt.NDArray[np.int64]

_FEN_MAX = 10**15
_PRODUCT_MAX = 2**62
_LINES_MAX = 100
_PRICE_PLACES, _KEPT_PLACES, _LINE_PLACES, _RATIO_PLACES = 6, 9, 8, 10
_KEPT_ONE, _LINE_ONE, _FEN_OF_PRICE = 10**_KEPT_PLACES, 10**_LINE_PLACES, 10 ** (_PRICE_PLACES - 2)
_LINE_MIN, _LINE_MAX = _LINE_ONE // 10, _LINE_ONE * 10
_WIDE = Context(prec=60)
_BELOW_ZERO = Decimal("-0.00")  # what rounding up gives between -0.01 and 0; a recorded figure says so
_DIRECTIONS = (RoundingDirection.DOWN, RoundingDirection.UP, RoundingDirection.NEAREST)
_UP, _NEAREST = _DIRECTIONS.index(RoundingDirection.UP), _DIRECTIONS.index(RoundingDirection.NEAREST)
_LEVELS = (CoverageLevel.COVERED, CoverageLevel.BELOW_INITIAL, CoverageLevel.WARNING, CoverageLevel.DISPOSAL)
_FIRST_BREACHED = _LEVELS.index(CoverageLevel.WARNING)


def strike_all(days: Sequence[DailyInputs]) -> list[Struck | CarbonFinError]:
    """Strike many agreements' days, each as `strike` does; the fault of one stands in its place and stops no other."""
    shared = _Shared()
    laid = [shared.laid(place, inputs) for place, inputs in enumerate(days)]
    rows = [row for row in laid if row is not None]
    found: list[Struck | CarbonFinError | None] = [None] * len(days)
    if rows:
        for row, struck in zip(rows, _struck(days, rows, shared), strict=True):
            found[row.place] = struck
    return [_one_by_one(days[place]) if struck is None else struck for place, struck in enumerate(found)]


def _one_by_one(inputs: DailyInputs) -> Struck | CarbonFinError:
    try:
        return strike(inputs)
    except CarbonFinError as error:
        return error


@dataclass(frozen=True, slots=True)
class _Row:
    """One agreement laid out in whole numbers.

    Attributes:
        amounts: Fen: debt, principal, held, in transit, on its way back.
        agreed: See `_agreed_numbers`.
        lines: For each unit tonnes, tonnes that cover nothing, price and what the haircut leaves.
    """

    place: int
    amounts: tuple[int, ...]
    agreed: tuple[int, ...]
    lines: list[tuple[int, int, int, int]]


@dataclass(frozen=True, slots=True)
class _Shared:
    """What agreements share, made once for each object that is the same in many of them."""

    kept: dict[int, tuple[object, Any]] = field(default_factory=dict)
    ends: dict[Hashable, tuple[tuple[SafeDate, ...], SafeDate]] = field(default_factory=dict)

    def laid(self, place: int, inputs: DailyInputs) -> _Row | None:
        """Lay one agreement out; None where it lies outside the bounds."""
        agreed: tuple[int, ...] | None = self._once(inputs.agreed, _agreed_numbers)
        if agreed is None or not 0 < len(inputs.lines) <= _LINES_MAX:
            return None
        lines = []
        for one in inputs.lines:
            priced: tuple[int, int] | None = self._once(one.priced, _priced_numbers)
            attached_t = one.uncounted_t
            if priced is None or attached_t < 0 or not 0 < one.quantity_t * max(priced[0], 1) < _PRODUCT_MAX:
                return None
            lines.append((one.quantity_t, min(attached_t, one.quantity_t), *priced))
        debt, margin = inputs.debt, inputs.margin
        amounts = _fen_of(
            (debt.total_cny, debt.principal_cny, margin.held_cny, margin.delivery_in_transit_cny,
             margin.return_in_transit_cny)
        )  # fmt: skip
        return None if amounts is None else _Row(place, amounts, agreed, lines)

    def safe_dates(self, inputs: DailyInputs, longest: int) -> tuple[tuple[SafeDate, ...], SafeDate]:
        """Give the last safe dates of an agreement whose close-out takes so long, and the binding one."""
        facts = inputs.ends
        key = (id(facts), longest)
        found = self.ends.get(key)
        if found is None:
            lead_days = facts.cure_days + longest + facts.unfreeze_days
            dates = tuple(
                safe_date_of(
                    end.unit, last_usable=end.last_usable, carries_forward=end.carries_forward, lead_days=lead_days,
                    trading_days=facts.open_days,
                )
                for end in facts.ends
            )  # fmt: skip
            found = self.ends[key] = (dates, earliest_safe_date(dates))
        return found

    def _once(self, shared: Any, make: Any) -> Any:
        found = self.kept.get(id(shared))
        if found is None or found[0] is not shared:
            found = self.kept[id(shared)] = (shared, make(shared))
        return found[1]


def _fen_of(amounts: Iterable[Decimal]) -> tuple[int, ...] | None:
    """Give amounts in whole fen; None where one is no whole number of them, or too large."""
    found = []
    for amount in amounts:
        scaled = amount.scaleb(2)
        minor = int(scaled)
        if minor != scaled or not -_FEN_MAX < minor < _FEN_MAX:
            return None
        found.append(minor)
    return tuple(found)


def _scaled(value: Decimal, places: int) -> int | None:
    """Give a number in whole units of a decimal place; None where it has more places."""
    scaled = value.scaleb(places, _WIDE)
    return int(scaled) if scaled == scaled.to_integral_value(context=_WIDE) else None


def _priced_numbers(priced: PricedUnit) -> tuple[int, int] | None:
    """Give price in 10^-6 and 1 - h in 10^-9."""
    price, kept = _scaled(priced.price_cny_per_t, _PRICE_PLACES), _scaled(1 - priced.haircut_ratio, _KEPT_PLACES)
    is_within = price is not None and kept is not None and 0 <= price < _FEN_MAX and 0 <= kept <= _KEPT_ONE
    return (price, kept) if is_within else None  # type: ignore[return-value]  # both are known there


def _agreed_numbers(agreed: AgreedMargin) -> tuple[int, ...] | None:
    """Give three lines in 10^-8, then fen: independent, threshold (-1 is endless), minimum; multiples, directions."""
    terms = agreed.margin
    lines = [
        _scaled(line, _LINE_PLACES) for line in (agreed.initial_ratio, agreed.warning_ratio, agreed.disposal_ratio)
    ]
    if terms.currency is not Currency.CNY or not all(line and _LINE_MIN <= line <= _LINE_MAX for line in lines):
        return None
    independent = _fen_of((agreed.independent_cny,))
    threshold = -1 if isinstance(terms.threshold, Infinite) else terms.threshold.minor
    roundings = (*_rounding(terms.delivery_rounding), *_rounding(terms.return_rounding))
    amounts = (threshold, terms.minimum_transfer.minor, *roundings)
    if independent is None or any(abs(amount) >= _FEN_MAX for amount in amounts):
        return None
    return (*[line or 0 for line in lines], *independent, *amounts)


def _rounding(rounding: Rounding) -> tuple[int, int]:
    return rounding.multiple.minor, _DIRECTIONS.index(rounding.direction)


def _struck(days: Sequence[DailyInputs], rows: Sequence[_Row], shared: _Shared) -> list[Struck | CarbonFinError | None]:
    """Strike what is laid out; None where a result leaves the bounds."""
    debt, principal, held, coming, going = np.array([row.amounts for row in rows], dtype=np.int64).T
    agreed = np.array([row.agreed for row in rows], dtype=np.int64).T
    initial, warning, disposal, independent, threshold, minimum = agreed[:6]
    counts = np.array([len(row.lines) for row in rows])
    first = np.cumsum(counts) - counts
    line_market, line_worth = _line_values(np.array([line for row in rows for line in row.lines], dtype=np.int64).T)
    market, worth = np.add.reduceat(line_market, first), np.add.reduceat(line_worth, first)
    due = debt - held
    level = np.select([worth < _above(line, due) for line in (disposal, warning, initial)], [3, 2, 1], default=0)
    restored, is_whole = _worth_at(worth, initial)
    gap = debt - restored
    support = np.where(threshold < 0, 0, np.maximum(gap + independent - threshold, 0))
    shortfall, delivery, returned = _movement(
        support, held + coming - going, minimum, delivery=(agreed[6], agreed[7]), returned=(agreed[8], agreed[9])
    )
    columns = {
        "market": market, "worth": worth, "cash": np.maximum(due - restored, 0), "gap": gap, "shortfall": shortfall,
        "delivery": np.where(level >= _FIRST_BREACHED, delivery, 0),
        "returned": np.maximum(np.minimum(returned, held - going), 0), "level": level, "first": first,
        "coverage": _floor_ratio(worth, np.maximum(debt, 1)), "ltv": _floor_ratio(principal, np.maximum(market, 1)),
        "is_below_zero": (gap == 0) & ~is_whole,
    }  # fmt: skip
    is_within = (market > 0) & (market < _FEN_MAX)
    for numerator, denominator in ((worth, debt), (principal, market)):
        is_within &= numerator // np.maximum(denominator, 1) < RATIO_END
    values = (line_market.tolist(), line_worth.tolist())
    return [
        _one(days[row.place], dict(zip(columns, numbers, strict=True)), values, shared) if within else None
        for row, numbers, within in zip(
            rows, zip(*[column.tolist() for column in columns.values()], strict=True), is_within.tolist(), strict=True
        )
    ]


def _line_values(lines: Whole) -> tuple[Whole, Whole]:
    """Give market value q p and what (q - attached) p (1 - h) is worth, fen, half up; `lines` is shape (4, lines)."""
    tonnes, attached, price, kept = lines
    market = (tonnes * price + _FEN_OF_PRICE // 2) // _FEN_OF_PRICE
    counted = ((tonnes - attached) * price + _FEN_OF_PRICE // 2) // _FEN_OF_PRICE
    whole, rest = counted // _KEPT_ONE, counted % _KEPT_ONE
    return market, whole * kept + (rest * kept + _KEPT_ONE // 2) // _KEPT_ONE


def _above(line: Whole, due: Whole) -> Whole:
    """Give the least whole amount that is not below line x due."""
    whole, rest = due // _LINE_ONE, due % _LINE_ONE
    above: Whole = line * whole - (-line * rest) // _LINE_ONE
    return above


def _worth_at(worth: Whole, initial: Whole) -> tuple[Whole, npt.NDArray[np.bool_]]:
    """Give the debt that the initial line allows, C / initial, down to the fen, and whether that is exact."""
    whole, rest = worth // initial, worth % initial
    return whole * _LINE_ONE + rest * _LINE_ONE // initial, rest * _LINE_ONE % initial == 0


def _floor_ratio(numerator: Whole, denominator: Whole) -> Whole:
    """Give a ratio in 10^-10, down, digit by digit as one divides on paper."""
    found, rest = numerator // denominator, numerator % denominator
    for _ in range(_RATIO_PLACES):
        found, rest = found * 10 + rest * 10 // denominator, rest * 10 % denominator
    return found


def _movement(
    support: Whole, posted: Whole, minimum: Whole, *, delivery: tuple[Whole, Whole], returned: tuple[Whole, Whole]
) -> tuple[Whole, Whole, Whole]:
    """Give shortfall, delivery and return as `margin_movement` does; the pairs are multiple and direction."""
    shortfall = support - posted
    excess = -shortfall
    delivered = np.where((shortfall > 0) & (minimum <= shortfall), _rounded(shortfall, *delivery), 0)
    some = np.where(minimum <= excess, np.minimum(_rounded(excess, *returned), posted), 0)
    return shortfall, delivered, np.where(excess > 0, np.where(support == 0, excess, some), 0)


def _rounded(amount: Whole, multiple: Whole, direction: Whole) -> Whole:
    whole, rest = amount // multiple, amount % multiple
    up = ((direction == _UP) & (rest > 0)) | ((direction == _NEAREST) & (2 * rest >= multiple))
    rounded: Whole = (whole + up) * multiple
    return rounded


def _one(
    inputs: DailyInputs, found: dict[str, int], values: tuple[list[int], list[int]], shared: _Shared
) -> Struck | CarbonFinError:
    """Put one agreement's numbers together."""
    first = found["first"]
    last = first + len(inputs.lines)
    valuation = Valuation(
        lines=tuple(
            [
                ValuedLine(
                    unit=one.priced.unit, quantity_t=one.quantity_t, price_cny_per_t=one.priced.price_cny_per_t,
                    haircut_ratio=one.priced.haircut_ratio, market_value_cny=_cny(market_fen),
                    collateral_value_cny=_cny(worth_fen),
                )
                for one, market_fen, worth_fen in zip(
                    inputs.lines, values[0][first:last], values[1][first:last], strict=True
                )
            ]
        ),
        market_value_cny=_cny(found["market"]), collateral_value_cny=_cny(found["worth"]),
        debt_cny=inputs.debt.total_cny,
        coverage_ratio=_ratio(found["coverage"]) if inputs.debt.total_cny else None, ltv_ratio=_ratio(found["ltv"]),
        level=_LEVELS[found["level"]],
    )  # fmt: skip
    try:
        days = scheme_days(inputs.lines, inputs.ends.depths)
        top_ups = tuple([top_up_of(one, valuation, inputs) for one in inputs.candidates]) if found["cash"] else ()
    except CarbonFinError as error:
        return error
    longest = max([one[2] for one in days])
    safe_dates, safe_date = shared.safe_dates(inputs, longest)
    return Struck(
        valuation=valuation, cash_to_initial_cny=_cny(found["cash"]), top_ups=top_ups, scheme_days=days,
        closeout_days=longest, safe_dates=safe_dates, safe_date=safe_date,
        gap_cny=_BELOW_ZERO if found["is_below_zero"] else _cny(found["gap"]), shortfall_cny=_cny(found["shortfall"]),
        delivery_cny=_cny(found["delivery"]), return_cny=_cny(found["returned"]),
    )  # fmt: skip


def _cny(fen: int) -> Decimal:
    return Decimal(fen).scaleb(-2)


def _ratio(scaled: int) -> Decimal:
    return Decimal(scaled).scaleb(-_RATIO_PLACES)
