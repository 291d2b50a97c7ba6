"""Credits that stand for allowances in a compliance position, and the fine of what is still short."""

from decimal import Decimal

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.units import round_down, round_half_up
from collateral.calc.compliance_years import MULTIPLE_OF_MEAN, SHORTFALL, YearInputs
from collateral.calc.figures import FigureList


def count_credits(
    year: YearInputs,
    credits_t: dict[Unit, int],
    figures: FigureList,
    *,
    shortfall_t: int,
    balance: str,
) -> tuple[int, int | None, int]:
    """Give credits held that the rule admits, the limit, and what would be used of them, and take that off."""
    of, offset = str(year.compliance_year), year.offset
    admitted = [unit for unit in sorted(credits_t) if offset is not None and unit.scheme in offset.credits]
    held_t = sum(credits_t[unit] for unit in admitted)
    names = [
        figures.fact(
            f"credit_{of}_{unit}", (f"{unit} 可用于 {of} 年度", f"{unit} for {of}"), credits_t[unit], "t", "配额台账"
        )
        for unit in admitted
    ]
    if offset is None:
        _none_counted(of, balance, figures)
        return held_t, None, 0
    is_of_shortfall = offset.basis.value == SHORTFALL
    base = balance if is_of_shortfall else f"emissions_{of}"
    base_t = shortfall_t if is_of_shortfall else year.emissions_t
    limit_t = int(round_down(base_t * offset.ratio.decimal))
    limit = figures.result(
        f"offset_limit_{of}",
        (f"{of} 年度抵销上限", f"Offset limit {of}"),
        limit_t,
        "t",
        f"floor(ratio × {offset.basis.value})",
        inputs=(
            base,
            figures.parameter(f"offset_ratio_{of}", offset.ratio),
            figures.parameter(f"offset_basis_{of}", offset.basis),
        ),
    )
    counted_t = min(held_t, limit_t, shortfall_t)
    figures.result(
        f"credits_counted_{of}",
        (f"{of} 年度计入的减排量", f"Credits counted {of}"),
        counted_t,
        "t",
        "min(held, limit, shortfall of allowances)",
        inputs=(*names, limit, balance),
    )
    missing_t = counted_t
    for unit in admitted:
        taken_t = min(credits_t[unit], missing_t)
        credits_t[unit] -= taken_t
        missing_t -= taken_t
    return held_t, limit_t, counted_t


def _none_counted(of: str, balance: str, figures: FigureList) -> None:
    figures.result(
        f"credits_counted_{of}",
        (f"{of} 年度计入的减排量", f"Credits counted {of}"),
        0,
        "t",
        "no rule, none counted",
        inputs=(balance,),
        note_zh="抵销规则未掌握，不计入",
        note_en="no offset rule is known",
    )


def fine_of(
    year: YearInputs, shortfall_t: int, shortfall: str, figures: FigureList
) -> tuple[Decimal | None, Decimal | None]:
    """Give the least and the most a shortfall is fined, 元; None where regime or price is not known."""
    of, rule = str(year.compliance_year), year.penalty
    if rule is None:
        return None, None
    regime = figures.parameter(f"penalty_regime_{of}", rule.regime)
    if rule.next_year_cut is not None:
        figures.parameter(f"next_year_cut_{of}", rule.next_year_cut)
    if rule.regime.value != MULTIPLE_OF_MEAN or rule.low is None or rule.high is None or rule.mean is None:
        return None, None
    mean = figures.fact(
        "mean_price",
        ("罚款所用成交均价", "Mean price a fine takes"),
        rule.mean.cny_per_t,
        "CNY/t",
        rule.mean.source,
        confirmed=rule.mean.confirmed,
        note_zh=rule.mean.note_zh,
        note_en=rule.mean.note_en,
    )
    fines = []
    for which, zh, multiple in (("low", "下限", rule.low), ("high", "上限", rule.high)):
        fine = round_half_up(shortfall_t * multiple.decimal * rule.mean.cny_per_t)
        fines.append(fine)
        figures.result(
            f"penalty_{which}_{of}",
            (f"{of} 年度罚款{zh}", f"Fine, {which} {of}"),
            fine,
            "CNY",
            "shortfall × multiple × mean price",
            inputs=(shortfall, figures.parameter(f"penalty_multiple_{which}_{of}", multiple), mean, regime),
        )
    return fines[0], fines[1]
