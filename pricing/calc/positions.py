"""Lines of a portfolio and what makes one of them impossible to value."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.batch import Failure
from carbonfin.kernel.errors import CarbonFinError, InvalidInput
from carbonfin.kernel.units import Currency
from carbonfin.rules.record import ADDED_LATER
from pricing.calc.liquidity import PriceFlag
from pricing.calc.options.kinds import ExerciseStyle, OptionType

MAX_QUANTITY_T = 100_000_000
MAX_PRICE_CNY_PER_T = Decimal(90_000)
LAST_DELIVERY_DATE = date(2100, 12, 31)
AVERAGING_DAYS_MAX = 400
_OPTION_FIELDS = ("option_type", "option_style", "expiry_date", "strike_per_t")
_OPTION_NEEDS = {
    "option_type": "方向（看涨/看跌）", "option_style": "行权方式", "strike_per_t": "行权价", "expiry_date": "到期日",
    "delivery_date": "标的交割日",
}  # fmt: skip


class LineKind(StrEnum):
    """What a line is."""

    SPOT = "spot"
    FORWARD = "forward"
    FUTURES = "futures"
    OPTION = "option"


LINE_KIND_LABELS: dict[LineKind, tuple[str, str]] = {
    LineKind.SPOT: ("现货持有", "spot holding"),
    LineKind.FORWARD: ("场外远期", "OTC forward"),
    LineKind.FUTURES: ("期货式合约（合成）", "futures-style contract (synthetic)"),
    LineKind.OPTION: ("期货期权", "option on a future"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Averaging:
    """The days whose prices an average-price option averages, and what is fixed of them.

    Attributes:
        dates: All of them in order, those past too.
        fixed_count: Days already fixed: those up to the valuation date.
        fixed_average_per_t: The average of their prices; None where none is fixed.
    """

    dates: tuple[date, ...]
    fixed_count: int = 0
    fixed_average_per_t: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioLine:
    """One position. What cannot be valued is reported as a failure of the line, so nothing is refused here.

    Attributes:
        line_id: Code unique within the portfolio.
        quantity_t: Whole tonnes; negative for a sale (forwards, futures, options).
        strike_cny_per_t: Agreed price of a forward (约定价格), or price traded of a futures-style contract.
        delivery_date: Delivery of a forward (交割日), or of the future under an option.
        contract_code: Name under which settlement prices of a futures-style contract are kept.
        trade_date: Day a futures-style contract was traded; its first margin is against the price traded.
        option_type: Call or put; the last five fields belong to options alone.
        option_style: European, American or average-price.
        expiry_date: Last day of exercise of an option (到期日).
        strike_per_t: Strike of an option (行权价), in the currency of the scheme's futures curve.
        averaging: The averaging days of an average-price option (取价日).
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
    option_type: OptionType | None = field(default=None, metadata=ADDED_LATER)
    option_style: ExerciseStyle | None = field(default=None, metadata=ADDED_LATER)
    expiry_date: date | None = field(default=None, metadata=ADDED_LATER)
    strike_per_t: Decimal | None = field(default=None, metadata=ADDED_LATER)
    averaging: Averaging | None = field(default=None, metadata=ADDED_LATER)


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionFigures:
    """What an option's value came from, and how it moves; sensitivities are of the whole line.

    Attributes:
        forward_per_t: F of the future's delivery, in the currency of its curve, as are strike and value.
        volatility: sigma at strike and expiry, off the surface.
        years: T, act/365 to expiry.
        discount_factor: D to expiry.
        d1: ln(F / K) / (sigma sqrt(T)) + sigma sqrt(T) / 2.
        d2: d1 - sigma sqrt(T).
        cny_per_unit: 元 for one unit of the currency.
        delta_t: Tonnes of the future that move as much.
        gamma_t: Tonnes that delta gains where the future rises by one unit of the currency.
        vega_cny: For one point (0.01) of volatility.
        theta_cny: As one calendar day passes, the forward unchanged.
        rho_cny: For one basis point of the rate, the forward unchanged.
    """

    option_type: OptionType
    style: ExerciseStyle
    expiry_date: date
    delivery_date: date
    currency: Currency
    forward_per_t: Decimal
    strike_per_t: Decimal
    volatility: Decimal
    years: Decimal
    discount_factor: Decimal
    d1: Decimal
    d2: Decimal
    value_per_t: Decimal
    cny_per_unit: Decimal
    delta_t: Decimal
    gamma_t: Decimal
    vega_cny: Decimal
    theta_cny: Decimal
    rho_cny: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class LineValue:
    """The value of one line with the price it rests on.

    Attributes:
        price_cny_per_t: Spot price, forward price (4 places), settlement price, or value of a tonne of an option.
        level: Fair-value level of the lowest significant input.
        present_value_cny: Value on the valuation date, to the fen; nil for a futures-style contract after settlement.
        variation_margin_cny: Cash of the day for a futures-style contract, else None.
        figure: Name of the line's figure in the trace.
        option: What the value of an option came from; None for other kinds.
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
    option: OptionFigures | None = field(default=None, metadata=ADDED_LATER)


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
    if line.averaging is not None and line.option_style is not ExerciseStyle.AVERAGE_PRICE:
        return _needless(line, "averaging_dates")
    if line.kind is LineKind.OPTION:
        return _option_error(line)
    for name in _OPTION_FIELDS:
        if getattr(line, name) is not None:
            return _needless(line, name)
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
            return _needless(line, name)
    return None


def _needless(line: PortfolioLine, name: str) -> InvalidInput:
    zh, en = LINE_KIND_LABELS[line.kind]
    article = "an" if en.startswith("O") else "a"
    return InvalidInput(
        f"{article} {en} takes no {name}",
        zh=f"{zh}不应填写 {name}",
        field=name,
        remedy="Remove the field or change the kind.",
        remedy_zh="请删除该项，或更改持仓类型。",
    )


def _option_error(line: PortfolioLine) -> InvalidInput | None:
    """Say what an option lacks or has too much; nothing is taken for granted, its style neither."""
    for name, zh in _OPTION_NEEDS.items():
        if getattr(line, name) is None:
            return InvalidInput(
                f"an option needs {name}",
                zh=f"期权缺少{zh}",
                field=name,
                remedy="Give it as the contract states it.",
                remedy_zh="请按合约填写。",
            )
    for name in ("strike_cny_per_t", "contract_code", "trade_date"):
        if getattr(line, name) is not None:
            return _needless(line, name)
    if line.strike_per_t is None or not 0 < line.strike_per_t <= MAX_PRICE_CNY_PER_T:
        return _unfit_option("strike_per_t", f"the strike is {line.strike_per_t}", "行权价须为正数且在合理范围内")
    if line.unit.vintage is not None:
        return _unfit_option("unit", f"{line.unit} names a vintage", "期权标的为期货，品种不应带年度")
    if line.delivery_date is not None and line.expiry_date is not None and line.delivery_date < line.expiry_date:
        return _unfit_option(
            "delivery_date", f"delivery {line.delivery_date} lies before expiry", "标的交割日不得早于期权到期日"
        )
    if line.delivery_date is not None and line.delivery_date > LAST_DELIVERY_DATE:
        return late_delivery(line.delivery_date)
    return _averaging_error(line) if line.option_style is ExerciseStyle.AVERAGE_PRICE else None


def _averaging_error(line: PortfolioLine) -> InvalidInput | None:
    """Say what the averaging days of an average-price option lack."""
    averaging = line.averaging
    if averaging is None or not averaging.dates:
        return _unfit_option(
            "averaging_dates", "an average-price option needs its averaging days", "平均价期权缺少取价日"
        )
    days = averaging.dates
    if len(days) > AVERAGING_DAYS_MAX or any(later <= day for day, later in pairwise(days)):
        return _unfit_option(
            "averaging_dates",
            f"averaging days stand in order, each once, at most {AVERAGING_DAYS_MAX}",
            f"取价日须按先后排列、不重复，至多 {AVERAGING_DAYS_MAX} 个",
        )
    if line.expiry_date is not None and days[-1] > line.expiry_date:
        return _unfit_option(
            "averaging_dates", f"averaging day {days[-1]} lies after expiry", "取价日不得晚于期权到期日"
        )
    if not 0 <= averaging.fixed_count <= len(days):
        return _unfit_option(
            "fixed_count", f"{averaging.fixed_count} of {len(days)} averaging days are fixed", "已定价日数与取价日不符"
        )
    average = averaging.fixed_average_per_t
    if (average is None) != (averaging.fixed_count == 0) or (
        average is not None and not 0 < average <= MAX_PRICE_CNY_PER_T
    ):
        return _unfit_option(
            "fixed_average_per_t",
            f"{averaging.fixed_count} days are fixed at an average of {average}",
            "已定价均价须为正数，且与已定价日数同时填写",
        )
    return None


def _unfit_option(field_name: str, detail: str, zh: str) -> InvalidInput:
    return InvalidInput(
        detail,
        zh=zh,
        field=field_name,
        remedy="Correct the terms of the option.",
        remedy_zh="请更正该期权的条款。",
    )


def failure_of(line: PortfolioLine, error: CarbonFinError) -> Failure:
    """Name a line that failed for an expected reason."""
    return Failure.of(line.line_id, error)
