"""What an eligible-collateral schedule says of an allowance, with the criterion that admits or vetoes, in words.

An allowance is a commodity of its scheme's country and currency to a schedule; what it matures on is its last usable
date, and its indices are its scheme and its own name, so that a schedule can speak of either by `IndexType`. Of what
kind its issuer is, is not stated: a criterion that asks it is not met, and an exclusion that asks it vetoes.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import InvalidInput
from collateral.calc.cdm_nodes import document_of
from collateral.calc.cdm_schedules import read_schedule, write_schedule
from collateral.calc.eligibility import (
    AllOf,
    AnyOf,
    Boundary,
    CollateralAsset,
    Criteria,
    EligibilityRule,
    Leaf,
    MaturityBound,
    MaturityIs,
    MaturityKind,
    NoneOf,
    RatedBy,
    Trait,
    TraitIs,
    Treatment,
    TypeIs,
    eligibility_of,
    unmet,
)
from collateral.calc.refusals import Refusal

COMMODITY = "COMMODITY"
MOST_BYTES = 200_000
_FOREIGN: Mapping[str, tuple[str, str]] = {"EUA": ("EU", "EUR")}
_HOME = ("CN", "CNY")
_TRAITS: Mapping[Trait, tuple[str, str]] = {
    Trait.ISSUER_TYPE: ("发行人类型", "issuer type"),
    Trait.ISSUER_COUNTRY: ("发行国别", "issuer country"),
    Trait.CURRENCY: ("币种", "currency"),
    Trait.INDEX: ("品种或指数", "scheme or index"),
}
_PERIODS = {"D": ("日", "days"), "W": ("周", "weeks"), "M": ("个月", "months"), "Y": ("年", "years")}


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleInForce:
    """A schedule as two people approved it: its name with the day it holds from, and its CDM JSON, compact."""

    code: str
    valid_from: date
    document: str
    cdm: str

    @property
    def rules(self) -> tuple[EligibilityRule, ...]:
        """Its rules."""
        return rules_of(self.cdm)

    @property
    def name(self) -> str:
        """How decisions quote it."""
        return f"{self.code}（{self.valid_from} 起）"


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetOfUnit:
    """A unit as a schedule sees it; the last usable date is None where none is known or in sight."""

    unit: Unit
    last_usable: date | None

    @property
    def asset(self) -> CollateralAsset:
        """The asset that criteria are asked of."""
        country, currency = _FOREIGN.get(self.unit.scheme.value, _HOME)
        return CollateralAsset(
            asset_type=COMMODITY, issuer_country=country, currency=currency,
            indices=frozenset({self.unit.scheme.value, str(self.unit)}), matures_on=self.last_usable,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleVerdict:
    """What a schedule says of a unit.

    Attributes:
        rule: Number of the rule that decided, the first is 1; None where none admits it.
        haircut_ratio: What the schedule takes off at least, price and additional haircut; None where not eligible.
        reason_zh: The criterion that vetoes or is not met, or the rule that admits.
        reason_en: The same in English.
    """

    schedule: str
    unit: Unit
    is_eligible: bool
    rule: int | None
    haircut_ratio: Decimal | None
    reason_zh: str
    reason_en: str


def rules_of(text: str) -> tuple[EligibilityRule, ...]:
    """Read a schedule from CDM JSON text, its numbers as written.

    Raises:
        InvalidInput: It is no JSON, too large, or no schedule; the path is named.
    """
    if len(text.encode()) > MOST_BYTES:
        raise InvalidInput(
            f"the schedule is larger than {MOST_BYTES} bytes", zh=f"清单超过 {MOST_BYTES} 字节", field="schedule"
        )
    try:
        document = document_of(text)
    except ValueError as error:
        raise InvalidInput(
            f"the schedule is no JSON: {error}", zh=f"清单不是有效的 JSON：{error}", field="schedule",
            remedy="Send the CDM JSON of an EligibleCollateralSpecification.",
            remedy_zh="请提交 CDM 合格担保品清单的 JSON。",
        ) from error  # fmt: skip
    return read_schedule(document)


def compact_schedule(text: str) -> str:
    """Give a schedule's CDM JSON without blanks; read back it is equal to what came."""
    return json.dumps(write_schedule(rules_of(text)), ensure_ascii=False, separators=(",", ":"))


