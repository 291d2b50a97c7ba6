"""The file behind a step: it must be stored, not erased, and is linked to what it is evidence of."""

from datetime import datetime

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.errors import InvalidInput, NotFound
from carbonfin.storage.files.store import link_file, links_of_file, load_file
from carbonfin.storage.files.values import EvidenceKind, LinkDraft


def require_evidence(session: Session, actor: Actor, digest: str, *, subject: str, at: datetime) -> None:
    """Hold that a file of this digest is stored, and link it to the subject unless it is linked already.

    Raises:
        InvalidInput: There is no such file, or its content was erased.
    """
    try:
        file = load_file(session, actor, digest)
    except NotFound as missing:
        raise _no_file(digest) from missing
    if file.is_erased:
        raise _no_file(digest)
    links = links_of_file(session, actor, digest)
    if any(one.subject == subject and not one.is_void for one in links):
        return
    name = next((one.name for one in links if one.name), f"{digest[:12]}.pdf")
    draft = LinkDraft(
        subject=subject, kind=EvidenceKind.CORRESPONDENCE, name=name, is_personal=False, retain_until=None
    )
    link_file(session, actor, digest, draft, at=at)


def _no_file(digest: str) -> InvalidInput:
    return InvalidInput(
        f"there is no evidence file with the digest {digest[:12]!r}",
        zh="没有摘要相符的附件，或其内容已删除",
        field="evidence_digest",
        remedy="Send the document as an evidence file first, then name its digest.",
        remedy_zh="请先上传该文书，再填写其摘要。",
    )
