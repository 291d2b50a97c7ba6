"""Parties for systems: listed, entered once, corrected by one who has read what stands."""

from dataclasses import replace
from typing import Annotated

import msgspec
from litestar import get, patch, post
from litestar.params import FromPath, QueryParameter
from litestar.response import Response
from msgspec import UNSET, Meta, Struct, UnsetType
from sqlmodel import Session

from carbonfin.app.parties.entries import draft_of
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.parties import Party, PartyKind
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import PartyDraft, add_party, correct_party, load_party, party_page
from carbonfin.web.connections import WebRequest
from carbonfin.web.idempotency import IdempotencyKey, idempotently
from carbonfin.web.paging import Paging
from carbonfin.web.preconditions import IfMatch, IfNoneMatch, require_match, tagged, version_tag
from carbonfin.web.problems import problem_responses
from carbonfin.web.wire import IdText

NameText = Annotated[str, Meta(min_length=1, max_length=100)]
UsciText = Annotated[str, Meta(min_length=18, max_length=18, description="统一社会信用代码, check characters tried.")]
LeiText = Annotated[str, Meta(min_length=20, max_length=20, description="LEI (ISO 17442), check digits tried.")]
IndustryText = Annotated[str, Meta(pattern="^[A-T][0-9]{2,4}$", description="GB/T 4754 code.", examples=["C1810"])]
DistrictText = Annotated[str, Meta(min_length=1, max_length=100)]
SchemeText = Annotated[str, Meta(min_length=1, max_length=10, description="Where it surrenders: CEA, SZA and so on.")]


class PartyIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A party to enter: an enterprise by its USCI, a counterparty by LEI or USCI. What is left out is not known."""

    kind: PartyKind
    name: NameText
    usci: UsciText | None = None
    lei: LeiText | None = None
    industry: IndustryText | None = None
    district: DistrictText | None = None
    scheme: SchemeText | None = None
    key_emitter: bool | None = None


class PartyChangeIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to correct: a field that is left out stays, `null` is not known. A code is added, never replaced."""

    kind: PartyKind | UnsetType = UNSET
    name: NameText | UnsetType = UNSET
    usci: UsciText | UnsetType | None = UNSET
    lei: LeiText | UnsetType | None = UNSET
    industry: IndustryText | UnsetType | None = UNSET
    district: DistrictText | UnsetType | None = UNSET
    scheme: SchemeText | UnsetType | None = UNSET
    key_emitter: bool | UnsetType | None = UNSET


class PartyOut(Struct, frozen=True, kw_only=True):
    """A party as the bank knows it."""

    party_id: str
    kind: str
    name: str
    usci: str | None
    lei: str | None
    industry: str | None
    district: str | None
    scheme: str | None
    key_emitter: bool | None
    is_sample: bool
    version: int

    @classmethod
    def of(cls, party: Party) -> "PartyOut":
        """Make it of the party."""
        return cls(
            party_id=party.id,
            kind=party.kind.value,
            name=party.name,
            usci=None if party.usci is None else str(party.usci),
            lei=None if party.lei is None else str(party.lei),
            industry=party.industry,
            district=party.district,
            scheme=party.scheme,
            key_emitter=party.key_emitter,
            is_sample=party.is_sample,
            version=party.version,
        )


class PartyListOut(Struct, frozen=True, kw_only=True):
    """Parties, by code."""

    parties: list[PartyOut]


@get("/v1/parties", sync_to_thread=True, responses=problem_responses(422), tags=["parties"])
def list_parties(
    sessions: Sessions,
    actor: Actor,
    paging: Paging,
    of_kind: Annotated[PartyKind | None, QueryParameter(description="Only parties of this kind.")] = None,
) -> Response[PartyListOut]:
    """List the bank's enterprises and counterparties by code: USCI where there is one, else LEI."""
    with sessions.read() as session:
        found = party_page(session, actor, paging.place, kind=of_kind)
    return paging.answer(PartyListOut(parties=[PartyOut.of(one) for one in found.items]), found)


@get("/v1/parties/{party_id:str}", sync_to_thread=True, responses=problem_responses(404), tags=["parties"])
def read_party(
    sessions: Sessions, actor: Actor, party_id: FromPath[IdText], if_none_match: IfNoneMatch = None
) -> Response[PartyOut]:
    """Give a party; its `ETag` is what a correction must name."""
    with sessions.read() as session:
        party = load_party(session, actor, party_id)
    return tagged(PartyOut.of(party), if_none_match, tag=version_tag(party.version))


@post("/v1/parties", sync_to_thread=True, responses=problem_responses(409, 422), tags=["parties"])
def enter_party(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: PartyIn,
    idempotency_key: IdempotencyKey = None,
) -> Response[PartyOut]:
    """Enter an enterprise or counterparty; one whose code stands already is refused, with its identifier."""
    draft = PartyDraft(**msgspec.structs.asdict(data), is_sample=False)

    def work(session: Session) -> PartyOut:
        return PartyOut.of(add_party(session, actor, draft, at=clock.now()))

    return idempotently(sessions, actor, request, idempotency_key, data, work)


@patch(
    "/v1/parties/{party_id:str}",
    sync_to_thread=True,
    responses=problem_responses(404, 409, 412, 422, 428),
    tags=["parties"],
)
def change_party(
    *,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    party_id: FromPath[IdText],
    data: PartyChangeIn,
    if_match: IfMatch = None,
) -> Response[PartyOut]:
    """Correct a party; the security log keeps what stood before."""
    said = {name: value for name, value in msgspec.structs.asdict(data).items() if value is not UNSET}
    with sessions.begin() as session:
        known = load_party(session, actor, party_id)
        require_match(if_match, tag=version_tag(known.version))
        corrected = correct_party(
            session, actor, party_id, replace(draft_of(known), **said), expected_version=known.version, at=clock.now()
        )
    return tagged(PartyOut.of(corrected), None, tag=version_tag(corrected.version))


routes = [list_parties, read_party, enter_party, change_party]
