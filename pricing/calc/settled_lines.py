"""The day's margin of futures-style contracts, line by line, from their settlement prices.

A contract settled in a foreign currency has its margin in that currency, exactly to the minor unit, and in 元 at the
day's exchange rate, rounded once after it.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import partial

from carbonfin.kernel.batch import Batch, Failure
from carbonfin.kernel.errors import CarbonFinError, MissingData
from carbonfin.kernel.units import Currency
from pricing.calc.futures_market import FuturesMarket, SettledPrice
from pricing.calc.line_faults import failure_of
from pricing.calc.lines import LineMarket, ValuedLine, fen_half_up
from pricing.calc.market import MarketSnapshot
from pricing.calc.positions import PortfolioLine
from pricing.calc.settled_limits import require_inside_limit
from pricing.calc.settled_values import SettledWorth, SettlementStep, futures_figures, futures_value

_SYNTHETIC_LEVEL, _LISTED_LEVEL = 3, 2


def value_futures(
    market: LineMarket, lines: Sequence[PortfolioLine], *, futures: FuturesMarket | None = None
) -> Batch[ValuedLine]:
    """Give the day's variation margin, (S - S before) q X, exactly; the position is worth nothing after it.

    Args:
        market: The snapshot, with the settlement prices in 元.
        lines: Contracts that are sound by themselves.
        futures: What those settled in a foreign currency rest on; without it each of them fails.
    """
    steps: list[SettlementStep] = []
    failures: list[Failure] = []
    for line in lines:
        try:
            steps.append(settlement_step(market.snapshot, line, futures))
        except CarbonFinError as error:
            failures.append(failure_of(line, error))
    net_t = _net_positions(lines)
    return Batch(values=tuple(_futures_valued(market, step, net_t) for step in steps), failures=tuple(failures))


def margin_cny(step: SettlementStep) -> Decimal:
    """Give a line's margin of the day in 元 to the fen, halves away from zero."""
    if step.contract is None:
        return fen_half_up(step.line.quantity_t * step.micro_cny_per_t)
    move, places = step.foreign_move
    return Decimal(fen_of_move(step.line.quantity_t, move, places)).scaleb(-2)


def fen_of_move(quantity_t: int, move: int, places: int) -> int:
    """Give tonnes times a move of so many decimal places in whole fen, halves away from zero."""
    unit = int(Decimal(1).scaleb(places - 2))
    amount = quantity_t * move
    fen = (abs(amount) + unit // 2) // unit
    return fen if amount >= 0 else -fen


def settlement_step(
    snapshot: MarketSnapshot, line: PortfolioLine, futures: FuturesMarket | None = None
) -> SettlementStep:
    """Find the day's settlement price and the price before it: the last settlement, or the price traded that day.

    Raises:
        MissingData: There is no settlement price of the day, or none before it, or no exchange rate.
        InvalidInput: The settlement price breaks the daily limit in force for the scheme.
    """
    contract = None
    if line.agreed_currency is Currency.CNY:
        prices = _prices_in_cny(snapshot, line)
    else:
        contract = None if futures is None else futures.contract_of(line)
        if contract is None:
            raise _gap(line, futures)
        prices = contract.prices
    today = [item for item in prices if item.settlement_date == snapshot.valuation_date]
    past = [item for item in prices if item.settlement_date < snapshot.valuation_date]
    first_date = line.trade_date or date.min
    before = [item for item in past if first_date <= item.settlement_date]
    if today and past:
        require_inside_limit(snapshot, line, before_per_t=past[-1].price_per_t, price_per_t=today[-1].price_per_t)
    if today and before:
        last = before[-1]
        return SettlementStep(
            line=line, settled=today[-1], before_per_t=last.price_per_t,
            before_source=f"{last.document} {last.settlement_date}", contract=contract,
        )  # fmt: skip
    agreed = line.agreed_per_t
    if today and line.trade_date == snapshot.valuation_date and agreed is not None:
        return SettlementStep(
            line=line, settled=today[-1], before_per_t=agreed, before_source=f"成交价 {line.trade_date}",
            contract=contract,
        )  # fmt: skip
    raise _unsettled(line, snapshot.valuation_date)


def _prices_in_cny(snapshot: MarketSnapshot, line: PortfolioLine) -> tuple[SettledPrice, ...]:
    return tuple(
        SettledPrice(
            settlement_date=one.settlement_date, price_per_t=one.price_cny_per_t, document=one.document,
            is_sample=one.is_sample,
        )
        for one in snapshot.settlements_of(line.contract_code or "")
    )  # fmt: skip


def _gap(line: PortfolioLine, futures: FuturesMarket | None) -> MissingData:
    gap = None if futures is None else next((one for one in futures.gaps if one.item == line.line_id), None)
    if gap is not None:
        return MissingData(gap.detail, zh=gap.zh, field=gap.field, remedy=gap.remedy, remedy_zh=gap.remedy_zh)
    return MissingData(
        f"no settlement prices in {line.currency} were taken with this book",
        zh=f"本次估值未取 {line.currency} 结算价",
        field="currency",
        remedy="Value the book on the stored settlement prices and exchange rates of the day.",
        remedy_zh="请按当日已存结算价与汇率估值。",
    )


def _unsettled(line: PortfolioLine, valuation_date: date) -> MissingData:
    return MissingData(
        f"contract {line.contract_code} has no settlement price for {valuation_date} and a day before",
        zh=f"合约 {line.contract_code} 缺少 {valuation_date} 或前一日的结算价",
        field="contract_code",
        remedy="Import the settlement prices of the contract.",
        remedy_zh="请导入该合约的结算价。",
    )


def _net_positions(lines: Sequence[PortfolioLine]) -> Mapping[str, int]:
    """Give the net tonnes of each contract over lines."""
    net_t: dict[str, int] = defaultdict(int)
    for line in lines:
        net_t[line.contract_code or ""] += line.quantity_t
    return net_t


def _futures_valued(market: LineMarket, step: SettlementStep, net_t: Mapping[str, int]) -> ValuedLine:
    line = step.line
    amount_cny = margin_cny(step)
    is_sample = step.settled.is_sample or (step.contract is not None and step.contract.is_fx_sample)
    worth = SettledWorth(
        step=step,
        margin_cny=amount_cny,
        price_cny_per_t=step.price_cny_per_t,
        level=_SYNTHETIC_LEVEL if step.contract is None else _LISTED_LEVEL,
        is_sample=is_sample,
        net_t=net_t[line.contract_code or ""],
    )
    return ValuedLine(
        line_id=line.line_id,
        kind=line.kind,
        unit=line.unit,
        price_cny_per_t=worth.price_cny_per_t,
        level=worth.level,
        is_sample=is_sample,
        present_value_cny=Decimal("0.00"),
        variation_margin_cny=amount_cny,
        value=partial(futures_value, market, worth),
        figures=partial(futures_figures, market, worth),
        is_valuation_only=market.is_valuation_only(line),
        is_foreign=step.contract is not None,
    )
