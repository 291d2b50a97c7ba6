"""Daily price limits and position limits of futures-style contracts, where a scheme's are in force.

A limit in force is one that two people approved, or a sample that comes with the product and nobody has confirmed
(that of CEA): it binds all the same, and what it refuses or notes says so. Where a scheme has none nothing is checked,
as on markets that have none.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.parameters import ParameterValue
from carbonfin.rules.trace import Figure
from pricing.calc import traces
from pricing.calc.market import MarketSnapshot
from pricing.calc.positions import PortfolioLine

PRICE_LIMIT = "pricing.futures_price_limit_ratio"
"""How far a settlement price may lie from the one before, as a ratio of it; by scheme."""
POSITION_LIMIT = "pricing.futures_position_limit_t"
"""Net tonnes that one holder may have in one contract; by scheme."""
_LIMIT_FIGURE, _NET_FIGURE = "position_limit_t", "net_position_t"


def require_inside_limit(
    snapshot: MarketSnapshot, line: PortfolioLine, *, before_per_t: Decimal, price_per_t: Decimal
) -> None:
    """Refuse a settlement price outside the daily limit around the one before.

    Raises:
        InvalidInput: It is, between which prices it must lie, and whether the limit is confirmed.
    """
    limit = snapshot.find_parameter(PRICE_LIMIT, scope=line.unit.scheme)
    if limit is None or abs(price_per_t - before_per_t) <= limit.decimal * before_per_t:
        return
    low, high = before_per_t * (1 - limit.decimal), before_per_t * (1 + limit.decimal)
    mark_zh, mark_en = _unconfirmed_mark(snapshot, limit)
    raise InvalidInput(
        f"settlement price {price_per_t} of {line.contract_code} lies outside {low.normalize():f} to "
        f"{high.normalize():f}, {limit.value} around {before_per_t}{mark_en}",
        zh=f"合约 {line.contract_code} 结算价 {price_per_t} 超出涨跌停板 {low.normalize():f} 至 {high.normalize():f}"
        f"{mark_zh}",
        field="contract_code",
        remedy="Check the settlement price and the one before, or have the limit corrected.",
        remedy_zh="请核对当日与上一结算价，或更正涨跌停板参数。",
    )


def _unconfirmed_mark(snapshot: MarketSnapshot, limit: ParameterValue) -> tuple[str, str]:
    """Say in Chinese and English that a limit is not confirmed; nothing where it is."""
    if limit.confirmed or not snapshot.tells_unconfirmed_limits:
        return "", ""
    return "；限额未核实", "; the limit is not confirmed"


def _breached(snapshot: MarketSnapshot, line: PortfolioLine, net_t: int) -> ParameterValue | None:
    """Give the position limit that a net position breaks, or None."""
    limit = snapshot.find_parameter(POSITION_LIMIT, scope=line.unit.scheme)
    return limit if limit is not None and abs(net_t) > limit.decimal else None


def position_notes(snapshot: MarketSnapshot, line: PortfolioLine, net_t: int) -> list[tuple[str, str]]:
    """Say in Chinese and English that the net position of a contract is over its limit, and by how much."""
    limit = _breached(snapshot, line, net_t)
    if limit is None:
        return []
    over_t = f"{abs(net_t) - limit.decimal:f}"
    mark_zh, mark_en = _unconfirmed_mark(snapshot, limit)
    zh = (
        f"超出持仓限额：{line.contract_code} 净持仓 {net_t} 吨，限额 {limit.value} 吨，"
        f"超出 {over_t} 吨（{limit.document}{mark_zh}）"
    )
    en = (
        f"over the position limit: net {net_t} t of {line.contract_code}, limit {limit.value} t, {over_t} t over "
        f"({limit.document}{mark_en})"
    )
    return [(zh, en)]


def position_figures(snapshot: MarketSnapshot, line: PortfolioLine, net_t: int) -> tuple[Figure, ...]:
    """Give the limit that is broken and the net position of the contract; nothing where none is."""
    limit = _breached(snapshot, line, net_t)
    if limit is None:
        return ()
    named = Figure.of_parameter(f"line.{line.line_id}.{_LIMIT_FIGURE}", limit)
    net = traces.entered(line, _NET_FIGURE, ("合约净持仓", "net position"), str(net_t), unit="t")
    return named, net


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitBreach:
    """A line of a contract whose net position over the book is over its limit.

    Attributes:
        net_t: Net tonnes of the contract over all lines of the book.
        excess_t: Tonnes over the limit.
        document: Where the limit comes from.
        is_confirmed: Whether a person compared it with that.
        figure: Name of the limit's figure in the trace.
    """

    line_id: str
    net_t: int
    limit_t: Decimal
    excess_t: Decimal
    document: str
    is_confirmed: bool
    figure: str


def limit_breaches(line_ids: Iterable[str], trace: Iterable[Figure]) -> tuple[LimitBreach, ...]:
    """Give the lines over a position limit as the trace of their valuation tells it."""
    figures = {one.name: one for one in trace if one.name.endswith((_LIMIT_FIGURE, _NET_FIGURE))}
    found = []
    for line_id in line_ids:
        limit, net = (figures.get(f"line.{line_id}.{name}") for name in (_LIMIT_FIGURE, _NET_FIGURE))
        if limit is not None and net is not None:
            limit_t, net_t = Decimal(limit.value), int(net.value)
            found.append(
                LimitBreach(
                    line_id=line_id, net_t=net_t, limit_t=limit_t, excess_t=abs(net_t) - limit_t,
                    document=limit.source if limit.parameter is None else limit.parameter.document,
                    is_confirmed=limit.confirmed, figure=limit.name,
                )
            )  # fmt: skip
    return tuple(found)
