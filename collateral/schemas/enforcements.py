"""Enforcements and authorities' acts as the API takes and shows them."""

from decimal import Decimal
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.parties import Party
from carbonfin.web.proposals import ProposedOut
from carbonfin.web.wire import CnyText, DayText, FigureOut, IdText, QuantityT, UnitText, day_of, decimal_of
from collateral.calc.authority_acts import ActDraft, ActKind, AuthorityAct
from collateral.calc.enforcement import DistributionOutcome, LotSold, SaleMethod, SaleOutcome
from collateral.calc.enforcement_acts import ACT_WORDS
from collateral.calc.sale_means import MeansOutcome
from collateral.schemas.changes import EvidenceText, ReasonText
from collateral.schemas.pledges import UNITS_MAX, PartyCodeText, RefusalOut, UnitQuantityOut
from collateral.service import EnforcementView, SaleDraft

LotPriceText = Annotated[
    str,
    Meta(
        pattern=r"^(0|[1-9][0-9]{0,8})(\.[0-9]{1,2})?$",
        description="A price a tonne, at most to the fen, as plain text.",
        examples=["28.00"],
    ),
]
MethodText = Literal["auction", "negotiated"]


class GroundIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A step with its ground and the file that shows it."""

    ground: ReasonText
    evidence_digest: EvidenceText


class MeansIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The means by which units are to be sold, for another person to approve."""

    method: MethodText
    ground: ReasonText
    evidence_digest: EvidenceText


class MethodIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A means whose bands are asked for."""

    method: MethodText


class LotIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Tonnes of one unit sold at a price; `buyer_id` where another than the sale's buyer bought it.

    A unit may be split among several buyers, a lot for each.
    """

    unit: UnitText
    quantity_t: QuantityT
    price_cny_per_t: LotPriceText
    buyer_id: IdText | None = None


class SaleIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A sale as it was struck; without a buyer the bank itself takes title, where the table of rights allows it."""

    method: MethodText
    lots: Annotated[list[LotIn], Meta(min_length=1, max_length=UNITS_MAX)]
    buyer_id: IdText | None
    evidence_digest: EvidenceText

    def draft(self) -> SaleDraft:
        """Give the domain value."""
        return SaleDraft(
            method=SaleMethod(self.method),
            lots=tuple(
                LotSold(
                    unit=Unit.parse(one.unit),
                    quantity_t=one.quantity_t,
                    price_cny_per_t=decimal_of(one.price_cny_per_t),
                )
                for one in self.lots
            ),
            buyer_id=self.buyer_id,
            evidence_digest=self.evidence_digest,
            buyers=tuple(one.buyer_id or self.buyer_id for one in self.lots),
        )  # fmt: skip


class CostsIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Costs of the enforcement, to preview the waterfall."""

    costs_cny: CnyText


class DistributionIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Costs of the enforcement and the file that shows them, for another person to approve."""

    costs_cny: CnyText
    evidence_digest: EvidenceText


class BandOut(Struct, frozen=True, kw_only=True):
    """The lowest and highest price of one unit on the day."""

    unit: str
    quantity_t: int
    reference_cny_per_t: str
    floor_cny_per_t: str
    cap_cny_per_t: str
    floor_proceeds_cny: str
    cap_proceeds_cny: str


class MeansOut(Struct, frozen=True, kw_only=True):
    """The bands of the day with their trace; `gap_cny` is what of the claim the lowest prices would leave unmet."""

    bands: list[BandOut]
    floor_proceeds_cny: str
    cap_proceeds_cny: str
    gap_cny: str
    unconfirmed: list[str]
    trace: list[FigureOut]

    @classmethod
    def of(cls, value: MeansOutcome) -> "MeansOut":
        """Copy the domain value."""
        return cls(
            bands=[
                BandOut(
                    unit=str(one.unit), quantity_t=one.quantity_t, reference_cny_per_t=str(one.reference_cny_per_t),
                    floor_cny_per_t=str(one.floor_cny_per_t), cap_cny_per_t=str(one.cap_cny_per_t),
                    floor_proceeds_cny=str(one.floor_proceeds_cny), cap_proceeds_cny=str(one.cap_proceeds_cny),
                )
                for one in value.bands
            ],
            floor_proceeds_cny=str(value.floor_proceeds_cny),
            cap_proceeds_cny=str(value.cap_proceeds_cny),
            gap_cny=str(value.gap_cny),
            unconfirmed=list(value.unconfirmed),
            trace=[FigureOut.of(one) for one in value.trace],
        )  # fmt: skip


class SaleOut(Struct, frozen=True, kw_only=True):
    """What a sale brings, every reason against it, and its trace; `decision_id` is null for a preview."""

    is_acceptable: bool
    proceeds_cny: str
    units_left: list[UnitQuantityOut]
    refusals: list[RefusalOut]
    unconfirmed: list[str]
    trace: list[FigureOut]
    decision_id: str | None

    @classmethod
    def of(cls, value: SaleOutcome, decision_id: str | None) -> "SaleOut":
        """Copy the domain value."""
        return cls(
            is_acceptable=not value.refusals,
            proceeds_cny=str(value.proceeds_cny),
            units_left=[UnitQuantityOut.of(one) for one in value.units_left],
            refusals=[RefusalOut.of(one) for one in value.refusals],
            unconfirmed=list(value.unconfirmed),
            trace=[FigureOut.of(one) for one in value.trace],
            decision_id=decision_id,
        )


class ShareOut(Struct, frozen=True, kw_only=True):
    """One step of the waterfall."""

    name: str
    label_zh: str
    label_en: str
    owed_cny: str
    paid_cny: str
    open_cny: str


class DistributionOut(Struct, frozen=True, kw_only=True):
    """The waterfall: costs, interest, principal, then the pledgor; what is not met stays a claim."""

    shares: list[ShareOut]
    surplus_cny: str
    shortfall_cny: str
    trace: list[FigureOut]

    @classmethod
    def of(cls, value: DistributionOutcome) -> "DistributionOut":
        """Copy the domain value."""
        return cls(
            shares=[
                ShareOut(
                    name=one.name, label_zh=one.label_zh, label_en=one.label_en, owed_cny=str(one.owed_cny),
                    paid_cny=str(one.paid_cny), open_cny=str(one.open_cny),
                )
                for one in value.shares
            ],
            surplus_cny=str(value.surplus_cny),
            shortfall_cny=str(value.shortfall_cny),
            trace=[FigureOut.of(one) for one in value.trace],
        )  # fmt: skip


class EnforcementStepOut(Struct, frozen=True, kw_only=True):
    """One step with its evidence; `details` are the figures and names of its kind."""

    kind: str
    business_date: str
    happened_at: str
    actor_name: str
    cause: str
    evidence_digest: str
    decision_id: str | None
    details: dict[str, Any]


class TransferOut(Struct, frozen=True, kw_only=True):
    """The request to hand over what was sold: OPEN until the registry answers, never voided by silence."""

    state: str
    request_key: str
    reason: str
    units: list[UnitQuantityOut]


class EnforcementOut(Struct, frozen=True, kw_only=True):
    """Where the enforcement of a pledge stands; its own fields are null where no default was declared yet."""

    pledge_id: str
    pledge_code: str
    pledge_state: str
    number: int | None
    state: str | None
    ground: str | None
    principal_cny: str | None
    accrued_cny: str | None
    opened_on: str | None
    maker_name: str | None
    checker_name: str | None
    next_act: str
    next_act_zh: str
    next_actor: str
    next_actor_zh: str
    waiting: ProposedOut | None
    transfer: TransferOut | None
    steps: list[EnforcementStepOut]

    @classmethod
    def of(cls, value: EnforcementView) -> "EnforcementOut":
        """Copy the domain value."""
        opened, words = value.enforcement, ACT_WORDS[value.next_act]
        return cls(
            pledge_id=value.pledge.id,
            pledge_code=value.pledge.code,
            pledge_state=value.pledge.state,
            number=None if opened is None else opened.number,
            state=None if opened is None else opened.state,
            ground=None if opened is None else opened.ground,
            principal_cny=None if opened is None else str(opened.principal_cny),
            accrued_cny=None if opened is None else str(opened.accrued_cny),
            opened_on=None if opened is None else opened.opened_on.isoformat(),
            maker_name=None if opened is None else opened.maker_name,
            checker_name=None if opened is None else opened.checker_name,
            next_act=value.next_act.value,
            next_act_zh=words.zh,
            next_actor=words.who_en,
            next_actor_zh=words.who_zh,
            waiting=None if value.waiting is None else ProposedOut.of(value.waiting),
            transfer=None
            if value.transfer is None
            else TransferOut(
                state=value.transfer.state,
                request_key=value.transfer.request_key,
                reason=value.transfer.reason,
                units=[UnitQuantityOut(unit=one.unit, quantity_t=one.quantity_t) for one in value.transfer.units],
            ),
            steps=[
                EnforcementStepOut(
                    kind=one.kind, business_date=one.business_date.isoformat(),
                    happened_at=one.happened_at.isoformat().replace("+00:00", "Z"), actor_name=one.actor_name,
                    cause=one.cause, evidence_digest=one.evidence_digest, decision_id=one.decision_id,
                    details=dict(one.details),
                )
                for one in value.steps
            ],
        )  # fmt: skip


class AuthorityActIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An act as its document orders it; a lift, and a deduction of frozen units, names the freeze it follows."""

    kind: Literal["freeze", "lift", "deduction"]
    holder: PartyCodeText
    pledge_id: IdText | None
    unit: UnitText
    quantity_t: QuantityT
    freeze_id: IdText | None
    authority: Annotated[str, Meta(min_length=1, max_length=200, description="Who orders it, such as a court.")]
    document: Annotated[str, Meta(min_length=1, max_length=200, description="The document's number.")]
    document_date: DayText
    evidence_digest: EvidenceText

    def draft(self, holder: Party) -> ActDraft:
        """Give the domain value."""
        return ActDraft(
            kind=ActKind(self.kind), party_id=holder.id, pledge_id=self.pledge_id, unit=Unit.parse(self.unit),
            quantity_t=self.quantity_t, freeze_id=self.freeze_id, authority=self.authority, document=self.document,
            document_date=day_of(self.document_date, field="document_date"), evidence_digest=self.evidence_digest,
        )  # fmt: skip


