"""Haircuts of pledged units by the policies in force, each struck once and kept as a decision where it is to count."""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import CarbonFinError, MissingData
from carbonfin.kernel.parties import Party
from carbonfin.rules.record import digest_of
from carbonfin.storage.decisions import decision_with_digest, outcomes_before, record_decision
from carbonfin.storage.parties import load_party
from collateral.calc.agreements import UnitQuantity
from collateral.calc.coverage import PledgedLine
from collateral.calc.haircut_models.components import Standing as ComponentStanding
from collateral.calc.haircut_models.stack import HAIRCUT_STACK, StackInputs, StackOutcome, decide_haircut, stack_kind
from collateral.calc.haircut_models.stack_terms import ComponentName, StackFacts
from collateral.calc.haircut_models.wrong_way import BorrowerUnits
from collateral.calc.haircut_policies import PolicyRecord
from collateral.calc.haircuts import HaircutUse
from collateral.calc.headroom import HeadroomInputs, UnitLock
from collateral.calc.policy_haircuts import (
    PolicyHaircut,
    conservative_by_policy,
    days_step,
    quantity_step_t,
    struck_by_policy,
)
from collateral.service.haircut_facts import MarketFacts, days_to_last_use, market_facts, seasonal_depth
from collateral.service.headroom import headroom_inputs
from collateral.service.view import DeskView, haircut_of, price_used
from collateral.store.haircut_policies import policies_in_force


@dataclass(frozen=True, slots=True, kw_only=True)
class PledgeAsked:
    """Whose units are pledged and until when.

    Attributes:
        added: Locks of the agreement that are not in the ledger yet.
        extends_code: An agreement whose locks `added` replaces, or empty.
        is_cross_currency: Whether the cash is in another currency than the units.
    """

    pledgor_id: str
    end_date: date
    added: tuple[UnitLock, ...] = ()
    extends_code: str = ""
    is_cross_currency: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyHaircuts:
    """The haircuts by policy of one bank on one business date.

    Attributes:
        keeps: Whether each stack is kept as a decision; a trial keeps nothing.
    """

    session: Session
    actor: Actor
    view: DeskView
    keeps: bool
    policies: tuple[PolicyRecord, ...]
    struck: dict[Hashable, PolicyHaircut] = field(default_factory=dict)
    markets: dict[tuple[Unit, Decimal | None], MarketFacts] = field(default_factory=dict)
    owed: dict[PledgeAsked, tuple[HeadroomInputs, ...]] = field(default_factory=dict)

    @classmethod
    def read(cls, session: Session, actor: Actor, view: DeskView, *, keeps: bool) -> "PolicyHaircuts":
        """Read the policies in force on the view's day."""
        found = policies_in_force(session, actor, valid_on=view.day, known_at=view.standing.known_at)
        return cls(session=session, actor=actor, view=view, keeps=keeps, policies=tuple(found.values()))

    def of(self, one: UnitQuantity, asked: PledgeAsked) -> PolicyHaircut | None:
        """Give the largest haircut of the policies whose class a unit is of; None where there is none in force."""
        found = [self._by(record, one, asked) for record in self.policies if record.policy.covers(one.unit)]
        return max(found, key=lambda each: each.ratio, default=None)

    def _by(self, record: PolicyRecord, one: UnitQuantity, asked: PledgeAsked) -> PolicyHaircut:
        quantity_t = quantity_step_t(one.quantity_t)
        try:
            record.policy.require(one.unit, self.view.day)
            facts = self._facts(record, one, asked)
            # The history and the market are the unit's own on the day.
            key = (
                record.id, one.unit, quantity_t, facts.days_to_last_use, facts.has_last_use, facts.borrower,
                facts.is_cross_currency, facts.depth_ratios, facts.season,
            )  # fmt: skip
            known = self.struck.get(key)
            if known is None:
                known = self.struck[key] = self._struck(record, facts)
        except CarbonFinError as error:
            return conservative_by_policy(record, quantity_t=quantity_t, why=(error.zh, error.detail))
        return known

    def _facts(self, record: PolicyRecord, one: UnitQuantity, asked: PledgeAsked) -> StackFacts:
        method, unit = record.policy.method, one.unit
        market = self.markets.get((unit, method.daily_limit_ratio))
        if market is None:
            market = self.markets[unit, method.daily_limit_ratio] = market_facts(
                self.session, self.actor, self.view, unit, limit_ratio=method.daily_limit_ratio
            )
        ends_on = max(asked.end_date, self.view.day)
        days, has_last_use = days_to_last_use(self.view, unit, ends_on=ends_on)
        depth = seasonal_depth(self.view, unit, ends_on=ends_on, market=market)
        return StackFacts(
            unit=str(unit),
            quantity_t=quantity_step_t(one.quantity_t),
            daily_volume_t=market.daily_volume_t,
            trade_day_ratio=market.trade_day_ratio,
            limit_day_ratio=market.limit_day_ratio,
            volatility=market.volatility,
            history=market.history,
            days_to_last_use=days_step(days),
            has_last_use=has_last_use,
            depth_ratios=depth.ratios,
            is_cross_currency=asked.is_cross_currency,
            borrower=self._borrower(one, asked) if ComponentName.WRONG_WAY in method.components else None,
            standing_ratio=None,
            source=f"{market.source}{depth.source}",
            season=depth.season,
        )

    def _struck(self, record: PolicyRecord, facts: StackFacts) -> PolicyHaircut:
        inputs = StackInputs(policy=record.name, method=record.policy.method, facts=facts)
        outcome = decide_haircut(inputs)
        subject = f"haircut:{record.policy.code}:{facts.unit}:{facts.quantity_t}"
        if _is_thin(outcome):
            standing = self._standing_ratio(subject)
            if standing is not None:
                inputs = replace(inputs, facts=replace(facts, standing_ratio=standing))
                outcome = decide_haircut(inputs)
        decision_id = self._kept(inputs, subject) if self.keeps else ""
        return struck_by_policy(record, inputs, outcome, decision_id=decision_id)

    def _kept(self, inputs: StackInputs, subject: str) -> str:
        """Keep the stack as a decision; the same inputs again give the one that is there."""
        known = decision_with_digest(
            self.session, self.actor, stack_kind(inputs.method), subject=subject, inputs_digest=digest_of(inputs)
        )
        if known is not None:
            return known
        return record_decision(
            self.session, self.actor, stack_kind(inputs.method), inputs, subject=subject, valid_on=self.view.day,
            known_at=self.view.standing.known_at,
        ).decision_id  # fmt: skip

    def _standing_ratio(self, subject: str) -> Decimal | None:
        """Give the largest haircut of the last earlier day on which one was struck from whole data."""
        earlier = outcomes_before(self.session, self.actor, HAIRCUT_STACK, subject=subject, day=self.view.day)
        whole = [one for one in earlier if not _is_thin(one.outcome)]
        return max((one.outcome.haircut_ratio for one in whole if one.valid_on == whole[0].valid_on), default=None)

    def _borrower(self, one: UnitQuantity, asked: PledgeAsked) -> BorrowerUnits | None:
        """Give the pledgor's position of the scheme's next open year; None where it is not known."""
        party = load_party(self.session, self.actor, asked.pledgor_id)
        if party.key_emitter is False:
            return BorrowerUnits(emissions_t=0, allocation_t=0, free_holding_t=0, pledged_t=one.quantity_t)
        years = [each for each in self._headrooms(party, asked) if each.scheme is one.unit.scheme]
        return _position_of(years, pledged_t=one.quantity_t)

    def _headrooms(self, party: Party, asked: PledgeAsked) -> tuple[HeadroomInputs, ...]:
        known = self.owed.get(asked)
        if known is None:
            known = self.owed[asked] = headroom_inputs(
                self.session, self.actor, party, self.view, added=asked.added, extends_code=asked.extends_code
            )
        return known


