"""What the bureau decides by two people: passing and refusing, objections, publication, the payment list, recovery."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlmodel import Session

from carbonfin.kernel.actors import Actor, Role
from carbonfin.kernel.dates import FixedClock
from carbonfin.kernel.errors import Conflict, InvalidInput
from carbonfin.storage import approvals
from carbonfin.storage.approvals import Answer, Approval, ApprovalKind, ProposalDraft
from carbonfin.storage.parties import Standing, standing_of
from reporting import store
from reporting.calc.reviews import REVIEW, STEP_TITLES, ReviewCase, after_step
from reporting.service.reviews import (
    BY_TWO,
    OF_MANY,
    ReviewEntry,
    ReviewTaken,
    cases_of_report,
    details_of_many,
    require_file,
    review_case,
    review_step,
    reviewed_line,
    step_of_many,
    unknown_step,
)

_ZERO = Decimal("0.00")


def propose_review_step(
    session: Session, actor: Actor, application_id: str, entry: ReviewEntry, *, standing: Standing
) -> ReviewTaken:
    """Propose a step of one application; another person decides.

    Raises:
        InvalidInput: It is no such step, or a field is missing.
        Conflict: The state does not allow it, a later report speaks of the application, or a proposal waits already.
    """
    if entry.name not in BY_TWO:
        raise unknown_step(entry.name, BY_TWO)
    case = review_case(session, actor, application_id)
    after_step(case, review_step(entry, case, maker_name=actor.name, checker_name=None, standing=standing))
    line, report = reviewed_line(session, actor, application_id)
    _refuse_stale(session, actor, case)
    if entry.evidence_digest is not None:
        require_file(session, actor, application_id, entry.evidence_digest, standing=standing)
    zh, en = STEP_TITLES[entry.name]
    draft = ProposalDraft(
        subject=f"application:{application_id}",
        title_zh=f"{zh.removesuffix('，经复核')}：申请 {line.application.reference}",
        title_en=f"{en}: application {line.application.reference}",
        payload={
            "action": entry.name,
            "code": line.application.reference,
            "applicant": f"{line.application.applicant_name} {line.application.applicant_usci}",
            "scheme": line.scheme_title,
            "report_quarter": report.quarter,
            "state_before": REVIEW.states[case.state],
            "granted_cny": str(case.ceiling_cny),
            "amount_cny": "" if entry.amount_cny is None else str(entry.amount_cny),
            "evidence_digest": entry.evidence_digest or "",
        },
        reason=entry.reason,
    )
    waiting = approvals.propose(session, actor, REVIEW_APPROVAL, draft, at=standing.known_at)
    return ReviewTaken(case=case, waiting=waiting)


def propose_for_report(
    session: Session,
    actor: Actor,
    report_id: str,
    name: str,
    *,
    application_ids: Sequence[str] | None,
    reason: str,
    standing: Standing,
) -> Approval:
    """Propose to publish applications of a report, or to put them on the payment list; another person decides.

    Args:
        session: The open transaction.
        actor: Who proposes.
        report_id: Whose applications.
        name: `publish` or `order`.
        application_ids: Which; None means all whose state allows it and that nothing stands against.
        reason: Why.
        standing: Where the bureau stands in time.

    Raises:
        InvalidInput: It is no such step, or an application named is not under review by this report.
        Conflict: Something stands against an application that is named, or nothing is left.
    """
    if name not in OF_MANY:
        raise unknown_step(name, OF_MANY)
    report = store.load_report(session, actor, report_id)
    cases = cases_of_report(session, actor, report)
    chosen = _chosen(session, actor, name, cases, application_ids, reason=reason, standing=standing)
    references = {line.application_id: line.application.reference for line in report.lines}
    total = sum((case.ceiling_cny for case in chosen), _ZERO)
    zh, en = STEP_TITLES[name]
    draft = ProposalDraft(
        subject=f"report:{report_id}",
        title_zh=f"{zh}：{report.quarter} {len(chosen)} 件",
        title_en=f"{en}: {report.quarter}, {len(chosen)} applications",
        payload={
            "action": name,
            "report_quarter": report.quarter,
            "applications": [
                {
                    "id": case.application_id,
                    "code": references[case.application_id],
                    "amount_cny": str(case.ceiling_cny),
                }
                for case in chosen
            ],
            "total_cny": str(total),
        },
        reason=reason,
    )
    return approvals.propose(session, actor, REVIEW_APPROVAL, draft, at=standing.known_at)


def waiting_review(session: Session, actor: Actor, subject: str) -> Approval | None:
    """Give what waits for another person on `application:ID` or `report:ID`, if anything does."""
    return approvals.open_approval_of(session, actor.organization_id, kind=REVIEW_APPROVAL.name, subject=subject)


def waiting_reviews(session: Session, actor: Actor) -> dict[str, Approval]:
    """Give all that waits for another person, by its subject."""
    found = approvals.approvals_of(session, actor, states=approvals.OPEN_STATES, kinds=[REVIEW_APPROVAL])
    return {one.subject: one for one in found}


def _chosen(
    session: Session,
    actor: Actor,
    name: str,
    cases: dict[str, ReviewCase],
    application_ids: Sequence[str] | None,
    *,
    reason: str,
    standing: Standing,
) -> list[ReviewCase]:
    if application_ids is not None:
        unknown = next((one for one in application_ids if one not in cases), None)
        if unknown is not None:
            raise InvalidInput(
                f"application {unknown} is not under review by this report",
                zh=f"申请 {unknown} 不在本报表的审核之列",
                field="applications",
            )
    details = details_of_many(session, actor, name, standing=standing)
    chosen = []
    for application_id in cases if application_ids is None else dict.fromkeys(application_ids):
        case = cases[application_id]
        try:
            _tried(actor, name, case, details, reason=reason, standing=standing)
        except Conflict:
            if application_ids is not None:
                raise
            continue
        chosen.append(case)
    if not chosen:
        raise Conflict(
            f"no application of this report can be taken to {name}",
            zh=f"本报表没有可以“{STEP_TITLES[name][0]}”的申请",
            field="step",
            remedy="Name one application to see what stands against it.",
            remedy_zh="可指定某一申请查看原因。",
        )
    return chosen


def _tried(
    actor: Actor, name: str, case: ReviewCase, details: Mapping[str, str], *, reason: str, standing: Standing
) -> None:
    REVIEW.after(case.state, name)
    step = step_of_many(name, case, details, reason=reason, maker_name=actor.name, checker_name=None, standing=standing)
    after_step(case, step)


def _refuse_stale(session: Session, actor: Actor, case: ReviewCase) -> None:
    """Refuse to begin a review on a report that a later one has overtaken."""
    latest = store.latest_report_with(session, actor, case.application_id)
    if latest is not None and latest != case.report_id and not case.steps:
        raise Conflict("a later report holds the application", zh="该申请已有更新的报表", field="application_id")


def _apply(session: Session, checker: Actor, approval: Approval, answer: Answer, at: datetime) -> None:
    """Take the step that was proposed, unless something stands against it today or the amount is another one."""
    standing = standing_of(session, checker.organization_id, FixedClock(at))
    kind, _, identifier = approval.subject.partition(":")
    reason = f"{approval.maker_reason}；复核意见：{answer.reason}"
    if kind == "application":
        entry = _entry(approval.payload, reason)
        case = review_case(session, checker, identifier)
        step = review_step(entry, case, maker_name=approval.maker_name, checker_name=checker.name, standing=standing)
        after_step(case, step)
        store.add_review_step(session, checker, case, step, approval_id=approval.id)
        return
    cases = cases_of_report(session, checker, store.load_report(session, checker, identifier))
    details = details_of_many(session, checker, approval.payload["action"], standing=standing)
    for one in approval.payload["applications"]:
        case = cases[one["id"]]
        if str(case.ceiling_cny) != one["amount_cny"]:
            raise Conflict(
                f"application {one['code']} stands at {case.ceiling_cny} now, {one['amount_cny']} was proposed",
                zh=f"申请 {one['code']} 的金额已变为 {case.ceiling_cny} 元，与提交时不同",
                field="approval_id",
                remedy="Reject it and have it proposed again.",
                remedy_zh="请拒绝并由经办人重新提交。",
            )
        step = step_of_many(
            approval.payload["action"], case, details, reason=reason, maker_name=approval.maker_name,
            checker_name=checker.name, standing=standing,
        )  # fmt: skip
        after_step(case, step)
        store.add_review_step(session, checker, case, step, approval_id=approval.id)


def _entry(payload: Any, reason: str) -> ReviewEntry:
    return ReviewEntry(
        name=payload["action"],
        reason=reason,
        amount_cny=Decimal(payload["amount_cny"]) if payload["amount_cny"] else None,
        evidence_digest=payload["evidence_digest"] or None,
    )


def _address(approval: Approval) -> str:
    kind, _, identifier = approval.subject.partition(":")
    return f"/subsidies/{identifier}" if kind == "application" else f"/subsidies?report={identifier}"


REVIEW_APPROVAL = ApprovalKind(
    name="reporting.review",
    title_zh="补贴审核、公示与拨付",
    title_en="Review, publication and payment of subsidies",
    maker_roles=frozenset({Role.BUREAU}),
    checker_roles=frozenset({Role.BUREAU}),
    apply=_apply,
    address=_address,
)
