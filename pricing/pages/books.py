"""Bringing a book of positions: faults by line, a trial on the market, and storing it as a portfolio to be valued."""

from typing import Annotated

from litestar import get, post
from litestar.datastructures import UploadFile
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath
from litestar.response import Redirect, Response, Template
from msgspec import Struct
from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import CarbonFinError
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.downloads import csv_text, download
from carbonfin.web.pages import Text, page
from carbonfin.web.problems import status_of
from pricing import service
from pricing.calc.tradability import VALUATION_ONLY_EN, VALUATION_ONLY_ZH, is_labelled
from pricing.feeds.book_files import EXAMPLE, book_rows
from pricing.feeds.tables import MAX_BYTES

_LINES_SHOWN_MAX = 50


class BookForm(Struct, kw_only=True):
    """What the form sends."""

    file: UploadFile
    code: str = ""
    name: str = ""
    replaces: str = ""
    own_party: str = ""
    action: str = "preview"


@get("/portfolios/upload", sync_to_thread=True)
def book_upload_page(*, request: WebRequest) -> Template:
    """Show the form."""
    return _form(request, code="", name="", status_code=200)


@post("/portfolios/upload", sync_to_thread=True, status_code=200)
def send_book(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: Annotated[BookForm, Body(media_type=RequestEncodingType.MULTI_PART)],
) -> Template | Redirect:
    """Read a book; on demand store all its lines and value them, and go there."""
    content = data.file.file.read(MAX_BYTES + 1)
    try:
        with sessions.begin() as session:
            report, address = _taken(session, actor, clock, data, content)
    except CarbonFinError as error:
        return _form(
            request, code=data.code, name=data.name, own_party=data.own_party, failure=error,
            status_code=status_of(error),
        )  # fmt: skip
    if address:
        return Redirect(address, status_code=303)
    return _form(
        request, code=data.code, name=data.name, own_party=data.own_party, report=report,
        status_code=422 if report.failures else 200,
    )  # fmt: skip


def _taken(
    session: Session, actor: Actor, clock: Clock, data: BookForm, content: bytes
) -> tuple[service.BookImport, str]:
    """Import the book; gives the report, and where to go once it is stored."""
    standing = standing_of(session, actor.organization_id, clock)
    report = service.import_book(
        session,
        actor,
        content=content,
        file_name=data.file.filename,
        code=data.code,
        name=data.name,
        replaces=data.replaces == "yes",
        adds=data.replaces == "add",
        own_party=data.own_party,
        valuation_date=standing.business_date,
        known_at=standing.known_at,
        preview=data.action not in {"store", "value"},
    )
    if report.portfolio is None:
        return report, ""
    if data.action == "store":
        return report, f"/portfolios/{report.portfolio.id}"
    valuation = service.record_valuation(
        session,
        actor,
        report.portfolio.id,
        valuation_date=standing.business_date,
        known_at=standing.known_at,
    )
    return report, f"/valuations/{valuation.record.id}"


@get("/portfolios/{portfolio_id:str}/export/csv", sync_to_thread=True)
def export_book(*, sessions: Sessions, actor: Actor, portfolio_id: FromPath[str]) -> Response[bytes]:
    """Give the positions of a portfolio as CSV with the columns the upload reads."""
    with sessions.read() as session:
        portfolio = service.load_portfolio(session, actor, portfolio_id)
    return download(csv_text(book_rows(portfolio.lines)), stem=f"持仓-{portfolio.code}", ending="csv")


def _form(
    request: WebRequest,
    *,
    code: str,
    name: str,
    own_party: str = "",
    report: service.BookImport | None = None,
    failure: CarbonFinError | None = None,
    status_code: int,
) -> Template:
    return page(
        request,
        "pricing/book_upload.html",
        title=Text("导入持仓", "Import a book"),
        status_code=status_code,
        code=code,
        name=name,
        own_party=own_party,
        report=report,
        value=report.value if report else None,
        shown=[
            (line, is_labelled(line.notes_zh))
            for line in (report.value.lines[:_LINES_SHOWN_MAX] if report and report.value else ())
        ],
        failure=failure,
        failure_text=Text(failure.zh, failure.detail) if failure else None,
        remedy_text=Text(failure.remedy_zh, failure.remedy) if failure else None,
        valuation_only=Text(VALUATION_ONLY_ZH, VALUATION_ONLY_EN),
        example=EXAMPLE,
    )
