"""Ratings by the scorecard in short, at rest: the history of an enterprise, and the last of each."""

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from carbonfin.kernel.actors import Actor
from carbonfin.storage.engine import execute_prepared
from carbonfin.storage.rows import insert_many, new_id, table_of
from loans.calc.ratings.results import RatingResult
from loans.models import RatingResultRow

_RESULTS = table_of(RatingResultRow)
_MINE = (_RESULTS.c.organization_id == sa.bindparam("mine"), _RESULTS.c.party_id == sa.bindparam("party"))
_LAST = sa.select(_RESULTS).where(*_MINE).order_by(_RESULTS.c.number.desc()).limit(1)
_LETTER_BEFORE = (
    sa.select(_RESULTS.c.letter)
    .where(*_MINE, _RESULTS.c.year < sa.bindparam("year"), _RESULTS.c.letter.is_not(None))
    .order_by(_RESULTS.c.number.desc())
    .limit(1)
)


def add_result(session: Session, actor: Actor, result: RatingResult) -> None:
    """Append a rating."""
    values = {
        "id": new_id(), "organization_id": actor.organization_id, "party_id": result.party_id,
        "number": result.number, "year": result.year, "letter": result.letter, "points": result.points,
        "valid_on": result.valid_on, "known_at": result.known_at, "valid_to": result.valid_to,
        "decision_id": result.decision_id,
    }  # fmt: skip
    insert_many(session, RatingResultRow, [values])


def results_of(
    session: Session, actor: Actor, party_id: str, *, valid_on: date | None = None, known_at: datetime | None = None
) -> tuple[RatingResult, ...]:
    """Give the ratings of an enterprise, the latest first; those valid by a day and known by an instant where named."""
    query = select(RatingResultRow).where(
        RatingResultRow.organization_id == actor.organization_id, RatingResultRow.party_id == party_id
    )
    if valid_on is not None:
        query = query.where(col(RatingResultRow.valid_on) <= valid_on)
    if known_at is not None:
        query = query.where(col(RatingResultRow.known_at) <= known_at)
    return tuple(_result(row) for row in session.exec(query.order_by(col(RatingResultRow.number).desc())).all())


def last_result(session: Session, actor: Actor, party_id: str) -> RatingResult | None:
    """Give the rating made last of an enterprise, or None."""
    asked = {"mine": actor.organization_id, "party": party_id}
    row = execute_prepared(session, _LAST, asked).one_or_none()
    return None if row is None else _result(row)


def letter_before(session: Session, actor: Actor, party_id: str, year: int) -> str | None:
    """Give the letter of the last rating of an earlier year that has one, or None."""
    asked = {"mine": actor.organization_id, "party": party_id, "year": year}
    found: str | None = execute_prepared(session, _LETTER_BEFORE, asked).scalar_one_or_none()
    return found


def last_results(session: Session, actor: Actor) -> tuple[RatingResult, ...]:
    """Give the rating made last of each enterprise."""
    last = (
        sa.select(col(RatingResultRow.party_id).label("party"), sa.func.max(RatingResultRow.number).label("number"))
        .where(col(RatingResultRow.organization_id) == actor.organization_id)
        .group_by(col(RatingResultRow.party_id))
        .subquery()
    )
    rows = session.exec(
        select(RatingResultRow)
        .join(last, sa.and_(last.c.party == RatingResultRow.party_id, last.c.number == RatingResultRow.number))
        .where(RatingResultRow.organization_id == actor.organization_id)
        .order_by(col(RatingResultRow.party_id))
    ).all()
    return tuple(_result(row) for row in rows)


def results_of_year(session: Session, actor: Actor, year: int) -> dict[str, RatingResult]:
    """Give by enterprise the rating made last for a year."""
    rows = session.exec(
        select(RatingResultRow)
        .where(RatingResultRow.organization_id == actor.organization_id, RatingResultRow.year == year)
        .order_by(col(RatingResultRow.number))
    ).all()
    return {row.party_id: _result(row) for row in rows}


def _result(row: Any) -> RatingResult:
    return RatingResult(
        party_id=row.party_id,
        number=row.number,
        year=row.year,
        letter=row.letter,
        points=row.points,
        valid_on=row.valid_on,
        known_at=row.known_at,
        valid_to=row.valid_to,
        decision_id=row.decision_id,
    )
