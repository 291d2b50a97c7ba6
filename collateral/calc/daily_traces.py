"""The decision of one agreement's day, with each figure on its trace; its numbers come from `daily_margin.strike`."""

from dataclasses import dataclass
from decimal import Decimal

from carbonfin.rules.record import DecisionKind
from carbonfin.rules.trace import Figure
from collateral.calc.coverage import TopUp, Valuation, counted_formula, unlisted_figure
from collateral.calc.daily_margin import AgreedMargin, DailyInputs, Struck, strike
from collateral.calc.figures import FigureList
from collateral.calc.haircuts import policy_figures
from collateral.calc.margin import Infinite
from collateral.calc.surrender import SAFE_DATE_NOTES_EN, SAFE_DATE_NOTES_ZH, SafeDate


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyOutcome:
    """One agreement's day, with its trace."""

    valuation: Valuation
    cash_to_initial_cny: Decimal
    top_ups: tuple[TopUp, ...]
    closeout_days: int
    safe_date: SafeDate
    shortfall_cny: Decimal
    delivery_cny: Decimal
    return_cny: Decimal
    unconfirmed: tuple[str, ...]
    trace: tuple[Figure, ...]


def decide_daily_margin(inputs: DailyInputs) -> DailyOutcome:
    """Strike one agreement's day and put each figure on the trace."""
    struck, figures = strike(inputs), FigureList()
    values = figure_values(inputs, struck)
    _facts_figures(inputs, struck, figures, values)
    _value_figures(inputs, struck, figures, values)
    _end_figures(inputs, struck, figures, values)
    _margin_figures(inputs, figures, values)
    return DailyOutcome(
        valuation=struck.valuation, cash_to_initial_cny=struck.cash_to_initial_cny, top_ups=struck.top_ups,
        closeout_days=struck.closeout_days, safe_date=struck.safe_date, shortfall_cny=struck.shortfall_cny,
        delivery_cny=struck.delivery_cny, return_cny=struck.return_cny, unconfirmed=inputs.unconfirmed,
        trace=figures.trace(),
    )  # fmt: skip


def figure_values(inputs: DailyInputs, struck: Struck) -> dict[str, str]:
    """Give the values that differ from agreement to agreement, by the figure's name."""
    return dict(zip(figure_names(inputs, struck), figure_texts(inputs, struck), strict=True))


_NAMES = (
    "line_initial", "line_warning", "line_disposal", "threshold", "minimum_transfer", "rounding", "independent",
    "market_value", "collateral_value", "principal", "accrued", "costs", "debt", "coverage", "ltv", "level",
    "margin_held", "cash_to_initial", "closeout_days", "lead_days", "last_safe_date", "gap", "in_transit",
    "on_its_way_back", "shortfall", "delivery", "returned",
)  # fmt: skip


def figure_names(inputs: DailyInputs, struck: Struck) -> list[str]:
    """Give the names of the values that differ, in the order of `figure_texts`; agreements of one shape share them."""
    names = list(_NAMES)
    for line in struck.valuation.lines:
        names += [f"quantity_{line.unit}", f"market_value_{line.unit}", f"collateral_value_{line.unit}"]
    names += [f"attached_{held.priced.unit}" for held in inputs.lines if held.attached_t is not None]
    names += [f"unlisted_{held.priced.unit}" for held in inputs.lines if held.unlisted_t is not None]
    for scheme, _, _ in struck.scheme_days:
        names += [f"pledged_{scheme}", f"closeout_days_{scheme}"]
    names += [f"last_safe_date_{one.unit}" for one in struck.safe_dates]
    return names + [f"top_up_{top_up.unit}" for top_up in struck.top_ups]


