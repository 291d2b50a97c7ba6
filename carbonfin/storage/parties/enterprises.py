"""Enterprises and counterparties as one organisation knows them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Scheme
from carbonfin.kernel.enterprises import Industry, Usci
from carbonfin.kernel.errors import Conflict, InvalidInput, NotFound
from carbonfin.kernel.parties import Lei, Party, PartyKind
from carbonfin.storage.engine import execute_prepared
from carbonfin.storage.keyset import Place, Slice, beginning_after, slice_of
from carbonfin.storage.parties.names import plain_name
from carbonfin.storage.parties.rows import PartyRow
from carbonfin.storage.parties.security import note_security_event
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
    before = _facts(row)
    _write(row, draft, usci=usci or row.usci, lei=lei or row.lei)
    if rows and _facts(row) != before:
        row.version += 1
    row.is_sample = draft.is_sample or actor.is_sample
    session.add(row)
    session.flush()
    return _party(row)


def add_party(session: Session, actor: Actor, draft: PartyDraft, *, at: datetime) -> Party:
    """Enter a party the actor's organisation does not know yet.

    Raises:
        InvalidInput: What is entered cannot be; the error names the field.
        Conflict: A party with this USCI or LEI stands already.
    """
    usci, lei = _checked(draft)
    _refuse_known(session, actor, usci=usci, lei=lei, but="")
    row = PartyRow(organization_id=actor.organization_id, kind=draft.kind, name="", is_sample=actor.is_sample)
    _write(row, draft, usci=usci, lei=lei)
    session.add(row)
    session.flush()
    _note(session, actor, row, "party_entered", at, detail=_called(row))
    return _party(row)


def correct_party(
    session: Session, actor: Actor, party_id: str, draft: PartyDraft, *, expected_version: int, at: datetime
) -> Party:
    """Bring what is entered about a party up to date; the security log keeps what it was before.

    An identifier can be added, never replaced: ratings, pledges and loans were decided on the one that stands.

    Args:
        session: The open transaction.
        actor: Who corrects it.
        party_id: Which party.
        draft: All of it as it is to stand; whether it is a sample stays.
        expected_version: The version the actor has seen.
        at: When.

    Raises:
        NotFound: The organisation knows no such party.
        InvalidInput: What is entered cannot be, or an identifier would be replaced.
        Conflict: It was changed meanwhile, or the added identifier is another party's.
    """
    row = session.get(PartyRow, party_id, with_for_update=True, populate_existing=True)
    if row is None or row.organization_id != actor.organization_id:
        raise _not_found(party_id)
    if row.version != expected_version:
        raise Conflict(
            f"party {party_id} was changed meanwhile and is at version {row.version}",
            zh="该主体已被他人更正",
            field="version",
            remedy="Read it again before correcting it.",
            remedy_zh="请刷新后再更正。",
            version=row.version,
        )
    usci, lei = _checked(draft)
    _refuse_replaced(row, usci=usci, lei=lei)
    _refuse_known(session, actor, usci=usci, lei=lei, but=row.id)
    before = _facts(row)
    _write(row, draft, usci=usci, lei=lei)
    changes = [f"{name}: {before[name]} → {value}" for name, value in _facts(row).items() if before[name] != value]
    if changes:
        row.version += 1
        session.add(row)
        session.flush()
        _note(session, actor, row, "party_corrected", at, detail="; ".join(changes))
    return _party(row)


def party_page(session: Session, actor: Actor, place: Place, *, kind: PartyKind | None = None) -> Slice[Party]:
    """Give a page of the parties of the actor's organisation, of one kind or of all, by code."""
    query = select(PartyRow).where(PartyRow.organization_id == actor.organization_id)
    if kind is not None:
        query = query.where(PartyRow.kind == kind)
    code = sa.func.coalesce(PartyRow.usci, PartyRow.lei)
    rows = session.exec(beginning_after(query, (code,), place)).all()
    return slice_of(rows, place, keys=lambda row: (row.usci or row.lei or "",), value=_party)


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
    plain_name(draft.name)
    if draft.district is not None:
        plain_name(draft.district, field="district")
    if draft.usci is None and draft.lei is None:
        raise InvalidInput(
            f"party {draft.name!r} has neither USCI nor LEI", zh="须有统一社会信用代码或法人识别编码", field="usci"
        )
    if draft.kind is PartyKind.ENTERPRISE and draft.usci is None:
        raise InvalidInput(
            f"enterprise {draft.name!r} has no USCI", zh="企业须填写统一社会信用代码", field="usci",
            remedy="Enter one that has a LEI alone as a counterparty.", remedy_zh="仅有 LEI 的主体请按交易对手录入。",
        )  # fmt: skip
    if draft.industry is not None:
        Industry(draft.industry)
    if draft.scheme is not None and draft.scheme not in set(Scheme):
        raise InvalidInput(
            f"there is no scheme {draft.scheme!r}", zh="没有该碳市场", field="scheme",
            remedy=f"Write one of {', '.join(Scheme)}.", remedy_zh=f"可填：{'、'.join(Scheme)}。",
        )  # fmt: skip
    usci = None if draft.usci is None else str(Usci.parse(draft.usci))
    lei = None if draft.lei is None else str(Lei.parse(draft.lei))
    return usci, lei


