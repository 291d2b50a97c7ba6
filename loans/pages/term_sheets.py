"""A term sheet as a page, with its PDF and Word beside it."""

from typing import Annotated

from litestar import get
from litestar.params import FromPath, QueryParameter
from litestar.response import Response, Template

from carbonfin.documents.verifications import code_content, code_svg, code_words
from carbonfin.kernel.actors import Actor, Role
from carbonfin.storage.engine import Sessions
from carbonfin.web.addresses import public_address_of, verification_address_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.downloads import download
from carbonfin.web.language import Text, language_of
from carbonfin.web.pages import page
from carbonfin.web.wire import IdText
from loans import service
from loans.calc.term_comparisons import compare_term_sheets
from loans.calc.term_notes import unconfirmed_behind
from loans.pages.charts import rate_chart

_Version = Annotated[int | None, QueryParameter(ge=1, le=100_000)]


@get("/term-sheets/{number:str}", sync_to_thread=True)
def term_sheet_page(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    number: FromPath[IdText],
    version: _Version = None,
    against: _Version = None,
) -> Template:
    """Show a version of a term sheet, the latest where none is named, and what it says otherwise than another.

    Each figure opens its trace.
    """
    with sessions.read() as session:
        stored = service.load_term_sheet(session, actor, number, version=version)
        latest = service.load_term_sheet(session, actor, number).entry.version
        changes = None
        if against is not None:
            before = service.load_term_sheet(session, actor, number, version=against)
            changes = compare_term_sheets(before.sheet, stored.sheet)
        document = service.term_sheet_document(
            session, actor, stored, address="", verified_at=verification_address_of(request)
        )
    sheet = stored.sheet
    return page(
        request,
        "loans/term_sheet.html",
        title=Text(f"贷款条款清单 {number}", f"Term sheet {number}"),
        entry=stored.entry,
        sheet=sheet,
        decision_id=stored.entry.decision_id,
        chart=rate_chart(sheet.steps, language_of(request)),
        unconfirmed=unconfirmed_behind(sheet.trace),
        latest=latest,
        against=against,
        changes=changes,
        others=[(one, Text(f"第 {one} 版", f"version {one}")) for one in range(latest, 0, -1) if one != sheet.version],
        code=code_svg(code_content(document)),
        code_words=code_words(document),
        may_draft=actor.role is Role.OFFICER,
    )


@get("/term-sheets/{number:str}/pdf", sync_to_thread=True)
def term_sheet_pdf(
    request: WebRequest, sessions: Sessions, actor: Actor, number: FromPath[IdText], version: _Version = None
) -> Response[bytes]:
    """Give a term sheet as PDF."""
    with sessions.read() as session:
        stored = service.load_term_sheet(session, actor, number, version=version)
        content = service.term_sheet_pdf(
            session, actor, stored, address=public_address_of(request), verified_at=verification_address_of(request)
        )
    return download(content, stem=_stem(stored), ending="pdf")


@get("/term-sheets/{number:str}/docx", sync_to_thread=True)
def term_sheet_docx(
    request: WebRequest, sessions: Sessions, actor: Actor, number: FromPath[IdText], version: _Version = None
) -> Response[bytes]:
    """Give a term sheet for Word."""
    with sessions.read() as session:
        stored = service.load_term_sheet(session, actor, number, version=version)
        content = service.term_sheet_docx(
            session, actor, stored, address=public_address_of(request), verified_at=verification_address_of(request)
        )
    return download(content, stem=_stem(stored), ending="docx")


def _stem(stored: service.StoredTermSheet) -> str:
    return f"贷款条款清单-{stored.entry.number}-v{stored.entry.version}"


routes = [term_sheet_page, term_sheet_pdf, term_sheet_docx]
