"""Exposures, coverage and margin calls at rest."""

from dataclasses import asdict
from datetime import date
from decimal import Decimal

from sqlmodel import Session, col, select

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Unit
from collateral.calc.agreements import CoverageRecord, Exposure
from collateral.calc.coverage import TopUp
from collateral.calc.coverage_rules import CoverageLevel
from collateral.calc.surrender import SafeDate, SafeDateKind
from collateral.models import AgreementExposureRow, CoverageRow


def latest_exposure(
    session: Session, actor: Actor, agreement_code: str, *, on: date, exact: bool = False
) -> Exposure | None:
    """Give what was owed last on or before a day (or on that very day), in its last revision."""
    query = select(AgreementExposureRow).where(
        AgreementExposureRow.organization_id == actor.organization_id,
        AgreementExposureRow.agreement_code == agreement_code,
        AgreementExposureRow.exposure_date == on if exact else AgreementExposureRow.exposure_date <= on,
    )
    row = session.exec(
        query.order_by(col(AgreementExposureRow.exposure_date).desc(), col(AgreementExposureRow.revision).desc()).limit(
            1
        )
    ).one_or_none()
    if row is None:
        return None
    return Exposure(
        agreement_code=row.agreement_code,
        exposure_date=row.exposure_date,
        revision=row.revision,
        principal_cny=row.principal_cny,
        accrued_cny=row.accrued_cny,
        costs_cny=row.costs_cny,
        source=row.source,
    )


def add_exposure(session: Session, actor: Actor, exposure: Exposure) -> None:
    """Write down what is owed on a day."""
    session.add(AgreementExposureRow(organization_id=actor.organization_id, **asdict(exposure)))
    session.flush()


def coverage_history(session: Session, actor: Actor, *, pledge_id: str) -> tuple[CoverageRecord, ...]:
    """Give the last revision of each business date, ascending."""
    rows = session.exec(
        select(CoverageRow)
        .where(CoverageRow.organization_id == actor.organization_id, CoverageRow.pledge_id == pledge_id)
        .order_by(col(CoverageRow.business_date), col(CoverageRow.revision))
    ).all()
    return tuple({row.business_date: _coverage(row) for row in rows}.values())


def latest_coverages(session: Session, actor: Actor, *, on: date) -> dict[str, CoverageRecord]:
    """Give the last coverage of each pledge struck on or before a day."""
    rows = session.exec(
        select(CoverageRow)
        .where(CoverageRow.organization_id == actor.organization_id, CoverageRow.business_date <= on)
        .order_by(col(CoverageRow.business_date), col(CoverageRow.revision))
    ).all()
    return {row.pledge_id: _coverage(row) for row in rows}


def top_ups_to_json(top_ups: tuple[TopUp, ...]) -> list[dict[str, str | int | bool]]:
    """Write top-ups as plain JSON."""
    return [
        {
            "unit": str(one.unit),
            "quantity_t": one.quantity_t,
            "free_t": one.free_t,
            "is_sufficient": one.is_sufficient,
        }
        for one in top_ups
    ]


def top_ups_of_json(stored: list[dict[str, str | int | bool]]) -> tuple[TopUp, ...]:
    """Read top-ups back."""
    return tuple(
        TopUp(
            unit=Unit.parse(str(one["unit"])),
            quantity_t=int(one["quantity_t"]),
            free_t=int(one["free_t"]),
            is_sufficient=bool(one["is_sufficient"]),
        )
        for one in stored
    )


def _coverage(row: CoverageRow) -> CoverageRecord:
    return CoverageRecord(
        pledge_id=row.pledge_id,
        business_date=row.business_date,
        revision=row.revision,
        decision_id=row.decision_id,
        market_value_cny=row.market_value_cny,
        collateral_value_cny=row.collateral_value_cny,
        debt_cny=row.debt_cny,
        coverage_ratio=row.coverage_ratio,
        ltv_ratio=row.ltv_ratio,
        warning_ratio=row.warning_ratio,
        level=CoverageLevel(row.level),
        cash_to_initial_cny=row.cash_to_initial_cny,
        top_ups=top_ups_of_json(row.top_ups),
        closeout_days=row.closeout_days,
        safe_date=SafeDate(kind=SafeDateKind(row.safe_date_kind), day=row.safe_date, unit=None),
        unconfirmed=tuple(row.unconfirmed),
        margin_held_cny=row.margin_held_cny or Decimal("0.00"),
        terms_id=row.terms_id,
    )
