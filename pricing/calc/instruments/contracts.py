"""Holdings, forwards, futures and options on allowances: their terms."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import Currency
from pricing.calc.instruments.terms import (
    LegalBasis,
    Notes,
    TradeTerms,
    TradingParty,
    basis_notes,
    require_order,
    require_price,
)
from pricing.calc.options.kinds import ExerciseStyle, OptionType

SYNTHETIC_ZH = "场外合成合约：未在交易所上市"
SYNTHETIC_EN = "OTC, synthetic: not listed on an exchange"


class SettlementKind(StrEnum):
    """How a contract ends: units against cash, or the difference in cash."""

    PHYSICAL = "physical"
    CASH = "cash"


@dataclass(frozen=True, slots=True, kw_only=True)
class SpotHolding:
    """Units of one vintage in a registry account, with what was paid for them."""

    unit: Unit
    quantity_t: int
    currency: Currency
    price_per_t: Decimal
    acquired_date: date
    holder: TradingParty
    basis: LegalBasis

    def __post_init__(self) -> None:
        """Refuse a negative holding."""
        if self.quantity_t < 0:
            raise InvalidInput(
                f"a holding of {self.quantity_t} t is negative", zh="现货持有量不能为负", field="quantity_t"
            )
        require_price(self.price_per_t, field="price_per_t")

    def notes(self) -> Notes:
        """Say whether the papers of a spot trade are missing."""
        return basis_notes(self.basis, is_derivative=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditHolding:
    """Certified reductions with what decides their use: project, methodology, monitoring period.

    Attributes:
        holding: The units; scheme CCER or SZPHCER.
        project_id: Number under which the project is registered.
        methodology: Methodology the reductions were certified by.
        monitoring_start: First day of the monitoring period (监测期).
        monitoring_end: Last day of it.
    """

    holding: SpotHolding
    project_id: str
    methodology: str
    monitoring_start: date
    monitoring_end: date

    def __post_init__(self) -> None:
        """Refuse allowances, and a monitoring period that ends before it starts."""
        if not self.holding.unit.is_credit:
            raise InvalidInput(
                f"{self.holding.unit} is an allowance, not a credit",
                zh=f"{self.holding.unit} 是配额，不是核证减排量",
                field="unit",
                remedy="Enter allowances as a spot holding.",
                remedy_zh="配额请录为现货持有。",
            )
        require_order(
            self.monitoring_start,
            self.monitoring_end,
            field="monitoring_end",
            what="the end of monitoring",
            what_zh="监测期截止日",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OtcForward:
    """Units for a price agreed today, delivered later between two parties."""

    terms: TradeTerms
    price_per_t: Decimal
    delivery_date: date
    settlement: SettlementKind

    def __post_init__(self) -> None:
        """Refuse a price or a delivery that cannot be."""
        require_price(self.price_per_t, field="price_per_t")
        require_order(
            self.terms.trade_date, self.delivery_date, field="delivery_date", what="delivery", what_zh="交割日"
        )

    def notes(self) -> Notes:
        """Say whether the papers of a derivative are missing."""
        return basis_notes(self.terms.basis, is_derivative=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeFuture:
    """A contract settled to its settlement price every day.

    No exchange lists one on domestic allowances yet: until `listed_on` names the exchange, the contract is labelled
    OTC and synthetic, and its limits are whatever the parties agreed.

    Attributes:
        price_per_t: Price traded.
        tick_per_t: Smallest step of the price.
        lot_t: Tonnes of one contract.
        price_limit_ratio: Farthest a price may lie from the settlement before; None where there is no limit.
        position_limit_t: Most tonnes one holder may have on one side; None where there is no limit.
        listed_on: Exchange that lists it, or empty.
    """

    terms: TradeTerms
    contract_code: str
    price_per_t: Decimal
    tick_per_t: Decimal
    lot_t: int
    last_trading_date: date
    delivery_date: date
    price_limit_ratio: Decimal | None
    position_limit_t: int | None
    listed_on: str = ""

    def __post_init__(self) -> None:
        """Refuse prices off the tick, broken lots and limits that cannot be."""
        require_price(self.price_per_t, field="price_per_t")
        if self.tick_per_t <= 0 or self.price_per_t % self.tick_per_t:
            raise InvalidInput(
                f"price {self.price_per_t} is no multiple of the tick {self.tick_per_t}",
                zh=f"价格 {self.price_per_t} 不是最小变动价位 {self.tick_per_t} 的整数倍",
                field="price_per_t",
            )
        if self.lot_t <= 0 or self.terms.quantity_t % self.lot_t:
            raise InvalidInput(
                f"{self.terms.quantity_t} t are no whole number of contracts of {self.lot_t} t",
                zh=f"{self.terms.quantity_t} 吨不是合约单位 {self.lot_t} 吨的整数倍",
                field="quantity_t",
            )
        if self.price_limit_ratio is not None and not 0 < self.price_limit_ratio < 1:
            raise InvalidInput(
                f"price limit is {self.price_limit_ratio}; it must lie between 0 and 1",
                zh=f"涨跌幅限制 {self.price_limit_ratio} 应在 0 与 1 之间",
                field="price_limit_ratio",
            )
        if self.position_limit_t is not None and self.position_limit_t <= 0:
            raise InvalidInput(
                f"position limit is {self.position_limit_t} t", zh="持仓限额应大于 0", field="position_limit_t"
            )
        require_order(
            self.terms.trade_date, self.last_trading_date, field="last_trading_date",
            what="the last trading day", what_zh="最后交易日",
        )  # fmt: skip
        require_order(
            self.last_trading_date, self.delivery_date, field="delivery_date", what="delivery", what_zh="交割日"
        )

    def notes(self) -> Notes:
        """Say that the contract is synthetic until an exchange lists it, and which papers are missing."""
        zh, en = basis_notes(self.terms.basis, is_derivative=True)
        if self.listed_on.strip():
            return zh, en
        return (SYNTHETIC_ZH, *zh), (SYNTHETIC_EN, *en)


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowanceOption:
    """An option on a future or forward of one delivery.

    Attributes:
        terms: The option's buyer and seller; tonnes of the underlying.
        expiry_date: Last day of exercise.
        delivery_date: Delivery of the underlying, not before the expiry.
        averaging_dates: Days whose prices are averaged; empty but for an average-price option.
        premium_amount: Premium for all tonnes, or None where it is not known.
    """

    terms: TradeTerms
    option_type: OptionType
    style: ExerciseStyle
    strike_per_t: Decimal
    expiry_date: date
    delivery_date: date
    settlement: SettlementKind
    averaging_dates: tuple[date, ...] = ()
    premium_amount: Decimal | None = None

    def __post_init__(self) -> None:
        """Refuse strikes, days and averages that cannot be."""
        require_price(self.strike_per_t, field="strike_per_t")
        require_order(self.terms.trade_date, self.expiry_date, field="expiry_date", what="expiry", what_zh="到期日")
        require_order(self.expiry_date, self.delivery_date, field="delivery_date", what="delivery", what_zh="交割日")
        is_average = self.style is ExerciseStyle.AVERAGE_PRICE
        if is_average != bool(self.averaging_dates):
            raise InvalidInput(
                f"an option of style {self.style} has {len(self.averaging_dates)} averaging days",
                zh="平均价期权须列出取价日，其他期权不得列出",
                field="averaging_dates",
            )
        ordered = sorted(set(self.averaging_dates))
        if list(self.averaging_dates) != ordered or (ordered and ordered[-1] > self.expiry_date):
            raise InvalidInput(
                "averaging days must ascend and end by the expiry",
                zh="取价日须逐日递增且不晚于到期日",
                field="averaging_dates",
            )
        if self.premium_amount is not None and self.premium_amount < 0:
            raise InvalidInput(f"premium is {self.premium_amount}", zh="期权费不能为负", field="premium_amount")

    def notes(self) -> Notes:
        """Say whether the papers of a derivative are missing."""
        return basis_notes(self.terms.basis, is_derivative=True)
