"""Whom the steps of an approval are told: checkers that it waits, its maker how it ended, the bank's systems all."""

from datetime import datetime

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import CHINA
from carbonfin.storage.approvals.values import Approval, ApprovalKind
from carbonfin.storage.messages import InboxNotice, publish, settle, tell
from carbonfin.storage.parties.rows import UserRow

WAITS = "approval.waits"
ENDED = "approval.ended"
_TELLS_THE_MAKER = {
    "approve": ("已同意，待生效", "approved, takes effect later"),
    "make_effective": ("已生效", "took effect"),
    "reject": ("已拒绝", "rejected"),
    "expire": ("已逾期", "expired undecided"),
}


def tell_checkers(session: Session, approval: Approval, kind: ApprovalKind, *, at: datetime) -> None:
    """Tell everyone who may decide an approval that it waits."""
    due_on = None if approval.expires_at is None else approval.expires_at.astimezone(CHINA).date()
    for role in sorted(kind.checker_roles):
        notice = InboxNotice(
            organization_id=approval.organization_id,
            key=f"{_subject(approval)}:waits:{role.value}",
            kind=WAITS,
            subject=_subject(approval),
            title_zh=f"待复核：{approval.title_zh}",
            title_en=f"Waits for a checker: {approval.title_en}",
            text_zh=f"{approval.maker_name}提交。理由：{approval.maker_reason}",
            text_en=f"Proposed by {approval.maker_name}. Reason: {approval.maker_reason}",
            address=f"/approvals/{approval.id}",
            role=role,
            due_on=due_on,
        )
        tell(session, notice, at)


def tell_step(session: Session, approval: Approval, actor: Actor, *, event: str, at: datetime) -> None:
    """Tell the bank's systems of a step, take a decided approval off the checkers' list, and tell its maker."""
    publish(
        session,
        actor,
        subject=_subject(approval),
        kind=f"event.approval.{approval.state.value}",
        payload={
            "approval_id": approval.id,
            "approval_kind": approval.kind,
            "approval_subject": approval.subject,
            "state": approval.state.value,
            "version": approval.version,
            "happened_at": at.isoformat(),
        },
    )
    if event == "propose":
        return
    settle(
        session, approval.organization_id, kind=WAITS, subject=_subject(approval), by=actor.name, at=at
    )  # fmt: skip
    told = _told_of(event, approval)
    if told is None or actor.id == approval.maker_id or session.get(UserRow, approval.maker_id) is None:
        return  # a system made it, and hears by its webhook
    notice = InboxNotice(
        organization_id=approval.organization_id,
        key=f"{_subject(approval)}:{event}",
        kind=ENDED,
        subject=_subject(approval),
        title_zh=f"{told[0]}：{approval.title_zh}",
        title_en=f"{approval.title_en}: {told[1]}",
        text_zh=f"复核：{approval.checker_name or '—'}。理由：{approval.checker_reason or '—'}",
        text_en=f"Checker: {approval.checker_name or '—'}. Reason: {approval.checker_reason or '—'}",
        address=f"/approvals/{approval.id}",
        person_id=approval.maker_id,
    )
    tell(session, notice, at)


def _told_of(event: str, approval: Approval) -> tuple[str, str] | None:
    """Give what the maker is told of a step; what takes effect with the approval is told once, when it has."""
    if event == "approve" and approval.effective_on is None:
        return None
    return _TELLS_THE_MAKER.get(event)


def _subject(approval: Approval) -> str:
    return f"approval:{approval.id}"
