"""What is handed in for a link, and its observations decided under four eyes; decided again, never overwritten."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlmodel import Session

from carbonfin.kernel.actors import Actor, Role
from carbonfin.kernel.dates import FixedClock
from carbonfin.kernel.errors import Conflict, InvalidInput, MissingData
from carbonfin.rules.recorded_tables import RecordedTable
from carbonfin.rules.tables import TableVersion
from carbonfin.storage import approvals
from carbonfin.storage.approvals import Answer, Approval, ApprovalKind, ProposalDraft
from carbonfin.storage.decisions import record_decision
from carbonfin.storage.files.evidence import require_evidence
from carbonfin.storage.parties import Standing, standing_of
from loans.calc.linked import RatchetKind
from loans.calc.linked.agreements import LinkState
from loans.calc.linked.documents import ComplianceCertificate, VerificationReport
from loans.calc.linked.observation_terms import STATUS_EN, STATUS_ZH, ObservationInputs, ObservationResult
from loans.calc.linked.observations import OBSERVATION_KIND, decide_observation
from loans.calc.linked.ratchets import ratchet_table
from loans.calc.linked.records import HandedIn, LinkRevision
from loans.service.link_views import LinkView
from loans.service.links import borrower_of, load_link, rerate_under_link
from loans.store import facilities as facility_store
from loans.store import links as store

EVIDENCE_SUBJECT = "sustainability-link"


def hand_in(
    session: Session,
    actor: Actor,
    number: str,
    observation_number: int,
    make: Callable[[int], VerificationReport | ComplianceCertificate],
    *,
    standing: Standing,
    at: datetime,
) -> HandedIn:
    """Enter a report or a certificate for an observation; its version follows on what was handed in before.

    Raises:
        NotFound: There is no such link.
        InvalidInput: There is no such observation, file or enterprise, or it comes from the future.
        Conflict: The link was declassified.
    """
    view = load_link(session, actor, number, known_at=standing.known_at)
    observation = view.terms.observation(observation_number)
    _require_linked(view)
    first = make(1)
    same = [
        one.content for one in view.documents
        if one.observation_number == observation_number and type(one.content) is type(first)
    ]  # fmt: skip
    content = make(len(same) + 1)
    if content.received_date > standing.business_date:
        raise InvalidInput(
            f"received on {content.received_date}, after the business date {standing.business_date}",
            zh=f"收到日不得晚于业务日期 {standing.business_date}", field="received_date",
        )  # fmt: skip
    if same and content.received_date < same[-1].received_date:
        raise InvalidInput(
            f"received on {content.received_date}, before version {len(same)}",
            zh=f"收到日不得早于第 {len(same)} 版的 {same[-1].received_date}", field="received_date",
        )  # fmt: skip
    if isinstance(content, VerificationReport):
        borrower, _ = borrower_of(
            session, actor, view.terms, valid_on=standing.business_date, known_at=standing.known_at
        )
        if content.usci != borrower.code:
            raise InvalidInput(
                f"the report speaks of {content.usci}, the borrower is {borrower.code}",
                zh="核查报告不属于该借款人", field="usci", remedy="Hand in the borrower's own report.",
                remedy_zh="请提交该借款人的核查报告。",
            )  # fmt: skip
        if content.report_date <= observation.observation_date:
            raise InvalidInput(
                f"made on {content.report_date}, within the period it speaks of",
                zh=f"报告日须晚于观察日 {observation.observation_date}", field="report_date",
            )  # fmt: skip
        known = {one.code for one in view.terms.kpis}
        if not {one.kpi_code for one in content.values} <= known:
            raise InvalidInput(
                f"the report speaks of KPIs other than {sorted(known)}",
                zh=f"核查报告含约定以外的指标，约定为 {'、'.join(sorted(known))}", field="values",
            )  # fmt: skip
    require_evidence(session, actor, content.evidence_digest, subject=f"{EVIDENCE_SUBJECT}:{number}", at=at)
    return store.add_document(session, actor, number, observation_number, content, recorded_at=at)


def try_observation(
    session: Session, actor: Actor, number: str, observation_number: int, *, standing: Standing
) -> tuple[ObservationInputs, ObservationResult]:
    """Decide an observation by what is at hand; nothing is kept.

    Raises:
        NotFound: There is no such link.
        Conflict: It is too early, the one before is open, or nothing new came since it was decided.
        MissingData: There is no report yet, or it lacks what the ratchet asks.
    """
    view = load_link(session, actor, number, known_at=standing.known_at)
    _require_linked(view)
    inputs = _inputs(session, actor, view, observation_number, standing=standing)
    found = decide_observation(inputs)
    before = view.latest_of(observation_number)
    if before is not None and (before.status, before.level_bp, before.interim_bp, before.applies_after) == (
        found.status, found.level_bp, found.interim_bp, found.applies_after,
    ):  # fmt: skip
        raise Conflict(
            f"observation {observation_number} was decided as {before.status}, and nothing changes it",
            zh=f"第 {observation_number} 次观察已认定为{STATUS_ZH[before.status]}，没有改变结论的新材料",
            field="observation_number", remedy="Hand in a late or corrected report first.",
            remedy_zh="请先提交补交或更正的核查报告。",
        )  # fmt: skip
    return inputs, found


def propose_observation(
    session: Session, maker: Actor, number: str, observation_number: int, *, standing: Standing, reason: str
) -> Approval:
    """Put an observation as decided by what is at hand before the checkers; otherwise as `try_observation`."""
    inputs, found = try_observation(session, maker, number, observation_number, standing=standing)
    return approvals.propose(
        session,
        maker,
        OBSERVATION_APPROVAL,
        ProposalDraft(
            subject=f"link_observation:{number}:{observation_number}",
            title_zh=f"挂钩条款 {number} 第 {observation_number} 次观察 {STATUS_ZH[found.status]}",
            title_en=f"Link {number} observation {observation_number} {STATUS_EN[found.status]}",
            payload=_payload(inputs, found),
            reason=reason,
        ),
        at=standing.known_at,
    )


def _payload(inputs: ObservationInputs, found: ObservationResult) -> dict[str, Any]:
    report = inputs.report
    return {
        "link_number": inputs.link.number,
        "observation_number": inputs.observation_number,
        "observation_version": inputs.version,
        "report_version": None if report is None else report.version,
        "report_received_date": None if report is None else report.received_date.isoformat(),
        "evidence_digest": None if report is None else report.evidence_digest,
        "observation_status": found.status.value,
        "why": found.why_zh,
        "kpis": [
            f"{one.kpi_code}：核查值 {'未载明' if one.actual is None else format(one.actual, 'f')}，"
            f"目标 {one.target:f}，{'达标' if one.is_met else '未达标'}"
            for one in found.kpis
        ],
        "step_bp": format(found.step_bp, "f"),
        "interim_bp": None if found.interim_bp is None else format(found.interim_bp, "f"),
        "level_bp": format(found.level_bp, "f"),
        "applies_after": found.applies_after.isoformat(),
    }


def _require_linked(view: LinkView) -> None:
    if view.state is LinkState.DECLASSIFIED:
        raise Conflict(
            f"link {view.terms.number} was declassified", zh=f"挂钩条款 {view.terms.number} 已取消挂钩",
            field="link_number", remedy="Nothing is observed any more.", remedy_zh="取消挂钩后不再观察。",
        )  # fmt: skip


def _inputs(session: Session, actor: Actor, view: LinkView, number: int, *, standing: Standing) -> ObservationInputs:
    revision = view.terms_of(view.terms.observation(number))
    link = revision.terms
    borrower, _ = borrower_of(session, actor, link, valid_on=standing.business_date, known_at=standing.known_at)
    documents = [one.content for one in view.documents if one.observation_number == number]
    reports = [one for one in documents if isinstance(one, VerificationReport)]
    certificates = [one for one in documents if isinstance(one, ComplianceCertificate)]
    latest = view.latest_of(number)
    return ObservationInputs(
        link=link,
        link_revision=revision.revision,
        usci=borrower.code,
        observation_number=number,
        version=1 if latest is None else latest.version + 1,
        table=_table(revision),
        report=reports[-1] if reports else None,
        first_received_date=reports[0].received_date if reports else None,
        certificate=certificates[0] if certificates else None,
        level_before_bp=_level_before(view, number),
        decided_on=standing.business_date,
    )


def _table(revision: LinkRevision) -> RecordedTable:
    terms = revision.terms
    table = ratchet_table(terms.ratchet, document=terms.document, article=f"{terms.number} 第 {revision.revision} 版")
    return RecordedTable.of(
        TableVersion(
            table=table, valid_from=terms.valid_from, known_from=revision.known_from,
            approved_by=(revision.maker_name, revision.checker_name),
        )
    )  # fmt: skip


def _level_before(view: LinkView, number: int) -> Decimal:
    if number == 1:
        return Decimal(0)
    before = view.latest_of(number - 1)
    if before is not None:
        return before.level_bp
    if view.terms.ratchet.kind is RatchetKind.ABSOLUTE:
        return Decimal(0)
    raise MissingData(
        f"observation {number - 1} is not decided, and the ratchet adds up", field="observation_number",
        zh=f"第 {number - 1} 次观察尚未认定，逐次累计的调整须依次认定",
        remedy="Decide the earlier observation first.", remedy_zh="请先认定上一次观察。",
    )  # fmt: skip


def _apply(session: Session, checker: Actor, approval: Approval, _: Answer, at: datetime) -> None:
    """Keep the observation and move the notes' rates; it is decided again first, and must come out as proposed."""
    payload = approval.payload
    number, observation_number = payload["link_number"], payload["observation_number"]
    standing = standing_of(session, checker.organization_id, FixedClock(at))
    view = load_link(session, checker, number, known_at=standing.known_at)
    borrower, _contract = borrower_of(
        session, checker, view.terms, valid_on=standing.business_date, known_at=standing.known_at
    )
    facility_store.lock_borrower(session, borrower.id)
    inputs, found = try_observation(session, checker, number, observation_number, standing=standing)
    if _payload(inputs, found) != dict(payload):
        raise Conflict(
            f"observation {observation_number} comes out otherwise than proposed",
            zh=f"第 {observation_number} 次观察的结论与提交时不同", field="observation_number",
            remedy="Withdraw it and propose it again.", remedy_zh="请撤回后重新提交。",
        )  # fmt: skip
    _keep(session, checker, inputs, approval, standing=standing, at=at)
    _decide_later_ones(session, checker, number, observation_number, approval, standing=standing, at=at)
    cause = f"observation {observation_number} version {inputs.version}"
    rerate_under_link(session, checker, number, cause=cause, standing=standing, at=at)


