"""Appraisals: what a pledge asked for is worth, until when it may run, and why it would be refused."""

from datetime import date
from decimal import Decimal

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Unit
from carbonfin.storage.decisions import Recorded, record_decision
from carbonfin.storage.parties import Standing, load_party
from collateral.calc.agreements import PledgeDraft
from collateral.calc.appraisal import APPRAISAL, AppraisalInputs, AppraisalOutcome, Availability, decide_appraisal
from collateral.calc.coverage import Debt
from collateral.calc.headroom import UnitLock
from collateral.service.book_limits import BookAsked, book_limits
from collateral.service.eligibility_schedules import scheduled_units
from collateral.service.headroom import headroom_inputs, schemes_without_position
from collateral.service.pledge_haircuts import PledgeAsked, PolicyHaircuts, pledged_lines
from collateral.service.view import coverage_lines, desk_view, price_age_limits, safety_terms
from collateral.store import ledger


def appraisal_inputs(
    session: Session, actor: Actor, draft: PledgeDraft, haircuts: PolicyHaircuts, *, own_code: str = ""
) -> AppraisalInputs:
    """Collect everything an appraisal hangs on.

    Args:
        session: Where holdings and locks are read.
        actor: Whose bank it is.
        draft: The pledge asked for.
        haircuts: The policies in force, with prices, parameters and calendar.
        own_code: Code under which the pledge itself is already in the ledger, or empty.
    """
    view = haircuts.view
    party = load_party(session, actor, draft.pledgor_id)
    units = tuple(one.unit for one in draft.units)
    replaced = draft.extends_code or own_code
    added = tuple(
        UnitLock(
            agreement_code=draft.code, unit=one.unit, quantity_t=one.quantity_t, end_date=draft.end_date,
            is_certain=True,
        )
        for one in draft.units
    )  # fmt: skip
    headrooms = headroom_inputs(session, actor, party, view, added=added, extends_code=replaced)
    schemes = tuple(dict.fromkeys(unit.scheme for unit in units))
    book_asked = BookAsked(pledgor_id=party.id, units=units, added=units, without=(replaced,))
    held: dict[Unit, int] = {}
    for one in ledger.positions_of(session, actor, party_id=party.id):
        held[one.unit] = held.get(one.unit, 0) + one.total_t
    return AppraisalInputs(
        agreement_code=draft.code,
        extends_code=draft.extends_code,
        valuation_date=view.day,
        end_date=draft.end_date,
        lines=pledged_lines(
            haircuts,
            draft.units,
            PledgeAsked(pledgor_id=draft.pledgor_id, end_date=draft.end_date, added=added, extends_code=replaced),
        ),
        debt=_debt(draft.principal_cny, view.day),
        thresholds=coverage_lines(view),
        safety=safety_terms(view, units),
        availability=tuple(
            Availability(
                unit=unit,
                free_t=_free_t(session, actor, party.id, unit, replaced),
                held_t=held.get(unit, 0),
            )
            for unit in units
        ),
        stale_after=price_age_limits(view, schemes),
        has_what_if=True,
        scheduled=scheduled_units(view, units),
        book=book_limits(session, actor, haircuts, book_asked),
        headrooms=tuple(one for one in headrooms if one.scheme in schemes),
        schemes_without_headroom=schemes_without_position(party, schemes, headrooms),
    )


def _debt(principal_cny: Decimal, day: date) -> Debt:
    return Debt(
        principal_cny=principal_cny,
        accrued_cny=Decimal("0.00"),
        costs_cny=Decimal("0.00"),
        exposure_date=day,
        source="申请金额",
    )


def _free_t(session: Session, actor: Actor, party_id: str, unit: Unit, replaced_code: str) -> int:
    """Give what is free of a unit, with what the agreement to be replaced holds of it."""
    free_t = sum(one.free_t for one in ledger.positions_of(session, actor, party_id=party_id) if one.unit == unit)
    own_accounts = {one.account_id for one in ledger.positions_of(session, actor, party_id=party_id)}
    return free_t + sum(
        one.quantity_t
        for one in ledger.encumbrances_of(session, actor, live_only=True)
        if replaced_code and one.agreement_code == replaced_code and one.unit == unit and one.account_id in own_accounts
    )


def appraise_what_if(session: Session, actor: Actor, draft: PledgeDraft, *, standing: Standing) -> AppraisalOutcome:
    """Appraise a pledge nobody has applied for; nothing is stored."""
    haircuts = PolicyHaircuts.read(session, actor, desk_view(session, standing), keeps=False)
    return decide_appraisal(appraisal_inputs(session, actor, draft, haircuts))


def record_appraisal(
    session: Session, actor: Actor, draft: PledgeDraft, *, standing: Standing, own_code: str = ""
) -> Recorded[AppraisalOutcome]:
    """Appraise a pledge and keep the decision."""
    haircuts = PolicyHaircuts.read(session, actor, desk_view(session, standing), keeps=True)
    return record_decision(
        session,
        actor,
        APPRAISAL,
        appraisal_inputs(session, actor, draft, haircuts, own_code=own_code),
        subject=f"pledge:{draft.code}",
        valid_on=haircuts.view.day,
        known_at=standing.known_at,
    )
