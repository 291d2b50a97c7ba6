"""Subsidy applications and reports at rest; a bank sees its own, the bureau those of all banks of its world."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from carbonfin.kernel.actors import Actor, OrganizationKind
from carbonfin.kernel.cryptography import sha256_hex
from carbonfin.kernel.errors import Conflict, NotFound
from carbonfin.rules.record import canonical, canonical_json, digest_of
from carbonfin.storage.decisions import DecisionRow, rebuilt
from carbonfin.storage.keyset import Place, Slice, beginning_after, slice_of
from carbonfin.storage.learned_types import converted
from carbonfin.storage.rows import insert_many
from reporting.calc.batches import FiledApplication
from reporting.calc.facts import SubsidyApplication
from reporting.calc.quarters import Quarter
from reporting.calc.reports import KeptLine, ReportHead, ReportLine, SubsidyReport
from reporting.calc.subsidies import SubsidyDecision
from reporting.models import SubsidyApplicationRow, SubsidyReportLineRow, SubsidyReportRow

_IN_ORDER_OF_FILING = (
    col(SubsidyApplicationRow.submitted_at), col(SubsidyApplicationRow.reference), col(SubsidyApplicationRow.id),
)  # fmt: skip


def find_application(session: Session, actor: Actor, reference: str) -> FiledApplication | None:
    """Give the actor's own application with a reference, if there is one."""
    row = session.exec(
        select(SubsidyApplicationRow)
        .where(SubsidyApplicationRow.organization_id == actor.organization_id)
        .where(SubsidyApplicationRow.reference == reference)
    ).one_or_none()
    return None if row is None else _filed(row)


def add_application(
    session: Session, actor: Actor, application: SubsidyApplication, *, recorded_at: datetime | None
) -> FiledApplication:
    """Append an application."""
    row = SubsidyApplicationRow(
        organization_id=actor.organization_id,
        reference=application.reference,
        scheme=application.scheme,
        applicant_usci=application.applicant_usci,
        note_number=application.loan_note.note_number,
        submitted_at=application.submitted_at,
        facts=_plain(application),
        digest=digest_of(application),
        is_sample=application.is_sample,
        recorded_at=recorded_at,
    )
    session.add(row)
    session.flush()
    return _filed(row)


def applications_of(
    session: Session, actor: Actor, *, known_until: datetime | None = None
) -> tuple[FiledApplication, ...]:
    """Give the applications the actor may see, submitted and written down by an instant, in order of filing."""
    query = select(SubsidyApplicationRow).where(_visible(actor))
    if known_until is not None:
        recorded_at = col(SubsidyApplicationRow.recorded_at)
        query = query.where(
            col(SubsidyApplicationRow.submitted_at) <= known_until,
            sa.or_(recorded_at.is_(None), recorded_at <= known_until),
        )
    return tuple(_filed(row) for row in session.exec(query.order_by(*_IN_ORDER_OF_FILING)).all())


def find_applications(session: Session, actor: Actor, words: str, *, limit: int) -> tuple[FiledApplication, ...]:
    """Give applications the actor may see whose reference, applicant or loan note holds these words, the last first."""
    name = col(SubsidyApplicationRow.facts)["applicant_name"].as_string()
    holds = [
        each.icontains(words, autoescape=True)
        for each in (
            col(SubsidyApplicationRow.reference), col(SubsidyApplicationRow.applicant_usci),
            col(SubsidyApplicationRow.note_number), name,
        )
    ]  # fmt: skip
    query = select(SubsidyApplicationRow).where(_visible(actor), sa.or_(*holds))
    latest = (col(SubsidyApplicationRow.submitted_at).desc(), col(SubsidyApplicationRow.id))
    return tuple(_filed(row) for row in session.exec(query.order_by(*latest).limit(limit)).all())


def last_filing(session: Session, actor: Actor) -> datetime | None:
    """Give the instant of the last filing the actor may see, if there is one."""
    return session.exec(select(sa.func.max(SubsidyApplicationRow.submitted_at)).where(_visible(actor))).one_or_none()


