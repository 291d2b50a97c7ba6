"""Parameters at rest: those that come with the product, and each organisation's own, approved by two people."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime
from functools import cache
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlmodel import Field, Session, select

from carbonfin.kernel.actors import Actor, Role
from carbonfin.kernel.dates import china_day
from carbonfin.kernel.errors import Conflict, InvalidInput
from carbonfin.rules.known import known_instant
from carbonfin.rules.parameter_drafts import day_faults, left_out_days, refuse_together
from carbonfin.rules.parameter_files import book_from_toml
from carbonfin.rules.parameters import Grade, ParameterBook, ParameterValue
from carbonfin.storage import approvals, columns
from carbonfin.storage.approvals import Answer, Approval, ApprovalKind, ProposalDraft
from carbonfin.storage.engine import execute_prepared
from carbonfin.storage.kept_rows import KeptRows
from carbonfin.storage.learned_types import converted
from carbonfin.storage.rows import Row, new_id, table_of
from carbonfin.storage.rulebook.builtin_files import toml_texts
from carbonfin.storage.rulebook.faults import RulebookFault, edited_at_rest

_ALL_DAY = sa.text("known_at IS NULL")  # of these there is one a day; a constraint takes NULLs for different


class ParameterRow(Row, table=True):
    """One value of one parameter of one organisation, entered by a maker and approved by another person."""

    __table_args__ = (
        sa.UniqueConstraint("organization_id", "key", "scope", "valid_from", "known_from", "known_at"),
        sa.Index(
            "uq_parameter_known_all_day",
            "organization_id",
            "key",
            "scope",
            "valid_from",
            "known_from",
            unique=True,
            sqlite_where=_ALL_DAY,
            postgresql_where=_ALL_DAY,
        ),
        sa.CheckConstraint("maker_id <> checker_id", name="four_eyes"),
        {"info": {"append_only": True}},
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    key: str
    scope: str
    value: str
    unit: str
    title_zh: str
    title_en: str
    valid_from: date
    valid_to: date | None = None
    known_from: date
    document: str
    article: str
    grade: Grade
    confirmed: bool
    approved_by: list[str] = Field(sa_type=columns.Json)
    note: str
    document_number: str | None = None
    quote: str | None = None
    known_at: datetime | None = None
    maker_id: str = Field(foreign_key="user_account.id")
    checker_id: str = Field(foreign_key="user_account.id")
    digest: str


_PARAMETERS = table_of(ParameterRow)
_OWN = (
    sa.select(_PARAMETERS)
    .where(_PARAMETERS.c.organization_id == sa.bindparam("mine"))
    .order_by(_PARAMETERS.c.key, _PARAMETERS.c.scope, _PARAMETERS.c.known_from, _PARAMETERS.c.known_at)
)


def own_book(session: Session, organization_id: str) -> ParameterBook:
    """Give an organisation's own values alone.

    Raises:
        Conflict: A value is not the one that was approved.
    """
    return _BOOKS.made(session, {"mine": organization_id})


def book_for(session: Session, organization_id: str, *, packages: Sequence[str]) -> ParameterBook:
    """Give the parameters of some packages with an organisation's own; its own win where both are known alike.

    Args:
        session: An open session.
        organization_id: Whose own values are added.
        packages: Packages whose `parameters/*.toml` are read: pricing, collateral, loans, reporting.

    Raises:
        Conflict: One of its own values is not the one that was approved.
    """
    return _BOOKS.made(session, {"mine": organization_id}, tuple(packages))


@cache
def builtin_book(package: str) -> ParameterBook:
    """Give the parameters that come with a package.

    Only files with `[[parameter]]` tables are read; other tables beside them are their packages' own.

    Raises:
        InvalidInput: A file breaks a rule.
    """
    return ParameterBook(
        value
        for name, text in toml_texts(package, header="parameter")
        for value in book_from_toml(text, file_name=name).values()
    )


def enter_parameter(
    session: Session, maker: Actor, checker: Actor, value: ParameterValue, *, reason: str, at: datetime
) -> ParameterValue:
    """Bring a value with its history, as when a rulebook is opened; the same value again changes nothing.

    Both people are at hand, and the value may have been known before this day: it is what a paper rulebook says. Once
    decisions stand on a rulebook, changes are proposed.

    Raises:
        NotPermitted: Maker and checker are one person, or a role may not.
        Conflict: Another value with the same dates is there; a correction has a later `known_from`.
    """
    for before in _standing(session, maker, value):
        if replace(_value(before), known_at=None).digest == value.digest:
            return _value(before)
    proposal = parameter_proposal(session, maker, value, reason=reason, at=at)
    proposed = approvals.propose(session, maker, PARAMETER_APPROVAL, proposal, at=at)
    approvals.approve(
        session,
        checker,
        proposed.id,
        kinds=(replace(PARAMETER_APPROVAL, apply=_add),),
        answer=Answer(reason=reason),
        at=at,
        business_date=value.known_from,
    )
    (entered,) = _standing(session, maker, value)
    return _value(entered)


def proposed_value(approval: Approval) -> ParameterValue:
    """Give the value an approval is about, as it was proposed."""
    return converted(dict(approval.payload), ParameterValue)


def _as_approved(approval: Approval) -> ParameterValue:
    """Give the value as it stands after its approval: known from that instant where that is its first day."""
    value = proposed_value(approval)
    return replace(value, known_at=known_instant(value.known_from, approval.decided_at))


def unconfirmed_value(value: ParameterValue) -> tuple[str, ...]:
    """Name the value where nobody has compared it with its document; who approves it accepts it by this name."""
    return () if value.confirmed else (_name(value),)


def verify_parameters(session: Session, organization_id: str) -> tuple[int, tuple[RulebookFault, ...]]:
    """Hold each of an organisation's values against its own digest and against what was approved.

    Returns:
        How many values there are, and those that differ.
    """
    approved = {
        (one.subject, _as_approved(one).digest)
        for one in approvals.effective_of(session, organization_id, PARAMETER_APPROVAL)
    }
    rows = execute_prepared(session, _OWN, {"mine": organization_id}).all()
    return len(rows), tuple(fault for row in rows for fault in _faults(row, approved))


def _faults(row: sa.Row[Any], approved: Collection[tuple[str, str]]) -> Iterator[RulebookFault]:
    value = _unchecked(row)
    why = ("取值与其摘要不符", "the value does not fit its digest") if value.digest != row.digest else None
    if why is None and (parameter_subject(value), row.digest) not in approved:
        why = ("不是经复核的取值", "it is not the value that was approved")
    if why is not None:
        yield RulebookFault(
            row_id=row.id, name=_name(value), valid_from=value.valid_from, known_from=value.known_from,
            zh=why[0], en=why[1],
        )  # fmt: skip


def parameter_proposal(
    session: Session, maker: Actor, value: ParameterValue, *, reason: str, at: datetime, declares_gap: bool = False
) -> ProposalDraft:
    """Give what is to be approved of a value.

    Raises:
        Conflict: Another value with the same dates stands; one of this day is told apart by its approval's instant.
    """
    if value.known_from != china_day(at):
        _refuse_other(session, maker, value)
    return ProposalDraft(
        subject=parameter_subject(value),
        title_zh=f"参数 {value.title_zh or value.key}" + (f"（{value.scope}）" if value.scope else ""),
        title_en=f"Parameter {value.title_en or value.key}" + (f" ({value.scope})" if value.scope else ""),
        payload=_payload(value) | ({"declares_gap": True} if declares_gap else {}),
        reason=reason,
    )


def _apply(session: Session, checker: Actor, approval: Approval, answer: Answer, at: datetime) -> None:
    """Add the approved value; what forbade proposing it forbids this too."""
    value = proposed_value(approval)
    require_known_later(value, day=china_day(approval.decided_at or at))
    own = own_book(session, checker.organization_id)
    declares_gap = bool(approval.payload.get("declares_gap"))
    refuse_together([*day_faults(value, own), *(() if declares_gap else left_out_days(value, own))])
    left_out = [name for name in unconfirmed_value(value) if name not in answer.accepted]
    if left_out:
        raise Conflict(
            f"{left_out[0]} is unconfirmed: nobody has compared it with its document",
            zh=f"参数 {left_out[0]} 未确认，须在复核时列明同意",
            field="accepted_unconfirmed",
            remedy="Confirm the value, or accept it by name.",
            remedy_zh="请先核实，或在审批时列明同意。",
            unconfirmed=left_out,
        )
    _add(session, checker, approval, answer, at)


def _add(session: Session, checker: Actor, approval: Approval, _: Answer, __: datetime) -> None:
    """Add the approved value to the organisation's rulebook."""
    value = replace(_as_approved(approval), approved_by=(approval.maker_name, approval.checker_name or checker.name))
    _refuse_other(session, checker, value)
    session.add(_row(checker, value, maker=approval.maker_id, checker=approval.checker_id or checker.id))
    session.flush()


