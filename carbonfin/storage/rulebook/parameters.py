"""Parameters at rest: those that come with the product, and each organisation's own, approved by two people."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from functools import cache
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlmodel import Field, Session, select

from carbonfin.kernel.actors import Actor, Role
from carbonfin.kernel.errors import Conflict
from carbonfin.rules.parameters import Grade, ParameterBook, ParameterValue, book_from_toml
from carbonfin.storage import approvals, columns
from carbonfin.storage.approvals import Answer, Approval, ApprovalKind, ProposalDraft
from carbonfin.storage.engine import execute_prepared, kept_while_same
from carbonfin.storage.rows import Row, new_id, table_of
from carbonfin.storage.rulebook.builtin_files import toml_texts


class ParameterRow(Row, table=True):
    """One value of one parameter of one organisation, entered by a maker and approved by another person."""

    __table_args__ = (
        sa.UniqueConstraint("organization_id", "key", "scope", "valid_from", "known_from"),
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
    maker_id: str = Field(foreign_key="user_account.id")
    checker_id: str = Field(foreign_key="user_account.id")
    digest: str


_PARAMETERS = table_of(ParameterRow)
_OWN = (
    sa.select(_PARAMETERS)
    .where(_PARAMETERS.c.organization_id == sa.bindparam("mine"))
    .order_by(_PARAMETERS.c.key, _PARAMETERS.c.scope, _PARAMETERS.c.known_from)
)

_MARK = sa.select(sa.func.count(), sa.func.max(_PARAMETERS.c.id)).where(
    _PARAMETERS.c.organization_id == sa.bindparam("mine")
)


def book_for(session: Session, organization_id: str, *, packages: Sequence[str]) -> ParameterBook:
    """Give the parameters of some packages with an organisation's own; its own win where both are known alike.

    Args:
        session: An open session.
        organization_id: Whose own values are added.
        packages: Packages whose `parameters/*.toml` are read: pricing, collateral, loans, reporting.
    """
    mark = execute_prepared(session, _MARK, {"mine": organization_id}).one()

    def make() -> ParameterBook:
        rows = execute_prepared(session, _OWN, {"mine": organization_id})
        return ParameterBook((_value(row) for row in rows), under=[builtin_book(package) for package in packages])

    return kept_while_same(session, ("parameters", organization_id, *packages), tuple(mark), make)


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


def propose_parameter(session: Session, maker: Actor, value: ParameterValue, *, reason: str, at: datetime) -> Approval:
    """Put a value of one of the organisation's own parameters before the checkers.

    Raises:
        NotPermitted: The maker's role may not propose parameters.
        Conflict: Another value with the same dates stands or waits; a correction has a later `known_from`.
    """
    _refuse_other(session, maker, value)
    proposal = ProposalDraft(
        subject=_subject(value),
        title_zh=f"参数 {value.title_zh or value.key}" + (f"（{value.scope}）" if value.scope else ""),
        title_en=f"Parameter {value.title_en or value.key}" + (f" ({value.scope})" if value.scope else ""),
        payload=_payload(value),
        reason=reason,
    )
    return approvals.propose(session, maker, PARAMETER_APPROVAL, proposal, at=at)


def enter_parameter(
    session: Session, maker: Actor, checker: Actor, value: ParameterValue, *, reason: str, at: datetime
) -> ParameterValue:
    """Propose and approve a value in one step, both people being at hand; the same value again changes nothing.

    Raises:
        NotPermitted: Maker and checker are one person, or a role may not.
        Conflict: Another value with the same dates is there; a correction has a later `known_from`.
    """
    before = _standing(session, maker, value)
    if before is not None and before.digest == value.digest:
        return _value(before)
    proposed = propose_parameter(session, maker, value, reason=reason, at=at)
    approvals.approve(
        session,
        checker,
        proposed.id,
        kinds=(PARAMETER_APPROVAL,),
        answer=Answer(reason=reason),
        at=at,
        business_date=value.known_from,
    )
    entered = _standing(session, maker, value)
    assert entered is not None, "an approved value stands in the rulebook"
    return _value(entered)


def _apply(session: Session, checker: Actor, approval: Approval, _: Answer, __: datetime) -> None:
    """Add the approved value to the organisation's rulebook."""
    value = replace(
        msgspec.convert(dict(approval.payload), type=ParameterValue),
        approved_by=(approval.maker_name, approval.checker_name or checker.name),
    )
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
    address=lambda _: "",
)


def _subject(value: ParameterValue) -> str:
    return f"parameter:{value.key}[{value.scope}]:{value.valid_from}:{value.known_from}"


def _payload(value: ParameterValue) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(replace(value, approved_by=()))
    return plain


def _standing(session: Session, actor: Actor, value: ParameterValue) -> ParameterRow | None:
    return session.exec(
        select(ParameterRow).where(
            ParameterRow.organization_id == actor.organization_id,
            ParameterRow.key == value.key,
            ParameterRow.scope == value.scope,
            ParameterRow.valid_from == value.valid_from,
            ParameterRow.known_from == value.known_from,
        )
    ).one_or_none()


def _refuse_other(session: Session, actor: Actor, value: ParameterValue) -> None:
    if _standing(session, actor, value) is not None:
        raise Conflict(
            f"parameter {value.key} has a value from {value.valid_from} known from {value.known_from}",
            zh=f"参数 {value.key} 在相同日期已有取值",
            field=value.key,
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
        maker_id=maker,
        checker_id=checker,
        digest=value.digest,
    )


def _value(row: ParameterRow | sa.Row[Any]) -> ParameterValue:
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
    )