def application_page(session: Session, actor: Actor, place: Place) -> Slice[FiledApplication]:
    """Give a page of the applications the actor may see, in order of filing."""
    query = select(SubsidyApplicationRow).where(_visible(actor))
    rows = session.exec(beginning_after(query, _IN_ORDER_OF_FILING, place)).all()
    return slice_of(rows, place, keys=lambda row: (row.submitted_at, row.reference, row.id), value=_filed)


def load_application(session: Session, actor: Actor, application_id: str) -> FiledApplication:
    """Give an application the actor may see.

    Raises:
        NotFound: There is none, or it is another bank's.
    """
    row = session.exec(
        select(SubsidyApplicationRow).where(SubsidyApplicationRow.id == application_id).where(_visible(actor))
    ).one_or_none()
    if row is None:
        raise NotFound(
            f"there is no subsidy application {application_id}", zh="没有这份贴息申请", field="application_id"
        )
    return _filed(row)


def find_report(
    session: Session, actor: Actor, *, quarter: Quarter, as_of: object, inputs_digest: str
) -> SubsidyReport | None:
    """Give the report built from these very inputs, if there is one."""
    row = session.exec(
        select(SubsidyReportRow)
        .where(SubsidyReportRow.organization_id == actor.organization_id)
        .where(SubsidyReportRow.quarter == str(quarter))
        .where(SubsidyReportRow.as_of == as_of)
        .where(SubsidyReportRow.inputs_digest == inputs_digest)
    ).one_or_none()
    return None if row is None else _report(session, row)


def add_report(
    session: Session, actor: Actor, report: SubsidyReport, kept: Sequence[KeptLine], *, inputs_digest: str
) -> None:
    """Append a report; its lines by the decisions they hold, which stand on record already."""
    last = session.exec(
        select(sa.func.max(SubsidyReportRow.sequence)).where(SubsidyReportRow.organization_id == actor.organization_id)
    ).one()
    session.add(
        SubsidyReportRow(
            id=report.report_id,
            organization_id=actor.organization_id,
            sequence=(last or 0) + 1,
            quarter=report.quarter,
            as_of=report.as_of,
            inputs_digest=inputs_digest,
            content=_plain(replace(report, lines=())) | {"head": _plain(ReportHead.of(report))},
            digest=report.digest,
        )
    )
    session.flush()
    insert_many(
        session,
        SubsidyReportLineRow,
        [
            {
                "application_id": line.application_id, "decision_id": line.decision_id,
                "outcome": line.decision.outcome, "details": canonical(one),
            }
            for line, one in zip(report.lines, kept, strict=True)
        ],
        same={"report_id": report.report_id},
    )  # fmt: skip


def load_report(session: Session, actor: Actor, report_id: str, *, of: str | None = None) -> SubsidyReport:
    """Give a report of the actor's organisation, with all its lines or with the line of one application alone.

    Raises:
        NotFound: There is none, or it is another organisation's.
        Conflict: What is stored no longer has the digest it was kept under.
    """
    row = session.get(SubsidyReportRow, report_id)
    if row is None or row.organization_id != actor.organization_id:
        raise NotFound(f"there is no subsidy report {report_id}", zh="没有这份贴息报表", field="report_id")
    return _report(session, row, of=of)


def report_heads(session: Session, actor: Actor) -> tuple[ReportHead, ...]:
    """Give the reports of the actor's organisation without their lines, the latest first; a damaged one says so."""
    rows = session.exec(
        select(SubsidyReportRow)
        .where(SubsidyReportRow.organization_id == actor.organization_id)
        .order_by(col(SubsidyReportRow.sequence).desc())
    ).all()
    return tuple(_head(session, row) for row in rows)


