"""Decision tables at rest: each organisation's own versions, proven sound and approved by two people."""

from collections.abc import Iterable, Iterator, Sequence
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
from carbonfin.rules.continuity import gap_faults, overlap_faults
from carbonfin.rules.declared_gaps import declared_at_rest
from carbonfin.rules.draft_days import order_faults
from carbonfin.rules.known import known_instant
from carbonfin.rules.parameter_drafts import refuse_together
from carbonfin.rules.plain_tables import table_from_plain, table_from_text
from carbonfin.rules.table_files import tables_from_toml
from carbonfin.rules.tables import DecisionTable, TableBook, TableVersion
from carbonfin.rules.validate import Finding, validate
from carbonfin.storage import approvals, columns
from carbonfin.storage.approvals import Answer, Approval, ApprovalKind
from carbonfin.storage.engine import execute_prepared
from carbonfin.storage.kept_rows import KeptRows
from carbonfin.storage.learned_types import converted
from carbonfin.storage.rows import Row, new_id, table_of
from carbonfin.storage.rulebook.builtin_files import toml_texts
from carbonfin.storage.rulebook.faults import RulebookFault, edited_at_rest

_CLAUSE_NAME_MAX = 200


_ALL_DAY = sa.text("known_at IS NULL")


class DecisionTableRow(Row, table=True):
    """One version of one decision table of one organisation; `digest` is the SHA-256 of `content` as it stands."""

    __table_args__ = (
        sa.UniqueConstraint("organization_id", "name", "valid_from", "known_from", "known_at"),
        sa.Index(
            "uq_decision_table_known_all_day",
            "organization_id",
            "name",
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
    name: str
    valid_from: date
    valid_to: date | None = None
    known_from: date
    known_at: datetime | None = None
    content: str
    digest: str
    approved_by: list[str] = Field(sa_type=columns.Json)
    maker_id: str = Field(foreign_key="user_account.id")
    checker_id: str = Field(foreign_key="user_account.id")
    approval_id: str = Field(foreign_key="approval.id")


_TABLES = table_of(DecisionTableRow)
_OWN = (
    sa.select(_TABLES)
    .where(
        _TABLES.c.organization_id == sa.bindparam("mine"),
        sa.or_(_TABLES.c.name == sa.bindparam("named"), sa.bindparam("named") == ""),
    )
    .order_by(_TABLES.c.name, _TABLES.c.known_from, _TABLES.c.known_at, _TABLES.c.valid_from)
)


def table_book_for(
    session: Session, organization_id: str, *, name: str = "", builtin: tuple[TableVersion, ...] = ()
) -> TableBook:
    """Give an organisation's own tables with those that come with the product, which answer where none of its own does.

    Args:
        session: An open session.
        organization_id: Whose own tables are read.
        name: The only table to read; all of them where none is named.
        builtin: Versions that come with the product.
    """
    own = _OWN_VERSIONS.made(session, {"mine": organization_id, "named": name})
    return TableBook(own, under=builtin)


@cache
def builtin_tables(*packages: str) -> tuple[TableVersion, ...]:
    """Give the decision tables that come with some packages: `parameters/*.toml` with `[[table]]` blocks.

    Raises:
        InvalidInput: A file breaks a rule.
    """
    return tuple(
        version
        for package in packages
        for name, text in toml_texts(package, header="table")
        for version in tables_from_toml(text, file_name=name)
    )


def draft_of(approval: Approval) -> TableVersion:
    """Give the version of a table that an approval is about, as it was proposed."""
    payload = dict(approval.payload)
    table = table_from_plain(payload.pop("table"))
    days = converted(payload, _Days)
    return TableVersion(
        table=table, valid_from=days.valid_from, valid_to=days.valid_to, known_from=days.known_from,
        declares_gap=days.declares_gap,
    )  # fmt: skip


def _as_approved(approval: Approval) -> TableVersion:
    """Give the version as it stands after its approval: known from that instant where that is its first day."""
    draft = draft_of(approval)
    return replace(draft, known_at=known_instant(draft.known_from, approval.decided_at))


class _Days(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The days of a version, as a proposal holds them."""

    valid_from: date
    valid_to: date | None
    known_from: date
    declares_gap: bool = False


def unconfirmed_clauses(table: DecisionTable) -> tuple[str, ...]:
    """Name each clause that nobody has compared with its document, once; who approves the table accepts each."""
    found = [row.clause.line for row in table.rows if not row.clause.confirmed]
    return tuple(dict.fromkeys(name.replace("|", "/")[:_CLAUSE_NAME_MAX] for name in found))


def _apply(session: Session, checker: Actor, approval: Approval, answer: Answer, at: datetime) -> None:
    """Add the approved version to the organisation's rulebook; what forbade proposing it forbids this too."""
    draft = _as_approved(approval)
    left_out = [name for name in unconfirmed_clauses(draft.table) if name not in answer.accepted]
    if left_out:
        raise Conflict(
            f"table {draft.table.name} rests on unconfirmed clauses: {'; '.join(left_out)}",
            zh=f"决策表的以下依据未确认，须逐项同意：{'；'.join(left_out)}",
            field="accepted_unconfirmed",
            remedy="Confirm the clauses, or accept each by name.",
            remedy_zh="请先核实，或在审批时逐项列明同意。",
            unconfirmed=left_out,
        )
    findings = validate(draft.table).findings
    require_publishable(session, checker, draft, day=china_day(approval.decided_at or at), findings=findings)
    require_joined(session, checker, draft, known_all_day=draft.known_at is None)
    session.add(
        DecisionTableRow(
            organization_id=checker.organization_id,
            name=draft.table.name,
            valid_from=draft.valid_from,
            valid_to=draft.valid_to,
            known_from=draft.known_from,
            known_at=draft.known_at,
            content=draft.table.content,
            digest=draft.table.digest,
            approved_by=[approval.maker_name, approval.checker_name or checker.name],
            maker_id=approval.maker_id,
            checker_id=approval.checker_id or checker.id,
            approval_id=approval.id,
        )
    )
    session.flush()


TABLE_APPROVAL = ApprovalKind(
    name="rules.table",
    title_zh="决策表",
    title_en="Decision table",
    maker_roles=frozenset({Role.OFFICER, Role.RISK, Role.BUREAU, Role.CHECKER}),
    checker_roles=frozenset({Role.CHECKER, Role.BUREAU}),
    apply=_apply,
    address=lambda _: "",
)


def require_publishable(
    session: Session, actor: Actor, draft: TableVersion, *, day: date, findings: Sequence[Finding]
) -> None:
    """Hold everything that must be so on the day a version is proposed, and again on the day it is approved.

    Args:
        session: An open session.
        actor: Whose tables they are.
        draft: The version.
        day: The day in China.
        findings: What the validation of its table found.
    """
    for fault in order_faults(draft, day=day):
        raise fault
    if draft.known_at is not None or draft.known_from != day:  # one of the same day is told apart by its approval
        _refuse_other(session, actor, draft)
    obstacles = [one for one in findings if one.is_fatal]
    if obstacles:
        raise InvalidInput(
            f"table {draft.table.name} may not be published: {'; '.join(one.en for one in obstacles)}",
            zh=f"决策表未通过校验：{'；'.join(one.zh for one in obstacles)}",
            field="table",
            remedy="Mend the rows named and propose it again.",
            remedy_zh="请修改所列规则行后重新发起。",
        )


def require_joined(
    session: Session,
    actor: Actor,
    draft: TableVersion,
    *,
    waiting: Sequence[TableVersion] = (),
    known_all_day: bool,
) -> None:
    """Refuse a version that overlaps another, or leaves days out between the organisation's own without saying so."""
    name = draft.table.name
    own = _OWN_VERSIONS.made(session, {"mine": actor.organization_id, "named": name})
    words = {"name": f"table {name}", "name_zh": f"决策表 {name} "}
    alike = [
        one
        for one in own
        if one.known_from == draft.known_from and one.valid_from != draft.valid_from and one.known_at is None
    ]
    gaps = () if draft.declares_gap else gap_faults(draft, [*own, *waiting], **words)
    refuse_together([*overlap_faults(draft, alike if known_all_day else (), **words), *gaps])


def _refuse_other(session: Session, actor: Actor, draft: TableVersion) -> None:
    standing = session.exec(
        select(DecisionTableRow.known_at).where(
            DecisionTableRow.organization_id == actor.organization_id,
            DecisionTableRow.name == draft.table.name,
            DecisionTableRow.valid_from == draft.valid_from,
            DecisionTableRow.known_from == draft.known_from,
        )
    ).all()
    if draft.known_at in standing:
        raise Conflict(
            f"table {draft.table.name} has a version from {draft.valid_from} known from {draft.known_from}",
            zh=f"决策表 {draft.table.name} 在相同日期已有版本",
            field=draft.table.name,
            remedy="Enter the correction with a later known_from.",
            remedy_zh="更正须使用更晚的知悉日期。",
        )


def _versions(rows: Iterable[sa.Row[Any]], _: object) -> tuple[TableVersion, ...]:
    return declared_at_rest([_version(row) for row in rows])


_OWN_VERSIONS = KeptRows(_OWN, _versions, tells_order=True)


def _version(row: sa.Row[Any]) -> TableVersion:
    """Give the version of a row; the database refuses edits, and what got past it is refused here.

    Raises:
        Conflict: The row is not the one that was approved.
    """
    table = _readable(row)
    if table is None or table.digest != row.digest:
        raise edited_at_rest(f"table {row.name}", f"决策表 {row.name}", valid_from=row.valid_from, field=row.name)
    return TableVersion(
        table=table,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        known_from=row.known_from,
        known_at=row.known_at,
        approved_by=tuple(row.approved_by),
    )


def _readable(row: sa.Row[Any]) -> DecisionTable | None:
    try:
        return table_from_text(row.content)
    except InvalidInput:
        return None


def verify_tables(session: Session, organization_id: str) -> tuple[int, tuple[RulebookFault, ...]]:
    """Hold each of an organisation's tables against its own digest and against what was approved.

    Returns:
        How many versions there are, and those that differ.
    """
    approved = {one.id: _as_approved(one) for one in approvals.effective_of(session, organization_id, TABLE_APPROVAL)}
    rows = execute_prepared(session, _OWN, {"mine": organization_id, "named": ""}).all()
    return len(rows), tuple(fault for row in rows for fault in _faults(row, approved.get(row.approval_id)))


def _faults(row: sa.Row[Any], approved: TableVersion | None) -> Iterator[RulebookFault]:
    table, why = _readable(row), None
    if table is None or table.digest != row.digest:
        why = ("内容与其摘要不符", "the content does not fit its digest")
    elif approved is None or (table.digest, row.valid_from, row.valid_to, row.known_from, row.known_at) != (
        approved.table.digest, approved.valid_from, approved.valid_to, approved.known_from, approved.known_at,
    ):  # fmt: skip
        why = ("不是经复核的版本", "it is not the version that was approved")
    if why is not None:
        yield RulebookFault(
            row_id=row.id, name=row.name, valid_from=row.valid_from, known_from=row.known_from, zh=why[0], en=why[1]
        )
