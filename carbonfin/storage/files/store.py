"""Evidence files at rest: stored once for an organisation, linked many times, never unlinked in silence."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.cryptography import sha256_hex
from carbonfin.kernel.errors import Conflict, InvalidInput, NotFound
from carbonfin.storage.files.checks import CheckedFile
from carbonfin.storage.files.rows import EvidenceFileRow, FileLinkRow
from carbonfin.storage.files.values import EvidenceFile, EvidenceKind, FileLink, LinkDraft, LinkedFile
from carbonfin.storage.keyset import Place, Slice, beginning_after, slice_of

REASON_LENGTH_MAX = 2000
_SHOWN_MAX = 200
_FACTS = tuple(getattr(EvidenceFileRow, name) for name in EvidenceFile.__dataclass_fields__)


def store_file(session: Session, actor: Actor, file: CheckedFile, *, at: datetime) -> EvidenceFile:
    """Store a checked file, or give the one of the same content that the organisation has already.

    Raises:
        Conflict: The same content was erased; it is not stored again.
    """
    values: dict[str, Any] = {
        "organization_id": actor.organization_id,
        "digest": file.digest,
        "sm3_digest": file.sm3_digest,
        "media_type": file.media_type,
        "size_bytes": len(file.content),
        "content": file.content,
        "stored_at": at,
        "stored_by": actor.id,
        "stored_by_name": actor.name,
    }
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    session.execute(insert(EvidenceFileRow).values(**values).on_conflict_do_nothing())
    stored = load_file(session, actor, file.digest)
    _refuse_erased(stored)
    return stored


def link_file(session: Session, actor: Actor, digest: str, draft: LinkDraft, *, at: datetime) -> FileLink:
    """Say what a file is evidence of; the same link again gives the one that stands.

    Raises:
        NotFound: The organisation has no such file.
        Conflict: Its content was erased, or the link stands with another name, retention or mark.
    """
    _refuse_erased(_locked_file(session, actor, digest))
    standing = session.exec(
        select(FileLinkRow)
        .where(FileLinkRow.organization_id == actor.organization_id, FileLinkRow.digest == digest)
        .where(FileLinkRow.subject == draft.subject, FileLinkRow.kind == draft.kind.value)
        .where(col(FileLinkRow.voided_at).is_(None))
    ).one_or_none()
    if standing is not None:
        if (standing.is_personal, standing.retain_until) != (draft.is_personal, draft.retain_until):
            raise Conflict(
                f"the file is linked to {draft.subject} as {draft.kind.value} already, with another retention",
                zh="该文件已以同一类别关联此对象，且保存期限或个人信息标记不同",
                field="retain_until",
                remedy="Mark that link void first, with the reason.",
                remedy_zh="请先说明理由并作废原关联。",
            )
        return _link(standing)
    row = FileLinkRow(
        organization_id=actor.organization_id,
        digest=digest,
        subject=draft.subject,
        kind=draft.kind.value,
        name=draft.name,
        is_personal=draft.is_personal,
        retain_until=draft.retain_until,
        linked_at=at,
        linked_by=actor.id,
        linked_by_name=actor.name,
    )
    session.add(row)
    session.flush()
    return _link(row)


def void_link(session: Session, actor: Actor, digest: str, link_id: str, *, reason: str, at: datetime) -> FileLink:
    """Mark a link void: it is wrong, or what asked to keep the file has ended. The link stays to be seen.

    Raises:
        NotFound: There is no such link of this file.
        InvalidInput: No reason.
        Conflict: It is void already.
    """
    require_reason(reason)
    row = session.exec(
        select(FileLinkRow)
        .where(FileLinkRow.id == link_id, FileLinkRow.digest == digest)
        .where(FileLinkRow.organization_id == actor.organization_id)
        .with_for_update()
    ).one_or_none()
    if row is None:
        raise NotFound(f"there is no link {link_id} of this file", zh="没有这条关联", field="link_id")
    if row.voided_at is not None:
        raise Conflict("the link is void already", zh="该关联已作废", field="link_id")
    row.voided_at, row.voided_by, row.voided_by_name, row.void_reason = at, actor.id, actor.name, reason.strip()
    session.add(row)
    session.flush()
    return _link(row)


def load_file(session: Session, actor: Actor, digest: str) -> EvidenceFile:
    """Give the facts of a file of the actor's organisation, without its content.

    Raises:
        NotFound: There is none.
    """
    row = session.execute(sa.select(*_FACTS).where(*_own(actor, digest))).one_or_none()
    if row is None:
        raise _unknown(digest)
    return EvidenceFile(**row._mapping)  # noqa: SLF001 - how SQLAlchemy names a row's columns


def content_of(session: Session, actor: Actor, digest: str) -> bytes:
    """Give the content of a file, proven to be what was stored.

    Raises:
        NotFound: There is no such file, or its content was erased.
        Conflict: The stored bytes are no longer those of the digest.
    """
    found = session.execute(sa.select(col(EvidenceFileRow.content)).where(*_own(actor, digest))).one_or_none()
    if found is None:
        raise _unknown(digest)
    content: bytes | None = found[0]
    if content is None:
        raise NotFound(
            "the content of this file was erased", zh="该文件内容已依规删除", field="digest",
            remedy="Its digest and the record of the erasure remain.", remedy_zh="仅保留摘要与删除记录。",
        )  # fmt: skip
    if sha256_hex(content) != digest:
        raise Conflict(
            "the stored content no longer has its digest",
            zh="文件内容与摘要不符，可能已损坏或被改动",
            field="digest",
            remedy="Tell operations: restore it from a backup.",
            remedy_zh="请联系运维从备份恢复。",
        )
    return content


def links_of_file(session: Session, actor: Actor, digest: str) -> tuple[FileLink, ...]:
    """Give every link of a file, void ones too, oldest first."""
    rows = session.exec(
        select(FileLinkRow)
        .where(FileLinkRow.organization_id == actor.organization_id, FileLinkRow.digest == digest)
        .order_by(col(FileLinkRow.linked_at), col(FileLinkRow.id))
    ).all()
    return tuple(_link(row) for row in rows)


def links_of(session: Session, actor: Actor, subject: str | None = None) -> tuple[LinkedFile, ...]:
    """Give what is linked to a subject, or lately to anything, newest first, void links too, with the files' facts."""
    return link_page(session, actor, Place(limit=_SHOWN_MAX), subject=subject).items