def _write(row: PartyRow, draft: PartyDraft, *, usci: str | None, lei: str | None) -> None:
    row.kind = draft.kind
    row.name = plain_name(draft.name)
    row.usci, row.lei = usci, lei
    row.industry = draft.industry
    row.district = None if draft.district is None else draft.district.strip()
    row.scheme = draft.scheme
    row.key_emitter = draft.key_emitter


def _refuse_replaced(row: PartyRow, *, usci: str | None, lei: str | None) -> None:
    for field, known, said in (("usci", row.usci, usci), ("lei", row.lei, lei)):
        if known is not None and said != known:
            raise InvalidInput(
                f"the {field.upper()} {known} is not replaced by {said or 'nothing'}",
                zh=f"已登记的代码 {known} 不能更换或删除",
                field=field,
                remedy="Another code is another party: enter it anew.",
                remedy_zh="代码不同即为另一主体，请另行录入。",
            )


def _refuse_known(session: Session, actor: Actor, *, usci: str | None, lei: str | None, but: str) -> None:
    for field, column, code in (("usci", PartyRow.usci, usci), ("lei", PartyRow.lei, lei)):
        if code is None:
            continue
        query = select(PartyRow).where(PartyRow.organization_id == actor.organization_id, col(column) == code)
        known = session.exec(query).one_or_none()
        if known is not None and known.id != but:
            raise Conflict(
                f"{field.upper()} {code} is entered already, as {known.name}",
                zh=f"代码 {code} 已录入，名称为“{known.name}”",
                field=field,
                remedy="Correct the party that stands.",
                remedy_zh="请在已有主体上更正。",
                party_id=known.id,
            )


def _facts(row: PartyRow) -> dict[str, str]:
    """Give what is entered about a party as text, for the log of corrections."""
    facts = {
        "kind": row.kind.value, "name": row.name, "usci": row.usci, "lei": row.lei, "industry": row.industry,
        "district": row.district, "scheme": row.scheme,
        "key_emitter": None if row.key_emitter is None else str(row.key_emitter).lower(),
    }  # fmt: skip
    return {name: "—" if value is None else value for name, value in facts.items()}


def _called(row: PartyRow) -> str:
    return f"{row.usci or row.lei} {row.name}"


def _note(session: Session, actor: Actor, row: PartyRow, kind: str, at: datetime, *, detail: str) -> None:
    note_security_event(
        session, organization_id=row.organization_id, kind=kind, subject=f"party:{row.id}", actor=actor, at=at,
        detail=detail,
    )  # fmt: skip


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
        version=row.version,
    )
