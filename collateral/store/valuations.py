"""Exposures, coverage and margin calls at rest."""

from dataclasses import asdict
from datetime import date, datetime
from decimal import Decimal

from sqlmodel import Session, col, select

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import NotFound
from collateral.calc.agreements import CoverageRecord, Exposure, MarginCall
from collateral.calc.coverage import CoverageLevel, CoverageOutcome, TopUp
from collateral.calc.surrender import SafeDate, SafeDateKind
from collateral.models import AgreementExposureRow, CoverageRow, MarginCallRow

_LIVE_CALLS = ("ISSUED", "AGREED", "PARTIALLY_AGREED", "DISPUTED", "RESOLVED", "IN_TRANSIT", "FAILED", "EXPIRED")


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


def coverage_with_digest(
    session: Session, actor: Actor, *, pledge_id: str, business_date: date, inputs_digest: str
) -> CoverageRecord | None:
    """Give the date's latest coverage if it was struck from the same inputs, or None.

    An earlier one from the same inputs does not count: what was added and taken away again on one day stands anew.
    """
    row = session.exec(
        select(CoverageRow)
        .where(
            CoverageRow.organization_id == actor.organization_id,
            CoverageRow.pledge_id == pledge_id,
            CoverageRow.business_date == business_date,
        )
        .order_by(col(CoverageRow.revision).desc())
        .limit(1)
    ).one_or_none()
    return None if row is None or row.inputs_digest.partition("#")[0] != inputs_digest else _coverage(row)


def add_coverage(
    session: Session,
    actor: Actor,
    outcome: CoverageOutcome,
    *,
    pledge_id: str,
    business_date: date,
    inputs_digest: str,
    decision_id: str,
    warning_ratio: Decimal,
) -> CoverageRecord:
    """Write down coverage as a new revision of its date; the digest of inputs that stood before carries its number."""
    earlier = session.exec(
        select(CoverageRow.inputs_digest).where(
            CoverageRow.pledge_id == pledge_id, CoverageRow.business_date == business_date
        )
    ).all()
    valuation = outcome.valuation
    row = CoverageRow(
        organization_id=actor.organization_id,
        pledge_id=pledge_id,
        business_date=business_date,
        revision=len(earlier),
        inputs_digest=f"{inputs_digest}#{len(earlier)}" if inputs_digest in earlier else inputs_digest,
        decision_id=decision_id,
        market_value_cny=valuation.market_value_cny,
        collateral_value_cny=valuation.collateral_value_cny,
        debt_cny=valuation.debt_cny,
        coverage_ratio=valuation.coverage_ratio,
        ltv_ratio=valuation.ltv_ratio,
        warning_ratio=warning_ratio,
        level=valuation.level,
        cash_to_initial_cny=outcome.cash_to_initial_cny,
        top_ups=top_ups_to_json(outcome.top_ups),
        closeout_days=outcome.closeout_days,
        safe_date_kind=outcome.safe_date.kind,
        safe_date=outcome.safe_date.day,
        unconfirmed=list(outcome.unconfirmed),
    )
    session.add(row)
    session.flush()
    return _coverage(row)


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


def add_call(
    session: Session,
    actor: Actor,
    *,
    agreement_code: str,
    issued_on: date,
    deadline: date | None,
    currency: str,
    cash_amount: Decimal,
    top_ups: tuple[TopUp, ...],
    decision_id: str,
    issued_at: datetime,
) -> MarginCall:
    """Write down a call as issued."""
    row = MarginCallRow(
        organization_id=actor.organization_id,
        agreement_code=agreement_code,
        state="ISSUED",
        issued_on=issued_on,
        deadline=deadline,
        currency=currency,
        cash_amount=cash_amount,
        top_ups=top_ups_to_json(top_ups),
        decision_id=decision_id,
        issued_at=issued_at,
    )
    session.add(row)
    session.flush()
    return _call(row)


def live_calls(session: Session, actor: Actor, *, agreement_code: str | None = None) -> tuple[MarginCall, ...]:
    """Give the calls that are neither settled nor retracted, the earliest deadline first."""
    query = select(MarginCallRow).where(
        MarginCallRow.organization_id == actor.organization_id, col(MarginCallRow.state).in_(_LIVE_CALLS)
    )
    if agreement_code is not None:
        query = query.where(MarginCallRow.agreement_code == agreement_code)
    rows = session.exec(query.order_by(col(MarginCallRow.agreement_code))).all()
    return tuple(sorted((_call(row) for row in rows), key=lambda call: call.deadline or date.max))


def call_issued_on(session: Session, actor: Actor, *, agreement_code: str, issued_on: date) -> MarginCall | None:
    """Give the call issued for an agreement on a day, whatever became of it."""
    row = session.exec(
        select(MarginCallRow).where(
            MarginCallRow.organization_id == actor.organization_id,
            MarginCallRow.agreement_code == agreement_code,
            MarginCallRow.issued_on == issued_on,
        )
    ).one_or_none()
    return None if row is None else _call(row)


def load_call(session: Session, actor: Actor, call_id: str) -> MarginCall:
    """Give a call of the actor's organisation.

    Raises:
        NotFound: There is none, or it is another organisation's.
    """
    row = session.get(MarginCallRow, call_id)
    if row is None or row.organization_id != actor.organization_id:
        raise NotFound(f"there is no call {call_id}", zh="没有这份追加担保通知", field="call_id")
    return _call(row)


def change_call(session: Session, call: MarginCall, *, state: str, closed_on: date | None) -> None:
    """Move a call."""
    row = session.get(MarginCallRow, call.id, with_for_update=True)
    assert row is not None
    row.state = state
    row.closed_on = closed_on
    session.add(row)
    session.flush()


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


def _top_ups(stored: list[dict[str, str | int | bool]]) -> tuple[TopUp, ...]:
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
        top_ups=_top_ups(row.top_ups),
        closeout_days=row.closeout_days,
        safe_date=SafeDate(kind=SafeDateKind(row.safe_date_kind), day=row.safe_date, unit=None),
        unconfirmed=tuple(row.unconfirmed),
    )


def _call(row: MarginCallRow) -> MarginCall:
    return MarginCall(
        id=row.id,
        agreement_code=row.agreement_code,
        state=row.state,
        issued_on=row.issued_on,
        deadline=row.deadline,
        currency=row.currency,
        cash_amount=row.cash_amount,
        top_ups=_top_ups(row.top_ups),
        decision_id=row.decision_id,
        closed_on=row.closed_on,
    )