def figure_texts(inputs: DailyInputs, struck: Struck) -> list[str]:
    """Give the values that differ, as the trace writes them, in the order of `figure_names`."""
    valuation, debt, margin = struck.valuation, inputs.debt, inputs.margin
    texts = [
        *_agreed_texts(inputs.agreed),
        str(valuation.market_value_cny),
        str(valuation.collateral_value_cny),
        str(debt.principal_cny),
        str(debt.accrued_cny),
        str(debt.costs_cny),
        str(valuation.debt_cny),
        "" if valuation.coverage_ratio is None else str(valuation.coverage_ratio),
        str(valuation.ltv_ratio),
        valuation.level.value,
        str(margin.held_cny),
        str(struck.cash_to_initial_cny),
        str(struck.closeout_days),
        str(inputs.ends.cure_days + struck.closeout_days + inputs.ends.unfreeze_days),
        str(struck.safe_date.day or struck.safe_date.kind),
        str(struck.gap_cny),
        str(margin.delivery_in_transit_cny),
        str(margin.return_in_transit_cny),
        str(struck.shortfall_cny),
        str(struck.delivery_cny),
        str(struck.return_cny),
    ]
    for line in valuation.lines:
        texts += [str(line.quantity_t), str(line.market_value_cny), str(line.collateral_value_cny)]
    texts += [str(held.attached_t) for held in inputs.lines if held.attached_t is not None]
    texts += [str(held.unlisted_t) for held in inputs.lines if held.unlisted_t is not None]
    for _, tonnes, days in struck.scheme_days:
        texts += [str(tonnes), str(days)]
    texts += [str(one.day or one.kind) for one in struck.safe_dates]
    return texts + [str(top_up.quantity_t) for top_up in struck.top_ups]


def _agreed_texts(agreed: AgreedMargin) -> list[str]:
    terms = agreed.margin
    return [
        str(agreed.initial_ratio),
        str(agreed.warning_ratio),
        str(agreed.disposal_ratio),
        terms.threshold.value if isinstance(terms.threshold, Infinite) else str(terms.threshold.amount),
        str(terms.minimum_transfer.amount),
        str(terms.delivery_rounding.multiple.amount),
        str(agreed.independent_cny),
    ]


def _facts_figures(inputs: DailyInputs, struck: Struck, figures: FigureList, values: dict[str, str]) -> None:
    figures.fact(
        "day_facts", ("当日估值口径（决定编号）", "Facts of the day (decision)"), inputs.facts_id, "code", "日终",
        confirmed=not inputs.unconfirmed, note_zh="；".join(inputs.unconfirmed), note_en="; ".join(inputs.unconfirmed),
    )  # fmt: skip
    for priced in dict.fromkeys(one.priced for one in (*inputs.lines, *(inputs.candidates if struck.top_ups else ()))):
        figures.result(
            f"price_{priced.unit}", (f"{priced.unit} 估值价格", f"{priced.unit} price"), priced.price_cny_per_t,
            "CNY/t", priced.source, inputs=("day_facts",), note_zh=priced.note_zh, note_en=priced.note_en,
        )  # fmt: skip
        if priced.policy is not None:
            policy_figures(priced.policy, priced.unit, figures, ratio=priced.haircut_ratio, inputs=("day_facts",))
            continue
        figures.result(
            f"haircut_ratio_{priced.unit}", (f"{priced.unit} 折扣系数", f"{priced.unit} haircut"),
            priced.haircut_ratio, "ratio", "h", inputs=("day_facts",),
        )  # fmt: skip
    for name, zh, en in (
        ("line_initial", "初始线", "Initial line"),
        ("line_warning", "预警线", "Warning line"),
        ("line_disposal", "处置线", "Disposal line"),
    ):
        figures.fact(name, (zh, en), values[name], "ratio", inputs.agreed.lines_source)