def _decide_later_ones(
    session: Session,
    checker: Actor,
    number: str,
    observation_number: int,
    approval: Approval,
    *,
    standing: Standing,
    at: datetime,
) -> None:
    """Decide again what adds up on an observation that came out otherwise."""
    view = load_link(session, checker, number, known_at=standing.known_at)
    if view.terms.ratchet.kind is RatchetKind.ABSOLUTE:
        return
    for one in view.latest:
        if one.number > observation_number:
            now = load_link(session, checker, number, known_at=standing.known_at)
            inputs = _inputs(session, checker, now, one.number, standing=standing)
            _keep(session, checker, inputs, approval, standing=standing, at=at)


def _keep(
    session: Session,
    checker: Actor,
    inputs: ObservationInputs,
    approval: Approval,
    *,
    standing: Standing,
    at: datetime,
) -> None:
    recorded = record_decision(
        session, checker, OBSERVATION_KIND, inputs, subject=f"sustainability_link:{inputs.link.number}",
        valid_on=standing.business_date, known_at=standing.known_at,
    )  # fmt: skip
    store.add_observation(
        session,
        checker,
        inputs.link.number,
        inputs.observation_number,
        found=recorded.outcome,
        approval=approval,
        version=inputs.version,
        report_version=None if inputs.report is None else inputs.report.version,
        report_due_date=inputs.observation.report_due_date,
        decision_id=recorded.decision_id,
        known_from=standing.business_date,
        at=at,
    )


OBSERVATION_APPROVAL = ApprovalKind(
    name="loans.link_observation",
    title_zh="可持续挂钩观察认定",
    title_en="Observation of a sustainability link",
    maker_roles=frozenset({Role.OFFICER, Role.SYSTEM}),
    checker_roles=frozenset({Role.CHECKER}),
    apply=_apply,
    address=lambda approval: f"/sustainability-links/{approval.payload['link_number']}",
)
