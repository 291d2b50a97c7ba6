"""The shape of one position of a book."""

from datetime import date
from functools import lru_cache
from typing import Annotated, Literal

from msgspec import Meta, Struct

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.units import Currency
from carbonfin.web.wire import DayText, IdText, PriceText, UnitText, day_of, decimal_of
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
