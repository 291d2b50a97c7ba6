"""Numbers under which the bank's other systems know our things: entered, found, taken away."""

from typing import Annotated, Any
from urllib.parse import urlencode

from litestar import delete, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, QueryParameter
from litestar.response import Redirect, Response, Template
from msgspec import Meta, Struct
from sqlmodel import Session

from carbonfin.app.files.subjects import require_subject, subject_address, subject_texts
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import CarbonFinError
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import (
    EXTERNAL_ID_KINDS,
    ExternalId,
    add_external_id,
    external_ids_of,
    find_external_ids,
    note_security_event,
    remove_external_id,
)
from carbonfin.web.connections import WebRequest
from carbonfin.web.idempotency import IdempotencyKey, idempotently
from carbonfin.web.pages import Text, page
from carbonfin.web.problems import problem_responses, status_of
from carbonfin.web.wire import IdText

KIND_WORDS = {kind: Text(*words) for kind, words in EXTERNAL_ID_KINDS.items()}


class ExternalIdIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A number to note. `subject` is what it stands for, such as `party:ID` or `pledge:ID`."""

    kind: Annotated[str, Meta(max_length=40)]
    value: Annotated[str, Meta(max_length=200)]
    subject: Annotated[str, Meta(max_length=200)]


class ExternalIdOut(Struct, frozen=True, kw_only=True):
    """A number and what it stands for."""

    external_id: str
    kind: str
    value: str
    subject: str
    added_at: str
    added_by: str

    @classmethod
    def of(cls, one: ExternalId) -> "ExternalIdOut":
        """Make it of the entry."""
        return cls(
            external_id=one.id, kind=one.kind, value=one.value, subject=one.subject,
            added_at=one.added_at.isoformat(), added_by=one.added_by,
        )  # fmt: skip


class ExternalIdListOut(Struct, frozen=True, kw_only=True):
    """Numbers that were found; at most fifty."""

    external_ids: list[ExternalIdOut]


class ExternalIdForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the form on the page sends."""

    kind: Annotated[str, Meta(max_length=40)] = ""
    value: Annotated[str, Meta(max_length=200)] = ""
    subject: Annotated[str, Meta(max_length=200)] = ""


@get("/v1/external-ids", sync_to_thread=True, responses=problem_responses(), tags=["external-ids"])
def list_external_ids(
    sessions: Sessions,
    actor: Actor,
    subject: Annotated[str | None, QueryParameter(description="Only numbers of this thing.", max_length=200)] = None,
    begins: Annotated[str | None, QueryParameter(description="Only numbers that begin so.", max_length=64)] = None,
) -> ExternalIdListOut:
    """Find things by the numbers of the bank's other systems, or the numbers of a thing."""
    with sessions.read() as session:
        found = (
            external_ids_of(session, actor, subject)
            if subject is not None
            else find_external_ids(session, actor, begins or "")
        )
    return ExternalIdListOut(external_ids=[ExternalIdOut.of(one) for one in found])


@post("/v1/external-ids", sync_to_thread=True, responses=problem_responses(409, 422), tags=["external-ids"])
def note_external_id(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: ExternalIdIn,
    idempotency_key: IdempotencyKey = None,
) -> Response[ExternalIdOut]:
    """Note a number of a thing; a number that stands for another thing is refused, with its holder named."""

    def work(session: Session) -> ExternalIdOut:
        return ExternalIdOut.of(_noted(session, actor, data, clock))

    return idempotently(sessions, actor, request, idempotency_key, data, work)


@delete(
    "/v1/external-ids/{external_id:str}",
    sync_to_thread=True,
    status_code=204,
    responses=problem_responses(404),
    tags=["external-ids"],
)
def take_external_id_away(sessions: Sessions, actor: Actor, clock: Clock, external_id: FromPath[IdText]) -> None:
    """Take a number away again; the security log keeps what it was."""
    with sessions.begin() as session:
        _removed(session, actor, external_id, clock)


@get("/external-ids", sync_to_thread=True)
def external_ids_page(
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    subject: Annotated[str, QueryParameter(max_length=200)] = "",
) -> Template:
    """Show the numbers of a thing, and the form for one more."""
    return _shown(request, sessions, actor, entry=ExternalIdForm(subject=subject), failure=None)


@post("/external-ids", sync_to_thread=True)
def note_external_id_page(
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: Annotated[ExternalIdForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[Any]:
    """Note a number."""
    try:
        with sessions.begin() as session:
            _noted(session, actor, data, clock)
    except CarbonFinError as failure:
        return _shown(request, sessions, actor, entry=data, failure=failure)
    return Redirect(_address_of(data.subject), status_code=303)


@post("/external-ids/{external_id:str}/removal", sync_to_thread=True)
def take_external_id_away_page(sessions: Sessions, actor: Actor, clock: Clock, external_id: FromPath[str]) -> Redirect:
    """Take a number away again."""
    with sessions.begin() as session:
        gone = _removed(session, actor, external_id, clock)
    return Redirect(_address_of(gone.subject), status_code=303)


def _address_of(subject: str) -> str:
    return f"/external-ids?{urlencode({'subject': subject})}"


def _noted(session: Session, actor: Actor, data: ExternalIdIn | ExternalIdForm, clock: Clock) -> ExternalId:
    require_subject(session, actor, data.subject)
    return add_external_id(session, actor, kind=data.kind, value=data.value, subject=data.subject, at=clock.now())


def _removed(session: Session, actor: Actor, external_id: str, clock: Clock) -> ExternalId:
    gone = remove_external_id(session, actor, external_id)
    note_security_event(
        session, organization_id=actor.organization_id, kind="external_id_removed", subject=gone.subject, actor=actor,
        at=clock.now(), detail=f"{gone.kind} {gone.value}",
    )  # fmt: skip
    return gone


def _shown(
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    *,
    entry: ExternalIdForm,
    failure: CarbonFinError | None,
) -> Template:
    with sessions.read() as session:
        if failure is None and entry.subject:
            require_subject(session, actor, entry.subject)
        found = external_ids_of(session, actor, entry.subject) if entry.subject else ()
        texts = subject_texts(session, actor, [entry.subject] if entry.subject else [])
    return page(
        request,
        "app/external_ids.html",
        title=Text("外部编号", "Numbers of other systems"),
        status_code=200 if failure is None else status_of(failure),
        found=found,
        entry=entry,
        name=texts.get(entry.subject),
        address=subject_address(actor, entry.subject),
        kinds=list(KIND_WORDS.items()),
        kind_words=KIND_WORDS,
        failure=None if failure is None else Text(f"{failure.zh} {failure.remedy_zh}", failure.detail),
        failed_field=None if failure is None else failure.field,
    )


api_routes = [list_external_ids, note_external_id, take_external_id_away]
routes = [external_ids_page, note_external_id_page, take_external_id_away_page]
