"""Carbon accounts and outside rating reports at rest."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.errors import Conflict
from carbonfin.storage.engine import execute_prepared
from carbonfin.storage.rows import table_of
from loans.calc.accounts import AccountYear
from loans.calc.jiangtandai import RatingReport
from loans.calc.ratings.carbon_efficiency import SectorMean
from loans.calc.ratings.emissions import ActivityYear, Fuel, FuelUse
from loans.models import CarbonAccountYearRow, RatingReportRow

_REPORTS = table_of(RatingReportRow)
_LATEST_REPORT = (
    sa.select(_REPORTS)
    .where(
        _REPORTS.c.organization_id == sa.bindparam("mine"),
        _REPORTS.c.party_id == sa.bindparam("party"),
        _REPORTS.c.recorded_at <= sa.bindparam("known_at"),
    )
    .order_by(_REPORTS.c.report_date.desc(), _REPORTS.c.recorded_at.desc())
    .limit(1)
)
_RANKED = (
    sa.select(
        _REPORTS,
        sa.func.row_number()
        .over(
            partition_by=_REPORTS.c.party_id,
            order_by=(_REPORTS.c.report_date.desc(), _REPORTS.c.recorded_at.desc()),
        )
        .label("rank"),
    )
    .where(_REPORTS.c.organization_id == sa.bindparam("mine"), _REPORTS.c.recorded_at <= sa.bindparam("known_at"))
    .subquery()
)
_LATEST_REPORTS = sa.select(_RANKED).where(_RANKED.c.rank == 1)


def add_account_year(
    session: Session, actor: Actor, party_id: str, account: AccountYear, *, recorded_at: datetime
) -> None:
    """Append a version of an account's year."""
    activity, mean = account.activity, account.sector_mean
    session.add(
        CarbonAccountYearRow(
            organization_id=actor.organization_id,
            party_id=party_id,
            year=activity.year,
            version=account.version,
            grid_area=account.grid_area,
            electricity_mwh=activity.electricity_mwh,
            traded_green_mwh=activity.traded_green_mwh,
            fuels={use.fuel.value: format(use.quantity, "f") for use in activity.fuels},
            value_added_cny=account.value_added_cny,
            revenue_cny=account.revenue_cny,
            equity_plus_debt_cny=account.equity_plus_debt_cny,
            sector_mean_t_per_10k_cny=None if mean is None else mean.intensity_t_per_10k_cny,
            sector_mean_source="" if mean is None else mean.source,
            sector_mean_confirmed=mean is not None and mean.confirmed,
            source=activity.source,
            recorded_by=actor.id,
            recorded_at=recorded_at,
        )
    )
    session.flush()


def account_years(session: Session, actor: Actor, party_id: str, *, known_at: datetime) -> tuple[AccountYear, ...]:
    """Give an enterprise's years as they were known at an instant, the latest version of each, oldest year first."""
    rows = session.exec(
        select(CarbonAccountYearRow)
        .where(CarbonAccountYearRow.organization_id == actor.organization_id)
        .where(CarbonAccountYearRow.party_id == party_id)
        .where(col(CarbonAccountYearRow.recorded_at) <= known_at)
        .order_by(col(CarbonAccountYearRow.year), col(CarbonAccountYearRow.version))
    ).all()
    latest = {row.year: row for row in rows}
    return tuple(_account_year(row) for row in latest.values())


def add_report(session: Session, actor: Actor, party_id: str, report: RatingReport, *, recorded_at: datetime) -> None:
    """Append a rating report, or leave it where it already stands with the same facts.

    Raises:
        Conflict: A report of that producer and day stands with other facts.
    """
    row = session.exec(
        select(RatingReportRow)
        .where(RatingReportRow.organization_id == actor.organization_id)
        .where(RatingReportRow.party_id == party_id)
        .where(RatingReportRow.producer == report.producer)
        .where(RatingReportRow.report_date == report.report_date)
    ).one_or_none()
    if row is not None:
        if (row.valid_to, row.score) != (report.valid_to, report.score):
            raise Conflict(
                f"the report of {report.producer} on {report.report_date} stands with other facts",
                zh=f"{report.producer} {report.report_date} 的报告已录入且内容不同",
                field="report_date",
            )
        return
    session.add(
        RatingReportRow(
            organization_id=actor.organization_id,
            party_id=party_id,
            producer=report.producer,
            report_date=report.report_date,
            valid_to=report.valid_to,
            score=report.score,
            source=report.source,
            confirmed=report.confirmed,
            recorded_by=actor.id,
            recorded_at=recorded_at,
        )
    )
    session.flush()


def latest_report(
    session: Session, actor: Actor, party_id: str, *, usci: str, known_at: datetime
) -> RatingReport | None:
    """Give the report made last of those known at an instant, or None."""
    asked = {"mine": actor.organization_id, "party": party_id, "known_at": known_at}
    row = execute_prepared(session, _LATEST_REPORT, asked).one_or_none()
    return None if row is None else _report(row, usci)


def latest_reports(
    session: Session, actor: Actor, codes: Mapping[str, str], *, known_at: datetime
) -> dict[str, RatingReport]:
    """Give by party the report made last of those known at an instant; `codes` names the parties by their codes."""
    rows = execute_prepared(session, _LATEST_REPORTS, {"mine": actor.organization_id, "known_at": known_at})
    return {row.party_id: _report(row, codes[row.party_id]) for row in rows if row.party_id in codes}


def _report(row: sa.Row[Any], usci: str) -> RatingReport:
    return RatingReport(
        producer=row.producer,
        usci=usci,
        report_date=row.report_date,
        valid_to=row.valid_to,
        score=None if row.score is None else _shortest(row.score),
        source=row.source,
        confirmed=row.confirmed,
    )


def _account_year(row: CarbonAccountYearRow) -> AccountYear:
    mean = row.sector_mean_t_per_10k_cny
    return AccountYear(
        version=row.version,
        grid_area=row.grid_area,
        activity=ActivityYear(
            year=row.year,
            electricity_mwh=None if row.electricity_mwh is None else _shortest(row.electricity_mwh),
            traded_green_mwh=None if row.traded_green_mwh is None else _shortest(row.traded_green_mwh),
            fuels=tuple(FuelUse(fuel=Fuel(name), quantity=Decimal(text)) for name, text in sorted(row.fuels.items())),
            source=row.source,
        ),
        value_added_cny=row.value_added_cny,
        revenue_cny=row.revenue_cny,
        equity_plus_debt_cny=row.equity_plus_debt_cny,
        sector_mean=None
        if mean is None
        else SectorMean(
            intensity_t_per_10k_cny=_shortest(mean), source=row.sector_mean_source, confirmed=row.sector_mean_confirmed
        ),
    )


def _shortest(value: Decimal) -> Decimal:
    """Drop the column's padding zeros, so that a trace prints what was entered."""
    return Decimal(f"{value.normalize():f}")
