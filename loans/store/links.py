"""Sustainability links at rest by both dates, what is handed in for them, and how their observations were decided."""

import json
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import china_day
from carbonfin.rules.record import canonical
from carbonfin.storage.approvals import Approval
from carbonfin.storage.decisions import rebuilt
from loans.calc.linked.agreements import LinkEvent, LinkState, SustainabilityLink
from loans.calc.linked.documents import ComplianceCertificate, LinkDocumentKind, VerificationReport
from loans.calc.linked.observation_terms import ObservationResult
from loans.calc.linked.records import DecidedObservation, HandedIn, LinkRevision
from loans.models import LinkDocumentRow, LinkObservationRow, SustainabilityLinkRow


def payload_of_link(terms: SustainabilityLink) -> dict[str, Any]:
    """Write terms as plain values, for the approval that two people sign and for the row."""
    plain: dict[str, Any] = canonical(terms)
    return plain


def link_of_payload(payload: Mapping[str, Any]) -> SustainabilityLink:
    """Read terms back from what two people signed."""
    return rebuilt(json.dumps(payload), SustainabilityLink)


def add_revision(
    session: Session,
    checker: Actor,
    terms: SustainabilityLink,
    approval: Approval,
    *,
    event: LinkEvent,
    state: LinkState,
    valid_from: date,
    known_from: date,
    at: datetime,
) -> LinkRevision:
    """Write down an approved event with the terms after it as the link's next revision."""
    last = session.exec(
        select(sa.func.max(SustainabilityLinkRow.revision)).where(
            SustainabilityLinkRow.organization_id == checker.organization_id,
            SustainabilityLinkRow.number == terms.number,
        )
    ).one()
    row = SustainabilityLinkRow(
        organization_id=checker.organization_id,
        number=terms.number,
        revision=(last or 0) + 1,
        contract_number=terms.contract_number,
        event=event,
        state=state,
        reason=approval.maker_reason,
        valid_from=valid_from,
        known_from=known_from,
        terms=payload_of_link(terms),
        approval_id=approval.id,
        maker_id=approval.maker_id,
        maker_name=approval.maker_name,
        checker_id=checker.id,
        checker_name=checker.name,
        approved_at=at,
    )
    session.add(row)
    session.flush()
    return _revision(row)


def revisions_known(
    session: Session,
    actor: Actor,
    *,
    known_at: datetime,
    number: str | None = None,
    contract_number: str | None = None,
) -> tuple[LinkRevision, ...]:
    """Give every revision of the bank's links, of one or of a contract's, known at an instant, by number, revision."""
    query = select(SustainabilityLinkRow).where(
        SustainabilityLinkRow.organization_id == actor.organization_id,
        col(SustainabilityLinkRow.known_from) <= china_day(known_at),
    )
    if number is not None:
        query = query.where(SustainabilityLinkRow.number == number)
    if contract_number is not None:
        query = query.where(SustainabilityLinkRow.contract_number == contract_number)
    order = (col(SustainabilityLinkRow.number), col(SustainabilityLinkRow.revision))
    return tuple(_revision(row) for row in session.exec(query.order_by(*order)).all())


def add_document(
    session: Session,
    actor: Actor,
    number: str,
    observation_number: int,
    content: VerificationReport | ComplianceCertificate,
    *,
    recorded_at: datetime,
) -> HandedIn:
    """Append a document as it was handed in."""
    row = LinkDocumentRow(
        organization_id=actor.organization_id,
        link_number=number,
        observation_number=observation_number,
        kind=_kind_of(content),
        version=content.version,
        received_date=content.received_date,
        evidence_digest=content.evidence_digest,
        content=canonical(content),
        recorded_by=actor.id,
        recorded_at=recorded_at,
    )
    session.add(row)
    session.flush()
    return _handed_in(row)


def documents_of(session: Session, actor: Actor, number: str) -> tuple[HandedIn, ...]:
    """Give what was handed in for a link, by observation, kind and version."""
    return tuple(document for _, document in _documents(session, actor, number))


def documents_of_all(session: Session, actor: Actor) -> tuple[tuple[str, HandedIn], ...]:
    """Give what was handed in for each of the bank's links, with the link's number."""
    return _documents(session, actor, None)


