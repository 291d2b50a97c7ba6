"""The shape of one position of a book."""

from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from operator import attrgetter
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import Currency
from carbonfin.web.wire import DayText, IdText, PriceText, UnitText, day_of, decimal_of
from pricing.calc.contracts import ANY_STRIKE, Contract, ContractBook, agreed_price, contract_of, plain_lines
from pricing.calc.options.kinds import ExerciseStyle, OptionType
from pricing.calc.positions import AVERAGING_DAYS_MAX, Averaging, LineKind, PortfolioLine

_Paper = Annotated[str, Meta(min_length=1, max_length=200)]
_KINDS = {kind.value: kind for kind in LineKind}


@lru_cache(maxsize=1024)
def _unit(text: str) -> Unit:
    """Read a unit; a book names few units many times."""
    return Unit.parse(text)


@lru_cache(maxsize=1024)
def _day(text: str) -> date | None:
    """Read a day, None where the calendar lacks it; a book names few days many times."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


class PortfolioLineIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One position of a book: a spot holding, an OTC forward, a futures-style contract or an option on a future.

    An agreed price in 元 is `strike_cny_per_t`; of a forward it may be in another currency, by `strike_per_t` with
    `currency`, and so may the price traded of a futures-style contract, which is then settled in that currency.
    `master_agreement` and `derivatives_licence` are the papers of a forward or option; without both it is
    for valuation only.

    The other fields from `option_type` on belong to options alone, which need four of them with `delivery_date`; their
    `strike_per_t` is in the currency of the scheme's futures curve. An average-price option needs its `averaging_dates`
    too, all of them in order, and of those up to the valuation date how many are fixed and at what average.
    """

    line_id: IdText
    kind: Literal["spot", "forward", "futures", "option"]
    unit: UnitText
    quantity_t: Annotated[
        int, Meta(ge=-1_000_000_000, le=1_000_000_000, description="Whole tonnes; negative for a sale of a contract.")
    ]
    label: Annotated[str, Meta(max_length=200)] = ""
    strike_cny_per_t: PriceText | None = None
    delivery_date: DayText | None = None
    contract_code: IdText | None = None
    trade_date: DayText | None = None
    option_type: Literal["call", "put"] | None = None
    option_style: Literal["european", "american", "average_price"] | None = None
    expiry_date: DayText | None = None
    strike_per_t: PriceText | None = None
    averaging_dates: Annotated[list[DayText], Meta(min_length=1, max_length=AVERAGING_DAYS_MAX)] | None = None
    fixed_count: Annotated[int, Meta(ge=0, le=AVERAGING_DAYS_MAX)] | None = None
    fixed_average_per_t: PriceText | None = None
    currency: Literal["CNY", "CNH", "HKD", "USD", "EUR"] | None = None
    master_agreement: _Paper | None = None
    derivatives_licence: _Paper | None = None

    def line(self, place: int) -> PortfolioLine:
        """Give the line as a value; what the market cannot bear is found when it is valued."""
        return PortfolioLine(
            line_id=self.line_id,
            kind=_KINDS[self.kind],
            unit=_unit(self.unit),
            quantity_t=self.quantity_t,
            label=self.label,
            strike_cny_per_t=None if self.strike_cny_per_t is None else decimal_of(self.strike_cny_per_t),
            delivery_date=_line_day(self.delivery_date, place, "delivery_date"),
            contract_code=self.contract_code,
            trade_date=_line_day(self.trade_date, place, "trade_date"),
            option_type=None if self.option_type is None else OptionType(self.option_type),
            option_style=None if self.option_style is None else ExerciseStyle(self.option_style),
            expiry_date=_line_day(self.expiry_date, place, "expiry_date"),
            strike_per_t=None if self.strike_per_t is None else decimal_of(self.strike_per_t),
            averaging=self._averaging(place),
            currency=None if self.currency is None else Currency(self.currency),
            master_agreement=self.master_agreement,
            derivatives_licence=self.derivatives_licence,
        )

    def _averaging(self, place: int) -> Averaging | None:
        if self.averaging_dates is None and self.fixed_count is None and self.fixed_average_per_t is None:
            return None
        return Averaging(
            dates=tuple(
                _day(text) or day_of(text, field=f"/lines/{place}/averaging_dates/{number}")
                for number, text in enumerate(self.averaging_dates or ())
            ),
            fixed_count=self.fixed_count or 0,
            fixed_average_per_t=None if self.fixed_average_per_t is None else decimal_of(self.fixed_average_per_t),
        )


def _line_day(text: str | None, place: int, name: str) -> date | None:
    return None if text is None else _day(text) or day_of(text, field=f"/lines/{place}/{name}")


_OWN = frozenset({"line_id", "quantity_t", "label", "strike_cny_per_t"})
_TERMS = tuple(name for name in PortfolioLineIn.__struct_fields__ if name not in _OWN and name != "averaging_dates")
_terms_of = attrgetter(*_TERMS)
_terms_and_strike_of = attrgetter(*_TERMS, "strike_cny_per_t")
_FORWARD_STRIKE = str(ANY_STRIKE)
_CONTRACTS_KEPT = 16_384
_STRIKES_KEPT = 16_384


def contract_book_of(lines: Sequence[PortfolioLineIn]) -> ContractBook:
    """Give the lines of a book as quantities of contracts; what the market cannot bear is found when it is valued.

    Raises:
        InvalidInput: The calendar lacks a day, or no unit has such a name; the first of them.
    """
    columns, others = plain_lines(
        line_number=range(len(lines)),
        line_id=[line.line_id for line in lines],
        contract=[None if line.averaging_dates is not None else _contract_of(line) for line in lines],
        quantity_t=[line.quantity_t for line in lines],
        strike_cny_per_t=[
            0.0 if line.strike_cny_per_t is None else _agreed_price(line.strike_cny_per_t) for line in lines
        ],
    )
    return ContractBook(
        columns=columns,
        lines=tuple((place, lines[place].line(place)) for place in others),
        line_at=lambda place: lines[place].line(place),
    )


def _contract_of(line: PortfolioLineIn) -> Contract | None:
    if line.kind == "forward":
        return _contract(*_terms_of(line), _FORWARD_STRIKE)
    return _contract(*_terms_and_strike_of(line))


@lru_cache(maxsize=_CONTRACTS_KEPT)
def _contract(*terms: Any) -> Contract | None:
    """Read a contract from its terms and agreed price as a line of one tonne; a book names few contracts many times.

    What cannot be read is None: the line itself is read too then, and tells where it stands.
    """
    fields = dict(zip((*_TERMS, "strike_cny_per_t"), terms, strict=True))
    try:
        return contract_of(PortfolioLineIn(line_id="contract", quantity_t=1, **fields).line(0))
    except InvalidInput:
        return None


@lru_cache(maxsize=_STRIKES_KEPT)
def _agreed_price(text: str) -> float:
    """Read an agreed price; a book names some of them many times."""
    return agreed_price(decimal_of(text))
