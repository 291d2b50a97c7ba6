"""The value of lines by kind, on whole arrays: exact integers for prices times tonnes, float64 where a rate enters."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import partial

import numpy as np
import numpy.typing as npt

from carbonfin.kernel.allowances import Scheme, Unit
from carbonfin.kernel.batch import Batch, Failure
from carbonfin.kernel.errors import CarbonFinError, InvalidInput, MissingData
from carbonfin.kernel.units import to_decimal, to_float
from carbonfin.rules.parameters import ParameterValue
from carbonfin.rules.trace import Figure
from pricing.calc import traces
from pricing.calc.forwards import (
    flat_discount_factors,
    forward_present_value_cny,
    forward_price_cny_per_t,
    maturity_years,
)
from pricing.calc.liquidity import AppraisalPrice, PriceFlag
from pricing.calc.market import MarketSnapshot, Settlement
from pricing.calc.positions import LineKind, LineValue, PortfolioLine, failure_of

FORWARD_RATE = "pricing.forward_rate"
LEGAL_BASIS = "pricing.legal_basis"
VALUATION_ONLY_ZH = "仅估值，不可成交"
VALUATION_ONLY_EN = "valuation only, not tradable"
_MICRO_PER_FEN = 10_000
_FORWARD_LEVEL = 3
_NOTHING = Decimal(0)

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class LineMarket:
    """The snapshot with its digest and the fair price of each unit that has one."""

    snapshot: MarketSnapshot
    digest: str
    prices: Mapping[Unit, AppraisalPrice]


@dataclass(frozen=True, slots=True, kw_only=True)
class ValuedLine:
    """What a line is worth and, on demand, all that is said of it and the figures it came from, the value last.

    A preview asks for the worth alone; what is recorded is made of the same numbers.
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
    """Value holdings at their fair price, exactly: tonnes times millionths of a yuan, rounded to the fen."""
    quantity_t = np.array([line.quantity_t for line in lines], dtype=np.int64)
    prices = [market.prices[line.unit] for line in lines]
    price_micro = np.array([_micro(price.price_cny_per_t) for price in prices], dtype=np.int64)
    values_cny = _fen_half_up(quantity_t * price_micro)
    return Batch(
        values=tuple(
            _spot_valued(market, line, price, value_cny)
            for line, price, value_cny in zip(lines, prices, values_cny, strict=True)
        )
    )


def _spot_valued(market: LineMarket, line: PortfolioLine, price: AppraisalPrice, value_cny: Decimal) -> ValuedLine:
    return ValuedLine(
        line_id=line.line_id,
        kind=line.kind,
        unit=line.unit,
        price_cny_per_t=price.price_cny_per_t,
        level=price.level,
        is_sample=price.is_sample,
        present_value_cny=value_cny,
        variation_margin_cny=None,
        value=partial(_line_value, market, line, present_value_cny=value_cny),
        figures=partial(traces.spot_figures, line, value_cny),
    )


def _line_value(market: LineMarket, line: PortfolioLine, *, present_value_cny: Decimal) -> LineValue:
    price = market.prices[line.unit]
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
        notes_zh=tuple(price.note_zh.split("；")) if price.note_zh else (),
        notes_en=tuple(price.note_en.split("; ")) if price.note_en else (),
        figure=traces.value_name(line),
        snapshot_digest=market.digest,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _ForwardColumns:
    """What was calculated of forwards, by line, and the prices it rests on."""

    prices: list[AppraisalPrice]
    forward_cny_per_t: list[float]
    discount_factor: list[float]
    present_value_cny: list[float]


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
    columns = _forward_columns(market, good, rate)
    return Batch(
        values=tuple(_forward_valued(market, line, rate, columns, row) for row, line in enumerate(good)),
        failures=tuple(failures),
    )


