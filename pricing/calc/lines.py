"""The value of lines by kind: exact integers for prices times tonnes, float64 where a rate enters.

What many lines share (the price of a unit, the forward price and discount factor of a delivery day) is calculated once
a market, in arrays; a line then costs a few operations.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from functools import partial
from typing import NamedTuple

import numpy as np

from carbonfin.kernel.allowances import Scheme, Unit
from carbonfin.kernel.batch import Batch
from carbonfin.kernel.errors import InvalidInput, MissingData
from carbonfin.kernel.units import to_decimal, to_float
from carbonfin.rules.parameters import ParameterValue
from carbonfin.rules.trace import Figure
from pricing.calc import traces
from pricing.calc.compliance import VintageState, VintageUse
from pricing.calc.forwards import (
    flat_discount_factors,
    forward_present_value_cny,
    forward_price_cny_per_t,
    maturity_years,
)
from pricing.calc.liquidity import AppraisalPrice
from pricing.calc.market import MarketSnapshot
from pricing.calc.positions import LineKind, LineValue, PortfolioLine, failure_of

FORWARD_RATE = "pricing.forward_rate"
LEGAL_BASIS = "pricing.legal_basis"
VALUATION_ONLY_ZH = "仅估值，不可成交"
VALUATION_ONLY_EN = "valuation only, not tradable"
_MICRO_PER_FEN = 10_000
_FORWARD_LEVEL = 3
_NOTHING = Decimal(0)


class _Spot(NamedTuple):
    """What every holding of a unit rests on; one past its last usable date counts as worth nothing."""

    price: AppraisalPrice
    price_micro: int
    past_use: VintageUse | None


class _Forward(NamedTuple):
    """What every forward of a unit and delivery day rests on, calculated once."""

    price: AppraisalPrice
    forward_cny_per_t: float
    discount_factor: float
    shown_cny_per_t: Decimal


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
    forwards: dict[Unit, dict[date, _Forward]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def past_use(self, unit: Unit, day: date) -> VintageUse | None:
        """Give what is known of a unit's end where it lies before a day, else None."""
        use = self.uses.get(unit)
        return use if use is not None and use.state_on(day) is VintageState.PAST_USE else None

    def end_words(self, unit: Unit, day: date) -> tuple[str, str]:
        """Say in both languages what is known of a unit's end on a day."""
        return self.uses[unit].words_on(day) if unit in self.uses else ("", "")


class ValuedLine(NamedTuple):
    """What a line is worth and, on demand, all that is said of it and the figures it came from, the value last.

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
                partial(_line_value, market, line, value_cny),
                partial(traces.spot_figures, line, value_cny, spot.past_use),
            )
        )  # fmt: skip
    return Batch(values=tuple(values))


def _spot(market: LineMarket, unit: Unit) -> _Spot:
    price = market.prices[unit]
    past_use = market.past_use(unit, market.snapshot.valuation_date)
    return _Spot(price, micro_of(price.price_cny_per_t) if past_use is None else 0, past_use)


def _line_value(market: LineMarket, line: PortfolioLine, present_value_cny: Decimal) -> LineValue:
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


def value_forwards(market: LineMarket, lines: Sequence[PortfolioLine]) -> Batch[ValuedLine]:
    """Value forwards, PV = (F - K) q D with F = S exp(r T): one flat rate, an assumption, and act/365 years."""
    today = market.snapshot.valuation_date
    late = [line for line in lines if line.delivery_date is not None and line.delivery_date <= today]
    good = [line for line in lines if line not in late] if late else lines
    failures = [failure_of(line, _delivered(line, today)) for line in late]
    if not good:
        return Batch(values=(), failures=tuple(failures))
    try:
        rate = market.snapshot.parameter(FORWARD_RATE, scope="")
    except MissingData as error:
        return Batch(values=(), failures=(*failures, *(failure_of(line, error) for line in good)))
    _know_forwards(market, good, rate)
    known = [market.forwards[line.unit][line.delivery_date or today] for line in good]
    worths_cny = forward_present_value_cny(
        forward_cny_per_t=np.array([one.forward_cny_per_t for one in known]),
        strike_cny_per_t=np.array([to_float(line.strike_cny_per_t or _NOTHING) for line in good]),
        quantity_t=np.array([line.quantity_t for line in good], dtype=np.float64),
        discount_factor=np.array([one.discount_factor for one in known]),
    )
    values = []
    for line, one, worth_cny in zip(good, known, worths_cny.tolist(), strict=True):
        # Adding nothing takes the sign off a zero, as whole fen have it.
        present_cny = to_decimal(worth_cny, places=2) + _NOTHING
        values.append(
            ValuedLine(
                line.line_id, line.kind, line.unit, one.shown_cny_per_t, _FORWARD_LEVEL, one.price.is_sample,
                present_cny, None,
                partial(_forward_value, market, line, rate, present_cny),
                partial(_forward_figures, market, line, present_cny),
            )
        )  # fmt: skip
    return Batch(values=tuple(values), failures=tuple(failures))


def _know_forwards(market: LineMarket, lines: Sequence[PortfolioLine], rate: ParameterValue) -> None:
    """Have the market know what each line's unit and delivery day rest on."""
    today = market.snapshot.valuation_date
    known = market.forwards
    missing: dict[tuple[Unit, date], None] = {}
    for line in lines:
        days = known.get(line.unit)
        delivery = line.delivery_date or today
        if days is None or delivery not in days:
            missing[line.unit, delivery] = None
    if not missing:
        return
    pairs = list(missing)
    for (unit, day), forward in zip(pairs, _forwards(market, pairs, rate), strict=True):
        known.setdefault(unit, {})[day] = forward


