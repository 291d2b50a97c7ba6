"""Evidence on pages: what is linked to what, one file with its links, and the form to send one; all without script."""

from datetime import date
from functools import partial
from typing import Annotated, Any

from litestar import get, post
from litestar.datastructures import UploadFile
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath
from litestar.response import Redirect, Response, Template
from msgspec import Meta, Struct
from sqlmodel import Session

from carbonfin.app.access import allows
from carbonfin.app.files.api import FORM_BYTES_MAX, checked_upload, content_answer
from carbonfin.app.files.scanner import scanner_of
from carbonfin.app.files.schemas import last_day_of
from carbonfin.app.files.subjects import (
    DOCUMENT_WORDS,
    SUBJECT_KINDS,
    require_subject,
    subject_address,
    subject_texts,
)
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock, china_day
from carbonfin.kernel.errors import CarbonFinError, InvalidInput
from carbonfin.storage import files
from carbonfin.storage.approvals import open_approval_of
from carbonfin.storage.engine import Sessions
from carbonfin.storage.files import FILE_ERASURE, MEDIA_TYPES, EvidenceKind, LinkDraft, LinkedFile
from carbonfin.web.connections import WebRequest
from carbonfin.web.language import Text
from carbonfin.web.pages import page
from carbonfin.web.problems import EdgeProblem

ACCEPTED = ",".join(f".{ending}" for ending in MEDIA_TYPES)
_Short = Annotated[str, Meta(max_length=200)]
_Words = Annotated[str, Meta(max_length=4000)]
_TYPE_WORDS = {media_type: ending.upper() for ending, media_type in MEDIA_TYPES.items() if ending != "jpeg"}


class UploadForm(Struct, kw_only=True, forbid_unknown_fields=True):
    """What the form to send a file sends; `back` leads to the thing afterwards, not to the file."""

    file: UploadFile
    subject: _Short = ""
    kind: _Short = ""
    personal: Annotated[str, Meta(max_length=3)] = ""
    retain_until: _Short = ""
    back: Annotated[str, Meta(max_length=3)] = ""


class LinkForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the form to link a file sends."""

    subject: _Short = ""
    kind: _Short = ""
    personal: Annotated[str, Meta(max_length=3)] = ""
    retain_until: _Short = ""


class ReasonForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the forms to mark a link void and to propose an erasure send."""

    reason: _Words = ""


@get("/files", sync_to_thread=True)
def files_page(request: WebRequest, sessions: Sessions, actor: Actor, clock: Clock, subject: str = "") -> Template:
    """Show what is linked to a subject, or lately to anything, what is due for erasure, and the form."""
    return _listed(request, sessions, actor, clock, entry=LinkForm(subject=subject[:200]), filtered=bool(subject))


@post("/files", sync_to_thread=True, request_max_body_size=FORM_BYTES_MAX)
def send_file_page(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: Annotated[UploadForm, Body(media_type=RequestEncodingType.MULTI_PART)],
) -> Response[Any]:
    """Store a file and link it; refused, nothing typed is lost but the file, which no page can keep."""
    entry = LinkForm(
        subject=data.subject.strip(), kind=data.kind, personal=data.personal, retain_until=data.retain_until
    )
    try:
        checked = checked_upload(data.file, scanner_of(request.app.state))
        draft = _draft(entry, name=checked.name)
        with sessions.begin() as session:
            require_subject(session, actor, draft.subject)
            stored = files.store_file(session, actor, checked, at=clock.now())
            files.link_file(session, actor, stored.digest, draft, at=clock.now())
    except (CarbonFinError, EdgeProblem) as failure:
        return _listed(request, sessions, actor, clock, entry=entry, filtered=False, failure=failure)
    back = subject_address(actor, draft.subject) if data.back else ""
    return Redirect(f"{back}#evidence" if back else f"/files/{stored.digest}", status_code=303)


@get("/files/{digest:str}", sync_to_thread=True)
def file_page(request: WebRequest, sessions: Sessions, actor: Actor, clock: Clock, digest: FromPath[str]) -> Template:
    """Show one file: its facts, its links and what can be done."""
    return _shown(request, sessions, actor, clock, digest=digest)


@get("/files/{digest:str}/content", sync_to_thread=True)
def content_page(sessions: Sessions, actor: Actor, digest: FromPath[str]) -> Response[bytes]:
    """Give the content as a file to keep."""
    return content_answer(sessions, actor, digest)


