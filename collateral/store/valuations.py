"""Exposures, coverage and margin calls at rest."""

from collections.abc import Collection
from dataclasses import asdict
from datetime import date
from decimal import Decimal

import sqlalchemy as sa
from sqlmodel import Session, col, select

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Unit
from carbonfin.storage.rows import table_of
from collateral.calc.agreements import CoverageRecord, Exposure
from collateral.calc.coverage import TopUp
from collateral.calc.coverage_rules import CoverageLevel
from collateral.calc.surrender import SafeDate, SafeDateKind
from collateral.models import AgreementExposureRow, CoverageRow, PledgeRow, RepoExposureRow

_IDS_AT_ONCE = 500


def last_valued_day(session: Session, actor: Actor) -> date | None:
    """Give the last business date on which a pledge or a repo of the organisation was valued, or None."""
    days = (
        session.execute(
            sa.select(sa.func.max(table.c.business_date)).where(table.c.organization_id == actor.organization_id)
        ).scalar()
        for table in (table_of(CoverageRow), table_of(RepoExposureRow))
    )
    return max((day for day in days if day is not None), default=None)


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
    return None if row is None else _exposure(row)


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


def _newest_ids(
    session: Session, actor: Actor, newest: sa.ScalarSelect[str], pledge_ids: Collection[str] | None
) -> list[str]:
    """Give the identifiers a subquery finds, one for each pledge of the bank, or of those asked for."""
    pledges = table_of(PledgeRow)
    query = sa.select(newest).where(pledges.c.organization_id == actor.organization_id)
    if pledge_ids is not None:
        query = query.where(pledges.c.id.in_(sorted(pledge_ids)))
    return [one for one in session.execute(query).scalars() if one is not None]


def latest_coverages(
    session: Session, actor: Actor, *, on: date, pledge_ids: Collection[str] | None = None
) -> dict[str, CoverageRecord]:
    """Give the last coverage of each pledge struck on or before a day, by pledge.

    The index is asked for one row a pledge, so that the cost does not grow with the days a bank has behind it.
    """
    pledges, struck = table_of(PledgeRow), table_of(CoverageRow).alias()
    newest = (
        sa.select(struck.c.id)
        .where(struck.c.pledge_id == pledges.c.id, struck.c.business_date <= on)
        .order_by(struck.c.business_date.desc(), struck.c.revision.desc())
        .limit(1)
        .scalar_subquery()
    )
    wanted, found = _newest_ids(session, actor, newest, pledge_ids), {}
    for start in range(0, len(wanted), _IDS_AT_ONCE):
        query = select(CoverageRow).where(
            CoverageRow.organization_id == actor.organization_id,
            col(CoverageRow.id).in_(wanted[start : start + _IDS_AT_ONCE]),
        )
        found.update({row.pledge_id: _coverage(row) for row in session.exec(query)})
    return found


def latest_exposures(
    session: Session, actor: Actor, *, on: date, pledge_ids: Collection[str] | None = None
) -> dict[str, Exposure]:
    """Give what was owed last on or before a day behind each pledge, by its code, one index row each."""
    pledges, owed = table_of(PledgeRow), table_of(AgreementExposureRow).alias()
    newest = (
        sa.select(owed.c.id)
        .where(
            owed.c.organization_id == pledges.c.organization_id,
            owed.c.agreement_code == pledges.c.code,
            owed.c.exposure_date <= on,
        )
        .order_by(owed.c.exposure_date.desc(), owed.c.revision.desc())
        .limit(1)
        .scalar_subquery()
    )
    wanted, found = _newest_ids(session, actor, newest, pledge_ids), {}
    for start in range(0, len(wanted), _IDS_AT_ONCE):
        query = select(AgreementExposureRow).where(
            AgreementExposureRow.organization_id == actor.organization_id,
            col(AgreementExposureRow.id).in_(wanted[start : start + _IDS_AT_ONCE]),
        )
        found.update({row.agreement_code: _exposure(row) for row in session.exec(query)})
    return found


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


def _exposure(row: AgreementExposureRow) -> Exposure:
    return Exposure(
        agreement_code=row.agreement_code,
        exposure_date=row.exposure_date,
        revision=row.revision,
        principal_cny=row.principal_cny,
        accrued_cny=row.accrued_cny,
        costs_cny=row.costs_cny,
        source=row.source,
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
