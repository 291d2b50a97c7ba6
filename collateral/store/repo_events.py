"""What happened to repos, at rest: appended, read back in order, and the repo's row brought to what it is then."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from carbonfin.kernel.actors import Actor
from carbonfin.rules.record import canonical
from carbonfin.storage.approvals import Approval
from collateral.calc.agreements import Repo
from collateral.calc.close_out import RepoSide
from collateral.calc.repo import RepoTerms
from collateral.calc.repo_event_values import RepoEventDraft, RepoEventKind, RepoEventOutcome
from collateral.models import RepoEventRow, RepoRow


@dataclass(frozen=True, slots=True, kw_only=True)
class RepoEvent:
    """One thing that happened to a repo, as it was carried out.

    Attributes:
        cash_to_buyer_amount: What the seller paid or owes; negative where the buyer did or does.
        moves: Units whose title passed: unit, tonnes, to whom.
        closing: What a close-out left, by name; None of any other event.
    """

    id: str
    kind: RepoEventKind
    place: int
    state_before: str
    state_after: str
    business_date: date
    happened_at: datetime
    maker_name: str
    checker_name: str
    cause: str
    approval_id: str
    decision_id: str
    party: RepoSide | None
    cash_to_buyer_amount: Decimal
    currency: str
    moves: tuple[tuple[str, int, RepoSide], ...]
    terms_before: dict[str, Any]
    closing: dict[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """An event as it is carried out: by whom, when, on which decision."""

    approval: Approval
    decision_id: str
    business_date: date
    happened_at: datetime


def add_event(
    session: Session, actor: Actor, repo: Repo, draft: RepoEventDraft, outcome: RepoEventOutcome, *, done: Done
) -> RepoEvent:
    """Append an event of a repo whose row is held for update."""
    place = session.exec(
        select(sa.func.count()).select_from(RepoEventRow).where(col(RepoEventRow.repo_id) == repo.id)
    ).one()
    row = RepoEventRow(
        organization_id=actor.organization_id,
        repo_id=repo.id,
        place=place + 1,
        kind=draft.kind,
        state_before=repo.state,
        state_after=outcome.state_after,
        business_date=done.business_date,
        happened_at=done.happened_at,
        maker_name=done.approval.maker_name,
        checker_id=actor.id,
        checker_name=actor.name,
        cause=draft.reason.strip(),
        approval_id=done.approval.id,
        decision_id=done.decision_id,
        party=draft.party,
        cash_to_buyer_amount=outcome.cash_to_buyer_amount,
        currency=repo.terms.currency,
        details={
            "edges": list(outcome.edges),
            "moves": [[str(one.unit), one.quantity_t, str(one.to)] for one in outcome.moves],
            "terms_before": _shown(repo.terms),
            "terms_after": _shown(outcome.terms),
            "margin_cash_before": str(repo.margin_cash_amount),
            "closing": None if outcome.closing is None else canonical(outcome.closing),
        },
    )
    session.add(row)
    session.flush()
    return _event(row)


def events_of(session: Session, actor: Actor, *, repo_id: str) -> tuple[RepoEvent, ...]:
    """Give the events of a repo, the first first."""
    rows = session.exec(
        select(RepoEventRow)
        .where(RepoEventRow.organization_id == actor.organization_id, RepoEventRow.repo_id == repo_id)
        .order_by(col(RepoEventRow.place))
    ).all()
    return tuple(_event(row) for row in rows)


def change_repo(session: Session, repo: Repo, terms: RepoTerms, *, state: str, margin_cash_amount: Decimal) -> None:
    """Bring a repo that was read for update to its terms, state and margin after an event."""
    row = session.get(RepoRow, repo.id)
    assert row is not None
    row.state = state
    row.unit = str(terms.unit)
    row.quantity_t = terms.quantity_t
    row.purchase_date = terms.purchase_date
    row.repurchase_date = terms.repurchase_date
    row.purchase_price_amount = terms.purchase_price_amount
    row.rate = terms.rate
    row.later_rates = later_rates_of(terms)
    row.agreed_haircut_ratio = terms.agreed_haircut_ratio
    row.margin_cash_amount = margin_cash_amount
    if not margin_cash_amount:
        row.margin_steps = None  # what it earned was paid with it
    session.add(row)
    session.flush()


def later_rates_of(terms: RepoTerms) -> list[dict[str, str]] | None:
    """Give the rates agreed on the way in plain values."""
    if not terms.later_rates:
        return None
    return [{"start": step.start.isoformat(), "rate": str(step.rate)} for step in terms.later_rates]


def _shown(terms: RepoTerms) -> dict[str, Any]:
    shown: dict[str, Any] = canonical(terms)
    return {**shown, "unit": str(terms.unit)}


def _event(row: RepoEventRow) -> RepoEvent:
    return RepoEvent(
        id=row.id,
        kind=RepoEventKind(row.kind),
        place=row.place,
        state_before=row.state_before,
        state_after=row.state_after,
        business_date=row.business_date,
        happened_at=row.happened_at,
        maker_name=row.maker_name,
        checker_name=row.checker_name,
        cause=row.cause,
        approval_id=row.approval_id,
        decision_id=row.decision_id,
        party=None if row.party is None else RepoSide(row.party),
        cash_to_buyer_amount=row.cash_to_buyer_amount,
        currency=row.currency,
        moves=tuple((unit, quantity_t, RepoSide(to)) for unit, quantity_t, to in row.details["moves"]),
        terms_before=row.details["terms_before"],
        closing=row.details["closing"],
    )
