"""Limits of concentration inside schedules of eligible collateral: what each is a part of, and what it cannot say.

CDM does not tell of what a limit is a part; the FINOS working group's answer is the eligible schedule. So a share is

    market value that the rule admits and the limit counts / market value of all collateral that the schedule admits

and an amount is the former alone. The base is taken as the least that the bank approved for the schedule, where what it
admits is less: of a first agreement any share would be the whole. Of the kinds that CDM lists two have a meaning for
allowances: one asset is a unit, and one issuer is taken as the scheme, since its authority issues every allowance of
it. The others are said to be not measured, never to be kept.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from carbonfin.kernel.allowances import Unit
from carbonfin.rules.parameters import ParameterValue
from carbonfin.rules.record import ADDED_LATER
from collateral.calc.eligibility import ConcentrationLimit, EligibilityRule, eligibility_of
from collateral.calc.schedule_verdicts import AssetOfUnit, ScheduleInForce, criteria_words

CNY_CODE = "CNY"
_KINDS: Mapping[str, tuple[str, str]] = {
    "ASSET": ("单一资产", "one asset"),
    "ISSUER": ("同一发行方（按品种）", "one issuer, taken as the scheme"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleLimit:
    """A limit of a schedule, with what it is a part of.

    Attributes:
        schedule: Name of the schedule, with the day it holds from.
        rule: Number of the rule it stands in, the first is 1.
        upper: A share, or an amount in 元.
        is_amount: Whether it is an amount.
        base_others_cny: Market value of the other collateral that the schedule admits.
        base_units: Units of the pledge at hand that it admits.
        base_least: The least in 元 that the base of a share counts as, dated; None where the bank approved none, and
            for amounts.
    """

    schedule: str
    rule: int
    upper: Decimal
    is_inclusive: bool
    is_amount: bool
    base_others_cny: Decimal
    base_units: tuple[Unit, ...]
    base_least: ParameterValue | None = field(default=None, metadata=ADDED_LATER)

    @property
    def least_cny(self) -> Decimal:
        """The least in 元 that the base counts as."""
        return Decimal("0.00") if self.base_least is None else self.base_least.decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitOfRule:
    """A limit as a schedule writes it, with the words of its rule; `place` is its own among the rule's limits."""

    schedule: ScheduleInForce
    rule: int
    place: int
    limit: ConcentrationLimit
    criteria: tuple[str, str]

    @property
    def is_measured(self) -> bool:
        """Whether it says something of allowances that can be measured."""
        return self.limit.kind in _KINDS and self.limit.currency in {"", CNY_CODE}

    def name_of(self, unit: Unit) -> str:
        """Give the name of its figure for a unit."""
        return f"schedule_{self.schedule.code}_{self.rule}_{self.place}_{self.subject_of(unit)}"

    def subject_of(self, unit: Unit) -> str:
        """Give what it looks at of a unit: the unit itself, or its scheme."""
        return str(unit) if self.limit.kind == "ASSET" else str(unit.scheme)

    def label_of(self, unit: Unit) -> tuple[str, str]:
        """Name it for readers: schedule, rule, criterion, kind and what of the unit it looks at."""
        kind, subject = _KINDS[self.limit.kind], self.subject_of(unit)
        return (
            f"担保品清单 {self.schedule.code} 第 {self.rule} 条（{self.criteria[0]}）{kind[0]}：{subject} ",
            f"schedule {self.schedule.code}, rule {self.rule} ({self.criteria[1]}), {kind[1]}: {subject}",
        )

    def short_label_of(self, unit: Unit) -> tuple[str, str]:
        """Name it beside the schedule itself, whose tree says the criterion."""
        zh, en = _KINDS[self.limit.kind]
        subject, place = self.subject_of(unit), f"{self.rule}.{self.place}"
        return f"第 {place} 项 {zh.partition('（')[0]} {subject}", f"{place} {en.partition(',')[0]} {subject}"

    @property
    def not_measured(self) -> tuple[str, str]:
        """Say that it is not measured, and why."""
        limit, code = self.limit, self.schedule.code
        sign = "≤" if limit.is_inclusive else "<"
        said = f"{limit.kind} {sign} {limit.upper}{f' {limit.currency}' if limit.currency else ''}"
        why = (
            ("金额上限不是人民币", "its amount is not in CNY") if limit.kind in _KINDS
            else ("该口径对碳配额没有含义", "its kind has no meaning for allowances")
        )  # fmt: skip
        rule = (f"第 {self.rule} 条（{self.criteria[0]}）", f"rule {self.rule} ({self.criteria[1]})")
        return (
            f"担保品清单 {code} {rule[0]}的集中度上限 {said} 未计量：{why[0]}，须人工核对",
            f"schedule {code}, {rule[1]}: the limit {said} is not measured, {why[1]}; hold it by hand",
        )


def admitting_rules(rules: tuple[EligibilityRule, ...], asset: AssetOfUnit, *, on: date) -> tuple[int, ...]:
    """Give the numbers of the rules that admit a unit, the first is 1; none where an exclusion vetoes it."""
    found = eligibility_of(asset.asset, rules, on=on)
    return tuple(place + 1 for place in found.included_by) if found.is_eligible else ()


def limits_of(schedule: ScheduleInForce) -> Iterator[LimitOfRule]:
    """Give the limits of a schedule's admitting rules, in its order."""
    for number, rule in enumerate(schedule.rules, 1):
        if rule.treatment.is_included:
            for place, limit in enumerate(rule.treatment.limits, 1):
                yield LimitOfRule(
                    schedule=schedule, rule=number, place=place, limit=limit, criteria=criteria_words(rule.criteria)
                )