def _documents(session: Session, actor: Actor, number: str | None) -> tuple[tuple[str, HandedIn], ...]:
    query = select(LinkDocumentRow).where(LinkDocumentRow.organization_id == actor.organization_id)
    if number is not None:
        query = query.where(LinkDocumentRow.link_number == number)
    rows = session.exec(
        query.order_by(col(LinkDocumentRow.observation_number), col(LinkDocumentRow.kind), col(LinkDocumentRow.version))
    ).all()
    return tuple((row.link_number, _handed_in(row)) for row in rows)


def _handed_in(row: LinkDocumentRow) -> HandedIn:
    return HandedIn(
        observation_number=row.observation_number, kind=row.kind, recorded_at=row.recorded_at, content=_content(row)
    )


def add_observation(
    session: Session,
    checker: Actor,
    number: str,
    observation_number: int,
    *,
    found: ObservationResult,
    approval: Approval,
    version: int,
    report_version: int | None,
    report_due_date: date,
    decision_id: str,
    known_from: date,
    at: datetime,
) -> None:
    """Append an observation as it was decided and approved."""
    session.add(
        LinkObservationRow(
            organization_id=checker.organization_id,
            link_number=number,
            observation_number=observation_number,
            version=version,
            status=found.status,
            report_version=report_version,
            step_bp=found.step_bp,
            interim_bp=found.interim_bp,
            level_bp=found.level_bp,
            report_due_date=report_due_date,
            applies_after=found.applies_after,
            known_from=known_from,
            decision_id=decision_id,
            approval_id=approval.id,
            maker_id=approval.maker_id,
            maker_name=approval.maker_name,
            checker_id=checker.id,
            checker_name=checker.name,
            approved_at=at,
        )
    )
    session.flush()


def observations_of(session: Session, actor: Actor, number: str | None = None) -> dict[str, list[DecidedObservation]]:
    """Give every version of the observations decided, of one link or of all, by link, number and version."""
    query = select(LinkObservationRow).where(LinkObservationRow.organization_id == actor.organization_id)
    if number is not None:
        query = query.where(LinkObservationRow.link_number == number)
    order = (col(LinkObservationRow.observation_number), col(LinkObservationRow.version))
    found: dict[str, list[DecidedObservation]] = {}
    for row in session.exec(query.order_by(*order)).all():
        found.setdefault(row.link_number, []).append(_observation(row))
    return found


def _kind_of(content: VerificationReport | ComplianceCertificate) -> LinkDocumentKind:
    is_report = isinstance(content, VerificationReport)
    return LinkDocumentKind.VERIFICATION_REPORT if is_report else LinkDocumentKind.COMPLIANCE_CERTIFICATE


def _content(row: LinkDocumentRow) -> VerificationReport | ComplianceCertificate:
    text = json.dumps(row.content)
    if row.kind is LinkDocumentKind.VERIFICATION_REPORT:
        return rebuilt(text, VerificationReport)
    return rebuilt(text, ComplianceCertificate)


def _revision(row: SustainabilityLinkRow) -> LinkRevision:
    return LinkRevision(
        revision=row.revision, event=row.event, state=row.state, reason=row.reason, terms=link_of_payload(row.terms),
        valid_from=row.valid_from, known_from=row.known_from, approval_id=row.approval_id, maker_name=row.maker_name,
        checker_name=row.checker_name,
    )  # fmt: skip


def _observation(row: LinkObservationRow) -> DecidedObservation:
    return DecidedObservation(
        number=row.observation_number, version=row.version, status=row.status, report_version=row.report_version,
        step_bp=_plain(row.step_bp), interim_bp=None if row.interim_bp is None else _plain(row.interim_bp),
        level_bp=_plain(row.level_bp), report_due_date=row.report_due_date,
        applies_after=row.applies_after, known_from=row.known_from, decision_id=row.decision_id,
        approval_id=row.approval_id, maker_name=row.maker_name, checker_name=row.checker_name,
    )  # fmt: skip


def _plain(bp: Decimal) -> Decimal:
    """Give a figure as it was decided, without the zeros its column stores."""
    return Decimal(f"{bp.normalize():f}")
