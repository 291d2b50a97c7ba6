"""Repos and their exposure at rest."""

from datetime import date
from decimal import Decimal

from sqlmodel import Session, col, select

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.dates import DayCount
from carbonfin.kernel.errors import NotFound
from carbonfin.kernel.units import Currency
from collateral.calc.agreements import Repo, RepoDraft, RepoExposureRecord
from collateral.calc.repo import ExposureMethod, RepoExposureOutcome, RepoTerms
from collateral.calc.repo_accrual import RateStep
from collateral.models import RepoExposureRow, RepoRow


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


def change_margin(session: Session, repo: Repo, *, margin_cash_amount: Decimal) -> None:
    """Keep the cash margin of a repo that was read for update; negative where the seller holds it."""
    row = session.get(RepoRow, repo.id)
    assert row is not None
    row.margin_cash_amount = margin_cash_amount
    session.add(row)
    session.flush()


def exposure_with_digest(
    session: Session, actor: Actor, *, repo_id: str, business_date: date, inputs_digest: str
) -> RepoExposureRecord | None:
    """Give the exposure already struck from the same inputs, or None."""
    row = session.exec(
        select(RepoExposureRow).where(
            RepoExposureRow.organization_id == actor.organization_id,
            RepoExposureRow.repo_id == repo_id,
            RepoExposureRow.business_date == business_date,
            RepoExposureRow.inputs_digest == inputs_digest,
        )
    ).one_or_none()
    return None if row is None else _exposure(row)


def add_repo_exposure(
    session: Session,
    actor: Actor,
    outcome: RepoExposureOutcome,
    *,
    repo_id: str,
    business_date: date,
    inputs_digest: str,
    decision_id: str,
) -> RepoExposureRecord:
    """Write down exposure as a new revision of its date."""
    earlier = session.exec(
        select(RepoExposureRow.id).where(
            RepoExposureRow.repo_id == repo_id, RepoExposureRow.business_date == business_date
        )
    ).all()
    row = RepoExposureRow(
        organization_id=actor.organization_id,
        repo_id=repo_id,
        business_date=business_date,
        revision=len(earlier),
        inputs_digest=inputs_digest,
        decision_id=decision_id,
        repurchase_price_amount=outcome.repurchase_price_amount,
        accrued_value_amount=outcome.accrued_value_amount,
        accrued_value_cny=outcome.accrued_value_cny,
        market_value_cny=outcome.market_value_cny,
        haircut_ratio=outcome.haircut_ratio,
        exposure_a_cny=outcome.exposure_a_cny,
        exposure_b_cny=outcome.exposure_b_cny,
        exposure_cny=outcome.exposure_cny,
        margin_call_amount=outcome.margin_call_amount,
        margin_call_units_t=outcome.margin_call_units_t,
    )
    session.add(row)
    session.flush()
    return _exposure(row)


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
    )


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
