"""Which assets may serve as collateral: criteria that answer yes, no or not known, and exclusions that veto.

What is not known never admits: an inclusion needs a yes, and an exclusion vetoes unless its answer is no.
"""

import calendar as month_lengths
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import assert_never

from collateral.calc.repo_ratios import haircut_of_margin_ratio

Answer = bool | None
"""Yes, no, or None where a fact that the criterion asks is not known."""

_STANDARD_SCALE = (
    "AAA", "AA+", "AA", "AA-", "A+", "A", "A-", "BBB+", "BBB", "BBB-", "BB+", "BB", "BB-", "B+", "B", "B-", "CCC+",
    "CCC", "CCC-", "CC", "C", "D",
)  # fmt: skip
_MOODYS_SCALE = (
    "Aaa", "Aa1", "Aa2", "Aa3", "A1", "A2", "A3", "Baa1", "Baa2", "Baa3", "Ba1", "Ba2", "Ba3", "B1", "B2", "B3", "Caa1",
    "Caa2", "Caa3", "Ca", "C",
)  # fmt: skip
RATING_SCALES: dict[str, tuple[str, ...]] = {
    "STANDARD_AND_POORS": _STANDARD_SCALE,
    "FITCH": _STANDARD_SCALE,
    "MOODYS": _MOODYS_SCALE,
}
"""Long-term notations by agency, the best first; the same place is the same grade."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """A long-term rating by an agency, as it was written."""

    agency: str
    notation: str

    @property
    def grade(self) -> int | None:
        """Its place on the agency's scale, 0 the best; None where the scale does not have it: nothing is guessed."""
        scale = RATING_SCALES.get(self.agency, ())
        return scale.index(self.notation) if self.notation in scale else None


class PeriodUnit(StrEnum):
    """Units of a maturity bound."""

    DAY = "D"
    WEEK = "W"
    MONTH = "M"
    YEAR = "Y"


@dataclass(frozen=True, slots=True, kw_only=True)
class MaturityBound:
    """A bound on maturity, as a period from the day it is counted from."""

    count: int
    unit: PeriodUnit
    is_inclusive: bool

    def day_from(self, start: date) -> date:
        """Give the day on which the period ends; years and months by the calendar, at most the month's last day."""
        if self.unit in {PeriodUnit.DAY, PeriodUnit.WEEK}:
            return date.fromordinal(start.toordinal() + self.count * (7 if self.unit is PeriodUnit.WEEK else 1))
        months = start.month - 1 + self.count * (12 if self.unit is PeriodUnit.YEAR else 1)
        year, month = start.year + months // 12, months % 12 + 1
        return date(year, month, min(start.day, month_lengths.monthrange(year, month)[1]))


class MaturityKind(StrEnum):
    """From which day a maturity is counted."""

    REMAINING = "REMAINING_MATURITY"
    ORIGINAL = "ORIGINAL_MATURITY"


