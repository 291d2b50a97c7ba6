"""Evidence files for systems: send one, link it, read it back as something to keep, put it up for erasure."""

from typing import Annotated
from urllib.parse import quote

from litestar import get, post
from litestar.datastructures import UploadFile
from litestar.enums import RequestEncodingType
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import Body, FromPath, QueryParameter
from litestar.response import Response
from msgspec import Struct
from sqlmodel import Session

from carbonfin.app.files.scanner import VirusScanner, scanner_of
from carbonfin.app.files.schemas import (
    DigestText,
    ErasureIn,
    ErasureOut,
    FileIn,
    FileLinkOut,
    FileListOut,
    FileOut,
    LinkedFileOut,
    LinkIn,
    StoredOut,
    SubjectText,
    VoidIn,
    draft_of,
)
from carbonfin.app.files.subjects import require_subject
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.storage import files
from carbonfin.storage.engine import Sessions
from carbonfin.storage.files import FILE_BYTES_MAX, MEDIA_TYPES, CheckedFile, EvidenceKind
from carbonfin.web.connections import WebRequest
from carbonfin.web.idempotency import IdempotencyKey, idempotently
from carbonfin.web.paging import Paging
from carbonfin.web.problems import EdgeProblem, problem_responses
from carbonfin.web.wire import IdText

FORM_BYTES_MAX = FILE_BYTES_MAX + 64 * 1024
"""The whole form: the file and its fields."""

_SERVED = frozenset(MEDIA_TYPES.values())
_CONTENT = ResponseSpec(bytes, media_type="*/*", description="The file, to keep.", generate_examples=False)


class _SentFile(Struct, frozen=True, kw_only=True):
    """What an idempotency key stands for: the content by its digest."""

    digest: str
    name: str
    subject: str
    kind: EvidenceKind
    is_personal: bool
    retain_until: str | None


@post(
    "/v1/files",
    sync_to_thread=True,
    status_code=201,
    request_max_body_size=FORM_BYTES_MAX,
    responses=problem_responses(409, 413, 415, 422, 502),
    tags=["files"],
)
def send_file(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: Annotated[FileIn, Body(media_type=RequestEncodingType.MULTI_PART)],
    idempotency_key: IdempotencyKey = None,
) -> Response[StoredOut]:
    """Store a file as evidence of something. Content the organisation has already is stored once and linked again.

    Taken are pdf, png, jpeg, txt, csv, xlsx, docx and ofd up to 20 MB; what could run, fetch or hide something is
    refused with the reason.
    """
    checked = checked_upload(data.file, scanner_of(request.app.state))
    draft = draft_of(data, name=checked.name)
    sent = _SentFile(
        digest=checked.digest,
        name=checked.name,
        subject=data.subject,
        kind=data.kind,
        is_personal=data.is_personal,
        retain_until=data.retain_until,
    )

    def work(session: Session) -> StoredOut:
        require_subject(session, actor, data.subject)
        stored = files.store_file(session, actor, checked, at=clock.now())
        return StoredOut.of(stored, files.link_file(session, actor, stored.digest, draft, at=clock.now()))

    return idempotently(sessions, actor, request, idempotency_key, sent, work)


@get("/v1/files", sync_to_thread=True, responses=problem_responses(), tags=["files"])
def list_files(
    sessions: Sessions,
    actor: Actor,
    paging: Paging,
    subject: Annotated[SubjectText | None, QueryParameter(description="Only files linked to this.")] = None,
) -> Response[FileListOut]:
    """List what is linked to a subject, or to anything, newest first; links marked void too."""
    with sessions.read() as session:
        found = files.link_page(session, actor, paging.place, subject=subject)
    return paging.answer(FileListOut(files=[LinkedFileOut.of(one) for one in found.items]), found)


@get("/v1/files/{digest:str}", sync_to_thread=True, responses=problem_responses(404), tags=["files"])
def read_file(sessions: Sessions, actor: Actor, digest: FromPath[DigestText]) -> FileOut:
    """Give a file's facts and links, without its content."""
    with sessions.read() as session:
        return FileOut.of(files.load_file(session, actor, digest), files.links_of_file(session, actor, digest))


@get(
    "/v1/files/{digest:str}/content",
    sync_to_thread=True,
    responses={200: _CONTENT, **problem_responses(404, 409)},
    tags=["files"],
)
def read_content(sessions: Sessions, actor: Actor, digest: FromPath[DigestText]) -> Response[bytes]:
    """Give the content as a file to keep, under its recognised type; no browser shows or runs it."""
    return content_answer(sessions, actor, digest)


