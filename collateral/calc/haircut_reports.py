"""The monthly report on the haircut of a class: what it was, what drives it, how often it was exceeded, what moves it.

Peers' levels are dated facts beside it: they say what clearing houses published, never what is right here.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.parameters import ParameterValue
from carbonfin.rules.record import DecisionKind
from carbonfin.rules.trace import Figure
from collateral.calc.figures import FigureList
from collateral.calc.haircut_models.sale_backtest import (
    FEWEST_DEFAULTS,
    WINDOW_DAYS,
    Exceedances,
    QuotedDays,
    SupposedDefault,
    exceedances,
    supposed_defaults,
)
from collateral.calc.haircut_models.stack import (
    StackInputs,
    StackOutcome,
    decide_haircut,
    season_figures,
    season_words,
)
from collateral.calc.haircut_models.stack_terms import ComponentName, StackFacts, StackMethod

_LONGER_CURE_DAYS = 5
_HALF, _WORSE = Decimal("0.5"), Decimal("1.5")
_MOST_VOLATILITY = Decimal(10)


@dataclass(frozen=True, slots=True, kw_only=True)
class StruckHaircut:
    """A haircut of the class as it was struck on a day of the month, with its decision.

    Attributes:
        quantity_t: The step of tonnes of an appraisal or of the day's run; None where a person asked.
    """

    day: date
    unit: str
    quantity_t: int | None
    haircut_ratio: Decimal
    binding: ComponentName
    decision_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HaircutReportInputs:
    """Everything a report rests on.

    Attributes:
        policy: Name of the policy's version.
        month: The month reported, as 2025-06.
        as_of: Its last day, or the business date where it is not over.
        facts: The unit, the tonnes and their market on that day.
        quoted: Days and volumes of the facts' history; None where there is none.
        struck: What was struck in the month, by day.
        peers: What clearing houses published, each dated and graded.
    """

    code: str
    policy: str
    month: str
    as_of: date
    method: StackMethod
    pledge_ratio_max: Decimal
    review_by: date
    facts: StackFacts
    quoted: QuotedDays | None
    struck: tuple[StruckHaircut, ...]
    peers: tuple[ParameterValue, ...]

    def __post_init__(self) -> None:
        """Refuse a history without its days."""
        rows = 0 if self.facts.history is None else len(self.facts.history.close_per_t)
        if rows != (0 if self.quoted is None else len(self.quoted.days)):
            raise InvalidInput("the history has other days", zh="历史行情与其日期不一致", field="quoted")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensitivity:
    """The haircut where one fact is worse, the rest as it is."""

    name: str
    label_zh: str
    label_en: str
    haircut_ratio: Decimal
    is_accepted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HaircutReportOutcome:
    """The report's figures.

    Attributes:
        stack: The haircut of the report's day with its components.
        defaults: Each supposed default in the history.
        unseen_count: Supposed defaults that the data do not follow to their end.
        tested: Exceedances of the policy and of the naive figure; empty where too few defaults were seen.
        findings: What the data can and cannot say, each in Chinese and English.
    """

    stack: StackOutcome
    sensitivities: tuple[Sensitivity, ...]
    defaults: tuple[SupposedDefault, ...]
    unseen_count: int
    tested: tuple[Exceedances, ...]
    findings: tuple[tuple[str, str], ...]
    unconfirmed: tuple[str, ...]
    trace: tuple[Figure, ...]


def decide_haircut_report(inputs: HaircutReportInputs) -> HaircutReportOutcome:
    """Strike the report: today's stack, each fact made worse in turn, and the test against the past."""
    stack = decide_haircut(_stacked(inputs))
    sensitivities = tuple(
        _tried(inputs, method, facts, (name, zh, en)) for name, zh, en, method, facts in _worse(inputs)
    )
    defaults: tuple[SupposedDefault, ...] = ()
    unseen = 0
    if inputs.quoted is not None:
        defaults, unseen = supposed_defaults(inputs.method, inputs.facts, inputs.quoted)
    tested: tuple[Exceedances, ...] = ()
    if len(defaults) >= FEWEST_DEFAULTS:
        tail = inputs.method.tail_ratio
        tested = (
            exceedances("policy", defaults, tuple(one.promised_ratio for one in defaults), tail_ratio=tail),
            exceedances("naive", defaults, tuple(one.naive_ratio for one in defaults), tail_ratio=tail),
        )
    figures = _figures(inputs, stack, sensitivities, tested)
    return HaircutReportOutcome(
        stack=stack, sensitivities=sensitivities, defaults=defaults, unseen_count=unseen, tested=tested,
        findings=(
            *_season(inputs, stack), *_findings(inputs, len(defaults), unseen, tested),
            *_against_sense(stack, sensitivities),
        ),
        unconfirmed=figures.unconfirmed(),
        trace=figures.trace(),
    )  # fmt: skip


