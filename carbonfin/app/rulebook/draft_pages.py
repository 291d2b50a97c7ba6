"""Bringing tables: a file is read, held against what is in force and proven, and then proposed whole or not at all."""

from collections.abc import Sequence
from typing import Annotated, Any

from litestar import get, post
from litestar.datastructures import UploadFile
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect, Response, Template
from msgspec import Meta, Struct
from msgspec.structs import replace
from sqlmodel import Session

from carbonfin.app.packages import TABLE_CONTRACTS
from carbonfin.app.rulebook.draft_views import DraftView, draft_views
from carbonfin.app.rulebook.files import TablesRead
from carbonfin.app.rulebook.jdm_sheets import sheet_from_toml
from carbonfin.app.rulebook.live_impacts import live_impacts
from carbonfin.app.rulebook.shelf import Shelf
from carbonfin.app.rulebook.uploads import BesideFile, read_upload
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import CarbonFinError, InvalidInput
from carbonfin.rules.live_impact import LiveImpact
from carbonfin.rules.table_files import tables_from_toml, tables_to_toml
from carbonfin.rules.tables import TableVersion
from carbonfin.storage.engine import Sessions
from carbonfin.storage.rulebook import draft_table, propose_table
from carbonfin.web.connections import WebRequest
from carbonfin.web.pages import Text, page
from carbonfin.web.problems import status_of

FILE_BYTES_MAX = 2 * 1024 * 1024
_SHEET = Text("取值范围", "Domains")
_OWN_COLUMNS = Text("不沿用：文件自带或下方另附", "none: in the file, or given below")
_TITLE = Text("导入决策表", "Bring decision tables")
_Short = Annotated[str, Meta(max_length=10)]
_Name = Annotated[str, Meta(max_length=200)]


class TablesForm(Struct, kw_only=True, forbid_unknown_fields=True):
    """What the form to bring a file sends; all but the file is for JDM, which has no days, domains and kinds."""

    file: UploadFile
    valid_from: _Short = ""
    known_from: _Short = ""
    follows: _Name = ""
    node: _Name = ""
    sheet: Annotated[str, Meta(max_length=100_000)] = ""


class _Entry(Struct, frozen=True, kw_only=True):
    """What was typed beside the file, so that nothing is lost."""

    valid_from: str = ""
    known_from: str = ""
    follows: str = ""
    node: str = ""
    sheet: str = ""


_NOTHING = _Entry()


class ProposalForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the form under the preview sends: the tables that were shown, as TOML, and why."""

    content: Annotated[str, Meta(max_length=4_000_000)] = ""
    reason: Annotated[str, Meta(max_length=2000)] = ""
    declares_gap: Annotated[str, Meta(max_length=3)] = ""
    step: Annotated[str, Meta(max_length=10)] = ""


@get("/rules/drafts", sync_to_thread=True)
def drafts_page(*, request: WebRequest, sessions: Sessions, actor: Actor, clock: Clock) -> Template:
    """Show the form."""
    with sessions.read() as session:
        shelf = Shelf.for_draft(session, actor, clock)
    return _shown(request, shelf)


@post("/rules/drafts", sync_to_thread=True, status_code=200)
def preview_page(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: Annotated[TablesForm, Body(media_type=RequestEncodingType.MULTI_PART)],
) -> Template:
    """Read a file of tables and show what would change and what is wrong; nothing is stored."""
    entry = _Entry(
        valid_from=data.valid_from, known_from=data.known_from, follows=data.follows, node=data.node.strip(),
        sheet=data.sheet.replace("\r\n", "\n"),
    )  # fmt: skip
    with sessions.read() as session:
        shelf = Shelf.for_draft(session, actor, clock)
        try:
            read = read_upload(shelf, data.file.filename, _content(data.file), _beside(entry))
            drafts = draft_views(session, actor, shelf, read.versions, read.places)
            impacts = _impacts(session, actor, read.versions)
        except CarbonFinError as failure:
            return _shown(request, shelf, entry=entry, failure=failure)
    if read.sheet and not entry.sheet:
        entry = replace(entry, sheet=read.sheet)
    return _shown(request, shelf, entry=entry, read=read, drafts=drafts, impacts=impacts)


@post("/rules/proposals", sync_to_thread=True)
def propose_page(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: Annotated[ProposalForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[Any]:
    """Propose every table that was shown, or keep all as drafts, or none; another person approves them."""
    versions: tuple[TableVersion, ...] = ()
    try:
        versions = tables_from_toml(data.content.replace("\r\n", "\n"), file_name="preview.toml")
        with sessions.begin() as session:
            proposed = [
                (draft_table if data.step == "draft" else propose_table)(
                    session,
                    actor,
                    one,
                    reason=data.reason.strip(),
                    at=clock.now(),
                    contracts=TABLE_CONTRACTS,
                    declares_gap=data.declares_gap == "yes",
                )
                for one in versions
            ]
    except CarbonFinError as failure:
        with sessions.read() as session:
            shelf = Shelf.for_draft(session, actor, clock)
            drafts = draft_views(session, actor, shelf, versions, ())
            impacts = _impacts(session, actor, versions)
        return _shown(request, shelf, drafts=drafts, impacts=impacts, failure=failure, reason=data.reason)
    return Redirect("/rules" if len(proposed) != 1 else f"/approvals/{proposed[0].id}", status_code=303)


def _impacts(session: Session, actor: Actor, versions: Sequence[TableVersion]) -> tuple[tuple[LiveImpact, ...], ...]:
    return tuple(live_impacts(session, actor, one) for one in versions)


def _beside(entry: _Entry) -> BesideFile:
    return BesideFile(
        valid_from=entry.valid_from, known_from=entry.known_from, follows=entry.follows, node=entry.node,
        sheet=sheet_from_toml(entry.sheet, file_name=_SHEET.zh),
    )  # fmt: skip


def _content(sent: UploadFile) -> bytes:
    content = sent.file.read(FILE_BYTES_MAX + 1)
    if not sent.filename or not content:
        raise InvalidInput(
            "no file was sent", zh="未选择文件", field="file", remedy="Choose a file.", remedy_zh="请选择文件。"
        )
    if len(content) > FILE_BYTES_MAX:
        raise InvalidInput(
            f"the file has more than {FILE_BYTES_MAX} bytes",
            zh=f"文件超过 {FILE_BYTES_MAX // 1024 // 1024} MB",
            field="file",
            remedy="Send fewer tables at a time.",
            remedy_zh="请分次导入。",
        )
    return content


def _shown(
    request: WebRequest,
    shelf: Shelf,
    *,
    entry: _Entry = _NOTHING,
    read: TablesRead | None = None,
    drafts: tuple[DraftView, ...] = (),
    impacts: tuple[tuple[LiveImpact, ...], ...] = (),
    failure: CarbonFinError | None = None,
    reason: str = "",
) -> Template:
    return page(
        request,
        "app/rule_drafts.html",
        title=_TITLE,
        status_code=status_of(failure) if failure is not None else 422 if read and read.faults else 200,
        entry=entry,
        standing=[("", _OWN_COLUMNS), *((name, _titles(shelf, name)) for name in shelf.book.names())],
        read=read,
        drafts=drafts,
        impacts=impacts,
        content=tables_to_toml([one.version for one in drafts]) if drafts else "",
        failure=None if failure is None else Text(failure.zh or failure.detail, failure.detail),
        remedy=None if failure is None else Text(failure.remedy_zh, failure.remedy),
        failed_field="" if failure is None else failure.field,
        reason=reason,
    )


def _titles(shelf: Shelf, name: str) -> Text:
    """Give a table's title and name, as the version known last has them."""
    table = shelf.book.versions(name)[-1].table
    return Text(f"{table.title_zh}（{name}）", f"{table.title_en} ({name})")


routes = [drafts_page, preview_page, propose_page]
