"""Rules for systems: tables in force, one table by both dates, a trial of it, and a draft proven and proposed."""

from datetime import datetime
from typing import Annotated, Any

from litestar import get, post
from litestar.params import FromPath, QueryParameter
from litestar.response import Response
from msgspec import Meta, Struct

from carbonfin.app.packages import TABLE_CONTRACTS
from carbonfin.app.rulebook.draft_views import left_out_findings
from carbonfin.app.rulebook.live_impacts import LiveImpactOut, impacts_out, live_impacts
from carbonfin.app.rulebook.shelf import Shelf, chosen, dates_asked
from carbonfin.app.rulebook.trials import (
    InputAskedOut,
    NameText,
    RowTriedOut,
    TrialAnswerOut,
    TrialInputs,
    trial_inputs,
)
from carbonfin.app.rulebook.views import findings_of
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock, china_day
from carbonfin.kernel.errors import NotFound
from carbonfin.rules.compiled_tables import compiled
from carbonfin.rules.decide import Decision, NotDecided
from carbonfin.rules.difference import Change, differences
from carbonfin.rules.known import backdated_days
from carbonfin.rules.plain_tables import table_from_plain
from carbonfin.rules.tables import TableVersion, plain_table
from carbonfin.rules.validate import Finding
from carbonfin.storage.approvals import Approval
from carbonfin.storage.engine import Sessions
from carbonfin.storage.keyset import cut
from carbonfin.storage.rulebook import draft_table, propose_table
from carbonfin.web.connections import WebRequest
from carbonfin.web.idempotency import IdempotencyKey, idempotently
from carbonfin.web.paging import Paging
from carbonfin.web.problems import problem_responses
from carbonfin.web.wire import DayText, day_of

ValidOn = Annotated[DayText | None, QueryParameter(description="Day it speaks of; left out, the business date.")]
KnownOn = Annotated[DayText | None, QueryParameter(description="Day it was known; left out, the present.")]
VersionKey = Annotated[
    str,
    QueryParameter(
        max_length=34,
        description="A version by its `key`: its first day, the day it was known and, where it has one, the instant.",
    ),
]


KnownAt = Annotated[
    datetime | None,
    QueryParameter(description="Instant at which it was known, with its zone; instead of `known_on`."),
]


class TableOut(Struct, frozen=True, kw_only=True):
    """A version of a table without its rows; a built-in one comes with the product and was approved by nobody here.

    `unconfirmed_rows` names the rows whose clause nobody has compared with its document.
    """

    name: str
    title_zh: str
    title_en: str
    hit_policy: str
    valid_from: str
    valid_to: str | None
    known_from: str
    known_at: datetime | None
    backdated_days: int
    approved_by: list[str]
    is_builtin: bool
    unconfirmed_rows: list[str]
    digest: str

    @classmethod
    def of(cls, version: TableVersion) -> "TableOut":
        """Make it of the version."""
        table = version.table
        return cls(
            name=table.name,
            title_zh=table.title_zh,
            title_en=table.title_en,
            hit_policy=table.hit_policy.value,
            valid_from=version.valid_from.isoformat(),
            valid_to=None if version.valid_to is None else version.valid_to.isoformat(),
            known_from=version.known_from.isoformat(),
            known_at=version.known_at,
            backdated_days=backdated_days(valid_from=version.valid_from, known_from=version.known_from),
            approved_by=list(version.approved_by),
            is_builtin=not version.approved_by,
            unconfirmed_rows=[row.id for row in table.rows if not row.clause.confirmed],
            digest=table.digest,
        )


class TableListOut(Struct, frozen=True, kw_only=True):
    """A page of the tables that answer on the days asked for, by name."""

    tables: list[TableOut]


class TableWholeOut(Struct, frozen=True, kw_only=True):
    """A version with everything it says; `table` is what a draft is written like."""

    version: TableOut
    table: dict[str, Any]


class TrialIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Inputs by name: numbers, days and codes as text, true or false; what is left out is missing.

    A number may come with its unit, as `{"number": "0.4", "unit": "ratio"}` or `"0.4 ratio"`. The unit of each input is
    told by the answer (`asked`) and in the table's `domain`; a number in another unit counts as missing (`wrong_unit`).
    """

    inputs: TrialInputs


class TrialOut(Struct, frozen=True, kw_only=True):
    """What the table answers; `refused` says why there is no answer. Nothing is recorded."""

    version: TableOut
    asked: list[InputAskedOut]
    rows: list[str]
    outputs: list[list[str]]
    total: str | None
    refused: str | None
    missing: dict[str, str]
    tried: list[RowTriedOut]

    @classmethod
    def of(cls, version: TableVersion, said: Decision | NotDecided) -> "TrialOut":
        """Make it of the answer."""
        answer = TrialAnswerOut.of(said)
        return cls(
            version=TableOut.of(version), asked=[InputAskedOut.of(one) for one in version.table.inputs],
            rows=answer.rows, outputs=answer.outputs, total=answer.total,
            refused=answer.refused, missing=answer.missing, tried=answer.tried,
        )  # fmt: skip


class TableFindingOut(Struct, frozen=True, kw_only=True):
    """One thing the validation found, with an input that shows it: `null` where it is missing."""

    kind: str
    is_fatal: bool
    zh: str
    detail: str
    rows: list[str]
    counter_example: dict[str, str]

    @classmethod
    def of(cls, finding: Finding) -> "TableFindingOut":
        """Make it of the finding."""
        return cls(
            kind=finding.kind.value,
            is_fatal=finding.is_fatal,
            zh=finding.zh,
            detail=finding.en,
            rows=list(finding.rows),
            counter_example=finding.counter_example,
        )


class ChangeOut(Struct, frozen=True, kw_only=True):
    """One thing the draft says otherwise than the version in force; `row` is empty for the table itself."""

    kind: str
    row: str
    column: str
    before: str
    after: str

    @classmethod
    def of(cls, one: Change) -> "ChangeOut":
        """Make it of the change."""
        return cls(kind=one.kind.value, row=one.row, column=one.column, before=one.before, after=one.after)


class DraftIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table written as `GET /v1/rules/tables/{table_name}` gives it; it is held against what it would replace.

    `valid_from` is its first day; left out, it is held against the table of the business date.
    """

    table: dict[str, Any]
    valid_from: DayText | None = None


class ValidationOut(Struct, frozen=True, kw_only=True):
    """Whether the draft may be proposed, what was found, what it changes and does to all that stands.

    Nothing was stored.
    """

    digest: str
    may_be_proposed: bool
    findings: list[TableFindingOut]
    in_force: TableOut | None
    changes: list[ChangeOut]
    impacts: list[LiveImpactOut]


class ProposalIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A version to put before another person; `known_from` is not before the day of its approval.

    `declares_gap` says that days between own versions are left out on purpose: the rule was repealed for them.
    `is_draft` keeps it as the maker's draft, sound or not; no checker is asked before it is submitted.
    """

    table: dict[str, Any]
    valid_from: DayText
    valid_to: DayText | None = None
    known_from: DayText
    reason: Annotated[str, Meta(min_length=1, max_length=2000)]
    declares_gap: bool = False
    is_draft: bool = False


class ProposalOut(Struct, frozen=True, kw_only=True):
    """The approval that waits for another person, or for its maker while it is a draft."""

    approval_id: str
    subject: str
    state: str

    @classmethod
    def of(cls, approval: Approval) -> "ProposalOut":
        """Make it of the approval."""
        return cls(approval_id=approval.id, subject=approval.subject, state=approval.state.value)


@get("/v1/rules/tables", sync_to_thread=True, responses=problem_responses(422), tags=["rules"])
def list_tables(
    *,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    paging: Paging,
    valid_on: ValidOn = None,
    known_on: KnownOn = None,
    known_at: KnownAt = None,
) -> Response[TableListOut]:
    """List the organisation's decision tables that answer on these days, by name, in pages."""
    shelf = shelf_asked(sessions, actor, clock, (valid_on, known_on), known_at)
    answering = [version for name in shelf.book.names() if (version := shelf.in_force(name)) is not None]
    found = cut(answering, paging.place, keys=lambda version: (version.table.name,))
    return paging.answer(TableListOut(tables=[TableOut.of(one) for one in found.items]), found)


@get("/v1/rules/tables/{table_name:str}", sync_to_thread=True, responses=problem_responses(404, 422), tags=["rules"])
def read_table(
    *,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    table_name: FromPath[NameText],
    valid_on: ValidOn = None,
    known_on: KnownOn = None,
    known_at: KnownAt = None,
) -> TableWholeOut:
    """Give the version of a table that answers on these days, whole."""
    version = _answering(shelf_asked(sessions, actor, clock, (valid_on, known_on), known_at), table_name)
    return TableWholeOut(version=TableOut.of(version), table=plain_table(version.table))


