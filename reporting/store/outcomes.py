"""Outcomes of applications at rest: written by the body that decides, read by the bank that filed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.errors import NotFound
from carbonfin.rules.record import canonical
from carbonfin.storage.keyset import Place, Slice, beginning_after, slice_of
from carbonfin.storage.learned_types import converted
from carbonfin.storage.rows import insert_many, new_ids
from reporting.calc.outcomes import OutcomeDetails, ToldOutcome, ToldStep, Verdict
from reporting.models import (
    SubsidyApplicationRow,
    SubsidyOutcomeRow,
    SubsidyOutcomeStepRow,
    SubsidyReportRow,
)

_IN_ORDER_TOLD = (col(SubsidyOutcomeRow.told_at), col(SubsidyOutcomeRow.id))


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeToTell:
    """One outcome to be written."""

    application_id: str
    verdict: Verdict
    calculated_cny: Decimal | None
    proposed_cny: Decimal | None
    granted_cny: Decimal | None
    details: OutcomeDetails


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomesAsked:
    """Which outcomes are asked for; None means all.

    Attributes:
        changed_since: Those told at that instant or later, or a step of whose review was.
        with_earlier: Whether also what later reports have overtaken.
    """

    quarter: str | None = None
    verdict: Verdict | None = None
    reference: str | None = None
    changed_since: datetime | None = None
    with_earlier: bool = False


def filing_banks(session: Session, application_ids: Iterable[str] | None = None) -> dict[str, str]:
    """Give the organisation that filed each application the session may see, or each of those named."""
    query = select(SubsidyApplicationRow.id, SubsidyApplicationRow.organization_id)
    if application_ids is not None:
        query = query.where(col(SubsidyApplicationRow.id).in_(tuple(application_ids)))
    return dict(session.exec(query).all())


def are_told(session: Session, report_id: str) -> bool:
    """Whether the outcomes of a report were written; reports of earlier releases have none."""
    query = select(SubsidyOutcomeRow.id).where(SubsidyOutcomeRow.report_id == report_id).limit(1)
    return session.exec(query).one_or_none() is not None


def add_outcomes(
    session: Session,
    actor: Actor,
    report_id: str,
    outcomes: Iterable[OutcomeToTell],
    *,
    banks: Mapping[str, str],
    told_at: datetime,
) -> None:
    """Append what a report says of each application; the report stands on record already."""
    report = session.get_one(SubsidyReportRow, report_id)
    outcomes = tuple(outcomes)
    insert_many(
        session,
        SubsidyOutcomeRow,
        [
            {
                "id": row_id, "bank_id": banks[one.application_id], "application_id": one.application_id,
                "verdict": one.verdict, "calculated_cny": one.calculated_cny, "proposed_cny": one.proposed_cny,
                "granted_cny": one.granted_cny, "details": canonical(one.details),
            }
            for row_id, one in zip(new_ids(len(outcomes)), outcomes, strict=True)
        ],
        same={
            "organization_id": actor.organization_id, "report_id": report_id, "sequence": report.sequence,
            "quarter": report.quarter, "as_of": report.as_of, "told_at": told_at,
        },
    )  # fmt: skip


def add_told_step(session: Session, actor: Actor, application_id: str, step: ToldStep, *, place: int) -> None:
    """Append a step of a review as the bank that filed is told it; whoever adds the step itself flushes both."""
    with session.no_autoflush:
        banks = filing_banks(session, [application_id])
    session.add(
        SubsidyOutcomeStepRow(
            organization_id=actor.organization_id, bank_id=banks[application_id], application_id=application_id,
            place=place, name=step.name, happened_on=step.on, told_at=step.told_at, amount_cny=step.amount_cny,
            published_until=step.published_until,
        )
    )  # fmt: skip


def outcome_page(session: Session, actor: Actor, asked: OutcomesAsked, place: Place) -> Slice[ToldOutcome]:
    """Give a page of the outcomes the actor was told, or told others, in the order they were told."""
    rows = session.execute(beginning_after(_asked(actor, asked), _IN_ORDER_TOLD, place)).all()
    steps = _steps(session, actor, {row[0].application_id for row in rows})
    return slice_of(rows, place, keys=lambda row: (row[0].told_at, row[0].id), value=lambda row: _told(row, steps))


def outcomes_asked(session: Session, actor: Actor, asked: OutcomesAsked) -> tuple[ToldOutcome, ...]:
    """Give all outcomes asked for, in the order they were told."""
    rows = session.execute(_asked(actor, asked).order_by(*_IN_ORDER_TOLD)).all()
    steps = _steps(session, actor, {row[0].application_id for row in rows})
    return tuple(_told(row, steps) for row in rows)


def outcomes_of_application(session: Session, actor: Actor, application_id: str) -> tuple[ToldOutcome, ...]:
    """Give all that was told of an application, the latest report first.

    Raises:
        NotFound: Nothing was, or it is another bank's.
    """
    query = _asked(actor, OutcomesAsked(with_earlier=True)).where(
        col(SubsidyOutcomeRow.application_id) == application_id
    )
    rows = session.execute(
        query.order_by(col(SubsidyOutcomeRow.told_at).desc(), col(SubsidyOutcomeRow.sequence).desc())
    )
    found = rows.all()
    if not found:
        raise NotFound(
            f"no outcome of application {application_id} was told",
            zh="该申请尚无审核结果", field="application_id",
            remedy="The outcome is told once the bureau has built the quarter's report.",
            remedy_zh="主管部门生成该季度报表后即可查看。",
        )  # fmt: skip
    steps = _steps(session, actor, {application_id})
    return tuple(_told(row, steps) for row in found)


def _asked(actor: Actor, asked: OutcomesAsked) -> sa.Select[Any]:
    later, step = aliased(SubsidyOutcomeRow), SubsidyOutcomeStepRow
    overtaken = (
        sa.select(sa.literal(1))
        .where(col(later.organization_id) == SubsidyOutcomeRow.organization_id)
        .where(col(later.application_id) == SubsidyOutcomeRow.application_id)
        .where(col(later.sequence) > SubsidyOutcomeRow.sequence)
        .exists()
    )
    query = (
        sa.select(SubsidyOutcomeRow, overtaken, col(SubsidyApplicationRow.facts))
        .join(SubsidyApplicationRow, col(SubsidyApplicationRow.id) == SubsidyOutcomeRow.application_id)
        .where(_visible(actor, SubsidyOutcomeRow))
    )
    if not asked.with_earlier:
        query = query.where(~overtaken)
    for column, wanted in (
        (SubsidyOutcomeRow.quarter, asked.quarter), (SubsidyOutcomeRow.verdict, asked.verdict),
        (SubsidyApplicationRow.reference, asked.reference),
    ):  # fmt: skip
        if wanted is not None:
            query = query.where(col(column) == wanted)
    if asked.changed_since is not None:
        moved = (
            sa.select(sa.literal(1))
            .where(col(step.organization_id) == SubsidyOutcomeRow.organization_id)
            .where(col(step.application_id) == SubsidyOutcomeRow.application_id)
            .where(col(step.told_at) >= asked.changed_since)
            .exists()
        )
        query = query.where(sa.or_(col(SubsidyOutcomeRow.told_at) >= asked.changed_since, moved))
    return query


def _visible(actor: Actor, row: type[SubsidyOutcomeRow] | type[SubsidyOutcomeStepRow]) -> sa.ColumnElement[bool]:
    return sa.or_(col(row.organization_id) == actor.organization_id, col(row.bank_id) == actor.organization_id)


def _steps(session: Session, actor: Actor, application_ids: set[str]) -> dict[tuple[str, str], tuple[ToldStep, ...]]:
    rows = session.exec(
        select(SubsidyOutcomeStepRow)
        .where(_visible(actor, SubsidyOutcomeStepRow))
        .where(col(SubsidyOutcomeStepRow.application_id).in_(application_ids))
        .order_by(col(SubsidyOutcomeStepRow.place))
    ).all()
    found: dict[tuple[str, str], tuple[ToldStep, ...]] = {}
    for row in rows:
        step = ToldStep(
            name=row.name, on=row.happened_on, told_at=row.told_at, amount_cny=row.amount_cny,
            published_until=row.published_until,
        )  # fmt: skip
        key = (row.organization_id, row.application_id)
        found[key] = (*found.get(key, ()), step)
    return found


def _told(row: Any, steps: Mapping[tuple[str, str], tuple[ToldStep, ...]]) -> ToldOutcome:
    kept: SubsidyOutcomeRow
    kept, is_overtaken, facts = row
    as_of: date = kept.as_of
    return ToldOutcome(
        outcome_id=kept.id, application_id=kept.application_id, reference=facts["reference"],
        applicant_name=facts["applicant_name"], scheme=facts["scheme"], quarter=kept.quarter, as_of=as_of,
        told_at=kept.told_at, is_latest=not is_overtaken, is_sample=facts["is_sample"], verdict=kept.verdict,
        calculated_cny=kept.calculated_cny, proposed_cny=kept.proposed_cny, granted_cny=kept.granted_cny,
        details=converted(kept.details, OutcomeDetails),
        steps=steps.get((kept.organization_id, kept.application_id), ()),
    )  # fmt: skip
