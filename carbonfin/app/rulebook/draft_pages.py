"""Bringing tables: a file is read, held against what is in force and proven, and then proposed whole or not at all."""

from typing import Annotated, Any

from litestar import get, post
from litestar.datastructures import UploadFile
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect, Response, Template
from msgspec import Meta, Struct

from carbonfin.app.packages import TABLE_CONTRACTS
from carbonfin.app.rulebook.draft_views import DraftView, draft_view
from carbonfin.app.rulebook.files import TablesRead, VersionDays, read_tables
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import CarbonFinError, InvalidInput
from carbonfin.rules.table_files import tables_from_toml, tables_to_toml
from carbonfin.rules.tables import TableVersion
from carbonfin.storage.engine import Sessions
from carbonfin.storage.rulebook import propose_table
from carbonfin.web.connections import WebRequest
from carbonfin.web.pages import Text, page
from carbonfin.web.problems import status_of
from carbonfin.web.wire import day_of

FILE_BYTES_MAX = 2 * 1024 * 1024
_TITLE = Text("导入决策表", "Bring decision tables")
_Short = Annotated[str, Meta(max_length=10)]


class TablesForm(Struct, kw_only=True, forbid_unknown_fields=True):
    """What the form to bring a file sends; the days are for files that have none of their own."""

    file: UploadFile
    valid_from: _Short = ""
    known_from: _Short = ""


class ProposalForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the form under the preview sends: the tables that were shown, as TOML, and why."""

    content: Annotated[str, Meta(max_length=4_000_000)] = ""
    reason: Annotated[str, Meta(max_length=2000)] = ""


@get("/rules/drafts", sync_to_thread=True)
def drafts_page(*, request: WebRequest) -> Template:
    """Show the form."""
    return _shown(request)


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
    entry = (data.valid_from, data.known_from)
    try:
        read = read_tables(data.file.filename, _content(data.file), _days(*entry))
        drafts = _drafts(sessions, actor, clock, read.versions)
    except CarbonFinError as failure:
        return _shown(request, entry=entry, failure=failure)
    return _shown(request, entry=entry, read=read, drafts=drafts)


@post("/rules/proposals", sync_to_thread=True)
def propose_page(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: Annotated[ProposalForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[Any]:
    """Propose every table that was shown, or none; another person approves them."""
    versions: tuple[TableVersion, ...] = ()
    try:
        versions = tables_from_toml(data.content.replace("\r\n", "\n"), file_name="preview.toml")
        with sessions.begin() as session:
            proposed = [
                propose_table(
                    session, actor, one, reason=data.reason.strip(), at=clock.now(), contracts=TABLE_CONTRACTS
                )
                for one in versions
            ]
    except CarbonFinError as failure:
        return _shown(request, drafts=_drafts(sessions, actor, clock, versions), failure=failure, reason=data.reason)
    return Redirect("/rules" if len(proposed) != 1 else f"/approvals/{proposed[0].id}", status_code=303)


def _drafts(
    sessions: Sessions, actor: Actor, clock: Clock, versions: tuple[TableVersion, ...]
) -> tuple[DraftView, ...]:
    """Hold each table against the one in force on its first day, as it is known now, prove it and try it."""
    with sessions.read() as session:
        return tuple(draft_view(session, actor, clock, one) for one in versions)


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


def _days(valid_from: str, known_from: str) -> VersionDays | None:
    if not valid_from and not known_from:
        return None
    return VersionDays(
        valid_from=day_of(valid_from, field="valid_from"), known_from=day_of(known_from, field="known_from")
    )


def _shown(
    request: WebRequest,
    *,
    entry: tuple[str, str] = ("", ""),
    read: TablesRead | None = None,
    drafts: tuple[DraftView, ...] = (),
    failure: CarbonFinError | None = None,
    reason: str = "",
) -> Template:
    return page(
        request,
        "app/rule_drafts.html",
        title=_TITLE,
        status_code=status_of(failure) if failure is not None else 422 if read and read.faults else 200,
        entry=entry,
        read=read,
        drafts=drafts,
        content=tables_to_toml([one.version for one in drafts]) if drafts else "",
        failure=None if failure is None else Text(failure.zh or failure.detail, failure.detail),
        remedy=None if failure is None else Text(failure.remedy_zh, failure.remedy),
        failed_field="" if failure is None else failure.field,
        reason=reason,
    )


routes = [drafts_page, preview_page, propose_page]
