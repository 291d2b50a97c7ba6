"""Term sheets at rest: versions that are only ever added."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlmodel import Session, col, select

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.errors import NotFound
from loans.calc.jiangtandai import RateStatus
from loans.calc.term_sheets import TermSheet
from loans.models import TermSheetRow


@dataclass(frozen=True, slots=True, kw_only=True)
class TermSheetEntry:
    """A version of a term sheet in the register; its content is its decision.

    Attributes:
        reason: Why this version was made.
        entry: What the officer typed, field by field.
        digest: Digest of the decision's record.
    """

    number: str
    version: int
    party_id: str
    reason: str
    product: str
    principal_cny: Decimal
    drawdown_date: date
    maturity_date: date
    status: RateStatus
    executed_rate: Decimal | None
    provisional_from: date | None
    entry: dict[str, str]
    decision_id: str
    digest: str
    created_at: datetime


def next_number(session: Session, actor: Actor, *, year: int) -> str:
    """Give the next free number of a year; two at once meet the unique key, and one is told to repeat."""
    prefix = f"TS-{year}-"
    last = session.exec(
        select(sa.func.max(TermSheetRow.number))
        .where(TermSheetRow.organization_id == actor.organization_id)
        .where(col(TermSheetRow.number).startswith(prefix))
    ).one()
    return f"{prefix}{int(last.removeprefix(prefix)) + 1 if last else 1:04d}"


def latest_version(session: Session, actor: Actor, number: str) -> int:
    """Give the latest version of a number, 0 where there is none."""
    found = session.exec(
        select(sa.func.max(TermSheetRow.version))
        .where(TermSheetRow.organization_id == actor.organization_id)
        .where(TermSheetRow.number == number)
    ).one()
    return found or 0


def add_term_sheet(
    session: Session,
    actor: Actor,
    sheet: TermSheet,
    *,
    party_id: str,
    reason: str,
    entry: dict[str, str],
    decision_id: str,
    digest: str,
    created_at: datetime,
) -> TermSheetEntry:
    """Append a version."""
    row = TermSheetRow(
        organization_id=actor.organization_id,
        party_id=party_id,
        number=sheet.number,
        version=sheet.version,
        reason=reason,
        product=sheet.request.product,
        principal_cny=sheet.request.principal_cny,
        drawdown_date=sheet.request.drawdown_date,
        maturity_date=sheet.request.maturity_date,
        status=sheet.status,
        executed_rate=sheet.rate.executed_rate,
        provisional_from=None if sheet.schedule is None else sheet.schedule.provisional_from,
        entry=entry,
        decision_id=decision_id,
        digest=digest,
        created_by=actor.id,
        created_at=created_at,
    )
    session.add(row)
    session.flush()
    return _entry(row)


def load_entry(session: Session, actor: Actor, number: str, *, version: int | None) -> TermSheetEntry:
    """Give a version of a term sheet of the actor's bank, the latest where none is named.

    Raises:
        NotFound: The bank has no such number or version.
    """
    query = (
        select(TermSheetRow)
        .where(TermSheetRow.organization_id == actor.organization_id)
        .where(TermSheetRow.number == number)
    )
    if version is not None:
        query = query.where(TermSheetRow.version == version)
    row = session.exec(query.order_by(col(TermSheetRow.version).desc()).limit(1)).one_or_none()
    if row is None and version is not None:
        raise NotFound(
            f"there is no version {version} of term sheet {number}", zh=f"没有条款清单 {number} 第 {version} 版",
            field="version", remedy="Leave the version out for the latest.", remedy_zh="不填版本即为最新版。",
        )  # fmt: skip
    if row is None:
        raise NotFound(f"there is no term sheet {number}", zh=f"没有条款清单 {number}", field="number")
    return _entry(row)


def latest_entries(session: Session, actor: Actor, *, party_id: str | None = None) -> tuple[TermSheetEntry, ...]:
    """Give the latest version of each term sheet of the bank, newest number first."""
    query = select(TermSheetRow).where(TermSheetRow.organization_id == actor.organization_id)
    if party_id is not None:
        query = query.where(TermSheetRow.party_id == party_id)
    rows = session.exec(query.order_by(col(TermSheetRow.number).desc(), col(TermSheetRow.version))).all()
    return tuple(_entry(row) for row in {row.number: row for row in rows}.values())


def _entry(row: TermSheetRow) -> TermSheetEntry:
    return TermSheetEntry(
        number=row.number,
        version=row.version,
        party_id=row.party_id,
        reason=row.reason,
        product=row.product,
        principal_cny=row.principal_cny,
        drawdown_date=row.drawdown_date,
        maturity_date=row.maturity_date,
        status=row.status,
        executed_rate=row.executed_rate,
        provisional_from=row.provisional_from,
        entry=dict(row.entry),
        decision_id=row.decision_id,
        digest=row.digest,
        created_at=row.created_at,
    )