def _value_figures(inputs: DailyInputs, struck: Struck, figures: FigureList, values: dict[str, str]) -> None:
    def result(name: str, label: tuple[str, str], unit: str, formula: str, *parts: str) -> None:
        figures.result(name, label, values[name], unit, formula, inputs=parts)

    units = [one.unit for one in struck.valuation.lines]
    for unit in units:
        figures.fact(
            f"quantity_{unit}", (f"{unit} 数量", f"{unit} quantity"), values[f"quantity_{unit}"], "t", "质押合同"
        )
        result(
            f"market_value_{unit}", (f"{unit} 市值", f"{unit} market value"), "CNY", "q·p",
            f"quantity_{unit}", f"price_{unit}",
        )  # fmt: skip
        attached = f"attached_{unit}"
        if attached in values:
            figures.fact(
                attached, (f"{unit} 被有权机关冻结", f"{unit} frozen by an authority"), values[attached], "t",
                "有权机关文书",
            )  # fmt: skip
        unlisted = f"unlisted_{unit}"
        if unlisted in values:
            unlisted_figure(unit, values[unlisted], figures)
        result(
            f"collateral_value_{unit}", (f"{unit} 押品价值", f"{unit} collateral value"), "CNY",
            counted_formula(has_attached=attached in values, has_unlisted=unlisted in values),
            f"market_value_{unit}", *(one for one in (attached, unlisted) if one in values), f"haircut_ratio_{unit}",
        )  # fmt: skip
    result("market_value", ("市值", "Market value"), "CNY", "Σ q·p", *(f"market_value_{unit}" for unit in units))
    result(
        "collateral_value", ("押品价值", "Collateral value"), "CNY", "Σ q·p·(1−h)",
        *(f"collateral_value_{unit}" for unit in units),
    )  # fmt: skip
    source = f"{inputs.debt.source} {inputs.debt.exposure_date}"
    for name, zh, en in (("principal", "贷款本金", "Principal"), ("accrued", "应计利息", "Accrued interest"),
                         ("costs", "费用", "Costs")):  # fmt: skip
        figures.fact(name, (zh, en), values[name], "CNY", source)
    result("debt", ("债权合计", "Debt"), "CNY", "principal + accrued + costs", "principal", "accrued", "costs")
    result(
        "coverage", ("担保覆盖率", "Coverage"), "ratio", "Σ q·p·(1−h) / (principal + accrued + costs)",
        "collateral_value", "debt",
    )  # fmt: skip
    result("ltv", ("质押率", "Loan-to-value"), "ratio", "principal / Σ q·p", "principal", "market_value")
    figures.fact("margin_held", ("已收现金保证金", "Margin cash held"), values["margin_held"], "CNY", "追加担保台账")
    result(
        "level", ("状态", "Level"), "code", "collateral value against line × (debt − margin held)",
        "collateral_value", "debt", "margin_held", "line_initial", "line_warning", "line_disposal",
    )  # fmt: skip
    result(
        "cash_to_initial", ("补足至初始线所需现金", "Cash to the initial line"), "CNY",
        "max(0, debt − margin held − collateral value / initial), rounded up",
        "debt", "margin_held", "collateral_value", "line_initial",
    )  # fmt: skip
    for top_up in struck.top_ups:
        unit = top_up.unit
        result(
            f"top_up_{unit}", (f"或追加 {unit}", f"or add {unit}"), "t",
            "(initial·(debt − margin held) − collateral value)/(p·(1−h)), rounded up",
            "debt", "margin_held", "collateral_value", "line_initial", f"price_{unit}", f"haircut_ratio_{unit}",
        )  # fmt: skip