class AuthorityActOut(Struct, frozen=True, kw_only=True):
    """An act as it is recorded; `outstanding_t` is what a freeze still holds."""

    act_id: str
    kind: str
    party_id: str
    pledge_id: str | None
    unit: str
    quantity_t: int
    outstanding_t: int
    freeze_id: str | None
    authority: str
    document: str
    document_date: str
    evidence_digest: str
    business_date: str
    recorded_at: str
    actor_name: str

    @classmethod
    def of(cls, act: AuthorityAct) -> "AuthorityActOut":
        """Copy the domain value."""
        draft = act.draft
        return cls(
            act_id=act.id, kind=draft.kind.value, party_id=draft.party_id, pledge_id=draft.pledge_id,
            unit=str(draft.unit), quantity_t=draft.quantity_t, outstanding_t=act.outstanding_t,
            freeze_id=draft.freeze_id, authority=draft.authority, document=draft.document,
            document_date=draft.document_date.isoformat(), evidence_digest=draft.evidence_digest,
            business_date=act.business_date.isoformat(),
            recorded_at=act.recorded_at.isoformat().replace("+00:00", "Z"), actor_name=act.actor_name,
        )  # fmt: skip


class AuthorityActListOut(Struct, frozen=True, kw_only=True):
    """Acts by time."""

    acts: list[AuthorityActOut]


def costs_of(data: CostsIn | DistributionIn) -> Decimal:
    """Give the costs of a request."""
    return decimal_of(data.costs_cny)