PARAMETER_APPROVAL = ApprovalKind(
    name="rules.parameter",
    title_zh="参数",
    title_en="Parameter",
    maker_roles=frozenset({Role.OFFICER, Role.RISK, Role.BUREAU, Role.CHECKER}),
    checker_roles=frozenset({Role.CHECKER, Role.BUREAU}),
    apply=_apply,
    address=lambda approval: f"/rules/parameters/{approval.payload['key']}",
)


def require_known_later(value: ParameterValue, *, day: date) -> None:
    """Hold that a value is not known before the day it is proposed or approved on; else `InvalidInput`."""
    if value.known_from < day:
        raise InvalidInput(
            f"parameter {value.key} would be known from {value.known_from}, before its approval on {day}",
            zh=f"参数不得早于复核日 {day} 启用",
            field="known_from",
            remedy="Propose it with a known_from on or after the day of its approval.",
            remedy_zh="请以不早于复核日的知悉日期重新发起。",
        )


def _name(value: ParameterValue) -> str:
    return f"{value.key}[{value.scope}]" if value.scope else value.key


def parameter_subject(value: ParameterValue) -> str:
    """Name what an approval of a value is about: its key and scope, and the days it holds and is known from."""
    return f"parameter:{value.key}[{value.scope}]:{value.valid_from}:{value.known_from}"


