"""Erasing the content of a file: two people, and only once nothing asks to keep it.

The digests, the links without their names, and who erased it, when, why and by which approval remain. Both when it is
proposed and when it is approved, every link is asked: one whose last day has not passed, or that has none, refuses.
"""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from carbonfin.kernel.actors import Actor, Role
from carbonfin.kernel.dates import china_day
from carbonfin.kernel.errors import Conflict
from carbonfin.storage import approvals
from carbonfin.storage.approvals import Answer, Approval, ApprovalKind, ProposalDraft
from carbonfin.storage.files.rows import EvidenceFileRow, FileLinkRow
from carbonfin.storage.files.store import (
    forget_names,
    links_of_file,
    load_file,
    locked_row,
    require_reason,
)
from carbonfin.storage.files.values import EvidenceFile, FileLink
from carbonfin.storage.parties import note_security_event

_SHOWN = 12


def propose_erasure(session: Session, maker: Actor, digest: str, *, reason: str, at: datetime) -> Approval:
    """Put the erasure of a file's content before another person.

    Raises:
        NotFound: The organisation has no such file.
        NotPermitted: The maker's role may not propose it.
        InvalidInput: No reason.
        Conflict: The content is gone already, a link asks to keep it, or an erasure is proposed already.
    """
    require_reason(reason)
    file = load_file(session, maker, digest)
    links = links_of_file(session, maker, digest)
    _refuse_kept(file, links, on=china_day(at))
    proposal = ProposalDraft(
        subject=f"file:{digest}",
        title_zh=f"删除文件内容 {digest[:_SHOWN]}",
        title_en=f"Erase the content of file {digest[:_SHOWN]}",
        payload=_payload(file, links),
        reason=reason.strip(),
    )
    return approvals.propose(session, maker, FILE_ERASURE, proposal, at=at)


def keeping(links: Iterable[FileLink], *, on: date) -> tuple[FileLink, ...]:
    """Give the links that ask to keep a file's content on a day."""
    return tuple(link for link in links if link.keeps_on(on))


def due_for_erasure(session: Session, actor: Actor, *, on: date, limit: int = 200) -> tuple[EvidenceFile, ...]:
    """Give the files with personal data that nothing asks to keep any more, longest stored first."""
    same_file = sa.and_(
        col(FileLinkRow.organization_id) == col(EvidenceFileRow.organization_id),
        col(FileLinkRow.digest) == col(EvidenceFileRow.digest),
    )
    keeps = sa.and_(
        col(FileLinkRow.voided_at).is_(None),
        sa.or_(col(FileLinkRow.retain_until).is_(None), col(FileLinkRow.retain_until) >= on),
    )
    digests = session.exec(
        select(EvidenceFileRow.digest)
        .where(EvidenceFileRow.organization_id == actor.organization_id)
        .where(col(EvidenceFileRow.erased_at).is_(None))
        .where(sa.exists().where(same_file, col(FileLinkRow.is_personal).is_(sa.true())))
        .where(~sa.exists().where(same_file, keeps))
        .order_by(col(EvidenceFileRow.stored_at), col(EvidenceFileRow.digest))
        .limit(limit)
    ).all()
    return tuple(load_file(session, actor, digest) for digest in digests)


def _payload(file: EvidenceFile, links: tuple[FileLink, ...]) -> dict[str, Any]:
    """Give what the checker sees and approves: never a name, which may be a person's and would outlive the content."""
    return {
        "digest": file.digest,
        "media_type": file.media_type,
        "size_bytes": file.size_bytes,
        "stored_by": file.stored_by_name,
        "links": [
            f"{link.subject} {link.kind.value}"
            + (f" ≤{link.retain_until.isoformat()}" if link.retain_until is not None else "")
            + (f" （已作废 {link.voided_by_name}：{link.void_reason}）" if link.is_void else "")
            for link in links
        ],
    }


def _refuse_kept(file: EvidenceFile, links: tuple[FileLink, ...], *, on: date) -> None:
    if file.is_erased:
        raise Conflict("the content was erased already", zh="文件内容已删除", field="digest")
    standing = keeping(links, on=on)
    if standing:
        first = standing[0]
        until = "without an end" if first.retain_until is None else f"until {first.retain_until.isoformat()}"
        until_zh = "未定期限" if first.retain_until is None else f"至 {first.retain_until.isoformat()}"
        raise Conflict(
            f"{len(standing)} links ask to keep it: {first.subject} as {first.kind.value} {until}",
            zh=f"尚有 {len(standing)} 项关联要求保存：{first.subject}（{until_zh}）",
            field="digest",
            remedy="Wait for the last day, or mark a link void that is wrong or has ended.",
            remedy_zh="请待保存期满，或将有误、已终结的关联作废。",
        )


def _apply(session: Session, checker: Actor, approval: Approval, answer: Answer, at: datetime) -> None:
    """Erase the content, if nothing has come to keep it since it was proposed."""
    digest = str(approval.payload["digest"])
    row = locked_row(session, checker, digest)
    _refuse_kept(load_file(session, checker, digest), links_of_file(session, checker, digest), on=china_day(at))
    if session.get_bind().dialect.name == "sqlite":
        session.connection().exec_driver_sql("PRAGMA secure_delete = ON")  # what was there is overwritten with zeros
    row.content = None
    row.erased_at = at
    row.erased_by = checker.id
    row.erased_by_name = f"{approval.maker_name} / {checker.name}"
    row.erasure_reason = approval.maker_reason
    row.erasure_approval_id = approval.id
    session.add(row)
    session.flush()
    forget_names(session, checker, digest)
    note_security_event(
        session,
        organization_id=checker.organization_id,
        kind="file_erased",
        subject=f"file:{digest}",
        actor=checker,
        at=at,
        detail=f"{approval.maker_reason} / {answer.reason}",
    )


FILE_ERASURE = ApprovalKind(
    name="storage.file-erasure",
    title_zh="文件内容删除",
    title_en="Erasure of a file",
    maker_roles=frozenset({Role.OFFICER, Role.RISK, Role.BUREAU, Role.ADMINISTRATOR}),
    checker_roles=frozenset({Role.CHECKER, Role.BUREAU, Role.ADMINISTRATOR}),
    apply=_apply,
    address=lambda approval: f"/files/{approval.payload['digest']}",
)
