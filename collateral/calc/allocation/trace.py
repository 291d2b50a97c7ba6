"""How the figures of an allocation come about: what each need asks, price and haircut of each line, cover and cost.

The tonnes are the solver's answer; everything else is worked out of them here, to the fen, and ties to what is shown.
"""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from carbonfin.kernel.units import cny
from carbonfin.rules.trace import Figure, Trace, checked_trace
from collateral.calc.allocation.asked import AllocationAsked
from collateral.calc.allocation.needs import AllocatedLine, AllocatedNeed, Lot, Need
from collateral.calc.coverage import debt_figures, price_figure
from collateral.calc.coverage_rules import line_values_cny
from collateral.calc.figures import FigureList
from collateral.calc.haircuts import haircut_figures

_ENTERED = "试算录入"
_LEDGER = "质押台账"
_ANSWER = "least cost in whole tonnes within eligibility, headroom and limits (HiGHS)"


def allocation_trace(
    asked: AllocationAsked,
    needs: Sequence[Need],
    lots: Sequence[Lot],
    *,
    lines: Sequence[AllocatedLine],
    met: Sequence[AllocatedNeed],
    cost_cny: Decimal | None,
) -> Trace:
    """Give the trace of an allocation; of one that cannot be met, what each need asks and what lacks.

    Args:
        asked: The cost rates.
        needs: What is asked, in the order of `met` and of each lot's lines.
        lots: What may serve.
        lines: The answer; () where not every need can be met.
        met: What each need gets, or lacks.
        cost_cny: What the answer costs a year; None where there is none.
    """
    figures: list[Figure] = []
    used: list[str] = []
    moved: list[str] = []
    by_unit = {lot.unit: lot for lot in lots}
    for place, (need, found) in enumerate(zip(needs, met, strict=True)):
        part = FigureList()
        required = _required(need, part)
        covers = []
        for line in lines:
            if line.need == need.name:
                covers.append(_line(line, by_unit[line.unit], place, part))
                if line.proposed_t:
                    used.append(_at(f"market_value_{line.unit}", place))
                    moved.append(_at(f"moved_value_{line.unit}", place))
        if found.covered_cny is None:
            part.result(
                "shortfall", ("缺口", "Lacks"), found.shortfall_cny, "CNY", "required − most that can be given",
                inputs=(required,),
            )  # fmt: skip
        else:
            part.result(
                "covered", ("覆盖", "Covered"), found.covered_cny, "CNY", "Σ q·p·(1−h)", inputs=(required, *covers)
            )
        figures += [_placed(one, need.name, place) for one in part.trace()]
    if cost_cny is not None:
        figures += _cost(asked, cost_cny, used + moved, figures)
    return checked_trace(figures)


def _required(need: Need, figures: FigureList) -> str:
    label = ("要求（折扣后）", "Asked after haircut")
    if need.owed is None:
        return figures.fact("required", label, need.required_cny, "CNY", _ENTERED)
    return figures.result(
        "required", label, need.required_cny, "CNY", "(principal + accrued + costs) × initial line",
        inputs=(debt_figures(need.owed.debt, figures), figures.parameter("line_initial", need.owed.initial)),
    )  # fmt: skip


def _line(line: AllocatedLine, lot: Lot, place: int, figures: FigureList) -> str:
    """Add price, haircut, tonnes and values of a line, and give the name of what it covers."""
    unit, pledged = line.unit, lot.lines[place]
    price = price_figure(pledged, figures)
    parts = haircut_figures(pledged.haircut, unit, figures)
    if lot.schedule_ratio:
        parts = (*parts, figures.fact(
            f"haircut_schedule_{unit}", (f"{unit} 折扣系数（担保品清单）", f"{unit} haircut of a schedule"),
            lot.schedule_ratio, "ratio", "担保品清单",
        ))  # fmt: skip
    haircut = figures.result(
        f"haircut_counted_{unit}", (f"{unit} 计入的折扣系数", f"{unit} haircut that counts"), line.haircut_ratio,
        "ratio", "max(bank's own, schedule)" if lot.schedule_ratio else "the bank's own", inputs=parts,
    )  # fmt: skip
    held = figures.fact(f"held_{unit}", (f"{unit} 现有数量", f"{unit} now"), line.held_t, "t", _LEDGER)
    lots = figures.fact(f"available_{unit}", (f"{unit} 可用数量", f"{unit} at hand"), lot.quantity_t, "t", _LEDGER)
    proposed = figures.result(
        f"proposed_{unit}", (f"{unit} 建议数量", f"{unit} proposed"), line.proposed_t, "t", _ANSWER,
        inputs=(lots, held, price, haircut, "required"),
    )  # fmt: skip
    price_cny_per_t = pledged.price.price_cny_per_t
    market_cny, cover_cny = line_values_cny(line.proposed_t, price_cny_per_t, line.haircut_ratio, attached_t=None)
    market = figures.result(
        f"market_value_{unit}", (f"{unit} 市值", f"{unit} market value"), market_cny, "CNY", "q·p",
        inputs=(proposed, price),
    )  # fmt: skip
    figures.result(
        f"moved_value_{unit}", (f"{unit} 移动市值", f"{unit} moved"),
        cny(max(0, line.proposed_t - line.held_t) * price_cny_per_t), "CNY", "max(0, q − held)·p",
        inputs=(proposed, held, price),
    )  # fmt: skip
    return figures.result(
        f"covered_{unit}", (f"{unit} 覆盖", f"{unit} covers"), cover_cny, "CNY", "q·p·(1−h)", inputs=(market, haircut)
    )


def _cost(
    asked: AllocationAsked, cost_cny: Decimal, values: Sequence[str], figures: Sequence[Figure]
) -> tuple[Figure, ...]:
    rates = FigureList()
    names = tuple(
        rates.fact(name, label, rate, "ratio", _ENTERED)
        for name, label, rate in (
            ("use_cost_rate", ("占用成本率", "Cost of use"), asked.use_cost_rate),
            ("movement_cost_rate", ("移动成本率", "Cost of movement"), asked.movement_cost_rate),
        )
    )
    cost = Figure(
        name="cost", label_zh="年成本", label_en="Cost a year", value=str(cost_cny), unit="CNY",
        formula="Σ q·p·use + Σ max(0, q − held)·p·movement", inputs=(*names, *values),
        confirmed=all(one.confirmed for one in figures if one.name in values),
    )  # fmt: skip
    return (*rates.trace(), cost)


def _placed(figure: Figure, need: str, place: int) -> Figure:
    """Give a figure of one need a name among those of all: haircuts hang on the day until which a need lasts."""
    return replace(
        figure,
        name=_at(figure.name, place),
        label_zh=f"{need} {figure.label_zh}",
        label_en=f"{need} {figure.label_en}",
        inputs=tuple(_at(name, place) for name in figure.inputs),
    )


def _at(name: str, place: int) -> str:
    return f"{name}_{place}"