def _payload(value: ParameterValue) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(replace(value, approved_by=()))
    return plain


def _standing(session: Session, actor: Actor, value: ParameterValue) -> Sequence[ParameterRow]:
    """Give the values of the same days, at whatever instants they are known."""
    return session.exec(
        select(ParameterRow).where(
            ParameterRow.organization_id == actor.organization_id,
            ParameterRow.key == value.key,
            ParameterRow.scope == value.scope,
            ParameterRow.valid_from == value.valid_from,
            ParameterRow.known_from == value.known_from,
        )
    ).all()


def _refuse_other(session: Session, actor: Actor, value: ParameterValue) -> None:
    if any(one.known_at == value.known_at for one in _standing(session, actor, value)):
        raise Conflict(
            f"parameter {value.key} has a value from {value.valid_from} known from {value.known_from}",
            zh=f"参数 {value.key} 在相同日期已有取值",
            field="known_from",
            remedy="Enter the correction with a later known_from.",
            remedy_zh="更正须使用更晚的知悉日期。",
        )


def _row(actor: Actor, value: ParameterValue, *, maker: str, checker: str) -> ParameterRow:
    return ParameterRow(
        organization_id=actor.organization_id,
        key=value.key,
        scope=value.scope,
        value=value.value,
        unit=value.unit,
        title_zh=value.title_zh,
        title_en=value.title_en,
        valid_from=value.valid_from,
        valid_to=value.valid_to,
        known_from=value.known_from,
        document=value.document,
        article=value.article,
        grade=value.grade,
        confirmed=value.confirmed,
        approved_by=list(value.approved_by),
        note=value.note,
        document_number=value.document_number,
        quote=value.quote,
        known_at=value.known_at,
        maker_id=maker,
        checker_id=checker,
        digest=value.digest,
    )


def _value(row: ParameterRow | sa.Row[Any]) -> ParameterValue:
    """Give the value of a row; the database refuses edits, and what got past it (`Conflict`) is refused here."""
    value = _unchecked(row)
    if value.digest != row.digest:
        raise edited_at_rest(
            f"parameter {_name(value)}", f"参数 {_name(value)}", valid_from=value.valid_from, field=value.key
        )
    return value


def _book(rows: Iterable[sa.Row[Any]], packages: Iterable[str]) -> ParameterBook:
    return ParameterBook((_value(row) for row in rows), under=[builtin_book(package) for package in packages])


_BOOKS = KeptRows(_OWN, _book, tells_order=True)


def _unchecked(row: ParameterRow | sa.Row[Any]) -> ParameterValue:
    return ParameterValue(
        key=row.key,
        scope=row.scope,
        value=row.value,
        unit=row.unit,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        known_from=row.known_from,
        document=row.document,
        article=row.article,
        grade=row.grade,
        confirmed=row.confirmed,
        approved_by=tuple(row.approved_by),
        note=row.note,
        title_zh=row.title_zh,
        title_en=row.title_en,
        document_number=row.document_number,
        quote=row.quote,
        known_at=row.known_at,
    )
