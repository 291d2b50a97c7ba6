"""The day's margin of futures-style contracts, line by line, from their settlement prices."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import partial

from carbonfin.kernel.batch import Batch, Failure
from carbonfin.kernel.errors import CarbonFinError, MissingData
from pricing.calc import traces
from pricing.calc.line_faults import failure_of
from pricing.calc.lines import LineMarket, ValuedLine, fen_half_up, micro_of
from pricing.calc.liquidity import PriceFlag
from pricing.calc.market import MarketSnapshot, Settlement
from pricing.calc.positions import LineValue, PortfolioLine
from pricing.calc.tradability import label_notes


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
    margins_cny = [
        fen_half_up(
            item.line.quantity_t * (micro_of(item.settlement.price_cny_per_t) - micro_of(item.before_cny_per_t))
        )
        for item in settled
    ]
    return Batch(
        values=tuple(
            _futures_valued(market, item, margin_cny) for item, margin_cny in zip(settled, margins_cny, strict=True)
        ),
        failures=tuple(failures),
    )


def settled_move_cny_per_t(snapshot: MarketSnapshot, line: PortfolioLine) -> Decimal:
    """Give S - S before of a contract, whose product with tonnes is the day's margin.

    Raises:
        MissingData: There is no settlement price of the day, or none before it.
    """
    step = _settlement_step(snapshot, line)
    return step.settlement.price_cny_per_t - step.before_cny_per_t


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
    tradable_zh, tradable_en = label_notes(market.snapshot, line)
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
        is_valuation_only=bool(tradable_zh),
    )
