"""The value of lines by kind: exact integers for prices times tonnes, float64 where a rate enters.

What many lines share (the price of a unit, the forward price and discount factor of a delivery day) is calculated once
a market, in arrays; a line then costs a few operations.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import partial
from typing import NamedTuple

from carbonfin.kernel.allowances import Scheme, Unit
from carbonfin.kernel.batch import Batch
from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import Currency
from carbonfin.rules.parameters import ParameterValue
from carbonfin.rules.trace import Figure
from pricing.calc import traces
from pricing.calc.compliance import VintageState, VintageUse
from pricing.calc.forward_market import ForwardPoint
from pricing.calc.liquidity import AppraisalPrice
from pricing.calc.market import MarketSnapshot
from pricing.calc.positions import LineKind, LineValue, PortfolioLine
from pricing.calc.tradability import label_notes

FORWARD_RATE = "pricing.forward_rate"
CONVENIENCE_YIELD = "pricing.convenience_yield"
"""Approved convenience yield of a scheme, continuously compounded, by which spot is carried to delivery."""
_MICRO_PER_FEN = 10_000


class _Spot(NamedTuple):
    """What every holding of a unit rests on; one past its last usable date counts as worth nothing."""

    price: AppraisalPrice
    price_micro: int
    past_use: VintageUse | None


class Forward(NamedTuple):
    """What every forward of the same terms rests on, calculated once.

    Attributes:
        spot: Fair price that was carried to delivery; None where a futures curve gives the price.
        point: What the curves say; None on the flat rate.
        curves_digest: SHA-256 over all curves of the day; empty on the flat rate.
        convenience_yield: By which spot was carried along a curve, where it is known.
        forward_per_t: F in the currency of the agreed price.
        discount_factor: D in that currency.
        cny_per_unit: 元 for one unit of it.
        shown_cny_per_t: F in 元, to 4 places.
        provisional_after: Last day of the trading calendar where delivery lies past it, else of a discount curve's.
    """

    spot: AppraisalPrice | None
    point: ForwardPoint | None
    curves_digest: str
    convenience_yield: ParameterValue | None
    forward_per_t: float
    discount_factor: float
    cny_per_unit: float
    shown_cny_per_t: Decimal
    level: int
    is_sample: bool
    provisional_after: date | None = None


ForwardKey = tuple[date, Currency, str]
"""Delivery, currency of the agreed price, and digest of the curves; empty for the flat rate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineMarket:
    """The snapshot with its digest, the fair price of each unit that has one, and until when each unit is of use.

    What lines rest on is kept as it is calculated, so that the next book on the same market finds it.
    """

    snapshot: MarketSnapshot
    digest: str
    prices: Mapping[Unit, AppraisalPrice]
    uses: Mapping[Unit, VintageUse]
    spots: dict[Unit, _Spot] = field(default_factory=dict, init=False, repr=False, compare=False)
    forwards: dict[Unit, dict[ForwardKey, Forward]] = field(default_factory=dict, init=False, repr=False, compare=False)
    labels: dict[tuple[Scheme, LineKind, bool, bool], bool] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def is_valuation_only(self, line: PortfolioLine) -> bool:
        """Say whether a line cannot be traded, by the law of its scheme or for want of papers."""
        key = (line.unit.scheme, line.kind, line.master_agreement is None, line.derivatives_licence is None)
        known = self.labels.get(key)
        if known is None:
            known = self.labels[key] = bool(label_notes(self.snapshot, line)[0])
        return known

    def past_use(self, unit: Unit, day: date) -> VintageUse | None:
        """Give what is known of a unit's end where it lies before a day, else None."""
        use = self.uses.get(unit)
        return use if use is not None and use.state_on(day) is VintageState.PAST_USE else None

    def end_words(self, unit: Unit, day: date) -> tuple[str, str]:
        """Say in both languages what is known of a unit's end on a day."""
        return self.uses[unit].words_on(day) if unit in self.uses else ("", "")


