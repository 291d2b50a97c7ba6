"""Pulls of account data at rest."""

from dataclasses import asdict
from datetime import datetime

from sqlmodel import Session, col, select

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.batch import Failure
from loans.calc.account_pulls import AccountPull, PullRequest
from loans.models import AccountPullRow


def add_pull(session: Session, actor: Actor, party_id: str, pull: AccountPull) -> None:
    """Append a pull."""
    request = pull.request
    session.add(
        AccountPullRow(
            organization_id=actor.organization_id,
            party_id=party_id,
            number=pull.number,
            provider=request.provider,
            usci=request.usci,
            purpose=request.purpose,
            consent=request.consent,
            from_year=request.from_year,
            to_year=request.to_year,
            address=pull.address,
            digest=pull.digest,
            attempt_count=pull.attempt_count,
            row_count=pull.row_count,
            added_count=pull.added_count,
            corrected_count=pull.corrected_count,
            unchanged_count=pull.unchanged_count,
            failures=[asdict(one) for one in pull.failures],
            pulled_by=pull.pulled_by,
            pulled_at=pull.pulled_at,
        )
    )
    session.flush()


def pulls_of(session: Session, actor: Actor, party_id: str, *, known_at: datetime) -> tuple[AccountPull, ...]:
    """Give the pulls of an enterprise known at an instant, the latest first."""
    rows = session.exec(
        select(AccountPullRow)
        .where(
            AccountPullRow.organization_id == actor.organization_id,
            AccountPullRow.party_id == party_id,
            col(AccountPullRow.pulled_at) <= known_at,
        )
        .order_by(col(AccountPullRow.number).desc())
    ).all()
    return tuple(_pull(row) for row in rows)


def _pull(row: AccountPullRow) -> AccountPull:
    return AccountPull(
        number=row.number,
        request=PullRequest(
            provider=row.provider, usci=row.usci, from_year=row.from_year, to_year=row.to_year, purpose=row.purpose,
            consent=row.consent,
        ),
        address=row.address,
        digest=row.digest,
        attempt_count=row.attempt_count,
        row_count=row.row_count,
        added_count=row.added_count,
        corrected_count=row.corrected_count,
        unchanged_count=row.unchanged_count,
        failures=tuple(_failure(one) for one in row.failures),
        pulled_by=row.pulled_by,
        pulled_at=row.pulled_at,
    )  # fmt: skip


def _failure(one: dict[str, str | None]) -> Failure:
    return Failure(
        item=one["item"] or "",
        field=one["field"],
        detail=one["detail"] or "",
        zh=one["zh"] or "",
        remedy=one["remedy"] or "",
        remedy_zh=one["remedy_zh"] or "",
    )