def _forwards(market: LineMarket, pairs: Sequence[tuple[Unit, date]], rate: ParameterValue) -> list[_Forward]:
    today = market.snapshot.valuation_date
    distinct = sorted({day for _, day in pairs})
    place = {day: number for number, day in enumerate(distinct)}
    position = np.array([place[day] for _, day in pairs])
    factor = flat_discount_factors(valuation_date=today, dates=distinct, rate=rate.decimal)[position]
    years = np.array([maturity_years(today, day) for day in distinct])[position]
    zero = np.zeros(len(pairs))
    prices = [market.prices[unit] for unit, _ in pairs]
    # Delivery after a vintage's last usable date brings units that are worth nothing.
    useful = np.array([0.0 if market.past_use(unit, day) else 1.0 for unit, day in pairs])
    forward = forward_price_cny_per_t(
        spot_cny_per_t=useful * np.array([to_float(price.price_cny_per_t) for price in prices]),
        rate=np.full(len(pairs), to_float(rate.decimal)),
        carry_spread=zero,
        convenience_yield=zero,
        maturity_years=years,
    )
    return [
        _Forward(price, forward_cny, discount, to_decimal(forward_cny, places=4))
        for price, forward_cny, discount in zip(prices, forward.tolist(), factor.tolist(), strict=True)
    ]


def _delivered(line: PortfolioLine, valuation_date: date) -> InvalidInput:
    return InvalidInput(
        f"forward {line.line_id} was to be delivered on {line.delivery_date}, not after {valuation_date}",
        zh=f"远期 {line.line_id} 的交割日 {line.delivery_date} 不晚于估值日 {valuation_date}",
        field="delivery_date",
        remedy="Enter what was delivered as a holding.",
        remedy_zh="已交割的请录为现货持有。",
    )


def _forward_figures(market: LineMarket, line: PortfolioLine, present_cny: Decimal) -> tuple[Figure, ...]:
    today = market.snapshot.valuation_date
    delivery = line.delivery_date or today
    known = market.forwards[line.unit][delivery]
    return traces.forward_figures(
        line,
        days=(delivery - today).days,
        forward_cny_per_t=known.shown_cny_per_t,
        discount_factor=to_decimal(known.discount_factor, places=8),
        present_value_cny=present_cny,
        past_use=market.past_use(line.unit, delivery),
    )


def _forward_value(
    market: LineMarket, line: PortfolioLine, rate: ParameterValue, present_value_cny: Decimal
) -> LineValue:
    forward_cny_per_t = market.forwards[line.unit][line.delivery_date or market.snapshot.valuation_date].shown_cny_per_t
    spot = _line_value(market, line, present_value_cny)
    tradable_zh, tradable_en = tradable_notes(market.snapshot, line.unit.scheme, line.kind)
    return replace(
        spot,
        price_cny_per_t=forward_cny_per_t,
        price_source=f"{spot.price_source} × exp(r·T)" if forward_cny_per_t else spot.notes_zh[0],
        level=_FORWARD_LEVEL,
        notes_zh=(
            *tradable_zh,
            f"利率 {(rate.decimal * 100).normalize():f}%（连续复利，act/365）为假设，并非市场曲线",
            *spot.notes_zh,
        ),
        notes_en=(
            *tradable_en,
            f"flat rate {rate.value}, continuous, act/365, is an assumption, not a market curve",
            *spot.notes_en,
        ),
    )


def tradable_notes(snapshot: MarketSnapshot, scheme: Scheme, kind: LineKind) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Say in both languages that a contract cannot be traded; only a stated legal basis takes the words away."""
    try:
        return law_notes(snapshot.parameter(LEGAL_BASIS, scope=f"{scheme}.{kind}"))
    except MissingData:
        return law_notes(None)


def law_notes(basis: ParameterValue | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Say in both languages whether the law admits an instrument, None being a basis that nobody verified."""
    if basis is None:
        return (f"{VALUATION_ONLY_ZH}（成交依据未核实）",), (f"{VALUATION_ONLY_EN} (legal basis not verified)",)
    if basis.value != "none":
        return (), ()
    return (f"{VALUATION_ONLY_ZH}（{basis.document}）",), (f"{VALUATION_ONLY_EN} ({basis.document})",)


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
