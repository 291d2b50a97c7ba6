"""Shapes of a change of value explained: its parts, and each line's with what it rested on."""

from collections.abc import Mapping
from decimal import Decimal

from msgspec import Struct

from carbonfin.kernel.units import to_decimal
from pricing.calc.profit import LineProfit, ProfitPart
from pricing.calc.profit_states import LineState
from pricing.calc.tradability import VALUATION_ONLY_EN, VALUATION_ONLY_ZH
from pricing.schemas.figures import optional_text_of, text_of
from pricing.schemas.valuations import FailureOut
from pricing.service import ProfitAnswer

_PLACES = 8


class ProfitPartsOut(Struct, frozen=True, kw_only=True):
    """Parts of a change, 元; with the residual they sum to it to the fen."""

    carry_cny: str
    price_cny: str
    volatility_cny: str
    fx_cny: str
    rates_cny: str
    trades_cny: str
    residual_cny: str

    @classmethod
    def of(cls, parts: Mapping[ProfitPart, Decimal]) -> "ProfitPartsOut":
        """Write the parts."""
        return cls(**{f"{part}_cny": text_of(amount) for part, amount in parts.items()})


class LineStateOut(Struct, frozen=True, kw_only=True):
    """What a line rested on at a valuation, to eight places."""

    price_per_t: str
    years: str
    rate: str
    volatility: str
    cny_per_unit: str
    is_of_use: bool

    @classmethod
    def of(cls, state: LineState | None) -> "LineStateOut | None":
        """Write a state, null where it is not known."""
        if state is None:
            return None
        return cls(
            price_per_t=_number(state.price_per_t),
            years=_number(state.years),
            rate=_number(state.rate),
            volatility=_number(state.volatility),
            cny_per_unit=_number(state.cny_per_unit),
            is_of_use=state.is_of_use,
        )


def _number(value: float) -> str:
    return text_of(to_decimal(value, places=_PLACES).normalize())


class LineProfitOut(Struct, frozen=True, kw_only=True):
    """One line's change of value: null where it was not valued on that day."""

    line_id: str
    label: str
    kind: str
    kind_zh: str
    kind_en: str
    unit: str
    opening_cny: str | None
    closing_cny: str | None
    variation_margin_cny: str
    change_cny: str
    parts: ProfitPartsOut
    opening: LineStateOut | None
    closing: LineStateOut | None
    note_zh: str
    note_en: str
    is_valuation_only: bool

    @classmethod
    def of(cls, line: LineProfit) -> "LineProfitOut":
        """Write a line."""
        return cls(
            line_id=line.line_id,
            label=line.label,
            kind=line.kind,
            kind_zh=line.kind_labels[0],
            kind_en=line.kind_labels[1],
            unit=str(line.unit),
            opening_cny=optional_text_of(line.opening_cny),
            closing_cny=optional_text_of(line.closing_cny),
            variation_margin_cny=text_of(line.margin_cny),
            change_cny=text_of(line.change_cny),
            parts=ProfitPartsOut.of(line.parts),
            opening=LineStateOut.of(line.opening),
            closing=LineStateOut.of(line.closing),
            note_zh=line.note_zh,
            note_en=line.note_en,
            is_valuation_only=line.is_valuation_only,
        )


class ProfitOut(Struct, frozen=True, kw_only=True):
    """A portfolio's change of value between two recorded valuations; `failures` are in no figure.

    A line that is marked `is_valuation_only` cannot be traded: `valuation_only_zh` is its label.
    """

    portfolio_name: str
    opening_valuation_id: str
    closing_valuation_id: str
    opening_date: str
    closing_date: str
    opening_cny: str
    closing_cny: str
    variation_margin_cny: str
    change_cny: str
    parts: ProfitPartsOut
    lines: list[LineProfitOut]
    failures: list[FailureOut]
    valuation_only_zh: str = VALUATION_ONLY_ZH
    valuation_only_en: str = VALUATION_ONLY_EN

    @classmethod
    def of(cls, answer: ProfitAnswer) -> "ProfitOut":
        """Write a change explained."""
        profit = answer.profit
        return cls(
            portfolio_name=answer.closing.portfolio_name,
            opening_valuation_id=answer.opening.id,
            closing_valuation_id=answer.closing.id,
            opening_date=profit.opening_date.isoformat(),
            closing_date=profit.closing_date.isoformat(),
            opening_cny=text_of(profit.opening_cny),
            closing_cny=text_of(profit.closing_cny),
            variation_margin_cny=text_of(profit.margin_cny),
            change_cny=text_of(profit.change_cny),
            parts=ProfitPartsOut.of(profit.parts),
            lines=[LineProfitOut.of(line) for line in profit.lines],
            failures=[FailureOut.of(failure) for failure in profit.failures],
        )
