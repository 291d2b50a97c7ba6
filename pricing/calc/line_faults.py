"""What makes a line of a portfolio impossible to value, whatever the market says."""

from datetime import date
from itertools import pairwise

from carbonfin.kernel.batch import Failure
from carbonfin.kernel.errors import CarbonFinError, InvalidInput
from pricing.calc.options.kinds import ExerciseStyle
from pricing.calc.positions import (
    AVERAGING_DAYS_MAX,
    LAST_DELIVERY_DATE,
    LINE_KIND_LABELS,
    MAX_PRICE_CNY_PER_T,
    MAX_QUANTITY_T,
    LineKind,
    PortfolioLine,
)

_OPTION_FIELDS = ("option_type", "option_style", "expiry_date", "strike_per_t")
_PAPERS = ("master_agreement", "derivatives_licence")
_OPTION_NEEDS = {
    "option_type": "方向（看涨/看跌）", "option_style": "行权方式", "strike_per_t": "行权价", "expiry_date": "到期日",
    "delivery_date": "标的交割日",
}  # fmt: skip


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
    for name in _PAPERS if line.kind is not LineKind.FORWARD else ():
        if getattr(line, name) is not None:
            return _needless(line, name)
    for name in _OPTION_FIELDS:
        if getattr(line, name) is not None and (name != "strike_per_t" or line.currency is None):
            return _needless(line, name)
    if line.currency is not None:
        return _needless(line, "currency") if line.kind is LineKind.SPOT else _foreign_error(line)
    if line.kind is LineKind.SPOT:
        return _spot_error(line)
    return _agreed_error(line)


def _foreign_error(line: PortfolioLine) -> InvalidInput | None:
    """Say what a forward or futures-style contract lacks whose price is in a named currency."""
    if line.strike_cny_per_t is not None:
        return _needless(line, "strike_cny_per_t")
    if line.strike_per_t is None or not 0 < line.strike_per_t <= MAX_PRICE_CNY_PER_T:
        return InvalidInput(
            f"agreed price is {line.strike_per_t} {line.currency}/t",
            zh=f"约定价格 {'未填写' if line.strike_per_t is None else line.strike_per_t} 无效",
            field="strike_per_t",
            remedy=f"Give a positive price in {line.currency} per tonne.",
            remedy_zh=f"请填写正的价格，单位 {line.currency}/吨。",
        )
    return _terms_error(line)


def _agreed_error(line: PortfolioLine) -> InvalidInput | None:
    """Say what a forward or futures-style contract lacks whose price is in 元."""
    if line.strike_cny_per_t is None or not 0 < line.strike_cny_per_t <= MAX_PRICE_CNY_PER_T:
        return InvalidInput(
            f"agreed price is {line.strike_cny_per_t}",
            zh=f"约定价格 {'未填写' if line.strike_cny_per_t is None else line.strike_cny_per_t} 无效",
            field="strike_cny_per_t",
            remedy="Give a positive price in 元/吨.",
            remedy_zh="请填写正的价格，单位元/吨。",
        )
    return _terms_error(line)


def _terms_error(line: PortfolioLine) -> InvalidInput | None:
    """Say what a forward lacks of its delivery, or a futures-style contract of its name."""
    if line.kind is LineKind.FORWARD:
        return _delivery_error(line)
    if line.contract_code:
        return None
    return InvalidInput(
        "a futures-style contract needs the code of its settlement prices",
        zh="期货式合约缺少合约代码",
        field="contract_code",
        remedy="Give the contract code.",
        remedy_zh="请填写合约代码。",
    )


def _delivery_error(line: PortfolioLine) -> InvalidInput | None:
    if line.delivery_date is None:
        return InvalidInput(
            "a forward needs a delivery date",
            zh="远期缺少交割日",
            field="delivery_date",
            remedy="Give the day.",
            remedy_zh="请填写交割日。",
        )
    return late_delivery(line.delivery_date) if line.delivery_date > LAST_DELIVERY_DATE else None


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