def _forward_columns(market: LineMarket, lines: Sequence[PortfolioLine], rate: ParameterValue) -> _ForwardColumns:
    today = market.snapshot.valuation_date
    deliveries = [line.delivery_date or today for line in lines]
    distinct = sorted(set(deliveries))
    place = {day: number for number, day in enumerate(distinct)}
    position = np.array([place[day] for day in deliveries])
    factor = flat_discount_factors(valuation_date=today, dates=distinct, rate=rate.decimal)[position]
    years = np.array([maturity_years(today, day) for day in distinct])[position]
    zero = np.zeros(len(lines))
    prices = [market.prices[line.unit] for line in lines]
    forward = forward_price_cny_per_t(
        spot_cny_per_t=np.array([to_float(price.price_cny_per_t) for price in prices]),
        rate=np.full(len(lines), to_float(rate.decimal)),
        carry_spread=zero,
        convenience_yield=zero,
        maturity_years=years,
    )
    present = forward_present_value_cny(
        forward_cny_per_t=forward,
        strike_cny_per_t=np.array([to_float(line.strike_cny_per_t or Decimal(0)) for line in lines]),
        quantity_t=np.array([line.quantity_t for line in lines], dtype=np.float64),
        discount_factor=factor,
    )
    return _ForwardColumns(
        prices=prices,
        forward_cny_per_t=forward.tolist(),
        discount_factor=factor.tolist(),
        present_value_cny=present.tolist(),
    )


def _delivered(line: PortfolioLine, valuation_date: date) -> InvalidInput:
    return InvalidInput(
        f"forward {line.line_id} was to be delivered on {line.delivery_date}, not after {valuation_date}",
        zh=f"远期 {line.line_id} 的交割日 {line.delivery_date} 不晚于估值日 {valuation_date}",
        field="delivery_date",
        remedy="Enter what was delivered as a holding.",
        remedy_zh="已交割的请录为现货持有。",
    )


def _forward_valued(
    market: LineMarket, line: PortfolioLine, rate: ParameterValue, columns: _ForwardColumns, row: int
) -> ValuedLine:
    # Adding nothing takes the sign off a zero, as whole fen have it.
    present_cny = to_decimal(columns.present_value_cny[row], places=2) + _NOTHING
    forward = to_decimal(columns.forward_cny_per_t[row], places=4)
    return ValuedLine(
        line_id=line.line_id,
        kind=line.kind,
        unit=line.unit,
        price_cny_per_t=forward,
        level=_FORWARD_LEVEL,
        is_sample=columns.prices[row].is_sample,
        present_value_cny=present_cny,
        variation_margin_cny=None,
        value=partial(_forward_value, market, line, rate, forward_cny_per_t=forward, present_value_cny=present_cny),
        figures=partial(
            _forward_figures, market, line, forward, present_cny, discount_factor=columns.discount_factor[row]
        ),
    )


def _forward_figures(
    market: LineMarket, line: PortfolioLine, forward: Decimal, present_cny: Decimal, *, discount_factor: float
) -> tuple[Figure, ...]:
    today = market.snapshot.valuation_date
    return traces.forward_figures(
        line,
        days=((line.delivery_date or today) - today).days,
        forward_cny_per_t=forward,
        discount_factor=to_decimal(discount_factor, places=8),
        present_value_cny=present_cny,
    )


