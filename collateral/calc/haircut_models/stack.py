"""The haircut of a class of units, stacked by rule from its components, with the one that binds.

    h = max( max(table, supervisory, empirical, jump diffusion, close-out) + currency + wrong way, cliff, floor )

Where data were missing or thin, h is at least the class's last haircut on record: lost data earn nothing. Above the
policy's ceiling, and where the units cannot be sold in time, they are not accepted: h is then the whole. Parts add and
are never multiplied. No fact made worse lowers h; the components see to that one by one.
"""

from dataclasses import dataclass, replace
from decimal import Decimal

from carbonfin.rules.record import DecisionKind
from carbonfin.rules.trace import Figure
from collateral.calc.figures import FigureList
from collateral.calc.haircut_models import components as parts
from collateral.calc.haircut_models.close_out_component import cliff, close_out
from collateral.calc.haircut_models.components import HaircutComponent, Standing, computed, horizon_of
from collateral.calc.haircut_models.seasons import DepthBasis, SeasonDepth
from collateral.calc.haircut_models.stack_terms import STACK_MONOTONE, ComponentName, StackFacts, StackMethod

TITLES: dict[ComponentName, tuple[str, str]] = {
    ComponentName.TABLE: ("折扣系数表值", "Dated table"),
    ComponentName.SUPERVISORY: (
        "监管标准法（内部参考，不作资本缓释）",
        "Supervisory scaling (internal, no capital relief)",
    ),
    ComponentName.EMPIRICAL: ("历史行情", "History"),
    ComponentName.JUMP_DIFFUSION: ("跳跃扩散模型", "Jump diffusion"),
    ComponentName.CLOSE_OUT: ("限制条件下处置", "Close-out under limits"),
    ComponentName.CURRENCY: ("汇率部分", "Currency"),
    ComponentName.WRONG_WAY: ("错向与清缴风险附加", "Wrong-way and surrender add-on"),
    ComponentName.CLIFF: ("最后可用日", "Last usable date"),
    ComponentName.FLOOR: ("下限", "Floor"),
    ComponentName.STANDING: ("上次留存的折扣系数", "Last haircut on record"),
}
SEASON_FIGURE = "depth_after_surrender"
"""Name of the figure of a depth that nobody approved; that of an approved one goes on with `_ratio` and its scope."""
ADDED = (ComponentName.CURRENCY, ComponentName.WRONG_WAY)
"""Components that are added to the price part."""
_WHOLE = (ComponentName.CLIFF, ComponentName.FLOOR, ComponentName.STANDING)
_BY_VOLUME = (
    ComponentName.SUPERVISORY, ComponentName.EMPIRICAL, ComponentName.JUMP_DIFFUSION, ComponentName.CLOSE_OUT,
    ComponentName.CURRENCY,
)  # fmt: skip
"""Components that hang on how long the sale takes, and so on the depth of the season."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StackInputs:
    """A bank's method for a class and the facts of the units; `policy` names the version of the policy."""

    policy: str
    method: StackMethod
    facts: StackFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class StackOutcome:
    """A haircut with what made it.

    Attributes:
        haircut_ratio: h, 0 to 1; 1 where the units are not accepted.
        is_accepted: Whether the units may be taken at all.
        binding: The component that decides h; of the price part the largest.
        refusal_zh: Why the units are not accepted; empty where they are.
        refusal_en: The same in English.
        components: Every component that counted, in the order of readers.
    """

    haircut_ratio: Decimal
    is_accepted: bool
    binding: ComponentName
    refusal_zh: str
    refusal_en: str
    components: tuple[HaircutComponent, ...]
    unconfirmed: tuple[str, ...]
    trace: tuple[Figure, ...]


def decide_haircut(inputs: StackInputs) -> StackOutcome:
    """Stack a haircut."""
    found = _components(inputs.method, inputs.facts)
    price = max((one for one in found if one.name not in (*ADDED, *_WHOLE)), key=lambda one: one.ratio)
    added = sum((one.ratio for one in found if one.name in ADDED), price.ratio)
    whole = max((one for one in found if one.name in _WHOLE), key=lambda one: one.ratio)
    stacked, binding = (added, price) if added >= whole.ratio else (whole.ratio, whole)
    unsold = next((one for one in found if one.standing is Standing.UNSALEABLE), None)
    refusal = ("", "")
    if unsold is not None:
        binding, refusal = unsold, (unsold.reason_zh, unsold.reason_en)
    elif stacked > inputs.method.ceiling_ratio:
        ceiling = inputs.method.ceiling_ratio
        refusal = (f"折扣系数 {stacked} 超过准入上限 {ceiling}，不予接受",
                   f"the haircut {stacked} is above the ceiling {ceiling}: not accepted")  # fmt: skip
    ratio = Decimal(1) if refusal[1] else min(stacked, Decimal(1))
    figures = FigureList()
    season = inputs.facts.season
    depth = season_figures(season, figures) if season is not None and _hangs_on_season(inputs.facts, found) else ()
    names = (*(_component_figure(figures, one, inputs) for one in found), *depth)
    figures.result(
        "haircut_ratio", ("折扣系数", "Haircut"), ratio, "ratio",
        "max(max(price components) + currency + wrong way, cliff, floor, last on record where data failed)",
        inputs=names, note_zh=refusal[0] or f"起决定作用：{TITLES[binding.name][0]}",
        note_en=refusal[1] or f"binding: {TITLES[binding.name][1]}",
    )  # fmt: skip
    return StackOutcome(
        haircut_ratio=ratio, is_accepted=not refusal[1], binding=binding.name, refusal_zh=refusal[0],
        refusal_en=refusal[1], components=found, unconfirmed=figures.unconfirmed(), trace=figures.trace(),
    )  # fmt: skip


