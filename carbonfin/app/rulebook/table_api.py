"""Rules for systems, second part: history, comparison and files of a table, drafts tried and proposals reviewed."""

from typing import Annotated, Any

from litestar import get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath
from litestar.response import Response
from msgspec import Meta, Struct

from carbonfin.app.rulebook.api import (
    ChangeOut,
    KnownAt,
    KnownOn,
    ProposalOut,
    TableFindingOut,
    TableOut,
    ValidOn,
    VersionKey,
    shelf_asked,
)
from carbonfin.app.rulebook.draft_views import DraftView, FindingView, Span, draft_views, proposed_table
from carbonfin.app.rulebook.exports import file_stem, table_file
from carbonfin.app.rulebook.jdm_sheets import JdmSheetIn
from carbonfin.app.rulebook.saved_drafts import submit_draft
from carbonfin.app.rulebook.shelf import Shelf, Version, chosen
from carbonfin.app.rulebook.trials import NameText, TrialAnswerOut, TrialInputs, trial_inputs
from carbonfin.app.rulebook.uploads import BesideFile, read_upload
from carbonfin.documents.table_workbooks import Fault
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import NotFound
from carbonfin.rules.compiled_tables import compiled
from carbonfin.rules.difference import differences
from carbonfin.rules.plain_tables import table_from_plain
from carbonfin.rules.tables import TableVersion, plain_table
from carbonfin.storage import approvals
from carbonfin.storage.engine import Sessions
from carbonfin.web.connections import WebRequest
from carbonfin.web.downloads import download
from carbonfin.web.idempotency import IdempotencyKey, idempotently
from carbonfin.web.problems import problem_responses
from carbonfin.web.sent_files import bytes_of
from carbonfin.web.wire import DayText

_CONTENT_MAX = 2_800_000
_FILE = ResponseSpec(bytes, media_type="*/*", description="The file, to keep and to edit.", generate_examples=False)
_Id = Annotated[str, Meta(max_length=100)]


class TableVersionOut(Struct, frozen=True, kw_only=True):
    """One version of a table and what becomes of it on the days asked for; `key` names it in other requests."""

    key: str
    state: str
    state_zh: str
    is_in_force: bool
    version: TableOut

    @classmethod
    def of(cls, one: Version) -> "TableVersionOut":
        """Make it of the version."""
        words = one.state[1]
        return cls(
            key=one.key, state=words.en, state_zh=words.zh, is_in_force=one.is_in_force,
            version=TableOut.of(one.version),
        )  # fmt: skip


class TableHistoryOut(Struct, frozen=True, kw_only=True):
    """Every version of a table, the latest known first."""

    valid_on: str
    known_at: str
    versions: list[TableVersionOut]


class TableComparisonOut(Struct, frozen=True, kw_only=True):
    """What one version says otherwise than another."""

    before: TableVersionOut
    after: TableVersionOut
    changes: list[ChangeOut]


class TableFileIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A workbook, TOML or JDM file in base64; all but name and content is for JDM, which has no days and domains.

    `follows` names a table in force whose name, columns, domains and clauses hold where nothing else is said; `node` is
    the id or name of the only node to read; `sheet` says the domains and kinds by field.
    """

    file_name: Annotated[str, Meta(min_length=1, max_length=200)]
    content_base64: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=_CONTENT_MAX,
            pattern=r"^[A-Za-z0-9+/\r\n]+={0,2}\s*$",
            description="The file's bytes in base64.",
        ),
    ]
    valid_from: DayText | None = None
    known_from: DayText | None = None
    follows: Annotated[str, Meta(max_length=100)] = ""
    node: Annotated[str, Meta(max_length=200)] = ""
    sheet: JdmSheetIn | None = None


class TableFaultOut(Struct, frozen=True, kw_only=True):
    """One place of a file that is wrong: cell, line, or node with rule and field; what stands there, what should."""

    place: str
    found: str
    expected_zh: str
    expected: str

    @classmethod
    def of(cls, one: Fault) -> "TableFaultOut":
        """Make it of the fault; where it has no English words, the Chinese ones stand for them."""
        return cls(
            place=one.cell, found=one.found, expected_zh=one.expected_zh, expected=one.expected_en or one.expected_zh
        )


class FindingPlaceOut(Struct, frozen=True, kw_only=True):
    """A place of the file that a finding is about, and what stands there."""

    place: str
    found: str


class PlacedFindingOut(Struct, frozen=True, kw_only=True):
    """What the validation found, where in the file, and what should stand there."""

    finding: TableFindingOut
    places: list[FindingPlaceOut]
    expected: str
    expected_zh: str

    @classmethod
    def of(cls, one: FindingView) -> "PlacedFindingOut":
        """Make it of the finding."""
        return cls(
            finding=TableFindingOut.of(one.finding),
            places=[FindingPlaceOut(place=place.place, found=place.found) for place in one.places],
            expected=one.expected.en,
            expected_zh=one.expected.zh,
        )


class TableSpanOut(Struct, frozen=True, kw_only=True):
    """Days and the version that answers on them, until now and with the draft; `last_day` is null while open."""

    first_day: str
    last_day: str | None
    before: TableOut | None
    after: TableOut | None

    @classmethod
    def of(cls, one: Span) -> "TableSpanOut":
        """Make it of the span."""
        return cls(
            first_day=one.first.isoformat(),
            last_day=None if one.last is None else one.last.isoformat(),
            before=_table_or_none(one.before),
            after=_table_or_none(one.after),
        )


class DraftReviewOut(Struct, frozen=True, kw_only=True):
    """A draft against the version it would take the place of: what it changes, what was found, and from when it holds.

    `table` is what is proposed by `POST /v1/rules/proposals`, with `declares_gap` where the file says so.
    """

    version: TableOut
    declares_gap: bool
    table: dict[str, Any]
    may_be_proposed: bool
    in_force: TableOut | None
    changes: list[ChangeOut]
    findings: list[PlacedFindingOut]
    spans: list[TableSpanOut]

    @classmethod
    def of(cls, draft: DraftView) -> "DraftReviewOut":
        """Make it of the draft."""
        return cls(
            version=TableOut.of(draft.version),
            declares_gap=draft.version.declares_gap,
            table=plain_table(draft.version.table),
            may_be_proposed=draft.may_be_proposed,
            in_force=_table_or_none(draft.current),
            changes=[ChangeOut.of(one) for one in draft.differing],
            findings=[PlacedFindingOut.of(one) for one in draft.findings],
            spans=[TableSpanOut.of(one) for one in draft.spans],
        )


class TableFileOut(Struct, frozen=True, kw_only=True):
    """The tables of a file, each reviewed, or every fault that was found and no table; nothing was stored.

    `sheet` is the TOML sheet that would give a JDM file what it lacks, to be filled in; else empty.
    """

    tables: list[DraftReviewOut]
    faults: list[TableFaultOut]
    sheet: str


class ProposalReviewOut(Struct, frozen=True, kw_only=True):
    """A proposal as its checker sees it; one that is decided is held against what was in force then."""

    proposal: ProposalOut
    review: DraftReviewOut


class DraftTrialIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A draft and inputs by name: numbers, days and codes as text, true or false; what is left out is missing."""

    table: dict[str, Any]
    inputs: TrialInputs


class DraftTrialOut(Struct, frozen=True, kw_only=True):
    """What a draft answers, with the trace of every row. Nothing is recorded."""

    digest: str
    answer: TrialAnswerOut


def _table_or_none(version: TableVersion | None) -> TableOut | None:
    return None if version is None else TableOut.of(version)


@get(
    "/v1/rules/tables/{table_name:str}/versions",
    sync_to_thread=True,
    responses=problem_responses(404, 422),
    tags=["rules"],
)
def list_table_versions(
    *,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    table_name: FromPath[NameText],
    valid_on: ValidOn = None,
    known_on: KnownOn = None,
    known_at: KnownAt = None,
) -> TableHistoryOut:
    """Give every version of a table and what becomes of it on these days: in force, corrected, not known yet, ended."""
    shelf = shelf_asked(sessions, actor, clock, (valid_on, known_on), known_at)
    return TableHistoryOut(
        valid_on=shelf.dates.valid_on.isoformat(),
        known_at=shelf.dates.known_at.isoformat(),
        versions=[TableVersionOut.of(one) for one in shelf.history(table_name)],
    )


