"""Haircuts by a bank's policy: tried, or kept as a decision with every component, so that they replay."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import InvalidInput
from carbonfin.storage.decisions import DecisionRecord, decisions_of, record_decision
from carbonfin.storage.parties import Standing
from collateral.calc.haircut_models.components import Standing as ComponentStanding
from collateral.calc.haircut_models.stack import HAIRCUT_STACK, StackInputs, StackOutcome, decide_haircut, stack_kind
from collateral.calc.haircut_models.stack_terms import StackFacts
from collateral.calc.haircut_models.wrong_way import BorrowerUnits
from collateral.calc.haircut_policies import PolicyRecord
from collateral.service.haircut_facts import days_to_last_use, market_facts, seasonal_depth
from collateral.service.haircut_policies import haircut_policy_in_force
from collateral.service.view import desk_view


@dataclass(frozen=True, slots=True, kw_only=True)
class HaircutRequest:
    """What a haircut is asked for.

    Attributes:
        policy: Code of the class.
        ends_on: The loan's last day, after which a default may have to be sold before the last usable date.
        borrower: The borrower's units, None where not known.
    """

    policy: str
    unit: Unit
    quantity_t: int
    ends_on: date
    is_cross_currency: bool
    borrower: BorrowerUnits | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HaircutAnswer:
    """A haircut with the policy it rests on, and its decision where it was kept."""

    record: PolicyRecord
    inputs: StackInputs
    outcome: StackOutcome
    decision_id: str | None


def try_haircut(session: Session, actor: Actor, request: HaircutRequest, *, standing: Standing) -> HaircutAnswer:
    """Calculate a haircut and keep nothing.

    Raises:
        NotFound: No policy of the class is in force.
        NotApplicable: The unit is of another class, or the policy's review is overdue.
    """
    record, inputs = _inputs(session, actor, request, standing)
    return HaircutAnswer(record=record, inputs=inputs, outcome=decide_haircut(inputs), decision_id=None)


def record_haircut(session: Session, actor: Actor, request: HaircutRequest, *, standing: Standing) -> HaircutAnswer:
    """Calculate a haircut and keep it as a decision."""
    record, inputs = _inputs(session, actor, request, standing)
    kept = record_decision(
        session, actor, stack_kind(inputs.method), inputs, subject=_subject(request.policy, request.unit),
        valid_on=standing.business_date, known_at=standing.known_at,
    )  # fmt: skip
    return HaircutAnswer(record=record, inputs=inputs, outcome=kept.outcome, decision_id=kept.decision_id)


def haircuts_on_record(session: Session, actor: Actor, code: str) -> tuple[DecisionRecord, ...]:
    """Give the kept haircuts of a class, the latest first."""
    kept = decisions_of(session, actor, kind=HAIRCUT_STACK.name)
    return tuple(one for one in reversed(kept) if one.subject.startswith(f"haircut:{code}:"))


def _inputs(
    session: Session, actor: Actor, request: HaircutRequest, standing: Standing
) -> tuple[PolicyRecord, StackInputs]:
    record = haircut_policy_in_force(session, actor, request.policy, standing=standing)
    record.policy.require(request.unit, standing.business_date)
    if request.ends_on < standing.business_date:
        raise InvalidInput(
            f"the loan ends {request.ends_on}, before the business date {standing.business_date}",
            zh=f"到期日不得早于业务日期 {standing.business_date}",
            field="ends_on",
        )
    view = desk_view(session, standing)
    market = market_facts(session, actor, view, request.unit, limit_ratio=record.policy.method.daily_limit_ratio)
    days, has_last_use = days_to_last_use(view, request.unit, ends_on=request.ends_on)
    depth = seasonal_depth(view, request.unit, ends_on=request.ends_on, market=market)
    facts = StackFacts(
        unit=str(request.unit),
        quantity_t=request.quantity_t,
        daily_volume_t=market.daily_volume_t,
        trade_day_ratio=market.trade_day_ratio,
        limit_day_ratio=market.limit_day_ratio,
        volatility=market.volatility,
        history=market.history,
        days_to_last_use=days,
        has_last_use=has_last_use,
        depth_ratios=depth.ratios,
        is_cross_currency=request.is_cross_currency,
        borrower=request.borrower,
        standing_ratio=_standing_ratio(session, actor, request),
        source=f"{market.source}{depth.source}",
        season=depth.season,
    )
    return record, StackInputs(policy=record.name, method=record.policy.method, facts=facts)


def _standing_ratio(session: Session, actor: Actor, request: HaircutRequest) -> Decimal | None:
    """Give the last kept haircut of the class and unit that rested on whole data; None where there is none."""
    for one in reversed(decisions_of(session, actor, subject=_subject(request.policy, request.unit))):
        standings = {part["standing"] for part in one.outputs["components"]}
        if ComponentStanding.CONSERVATIVE.value not in standings:
            return Decimal(one.outputs["haircut_ratio"])
    return None


def _subject(code: str, unit: Unit) -> str:
    return f"haircut:{code}:{unit}"
