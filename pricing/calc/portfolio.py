"""The value of a portfolio of allowances: holdings, OTC forwards, futures-style contracts and options, line by line.

Prices are resolved once per unit, discount factors once per delivery date, then whole arrays are valued. Each line is
rounded to the fen; totals are sums of rounded lines.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import partial

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.batch import Batch, Failure
from carbonfin.kernel.errors import CarbonFinError, InvalidInput
from carbonfin.rules.record import ADDED_LATER, DecisionKind
from carbonfin.rules.trace import Figure
from pricing.calc import traces
from pricing.calc.compliance import VINTAGE_FACTS, vintage_use
from pricing.calc.forward_lines import value_forwards
from pricing.calc.forward_market import FORWARD_METHOD, ForwardMarket
from pricing.calc.forward_traces import curves_figure, yield_name
from pricing.calc.futures_market import FuturesMarket
from pricing.calc.line_faults import failure_of, line_fault
from pricing.calc.lines import CONVENIENCE_YIELD, FORWARD_RATE, LineMarket, ValuedLine, value_spot
from pricing.calc.liquidity import AppraisalPrice, fair_price
from pricing.calc.market import MarketSnapshot
from pricing.calc.option_market import OptionMarket
from pricing.calc.option_positions import value_options
from pricing.calc.option_traces import bucket_figures, option_buckets
from pricing.calc.positions import MAX_PRICE_CNY_PER_T, LineKind, LineValue, PortfolioLine
from pricing.calc.settled_lines import value_futures
from pricing.calc.traces import RATE

_Valuer = Callable[[LineMarket, Sequence[PortfolioLine]], Batch[ValuedLine]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioInputs:
    """All that a valuation takes: the book and the market as known; valuing them again gives the same bits.

    Attributes:
        options: What the options of the book rest on; None for a book without options.
        forwards: What its forwards rest on; None for a book without forwards, and where the bank asks by name for its
            flat rate, as every valuation did that was made before curves priced forwards.
        futures: What its contracts settled in a foreign currency rest on; None for a book without them.
    """

    portfolio_id: str
    portfolio_name: str
    valuation_date: date
    known_at: datetime
    lines: tuple[PortfolioLine, ...]
    snapshot: MarketSnapshot
    options: OptionMarket | None = field(default=None, metadata=ADDED_LATER)
    forwards: ForwardMarket | None = field(default=None, metadata=ADDED_LATER)
    futures: FuturesMarket | None = field(default=None, metadata=ADDED_LATER)


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioValue:
    """The values of the lines, what failed, totals and how each figure came about.

    Attributes:
        present_value_cny: Sum of the rounded lines that could be valued.
        variation_margin_cny: Sum of the day's margins of futures-style contracts.
        level_max: The weakest level of any line, None where no line was valued.
        is_sample: Whether any line rests on a sample price.
    """

    lines: tuple[LineValue, ...]
    failures: tuple[Failure, ...]
    present_value_cny: Decimal
    variation_margin_cny: Decimal
    level_max: int | None
    is_sample: bool
    snapshot_digest: str
    trace: tuple[Figure, ...]


def value_portfolio(inputs: PortfolioInputs) -> PortfolioValue:
    """Value each line on the snapshot; a line that cannot be valued becomes a failure and the others stand.

    Raises:
        InvalidInput: Two lines have the same code, or snapshot, curves or volatilities are of another day or instant.
    """
    snapshot = inputs.snapshot
    if snapshot.valuation_date != inputs.valuation_date or snapshot.known_at != inputs.known_at:
        raise InvalidInput(
            f"the snapshot is of {snapshot.valuation_date}, the valuation of {inputs.valuation_date}",
            zh="行情快照与估值日不一致",
            field="valuation_date",
        )
    if inputs.options is not None and inputs.options.valuation_date != inputs.valuation_date:
        raise InvalidInput(
            f"the volatilities are of {inputs.options.valuation_date}, the valuation of {inputs.valuation_date}",
            zh="波动率与估值日不一致",
            field="valuation_date",
        )
    if inputs.forwards is not None and inputs.forwards.valuation_date != inputs.valuation_date:
        raise InvalidInput(
            f"the curves are of {inputs.forwards.valuation_date}, the valuation of {inputs.valuation_date}",
            zh="曲线与估值日不一致",
            field="valuation_date",
        )
    if inputs.futures is not None and inputs.futures.valuation_date != inputs.valuation_date:
        raise InvalidInput(
            f"the exchange rates are of {inputs.futures.valuation_date}, the valuation of {inputs.valuation_date}",
            zh="汇率与估值日不一致",
            field="valuation_date",
        )
    market = priced_market(snapshot, {line.unit for line in inputs.lines if line.kind is not LineKind.OPTION})
    batch = value_lines(market, inputs.lines, options=inputs.options, forwards=inputs.forwards, futures=inputs.futures)
    return _total(market.lines, batch.values, batch.failures, inputs.forwards)


@dataclass(frozen=True, slots=True, kw_only=True)
class BookMarket:
    """What lines of a book rest on beside the snapshot; what it has no lines for is None."""

    options: OptionMarket | None
    forwards: ForwardMarket | None
    futures: FuturesMarket | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedMarket:
    """A snapshot with all that does not depend on the book: its digest, fair prices, and why a unit has none."""

    lines: LineMarket
    unpriced: Mapping[Unit, CarbonFinError]


def priced_market(snapshot: MarketSnapshot, units: set[Unit]) -> PricedMarket:
    """Price units on a snapshot once."""
    prices, unpriced = _fair_prices(snapshot, units)
    uses = {}
    # Snapshots recorded before facts of vintages stood in them say nothing of ends, and their decisions come out alike.
    if any(value.key in VINTAGE_FACTS for value in snapshot.parameters):
        uses = {unit: vintage_use(lambda key, scope: snapshot.find_parameter(key, scope=scope), unit) for unit in units}
    return PricedMarket(
        lines=LineMarket(snapshot=snapshot, digest=snapshot.digest, prices=prices, uses=uses), unpriced=unpriced
    )


def value_lines(
    market: PricedMarket,
    lines: Sequence[PortfolioLine],
    *,
    options: OptionMarket | None = None,
    forwards: ForwardMarket | None = None,
    futures: FuturesMarket | None = None,
) -> Batch[ValuedLine]:
    """Value each line on a market that knows its units, in the order given.

    Args:
        market: Prices of the units of all lines but options.
        lines: The book.
        options: What its options rest on; without it each of them fails.
        forwards: What its forwards rest on; without it they rest on the flat rate of the snapshot.
        futures: What its contracts settled in a foreign currency rest on; without it each of them fails.

    Raises:
        InvalidInput: Two lines have the same code.
    """
    refuse_twice([line.line_id for line in lines])
    failures: dict[str, Failure] = {}
    sound: dict[LineKind, list[PortfolioLine]] = {}
    unpriced = market.unpriced
    # On curves a forward may do without the fair price of its unit.
    priced_kinds = {LineKind.SPOT, LineKind.FORWARD} if forwards is None else {LineKind.SPOT}
    for line in lines:
        fault = line_fault(line)
        if fault is None and unpriced and line.kind in priced_kinds and line.unit in unpriced:
            fault = failure_of(line, unpriced[line.unit])
        if fault is None:
            sound.setdefault(line.kind, []).append(line)
        else:
            failures[line.line_id] = fault
    valued: dict[str, ValuedLine] = {}
    valuers: dict[LineKind, _Valuer] = {
        LineKind.SPOT: value_spot,
        LineKind.FUTURES: partial(value_futures, futures=futures),
        LineKind.FORWARD: partial(value_forwards, forwards=forwards, unpriced=unpriced),
        LineKind.OPTION: partial(value_options, options=options),
    }
    for kind, value_kind in valuers.items():
        if kind in sound:
            batch = value_kind(market.lines, sound[kind])
            valued.update({item.line_id: item for item in batch.values})
            failures.update({failure.item: failure for failure in batch.failures})
    codes = [line.line_id for line in lines]
    return Batch(
        values=tuple(valued[code] for code in codes if code in valued),
        failures=tuple(failures[code] for code in codes if code in failures),
    )


def refuse_twice(codes: Sequence[str]) -> None:
    """See that the lines of a book have codes of their own.

    Raises:
        InvalidInput: Two lines have the same code.
    """
    if len(set(codes)) == len(codes):
        return
    seen: set[str] = set()
    for code in codes:
        if code in seen:
            raise InvalidInput(
                f"line {code} stands twice",
                zh=f"持仓代码 {code} 重复",
                field="lines",
                remedy="Give each line its own code.",
                remedy_zh="每条持仓请使用不同代码。",
            )
        seen.add(code)


def _fair_prices(
    snapshot: MarketSnapshot, units: set[Unit]
) -> tuple[dict[Unit, AppraisalPrice], dict[Unit, CarbonFinError]]:
    prices: dict[Unit, AppraisalPrice] = {}
    unpriced: dict[Unit, CarbonFinError] = {}
    for unit in sorted(units, key=str):
        try:
            price = fair_price(snapshot, unit)
        except CarbonFinError as error:
            unpriced[unit] = error
            continue
        if price.price_cny_per_t <= MAX_PRICE_CNY_PER_T:
            prices[unit] = price
            continue
        unpriced[unit] = InvalidInput(
            f"{unit} is quoted at {price.price_cny_per_t} 元/吨",
            zh=f"{unit} 报价 {price.price_cny_per_t} 超出合理范围",
            field="price_cny_per_t",
            remedy="Check the unit of the quote.",
            remedy_zh="请核对报价单位。",
        )
    return prices, unpriced


def _total(
    market: LineMarket,
    valued: Sequence[ValuedLine],
    failures: tuple[Failure, ...],
    forwards: ForwardMarket | None,
) -> PortfolioValue:
    values = tuple(item.value() for item in valued)
    present_cny = sum((value.present_value_cny for value in values), start=Decimal("0.00"))
    margin_cny = sum((value.variation_margin_cny or Decimal(0) for value in values), start=Decimal("0.00"))
    priced = prices_under(market, valued)
    return PortfolioValue(
        lines=values,
        failures=failures,
        present_value_cny=present_cny,
        variation_margin_cny=margin_cny,
        level_max=max((value.level for value in values), default=None),
        is_sample=any(value.is_sample for value in values),
        snapshot_digest=market.digest,
        trace=traces.portfolio_trace(
            market.snapshot,
            prices=priced,
            assumptions=_assumptions(market.snapshot, values, forwards),
            line_figures=[item.figures() for item in valued],
            bucket_figures=bucket_figures(option_buckets(values)),
            present_value_cny=present_cny,
            variation_margin_cny=margin_cny,
        ),
    )


def prices_under(market: LineMarket, valued: Sequence[ValuedLine]) -> list[AppraisalPrice]:
    """Give the fair prices that lines rest on, each once, by unit."""
    units = {line.priced_unit for line in valued if line.priced_unit is not None}
    return [market.prices[unit] for unit in sorted(units, key=str)]


def _assumptions(snapshot: MarketSnapshot, values: Sequence[LineValue], forwards: ForwardMarket | None) -> list[Figure]:
    """Give what all forwards of a book rest on: curves and convenience yields, or the flat rate and its choice."""
    mine = [value for value in values if value.kind is LineKind.FORWARD]
    if not mine:
        return []
    if forwards is None:
        chosen = snapshot.find_parameter(FORWARD_METHOD, scope="")
        named = [] if chosen is None else [Figure.of_parameter("forward_method", chosen)]
        return [*named, Figure.of_parameter(RATE, snapshot.parameter(FORWARD_RATE, scope=""))]
    schemes = sorted(
        {one.unit.scheme for one in mine if one.forward is not None and one.forward.convenience_yield is not None}
    )
    yields = [snapshot.parameter(CONVENIENCE_YIELD, scope=scheme) for scheme in schemes]
    return [curves_figure(forwards), *(Figure.of_parameter(yield_name(value), value) for value in yields)]


PORTFOLIO_VALUE: DecisionKind[PortfolioInputs, PortfolioValue] = DecisionKind(
    name="pricing.portfolio", version="1", inputs=PortfolioInputs, outputs=PortfolioValue, decide=value_portfolio
)
