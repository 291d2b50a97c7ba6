"""Values of a compliance position: what it hangs on by year, and what comes out."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from carbonfin.kernel.allowances import Scheme, Unit
from carbonfin.rules.parameters import ParameterValue
from carbonfin.rules.trace import Figure
from collateral.calc.compliance_records import AllocationPart, EmissionsState
from collateral.calc.surrender import VintageUse

OBLIGATION, SHORTFALL = "obligation", "shortfall"
"""What an offset limit is a share of: of the whole obligation, or of what allowances leave short."""
MULTIPLE_OF_MEAN, NOT_KNOWN = "multiple_of_mean", "not_known"
"""How a shortfall is fined: a multiple of a mean price, or by a formula nobody has read yet."""


class LeftOutReason(StrEnum):
    """Why a unit held does not count for a year."""

    LATER_VINTAGE = "later_vintage"
    PAST_USE = "past_use"
    END_UNKNOWN = "end_unknown"
    EARLIER_YEAR = "earlier_year"


LEFT_OUT_NAMES: dict[LeftOutReason, tuple[str, str]] = {
    LeftOutReason.LATER_VINTAGE: ("后续年度配额", "of a later vintage"),
    LeftOutReason.PAST_USE: ("清缴时已过最后可用日且未结转", "past use by then and not carried over"),
    LeftOutReason.END_UNKNOWN: ("最后可用日未知，不予推定", "its last usable date is not known"),
    LeftOutReason.EARLIER_YEAR: ("用于更早年度清缴", "needed for an earlier year"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldUnit:
    """Units on the emitter's accounts, and until when they may be surrendered.

    Attributes:
        carried_over_t: Tonnes of it whose carry-over was granted: they stay usable in later years.
    """

    unit: Unit
    quantity_t: int
    use: VintageUse
    carried_over_t: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanPrice:
    """The mean price a fine takes, as far as it is known."""

    cny_per_t: Decimal
    source: str
    confirmed: bool
    note_zh: str
    note_en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PenaltyRule:
    """What a shortfall at a deadline costs by the regime in force that day.

    Attributes:
        regime: How the fine is found.
        low: Least multiple of the mean price, None where the regime has none.
        high: Most.
        mean: The mean price, None where no trade is known.
        next_year_cut: Whether the next allocation is cut, None where that is not known.
    """

    regime: ParameterValue
    low: ParameterValue | None
    high: ParameterValue | None
    mean: MeanPrice | None
    next_year_cut: ParameterValue | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OffsetRule:
    """How many of the admitted credits may stand for allowances: a share of the obligation or of the shortfall."""

    ratio: ParameterValue
    basis: ParameterValue
    credits: tuple[Scheme, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class YearInputs:
    """What is entered of one compliance year, and the rules of its deadline.

    Attributes:
        surrendered_t: Surrendered so far, None where that is not known.
        to_come_counted: Share of each part still to come that counts, in the order of `parts`.
        offset: None where no rule is known: then no credit counts.
        penalty: None where no regime is known.
    """

    compliance_year: int
    surrender_date: ParameterValue
    emissions_t: int
    emissions_state: EmissionsState
    emissions_source: str
    surrendered_t: int | None
    parts: tuple[AllocationPart, ...]
    to_come_counted: tuple[ParameterValue, ...]
    offset: OffsetRule | None
    penalty: PenaltyRule | None
    unconfirmed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrears:
    """Tonnes not surrendered for a year whose deadline has passed (欠缴): they are owed with the next year."""

    compliance_year: int
    emissions_t: int
    surrendered_t: int
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CompliancePositionInputs:
    """Everything the compliance position of one emitter in one scheme hangs on."""

    party_code: str
    scheme: Scheme
    valuation_date: date
    years: tuple[YearInputs, ...]
    arrears: tuple[Arrears, ...]
    units: tuple[HeldUnit, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UsableUnit:
    """Tonnes of a unit that can be surrendered for a year."""

    unit: Unit
    quantity_t: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """Tonnes of a unit held that do not count for a year, and why."""

    unit: Unit
    quantity_t: int
    reason: LeftOutReason


@dataclass(frozen=True, slots=True, kw_only=True)
class YearPosition:
    """Obligation and means of one year, whole tonnes; allowances first, then credits.

    Attributes:
        outstanding_t: Emissions and arrears, less what was surrendered.
        usable: Allowances held that count, after what earlier years need.
        balance_t: Allowances less obligation; negative is a shortfall before credits.
        credits_counted_t: Credits that would be used, within the limit.
        penalty_low_cny: Least fine of the shortfall, None where the regime or the price is not known.
    """

    compliance_year: int
    surrender_date: date
    emissions_t: int
    arrears_t: int
    surrendered_t: int
    outstanding_t: int
    usable: tuple[UsableUnit, ...]
    left_out: tuple[LeftOut, ...]
    to_come_t: int
    to_come_counted_t: int
    recallable_t: int
    balance_t: int
    credits_held_t: int
    offset_limit_t: int | None
    credits_counted_t: int
    surplus_t: int
    shortfall_t: int
    penalty_regime: str | None
    penalty_low_cny: Decimal | None
    penalty_high_cny: Decimal | None

    @property
    def usable_t(self) -> int:
        """Allowances held that count, all units together."""
        return sum(one.quantity_t for one in self.usable)


@dataclass(frozen=True, slots=True, kw_only=True)
class CompliancePositionOutcome:
    """The position by year in the order of the deadlines, with the trace of every figure."""

    years: tuple[YearPosition, ...]
    unconfirmed: tuple[str, ...]
    trace: tuple[Figure, ...]