def latest_report_with(session: Session, actor: Actor, application_id: str) -> str | None:
    """Give the identifier of the actor's latest report that holds an application, if there is one."""
    return session.exec(
        select(SubsidyReportRow.id)
        .join(SubsidyReportLineRow, col(SubsidyReportLineRow.report_id) == SubsidyReportRow.id)
        .where(SubsidyReportRow.organization_id == actor.organization_id)
        .where(SubsidyReportLineRow.application_id == application_id)
        .order_by(col(SubsidyReportRow.sequence).desc())
        .limit(1)
    ).one_or_none()


def _visible(actor: Actor) -> sa.ColumnElement[bool]:
    if actor.organization_kind is OrganizationKind.BUREAU:
        return col(SubsidyApplicationRow.is_sample) == actor.is_sample
    return col(SubsidyApplicationRow.organization_id) == actor.organization_id


def _plain(value: object) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(canonical_json(value))
    return plain


def _filed(row: SubsidyApplicationRow) -> FiledApplication:
    return FiledApplication(
        application_id=row.id, application=converted(row.facts, SubsidyApplication), recorded_at=row.recorded_at
    )


def _head(session: Session, row: SubsidyReportRow) -> ReportHead:
    """Read a report's head; reports kept whole have none and are read for it."""
    if "head" in row.content:
        return converted(row.content["head"], ReportHead)
    try:
        return ReportHead.of(_report(session, row))
    except Conflict:
        return ReportHead(
            report_id=row.id, quarter=row.quarter, as_of=row.as_of, prepared_by="", line_count=None,
            calculated_cny=None, proposed_cny=None, is_damaged=True,
        )  # fmt: skip


def _report(session: Session, row: SubsidyReportRow, *, of: str | None = None) -> SubsidyReport:
    """Read a report back, each part held to its digest over the text that is stored; of one line, its own alone."""
    if digest_of({name: value for name, value in row.content.items() if name != "head"}) != row.digest:
        raise _not_as_kept(row, "its content", "报表内容")
    report = converted(row.content, SubsidyReport)
    if report.lines_digest is None:
        return report
    query = (
        sa.select(
            col(SubsidyReportLineRow.details), col(SubsidyApplicationRow.facts), col(DecisionRow.outputs),
            *_IN_ORDER_OF_FILING,
        )
        .join(SubsidyApplicationRow, col(SubsidyApplicationRow.id) == SubsidyReportLineRow.application_id)
        .join(DecisionRow, col(DecisionRow.id) == SubsidyReportLineRow.decision_id)
        .where(col(SubsidyReportLineRow.report_id) == row.id)
    )  # fmt: skip
    if of is not None:
        query = query.where(col(SubsidyReportLineRow.application_id) == of)
    # Sorted here as the report's lines were: an engine may order texts by another alphabet.
    found = sorted(session.execute(query).all(), key=lambda one: tuple(one[3:]))
    if of is None and digest_of([one[0] for one in found]) != report.lines_digest:
        raise _not_as_kept(row, "its lines", "报表明细")
    lines = tuple(_line(row, details, facts, outputs) for details, facts, outputs, *_ in found)
    return replace(report, lines=lines)


def _line(row: SubsidyReportRow, details: dict[str, Any], facts: dict[str, Any], outputs: str) -> ReportLine:
    kept = converted(details, KeptLine)
    if digest_of(facts) != kept.application_digest:
        raise _not_as_kept(row, f"application {facts.get('reference')}", f"申请 {facts.get('reference')}")
    if sha256_hex(outputs.encode()) != kept.outputs_digest:
        raise _not_as_kept(row, f"decision {kept.decision_id}", f"决定 {kept.decision_id}")
    return kept.line(converted(facts, SubsidyApplication), rebuilt(outputs, SubsidyDecision))


def _not_as_kept(row: SubsidyReportRow, what: str, what_zh: str) -> Conflict:
    return Conflict(
        f"{what} of report {row.id} no longer has its digest",
        zh=f"报表 {row.id}：{what_zh}与摘要不符，可能已损坏或被改动", field="report_id",
        remedy="Tell operations: restore it from a backup.", remedy_zh="请联系运维从备份恢复。",
    )  # fmt: skip
