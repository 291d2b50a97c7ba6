"""The days of an exchange-style future: margin to the settlement price, price limits, position limits."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import Money, round_half_up
from pricing.calc.instruments.contracts import ExchangeFuture
from pricing.calc.instruments.terms import TradingParty


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementDay:
    """The settlement price of one day."""

    settlement_date: date
    price_per_t: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginDay:
    """The cash of one settlement day for the buyer: of the day, and from the trade on."""

    settlement_date: date
    price_per_t: Decimal
    variation_margin: Money
    cumulative: Money


def margin_path(future: ExchangeFuture, settlements: Sequence[SettlementDay]) -> tuple[MarginDay, ...]:
    """Give the buyer's daily cash, (S_i - S_{i-1}) q, exactly, the first against the price traded.

    After each settlement the contract is worth nothing; the sum of all is q (last settlement - price traded), up to
    rounding to the minor unit, which is of the running sum so that it does not add up. The seller pays what is owed.

    Raises:
        InvalidInput: Days do not ascend, lie before the trade or after the last trading day, or a price breaks a limit
            of the contract.
    """
    _require_days(future, settlements)
    before_per_t = future.price_per_t
    paid = Money(0, future.terms.currency)
    path: list[MarginDay] = []
    for day in settlements:
        require_within_limit(future, before_per_t=before_per_t, price_per_t=day.price_per_t)
        owed = round_half_up(future.terms.quantity_t * (day.price_per_t - future.price_per_t), 2)
        cumulative = Money.of(owed, future.terms.currency)
        path.append(
            MarginDay(
                settlement_date=day.settlement_date,
                price_per_t=day.price_per_t,
                variation_margin=cumulative - paid,
                cumulative=cumulative,
            )
        )
        paid, before_per_t = cumulative, day.price_per_t
    return tuple(path)


def price_limits_per_t(future: ExchangeFuture, *, before_per_t: Decimal) -> tuple[Decimal, Decimal] | None:
    """Give the lowest and highest price of a day, on the tick and inside the band; None where there is no limit."""
    if future.price_limit_ratio is None:
        return None
    low = before_per_t * (1 - future.price_limit_ratio) / future.tick_per_t
    high = before_per_t * (1 + future.price_limit_ratio) / future.tick_per_t
    return (
        low.to_integral_value(ROUND_CEILING) * future.tick_per_t,
        high.to_integral_value(ROUND_FLOOR) * future.tick_per_t,
    )


def require_within_limit(future: ExchangeFuture, *, before_per_t: Decimal, price_per_t: Decimal) -> None:
    """Refuse a price that is not positive, off the tick, or outside the day's limits.

    Raises:
        InvalidInput: It is, and between which prices it must lie.
    """
    if price_per_t <= 0 or price_per_t % future.tick_per_t:
        raise InvalidInput(
            f"price {price_per_t} of {future.contract_code} is no positive multiple of the tick {future.tick_per_t}",
            zh=f"{future.contract_code} 价格 {price_per_t} 不是最小变动价位 {future.tick_per_t} 的正整数倍",
            field="price_per_t",
        )
    limits = price_limits_per_t(future, before_per_t=before_per_t)
    if limits is not None and not limits[0] <= price_per_t <= limits[1]:
        raise InvalidInput(
            f"price {price_per_t} of {future.contract_code} lies outside {limits[0]} to {limits[1]}, "
            f"{future.price_limit_ratio} around {before_per_t}",
            zh=f"{future.contract_code} 价格 {price_per_t} 超出涨跌停板 {limits[0]} 至 {limits[1]}",
            field="price_per_t",
            remedy="Check the price and the settlement before it.",
            remedy_zh="请核对价格与上一结算价。",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPosition:
    """Tonnes one holder has open in one contract, long less short."""

    holder: TradingParty
    net_t: int
    limit_t: int | None

    @property
    def excess_t(self) -> int:
        """Tonnes over the limit; nil where there is none."""
        return 0 if self.limit_t is None else max(0, abs(self.net_t) - self.limit_t)


def open_position(holder: TradingParty, trades: Sequence[ExchangeFuture]) -> OpenPosition:
    """Give a holder's net position over trades of one contract.

    Raises:
        InvalidInput: The trades are of several contracts, or disagree about the limit.
    """
    kinds = {(trade.contract_code, trade.position_limit_t) for trade in trades}
    if len(kinds) != 1:
        codes = ", ".join(sorted(f"{code} (limit {limit} t)" for code, limit in kinds)) or "none"
        raise InvalidInput(
            f"a position is of one contract with one limit; given are {codes}",
            zh=f"持仓须为同一合约、同一限额，所给为：{codes}",
            field="contract_code",
        )
    net_t = sum(
        trade.terms.quantity_t * ((trade.terms.buyer.code == holder.code) - (trade.terms.seller.code == holder.code))
        for trade in trades
    )
    return OpenPosition(holder=holder, net_t=net_t, limit_t=trades[0].position_limit_t)


def require_within_position_limit(holder: TradingParty, trades: Sequence[ExchangeFuture]) -> None:
    """Refuse trades that take a holder over the contract's position limit.

    Raises:
        InvalidInput: They do, and by how many tonnes.
    """
    position = open_position(holder, trades)
    if position.excess_t:
        raise InvalidInput(
            f"{holder.code} would hold {position.net_t} t of {trades[0].contract_code}, "
            f"{position.excess_t} t over the limit of {position.limit_t} t",
            zh=f"{holder.code} 在 {trades[0].contract_code} 净持仓 {position.net_t} 吨，"
            f"超出限额 {position.limit_t} 吨 {position.excess_t} 吨",
            field="quantity_t",
            remedy="Close a part or trade less.",
            remedy_zh="请减仓或减少成交量。",
        )


def _require_days(future: ExchangeFuture, settlements: Sequence[SettlementDay]) -> None:
    days = [day.settlement_date for day in settlements]
    first, last = future.terms.trade_date, future.last_trading_date
    if days != sorted(set(days)) or any(not first <= day <= last for day in days):
        raise InvalidInput(
            f"settlement days of {future.contract_code} must ascend between {first} and {last}",
            zh=f"{future.contract_code} 结算日须在 {first} 至 {last} 之间逐日递增",
            field="settlement_date",
        )