class ValuedLine(NamedTuple):
    """What a line is worth and, on demand, all that is said of it and the figures it came from, the value last.

    `priced_unit` is the unit on whose fair price it rests, None where it rests on none; `is_valuation_only` says that
    it cannot be traded, `is_provisional` that its delivery lies past the calendar, `is_foreign` that it is settled in a
    foreign currency.

    A preview asks for the worth alone; what is recorded is made of the same numbers. Large books make many of these,
    and a named tuple costs a fraction of a frozen dataclass.
    """

    line_id: str
    kind: LineKind
    unit: Unit
    price_cny_per_t: Decimal
    level: int
    is_sample: bool
    present_value_cny: Decimal
    variation_margin_cny: Decimal | None
    value: Callable[[], LineValue]
    figures: Callable[[], tuple[Figure, ...]]
    priced_unit: Unit | None = None
    is_valuation_only: bool = False
    is_provisional: bool = False
    is_foreign: bool = False


def value_spot(market: LineMarket, lines: Sequence[PortfolioLine]) -> Batch[ValuedLine]:
    """Value holdings at their fair price, exactly: tonnes times millionths of a yuan, rounded to the fen.

    A vintage past its last usable date is worth nothing, whatever is still quoted for it.
    """
    spots = market.spots
    values = []
    for line in lines:
        spot = spots.get(line.unit)
        if spot is None:
            spot = spots[line.unit] = _spot(market, line.unit)
        price = spot.price
        value_cny = fen_half_up(line.quantity_t * spot.price_micro)
        values.append(
            ValuedLine(
                line.line_id, line.kind, line.unit, price.price_cny_per_t, price.level, price.is_sample, value_cny,
                None,
                partial(spot_value, market, line, value_cny),
                partial(traces.spot_figures, line, value_cny, spot.past_use),
                line.unit,
            )
        )  # fmt: skip
    return Batch(values=tuple(values))


def _spot(market: LineMarket, unit: Unit) -> _Spot:
    price = market.prices[unit]
    past_use = market.past_use(unit, market.snapshot.valuation_date)
    return _Spot(price, micro_of(price.price_cny_per_t) if past_use is None else 0, past_use)


def spot_value(market: LineMarket, line: PortfolioLine, present_value_cny: Decimal) -> LineValue:
    """Give what is said of a line that rests on the fair price of its unit."""
    price = market.prices[line.unit]
    end_zh, end_en = market.end_words(line.unit, line.delivery_date or market.snapshot.valuation_date)
    return LineValue(
        line_id=line.line_id,
        label=line.label,
        kind=line.kind,
        unit=line.unit,
        quantity_t=line.quantity_t,
        price_cny_per_t=price.price_cny_per_t,
        price_date=price.price_date,
        price_source=price.source,
        staleness_days=price.staleness_days,
        level=price.level,
        is_sample=price.is_sample,
        flags=price.flags,
        present_value_cny=present_value_cny,
        variation_margin_cny=None,
        notes_zh=(*((end_zh,) if end_zh else ()), *(price.note_zh.split("；") if price.note_zh else ())),
        notes_en=(*((end_en,) if end_en else ()), *(price.note_en.split("; ") if price.note_en else ())),
        figure=traces.value_name(line),
        snapshot_digest=market.digest,
    )


def micro_of(price: Decimal) -> int:
    """Give a price in whole millionths of a yuan; prices at rest have at most six places."""
    scaled = price.scaleb(6)
    if scaled != scaled.to_integral_value():
        raise InvalidInput(
            f"price {price} has more than six decimal places", zh=f"价格 {price} 超出六位小数", field="price_cny_per_t"
        )
    return int(scaled)


def fen_half_up(micro: int) -> Decimal:
    """Give millionths of a yuan in yuan to the fen, halves away from zero."""
    fen = (abs(micro) + _MICRO_PER_FEN // 2) // _MICRO_PER_FEN
    return Decimal(fen if micro >= 0 else -fen).scaleb(-2)
