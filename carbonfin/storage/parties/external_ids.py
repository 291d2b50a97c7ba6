"""Numbers under which an organisation's other systems know our things: unique for each organisation and kind."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.errors import Conflict, InvalidInput, NotFound
from carbonfin.storage.parties.rows import ExternalIdRow

EXTERNAL_ID_KINDS: Mapping[str, tuple[str, str]] = {
    "customer": ("客户号", "Customer number"),
    "branch": ("机构号", "Branch number"),
    "credit_line": ("授信号", "Credit line number"),
    "contract": ("合同号", "Contract number"),
    "loan_note": ("借据号", "Loan note number"),
}
_VALUE = re.compile(r"[0-9A-Za-z\u4e00-\u9fff][0-9A-Za-z\u4e00-\u9fff（）()〔〕/_.-]{0,63}")
_FOUND_MAX = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalId:
    """One number and the thing it stands for, such as `party:ID`."""

    id: str
    kind: str
    value: str
    subject: str
    added_at: datetime
    added_by: str

    @property
    def kind_zh(self) -> str:
        """The kind in Chinese."""
        return EXTERNAL_ID_KINDS[self.kind][0]

    @property
    def kind_en(self) -> str:
        """The kind in English."""
        return EXTERNAL_ID_KINDS[self.kind][1]


def add_external_id(session: Session, actor: Actor, *, kind: str, value: str, subject: str, at: datetime) -> ExternalId:
    """Note a number of a thing, or give the one that stands already; the caller has seen that the thing exists.

    Raises:
        InvalidInput: The kind is unknown, or the number is of another shape.
        Conflict: The number stands for another thing.
    """
    if kind not in EXTERNAL_ID_KINDS:
        raise InvalidInput(f"{kind!r} is no kind of number", zh="没有该类外部编号", field="kind")
    plain = value.strip()
    if not _VALUE.fullmatch(plain):
        raise InvalidInput(
            "a number has 1 to 64 letters, digits and hyphens",
            zh="编号应为 1 至 64 个字母、数字、汉字或连字符",
            field="value",
        )
    row = ExternalIdRow(
        organization_id=actor.organization_id, kind=kind, value=plain, subject=subject, added_at=at, added_by=actor.name
    )
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError as error:
        known = _holder(session, actor, kind, plain)
        if known is None:
            raise
        if known.subject != subject:
            raise _taken(kind, known) from error
        return _external_id(known)
    return _external_id(row)


def remove_external_id(session: Session, actor: Actor, external_id: str) -> ExternalId:
    """Take a number away again, as after a slip.

    Raises:
        NotFound: The organisation has no such entry.
    """
    row = session.get(ExternalIdRow, external_id, with_for_update=True)
    if row is None or row.organization_id != actor.organization_id:
        raise NotFound(f"there is no number {external_id}", zh="没有该外部编号", field="external_id")
    gone = _external_id(row)
    session.delete(row)
    session.flush()
    return gone


def external_ids_of(session: Session, actor: Actor, subject: str) -> tuple[ExternalId, ...]:
    """Give the numbers of a thing, by kind."""
    rows = session.exec(
        select(ExternalIdRow)
        .where(ExternalIdRow.organization_id == actor.organization_id, ExternalIdRow.subject == subject)
        .order_by(col(ExternalIdRow.kind), col(ExternalIdRow.value))
    ).all()
    return tuple(_external_id(row) for row in rows)


def external_ids_of_all(
    session: Session, actor: Actor, subjects: Iterable[str]
) -> Mapping[str, tuple[ExternalId, ...]]:
    """Give the numbers of many things at once, by thing; one without a number is left out."""
    rows = session.exec(
        select(ExternalIdRow)
        .where(ExternalIdRow.organization_id == actor.organization_id)
        .where(col(ExternalIdRow.subject).in_(list(subjects)))
        .order_by(col(ExternalIdRow.kind), col(ExternalIdRow.value))
    ).all()
    found: dict[str, tuple[ExternalId, ...]] = {}
    for row in rows:
        found[row.subject] = (*found.get(row.subject, ()), _external_id(row))
    return found


def find_external_ids(session: Session, actor: Actor, beginning: str) -> tuple[ExternalId, ...]:
    """Give what is known under numbers that begin so."""
    plain = beginning.strip()
    if not plain:
        return ()
    rows = session.exec(
        select(ExternalIdRow)
        .where(ExternalIdRow.organization_id == actor.organization_id)
        .where(col(ExternalIdRow.value).startswith(plain, autoescape=True))
        .order_by(col(ExternalIdRow.value), col(ExternalIdRow.kind))
        .limit(_FOUND_MAX)
    ).all()
    return tuple(_external_id(row) for row in rows)


def _holder(session: Session, actor: Actor, kind: str, value: str) -> ExternalIdRow | None:
    return session.exec(
        select(ExternalIdRow).where(
            ExternalIdRow.organization_id == actor.organization_id,
            ExternalIdRow.kind == kind,
            ExternalIdRow.value == value,
        )
    ).one_or_none()


def _taken(kind: str, holder: ExternalIdRow) -> Conflict:
    zh, en = EXTERNAL_ID_KINDS[kind]
    return Conflict(
        f"{en} {holder.value} stands for {holder.subject}",
        zh=f"{zh} {holder.value} 已登记于 {holder.subject}",
        field="value",
        remedy="Check the number; take it away there first if it stands there by mistake.",
        remedy_zh="请核对编号；如系误登，请先在原处删除。",
    )


def _external_id(row: ExternalIdRow) -> ExternalId:
    return ExternalId(
        id=row.id, kind=row.kind, value=row.value, subject=row.subject, added_at=row.added_at, added_by=row.added_by
    )