@get(
    "/v1/rules/tables/{table_name:str}/comparison",
    sync_to_thread=True,
    responses=problem_responses(404, 422),
    tags=["rules"],
)
def compare_table_versions(
    *,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    table_name: FromPath[NameText],
    old: VersionKey = "",
    new: VersionKey = "",
) -> TableComparisonOut:
    """Say what one version of a table says otherwise than another; left out, the first known and the last known."""
    history = shelf_asked(sessions, actor, clock, (None, None), None).history(table_name)
    before = chosen(history, old) if old else history[-1]
    after = chosen(history, new) if new else history[0]
    return TableComparisonOut(
        before=TableVersionOut.of(before),
        after=TableVersionOut.of(after),
        changes=[ChangeOut.of(one) for one in differences(before.version.table, after.version.table)],
    )


@get(
    "/v1/rules/tables/{table_name:str}/files/{ending:str}",
    sync_to_thread=True,
    responses={200: _FILE, **problem_responses(404, 422)},
    tags=["rules"],
)
def read_table_file(
    *,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    table_name: FromPath[NameText],
    ending: FromPath[Annotated[str, Meta(max_length=10)]],
    version: VersionKey = "",
) -> Response[bytes]:
    """Give a version of a table as a file to keep and to edit: xlsx, csv, toml, or json for JDM."""
    found = chosen(shelf_asked(sessions, actor, clock, (None, None), None).history(table_name), version).version
    return download(table_file(found, ending), stem=file_stem(found), ending=ending)


@post("/v1/rules/files", sync_to_thread=True, status_code=200, responses=problem_responses(422), tags=["rules"])
def read_tables_file(sessions: Sessions, actor: Actor, clock: Clock, data: TableFileIn) -> TableFileOut:
    """Read a file of tables, hold each against what is in force and prove it; nothing is stored."""
    beside = BesideFile(
        valid_from=data.valid_from or "", known_from=data.known_from or "", follows=data.follows, node=data.node,
        sheet=data.sheet or JdmSheetIn(),
    )  # fmt: skip
    with sessions.read() as session:
        shelf = Shelf.for_draft(session, actor, clock)
        read = read_upload(shelf, data.file_name, bytes_of(data.content_base64), beside)
        drafts = draft_views(session, actor, shelf, read.versions, read.places)
    return TableFileOut(
        tables=[DraftReviewOut.of(one) for one in drafts],
        faults=[TableFaultOut.of(one) for one in read.faults],
        sheet=read.sheet,
    )


@post("/v1/rules/trials", sync_to_thread=True, status_code=200, responses=problem_responses(422), tags=["rules"])
def try_draft(data: DraftTrialIn) -> DraftTrialOut:
    """Ask a draft, with the trace of every row; nothing is stored and nothing is recorded."""
    table = table_from_plain(data.table)
    said = compiled(table).decide(trial_inputs(table, data.inputs))
    return DraftTrialOut(digest=table.digest, answer=TrialAnswerOut.of(said))


@get("/v1/rules/proposals/{proposal_id:str}", sync_to_thread=True, responses=problem_responses(404), tags=["rules"])
def review_proposal(sessions: Sessions, actor: Actor, clock: Clock, proposal_id: FromPath[_Id]) -> ProposalReviewOut:
    """Give a proposed table as its checker sees it: what it changes, what was found, and from when it would hold."""
    with sessions.read() as session:
        approval = approvals.load_approval(session, actor, proposal_id)
        draft = proposed_table(session, actor, clock, approval)
    if draft is None:
        raise NotFound(
            f"approval {proposal_id} is about no decision table",
            zh="该审批不是决策表",
            field="proposal_id",
            remedy="Read it at /v1/approvals.",
            remedy_zh="请在审批中查看。",
        )
    return ProposalReviewOut(proposal=ProposalOut.of(approval), review=DraftReviewOut.of(draft))


@post(
    "/v1/rules/proposals/{proposal_id:str}/submit",
    sync_to_thread=True,
    status_code=200,
    responses=problem_responses(403, 404, 409, 422),
    tags=["rules"],
)
def submit_rule_draft(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    proposal_id: FromPath[_Id],
    idempotency_key: IdempotencyKey = None,
) -> Response[ProposalOut]:
    """Put one's own saved draft of a table or a value before the checkers; it is validated again, on record."""
    return idempotently(
        sessions,
        actor,
        request,
        idempotency_key,
        None,
        lambda session: ProposalOut.of(submit_draft(session, actor, proposal_id, at=clock.now())),
        status_code=200,
    )


routes = [
    list_table_versions, compare_table_versions, read_table_file, read_tables_file, try_draft, review_proposal,
    submit_rule_draft,
]  # fmt: skip