def pledged_lines(
    haircuts: PolicyHaircuts, units: Iterable[UnitQuantity], asked: PledgeAsked, *, beside: Iterable[UnitQuantity] = ()
) -> tuple[PledgedLine, ...]:
    """Put price and haircut to each pledged unit.

    Args:
        haircuts: The policies in force.
        units: What is pledged.
        asked: Whose, and until when.
        beside: What is pledged before or after a change; the larger quantity of a unit makes the haircut of both.

    Raises:
        MissingData: There is no price, or the dated table does not decide.
    """
    view = haircuts.view
    others = {one.unit: one for one in beside}
    return tuple(
        PledgedLine(
            unit=one.unit,
            quantity_t=one.quantity_t,
            price=price_used(view, one.unit),
            haircut=haircut_of(view, one.unit, use=HaircutUse.PLEDGE, cross_currency=False).under_policy(
                haircuts.of(max(one, others.get(one.unit, one), key=lambda each: each.quantity_t), asked)
            ),
        )
        for one in units
    )


def is_priced(view: DeskView, unit: Unit) -> bool:
    """Tell whether a unit can be valued as collateral at all: price, policy and haircut are there."""
    try:
        price_used(view, unit)
        return haircut_of(view, unit, use=HaircutUse.PLEDGE, cross_currency=False).ratio >= 0
    except MissingData:
        return False


def _is_thin(outcome: StackOutcome) -> bool:
    return any(one.standing is ComponentStanding.CONSERVATIVE for one in outcome.components)


def _position_of(years: list[HeadroomInputs], *, pledged_t: int) -> BorrowerUnits | None:
    """Give what is still owed, what is to come and what is free of the first year with anything still to surrender."""
    known = [(one, one.position) for one in sorted(years, key=lambda one: one.surrender_date.day)]
    open_years = [(one, at) for one, at in known if at is not None and at.outstanding_t + at.recallable_t > 0]
    year, position = next(iter(open_years or known), (None, None))
    if year is None or position is None:
        return None
    bound: dict[Unit, int] = {}
    for lock in year.locks:
        bound[lock.unit] = bound.get(lock.unit, 0) + lock.quantity_t
    return BorrowerUnits(
        emissions_t=max(position.outstanding_t, 0) + position.recallable_t,
        allocation_t=position.to_come_counted_t,
        free_holding_t=sum(max(0, one.quantity_t - bound.get(one.unit, 0)) for one in position.usable),
        pledged_t=pledged_t,
    )
