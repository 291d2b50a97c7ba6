"""The auditor's registers as pages and files."""

from typing import Annotated, Any

from litestar import get
from litestar.params import FromPath, QueryParameter
from litestar.response import Response, Template

from carbonfin.app.audit.lines import Asked, Register, RegisterKind
from carbonfin.app.audit.registers import REGISTERS, SAMPLE_MAX, register_named, whole_register
from carbonfin.app.signing import signing_of
from carbonfin.documents.workbooks import CellKind, SheetColumn, SheetTable, Workbook, write_workbook
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import InvalidInput
from carbonfin.storage.engine import Sessions
from carbonfin.storage.keyset import Place, Slice
from carbonfin.storage.parties import Standing, standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.downloads import csv_text, download
from carbonfin.web.pages import page
from carbonfin.web.paging import Paging
from carbonfin.web.wire import day_of

_SHEET_LINES_MAX = 1_000_000
_On = Annotated[str, QueryParameter(max_length=10, description="Day of the sample; left out, the business date.")]
_Count = Annotated[int, QueryParameter(ge=1, le=SAMPLE_MAX, description="Decisions in the sample.")]
_Population = Annotated[
    int | None, QueryParameter(ge=1, le=2**53, description="Draw from the first so many decisions; left out, from all.")
]
_Fact = Annotated[str, QueryParameter(max_length=200, description="Only the uses of this unconfirmed fact.")]
_Verify = Annotated[bool, QueryParameter(description="Verify a long chain too.")]


@get("/audit/{register:str}", sync_to_thread=True)
def register_page(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    paging: Paging,
    register: FromPath[str],
    on: _On = "",
    count: _Count = 25,
    population: _Population = None,
    fact: _Fact = "",
    verify: _Verify = False,
) -> Template:
    """Show a page of a register."""
    kind = register_named(register)
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        asked = _asked(request, standing, paging.place, (on, count, population, fact), verifies=verify)
        found = kind.read(session, actor, asked)
    return page(
        request,
        "app/register.html",
        title=kind.title,
        kind=kind,
        register=found,
        columns=[(head, "text") for head in found.heads],
        beginning=paging.beginning,
        following=paging.following(Slice(items=(), last=found.last)),
        asked=asked,
        others=[(one.name, one.title) for one in REGISTERS.values() if one is not kind],
    )


@get("/audit/{register:str}/export/{ending:str}", sync_to_thread=True)
def export_register(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    register: FromPath[str],
    ending: FromPath[str],
    on: _On = "",
    count: _Count = 25,
    population: _Population = None,
    fact: _Fact = "",
    verify: _Verify = False,
) -> Response[Any]:
    """Give a whole register as a workbook or as CSV."""
    kind = register_named(register)
    if ending not in {"csv", "xlsx"}:
        raise InvalidInput(
            f"registers are offered as xlsx and csv, not {ending[:10]!r}",
            zh=f"不提供“{ending[:10]}”格式",
            field="ending",
            remedy="Choose xlsx or csv.",
            remedy_zh="可选 xlsx 或 csv。",
        )
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        asked = _asked(request, standing, Place(limit=1), (on, count, population, fact), verifies=verify)
        found = whole_register(kind, session, actor, asked)
    stem = f"{kind.title.zh}-{standing.business_date}"
    if ending == "csv":
        return download(csv_text(register_lines(found)), stem=stem, ending=ending)
    if len(found.lines) > _SHEET_LINES_MAX:
        raise InvalidInput(
            f"the register has {len(found.lines)} lines, a sheet holds {_SHEET_LINES_MAX}",
            zh=f"登记共 {len(found.lines)} 行，超过工作表上限",
            field="ending",
            remedy="Take it as csv.",
            remedy_zh="请下载 csv。",
        )
    return download(_workbook(kind, found, standing), stem=stem, ending=ending)


def register_lines(found: Register) -> list[list[str]]:
    """Give a register as lines of Chinese, headed."""
    return [[head.zh for head in found.heads], *([cell.text.zh for cell in line] for line in found.lines)]


def _asked(
    request: WebRequest, standing: Standing, place: Place, drawn: tuple[str, int, int | None, str], *, verifies: bool
) -> Asked:
    on, count, population, fact = drawn
    return Asked(
        place=place, on=day_of(on, field="on") if on else standing.business_date, count=count,
        population=population, fact=fact.strip(),
        trusted=signing_of(request).trusted(), verifies=verifies,
    )  # fmt: skip


def _workbook(kind: RegisterKind, found: Register, standing: Standing) -> bytes:
    table = SheetTable(
        name=kind.title.zh,
        title=kind.title.zh,
        columns=tuple(SheetColumn(label=head.zh, kind=CellKind.TEXT) for head in found.heads),
        rows=tuple(tuple(cell.text.zh for cell in line) for line in found.lines),
        reported_on=standing.business_date,
        notes=(found.note.zh,),
    )
    return write_workbook(Workbook(title=kind.title.zh, sheets=(table,), created_at=standing.known_at))


routes = [register_page, export_register]
