"""Repos and their exposure at rest."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import sqlalchemy as sa
from sqlmodel import Session, col, select

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.dates import DayCount
from carbonfin.kernel.errors import NotFound
from carbonfin.kernel.units import Currency
from carbonfin.storage.rows import insert_many, new_ids, table_of
from collateral.calc.agreements import Repo, RepoDraft, RepoExposureRecord
from collateral.calc.cash_margin import MarginStep, stepped
from collateral.calc.repo import ExposureMethod, RepoTerms
from collateral.calc.repo_accrual import RateStep
from collateral.calc.repo_exposure import RepoExposureOutcome
from collateral.models import RepoExposureRow, RepoRow

_IDS_AT_ONCE = 5000


def add_repo(
    session: Session, actor: Actor, draft: RepoDraft, *, state: str, start_decision_id: str, is_sample: bool,
    margin_cash_amount: Decimal = Decimal("0.00"),
) -> Repo:  # fmt: skip
    """Write down a repo; one that takes another's place takes over its cash margin."""
    terms = draft.terms
    row = RepoRow(
        organization_id=actor.organization_id,
        code=terms.code,
        seller_id=draft.seller_id,
        buyer_id=draft.buyer_id,
        bank_role=draft.bank_role,
        state=state,
        unit=str(terms.unit),
        quantity_t=terms.quantity_t,
        margin_cash_amount=margin_cash_amount,
        purchase_date=terms.purchase_date,
        repurchase_date=terms.repurchase_date,
        currency=terms.currency,
        purchase_price_amount=terms.purchase_price_amount,
        rate=terms.rate,
        basis=terms.basis,
        method=terms.method,
        minimum_transfer_amount=terms.minimum_transfer_amount,
        agreed_haircut_ratio=terms.agreed_haircut_ratio,
        margin_rate=terms.margin_rate,
        margin_steps=_plain_steps((MarginStep(start=terms.purchase_date, amount=margin_cash_amount),))
        if margin_cash_amount
        else None,
        override_reason=draft.override_reason or None,
        flags=list(draft.flags),
        start_decision_id=start_decision_id,
        is_sample=is_sample,
    )
    session.add(row)
    session.flush()
    return _repo(row)


def find_repo(session: Session, actor: Actor, code: str) -> Repo | None:
    """Give the repo of the actor's organisation with this code, or None."""
    row = session.exec(
        select(RepoRow).where(RepoRow.organization_id == actor.organization_id, RepoRow.code == code)
    ).one_or_none()
    return None if row is None else _repo(row)


def load_repo(session: Session, actor: Actor, repo_id: str, *, lock: bool = False) -> Repo:
    """Give a repo of the actor's organisation.

    Raises:
        NotFound: There is none, or it is another organisation's.
    """
    row = session.get(RepoRow, repo_id, with_for_update=lock or None, populate_existing=lock)
    if row is None or row.organization_id != actor.organization_id:
        raise NotFound(f"there is no repo {repo_id}", zh="没有这笔回购", field="repo_id")
    return _repo(row)


def repos_of(session: Session, actor: Actor, *, states: frozenset[str] | None = None) -> tuple[Repo, ...]:
    """Give repos by code."""
    query = select(RepoRow).where(RepoRow.organization_id == actor.organization_id)
    if states is not None:
        query = query.where(col(RepoRow.state).in_(sorted(states)))
    return tuple(_repo(row) for row in session.exec(query.order_by(col(RepoRow.code))).all())


def change_repo_state(session: Session, repo: Repo, *, state: str) -> None:
    """Move a repo that was read for update."""
    row = session.get(RepoRow, repo.id)
    assert row is not None
    row.state = state
    session.add(row)
    session.flush()


def change_margin(session: Session, repo: Repo, *, margin_cash_amount: Decimal, on: date) -> None:
    """Keep the cash margin of a repo that was read for update, from a day on; negative where the seller holds it."""
    row = session.get(RepoRow, repo.id)
    assert row is not None
    row.margin_cash_amount = margin_cash_amount
    row.margin_steps = _plain_steps(stepped(repo.margin_steps, on=on, amount=margin_cash_amount))
    session.add(row)
    session.flush()


def exposures_on(session: Session, actor: Actor, day: date) -> dict[str, dict[str, str]]:
    """Give what was struck on a day by repo: the decision of each digest of inputs."""
    table = table_of(RepoExposureRow)
    rows = session.execute(
        sa.select(table.c.repo_id, table.c.inputs_digest, table.c.decision_id)
        .where(table.c.organization_id == actor.organization_id, table.c.business_date == day)
        .order_by(table.c.revision)
    )
    found: dict[str, dict[str, str]] = {}
    for row in rows:
        found.setdefault(row.repo_id, {})[row.inputs_digest] = row.decision_id
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class StruckRepo:
    """One repo's exposure of a day to be written down."""

    repo_id: str
    revision: int
    inputs_digest: str
    decision_id: str
    outcome: RepoExposureOutcome


