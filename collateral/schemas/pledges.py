"""Pledges, their coverage and their appraisals as the API shows them."""

from datetime import date
from decimal import Decimal
from typing import Annotated

from msgspec import Meta, Struct

from carbonfin.kernel.allowances import Unit
from carbonfin.web.proposals import ProposedOut
from carbonfin.web.wire import CnyText, DayText, IdText, QuantityT, UnitText, day_of, decimal_of
from collateral.calc.agreements import CoverageRecord, MarginCall, Pledge, PledgeDraft, PledgeEvent, UnitQuantity
from collateral.calc.appraisal import AppraisalOutcome
from collateral.calc.coverage import ValuedLine
from collateral.calc.haircut_models.stack import TITLES
from collateral.calc.pledge import EVENT_NAMES_ZH, STATE_NAMES_ZH
from collateral.calc.policy_haircuts import PolicyHaircut
from collateral.calc.refusals import Refusal
from collateral.calc.what_if import Scenario
from collateral.schemas.book_limits import BookShareOut
from collateral.schemas.holdings import LockedSerialsOut
from collateral.service import DeskPledge

UNITS_MAX = 50
PartyCodeText = Annotated[
    str,
    Meta(
        min_length=18,
        max_length=20,
        pattern=r"^[0-9A-Z]{18,20}$",
        description="USCI (18 characters) or LEI (20) of an enterprise the bank knows.",
        examples=["91440300EXAMPLE11K"],
    ),
]
OptionalCodeText = Annotated[
    str, Meta(max_length=64, pattern=r"^[A-Za-z0-9._-]*$", description="A code, or empty.", examples=["P1", ""])
]


class UnitQuantityIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Tonnes of one unit."""

    unit: UnitText
    quantity_t: QuantityT

    def value(self) -> UnitQuantity:
        """Give the domain value."""
        return UnitQuantity(unit=Unit.parse(self.unit), quantity_t=self.quantity_t)


class PledgeIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A pledge applied for."""

    code: IdText
    pledgor: PartyCodeText
    units: Annotated[list[UnitQuantityIn], Meta(min_length=1, max_length=UNITS_MAX)]
    principal_cny: CnyText
    end_date: DayText
    extends_code: OptionalCodeText = ""

    def draft(self, pledgor_id: str) -> PledgeDraft:
        """Give the domain value."""
        return PledgeDraft(
            code=self.code,
            pledgor_id=pledgor_id,
            units=tuple(one.value() for one in self.units),
            principal_cny=decimal_of(self.principal_cny),
            end_date=day_of(self.end_date, field="/end_date"),
            extends_code=self.extends_code,
        )