def _forward_value(
    market: LineMarket,
    line: PortfolioLine,
    rate: ParameterValue,
    *,
    forward_cny_per_t: Decimal,
    present_value_cny: Decimal,
) -> LineValue:
    spot = _line_value(market, line, present_value_cny=present_value_cny)
    tradable_zh, tradable_en = tradable_notes(market.snapshot, line.unit.scheme, line.kind)
    return replace(
        spot,
        price_cny_per_t=forward_cny_per_t,
        price_source=f"{spot.price_source} × exp(r·T)",
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
        basis = snapshot.parameter(LEGAL_BASIS, scope=f"{scheme}.{kind}")
    except MissingData:
        return (f"{VALUATION_ONLY_ZH}（成交依据未核实）",), (f"{VALUATION_ONLY_EN} (legal basis not verified)",)
    if basis.value != "none":
        return (), ()
    return (f"{VALUATION_ONLY_ZH}（{basis.document}）",), (f"{VALUATION_ONLY_EN} ({basis.document})",)


@dataclass(frozen=True, slots=True, kw_only=True)
class _SettledLine:
    line: PortfolioLine
    settlement: Settlement
    before_cny_per_t: Decimal
    before_source: str


def value_futures(market: LineMarket, lines: Sequence[PortfolioLine]) -> Batch[ValuedLine]:
    """Give the day's variation margin, (S - S before) q, exactly; the position is worth nothing after it."""
    settled: list[_SettledLine] = []
    failures: list[Failure] = []
    for line in lines:
        try:
            settled.append(_settlement_step(market.snapshot, line))
        except CarbonFinError as error:
            failures.append(failure_of(line, error))
    quantity_t = np.array([item.line.quantity_t for item in settled], dtype=np.int64)
    now_micro = np.array([_micro(item.settlement.price_cny_per_t) for item in settled], dtype=np.int64)
    before_micro = np.array([_micro(item.before_cny_per_t) for item in settled], dtype=np.int64)
    margins_cny = _fen_half_up(quantity_t * (now_micro - before_micro))
    return Batch(
        values=tuple(
            _futures_valued(market, item, margin_cny) for item, margin_cny in zip(settled, margins_cny, strict=True)
        ),
        failures=tuple(failures),
    )


def _settlement_step(snapshot: MarketSnapshot, line: PortfolioLine) -> _SettledLine:
    """Find the day's settlement price and the price before it: the last settlement, or the price traded that day."""
    prices = snapshot.settlements_of(line.contract_code or "")
    today = [item for item in prices if item.settlement_date == snapshot.valuation_date]
    first_date = line.trade_date or date.min
    before = [item for item in prices if first_date <= item.settlement_date < snapshot.valuation_date]
    if today and before:
        last = before[-1]
        return _SettledLine(
            line=line,
            settlement=today[-1],
            before_cny_per_t=last.price_cny_per_t,
            before_source=f"{last.document} {last.settlement_date}",
        )
    if today and line.trade_date == snapshot.valuation_date and line.strike_cny_per_t is not None:
        return _SettledLine(
            line=line,
            settlement=today[-1],
            before_cny_per_t=line.strike_cny_per_t,
            before_source=f"成交价 {line.trade_date}",
        )
    raise MissingData(
        f"contract {line.contract_code} has no settlement price for {snapshot.valuation_date} and a day before",
        zh=f"合约 {line.contract_code} 缺少 {snapshot.valuation_date} 或前一日的结算价",
        field="contract_code",
        remedy="Import the settlement prices of the contract.",
        remedy_zh="请导入该合约的结算价。",
    )


def _futures_valued(market: LineMarket, item: _SettledLine, margin_cny: Decimal) -> ValuedLine:
    line, now = item.line, item.settlement
    tradable_zh, tradable_en = tradable_notes(market.snapshot, line.unit.scheme, line.kind)
    value = LineValue(
        line_id=line.line_id,
        label=line.label,
        kind=line.kind,
        unit=line.unit,
        quantity_t=line.quantity_t,
        price_cny_per_t=now.price_cny_per_t,
        price_date=now.settlement_date,
        price_source=f"{now.document} 结算价",
        staleness_days=0,
        level=3,
        is_sample=now.is_sample,
        flags=(PriceFlag.SAMPLE,) if now.is_sample else (),
        present_value_cny=Decimal("0.00"),
        variation_margin_cny=margin_cny,
        notes_zh=(
            *tradable_zh,
            "合成合约：当日盈亏以变动保证金结清，结算后价值为零",
            *(("示例结算价",) if now.is_sample else ()),
        ),
        notes_en=(
            *tradable_en,
            "synthetic: worth nothing after the day's margin",
            *(("sample settlement price",) if now.is_sample else ()),
        ),
        figure=traces.value_name(line),
        snapshot_digest=market.digest,
    )
    return ValuedLine(
        line_id=line.line_id,
        kind=line.kind,
        unit=line.unit,
        price_cny_per_t=now.price_cny_per_t,
        level=value.level,
        is_sample=now.is_sample,
        present_value_cny=value.present_value_cny,
        variation_margin_cny=margin_cny,
        value=lambda: value,
        figures=partial(
            traces.futures_figures,
            line,
            settlement=now,
            before_cny_per_t=item.before_cny_per_t,
            before_source=item.before_source,
            variation_margin_cny=margin_cny,
        ),
    )


def _micro(price: Decimal) -> int:
    """Give a price in whole millionths of a yuan; prices at rest have at most six places."""
    scaled = price.scaleb(6)
    if scaled != scaled.to_integral_value():
        raise InvalidInput(
            f"price {price} has more than six decimal places", zh=f"价格 {price} 超出六位小数", field="price_cny_per_t"
        )
    return int(scaled)


def _fen_half_up(micro: IntArray) -> list[Decimal]:
    fen = np.sign(micro) * ((np.abs(micro) + _MICRO_PER_FEN // 2) // _MICRO_PER_FEN)
    return [Decimal(value).scaleb(-2) for value in fen.tolist()]
