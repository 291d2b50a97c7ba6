"""Carry-over (结转) of earlier vintages by net sales: what an entity may still use in later years, and what lapses."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import round_down
from carbonfin.rules.parameters import ParameterValue
from carbonfin.rules.record import DecisionKind
from carbonfin.rules.trace import Figure
from collateral.calc.figures import FigureList


@dataclass(frozen=True, slots=True, kw_only=True)
class CarryOverRule:
    """A rule of one round of carry-over, each part with its date and clause.

    Attributes:
        base_t: Tonnes that carry over in any case (B).
        factor: Tonnes that carry over per tonne of net sales (R).
        window_start: First day whose trades count.
        window_end: Last day whose trades count, and on whose close the holdings are read.
        apply_by: Last day of an application.
    """

    base_t: ParameterValue
    factor: ParameterValue
    window_start: ParameterValue
    window_end: ParameterValue
    apply_by: ParameterValue


@dataclass(frozen=True, slots=True, kw_only=True)
class CarryOverInputs:
    """What an entity sold, bought and held of the vintages concerned, whole tonnes.

    Attributes:
        registry_t: Available in the registry account at the close of the window.
        trading_t: Available in the trading account.
        judicially_frozen_t: Frozen by a court.
        submitted_t: Submitted for surrender or cancellation and not yet approved.
        is_late: Whether the entity was late on an earlier compliance year that the rule names.
        applies_on: Day of the application.
        granted_t: Tonnes that the authority granted; None where no grant is on file.
        granted_source: The document that grants them.
    """

    rule: CarryOverRule
    sold_t: int
    bought_t: int
    registry_t: int
    trading_t: int
    judicially_frozen_t: int
    submitted_t: int
    is_late: bool
    applies_on: date
    source: str
    granted_t: int | None = None
    granted_source: str = ""

    def __post_init__(self) -> None:
        """Refuse negative tonnes, more submitted than held, and a grant without its document."""
        if self.granted_t is not None and (self.granted_t < 0 or not self.granted_source.strip()):
            raise InvalidInput(
                f"a grant of {self.granted_t} t needs its document",
                zh="批准结转量不能为负，且须注明批准文件",
                field="granted_source",
            )
        parts = (
            self.sold_t,
            self.bought_t,
            self.registry_t,
            self.trading_t,
            self.judicially_frozen_t,
            self.submitted_t,
        )
        if min(parts) < 0 or self.holding_t < 0:
            raise InvalidInput(
                f"tonnes {parts} are negative, or more is submitted than held",
                zh="吨数不能为负，且已提交清缴或注销的数量不能超过持有量",
                field="submitted_t",
            )

    @property
    def holding_t(self) -> int:
        """Registry, trading and judicially frozen, less submitted."""
        return self.registry_t + self.trading_t + self.judicially_frozen_t - self.submitted_t


@dataclass(frozen=True, slots=True, kw_only=True)
class CarryOverOutcome:
    """What carries over and what lapses, with the trace; nothing where the entity is late or applies too late.

    Attributes:
        carried_t: Most that the rule lets carry over.
        lapsing_t: What of the holding does not.
        counted_t: What counts in the compliance position: the grant, at most `carried_t`; nothing before a grant.
        unconfirmed: Parts of the rule that nobody has confirmed.
    """

    carried_t: int
    lapsing_t: int
    counted_t: int
    unconfirmed: tuple[str, ...]
    trace: tuple[Figure, ...]


def decide_carry_over(inputs: CarryOverInputs) -> CarryOverOutcome:
    """Give T = floor(B + max(0, sold - bought) x R), at most the holding.

    Source: allocation plan for 2023 and 2024 of the national market, annex 5 (carry-over of CEA 2019 to 2024).
    """
    rule, figures = inputs.rule, FigureList()
    net_sales_t = max(0, inputs.sold_t - inputs.bought_t)
    window = (figures.parameter("window_start", rule.window_start), figures.parameter("window_end", rule.window_end))
    trades = (
        figures.fact("sold", ("窗口期内卖出", "Sold in the window"), inputs.sold_t, "t", inputs.source),
        figures.fact("bought", ("窗口期内买入", "Bought in the window"), inputs.bought_t, "t", inputs.source),
    )
    net = figures.result(
        "net_sales", ("净卖出量", "Net sales"), net_sales_t, "t", "max(0, sold − bought)", inputs=(*trades, *window)
    )
    holding = _holding(figures, inputs, window[1])
    base, factor = figures.parameter("base", rule.base_t), figures.parameter("factor", rule.factor)
    limit_t = int(round_down(rule.base_t.integer + Decimal(net_sales_t) * rule.factor.decimal))
    limit = figures.result(
        "limit", ("最大可结转量", "Most that carries over"), limit_t, "t", "floor(B + NS·R)", inputs=(base, net, factor)
    )
    deadline = figures.parameter("apply_by", rule.apply_by)
    late = figures.fact(
        "is_late", ("未按时履约", "Late on compliance"), "是" if inputs.is_late else "否", "text", inputs.source
    )
    applied = figures.fact("applies_on", ("申请日", "Day of application"), inputs.applies_on, "date", inputs.source)
    is_admitted = not inputs.is_late and inputs.applies_on <= rule.apply_by.day
    carried_t = min(limit_t, inputs.holding_t) if is_admitted else 0
    figures.result(
        "carried", ("可结转量", "Carried over"), carried_t, "t", "min(limit, holding), nothing if late",
        inputs=(limit, holding, deadline, late, applied),
    )  # fmt: skip
    lapsing_t = inputs.holding_t - carried_t
    figures.result(
        "lapsing", ("不再可用量", "Lapsing"), lapsing_t, "t", "holding − carried over", inputs=(holding, "carried")
    )
    is_granted = inputs.granted_t is not None
    granted = figures.fact(
        "granted", ("批准结转量", "Granted"), "" if inputs.granted_t is None else inputs.granted_t, "t",
        inputs.granted_source or "无批准文件", note_zh="" if is_granted else "未见批准，不计入履约头寸",
        note_en="" if is_granted else "no grant on file: nothing counts",
    )  # fmt: skip
    counted_t = min(inputs.granted_t or 0, carried_t)
    figures.result(
        "counted", ("计入履约头寸的结转量", "Counted in the position"), counted_t, "t",
        "min(granted, carried over), nothing before a grant", inputs=(granted, "carried"),
    )  # fmt: skip
    return CarryOverOutcome(
        carried_t=carried_t, lapsing_t=lapsing_t, counted_t=counted_t, unconfirmed=figures.unconfirmed(),
        trace=figures.trace(),
    )  # fmt: skip


def _holding(figures: FigureList, inputs: CarryOverInputs, window_end: str) -> str:
    held = [
        figures.fact(name, label, value, "t", inputs.source)
        for name, label, value in (
            ("registry", ("登记持仓可用", "Available in the registry"), inputs.registry_t),
            ("trading", ("交易持仓可用", "Available for trading"), inputs.trading_t),
            ("judicially_frozen", ("司法冻结", "Judicially frozen"), inputs.judicially_frozen_t),
            ("submitted", ("已提交未审核", "Submitted, not approved"), inputs.submitted_t),
        )
    ]
    return figures.result(
        "holding", ("持有量", "Holding"), inputs.holding_t, "t", "registry + trading + frozen − submitted",
        inputs=(*held, window_end),
    )  # fmt: skip


CARRY_OVER = DecisionKind(
    name="collateral.carry_over", version="1", inputs=CarryOverInputs, outputs=CarryOverOutcome,
    decide=decide_carry_over,
)  # fmt: skip
