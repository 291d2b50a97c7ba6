"""What is entered of an emitter's compliance year: emissions, what was surrendered, and allocation by state."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from carbonfin.kernel.allowances import CREDITS, Scheme
from carbonfin.kernel.errors import InvalidInput


class EmissionsState(StrEnum):
    """How far emissions are established."""

    VERIFIED = "verified"
    REPORTED = "reported"
    FORECAST = "forecast"


EMISSIONS_STATE_NAMES: dict[EmissionsState, tuple[str, str]] = {
    EmissionsState.VERIFIED: ("核查排放量", "Verified emissions"),
    EmissionsState.REPORTED: ("报告排放量（未核查）", "Reported emissions, not verified"),
    EmissionsState.FORECAST: ("预测排放量", "Forecast emissions"),
}


class AllocationState(StrEnum):
    """The step of allocation a quantity comes from."""

    PRE_ALLOCATED = "pre_allocated"
    VERIFIED = "verified"
    ADJUSTED = "adjusted"


ALLOCATION_STATE_NAMES: dict[AllocationState, tuple[str, str]] = {
    AllocationState.PRE_ALLOCATED: ("预分配", "Pre-allocated"),
    AllocationState.VERIFIED: ("核定", "Verified"),
    AllocationState.ADJUSTED: ("调整", "Adjusted"),
}


class AllocationStanding(StrEnum):
    """Where a quantity stands: on the account, still to come, or on the account and liable to be taken back."""

    ISSUED = "issued"
    TO_COME = "to_come"
    RECALLABLE = "recallable"


ALLOCATION_STANDING_NAMES: dict[AllocationStanding, tuple[str, str]] = {
    AllocationStanding.ISSUED: ("已发放", "Issued"),
    AllocationStanding.TO_COME: ("待发放", "Still to come"),
    AllocationStanding.RECALLABLE: ("可能收回", "Subject to recall"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocationPart:
    """A quantity allocated for one compliance year, by state and standing.

    Attributes:
        unconfirmed: Why the quantity is 未确认, or empty.
    """

    state: AllocationState
    standing: AllocationStanding
    quantity_t: int
    source: str
    unconfirmed: str = ""

    def __post_init__(self) -> None:
        """Refuse negative tonnes: what may be taken back has a standing of its own."""
        if self.quantity_t < 0:
            raise InvalidInput(
                f"allocation {self.state} {self.standing} is {self.quantity_t} t",
                zh="配额数量不能为负",
                field="quantity_t",
                remedy="Give what may be taken back as recallable.",
                remedy_zh="可能收回的数量请按“可能收回”填写。",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class CompliancePosition:
    """What an emitter must surrender and still receives for one compliance year.

    Attributes:
        allocation_t: Allocation as finally approved, None where that is not known.
        issued_t: What was issued of it so far, None where that is not known.
        true_up_expected_t: What is still to come, all states together.
        unconfirmed: Why a figure here is 未确认, or empty.
        surrendered_t: What was surrendered for the year so far, None where that is not known.
        as_of: Day the figures describe, None where the document does not say.
        parts: Allocation by state; empty where only totals are known.
    """

    party_id: str
    scheme: Scheme
    compliance_year: int
    emissions_t: int
    emissions_source: str
    allocation_t: int | None
    issued_t: int | None
    true_up_expected_t: int
    true_up_source: str
    unconfirmed: str
    known_from: date
    emissions_state: EmissionsState = EmissionsState.VERIFIED
    surrendered_t: int | None = None
    as_of: date | None = None
    parts: tuple[AllocationPart, ...] = ()

    def __post_init__(self) -> None:
        """Refuse negative tonnes, and parts that do not add up to the totals beside them."""
        for name in ("emissions_t", "true_up_expected_t", "allocation_t", "issued_t", "surrendered_t"):
            value: int | None = getattr(self, name)
            if value is not None and value < 0:
                raise InvalidInput(f"{name} is {value}", zh="吨数不能为负", field=name)
        if not self.parts:
            return
        for name, standing in (
            ("true_up_expected_t", AllocationStanding.TO_COME),
            ("issued_t", AllocationStanding.ISSUED),
        ):
            total_t, parts_t = getattr(self, name), total_of(self.parts, standing)
            if total_t is not None and total_t != parts_t:
                raise InvalidInput(
                    f"{name} is {total_t}, its parts add up to {parts_t}",
                    zh=f"{ALLOCATION_STANDING_NAMES[standing][0]}合计 {total_t} 吨，与各状态之和 {parts_t} 吨不符",
                    field=name,
                )

    @property
    def allocation(self) -> tuple[AllocationPart, ...]:
        """Allocation by state; of totals alone: issued, to come, and what was issued beyond the approved quantity."""
        if self.parts:
            return self.parts
        beyond_t = max(0, (self.issued_t or 0) - self.allocation_t) if self.allocation_t is not None else 0
        return tuple(
            AllocationPart(
                state=state,
                standing=standing,
                quantity_t=quantity_t,
                source=self.true_up_source,
                unconfirmed=self.unconfirmed,
            )
            for state, standing, quantity_t in (
                (AllocationState.PRE_ALLOCATED, AllocationStanding.ISSUED, self.issued_t or 0),
                (AllocationState.VERIFIED, AllocationStanding.TO_COME, self.true_up_expected_t),
                (AllocationState.VERIFIED, AllocationStanding.RECALLABLE, beyond_t),
            )
            if quantity_t
        )


def total_of(parts: tuple[AllocationPart, ...], standing: AllocationStanding) -> int:
    """Add up the parts of one standing, tonnes."""
    return sum(one.quantity_t for one in parts if one.standing is standing)


def statement_of(
    *,
    party_id: str,
    scheme: Scheme,
    compliance_year: int,
    emissions_t: int,
    emissions_state: EmissionsState,
    emissions_source: str,
    surrendered_t: int | None,
    as_of: date | None,
    parts: tuple[AllocationPart, ...],
    unconfirmed: str,
    known_from: date,
) -> CompliancePosition:
    """Give the statement of a year whose allocation is told by state; totals follow from the parts.

    The allocation counts as finally approved once a part is verified or adjusted.

    Raises:
        InvalidInput: Tonnes are negative, or credits are named as what must be surrendered.
    """
    if scheme in CREDITS:
        raise InvalidInput(
            f"{scheme} is a credit; nobody must surrender it",
            zh=f"{scheme} 为减排量，不是清缴义务所用配额",
            field="scheme",
            remedy="Name the scheme of the allowances, such as CEA or SZA.",
            remedy_zh="请填写配额市场，例如 CEA 或 SZA。",
        )
    issued_t = total_of(parts, AllocationStanding.ISSUED)
    to_come_t = total_of(parts, AllocationStanding.TO_COME)
    recallable_t = total_of(parts, AllocationStanding.RECALLABLE)
    is_final = any(one.state is not AllocationState.PRE_ALLOCATED for one in parts)
    coming = dict.fromkeys(one.source for one in parts if one.standing is AllocationStanding.TO_COME)
    return CompliancePosition(
        party_id=party_id,
        scheme=scheme,
        compliance_year=compliance_year,
        emissions_t=emissions_t,
        emissions_source=emissions_source,
        allocation_t=max(0, issued_t + to_come_t - recallable_t) if is_final else None,
        issued_t=issued_t if parts else None,
        true_up_expected_t=to_come_t,
        true_up_source="；".join(coming),
        unconfirmed=unconfirmed,
        known_from=known_from,
        emissions_state=emissions_state,
        surrendered_t=surrendered_t,
        as_of=as_of,
        parts=parts,
    )