def verdict_of(schedule: ScheduleInForce, asset: AssetOfUnit, *, on: date) -> ScheduleVerdict:
    """Judge a unit by a schedule; an exclusion it meets, or cannot be shown not to meet, vetoes."""
    rules = schedule.rules
    found = eligibility_of(asset.asset, rules, on=on)
    rule, haircut = None, None
    if found.vetoed_by:
        place = found.vetoed_by[0]
        words = criteria_words(rules[place].criteria)
        rule, reason = place + 1, (f"第 {place + 1} 条排除：{words[0]}", f"excluded by rule {place + 1}: {words[1]}")
    elif found.treatment is None:
        lacking = [_lacking(place, one, asset, on) for place, one in enumerate(rules) if one.treatment.is_included]
        reason = (
            "；".join(zh for zh, _ in lacking) or "清单没有准入条款",
            "; ".join(en for _, en in lacking) or "the schedule admits nothing",
        )
    else:
        rule, haircut = found.included_by[0] + 1, least_haircut(found.treatment)
        reason = (f"第 {rule} 条准入", f"admitted by rule {rule}")
    return ScheduleVerdict(
        schedule=schedule.name, unit=asset.unit, is_eligible=found.is_eligible, rule=rule, haircut_ratio=haircut,
        reason_zh=reason[0], reason_en=reason[1],
    )  # fmt: skip


def _lacking(place: int, rule: EligibilityRule, asset: AssetOfUnit, on: date) -> tuple[str, str]:
    leaves = [leaf_words(one) for one in unmet(asset.asset, rule.criteria, on=on)]
    return (
        f"第 {place + 1} 条未满足：{'、'.join(zh for zh, _ in leaves)}",
        f"rule {place + 1} not met: {', '.join(en for _, en in leaves)}",
    )


def least_haircut(treatment: Treatment) -> Decimal:
    """Give what a treatment takes off in the units' own currency: price and additional haircut, at most the whole."""
    return min(Decimal(1), treatment.price_haircut_ratio + (treatment.additional_haircut_ratio or Decimal(0)))


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledUnits:
    """Units with the schedules that are asked of them, as a decision keeps both."""

    schedules: tuple[ScheduleInForce, ...]
    assets: tuple[AssetOfUnit, ...]


def schedule_refusals(
    asked: ScheduledUnits | None, haircuts: Mapping[Unit, Decimal], *, on: date
) -> list[Refusal]:  # fmt: skip
    """Refuse units that a schedule does not admit, and haircuts below what it takes off at least."""
    refusals: list[Refusal] = []
    if asked is None:
        return refusals
    for schedule in asked.schedules:
        for asset in asked.assets:
            unit, ratio = asset.unit, haircuts[asset.unit]
            found = verdict_of(schedule, asset, on=on)
            if not found.is_eligible:
                refusals.append(
                    Refusal(
                        code="not-eligible-by-schedule",
                        detail=f"{unit} is not eligible by schedule {schedule.name}: {found.reason_en}",
                        zh=f"{unit} 不符合担保品清单 {schedule.name}：{found.reason_zh}",
                    )
                )
            elif found.haircut_ratio is not None and ratio < found.haircut_ratio:
                refusals.append(
                    Refusal(
                        code="haircut-below-schedule",
                        detail=f"{unit}: the haircut {ratio} is below {found.haircut_ratio} of {schedule.name}",
                        zh=f"{unit} 的折扣系数 {ratio} 低于担保品清单 {schedule.name} 的 {found.haircut_ratio}",
                    )
                )
    return refusals


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeLine:
    """A line of a schedule's tree as a reader sees it: how deep it stands, and what it says."""

    depth: int
    text_zh: str
    text_en: str


def tree_of(rules: tuple[EligibilityRule, ...]) -> tuple[TreeLine, ...]:
    """Give a schedule as lines, rule by rule."""
    return tuple(line for number, rule in enumerate(rules, 1) for line in _rule_lines(number, rule))