@post(
    "/v1/rules/tables/{table_name:str}/trials",
    sync_to_thread=True,
    status_code=200,
    responses=problem_responses(404, 422),
    tags=["rules"],
)
def try_table(
    *,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    table_name: FromPath[NameText],
    data: TrialIn,
    valid_on: ValidOn = None,
    known_on: KnownOn = None,
    known_at: KnownAt = None,
    version: VersionKey = "",
) -> TrialOut:
    """Ask a table, with the trace of every row; nothing is recorded.

    The version that answers on these days, or the one that is named.
    """
    shelf = shelf_asked(sessions, actor, clock, (valid_on, known_on), known_at)
    found = chosen(shelf.history(table_name), version).version if version else _answering(shelf, table_name)
    return TrialOut.of(found, compiled(found.table).decide(trial_inputs(found.table, data.inputs)))


@post("/v1/rules/validations", sync_to_thread=True, status_code=200, responses=problem_responses(422), tags=["rules"])
def validate_draft(sessions: Sessions, actor: Actor, clock: Clock, data: DraftIn) -> ValidationOut:
    """Prove a draft, hold it against the version in force, and run both over what stands; nothing is stored."""
    table = table_from_plain(data.table)
    day = None if data.valid_from is None else day_of(data.valid_from, field="valid_from")
    with sessions.read() as session:
        shelf = Shelf.for_draft(session, actor, clock)
        current = shelf.replaced(table.name, valid_from=day)
        draft = TableVersion(
            table=table, valid_from=day or shelf.dates.valid_on, known_from=china_day(shelf.dates.known_at)
        )
        impacts = live_impacts(session, actor, draft)
    findings = (*findings_of(table), *left_out_findings(shelf.book, draft))
    changes = () if current is None else differences(current.table, table)
    return ValidationOut(
        digest=table.digest,
        may_be_proposed=not any(one.is_fatal for one in findings),
        findings=[TableFindingOut.of(one) for one in findings],
        in_force=None if current is None else TableOut.of(current),
        changes=[ChangeOut.of(one) for one in changes],
        impacts=impacts_out(impacts),
    )


@post("/v1/rules/proposals", sync_to_thread=True, responses=problem_responses(409, 422), tags=["rules"])
def propose_draft(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: ProposalIn,
    idempotency_key: IdempotencyKey = None,
) -> Response[ProposalOut]:
    """Propose a version of a table, or keep it as a draft; another person approves it by `/v1/approvals`."""
    draft = TableVersion(
        table=table_from_plain(data.table),
        valid_from=day_of(data.valid_from, field="valid_from"),
        valid_to=None if data.valid_to is None else day_of(data.valid_to, field="valid_to"),
        known_from=day_of(data.known_from, field="known_from"),
    )
    return idempotently(
        sessions,
        actor,
        request,
        idempotency_key,
        data,
        lambda session: ProposalOut.of(
            (draft_table if data.is_draft else propose_table)(
                session,
                actor,
                draft,
                reason=data.reason,
                at=clock.now(),
                contracts=TABLE_CONTRACTS,
                declares_gap=data.declares_gap,
            )
        ),
    )


def shelf_asked(
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    days: tuple[str | None, str | None],
    known_at: datetime | None,
) -> Shelf:
    """Give the tables on a day as they were known on another or at an instant; what is left out is the present."""
    valid_on, known_on = days
    with sessions.read() as session:
        dates = dates_asked(session, actor, clock, valid_on=valid_on or "", known_on=known_on or "", known_at=known_at)
        return Shelf.of(session, actor, dates)


def _answering(shelf: Shelf, name: str) -> TableVersion:
    found = shelf.in_force(name)
    if found is None:
        raise NotFound(
            f"no version of table {name} answers on {shelf.dates.valid_on}",
            zh=f"决策表在 {shelf.dates.valid_on} 没有适用版本",
            field="table_name",
            remedy="Ask for another day, or see the versions on the table's page.",
            remedy_zh="请更换日期，或在决策表页面查看各版本。",
        )
    return found


routes = [list_tables, read_table, try_table, validate_draft, propose_draft]
