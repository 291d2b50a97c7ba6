"""The collateral register as the API shows it."""

from msgspec import Struct

from collateral.calc.register import (
    BASE_NAMES,
    AcceptedClass,
    ConcentrationLine,
    LetGo,
    Register,
    RegisterPledge,
)
from collateral.schemas.book_limits import BookShareOut
from collateral.schemas.pledges import RefusalOut


class AcceptedClassOut(Struct, frozen=True, kw_only=True):
    """A class of units the bank takes, with its haircut and the most that may be lent on it."""

    scheme: str
    price_policy: str
    haircut_ratio: str | None
    initial_ratio: str
    ceiling_ratio: str | None
    document: str
    confirmed: bool

    @classmethod
    def of(cls, one: AcceptedClass) -> "AcceptedClassOut":
        """Show a class; `confirmed` is false where any value it rests on is not."""
        rights = [right for _, right in one.pledge_rights if right is not None]
        return cls(
            scheme=one.scheme.value,
            price_policy=one.policy.value,
            haircut_ratio=None if one.haircut_ratio is None else str(one.haircut_ratio),
            initial_ratio=one.initial.value,
            ceiling_ratio=None if one.ceiling_ratio is None else str(one.ceiling_ratio),
            document=one.price_part.document,
            confirmed=all(value.confirmed for value in (one.price_part, one.policy, one.initial, *rights)),
        )


class RegisterLineOut(Struct, frozen=True, kw_only=True):
    """One pledged unit as the decision valued it; the figures are null where coverage was never struck."""

    agreement_code: str
    pledgor: str
    unit: str
    quantity_t: int
    state: str
    registration_number: str | None
    freeze_reference: str
    valuation_date: str | None
    price_cny_per_t: str | None
    price_source: str
    haircut_ratio: str | None
    market_value_cny: str | None
    collateral_value_cny: str | None
    valuer: str
    decision_id: str | None
    serials: list[str]

    @classmethod
    def all_of(cls, one: RegisterPledge) -> "list[RegisterLineOut]":
        """Show the lines of a pledge."""
        return [
            cls(
                agreement_code=one.pledge.code,
                pledgor=one.pledgor_code,
                unit=line.unit,
                quantity_t=line.quantity_t,
                state=one.pledge.state,
                registration_number=one.pledge.registration_number,
                freeze_reference=one.freeze_reference,
                valuation_date=None if one.coverage is None else one.coverage.business_date.isoformat(),
                price_cny_per_t=None if line.valued is None else str(line.valued.price_cny_per_t),
                price_source=line.price_source,
                haircut_ratio=None if line.valued is None else str(line.valued.haircut_ratio),
                market_value_cny=None if line.valued is None else str(line.valued.market_value_cny),
                collateral_value_cny=None if line.valued is None else str(line.valued.collateral_value_cny),
                valuer=line.valuer,
                decision_id=None if one.coverage is None else one.coverage.decision_id,
                serials=[str(ranges) for ranges in line.serials],
            )
            for line in one.lines
        ]


class ConcentrationOut(Struct, frozen=True, kw_only=True):
    """A share of the market value of all pledged units, and the bank's limit; null where it set none."""

    base: str
    name: str
    market_value_cny: str
    share_ratio: str
    limit_ratio: str | None
    is_breach: bool

    @classmethod
    def of(cls, one: ConcentrationLine) -> "ConcentrationOut":
        """Show a share."""
        return cls(
            base=BASE_NAMES[one.base][1],
            name=one.name,
            market_value_cny=str(one.market_value_cny),
            share_ratio=str(one.share_ratio),
            limit_ratio=None if one.limit is None else one.limit.value,
            is_breach=one.is_breach,
        )


class LetGoOut(Struct, frozen=True, kw_only=True):
    """A release, a change done or a step of an enforcement."""

    agreement_code: str
    kind: str
    day: str
    units: str
    amount_cny: str | None
    words: str
    actor: str
    evidence: str

    @classmethod
    def of(cls, one: LetGo) -> "LetGoOut":
        """Show it."""
        return cls(
            agreement_code=one.code,
            kind=one.kind,
            day=one.day.isoformat(),
            units=one.units,
            amount_cny=None if one.amount_cny is None else str(one.amount_cny),
            words=one.words,
            actor=one.actor_name,
            evidence=one.evidence,
        )


class CollateralRegisterOut(Struct, frozen=True, kw_only=True):
    """The collateral register on the business date.

    `schedule_shares` is the book at the day's prices against the limits inside schedules in force; `schedule_notes`
    names what of them is not measured.
    """

    business_date: str
    is_sample: bool
    classes: list[AcceptedClassOut]
    lines: list[RegisterLineOut]
    concentrations: list[ConcentrationOut]
    schedule_shares: list[BookShareOut]
    schedule_notes: list[RefusalOut]
    let_go: list[LetGoOut]

    @classmethod
    def of(cls, found: Register) -> "CollateralRegisterOut":
        """Show a register."""
        return cls(
            business_date=found.business_date.isoformat(),
            is_sample=found.is_sample,
            classes=[AcceptedClassOut.of(one) for one in found.classes],
            lines=[line for one in found.pledges for line in RegisterLineOut.all_of(one)],
            concentrations=[ConcentrationOut.of(one) for one in found.concentrations],
            schedule_shares=[BookShareOut.of(one.share) for one in found.schedule_shares],
            schedule_notes=[RefusalOut.of(one) for one in found.schedule_notes],
            let_go=[LetGoOut.of(one) for one in found.let_go],
        )