def _rule_lines(number: int, rule: EligibilityRule) -> Iterator[TreeLine]:
    treatment = rule.treatment
    zh, en = ("准入", "Include") if treatment.is_included else ("排除（一票否决）", "Exclude (vetoes)")
    yield TreeLine(depth=0, text_zh=f"第 {number} 条 {zh}", text_en=f"Rule {number}: {en}")
    yield from _lines(rule.criteria, 1)
    stated = (
        ("保证金比例", "margin ratio", treatment.margin_ratio), ("折扣系数", "haircut", treatment.haircut_ratio),
        ("汇率折扣", "FX haircut", treatment.fx_haircut_ratio),
        ("附加折扣", "additional haircut", treatment.additional_haircut_ratio),
    )  # fmt: skip
    for name_zh, name_en, ratio in stated:
        if ratio is not None:
            yield TreeLine(depth=1, text_zh=f"{name_zh} {ratio}", text_en=f"{name_en} {ratio}")
    for place, limit in enumerate(treatment.limits, 1):
        within = "≤" if limit.is_inclusive else "<"
        upper = f"{limit.upper:,} {limit.currency}" if limit.currency else f"{limit.upper:.2%}"
        yield TreeLine(
            depth=1, text_zh=f"第 {number}.{place} 项 集中度上限：{limit.kind} {within} {upper}",
            text_en=f"{number}.{place} concentration limit: {limit.kind} {within} {upper}",
        )  # fmt: skip


def _lines(criteria: Criteria, depth: int) -> Iterator[TreeLine]:
    match criteria:
        case AllOf(parts=parts) | AnyOf(parts=parts):
            zh, en = ("全部满足", "all of") if isinstance(criteria, AllOf) else ("满足任一", "any of")
            yield TreeLine(depth=depth, text_zh=zh, text_en=en)
            for part in parts:
                yield from _lines(part, depth + 1)
        case NoneOf(part=part):
            yield TreeLine(depth=depth, text_zh="不得满足", text_en="not")
            yield from _lines(part, depth + 1)
        case leaf:
            words = leaf_words(leaf)
            yield TreeLine(depth=depth, text_zh=words[0], text_en=words[1])


def criteria_words(criteria: Criteria) -> tuple[str, str]:
    """Say criteria in one line."""
    match criteria:
        case AllOf(parts=parts) | AnyOf(parts=parts):
            said = [criteria_words(part) for part in parts]
            zh, en = ("且", "and") if isinstance(criteria, AllOf) else ("或", "or")
            return f"（{zh.join(one for one, _ in said)}）", f"({f' {en} '.join(one for _, one in said)})"
        case NoneOf(part=part):
            zh, en = criteria_words(part)
            return f"非{zh}", f"not {en}"
        case leaf:
            return leaf_words(leaf)


def leaf_words(leaf: Leaf) -> tuple[str, str]:
    """Say one criterion."""
    match leaf:
        case TypeIs():
            kinds = (leaf.asset_type, leaf.security_type, leaf.equity_type, leaf.depositary_receipt)
            debts = [
                " ".join(filter(None, (one.interest, one.redemption, one.secured, one.backing))) for one in leaf.debt
            ]
            said = " ".join([*filter(None, kinds), *debts])
            return f"资产类型为 {said}", f"asset type {said}"
        case TraitIs(trait=trait, value=value):
            zh, en = _TRAITS[trait]
            return f"{zh}为 {value}", f"{en} {value}"
        case RatedBy():
            whose = ("发行人", "issuer") if leaf.of_issuer else ("资产", "asset")
            side = ("不低于", "at least") if leaf.boundary is Boundary.MINIMUM else ("不高于", "at most")
            said = f"{leaf.rating.agency} {leaf.rating.notation}"
            return f"{whose[0]}评级{side[0]} {said}", f"{whose[1]} rated {side[1]} {said}"
        case MaturityIs():
            start = ("剩余期限", "remaining") if leaf.kind is MaturityKind.REMAINING else ("原始期限", "original")
            bounds = [*_bound(leaf.lower, is_lower=True), *_bound(leaf.upper, is_lower=False)]
            return (
                f"{start[0]}{'且'.join(zh for zh, _ in bounds)}",
                f"{start[1]} maturity {' and '.join(en for _, en in bounds)}",
            )


def _bound(bound: MaturityBound | None, *, is_lower: bool) -> Iterator[tuple[str, str]]:
    if bound is not None:
        sign = {(True, True): "≥", (True, False): ">", (False, True): "≤", (False, False): "<"}[
            is_lower, bound.is_inclusive
        ]
        zh, en = _PERIODS[bound.unit.value]
        yield f" {sign} {bound.count} {zh}", f"{sign} {bound.count} {en}"