@dataclass(frozen=True, slots=True, kw_only=True)
class DebtTraits:
    """What distinguishes debt; an empty word is not stated (in a criterion: not asked)."""

    interest: str = ""
    redemption: str = ""
    secured: str = ""
    backing: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CollateralAsset:
    """What is known of an asset; an empty word, None, is not known; no ratings and no indices are known to be none."""

    asset_type: str
    security_type: str = ""
    debt: DebtTraits = DebtTraits()
    equity_type: str = ""
    depositary_receipt: str = ""
    issuer_type: str = ""
    issuer_country: str = ""
    currency: str = ""
    indices: frozenset[str] = frozenset()
    asset_ratings: tuple[Rating, ...] = ()
    issuer_ratings: tuple[Rating, ...] = ()
    issued_on: date | None = None
    matures_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AllOf:
    """Every part."""

    parts: tuple["Criteria", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyOf:
    """At least one part."""

    parts: tuple["Criteria", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoneOf:
    """Not the part."""

    part: "Criteria"


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeIs:
    """The kind of asset; an empty word asks nothing, and of several debt traits one must hold."""

    asset_type: str
    security_type: str = ""
    debt: tuple[DebtTraits, ...] = ()
    equity_type: str = ""
    depositary_receipt: str = ""


class Trait(StrEnum):
    """A fact of an asset that a criterion compares with one word."""

    ISSUER_TYPE = "issuer_type"
    ISSUER_COUNTRY = "issuer_country"
    CURRENCY = "currency"
    INDEX = "index"


@dataclass(frozen=True, slots=True, kw_only=True)
class TraitIs:
    """One fact equals one word; of indices, one does."""

    trait: Trait
    value: str


class Boundary(StrEnum):
    """Whether a rating must be at least or at most as good."""

    MINIMUM = "MINIMUM"
    MAXIMUM = "MAXIMUM"


class Mismatch(StrEnum):
    """Which rating counts where agencies disagree."""

    HIGHEST = "HIGHEST"
    LOWEST = "LOWEST"
    OWN = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RatedBy:
    """The agency rates the asset (or its issuer), and the rating that counts is on the right side of the boundary."""

    of_issuer: bool
    rating: Rating
    boundary: Boundary
    mismatch: Mismatch


@dataclass(frozen=True, slots=True, kw_only=True)
class MaturityIs:
    """The maturity lies between the bounds."""

    kind: MaturityKind
    lower: MaturityBound | None
    upper: MaturityBound | None


Leaf = TypeIs | TraitIs | RatedBy | MaturityIs
Criteria = AllOf | AnyOf | NoneOf | Leaf


@dataclass(frozen=True, slots=True, kw_only=True)
class ConcentrationLimit:
    """An upper limit on a share (a ratio) or, with a currency, on an amount; `kind` says of what."""

    kind: str
    upper: Decimal
    is_inclusive: bool
    currency: str

    def holds(self, measured: Decimal) -> bool:
        """Whether a measured share or amount keeps the limit."""
        return measured <= self.upper if self.is_inclusive else measured < self.upper


@dataclass(frozen=True, slots=True, kw_only=True)
class Treatment:
    """What becomes of an asset that meets the criteria; ratios that are not stated are None."""

    is_included: bool
    margin_ratio: Decimal | None
    haircut_ratio: Decimal | None
    fx_haircut_ratio: Decimal | None
    additional_haircut_ratio: Decimal | None
    limits: tuple[ConcentrationLimit, ...]

    @property
    def price_haircut_ratio(self) -> Decimal:
        """The haircut, or what the margin ratio amounts to, 1 - 1 / MR; nothing stated is no haircut."""
        if self.haircut_ratio is not None:
            return self.haircut_ratio
        return Decimal(0) if self.margin_ratio is None else haircut_of_margin_ratio(self.margin_ratio)


@dataclass(frozen=True, slots=True, kw_only=True)
class EligibilityRule:
    """Criteria and what they lead to."""

    criteria: Criteria
    treatment: Treatment


@dataclass(frozen=True, slots=True, kw_only=True)
class Eligibility:
    """The answer for an asset, with the places of the rules that decided it.

    Attributes:
        included_by: Rules that admit it.
        vetoed_by: Exclusions that it meets, or that it cannot be shown not to meet.
        treatment: Of the admitting rule with the largest price haircut; None where it is not eligible.
    """

    included_by: tuple[int, ...]
    vetoed_by: tuple[int, ...]
    treatment: Treatment | None

    @property
    def is_eligible(self) -> bool:
        """Admitted by a rule and vetoed by none."""
        return self.treatment is not None


def eligibility_of(asset: CollateralAsset, rules: tuple[EligibilityRule, ...], *, on: date) -> Eligibility:
    """Judge an asset by a schedule; one exclusion vetoes whatever admits it."""
    answers = [meets(asset, rule.criteria, on=on) for rule in rules]
    included = tuple(place for place, rule in enumerate(rules) if rule.treatment.is_included and answers[place] is True)
    vetoed = tuple(
        place for place, rule in enumerate(rules) if not rule.treatment.is_included and answers[place] is not False
    )
    treatment = None
    if included and not vetoed:
        treatment = max((rules[place].treatment for place in included), key=lambda one: one.price_haircut_ratio)
    return Eligibility(included_by=included, vetoed_by=vetoed, treatment=treatment)


def meets(asset: CollateralAsset, criteria: Criteria, *, on: date) -> Answer:
    """Answer criteria for an asset; "not" of what is not known is not known."""
    match criteria:
        case AllOf(parts=parts):
            return _every(meets(asset, part, on=on) for part in parts)
        case AnyOf(parts=parts):
            return _some(meets(asset, part, on=on) for part in parts)
        case NoneOf(part=part):
            answer = meets(asset, part, on=on)
            return None if answer is None else not answer
        case TypeIs():
            return _is_type(asset, criteria)
        case TraitIs(trait=trait, value=value):
            return value in asset.indices if trait is Trait.INDEX else _says(_trait(asset, trait), value)
        case RatedBy():
            return _is_rated(asset.issuer_ratings if criteria.of_issuer else asset.asset_ratings, criteria)
        case MaturityIs():
            return _matures(asset, criteria, on)
        case _:
            assert_never(criteria)


def unmet(asset: CollateralAsset, criteria: Criteria, *, on: date) -> tuple[Leaf, ...]:
    """Name the leaves that keep an asset from meeting criteria; none where it meets them."""
    if meets(asset, criteria, on=on) is True:
        return ()
    match criteria:
        case AllOf(parts=parts) | AnyOf(parts=parts):
            return tuple(leaf for part in parts for leaf in unmet(asset, part, on=on))
        case NoneOf(part=part):
            return leaves_of(part)
        case leaf:
            return (leaf,)


def leaves_of(criteria: Criteria) -> tuple[Leaf, ...]:
    """Give the leaves of criteria, in their order."""
    match criteria:
        case AllOf(parts=parts) | AnyOf(parts=parts):
            return tuple(leaf for part in parts for leaf in leaves_of(part))
        case NoneOf(part=part):
            return leaves_of(part)
        case leaf:
            return (leaf,)


def _every(answers: Iterable[Answer]) -> Answer:
    found = set(answers)
    return False if False in found else None if None in found else True


def _some(answers: Iterable[Answer]) -> Answer:
    found = set(answers)
    return True if True in found else None if None in found else False


def _says(known: str, asked: str) -> Answer:
    if not asked:
        return True
    return known == asked if known else None


def _trait(asset: CollateralAsset, trait: Trait) -> str:
    return {
        Trait.ISSUER_TYPE: asset.issuer_type,
        Trait.ISSUER_COUNTRY: asset.issuer_country,
        Trait.CURRENCY: asset.currency,
    }[trait]


def _is_type(asset: CollateralAsset, asked: TypeIs) -> Answer:
    words = (
        _says(asset.asset_type, asked.asset_type),
        _says(asset.security_type, asked.security_type),
        _says(asset.equity_type, asked.equity_type),
        _says(asset.depositary_receipt, asked.depositary_receipt),
    )
    debts = [
        _every(
            (
                _says(asset.debt.interest, one.interest),
                _says(asset.debt.redemption, one.redemption),
                _says(asset.debt.secured, one.secured),
                _says(asset.debt.backing, one.backing),
            )
        )
        for one in asked.debt
    ]
    return _every((*words, _some(debts) if debts else True))


def _is_rated(ratings: tuple[Rating, ...], asked: RatedBy) -> Answer:
    own = [one for one in ratings if one.agency == asked.rating.agency]
    if not own:
        return False
    wanted = asked.rating.grade
    grades = [one.grade for one in (own if asked.mismatch is Mismatch.OWN else ratings)]
    known = [grade for grade in grades if grade is not None]
    if wanted is None or len(known) < len(grades):
        return None
    counted = min(known) if asked.mismatch is Mismatch.HIGHEST else max(known)
    return counted <= wanted if asked.boundary is Boundary.MINIMUM else counted >= wanted


def _matures(asset: CollateralAsset, asked: MaturityIs, on: date) -> Answer:
    start = on if asked.kind is MaturityKind.REMAINING else asset.issued_on
    if start is None or asset.matures_on is None:
        return None
    lower, upper = asked.lower, asked.upper
    if lower is not None:
        day = lower.day_from(start)
        if asset.matures_on < day or (asset.matures_on == day and not lower.is_inclusive):
            return False
    if upper is None:
        return True
    day = upper.day_from(start)
    return asset.matures_on < day or (asset.matures_on == day and upper.is_inclusive)