def link_page(session: Session, actor: Actor, place: Place, *, subject: str | None = None) -> Slice[LinkedFile]:
    """Give a page of the links to a subject, or to anything, newest first, void ones too, with the files' facts."""
    query = (
        sa.select(FileLinkRow, *_FACTS)
        .join(
            EvidenceFileRow,
            sa.and_(
                col(EvidenceFileRow.organization_id) == col(FileLinkRow.organization_id),
                col(EvidenceFileRow.digest) == col(FileLinkRow.digest),
            ),
        )
        .where(col(FileLinkRow.organization_id) == actor.organization_id)
    )
    if subject is not None:
        query = query.where(col(FileLinkRow.subject) == subject)
    keys = (col(FileLinkRow.linked_at), col(FileLinkRow.id))
    rows = session.execute(beginning_after(query, keys, place, descending=True)).all()
    return slice_of(rows, place, keys=lambda row: (row[0].linked_at, row[0].id), value=_linked_file)


def locked_row(session: Session, actor: Actor, digest: str) -> EvidenceFileRow:
    """Give a file's row for a change that nobody else makes at the same time.

    Raises:
        NotFound: There is none.
    """
    row = session.exec(select(EvidenceFileRow).where(*_own(actor, digest)).with_for_update()).one_or_none()
    if row is None:
        raise _unknown(digest)
    return row


def forget_names(session: Session, actor: Actor, digest: str) -> None:
    """Take the names out of a file's links: they may name the person whose data was erased."""
    session.execute(
        sa.update(FileLinkRow)
        .where(col(FileLinkRow.organization_id) == actor.organization_id, col(FileLinkRow.digest) == digest)
        .values(name="")
    )


def require_reason(reason: str) -> None:
    """Refuse a step without words.

    Raises:
        InvalidInput: No reason, or a very long one.
    """
    if not 0 < len(reason.strip()) <= REASON_LENGTH_MAX:
        raise InvalidInput(
            f"a reason of 1 to {REASON_LENGTH_MAX} characters is needed",
            zh=f"请填写理由（不超过 {REASON_LENGTH_MAX} 字）",
            field="reason",
        )


def _locked_file(session: Session, actor: Actor, digest: str) -> EvidenceFile:
    """Lock a file's row without reading its content, so that no erasure passes between."""
    row = session.execute(sa.select(*_FACTS).where(*_own(actor, digest)).with_for_update()).one_or_none()
    if row is None:
        raise _unknown(digest)
    return EvidenceFile(**row._mapping)  # noqa: SLF001 - how SQLAlchemy names a row's columns


def _refuse_erased(file: EvidenceFile) -> None:
    if file.is_erased:
        raise Conflict(
            "a file of this content was erased; it is neither stored nor linked again",
            zh="相同内容的文件已依规删除，不能再次存入或关联",
            field="file",
            remedy="Where it is needed again, ask for a new copy.",
            remedy_zh="确需使用的，请重新收取一份。",
        )


def _own(actor: Actor, digest: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        col(EvidenceFileRow.organization_id) == actor.organization_id,
        col(EvidenceFileRow.digest) == digest,
    )


def _unknown(digest: str) -> NotFound:
    return NotFound(f"there is no file {digest[:64]}", zh="没有这份文件", field="digest")


def _linked_file(row: sa.Row[Any]) -> LinkedFile:
    facts: dict[str, Any] = dict(zip(EvidenceFile.__dataclass_fields__, row[1:], strict=True))
    return LinkedFile(link=_link(row[0]), file=EvidenceFile(**facts))


def _link(row: FileLinkRow) -> FileLink:
    return FileLink(
        id=row.id,
        digest=row.digest,
        subject=row.subject,
        kind=EvidenceKind(row.kind),
        name=row.name,
        is_personal=row.is_personal,
        retain_until=row.retain_until,
        linked_at=row.linked_at,
        linked_by_name=row.linked_by_name,
        voided_at=row.voided_at,
        voided_by_name=row.voided_by_name,
        void_reason=row.void_reason,
    )