@post("/files/{digest:str}/links", sync_to_thread=True)
def link_page(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    digest: FromPath[str],
    data: Annotated[LinkForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[Any]:
    """Say what else a file is evidence of."""
    try:
        with sessions.begin() as session:
            name = next((link.name for link in files.links_of_file(session, actor, digest) if link.name), "")
            draft = _draft(data, name=name)
            require_subject(session, actor, draft.subject)
            files.link_file(session, actor, digest, draft, at=clock.now())
    except CarbonFinError as failure:
        return _shown(request, sessions, actor, clock, digest=digest, entry=data, failure=failure)
    return Redirect(f"/files/{digest}", status_code=303)


@post("/files/{digest:str}/links/{link_id:str}/void", sync_to_thread=True)
def void_page(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    digest: FromPath[str],
    link_id: FromPath[str],
    data: Annotated[ReasonForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[Any]:
    """Mark a link void."""
    try:
        with sessions.begin() as session:
            files.void_link(session, actor, digest, link_id, reason=data.reason, at=clock.now())
    except CarbonFinError as failure:
        return _shown(request, sessions, actor, clock, digest=digest, failure=failure, words=data.reason)
    return Redirect(f"/files/{digest}", status_code=303)


@post("/files/{digest:str}/erasure", sync_to_thread=True)
def erasure_page(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    digest: FromPath[str],
    data: Annotated[ReasonForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[Any]:
    """Put the erasure of the content before another person."""
    try:
        with sessions.begin() as session:
            approval = files.propose_erasure(session, actor, digest, reason=data.reason, at=clock.now())
    except CarbonFinError as failure:
        return _shown(request, sessions, actor, clock, digest=digest, failure=failure, words=data.reason)
    return Redirect(f"/approvals/{approval.id}", status_code=303)


def evidence_of(session: Session, actor: Actor, subject: str) -> dict[str, Any]:
    """Give what `app/evidence.html` shows on the page of a thing: its files, and the words they need."""
    return {
        "subject": subject,
        "found": files.links_of(session, actor, subject),
        "may_send": allows(actor.role, "POST", "/files"),
        "accepted": ACCEPTED,
        **_words(),
    }


def _words() -> dict[str, Any]:
    return {
        "document_words": DOCUMENT_WORDS,
        "document_choices": [(kind.value, words) for kind, words in DOCUMENT_WORDS.items()],
        "type_words": _TYPE_WORDS,
    }


def _draft(entry: LinkForm, *, name: str) -> LinkDraft:
    if entry.kind not in set(EvidenceKind):
        raise InvalidInput("choose what the file is", zh="请选择文件类别", field="kind")
    return LinkDraft(
        subject=entry.subject.strip(),
        kind=EvidenceKind(entry.kind),
        name=name,
        is_personal=bool(entry.personal),
        retain_until=last_day_of(entry.retain_until.strip() or None),
    )


def _listed(
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    *,
    entry: LinkForm,
    filtered: bool,
    failure: CarbonFinError | EdgeProblem | None = None,
) -> Template:
    with sessions.read() as session:
        found = files.links_of(session, actor, entry.subject if filtered else None)
        due = () if filtered else files.due_for_erasure(session, actor, on=china_day(clock.now()))
        shown = [one.link.subject for one in found] + ([entry.subject] if filtered else [])
        texts = subject_texts(session, actor, shown)
    return page(
        request,
        "app/files.html",
        title=Text("附件", "Evidence"),
        status_code=_status_of(failure),
        found=found,
        due=due,
        filtered=filtered,
        entry=entry,
        failure=_failure_text(failure),
        failed_field=None if failure is None else failure.field,
        accepted=ACCEPTED,
        subject_kinds=SUBJECT_KINDS,
        texts=texts,
        subject_address=partial(subject_address, actor),
        **_words(),
    )


def _shown(
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    *,
    digest: str,
    entry: LinkForm | None = None,
    failure: CarbonFinError | None = None,
    words: str = "",
) -> Template:
    with sessions.read() as session:
        file = files.load_file(session, actor, digest)
        links = files.links_of_file(session, actor, digest)
        texts = subject_texts(session, actor, [link.subject for link in links])
        erasure = open_approval_of(session, actor.organization_id, kind=FILE_ERASURE.name, subject=f"file:{digest}")
    today: date = china_day(clock.now())
    name = next((link.name for link in links if link.name), "")
    return page(
        request,
        "app/file.html",
        title=Text(name or "内容已删除的文件", name or "A file whose content was erased"),
        status_code=_status_of(failure),
        file=file,
        found=[LinkedFile(link=link, file=file) for link in links],
        keeping=files.keeping(links, on=today),
        erasure=erasure,
        entry=entry or LinkForm(),
        failure=_failure_text(failure),
        failed_field=None if failure is None else failure.field,
        words_typed=words,
        subject_kinds=SUBJECT_KINDS,
        texts=texts,
        subject_address=partial(subject_address, actor),
        **_words(),
    )


def _failure_text(failure: CarbonFinError | EdgeProblem | None) -> Text | None:
    if failure is None:
        return None
    if isinstance(failure, EdgeProblem):
        return Text(f"{failure.zh}。未作任何更改。", f"{failure.detail}. Nothing was changed.")
    return Text(f"{failure.zh}。{failure.remedy_zh}", f"{failure.detail}. {failure.remedy}")


def _status_of(failure: CarbonFinError | EdgeProblem | None) -> int:
    if failure is None:
        return 200
    if isinstance(failure, EdgeProblem):
        return failure.kind.status
    return 422 if isinstance(failure, InvalidInput) else 409


routes = [files_page, send_file_page, file_page, content_page, link_page, void_page, erasure_page]
