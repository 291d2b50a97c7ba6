"""What changed a portfolio's value between two valuations, line by line: carry, price, volatility, FX, rates, trades.

Each part revalues the opening line with one thing moved alone to where it stood at the close, from the opening line
aged to the closing day; the aging itself, with prices that were fixed meanwhile, is the carry. What no single move
explains, cross effects and the rounding of each part to the fen, is the residual, so that parts and residual sum to the
change of the recorded values exactly.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.batch import Failure
from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import cny, to_decimal
from pricing.calc.option_market import OptionPoint, OptionTerms
from pricing.calc.portfolio import PortfolioInputs, PortfolioValue, PricedMarket, priced_market
from pricing.calc.positions import Averaging, LineKind, LineValue, PortfolioLine
from pricing.calc.profit_states import LineState, line_state, settlement_on, worth
from pricing.calc.tradability import is_labelled

_NOTHING = Decimal("0.00")


class ProfitPart(StrEnum):
    """Where a change of value came from."""

    CARRY = "carry"
    PRICE = "price"
    VOLATILITY = "volatility"
    FX = "fx"
    RATES = "rates"
    TRADES = "trades"
    RESIDUAL = "residual"


PROFIT_PART_LABELS: dict[ProfitPart, tuple[str, str]] = {
    ProfitPart.CARRY: ("时间（持有）", "carry"),
    ProfitPart.PRICE: ("价格", "price"),
    ProfitPart.VOLATILITY: ("波动率", "volatility"),
    ProfitPart.FX: ("汇率", "exchange rates"),
    ProfitPart.RATES: ("利率", "rates"),
    ProfitPart.TRADES: ("持仓变动", "trades"),
    ProfitPart.RESIDUAL: ("残差（交叉与舍入）", "residual: cross effects and rounding"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LineProfit:
    """One line's change of value and its parts, in 元.

    Attributes:
        kind_labels: What the line is, in Chinese and English.
        opening_cny: Recorded present value at the start, None where the line was not valued then.
        closing_cny: The same at the end.
        margin_cny: Of a futures-style contract, the margin of the period: its value is settled daily. Of one settled
            in a foreign currency, the margin in it at the closing exchange rate.
        parts: Every part; with the residual they sum to `change_cny`.
        opening: What the line rested on at the start, None where it was not valued then.
        closing: What the opening line rests on at the end, None where that is not known.
        is_valuation_only: Whether the line cannot be traded, as its last valuation of the two says.
    """

    line_id: str
    label: str
    kind: LineKind
    kind_labels: tuple[str, str]
    unit: Unit
    opening_cny: Decimal | None
    closing_cny: Decimal | None
    margin_cny: Decimal
    parts: Mapping[ProfitPart, Decimal]
    opening: LineState | None
    closing: LineState | None
    note_zh: str
    note_en: str
    is_valuation_only: bool

    @property
    def change_cny(self) -> Decimal:
        """Closing value less opening value, with the margin of the period."""
        return (self.closing_cny or _NOTHING) - (self.opening_cny or _NOTHING) + self.margin_cny


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioProfit:
    """A portfolio's change of value and its parts.

    Attributes:
        lines: Lines of either book, those of the closing one first.
        parts: Sums of the lines' parts.
        failures: Futures-style contracts whose margin of the period is not known; it is in no figure.
    """

    opening_date: date
    closing_date: date
    opening_cny: Decimal
    closing_cny: Decimal
    margin_cny: Decimal
    lines: tuple[LineProfit, ...]
    parts: Mapping[ProfitPart, Decimal]
    failures: tuple[Failure, ...]

    @property
    def change_cny(self) -> Decimal:
        """Closing value less opening value, with the margin of the period."""
        return self.closing_cny - self.opening_cny + self.margin_cny


@dataclass(frozen=True, slots=True, kw_only=True)
class ValuedBook:
    """A recorded valuation: what it took and what it came to."""

    inputs: PortfolioInputs
    value: PortfolioValue


@dataclass(frozen=True, slots=True)
class _Side:
    """One of the two valuations, at hand by line."""

    inputs: PortfolioInputs
    market: PricedMarket
    lines: Mapping[str, PortfolioLine]
    values: Mapping[str, LineValue]
    points: Mapping[OptionTerms, OptionPoint]

    @classmethod
    def of(cls, book: ValuedBook, units: set[Unit]) -> "_Side":
        return cls(
            inputs=book.inputs,
            market=priced_market(book.inputs.snapshot, units),
            lines={line.line_id: line for line in book.inputs.lines},
            values={value.line_id: value for value in book.value.lines},
            points={point.terms: point for point in book.inputs.options.points} if book.inputs.options else {},
        )

    def state(self, line: PortfolioLine) -> LineState | None:
        """Give what a line rests on here, whether it is in the book or not."""
        return line_state(self.inputs, self.market, self.points, line)


def explained_change(opening: ValuedBook, closing: ValuedBook) -> PortfolioProfit:
    """Explain the change of a portfolio's value from one recorded valuation to a later one.

    A line whose terms changed is explained with its opening terms; the rest is trades, as is a line that came or went.

    Raises:
        InvalidInput: The closing valuation is of an earlier day, or of the same one as known before.
    """
    start, end = opening.inputs, closing.inputs
    if (end.valuation_date, end.known_at) < (start.valuation_date, start.known_at):
        raise InvalidInput(
            f"the closing valuation of {end.valuation_date} comes before the opening one of {start.valuation_date}",
            zh=f"期末估值（{end.valuation_date}）早于期初估值（{start.valuation_date}）",
            field="since",
            remedy="Choose an earlier valuation to explain the change since.",
            remedy_zh="请选择更早的一次估值作为期初。",
        )
    books = (*end.lines, *start.lines)
    units = {line.unit for line in books if line.kind is not LineKind.OPTION}
    before, after = _Side.of(opening, units), _Side.of(closing, units)
    codes = list(dict.fromkeys(line.line_id for line in books))
    failures = [fault for code in codes if (fault := _unknown_margin(code, before, after)) is not None]
    left_out = {failure.item for failure in failures}
    valued = [code for code in codes if code in before.values or code in after.values]
    lines = tuple(_explained(code, before, after) for code in valued if code not in left_out)
    return PortfolioProfit(
        opening_date=start.valuation_date,
        closing_date=end.valuation_date,
        opening_cny=opening.value.present_value_cny,
        closing_cny=closing.value.present_value_cny,
        margin_cny=_sum([line.margin_cny for line in lines]),
        lines=lines,
        parts={part: _sum([line.parts[part] for line in lines]) for part in ProfitPart},
        failures=tuple(failures),
    )


def _sum(amounts: Sequence[Decimal]) -> Decimal:
    return sum(amounts, start=_NOTHING)


def _explained(code: str, before: _Side, after: _Side) -> LineProfit:
    was, now = before.values.get(code), after.values.get(code)
    head = now or was
    assert head is not None, "a line of neither valuation is not explained"
    old = before.lines.get(code) if was is not None else None
    start = None if old is None else before.state(old)
    same = now is not None and old is not None and _terms(old) == _terms(after.lines[code])
    # A line of the same terms may have come to hold prices fixed meanwhile.
    end = None if old is None else after.state(after.lines[code] if same else old)
    note_zh, note_en = _note(was, now, same=same, is_priced=end is not None)
    margin_cny = _margin(code, before, after)
    line = LineProfit(
        line_id=code,
        label=head.label,
        kind=head.kind,
        kind_labels=head.kind_labels,
        unit=head.unit,
        opening_cny=None if was is None else was.present_value_cny,
        closing_cny=None if now is None else now.present_value_cny,
        margin_cny=margin_cny,
        parts={},
        opening=start,
        closing=end,
        note_zh=note_zh,
        note_en=note_en,
        is_valuation_only=is_labelled(head.notes_zh),
    )
    if line.kind is LineKind.FUTURES and start is not None and end is not None:
        # Nothing of it is left at the start: the exchange rate turns the margin alone into 元.
        start = replace(start, cny_per_unit=end.cny_per_unit)
    parts = dict.fromkeys(ProfitPart, _NOTHING)
    moved_cny = _NOTHING
    if old is not None and start is not None and end is not None:
        parts |= _moved(old, start, end)
        moved_cny = line.change_cny if same else cny(to_decimal(worth(old, end) - worth(old, start), places=6))
    parts[ProfitPart.TRADES] = line.change_cny - moved_cny
    parts[ProfitPart.RESIDUAL] = line.change_cny - _sum(list(parts.values()))
    return replace(line, parts=parts)


def _moved(line: PortfolioLine, start: LineState, end: LineState) -> dict[ProfitPart, Decimal]:
    """Give what each thing, moved alone from the aged line, makes of it."""
    aged = replace(start, years=end.years, is_of_use=end.is_of_use, fixings=end.fixings)
    base = worth(line, aged)

    def alone(state: LineState) -> Decimal:
        return to_decimal(worth(line, state) - base, places=2) + Decimal(0)

    return {
        ProfitPart.CARRY: to_decimal(base - worth(line, start), places=2) + Decimal(0),
        ProfitPart.PRICE: alone(replace(aged, price_per_t=end.price_per_t)),
        ProfitPart.VOLATILITY: alone(replace(aged, volatility=end.volatility)),
        ProfitPart.FX: alone(replace(aged, cny_per_unit=end.cny_per_unit, fx_forward=end.fx_forward)),
        ProfitPart.RATES: alone(replace(aged, rate=end.rate, carry_rate=end.carry_rate)),
    }


def _terms(line: PortfolioLine) -> PortfolioLine:
    """Give what was agreed of a line, without words and without prices fixed since."""
    averaging = None if line.averaging is None else Averaging(dates=line.averaging.dates)
    return replace(line, label="", averaging=averaging)


def _margin(code: str, before: _Side, after: _Side) -> Decimal:
    """Give the margin of the period of a futures-style contract: of a new one, since its price traded."""
    now = after.values.get(code)
    if now is None or now.kind is not LineKind.FUTURES:
        return _NOTHING
    line, was = after.lines[code], before.values.get(code)
    settled = settlement_on(after.inputs, line)
    assert settled is not None, "a valued contract has the settlement price of its day"
    now_per_t, cny_per_unit = settled
    since_per_t = line.agreed_per_t
    if was is not None and was.kind is LineKind.FUTURES and _terms(before.lines[code]) == _terms(line):
        opening = settlement_on(before.inputs, line)
        since_per_t = None if opening is None else opening[0]
    assert since_per_t is not None, "a sound futures-style contract has the price traded"
    return cny((now_per_t - since_per_t) * line.quantity_t * cny_per_unit)


def _unknown_margin(code: str, before: _Side, after: _Side) -> Failure | None:
    """Say that a futures-style contract left the book or changed: the price it was closed at is not in the book."""
    was, now = before.values.get(code), after.values.get(code)
    if was is None or was.kind is not LineKind.FUTURES:
        return None
    if now is not None and _terms(before.lines[code]) == _terms(after.lines[code]):
        return None
    last = settlement_on(after.inputs, before.lines[code])
    settled = f"；期末结算价 {last[0]}" if last is not None else ""
    return Failure(
        item=code,
        field="contract_code",
        detail=f"{code} was closed or changed after {before.inputs.valuation_date}, at a price the book does not hold",
        zh=f"{code} 在 {before.inputs.valuation_date} 之后平仓或变更，组合中没有平仓价，期间变动保证金未知{settled}",
        remedy="Take the margin of the period from the clearing statement.",
        remedy_zh="请以结算单的变动保证金为准。",
    )


def _note(was: LineValue | None, now: LineValue | None, *, same: bool, is_priced: bool) -> tuple[str, str]:
    if was is None:
        return "期初未持有或未估值", "not held or not valued at the start"
    if now is None:
        gone = "期末未持有或未估值", "not held or not valued at the end"
        if is_priced:
            return gone
        return (
            f"{gone[0]}；期末行情未知，全部计入持仓变动",
            f"{gone[1]}; its closing market is not known, all is trades",
        )
    if same:
        return "", ""
    if is_priced:
        return "条款或数量已变更，差额计入持仓变动", "terms or quantity changed; the difference is trades"
    return (
        "条款已变更且原条款期末行情未知，全部计入持仓变动",
        "terms changed and the old ones have no closing market: all is trades",
    )
