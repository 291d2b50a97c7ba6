"""The collateral register (押品台账): what is accepted, what is held, how concentrated, what was let go."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_FLOOR, Decimal
from enum import StrEnum

from carbonfin.kernel.allowances import Scheme, Unit
from carbonfin.rules.parameters import ParameterValue
from collateral.calc.agreements import CoverageRecord, Pledge
from collateral.calc.book_limits import BookShare
from collateral.calc.concentration import concentration_of
from collateral.calc.coverage import ValuedLine
from collateral.calc.refusals import Refusal
from collateral.calc.serials import Ranges

_PLACES = Decimal("0.0001")


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedClass:
    """A class of units the bank takes as collateral, with the dated values that say so.

    Attributes:
        haircut_ratio: h as the haircut table puts it together; None where it differs by vintage or is not decided.
        price_part: The bank's own dated part of the haircut.
        policy: How a price is chosen.
        policy_label: The policy in Chinese.
        pledge_rights: Kind of holder in Chinese, and the dated answer whether it may pledge; None where none is known.
    """

    scheme: Scheme
    haircut_ratio: Decimal | None
    price_part: ParameterValue
    policy: ParameterValue
    policy_label: str
    initial: ParameterValue
    pledge_rights: tuple[tuple[str, ParameterValue | None], ...]

    @property
    def ceiling_ratio(self) -> Decimal | None:
        """Most that may be lent per 元 of market value (抵质押率上限): (1 - h) / initial line, rounded down."""
        if self.haircut_ratio is None:
            return None
        return ((1 - self.haircut_ratio) / self.initial.decimal).quantize(_PLACES, rounding=ROUND_FLOOR)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterLine:
    """One unit under one pledge as it was last valued.

    Attributes:
        valued: The line of the decision; None where coverage was never struck, or not since the unit came under it.
        price_source: Where the price came from, with its day, as the decision's trace says.
        valuer: Who struck it, as the decision says.
        serials: The serial numbers locked for the pledge; none where the units carry none.
    """

    quantity_t: int
    unit: str
    valued: ValuedLine | None
    price_source: str
    valuer: str
    serials: Ranges = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterPledge:
    """One pledge on the register.

    Attributes:
        freeze_reference: The registry's receipt for the freeze; empty where none is kept.
        unconfirmed: What its coverage rests on and nobody has confirmed, in Chinese words.
    """

    pledge: Pledge
    pledgor_name: str
    pledgor_code: str
    freeze_reference: str
    lines: tuple[RegisterLine, ...]
    coverage: CoverageRecord | None
    unconfirmed: tuple[str, ...]


class ConcentrationBase(StrEnum):
    """By what a bank's collateral is added up."""

    PLEDGOR = "pledgor"
    SCHEME = "scheme"
    UNIT = "unit"


BASE_NAMES: dict[ConcentrationBase, tuple[str, str]] = {
    ConcentrationBase.PLEDGOR: ("出质人", "pledgor"),
    ConcentrationBase.SCHEME: ("品种", "scheme"),
    ConcentrationBase.UNIT: ("配额年度", "vintage"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ConcentrationLine:
    """One name's share of the collateral held, pledges and own repos, against the bank's limit; None without one."""

    base: ConcentrationBase
    name: str
    market_value_cny: Decimal
    share_ratio: Decimal
    limit: ParameterValue | None

    @property
    def is_breach(self) -> bool:
        """Whether the share lies above the limit."""
        return self.limit is not None and self.share_ratio > self.limit.decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleLine:
    """What is held of a name at the day's prices, before haircut, against a limit inside a schedule."""

    schedule: str
    share: BookShare
    held_cny: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class LetGo:
    """A release, partial release, substitution or sale, with the day and who did it.

    Attributes:
        amount_cny: Repayment against it, or proceeds of the sale; None where there is none.
        evidence: Number or digest of what shows it.
    """

    code: str
    pledgor_name: str
    kind: str
    day: date
    units: str
    amount_cny: Decimal | None
    words: str
    actor_name: str
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """The register of a bank on a business date.

    Attributes:
        schedule_shares: The book at the day's prices against the limits inside schedules in force.
        schedule_notes: Limits of schedules that are not measured, and units without a price of the day.
    """

    business_date: date
    bank: str
    is_sample: bool
    classes: tuple[AcceptedClass, ...]
    pledges: tuple[RegisterPledge, ...]
    concentrations: tuple[ConcentrationLine, ...]
    schedule_shares: tuple[ScheduleLine, ...]
    schedule_notes: tuple[Refusal, ...]
    let_go: tuple[LetGo, ...]
    parameters: tuple[ParameterValue, ...]


def concentrations_of(
    held: Iterable[tuple[str, Unit, Decimal]], limits: dict[ConcentrationBase, ParameterValue | None]
) -> tuple[ConcentrationLine, ...]:
    """Give each name's share of the market value of what is held, by base, the largest first.

    share = market value of the name / market value of all, before haircut on both sides.

    Args:
        held: Pledgor or seller, unit and market value in 元 of each valued line.
        limits: The bank's dated limit by base; None where it set none.
    """
    totals: dict[ConcentrationBase, dict[str, Decimal]] = {base: {} for base in ConcentrationBase}
    for pledgor_name, unit, market_value_cny in held:
        names = {
            ConcentrationBase.PLEDGOR: pledgor_name,
            ConcentrationBase.SCHEME: str(unit.scheme),
            ConcentrationBase.UNIT: str(unit),
        }
        for base, name in names.items():
            totals[base][name] = totals[base].get(name, Decimal("0.00")) + market_value_cny
    return tuple(
        ConcentrationLine(
            base=base, name=share.name, market_value_cny=share.amount, share_ratio=share.share_ratio,
            limit=limits.get(base),
        )
        for base in ConcentrationBase
        for share in concentration_of(totals[base]).shares
    )  # fmt: skip
