"""How old a price may be: a value that rests on an old one is refused with its date, its age and the limit."""

from collections.abc import Iterable, Mapping
from datetime import date

from carbonfin.kernel.allowances import Scheme
from carbonfin.rules.parameters import ParameterValue
from collateral.calc.coverage import PledgedLine
from collateral.calc.figures import FigureList
from collateral.calc.refusals import Refusal


def price_refusals(
    lines: Iterable[PledgedLine],
    limits: Mapping[Scheme, ParameterValue],
    figures: FigureList,
    *,
    valuation_date: date,
    again: tuple[str, str],
) -> list[Refusal]:
    """Refuse a unit whose price is older than its scheme allows, with both figures and what to do.

    Args:
        lines: Priced units.
        limits: Trading days after which a scheme's price is too old; a scheme without one is refused too.
        figures: The trace; limit, age and finding of each unit go into it.
        valuation_date: The day the prices are for.
        again: What to do once the quotes are there, Chinese and English.
    """
    found = []
    for line in lines:
        limit, age = limits.get(line.unit.scheme), line.price.staleness_days
        if limit is None:
            found.append(_no_limit(line))
            continue
        named = figures.parameter(f"stale_after_{line.unit.scheme}", limit)
        aged = figures.fact(
            f"price_age_{line.unit}", (f"{line.unit} 价格距评估日", f"{line.unit} age of the price"), age, "days",
            f"{line.price.source} {line.price.price_date}",
        )  # fmt: skip
        is_stale = age > limit.integer
        figures.result(
            f"price_is_stale_{line.unit}", (f"{line.unit} 价格过期", f"{line.unit} price is stale"),
            "是" if is_stale else "否", "text", "age > limit", inputs=(aged, named),
        )  # fmt: skip
        if is_stale:
            found.append(
                Refusal(
                    code="price-stale",
                    detail=f"the price of {line.unit} is of {line.price.price_date}, {age} trading days old, more than"
                    f" {limit.value}; load quotes up to {valuation_date} and {again[1]}",
                    zh=f"{line.unit} 的价格日期为 {line.price.price_date}，距评估日 {age} 个交易日，"
                    f"超过上限 {limit.value} 个交易日；请补录至 {valuation_date} 的行情后{again[0]}",
                )
            )
    return found


def _no_limit(line: PledgedLine) -> Refusal:
    scheme = line.unit.scheme
    return Refusal(
        code="price-age-limit-unknown",
        detail=f"nothing says how old a price of {scheme} may be; have pricing.stale_after_days approved for it",
        zh=f"未设定 {scheme} 价格时效上限，无法判断 {line.unit} 的价格是否过期；请先审批参数 pricing.stale_after_days",
    )