@post(
    "/v1/files/{digest:str}/links",
    sync_to_thread=True,
    status_code=201,
    responses=problem_responses(404, 409, 422),
    tags=["files"],
)
def link_file(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    digest: FromPath[DigestText],
    data: LinkIn,
    idempotency_key: IdempotencyKey = None,
) -> Response[StoredOut]:
    """Say what else a stored file is evidence of."""

    def work(session: Session) -> StoredOut:
        return linked(session, actor, digest, data, clock)

    return idempotently(sessions, actor, request, idempotency_key, data, work)


@post(
    "/v1/files/{digest:str}/links/{link_id:str}/void",
    sync_to_thread=True,
    status_code=200,
    responses=problem_responses(404, 409, 422),
    tags=["files"],
)
def void_link(
    *,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    digest: FromPath[DigestText],
    link_id: FromPath[IdText],
    data: VoidIn,
) -> FileLinkOut:
    """Mark a link void, with the reason; it stays to be seen and keeps the file no longer.

    Sending it twice marks it once: the second is refused as a conflict, so no idempotency key is asked for.
    """
    with sessions.begin() as session:
        return FileLinkOut.of(files.void_link(session, actor, digest, link_id, reason=data.reason, at=clock.now()))


@post(
    "/v1/files/{digest:str}/erasure",
    sync_to_thread=True,
    status_code=201,
    responses=problem_responses(404, 409, 422),
    tags=["files"],
)
def propose_erasure(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    digest: FromPath[DigestText],
    data: ErasureIn,
    idempotency_key: IdempotencyKey = None,
) -> Response[ErasureOut]:
    """Put the erasure of a file's content before another person; refused while a link asks to keep it.

    Once approved the content is gone for good; digests, links and the record of the erasure remain.
    """

    def work(session: Session) -> ErasureOut:
        approval = files.propose_erasure(session, actor, digest, reason=data.reason, at=clock.now())
        return ErasureOut(approval_id=approval.id, digest=digest, state=approval.state.value)

    return idempotently(sessions, actor, request, idempotency_key, data, work)


def linked(session: Session, actor: Actor, digest: str, data: LinkIn, clock: Clock) -> StoredOut:
    """Link a stored file, under the name it was first sent with."""
    file = files.load_file(session, actor, digest)
    require_subject(session, actor, data.subject)
    name = next((link.name for link in files.links_of_file(session, actor, digest) if link.name), "")
    return StoredOut.of(file, files.link_file(session, actor, digest, draft_of(data, name=name), at=clock.now()))


def checked_upload(sent: UploadFile, scanner: VirusScanner) -> CheckedFile:
    """Look at a file that was sent, before any transaction is opened: its structure, then by the scanner.

    Raises:
        EdgeProblem: It is larger than the limit.
        InvalidInput: It is refused.
        UpstreamFailed: The scanner gave no answer.
    """
    content = sent.file.read(FILE_BYTES_MAX + 1)
    if len(content) > FILE_BYTES_MAX:
        raise EdgeProblem(
            "content-too-large",
            f"the file has more than {FILE_BYTES_MAX} bytes",
            zh=f"文件超过 {FILE_BYTES_MAX // 1024 // 1024} MB",
            field="file",
        )
    checked = files.check_file(content, name=sent.filename)
    scanner.require_clean(content)
    return checked


def content_answer(sessions: Sessions, actor: Actor, digest: str) -> Response[bytes]:
    """Answer with a file to keep: never shown in place, never taken for another type, without rights if opened."""
    with sessions.read() as session:
        file = files.load_file(session, actor, digest)
        content = files.content_of(session, actor, digest)
        name = next((link.name for link in files.links_of_file(session, actor, digest) if link.name), digest)
    assert file.media_type in _SERVED, "only types of the closed list are stored"
    plain = "".join(sign if sign.isascii() and (sign.isalnum() or sign in "-_.") else "_" for sign in name)
    return Response(
        content,
        media_type=file.media_type,
        headers={
            "Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}",
            "Content-Security-Policy": "sandbox; default-src 'none'",
            "X-Content-Type-Options": "nosniff",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Cache-Control": "private, no-store",
        },
    )


routes = [send_file, list_files, read_file, read_content, link_file, void_link, propose_erasure]