class AppraisalIn(PledgeIn, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A pledge to be appraised; with `record` the decision is kept."""

    record: bool = False


class UnitQuantityOut(Struct, frozen=True, kw_only=True):
    """Tonnes of one unit."""

    unit: str
    quantity_t: int

    @classmethod
    def of(cls, value: UnitQuantity) -> "UnitQuantityOut":
        """Copy the domain value."""
        return cls(unit=str(value.unit), quantity_t=value.quantity_t)


class RefusalOut(Struct, frozen=True, kw_only=True):
    """One reason against a pledge."""

    code: str
    detail: str
    detail_zh: str

    @classmethod
    def of(cls, value: Refusal) -> "RefusalOut":
        """Copy the domain value."""
        return cls(code=value.code, detail=value.detail, detail_zh=value.zh)


class ScenarioOut(Struct, frozen=True, kw_only=True):
    """Coverage if prices fell, or one vintage were worthless."""

    name: str
    label_zh: str
    label_en: str
    collateral_value_cny: str
    coverage_ratio: str | None
    level: str

    @classmethod
    def of(cls, value: Scenario) -> "ScenarioOut":
        """Copy the domain value."""
        return cls(
            name=value.name,
            label_zh=value.label_zh,
            label_en=value.label_en,
            collateral_value_cny=str(value.collateral_value_cny),
            coverage_ratio=_text(value.coverage_ratio),
            level=str(value.level),
        )


class PolicyHaircutOut(Struct, frozen=True, kw_only=True):
    """What the policy of a unit's class makes of its haircut: what decides it, and why it is conservative.

    `haircut_ratio` is what counts, the higher of `policy_ratio` and the dated table; `quantity_t` the step of tonnes
    counted as sold; `decision_id` the stack, None where tried or not struck; `is_confirmed` whether all under it is.
    """

    unit: str
    haircut_ratio: str
    policy: str
    policy_ratio: str
    binding: str
    binding_zh: str
    is_accepted: bool
    quantity_t: int
    pledge_ratio_max: str
    reason: str
    reason_zh: str
    is_confirmed: bool
    decision_id: str | None

    @classmethod
    def of(cls, line: ValuedLine, value: PolicyHaircut) -> "PolicyHaircutOut":
        """Copy the domain value."""
        return cls(
            unit=str(line.unit),
            haircut_ratio=str(line.haircut_ratio),
            policy=value.policy,
            policy_ratio=str(value.ratio),
            binding=value.binding.value,
            binding_zh=TITLES[value.binding][0],
            is_accepted=value.is_accepted,
            quantity_t=value.quantity_t,
            pledge_ratio_max=str(value.pledge_ratio_max),
            reason=value.reason_en,
            reason_zh=value.reason_zh,
            is_confirmed=value.is_confirmed is not False,
            decision_id=value.decision_id or None,
        )


class AppraisalOut(Struct, frozen=True, kw_only=True):
    """What a pledge would be worth and every reason against it.

    `haircuts` names those a policy of the class makes; `scenarios` has prices 10 % and 30 % lower, a vintage worthless;
    `shares` holds the limits of concentration against the book with this pledge; `notes` stop nothing.
    """

    decision_id: str | None
    is_acceptable: bool
    market_value_cny: str
    collateral_value_cny: str
    coverage_ratio: str | None
    ltv_ratio: str
    principal_cny_max: str
    closeout_days: int
    last_safe_date: str | None
    last_safe_date_kind: str
    headroom_after_t: dict[str, int]
    refusals: list[RefusalOut]
    unconfirmed: list[str]
    haircuts: list[PolicyHaircutOut]
    scenarios: list[ScenarioOut] = []
    shares: list[BookShareOut] = []
    notes: list[RefusalOut] = []

    @classmethod
    def of(cls, outcome: AppraisalOutcome, decision_id: str | None) -> "AppraisalOut":
        """Copy the domain value."""
        valuation, policies = outcome.valuation, dict(outcome.policies or ())
        return cls(
            decision_id=decision_id,
            is_acceptable=outcome.is_acceptable,
            market_value_cny=str(valuation.market_value_cny),
            collateral_value_cny=str(valuation.collateral_value_cny),
            coverage_ratio=_text(valuation.coverage_ratio),
            ltv_ratio=str(valuation.ltv_ratio),
            principal_cny_max=str(outcome.principal_cny_max),
            closeout_days=outcome.closeout_days,
            last_safe_date=_day(outcome.safe_date.day),
            last_safe_date_kind=str(outcome.safe_date.kind),
            headroom_after_t=dict(outcome.headroom_after_t),
            refusals=[RefusalOut.of(one) for one in outcome.refusals],
            unconfirmed=list(outcome.unconfirmed),
            haircuts=[
                PolicyHaircutOut.of(line, policies[line.unit]) for line in valuation.lines if line.unit in policies
            ],
            scenarios=[ScenarioOut.of(one) for one in outcome.scenarios or ()],
            shares=[BookShareOut.of(one) for one in outcome.shares or ()],
            notes=[RefusalOut.of(one) for one in outcome.notes or ()],
        )


class TopUpOut(Struct, frozen=True, kw_only=True):
    """Tonnes that restore the initial line."""

    unit: str
    quantity_t: int
    free_t: int
    is_sufficient: bool


class CallOut(Struct, frozen=True, kw_only=True):
    """A call for more cover."""

    state: str
    issued_on: str
    deadline: str | None
    currency: str
    cash_amount: str
    top_ups: list[TopUpOut]
    decision_id: str

    @classmethod
    def of(cls, call: MarginCall) -> "CallOut":
        """Copy the domain value."""
        return cls(
            state=call.state,
            issued_on=call.issued_on.isoformat(),
            deadline=_day(call.deadline),
            currency=call.currency,
            cash_amount=str(call.cash_amount),
            top_ups=[
                TopUpOut(
                    unit=str(one.unit), quantity_t=one.quantity_t, free_t=one.free_t, is_sufficient=one.is_sufficient
                )
                for one in call.top_ups
            ],
            decision_id=call.decision_id,
        )


class CoverageOut(Struct, frozen=True, kw_only=True):
    """Coverage on a business date, with the decision that holds its trace."""

    business_date: str
    market_value_cny: str
    collateral_value_cny: str
    debt_cny: str
    coverage_ratio: str | None
    ltv_ratio: str
    level: str
    cash_to_initial_cny: str
    closeout_days: int
    last_safe_date: str | None
    last_safe_date_kind: str
    unconfirmed: list[str]
    decision_id: str

    @classmethod
    def of(cls, record: CoverageRecord) -> "CoverageOut":
        """Copy the domain value."""
        return cls(
            business_date=record.business_date.isoformat(),
            market_value_cny=str(record.market_value_cny),
            collateral_value_cny=str(record.collateral_value_cny),
            debt_cny=str(record.debt_cny),
            coverage_ratio=_text(record.coverage_ratio),
            ltv_ratio=str(record.ltv_ratio),
            level=str(record.level),
            cash_to_initial_cny=str(record.cash_to_initial_cny),
            closeout_days=record.closeout_days,
            last_safe_date=_day(record.safe_date.day),
            last_safe_date_kind=str(record.safe_date.kind),
            unconfirmed=list(record.unconfirmed),
            decision_id=record.decision_id,
        )


class PledgeOut(Struct, frozen=True, kw_only=True):
    """A pledge and where it stands."""

    pledge_id: str
    code: str
    pledgor_id: str
    state: str
    state_zh: str
    units: list[UnitQuantityOut]
    principal_cny: str
    end_date: str
    appraisal_decision_id: str | None
    refusals: list[RefusalOut]
    is_sample: bool

    @classmethod
    def of(cls, pledge: Pledge) -> "PledgeOut":
        """Copy the domain value."""
        return cls(
            pledge_id=pledge.id,
            code=pledge.code,
            pledgor_id=pledge.pledgor_id,
            state=pledge.state,
            state_zh=STATE_NAMES_ZH[pledge.state],
            units=[UnitQuantityOut.of(one) for one in pledge.units],
            principal_cny=str(pledge.principal_cny),
            end_date=pledge.end_date.isoformat(),
            appraisal_decision_id=pledge.appraisal_id,
            refusals=[RefusalOut.of(one) for one in pledge.refusals],
            is_sample=pledge.is_sample,
        )


class EventOut(Struct, frozen=True, kw_only=True):
    """One step of a pledge."""

    event: str
    event_zh: str
    state_before: str
    state_after: str
    business_date: str
    happened_at: str
    actor_name: str
    cause: str
    decision_id: str | None

    @classmethod
    def of(cls, event: PledgeEvent) -> "EventOut":
        """Copy the domain value."""
        return cls(
            event=event.event,
            event_zh=EVENT_NAMES_ZH.get(event.event, event.event),
            state_before=event.state_before,
            state_after=event.state_after,
            business_date=event.business_date.isoformat(),
            happened_at=event.happened_at.isoformat().replace("+00:00", "Z"),
            actor_name=event.actor_name,
            cause=event.cause,
            decision_id=event.decision_id,
        )


class DeskPledgeOut(Struct, frozen=True, kw_only=True):
    """A pledge on the desk with its coverage and open call."""

    pledge: PledgeOut
    pledgor_name: str
    coverage: CoverageOut | None
    call: CallOut | None

    @classmethod
    def of(cls, line: DeskPledge) -> "DeskPledgeOut":
        """Copy the domain value."""
        return cls(
            pledge=PledgeOut.of(line.pledge),
            pledgor_name=line.pledgor_name,
            coverage=None if line.coverage is None else CoverageOut.of(line.coverage),
            call=None if line.call is None else CallOut.of(line.call),
        )


class PledgeListOut(Struct, frozen=True, kw_only=True):
    """Pledges by code, as the desk sees them."""

    business_date: str
    pledges: list[DeskPledgeOut]


class PledgeDetailOut(Struct, frozen=True, kw_only=True):
    """A pledge with its coverage history, timeline and open calls, and what waits for another person."""

    pledge: PledgeOut
    coverage: list[CoverageOut]
    calls: list[CallOut]
    timeline: list[EventOut]
    serials: list[LockedSerialsOut] = []
    waiting: ProposedOut | None = None


def _text(value: Decimal | None) -> str | None:
    return None if value is None else str(value)


def _day(value: date | None) -> str | None:
    return None if value is None else value.isoformat()
