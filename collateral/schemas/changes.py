"""Changes of pledges as the API shows them."""

from decimal import Decimal
from typing import Annotated, Literal

from msgspec import Meta, Struct

from carbonfin.web.wire import CnyText, decimal_of
from collateral.calc.change_weighing import ChangeOutcome
from collateral.calc.pledge_changes import CHANGE, ChangeDraft, ChangeEvent, ChangeKind, PledgeChange
from collateral.schemas.book_limits import BookShareOut
from collateral.schemas.holdings import ChosenSerialsOut, UnitSerialsIn, serials_of
from collateral.schemas.pledges import UNITS_MAX, RefusalOut, ScenarioOut, UnitQuantityIn, UnitQuantityOut

ReasonText = Annotated[str, Meta(min_length=1, max_length=2000, pattern=r"\S", description="Why, in words.")]


EvidenceText = Annotated[
    str,
    Meta(
        pattern=r"^[0-9a-f]{64}$",
        description="The SHA-256 of an evidence file sent under `/v1/files` before.",
        examples=["ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
    ),
]


class ChangeIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A change asked for: a top-up adds, a partial release frees, a substitution does both.

    A conversion frees tonnes of one vintage and adds as many of a later one of the same scheme, which the registry
    makes of them while they stay frozen; `evidence_digest` names the document that grants it.
    Of units that carry serial numbers the named ones are frozen or let go; where none are named, the lowest free are
    frozen and the highest locked are let go.
    """

    kind: Literal["top_up", "substitution", "part_release", "conversion"]
    reason: ReasonText
    added: Annotated[list[UnitQuantityIn], Meta(max_length=UNITS_MAX)] = []
    freed: Annotated[list[UnitQuantityIn], Meta(max_length=UNITS_MAX)] = []
    repayment_cny: CnyText = "0.00"
    added_serials: Annotated[list[UnitSerialsIn], Meta(max_length=UNITS_MAX)] = []
    freed_serials: Annotated[list[UnitSerialsIn], Meta(max_length=UNITS_MAX)] = []
    evidence_digest: EvidenceText | None = None

    def draft(self) -> ChangeDraft:
        """Give the domain value."""
        return ChangeDraft(
            kind=ChangeKind(self.kind),
            added=tuple(one.value() for one in self.added),
            freed=tuple(one.value() for one in self.freed),
            repayment_cny=decimal_of(self.repayment_cny),
            reason=self.reason,
            added_serials=serials_of(self.added_serials, field="added_serials"),
            freed_serials=serials_of(self.freed_serials, field="freed_serials"),
            evidence_digest=self.evidence_digest or "",
        )


class ReasonIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why a step is taken."""

    reason: ReasonText


class ChangePreviewOut(Struct, frozen=True, kw_only=True):
    """What a change would do, and every reason against it; `notes` stop nothing."""

    is_acceptable: bool
    collateral_value_before_cny: str
    coverage_before_ratio: str | None
    market_value_cny: str
    collateral_value_cny: str
    debt_cny: str
    coverage_ratio: str | None
    level: str
    closeout_days: int
    last_safe_date: str | None
    last_safe_date_kind: str
    headroom_after_t: dict[str, int]
    scenarios: list[ScenarioOut]
    refusals: list[RefusalOut]
    notes: list[RefusalOut]
    unconfirmed: list[str]
    shares: list[BookShareOut]

    @classmethod
    def of(cls, value: ChangeOutcome) -> "ChangePreviewOut":
        """Copy the domain value."""
        after = value.valuation
        return cls(
            is_acceptable=value.is_acceptable,
            collateral_value_before_cny=str(value.collateral_value_before_cny),
            coverage_before_ratio=_text(value.coverage_before_ratio),
            market_value_cny=str(after.market_value_cny),
            collateral_value_cny=str(after.collateral_value_cny),
            debt_cny=str(after.debt_cny),
            coverage_ratio=_text(after.coverage_ratio),
            level=str(after.level),
            closeout_days=value.closeout_days,
            last_safe_date=None if value.safe_date.day is None else value.safe_date.day.isoformat(),
            last_safe_date_kind=str(value.safe_date.kind),
            headroom_after_t=dict(value.headroom_after_t),
            scenarios=[ScenarioOut.of(one) for one in value.scenarios],
            refusals=[RefusalOut.of(one) for one in value.refusals],
            notes=[RefusalOut.of(one) for one in value.notes],
            unconfirmed=list(value.unconfirmed),
            shares=[BookShareOut.of(one) for one in value.shares or ()],
        )


class ChangeEventOut(Struct, frozen=True, kw_only=True):
    """One step of a change."""

    event: str
    state_before: str
    state_after: str
    business_date: str
    happened_at: str
    actor_name: str
    cause: str
    decision_id: str | None

    @classmethod
    def of(cls, event: ChangeEvent) -> "ChangeEventOut":
        """Copy the domain value."""
        return cls(
            event=event.event,
            state_before=event.state_before,
            state_after=event.state_after,
            business_date=event.business_date.isoformat(),
            happened_at=event.happened_at.isoformat().replace("+00:00", "Z"),
            actor_name=event.actor_name,
            cause=event.cause,
            decision_id=event.decision_id,
        )


class PledgeChangeOut(Struct, frozen=True, kw_only=True):
    """A change and where it stands."""

    change_id: str
    pledge_id: str
    number: int
    kind: str
    state: str
    state_zh: str
    added: list[UnitQuantityOut]
    freed: list[UnitQuantityOut]
    repayment_cny: str
    reason: str
    decision_id: str
    started_on: str
    maker_name: str
    added_serials: list[ChosenSerialsOut] = []
    freed_serials: list[ChosenSerialsOut] = []
    evidence_digest: str | None = None

    @classmethod
    def of(cls, value: PledgeChange) -> "PledgeChangeOut":
        """Copy the domain value."""
        return cls(
            change_id=value.id,
            pledge_id=value.pledge_id,
            number=value.number,
            kind=str(value.kind),
            state=value.state,
            state_zh=CHANGE.states[value.state],
            added=[UnitQuantityOut.of(one) for one in value.added],
            freed=[UnitQuantityOut.of(one) for one in value.freed],
            repayment_cny=str(value.repayment_cny),
            reason=value.reason,
            decision_id=value.decision_id,
            started_on=value.started_on.isoformat(),
            maker_name=value.maker_name,
            added_serials=ChosenSerialsOut.all_of(value.added_serials),
            freed_serials=ChosenSerialsOut.all_of(value.freed_serials),
            evidence_digest=value.evidence_digest or None,
        )


class ChangeListOut(Struct, frozen=True, kw_only=True):
    """The changes of a pledge in the order they were asked for."""

    changes: list[PledgeChangeOut]


class ChangeDetailOut(Struct, frozen=True, kw_only=True):
    """A change with its steps."""

    change: PledgeChangeOut
    timeline: list[ChangeEventOut]


def _text(value: Decimal | None) -> str | None:
    return None if value is None else str(value)
