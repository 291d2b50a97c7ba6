"""The trace of a portfolio value: prices, assumptions, each line's figures and the totals, linked by name."""

from collections.abc import Sequence
from decimal import Decimal

from carbonfin.rules.trace import Figure, Trace, checked_trace
from pricing.calc.compliance import VintageUse
from pricing.calc.liquidity import AppraisalPrice, price_figures
from pricing.calc.market import MarketSnapshot
from pricing.calc.positions import LINE_KIND_LABELS, LineKind, LineValue, PortfolioLine

PRESENT_VALUE = "present_value_cny"
VARIATION_MARGIN = "variation_margin_cny"
RATE = "rate"


def value_name(line: PortfolioLine) -> str:
    """Give the name of the figure that holds a line's value."""
    kind = VARIATION_MARGIN if line.kind is LineKind.FUTURES else PRESENT_VALUE
    return f"line.{line.line_id}.{kind}"


def entered(line: PortfolioLine, name: str, labels: tuple[str, str], value: str, *, unit: str) -> Figure:
    """Give a figure of a line that was entered with it."""
    return Figure(
        name=f"line.{line.line_id}.{name}",
        label_zh=f"{line.line_id} {labels[0]}",
        label_en=f"{line.line_id} {labels[1]}",
        value=value,
        unit=unit,
        source=f"持仓 {line.line_id} {line.label}".strip(),
    )


def computed(
    line: PortfolioLine,
    name: str,
    labels: tuple[str, str],
    value: Decimal,
    *,
    unit: str,
    formula: str,
    inputs: tuple[str, ...],
) -> Figure:
    """Give a figure of a line that was computed from others."""
    return Figure(
        name=f"line.{line.line_id}.{name}",
        label_zh=f"{line.line_id} {labels[0]}",
        label_en=f"{line.line_id} {labels[1]}",
        value=format(value, "f"),
        unit=unit,
        formula=formula,
        inputs=inputs,
        note_zh=LINE_KIND_LABELS[line.kind][0],
        note_en=LINE_KIND_LABELS[line.kind][1],
    )


def quantity_figure(line: PortfolioLine) -> Figure:
    """Give the tonnes of a line."""
    return entered(line, "quantity_t", ("数量", "quantity"), str(line.quantity_t), unit="t")


def spot_figures(
    line: PortfolioLine, present_value_cny: Decimal, past_use: VintageUse | None = None
) -> tuple[Figure, ...]:
    """Give quantity and value of a holding; of a vintage past use, the last usable date that makes it nothing."""
    quantity = quantity_figure(line)
    if past_use is not None:
        last = last_usable_figure(line, past_use)
        value = computed(
            line, PRESENT_VALUE, ("现值", "value"), present_value_cny, unit="CNY",
            formula="0, valuation_date > last_usable_date", inputs=("valuation_date", last.name, quantity.name),
        )  # fmt: skip
        return quantity, last, value
    value = computed(
        line,
        PRESENT_VALUE,
        ("现值", "value"),
        present_value_cny,
        unit="CNY",
        formula="round_half_up(quantity_t * price, 2)",
        inputs=(quantity.name, price_name(str(line.unit))),
    )
    return quantity, value


def last_usable_figure(line: PortfolioLine, use: VintageUse) -> Figure:
    """Give the last usable date that makes a line's units worth nothing."""
    assert use.last_usable is not None, "a vintage past use has a last usable date"
    return Figure.of_parameter(f"line.{line.line_id}.last_usable_date", use.last_usable)


def price_name(unit: str) -> str:
    """Give the name of the figure that holds a unit's price."""
    return f"price.{unit}"


def price_figure_name(value: LineValue) -> str:
    """Give the name of the figure that holds the price shown for a line."""
    own = {
        LineKind.FORWARD: "forward_cny_per_t",
        LineKind.FUTURES: "settlement_cny_per_t",
        LineKind.OPTION: "value_cny_per_t",
    }.get(value.kind)
    return price_name(str(value.unit)) if own is None else f"line.{value.line_id}.{own}"


def figures_behind(trace: Trace, names: Sequence[str]) -> Trace:
    """Give the figures of these names with all they were computed from, in the trace's order."""
    wanted = set(names)
    for figure in reversed(trace):
        if figure.name in wanted:
            wanted.update(figure.inputs)
    return tuple(figure for figure in trace if figure.name in wanted)


def portfolio_trace(
    snapshot: MarketSnapshot,
    *,
    prices: Sequence[AppraisalPrice],
    assumptions: Sequence[Figure],
    line_figures: Sequence[tuple[Figure, ...]],
    bucket_figures: Sequence[Figure] = (),
    present_value_cny: Decimal,
    variation_margin_cny: Decimal,
) -> Trace:
    """Give the whole trace: dates, prices, assumptions, lines, totals; every input stands before its use."""
    valuation_day = Figure(
        name="valuation_date",
        label_zh="估值日",
        label_en="valuation date",
        value=snapshot.valuation_date.isoformat(),
        unit="date",
        source=f"行情快照 {snapshot.digest}",
    )
    lasts = [figures[-1] for figures in line_figures]
    presents = tuple(figure.name for figure in lasts if figure.name.endswith(PRESENT_VALUE))
    margins = tuple(figure.name for figure in lasts if figure.name.endswith(VARIATION_MARGIN))
    return checked_trace(
        [
            valuation_day,
            *(
                figure
                for price in prices
                for figure in price_figures(snapshot, price, name=price_name(str(price.unit)))
            ),
            *assumptions,
            *(figure for figures in line_figures for figure in figures),
            *bucket_figures,
            _sum(PRESENT_VALUE, "组合现值", "present value of the portfolio", present_value_cny, presents),
            _sum(VARIATION_MARGIN, "当日变动保证金合计", "variation margin of the day", variation_margin_cny, margins),
        ]
    )


def _sum(name: str, zh: str, en: str, value: Decimal, inputs: tuple[str, ...]) -> Figure:
    return Figure(
        name=name,
        label_zh=zh,
        label_en=en,
        value=format(value, "f"),
        unit="CNY",
        formula="sum of rounded lines",
        inputs=inputs,
    )
