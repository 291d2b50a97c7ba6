"""Steps of the bureau's review at rest: only ever added, each with its place in its case."""

from datetime import date, datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.errors import Conflict
from reporting.calc.outcomes import told_step
from reporting.calc.reviews import ReviewCase, ReviewStep
from reporting.models import SubsidyReviewStepRow
from reporting.store.outcomes import add_told_step


def steps_of_review(session: Session, actor: Actor, application_id: str) -> tuple[str, tuple[ReviewStep, ...]]:
    """Give the report that a review rests on and its steps in order; no report where it has not begun."""
    rows = session.exec(
        select(SubsidyReviewStepRow)
        .where(SubsidyReviewStepRow.organization_id == actor.organization_id)
        .where(SubsidyReviewStepRow.application_id == application_id)
        .order_by(col(SubsidyReviewStepRow.place))
    ).all()
    return (rows[0].report_id if rows else ""), tuple(_step(row) for row in rows)


def reviews_of_report(session: Session, actor: Actor, report_id: str) -> dict[str, tuple[ReviewStep, ...]]:
    """Give the steps of every review that rests on a report, by application."""
    rows = session.exec(
        select(SubsidyReviewStepRow)
        .where(SubsidyReviewStepRow.organization_id == actor.organization_id)
        .where(SubsidyReviewStepRow.report_id == report_id)
        .order_by(col(SubsidyReviewStepRow.application_id), col(SubsidyReviewStepRow.place))
    ).all()
    found: dict[str, tuple[ReviewStep, ...]] = {}
    for row in rows:
        found[row.application_id] = (*found.get(row.application_id, ()), _step(row))
    return found


def reviewed_by_other_reports(session: Session, actor: Actor, report_id: str) -> frozenset[str]:
    """Give the applications whose review rests on another report than this."""
    return frozenset(
        session.exec(
            select(SubsidyReviewStepRow.application_id)
            .where(SubsidyReviewStepRow.organization_id == actor.organization_id)
            .where(SubsidyReviewStepRow.report_id != report_id)
            .distinct()
        ).all()
    )


def open_objections(session: Session, actor: Actor) -> dict[str, ReviewStep]:
    """Give the objections that nothing was decided on yet, by application, the oldest first."""
    later = aliased(SubsidyReviewStepRow)
    rows = session.exec(
        select(SubsidyReviewStepRow)
        .where(SubsidyReviewStepRow.organization_id == actor.organization_id)
        .where(SubsidyReviewStepRow.name == "object")
        .where(
            ~sa.exists()
            .where(col(later.organization_id) == col(SubsidyReviewStepRow.organization_id))
            .where(col(later.application_id) == col(SubsidyReviewStepRow.application_id))
            .where(col(later.place) > col(SubsidyReviewStepRow.place))
        )
        .order_by(col(SubsidyReviewStepRow.happened_on), col(SubsidyReviewStepRow.taken_at))
    ).all()
    return {row.application_id: _step(row) for row in rows}


def paid_by_application(session: Session, actor: Actor, *, known_at: datetime, until: date) -> dict[str, Decimal]:
    """Give what was paid on each application by a day and had not come back by it, as known at an instant, 元."""
    rows = session.exec(
        select(SubsidyReviewStepRow)
        .where(SubsidyReviewStepRow.organization_id == actor.organization_id)
        .where(col(SubsidyReviewStepRow.name).in_(("pay", "bounce")))
        .where(col(SubsidyReviewStepRow.taken_at) <= known_at)
        .where(col(SubsidyReviewStepRow.happened_on) <= until)
        .order_by(col(SubsidyReviewStepRow.application_id), col(SubsidyReviewStepRow.place))
    ).all()
    paid: dict[str, Decimal] = {}
    for row in rows:
        if row.name == "pay" and row.amount_cny is not None:
            paid[row.application_id] = row.amount_cny
        else:
            paid.pop(row.application_id, None)
    return paid


def add_review_step(
    session: Session, actor: Actor, case: ReviewCase, step: ReviewStep, *, approval_id: str | None
) -> None:
    """Append a step to the steps of a case as it was before, and what the bank that filed is told of it.

    Raises:
        Conflict: Another step was taken meanwhile.
    """
    session.add(
        SubsidyReviewStepRow(
            organization_id=actor.organization_id,
            report_id=case.report_id,
            application_id=case.application_id,
            place=len(case.steps),
            name=step.name,
            happened_on=step.on,
            taken_at=step.at,
            amount_cny=step.amount_cny,
            maker_name=step.maker_name,
            checker_name=step.checker_name,
            approval_id=approval_id,
            reason=step.reason,
            evidence_digest=step.evidence_digest,
            details=dict(step.details),
        )
    )
    told = told_step(step)
    if told is not None:
        add_told_step(session, actor, case.application_id, told, place=len(case.steps))
    try:
        session.flush()
    except sa.exc.IntegrityError as error:
        raise Conflict(
            f"application {case.application_id} was reviewed meanwhile", zh="该申请刚刚已办理其他步骤",
            field="application_id", remedy="Look again and repeat.", remedy_zh="请刷新后重试。",
        ) from error  # fmt: skip


def _step(row: SubsidyReviewStepRow) -> ReviewStep:
    return ReviewStep(
        name=row.name, on=row.happened_on, at=row.taken_at, amount_cny=row.amount_cny, maker_name=row.maker_name,
        checker_name=row.checker_name, reason=row.reason, evidence_digest=row.evidence_digest, details=row.details,
    )  # fmt: skip
