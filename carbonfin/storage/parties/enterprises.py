"""Enterprises and counterparties as one organisation knows them."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.enterprises import Industry, Usci
from carbonfin.kernel.errors import Conflict, InvalidInput, NotFound
from carbonfin.kernel.parties import Lei, Party, PartyKind
from carbonfin.storage.engine import execute_prepared
from carbonfin.storage.parties.rows import PartyRow
from carbonfin.storage.rows import table_of

_LEI_LENGTH = 20
_PARTIES = table_of(PartyRow)
_OWN = sa.select(_PARTIES).where(_PARTIES.c.organization_id == sa.bindparam("mine"))
_BY_ID, _BY_USCI, _BY_LEI = (
    _OWN.where(column == sa.bindparam("code")) for column in (_PARTIES.c.id, _PARTIES.c.usci, _PARTIES.c.lei)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartyDraft:
    """What is entered about a party; USCI and LEI are checked when it is saved."""

    kind: PartyKind
    name: str
    usci: str | None
    lei: str | None
    industry: str | None
    district: str | None
    scheme: str | None
    key_emitter: bool | None
    is_sample: bool


def save_party(session: Session, actor: Actor, draft: PartyDraft) -> Party:
    """Add a party to the actor's organisation, or bring the one with the same USCI or LEI up to date.

    Raises:
        InvalidInput: No identifier, a wrong check character, no name, or an industry code of another shape.
        Conflict: USCI and LEI belong to two different parties.
    """
    usci, lei = _checked(draft)
    same = [
        *([col(PartyRow.usci) == usci] if usci else []),
        *([col(PartyRow.lei) == lei] if lei else []),
    ]
    rows = session.exec(
        select(PartyRow).where(PartyRow.organization_id == actor.organization_id).where(sa.or_(*same))
    ).all()
    if len(rows) > 1:
        raise Conflict(
            f"USCI {usci} and LEI {lei} belong to two parties",
            zh="统一社会信用代码与法人识别编码分属两个主体",
            field="lei",
        )
    row = rows[0] if rows else PartyRow(organization_id=actor.organization_id, kind=draft.kind, name="", is_sample=True)
    row.kind = draft.kind
    row.name = draft.name.strip()
    row.usci = usci or row.usci
    row.lei = lei or row.lei
    row.industry = draft.industry
    row.district = draft.district
    row.scheme = draft.scheme
    row.key_emitter = draft.key_emitter
    row.is_sample = draft.is_sample or actor.is_sample
    session.add(row)
    session.flush()
    return _party(row)


def load_party(session: Session, actor: Actor, party_id: str) -> Party:
    """Give a party of the actor's organisation; another organisation's is not found."""
    row = execute_prepared(session, _BY_ID, {"mine": actor.organization_id, "code": party_id}).one_or_none()
    if row is None:
        raise _not_found(party_id)
    return _party(row)


def find_party(session: Session, actor: Actor, code: str) -> Party | None:
    """Give the party of the actor's organisation with this USCI or LEI, if there is one.

    Raises:
        InvalidInput: The code is neither a valid USCI nor a valid LEI.
    """
    is_lei = len(code.strip()) == _LEI_LENGTH
    known = str(Lei.parse(code)) if is_lei else str(Usci.parse(code))
    found = execute_prepared(session, _BY_LEI if is_lei else _BY_USCI, {"mine": actor.organization_id, "code": known})
    row = found.one_or_none()
    return None if row is None else _party(row)


def party_by_code(session: Session, actor: Actor, code: str) -> Party:
    """Give the party of the actor's organisation with this USCI or LEI.

    Raises:
        NotFound: The organisation knows no such party.
    """
    party = find_party(session, actor, code)
    if party is None:
        raise _not_found(code)
    return party


def parties_of(session: Session, actor: Actor, *, kind: PartyKind | None = None) -> tuple[Party, ...]:
    """Give the parties of the actor's organisation by code, of one kind or of all."""
    query = select(PartyRow).where(PartyRow.organization_id == actor.organization_id)
    if kind is not None:
        query = query.where(PartyRow.kind == kind)
    rows = session.exec(query.order_by(sa.func.coalesce(PartyRow.usci, PartyRow.lei))).all()
    return tuple(_party(row) for row in rows)


def _checked(draft: PartyDraft) -> tuple[str | None, str | None]:
    if not draft.name.strip():
        raise InvalidInput("a party needs a name", zh="请填写名称", field="name")
    if draft.usci is None and draft.lei is None:
        raise InvalidInput(
            f"party {draft.name!r} has neither USCI nor LEI", zh="须有统一社会信用代码或法人识别编码", field="usci"
        )
    if draft.industry is not None:
        Industry(draft.industry)
    usci = None if draft.usci is None else str(Usci.parse(draft.usci))
    lei = None if draft.lei is None else str(Lei.parse(draft.lei))
    return usci, lei


def _not_found(code: str) -> NotFound:
    return NotFound(
        f"there is no party {code}",
        zh=f"没有主体 {code}",
        field="party",
        remedy="Enter the enterprise first.",
        remedy_zh="请先录入该企业。",
    )


def _party(row: PartyRow | sa.Row[Any]) -> Party:
    return Party(
        id=row.id,
        name=row.name,
        kind=row.kind,
        usci=None if row.usci is None else Usci(row.usci),
        lei=None if row.lei is None else Lei(row.lei),
        industry=row.industry,
        district=row.district,
        scheme=row.scheme,
        key_emitter=row.key_emitter,
        is_sample=row.is_sample,
    )