def _season(inputs: HaircutReportInputs, stack: StackOutcome) -> Iterator[tuple[str, str]]:
    """Say what the depth after the surrender rests on where nobody confirmed it."""
    zh, en = season_words(_stacked(inputs), stack.components)
    if zh:
        yield f"{zh}。", f"{en[0].upper()}{en[1:]}."


def _stacked(inputs: HaircutReportInputs) -> StackInputs:
    return StackInputs(policy=inputs.policy, method=inputs.method, facts=inputs.facts)


def _tried(
    inputs: HaircutReportInputs, method: StackMethod, facts: StackFacts, words: tuple[str, str, str]
) -> Sensitivity:
    found = decide_haircut(StackInputs(policy=inputs.policy, method=method, facts=facts))
    name, zh, en = words
    return Sensitivity(
        name=name, label_zh=zh, label_en=en, haircut_ratio=found.haircut_ratio, is_accepted=found.is_accepted
    )


def _worse(inputs: HaircutReportInputs) -> Iterator[tuple[str, str, str, StackMethod, StackFacts]]:
    """Give each case: one fact or term worse, where it is known."""
    method, facts = inputs.method, inputs.facts
    if facts.daily_volume_t is not None:
        halved = replace(facts, daily_volume_t=facts.daily_volume_t * _HALF)
        yield "half_volume", "成交量减半", "Half the volume", method, halved
    yield "double_quantity", "数量加倍", "Twice the tonnes", method, replace(facts, quantity_t=2 * facts.quantity_t)
    if facts.volatility is not None:
        volatile = replace(facts, volatility=min(_MOST_VOLATILITY, facts.volatility * _WORSE))
        yield "more_volatility", "波动率上升一半", "Volatility half as much again", method, volatile
    if facts.trade_day_ratio is not None:
        idle = replace(facts, trade_day_ratio=facts.trade_day_ratio * _HALF)
        yield "half_trade_days", "成交日减半", "Half the days with trade", method, idle
    season = facts.season
    if season is not None and season.ratio is not None:
        ratio = season.ratio * _HALF
        thinner = replace(
            facts, depth_ratios=(*facts.depth_ratios[:-1], ratio), season=replace(season, ratio=ratio)
        )  # fmt: skip
        yield "half_depth", "清缴后成交量减半", "Half the volume after the surrender", method, thinner
    cure = replace(method, cure_days=min(250, method.cure_days + _LONGER_CURE_DAYS))
    yield "longer_cure", f"补足期延长 {_LONGER_CURE_DAYS} 日", f"Cure {_LONGER_CURE_DAYS} days longer", cure, facts
    if facts.days_to_last_use is not None:
        near = replace(facts, days_to_last_use=facts.days_to_last_use // 2)
        yield "nearer_last_use", "至最后可用日的剩余日减半", "Half the days to the last usable date", method, near
    lost = replace(facts, history=None, volatility=None)
    yield "lost_history", "历史行情与波动率缺失", "History and volatility missing", method, lost


def _findings(
    inputs: HaircutReportInputs, count: int, unseen: int, tested: tuple[Exceedances, ...]
) -> Iterator[tuple[str, str]]:
    if not tested:
        zh = (
            f"可观察到处置结束的假设违约仅 {count} 次（另 {unseen} 次数据不足），少于 {FEWEST_DEFAULTS} 次，"
            "不足以对折扣系数作任何检验结论。"
        )
        en = (
            f"Only {count} supposed defaults are followed to the end of their sale ({unseen} more are not), fewer than"
            f" {FEWEST_DEFAULTS}: nothing can be concluded about the haircut."
        )
        yield zh, en
        return
    own, tail = tested[0], inputs.method.tail_ratio
    interval = (f"{own.interval_low_ratio:.1%}", f"{own.interval_high_ratio:.1%}")
    zh = (
        f"{own.default_count} 次假设违约中超出 {own.exceeded_count} 次，超出率 95% 置信区间为 {interval[0]} 至"
        f" {interval[1]}；{'拒绝' if own.is_rejected else '不能拒绝'}“置信度 {1 - tail:.2%}”的说法。"
    )
    en = (
        f"{own.exceeded_count} of {own.default_count} supposed defaults exceeded it; the 95% interval of the rate is"
        f" {interval[0]} to {interval[1]}: a confidence of {1 - tail:.2%} is"
        f" {'rejected' if own.is_rejected else 'not rejected'}."
    )
    yield zh, en
    zh = (
        f"样本的分辨力：超出 {own.rejecting_count} 次起才会拒绝；真实超出率若为 {3 * tail:.1%}，"
        f"仅有 {own.power_triple_ratio:.0%} 的机会被发现，若为 {5 * tail:.1%} 为 {own.power_fivefold_ratio:.0%}。"
        "未被拒绝不等于折扣系数充分。"
    )
    en = (
        f"What so few can see: {own.rejecting_count} exceedances reject it; a true rate of {3 * tail:.1%} is seen"
        f" {own.power_triple_ratio:.0%} of the time, of {5 * tail:.1%} {own.power_fivefold_ratio:.0%}. Not rejected is"
        " not sufficient."
    )
    yield zh, en


def _against_sense(stack: StackOutcome, sensitivities: tuple[Sensitivity, ...]) -> Iterator[tuple[str, str]]:
    """Name the cases in which a worse fact would lower the haircut: the policy's own add-ons are then too small."""
    lower = [one for one in sensitivities if one.haircut_ratio < stack.haircut_ratio]
    if lower:
        zh = (
            f"{'、'.join(one.label_zh for one in lower)}时折扣系数反而低于现状："
            "错向附加或数据缺失附加的取值偏小，复审时应提高。"
        )
        en = (
            f"{', '.join(one.label_en for one in lower)}: the haircut would be below the present one; the add-ons for"
            " wrong-way risk or missing data are too small and should be raised at the review."
        )
        yield zh, en


def _figures(
    inputs: HaircutReportInputs, stack: StackOutcome, sensitivities: tuple[Sensitivity, ...],
    tested: tuple[Exceedances, ...],
) -> FigureList:  # fmt: skip
    figures, source = FigureList(), inputs.facts.source
    unit = figures.fact("unit", ("品种", "Unit"), inputs.facts.unit, "text", inputs.policy)
    quantity = figures.fact("quantity", ("数量", "Quantity"), inputs.facts.quantity_t, "t", inputs.policy)
    season = inputs.facts.season
    depth = () if season is None or not season_words(_stacked(inputs), stack.components)[0] else season_figures(
        season, figures
    )  # fmt: skip
    haircut = figures.result(
        "haircut_ratio", ("折扣系数", "Haircut"), stack.haircut_ratio, "ratio", "collateral.haircut_stack",
        inputs=(unit, quantity, *depth), note_zh=f"{inputs.policy}，{source}", note_en=f"{inputs.policy}, {source}",
    )  # fmt: skip
    for one in sensitivities:
        figures.result(
            f"sensitivity_{one.name}", (f"折扣系数：{one.label_zh}", f"Haircut: {one.label_en}"), one.haircut_ratio,
            "ratio", "collateral.haircut_stack", inputs=(haircut,),
        )  # fmt: skip
    for test in tested:
        label = ("按政策", "by policy") if test.name == "policy" else ("按收盘价直接推算", "naive, from closes")
        figures.result(
            f"exceeded_{test.name}", (f"超出次数（{label[0]}）", f"Exceedances ({label[1]})"), test.exceeded_count,
            "count", f"supposed defaults: {test.default_count}, each from the {WINDOW_DAYS} days before it",
            inputs=(quantity,),
        )  # fmt: skip
    for peer in inputs.peers:
        figures.parameter(f"peer_{peer.scope}", peer)
    return figures


HAIRCUT_REPORT = DecisionKind(
    name="collateral.haircut_report", version="1", inputs=HaircutReportInputs, outputs=HaircutReportOutcome,
    decide=decide_haircut_report,
)  # fmt: skip
