"""Lines of a portfolio and what makes one of them impossible to value."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.batch import Failure
from carbonfin.kernel.errors import CarbonFinError, InvalidInput
from pricing.calc.liquidity import PriceFlag

MAX_QUANTITY_T = 100_000_000
MAX_PRICE_CNY_PER_T = Decimal(90_000)
LAST_DELIVERY_DATE = date(2100, 12, 31)


class LineKind(StrEnum):
    """What a line is."""

    SPOT = "spot"
    FORWARD = "forward"
    FUTURES = "futures"


LINE_KIND_LABELS: dict[LineKind, tuple[str, str]] = {
    LineKind.SPOT: ("现货持有", "spot holding"),
    LineKind.FORWARD: ("场外远期", "OTC forward"),
    LineKind.FUTURES: ("期货式合约（合成）", "futures-style contract (synthetic)"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioLine:
    """One position. What cannot be valued is reported as a failure of the line, so nothing is refused here.

    Attributes:
        line_id: Code unique within the portfolio.
        quantity_t: Whole tonnes; negative for a sale (forwards, futures).
        strike_cny_per_t: Agreed price of a forward (约定价格), or price traded of a futures-style contract.
        delivery_date: Delivery of a forward (交割日).
        contract_code: Name under which settlement prices of a futures-style contract are kept.
        trade_date: Day a futures-style contract was traded; its first margin is against the price traded.
    """

    line_id: str
    kind: LineKind
    unit: Unit
    quantity_t: int
    label: str = ""
    strike_cny_per_t: Decimal | None = None
    delivery_date: date | None = None
    contract_code: str | None = None
    trade_date: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LineValue:
    """The value of one line with the price it rests on.

    Attributes:
        price_cny_per_t: Spot price, forward price (4 places) or settlement price.
        level: Fair-value level of the lowest significant input.
        present_value_cny: Value on the valuation date, to the fen; nil for a futures-style contract after settlement.
        variation_margin_cny: Cash of the day for a futures-style contract, else None.
        figure: Name of the line's figure in the trace.
    """

    line_id: str
    label: str
    kind: LineKind
    unit: Unit
    quantity_t: int
    price_cny_per_t: Decimal
    price_date: date
    price_source: str
    staleness_days: int
    level: int
    is_sample: bool
    flags: tuple[PriceFlag, ...]
    present_value_cny: Decimal
    variation_margin_cny: Decimal | None
    notes_zh: tuple[str, ...]
    notes_en: tuple[str, ...]
    figure: str
    snapshot_digest: str


def line_fault(line: PortfolioLine) -> Failure | None:
    """Say what is wrong with a line by itself, without any market; None if nothing is."""
    error = _line_error(line)
    return None if error is None else failure_of(line, error)


def _line_error(line: PortfolioLine) -> InvalidInput | None:
    if line.quantity_t == 0 or abs(line.quantity_t) > MAX_QUANTITY_T:
        return InvalidInput(
            f"quantity is {line.quantity_t} t; it must not be 0 and at most {MAX_QUANTITY_T} t",
            zh=f"数量 {line.quantity_t} 吨无效，应为非零且不超过 {MAX_QUANTITY_T} 吨",
            field="quantity_t",
            remedy="Give whole tonnes, not 万吨.",
            remedy_zh="数量单位为吨，不是万吨。",
        )
    if line.kind is LineKind.SPOT:
        return _spot_error(line)
    if line.strike_cny_per_t is None or not 0 < line.strike_cny_per_t <= MAX_PRICE_CNY_PER_T:
        return InvalidInput(
            f"agreed price is {line.strike_cny_per_t}",
            zh=f"约定价格 {'未填写' if line.strike_cny_per_t is None else line.strike_cny_per_t} 无效",
            field="strike_cny_per_t",
            remedy="Give a positive price in 元/吨.",
            remedy_zh="请填写正的价格，单位元/吨。",
        )
    if line.kind is LineKind.FORWARD and line.delivery_date is None:
        return InvalidInput(
            "a forward needs a delivery date",
            zh="远期缺少交割日",
            field="delivery_date",
            remedy="Give the day.",
            remedy_zh="请填写交割日。",
        )
    if line.kind is LineKind.FORWARD and line.delivery_date is not None and line.delivery_date > LAST_DELIVERY_DATE:
        return late_delivery(line.delivery_date)
    if line.kind is LineKind.FUTURES and not line.contract_code:
        return InvalidInput(
            "a futures-style contract needs the code of its settlement prices",
            zh="期货式合约缺少合约代码",
            field="contract_code",
            remedy="Give the contract code.",
            remedy_zh="请填写合约代码。",
        )
    return None


def late_delivery(delivery_date: date) -> InvalidInput:
    """Say that a delivery lies beyond what curves reach."""
    return InvalidInput(
        f"delivery {delivery_date} lies beyond {LAST_DELIVERY_DATE}",
        zh=f"交割日 {delivery_date} 超出可估值范围（{LAST_DELIVERY_DATE} 以前）",
        field="delivery_date",
        remedy="Check the year.",
        remedy_zh="请核对年份。",
    )


def _spot_error(line: PortfolioLine) -> InvalidInput | None:
    if line.quantity_t < 0:
        return InvalidInput(
            f"a holding of {line.quantity_t} t is negative",
            zh="现货持有量不能为负",
            field="quantity_t",
            remedy="Enter a sale as a forward.",
            remedy_zh="卖出请录为远期。",
        )
    has_price, has_contract = line.strike_cny_per_t is not None, line.contract_code is not None
    if not (has_price or has_contract or line.delivery_date is not None or line.trade_date is not None):
        return None
    for name in ("strike_cny_per_t", "delivery_date", "contract_code", "trade_date"):
        if getattr(line, name) is not None:
            return InvalidInput(
                f"a spot holding takes no {name}",
                zh=f"现货持有不应填写 {name}",
                field=name,
                remedy="Remove the field or change the kind.",
                remedy_zh="请删除该项，或更改持仓类型。",
            )
    return None


def failure_of(line: PortfolioLine, error: CarbonFinError) -> Failure:
    """Name a line that failed for an expected reason."""
    return Failure.of(line.line_id, error)