def _components(method: StackMethod, facts: StackFacts) -> tuple[HaircutComponent, ...]:
    horizon = horizon_of(method, facts)
    table = computed(ComponentName.TABLE, method.table_ratio, "dated value of the class", {"table": method.table_ratio})
    chosen = method.components
    found = [table]
    if ComponentName.SUPERVISORY in chosen:
        found.append(parts.supervisory(method, horizon))
    if ComponentName.EMPIRICAL in chosen:
        found.append(parts.empirical(method, facts, horizon))
    if ComponentName.JUMP_DIFFUSION in chosen:
        found.append(parts.jump_diffusion(method, facts, horizon))
    if ComponentName.CLOSE_OUT in chosen:
        found.append(close_out(method, facts))
    if ComponentName.WRONG_WAY in chosen:
        found.append(parts.wrong_way(method, facts))
    money = parts.currency(method, facts, horizon)
    found += [] if money is None else [money]
    found.append(cliff(method, facts))
    if facts.season is not None and facts.season.basis is DepthBasis.UNKNOWN:
        found = [_without_depth(one, method, facts, facts.season) for one in found]
    found.append(computed(ComponentName.FLOOR, method.floor_ratio, "floor", {"floor": method.floor_ratio}))
    failed = any(one.standing is Standing.CONSERVATIVE for one in found)
    if failed and facts.standing_ratio is not None:
        standing = facts.standing_ratio
        found.append(computed(ComponentName.STANDING, standing, "last on record", {"standing": standing}))
    order = list(ComponentName)
    return tuple(sorted(found, key=lambda one: order.index(one.name)))


def season_words(inputs: StackInputs, components: tuple[HaircutComponent, ...]) -> tuple[str, str]:
    """Say in Chinese and English what a stack's season rests on where nobody confirmed it; empty where none counts."""
    season = inputs.facts.season
    return ("", "") if season is None or not _hangs_on_season(inputs.facts, components) else season.words


def _hangs_on_season(facts: StackFacts, components: tuple[HaircutComponent, ...]) -> bool:
    has_end = facts.days_to_last_use is not None
    return any(one.name in _BY_VOLUME or (one.name is ComponentName.CLIFF and has_end) for one in components)


def _without_depth(
    one: HaircutComponent, method: StackMethod, facts: StackFacts, season: SeasonDepth
) -> HaircutComponent:
    """Give a component by level volume no less than the conservative value, where the season's depth is not known."""
    if one.standing is not Standing.COMPUTED or not _hangs_on_season(facts, (one,)):
        return one
    zh, en = season.words
    return replace(
        one, ratio=max(one.ratio, method.conservative_ratio), standing=Standing.CONSERVATIVE, reason_zh=zh,
        reason_en=en, formula=f"max(conservative value, {one.formula} by level volume)",
    )  # fmt: skip


def season_figures(season: SeasonDepth, figures: FigureList, *, unit: str = "") -> tuple[str, ...]:
    """Add what the depth of the season rests on, flagged where nobody confirmed it; `unit` tells several apart."""
    names: tuple[str, ...] = ()
    if season.parameter is not None:
        key, scope = season.parameter.key.rpartition(".")[2], season.parameter.scope or "all"
        names = (figures.parameter(f"{key}_{scope}", season.parameter),)
    if season.basis is DepthBasis.APPROVED:
        return names
    zh, en = season.words
    return (
        *names,
        figures.fact(
            "_".join(filter(None, (SEASON_FIGURE, unit))),
            (f"{unit} 清缴后成交量与均值之比".strip(), f"{unit} volume after the surrender, of its mean".strip()),
            "" if season.ratio is None else season.ratio, "ratio", season.source, confirmed=False, note_zh=zh,
            note_en=en,
        ),
    )  # fmt: skip


def _component_figure(figures: FigureList, one: HaircutComponent, inputs: StackInputs) -> str:
    label = TITLES[one.name]
    facts = [
        figures.fact(f"{one.name}_{item.name}", (f"{label[0]}：{item.label_zh}", f"{label[1]}: {item.label_en}"),
                     item.value, item.unit, inputs.facts.source)
        for item in one.evidence
    ]  # fmt: skip
    digest = figures.fact(
        f"{one.name}_inputs", (f"{label[0]}：输入摘要", f"{label[1]}: digest of its inputs"), one.inputs_digest, "text",
        inputs.policy,
    )  # fmt: skip
    return figures.result(
        one.name.value, label, one.ratio, "ratio", one.formula, inputs=(digest, *facts), note_zh=one.reason_zh,
        note_en=one.reason_en,
    )  # fmt: skip


def stack_kind(method: StackMethod) -> DecisionKind[StackInputs, StackOutcome]:
    """Give the kind, in its version, that a method's haircuts are recorded as."""
    return HAIRCUT_STACK_MONOTONE if method.stack_version == STACK_MONOTONE else HAIRCUT_STACK


HAIRCUT_STACK = DecisionKind(
    name="collateral.haircut_stack", version="1", inputs=StackInputs, outputs=StackOutcome, decide=decide_haircut
)
HAIRCUT_STACK_MONOTONE = DecisionKind(
    name="collateral.haircut_stack", version="2", inputs=StackInputs, outputs=StackOutcome, decide=decide_haircut
)
"""The same stack with the joint risk of version 2; the method says by which it is struck."""
