"""Parties for people: the list, the form for a new one, one party with its numbers and the form that corrects it."""

from typing import Annotated, Any

from litestar import get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, QueryParameter
from litestar.response import Redirect, Response, Template
from msgspec import Meta, Struct, structs

from carbonfin.app.administration.words import event_detail
from carbonfin.app.parties.entries import draft_from_words
from carbonfin.app.parties.words import FIELD_WORDS, KIND_WORDS
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Scheme
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import CarbonFinError, NotFound
from carbonfin.kernel.parties import Party, PartyKind
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import (
    add_party,
    correct_party,
    external_ids_of,
    load_party,
    parties_of,
    security_events_of,
)
from carbonfin.web.connections import WebRequest
from carbonfin.web.pages import Text, page
from carbonfin.web.problems import status_of

_KINDS = [(kind.value, words) for kind, words in KIND_WORDS.items()]
_ANY_KIND = [("", Text("全部", "All")), *_KINDS]
_CREDITS = frozenset({Scheme.CCER, Scheme.SZPHCER})
_SCHEMES = [
    ("", Text("无", "no scheme")),
    *((scheme.value, Text(scheme.value, scheme.value)) for scheme in Scheme if scheme not in _CREDITS),
]
_KEY_EMITTER = [("", Text("未知", "Not known")), ("yes", Text("是", "Yes")), ("no", Text("否", "No"))]
_EVENTS_SHOWN = 20


class PartyForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the form sends; `version` is empty for a new party."""

    kind: Annotated[str, Meta(max_length=40)] = PartyKind.ENTERPRISE.value
    name: Annotated[str, Meta(max_length=300)] = ""
    usci: Annotated[str, Meta(max_length=40)] = ""
    lei: Annotated[str, Meta(max_length=40)] = ""
    industry: Annotated[str, Meta(max_length=10)] = ""
    district: Annotated[str, Meta(max_length=300)] = ""
    scheme: Annotated[str, Meta(max_length=10)] = ""
    key_emitter: Annotated[str, Meta(max_length=10)] = ""
    version: Annotated[str, Meta(max_length=10)] = ""


@get("/parties", sync_to_thread=True)
def parties_page(
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    only: Annotated[str, QueryParameter(max_length=40)] = "",
    q: Annotated[str, QueryParameter(max_length=100)] = "",
) -> Template:
    """List the bank's enterprises and counterparties, and the form for a new one."""
    return _list(request, sessions, actor, kind=only, wanted=q.strip())


@post("/parties", sync_to_thread=True)
def enter_party_page(
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: Annotated[PartyForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[Any]:
    """Enter a party."""
    try:
        with sessions.begin() as session:
            entered = add_party(session, actor, draft_from_words(**_words(data)), at=clock.now())
    except CarbonFinError as failure:
        return _list(request, sessions, actor, entry=data, failure=failure)
    return Redirect(f"/parties/{entered.id}", status_code=303)


@get("/parties/{party_id:str}", sync_to_thread=True)
def party_page(request: WebRequest, sessions: Sessions, actor: Actor, party_id: FromPath[str]) -> Template:
    """Show one party as it is entered, with its numbers and its corrections."""
    return _one(request, sessions, actor, party_id)


@post("/parties/{party_id:str}", sync_to_thread=True)
def correct_party_page(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    party_id: FromPath[str],
    data: Annotated[PartyForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[Any]:
    """Correct a party that nobody has corrected since the form was shown."""
    seen = int(data.version) if data.version.isascii() and data.version.isdigit() else 0
    try:
        with sessions.begin() as session:
            correct_party(
                session, actor, party_id, draft_from_words(**_words(data)), expected_version=seen, at=clock.now()
            )
    except NotFound:
        raise
    except CarbonFinError as failure:
        return _one(request, sessions, actor, party_id, entry=data, failure=failure)
    return Redirect(f"/parties/{party_id}", status_code=303)


def _words(data: PartyForm) -> dict[str, str]:
    return {name: value for name, value in structs.asdict(data).items() if name != "version"}


def _list(
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    *,
    kind: str = "",
    wanted: str = "",
    entry: PartyForm | None = None,
    failure: CarbonFinError | None = None,
) -> Template:
    with sessions.read() as session:
        known = parties_of(session, actor)
    words = wanted.casefold()
    shown = [
        party
        for party in known
        if kind in {"", party.kind.value} and (words in party.name.casefold() or words in _codes(party))
    ]
    return page(
        request,
        "app/parties.html",
        title=Text("企业与交易对手", "Parties"),
        parties=shown,
        total_count=len(known),
        kind=kind,
        q=wanted,
        any_kind=_ANY_KIND,
        **_form(entry or PartyForm(), failure),
    )


def _one(
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    party_id: str,
    *,
    entry: PartyForm | None = None,
    failure: CarbonFinError | None = None,
) -> Template:
    with sessions.read() as session:
        party = load_party(session, actor, party_id)
        numbers = external_ids_of(session, actor, f"party:{party.id}")
        events = security_events_of(
            session, actor.organization_id, subject=f"party:{party.id}", limit=_EVENTS_SHOWN
        )  # fmt: skip
    return page(
        request,
        "app/party.html",
        title=Text(party.name, party.name),
        party=party,
        numbers=numbers,
        events=events,
        event_detail=event_detail,
        **_form(entry or _entry_of(party), failure),
    )


def _form(entry: PartyForm, failure: CarbonFinError | None) -> dict[str, Any]:
    """Give what the form is drawn from, with what was wrong beside its field."""
    return {
        "status_code": 200 if failure is None else status_of(failure),
        "entry": entry,
        "kinds": _KINDS,
        "kind_words": KIND_WORDS,
        "field_words": FIELD_WORDS,
        "schemes": _SCHEMES,
        "key_emitter_words": _KEY_EMITTER,
        "failure": None if failure is None else Text(f"{failure.zh} {failure.remedy_zh}", failure.detail),
        "failed_field": None if failure is None else failure.field,
    }


def _entry_of(party: Party) -> PartyForm:
    return PartyForm(
        kind=party.kind.value,
        name=party.name,
        usci="" if party.usci is None else str(party.usci),
        lei="" if party.lei is None else str(party.lei),
        industry=party.industry or "",
        district=party.district or "",
        scheme=party.scheme or "",
        key_emitter={True: "yes", False: "no", None: ""}[party.key_emitter],
        version=str(party.version),
    )


def _codes(party: Party) -> str:
    return f"{party.usci or ''} {party.lei or ''}".casefold()


routes = [parties_page, enter_party_page, party_page, correct_party_page]