_STRUCK = (
    "repurchase_price_amount", "accrued_value_amount", "accrued_value_cny", "market_value_cny", "haircut_ratio",
    "exposure_a_cny", "exposure_b_cny", "exposure_cny", "margin_call_amount", "margin_call_units_t",
)  # fmt: skip


def add_repo_exposures(session: Session, actor: Actor, business_date: date, struck: Sequence[StruckRepo]) -> None:
    """Write down many repos' exposures of a day by one statement."""
    rows = [
        {
            "id": row_id,
            "repo_id": one.repo_id,
            "revision": one.revision,
            "inputs_digest": one.inputs_digest,
            "decision_id": one.decision_id,
            **{name: getattr(one.outcome, name) for name in _STRUCK},
        }
        for row_id, one in zip(new_ids(len(struck)), struck, strict=True)
    ]
    same = {"organization_id": actor.organization_id, "business_date": business_date}
    insert_many(session, RepoExposureRow, rows, same=same)


def move_repos(session: Session, actor: Actor, repo_ids: Sequence[str], *, before: str, after: str) -> int:
    """Move many repos that stand in one state to another by guarded statements, and say how many moved."""
    table, moved = table_of(RepoRow), 0
    for start in range(0, len(repo_ids), _IDS_AT_ONCE):
        done = session.execute(
            sa.update(table)
            .where(table.c.organization_id == actor.organization_id, table.c.state == before)
            .where(table.c.id.in_(repo_ids[start : start + _IDS_AT_ONCE]))
            .values(state=after)
        )
        moved += done.rowcount  # type: ignore[attr-defined]  # an UPDATE gives a cursor result
    return moved


def latest_repo_exposure(session: Session, actor: Actor, *, repo_id: str, on: date) -> RepoExposureRecord | None:
    """Give the last exposure struck on or before a day, or None."""
    row = session.exec(
        select(RepoExposureRow)
        .where(
            RepoExposureRow.organization_id == actor.organization_id,
            RepoExposureRow.repo_id == repo_id,
            RepoExposureRow.business_date <= on,
        )
        .order_by(col(RepoExposureRow.business_date).desc(), col(RepoExposureRow.revision).desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else _exposure(row)


def _repo(row: RepoRow) -> Repo:
    return Repo(
        id=row.id,
        terms=RepoTerms(
            code=row.code,
            unit=Unit.parse(row.unit),
            quantity_t=row.quantity_t,
            purchase_date=row.purchase_date,
            repurchase_date=row.repurchase_date,
            currency=Currency(row.currency),
            purchase_price_amount=row.purchase_price_amount,
            rate=row.rate,
            basis=DayCount(row.basis),
            later_rates=None
            if not row.later_rates
            else tuple(
                RateStep(start=date.fromisoformat(one["start"]), rate=Decimal(one["rate"])) for one in row.later_rates
            ),
            method=ExposureMethod(row.method),
            minimum_transfer_amount=row.minimum_transfer_amount,
            agreed_haircut_ratio=row.agreed_haircut_ratio,
            margin_rate=row.margin_rate,
        ),
        seller_id=row.seller_id,
        buyer_id=row.buyer_id,
        bank_role=row.bank_role,
        state=row.state,
        margin_units_t=row.margin_units_t,
        margin_cash_amount=row.margin_cash_amount,
        flags=tuple(row.flags),
        start_decision_id=row.start_decision_id,
        is_sample=row.is_sample,
        margin_steps=tuple(
            MarginStep(start=date.fromisoformat(one["start"]), amount=Decimal(one["amount"]))
            for one in row.margin_steps or ()
        ),
    )


def _plain_steps(steps: Sequence[MarginStep]) -> list[dict[str, str]]:
    return [{"start": one.start.isoformat(), "amount": str(one.amount)} for one in steps]


def _exposure(row: RepoExposureRow) -> RepoExposureRecord:
    return RepoExposureRecord(
        repo_id=row.repo_id,
        business_date=row.business_date,
        revision=row.revision,
        decision_id=row.decision_id,
        repurchase_price_amount=row.repurchase_price_amount,
        accrued_value_amount=row.accrued_value_amount,
        accrued_value_cny=row.accrued_value_cny,
        market_value_cny=row.market_value_cny,
        haircut_ratio=row.haircut_ratio,
        exposure_a_cny=row.exposure_a_cny,
        exposure_b_cny=row.exposure_b_cny,
        exposure_cny=row.exposure_cny,
        margin_call_amount=row.margin_call_amount,
        margin_call_units_t=row.margin_call_units_t,
    )
