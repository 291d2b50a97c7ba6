"""The trace of a compliance value: prices, ends, obligations, tonnes set against them, values, shortfalls and fines."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal

from carbonfin.kernel.allowances import Scheme, Unit
from carbonfin.rules.parameters import ParameterValue
from carbonfin.rules.trace import Figure, Trace, checked_trace
from pricing.calc.compliance import (
    ComplianceMarket,
    ComplianceValue,
    HoldingValue,
    Obligation,
    Shortfall,
    Surrender,
    VintageState,
)

VALUATION_DATE = "valuation_date"
TOTAL = "value_cny"


@dataclass(frozen=True, slots=True, kw_only=True)
class ComplianceFacts:
    """What stands behind a compliance value beside the market it took.

    Attributes:
        prices: Figures of each unit's price; the last of each is named `price.UNIT`.
        deadlines: The dated rule a surrender date was taken from, by scheme and year; entered dates are left out.
        carry_over: What the carry-over limit of a scheme was computed of, each a figure, by scheme.
        means: The mean price a fine takes, by scheme, as a figure.
    """

    prices: tuple[Figure, ...]
    deadlines: dict[tuple[Scheme, int], ParameterValue]
    carry_over: dict[Scheme, tuple[Figure, ...]]
    means: dict[Scheme, Figure]


def holding_figure(unit: Unit, name: str) -> str:
    """Give the name of a figure of a holding."""
    return f"holding.{unit}.{name}"


def obligation_figure(obligation: Obligation, name: str) -> str:
    """Give the name of a figure of an obligation."""
    return f"obligation.{obligation.scheme}-{obligation.year}.{name}"


def compliance_trace(
    value: ComplianceValue,
    obligations: Iterable[Obligation],
    market: ComplianceMarket,
    facts: ComplianceFacts,
) -> Trace:
    """Give the whole trace; every input stands before its use."""
    owed = tuple(obligations)
    figures = [
        _entered(VALUATION_DATE, ("估值日", "valuation date"), market.valuation_date.isoformat(), "date"),
        *facts.prices,
    ]
    for one in value.holdings:
        figures += _ends(one, market)
    for obligation in owed:
        figures += _owed(obligation, facts)
    for scheme in sorted(market.carry_over_t):
        figures += _carry_over(scheme, market, facts)
    priced = {figure.name for figure in facts.prices}
    for one in value.holdings:
        figures += _held(one, owed, value.surrenders, market, priced)
    for lack in value.shortfalls:
        figures += _lacking(lack, value.surrenders, market, facts)
    figures.append(_total(value))
    return checked_trace(figures)


def _entered(name: str, labels: tuple[str, str], value: str, unit: str) -> Figure:
    return Figure(name=name, label_zh=labels[0], label_en=labels[1], value=value, unit=unit, source="录入")


def _computed(
    name: str, labels: tuple[str, str], value: int | Decimal, unit: str, *, formula: str, inputs: Iterable[str],
    notes: tuple[str, str] = ("", ""),
) -> Figure:  # fmt: skip
    return Figure(
        name=name, label_zh=labels[0], label_en=labels[1], value=format(value, "f" if unit != "t" else "d"), unit=unit,
        formula=formula, inputs=tuple(inputs), note_zh=notes[0], note_en=notes[1],
    )  # fmt: skip


def _ends(one: HoldingValue, market: ComplianceMarket) -> list[Figure]:
    use = market.uses[one.unit]
    figures = [
        _entered(holding_figure(one.unit, "quantity_t"), (f"{one.unit} 持有量", f"{one.unit} held"),
                 str(one.quantity_t), "t")
    ]  # fmt: skip
    if use.last_usable is not None:
        figures.append(Figure.of_parameter(holding_figure(one.unit, "last_usable_date"), use.last_usable))
    elif use.carries_forward is not None:
        figures.append(Figure.of_parameter(holding_figure(one.unit, "carries_forward"), use.carries_forward))
    return figures


def _end_name(one: HoldingValue, market: ComplianceMarket) -> tuple[str, ...]:
    use = market.uses[one.unit]
    if use.last_usable is not None:
        return (holding_figure(one.unit, "last_usable_date"),)
    return (holding_figure(one.unit, "carries_forward"),) if use.carries_forward is not None else ()


def _owed(obligation: Obligation, facts: ComplianceFacts) -> list[Figure]:
    name = f"{obligation.scheme} {obligation.year}"
    rule = facts.deadlines.get((obligation.scheme, obligation.year))
    day_name = obligation_figure(obligation, "surrender_date")
    day = (
        _entered(day_name, (f"{name} 清缴截止日", f"{name} deadline"), obligation.surrender_date.isoformat(), "date")
        if rule is None
        else Figure.of_parameter(day_name, rule)
    )
    quantity = _entered(
        obligation_figure(obligation, "quantity_t"), (f"{name} 清缴义务", f"{name} obligation"),
        str(obligation.quantity_t), "t",
    )  # fmt: skip
    return [day, quantity]


def _carry_over(scheme: Scheme, market: ComplianceMarket, facts: ComplianceFacts) -> list[Figure]:
    taken = facts.carry_over.get(scheme, ())
    limit = _computed(
        f"carry_over.{scheme}.limit_t", (f"{scheme} 可结转上限", f"{scheme} carry-over limit"),
        market.carry_over_t[scheme], "t", formula="min(floor(base_t + ratio * max(net_sales_t, 0)), held_t)",
        inputs=(figure.name for figure in taken),
    )  # fmt: skip
    return [*taken, limit]


def _held(
    one: HoldingValue,
    owed: tuple[Obligation, ...],
    surrenders: tuple[Surrender, ...],
    market: ComplianceMarket,
    priced: set[str],
) -> list[Figure]:
    quantity, ends = holding_figure(one.unit, "quantity_t"), _end_name(one, market)
    met = {surrender.year for surrender in surrenders if surrender.unit == one.unit}
    met_names = tuple(
        obligation_figure(obligation, "quantity_t")
        for obligation in owed
        if obligation.scheme is one.unit.scheme and obligation.year in met
    )
    surrendered = _computed(
        holding_figure(one.unit, "surrendered_t"), (f"{one.unit} 用于清缴", f"{one.unit} surrendered"),
        one.surrendered_t, "t", formula="earliest obligation first, unit that ends first",
        inputs=(quantity, *ends, *met_names),
    )  # fmt: skip
    limit = f"carry_over.{one.unit.scheme}.limit_t"
    limits = (limit,) if one.state is VintageState.USABLE and one.unit.scheme in market.carry_over_t else ()
    carried = _computed(
        holding_figure(one.unit, "carried_t"), (f"{one.unit} 可结转", f"{one.unit} carried over"), one.carried_t, "t",
        formula="min(quantity_t - surrendered_t, what may be carried)", inputs=(quantity, surrendered.name, *limits),
    )  # fmt: skip
    figures = [surrendered, carried]
    if one.value_cny is None:
        return figures
    past = one.state is VintageState.PAST_USE
    price = f"price.{one.unit}"
    assert past or price in priced, "a value rests on a price"
    return [
        *figures,
        _computed(
            holding_figure(one.unit, "value_cny"), (f"{one.unit} 履约价值", f"{one.unit} compliance value"),
            one.value_cny, "CNY",
            formula="0, valuation_date > last_usable_date" if past
            else "round_half_up((surrendered_t + carried_t) * price, 2)",
            inputs=(VALUATION_DATE, *ends) if past else (surrendered.name, carried.name, price),
            notes=(one.reason_zh, one.reason_en),
        ),
    ]  # fmt: skip


def _lacking(
    lack: Shortfall, surrenders: tuple[Surrender, ...], market: ComplianceMarket, facts: ComplianceFacts
) -> list[Figure]:
    obligation = lack.obligation
    name = f"{obligation.scheme} {obligation.year}"
    met = tuple(
        dict.fromkeys(
            holding_figure(one.unit, "surrendered_t")
            for one in surrenders
            if one.unit.scheme is obligation.scheme and one.year == obligation.year
        )
    )
    short = _computed(
        obligation_figure(obligation, "shortfall_t"), (f"{name} 缺口", f"{name} shortfall"), lack.quantity_t, "t",
        formula="quantity_t - surrendered", inputs=(obligation_figure(obligation, "quantity_t"), *met),
    )  # fmt: skip
    figures = [short]
    if lack.purchase_cny is not None:
        usable = [
            f"price.{unit}"
            for unit in sorted(market.prices_cny_per_t)
            if unit.scheme is obligation.scheme and market.uses[unit].is_usable_on(obligation.surrender_date)
        ]
        figures.append(
            _computed(
                obligation_figure(obligation, "purchase_cny"), (f"{name} 补购成本", f"{name} cost to buy"),
                lack.purchase_cny, "CNY", formula="round_half_up(shortfall_t * max(price), 2)",
                inputs=(short.name, *usable),
            )
        )  # fmt: skip
    penalty = market.penalties.get(obligation.scheme)
    if lack.penalty_cny is None or penalty is None:
        return figures
    mean = facts.means[obligation.scheme]
    figures.append(replace(mean, name=obligation_figure(obligation, "mean_cny_per_t")))
    ends = zip(("low", "high"), (("下限", "least"), ("上限", "most")), (penalty.low, penalty.high), lack.penalty_cny,
               strict=True)  # fmt: skip
    for which, (zh, en), multiple, amount in ends:
        rule = Figure.of_parameter(obligation_figure(obligation, f"multiple_{which}"), multiple)
        figures += [
            rule,
            _computed(
                obligation_figure(obligation, f"penalty_{which}_cny"), (f"{name} 罚款{zh}", f"{name} fine, {en}"),
                amount, "CNY", formula="round_half_up(shortfall_t * multiple * mean, 2)",
                inputs=(short.name, rule.name, obligation_figure(obligation, "mean_cny_per_t")),
            ),
        ]  # fmt: skip
    return figures


def _total(value: ComplianceValue) -> Figure:
    known = [one for one in value.holdings if one.value_cny is not None]
    total = sum((one.value_cny for one in known if one.value_cny is not None), Decimal("0.00"))
    return _computed(
        TOTAL, ("履约价值合计", "compliance value in total"), total, "CNY", formula="sum of holdings with a value",
        inputs=(holding_figure(one.unit, "value_cny") for one in known),
    )  # fmt: skip
