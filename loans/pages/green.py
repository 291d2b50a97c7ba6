"""The form of a loan note's green recognition: category of the catalogue of its time, evidence, and reason."""

from collections.abc import Mapping
from typing import Annotated, Any

from litestar import get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath
from litestar.response import Redirect, Response, Template
from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import CarbonFinError
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import Standing, standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.evidence import evidence_choices
from carbonfin.web.pages import Text, page
from carbonfin.web.problems import status_of
from carbonfin.web.wire import IdText
from loans import service
from loans.calc.green import EVENT_WORDS, NOT_BY_NAME_EN, NOT_BY_NAME_ZH
from loans.pages.entries import read_entries
from loans.pages.facility_forms import attempt
from loans.pages.forms import error_words
from loans.schemas.green import GreenRecognitionIn

_EVENTS = [(one.value, Text(*words)) for one, words in EVENT_WORDS.items()]
_NAMES = {
    "event": Text("事项", "Event"),
    "category": Text("目录类别", "Category"),
    "basis": Text("认定理由", "Basis"),
    "evidence": Text("依据附件", "Evidence"),
    "valid_from": Text("生效日", "Valid from"),
    "reason": Text("提出理由", "Reason"),
}
_MOST = 2_000


@get("/loan-notes/{note_code:str}/green-recognitions/new", sync_to_thread=True)
def green_recognition_form(
    *, request: WebRequest, sessions: Sessions, actor: Actor, clock: Clock, note_code: FromPath[IdText]
) -> Template:
    """Show the form with the catalogue in force when the note was drawn, and the files linked to the note."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        form = {"event": "recognise", "valid_from": standing.business_date.isoformat()}
        return _form(request, session, actor, note_code, form=form, standing=standing, failure=None)


@post("/loan-notes/{note_code:str}/green-recognitions/new", sync_to_thread=True, status_code=303)
def send_green_recognition(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    note_code: FromPath[IdText],
    data: Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[Any]:
    """Propose the recognition, or show again what was entered with the reason against it."""

    def work(session: Session, standing: Standing) -> None:
        given = _read(data)
        service.propose_green_recognition(
            session, actor, given.statement(note_code), standing=standing, reason=given.reason
        )

    failure = attempt(sessions, actor, clock, work)
    if failure is None:
        return Redirect(f"/loan-notes/{note_code}", status_code=303)
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        return _form(request, session, actor, note_code, form=data, standing=standing, failure=failure)


def _read(form: Mapping[str, str]) -> GreenRecognitionIn:
    """Read the entries as the API reads them.

    Raises:
        InvalidInput: An entry reads what it cannot; the field is named.
    """
    texts = {
        name: form.get(name, "").strip()[:_MOST] for name in ("event", "category", "basis", "valid_from", "reason")
    }
    digest = form.get("evidence", "").strip()
    return read_entries({**texts, "evidence": [digest] if digest else []}, GreenRecognitionIn, _NAMES.get)


def _form(
    request: WebRequest,
    session: Session,
    actor: Actor,
    note_code: str,
    *,
    form: Mapping[str, str],
    standing: Standing,
    failure: CarbonFinError | None,
) -> Template:
    note = service.load_note(session, actor, note_code)
    catalogue = service.green_catalogue_of(session, actor, note, known_at=standing.known_at)
    return page(
        request,
        "loans/green_form.html",
        title=Text(f"绿色认定 {note_code}", f"Green recognition of {note_code}"),
        status_code=200 if failure is None else status_of(failure),
        note=note,
        form=form,
        names=_NAMES,
        events=_EVENTS,
        catalogue=catalogue,
        categories=[("", Text("撤销认定不选", "none for a withdrawal"))]
        + [(one.code, Text(f"{one.code} {one.title}", f"{one.code} {one.title}")) for one in catalogue],
        files=[("", Text("无", "none")), *evidence_choices(session, actor, f"loan:{note_code}")],
        remark=Text(NOT_BY_NAME_ZH, NOT_BY_NAME_EN),
        failure=None if failure is None else error_words(failure),
        failed_field="" if failure is None else failure.field or "",
    )


routes = [green_recognition_form, send_green_recognition]
