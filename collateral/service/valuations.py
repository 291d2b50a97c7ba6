"""Exposure in, coverage out: what is owed is posted by date, and each pledge is valued against it once a date."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import MissingData
from carbonfin.storage.parties import Standing
from collateral.calc.agreements import CoverageRecord, Exposure, Pledge, UnitQuantity
from collateral.calc.authority_acts import AuthorityAct
from collateral.calc.coverage import (
    CoverageInputs,
    CoverageOutcome,
    Debt,
    PledgedLine,
    TopUpCandidate,
    decide_coverage,
)
from collateral.service.pledge_haircuts import PledgeAsked, PolicyHaircuts, is_priced, pledged_lines
from collateral.service.unlisted import least_haircuts, unlisted_of
from collateral.service.view import DeskView, coverage_lines, desk_view, safety_terms
from collateral.store import ledger, valuations
from collateral.store.authority_acts import attached_to


def record_exposure(
    session: Session,
    actor: Actor,
    agreement_code: str,
    *,
    principal_cny: Decimal,
    accrued_cny: Decimal,
    exposure_date: date,
    costs_cny: Decimal = Decimal("0.00"),
) -> Exposure:
    """Post what is owed behind an agreement on a day; the same again changes nothing, other figures add a revision."""
    return post_exposure(
        session,
        actor,
        Exposure(
            agreement_code=agreement_code,
            exposure_date=exposure_date,
            revision=0,
            principal_cny=principal_cny,
            accrued_cny=accrued_cny,
            costs_cny=costs_cny,
            source="贷款台账",
        ),
    )


def post_exposure(session: Session, actor: Actor, exposure: Exposure) -> Exposure:
    """Keep an exposure unless its date already says the same; other figures make a further revision."""
    debt_of(exposure)
    known = valuations.latest_exposure(session, actor, exposure.agreement_code, on=exposure.exposure_date, exact=True)
    if known is not None and replace(known, revision=0, source=exposure.source) == replace(exposure, revision=0):
        return known
    fresh = replace(exposure, revision=0 if known is None else known.revision + 1)
    valuations.add_exposure(session, actor, fresh)
    return fresh


def latest_exposure(session: Session, actor: Actor, agreement_code: str, *, on: date) -> Exposure | None:
    """Give what was owed last on or before a day."""
    return valuations.latest_exposure(session, actor, agreement_code, on=on)


def debt_of(exposure: Exposure) -> Debt:
    """Give an exposure as the debt that coverage is struck against."""
    return Debt(
        principal_cny=exposure.principal_cny,
        accrued_cny=exposure.accrued_cny,
        costs_cny=exposure.costs_cny,
        exposure_date=exposure.exposure_date,
        source=exposure.source,
    )


def required_exposure(session: Session, actor: Actor, pledge: Pledge, day: date) -> Exposure:
    """Give what is owed behind a pledge on a day.

    Raises:
        MissingData: The day's exposure is not posted: an older one lacks interest and would flatter the coverage.
    """
    exposure = valuations.latest_exposure(session, actor, pledge.code, on=day, exact=True)
    if exposure is None:
        raise MissingData(
            f"pledge {pledge.code} has no exposure for {day}",
            zh=f"质押 {pledge.code} 没有 {day} 的风险敞口",
            field="exposure",
            remedy="Run the day's accrual first.",
            remedy_zh="请先运行当日计息。",
        )
    return exposure


def attached_lines(
    lines: tuple[PledgedLine, ...], freezes: tuple[AuthorityAct, ...], *, unlisted: Mapping[Unit, int],
    least: Mapping[Unit, Decimal],
) -> tuple[PledgedLine, ...]:  # fmt: skip
    """Give pledged lines with what authorities have frozen of each, and what of them is not admitted at its haircut."""
    attached: dict[Unit, int] = {}
    for one in freezes:
        attached[one.draft.unit] = attached.get(one.draft.unit, 0) + one.outstanding_t
    return tuple(
        replace(
            one,
            attached_t=min(attached[one.unit], one.quantity_t) if one.unit in attached else None,
            unlisted_t=min(unlisted[one.unit], one.quantity_t)
            if unlisted.get(one.unit) and one.haircut.ratio < least.get(one.unit, 0)
            else None,
        )
        for one in lines
    )


def coverage_inputs(session: Session, actor: Actor, pledge: Pledge, view: DeskView) -> CoverageInputs:
    """Collect everything coverage hangs on.

    Raises:
        MissingData: The day's exposure, a price or a parameter is not known.
    """
    exposure = required_exposure(session, actor, pledge, view.day)
    units = tuple(one.unit for one in pledge.units)
    haircuts = PolicyHaircuts.read(session, actor, view, keeps=False)
    asked = PledgeAsked(pledgor_id=pledge.pledgor_id, end_date=pledge.end_date)
    least = least_haircuts(view, units)
    return CoverageInputs(
        agreement_code=pledge.code,
        valuation_date=view.day,
        end_date=pledge.end_date,
        lines=attached_lines(
            pledged_lines(haircuts, pledge.units, asked),
            attached_to(session, actor, pledge.id),
            unlisted=unlisted_of(session, actor, pledge, least),
            least=least,
        ),
        debt=debt_of(exposure),
        thresholds=coverage_lines(view),
        safety=safety_terms(view, units),
        candidates=_candidates(session, actor, pledge, haircuts),
    ).with_table_once(view.haircut_table)


def _candidates(session: Session, actor: Actor, pledge: Pledge, haircuts: PolicyHaircuts) -> tuple[TopUpCandidate, ...]:
    """Give the pledgor's free units that the bank can value and admits; one that is pledged too has one haircut."""
    asked = PledgeAsked(pledgor_id=pledge.pledgor_id, end_date=pledge.end_date)
    found = []
    positions = ledger.positions_of(session, actor, party_id=pledge.pledgor_id)
    least = least_haircuts(haircuts.view, (one.unit for one in positions))
    for one in positions:
        if one.free_t <= 0 or not is_priced(haircuts.view, one.unit):
            continue
        pledged = [each for each in pledge.units if each.unit == one.unit]
        counted = pledged or [UnitQuantity(unit=one.unit, quantity_t=one.free_t)]
        line = pledged_lines(haircuts, counted, asked)[0]
        if least.get(one.unit, 0) <= line.haircut.ratio < 1:
            found.append(TopUpCandidate(unit=one.unit, free_t=one.free_t, price=line.price, haircut=line.haircut))
    return tuple(found)