def _end_figures(inputs: DailyInputs, struck: Struck, figures: FigureList, values: dict[str, str]) -> None:
    names = []
    depths = {depth.scheme: depth for depth in inputs.ends.depths}
    for scheme, _, _ in struck.scheme_days:
        depth = depths[scheme]
        volume = figures.result(
            f"adv_{scheme}", (f"{scheme} 日均成交量", f"{scheme} average daily volume"), depth.volume_t, "t", "ADV",
            inputs=("day_facts",),
        )  # fmt: skip
        share = figures.result(
            f"participation_{scheme}", (f"{scheme} 处置参与率", f"{scheme} participation"), depth.participation_ratio,
            "ratio", "ρ", inputs=("day_facts",),
        )  # fmt: skip
        tonnes = figures.fact(
            f"pledged_{scheme}", (f"{scheme} 质押数量合计", f"{scheme} quantity pledged"), values[f"pledged_{scheme}"],
            "t", "质押合同",
        )  # fmt: skip
        names.append(
            figures.result(
                f"closeout_days_{scheme}", (f"{scheme} 处置天数", f"{scheme} close-out days"),
                values[f"closeout_days_{scheme}"], "days", "ceil(Q/(ρ·ADV))", inputs=(tonnes, share, volume),
            )
        )  # fmt: skip
    whole = figures.result(
        "closeout_days", ("处置天数", "Close-out days"), values["closeout_days"], "days",
        "max over schemes ceil(Q/(ρ·ADV))", inputs=names,
    )  # fmt: skip
    lead = figures.result(
        "lead_days", ("预留交易日", "Lead days"), values["lead_days"], "days", "cure + close-out + unfreeze",
        inputs=(whole, "day_facts"),
    )  # fmt: skip
    for one in struck.safe_dates:
        figures.result(
            f"last_safe_date_{one.unit}", (f"{one.unit} 最后安全日", f"{one.unit} last safe date"),
            values[f"last_safe_date_{one.unit}"], "date",
            "last usable date - (cure + close-out + unfreeze) trading days", inputs=(lead, "day_facts"),
            note_zh=SAFE_DATE_NOTES_ZH[one.kind], note_en=SAFE_DATE_NOTES_EN[one.kind],
        )  # fmt: skip
    binding = struck.safe_date.kind
    figures.result(
        "last_safe_date", ("最后安全日", "Last safe date"), values["last_safe_date"], "date", "min over vintages",
        inputs=tuple(f"last_safe_date_{one.unit}" for one in struck.safe_dates),
        note_zh=SAFE_DATE_NOTES_ZH[binding], note_en=SAFE_DATE_NOTES_EN[binding],
    )  # fmt: skip


def _margin_figures(inputs: DailyInputs, figures: FigureList, values: dict[str, str]) -> None:
    named = [
        figures.fact(name, label, values[name], "CNY", inputs.agreed.terms_source)
        for name, label in (
            ("threshold", ("起点金额", "Threshold")),
            ("minimum_transfer", ("最低转让金额", "Minimum transfer")),
            ("rounding", ("取整倍数", "Rounding")),
            ("independent", ("独立金额", "Independent amount")),
        )
    ]
    gap = figures.result(
        "gap", ("担保缺口", "Gap to the initial line"), values["gap"], "CNY",
        "debt − collateral value / initial, rounded up", inputs=("debt", "collateral_value", "line_initial"),
        note_zh="负数为超额", note_en="negative where the collateral exceeds it",
    )  # fmt: skip
    transit = [
        figures.fact("in_transit", ("在途保证金", "Margin in transit"), values["in_transit"], "CNY", "追加担保台账"),
        figures.fact(
            "on_its_way_back", ("退还在途", "Margin on its way back"), values["on_its_way_back"], "CNY", "追加担保台账"
        ),
    ]
    short = figures.result(
        "shortfall", ("保证金差额", "Credit support less margin"), values["shortfall"], "CNY",
        "max(gap + IA − threshold, 0) − (held + in transit − on its way back)",
        inputs=(gap, "independent", "threshold", "margin_held", *transit),
    )  # fmt: skip
    figures.result(
        "delivery", ("追加金额", "Margin called"), values["delivery"], "CNY",
        "below the warning line and shortfall ≥ minimum transfer: rounded up to the multiple",
        inputs=(short, "level", *named),
    )  # fmt: skip
    figures.result(
        "returned", ("退还金额", "Margin returned"), values["returned"], "CNY",
        "excess ≥ minimum transfer: rounded down, at most what is held", inputs=(short, "margin_held", *named),
    )  # fmt: skip


DAILY_MARGIN = DecisionKind(
    name="collateral.daily_margin", version="1", inputs=DailyInputs, outputs=DailyOutcome, decide=decide_daily_margin
)