def coverage_now(session: Session, actor: Actor, pledge: Pledge, *, standing: Standing) -> CoverageOutcome:
    """Calculate a pledge's coverage as of the business date; nothing is stored.

    Raises:
        MissingData: The day's exposure, a price or a parameter is not known.
    """
    return decide_coverage(coverage_inputs(session, actor, pledge, desk_view(session, standing)))


def coverage_history(session: Session, actor: Actor, pledge_id: str) -> tuple[CoverageRecord, ...]:
    """Give a pledge's coverage by business date."""
    return valuations.coverage_history(session, actor, pledge_id=pledge_id)


def latest_coverages(
    session: Session, actor: Actor, *, standing: Standing, pledge_ids: Collection[str] | None = None
) -> dict[str, CoverageRecord]:
    """Give the last coverage of each pledge, or of those asked for, by pledge."""
    return valuations.latest_coverages(session, actor, on=standing.business_date, pledge_ids=pledge_ids)


def latest_exposures(
    session: Session, actor: Actor, *, standing: Standing, pledge_ids: Collection[str] | None = None
) -> dict[str, Exposure]:
    """Give what was owed last behind each pledge, or those asked for, by its code."""
    return valuations.latest_exposures(session, actor, on=standing.business_date, pledge_ids=pledge_ids)
