"""What curves are built of: settlement prices, rates and exchange rates by day, to see, to take away and to bring."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated

from litestar import get, post
from litestar.datastructures import UploadFile
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, QueryParameter
from litestar.response import Response, Template
from msgspec import Struct
from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import CarbonFinError, InvalidInput
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import Standing, standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.downloads import download
from carbonfin.web.pages import Text, page
from carbonfin.web.wire import day_of
from pricing import service, workbooks
from pricing.calc.curve_quotes import CURVE_QUOTE_LABELS, CurveQuote, CurveQuoteKind
from pricing.feeds.curve_files import CURVE_COLUMNS, CURVE_FILE_LABELS, CurveFileKind
from pricing.feeds.tables import MAX_BYTES
from pricing.pages.market import check_ending

_SHOWN_MAX = 200
_READ_SHOWN_MAX = 20
_MONTH, _YEAR = timedelta(days=31), timedelta(days=366)
_Short = Annotated[str, QueryParameter(max_length=40)]
_From = Annotated[str | None, QueryParameter(name="from", max_length=10)]
_To = Annotated[str | None, QueryParameter(name="to", max_length=10)]
_KIND_WORDS = {kind: Text(*labels) for kind, labels in CURVE_QUOTE_LABELS.items()}
_FILE_WORDS = {kind: Text(*labels) for kind, labels in CURVE_FILE_LABELS.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveQuoteView:
    """What the page and its export show: the quotes of the days asked for, latest first."""

    standing: Standing
    kind: CurveQuoteKind | None
    name: str
    from_date: date
    to_date: date
    quotes: tuple[CurveQuote, ...]

    @property
    def query(self) -> str:
        """The query that shows the same again."""
        return f"kind={self.kind or ''}&name={self.name}&from={self.from_date}&to={self.to_date}"


@get("/market/curve-quotes", sync_to_thread=True)
def curve_quotes_page(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    kind: _Short = "",
    name: _Short = "",
    from_date: _From = None,
    to_date: _To = None,
) -> Template:
    """Show the quotes of curves of some days, each with who published it and since when it is known."""
    with sessions.read() as session:
        view = _view(session, actor, clock, kind=kind, name=name, from_date=from_date, to_date=to_date)
    return page(
        request,
        "pricing/curve_quotes.html",
        title=Text("曲线报价", "Quotes of curves"),
        view=view,
        shown=view.quotes[:_SHOWN_MAX],
        kind_words=_KIND_WORDS,
    )


@get("/market/curve-quotes/export/{ending:str}", sync_to_thread=True)
def export_curve_quotes(
    *,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    ending: FromPath[str],
    kind: _Short = "",
    name: _Short = "",
    from_date: _From = None,
    to_date: _To = None,
) -> Response[bytes]:
    """Give every quote of the days asked for as a workbook or as CSV."""
    check_ending(ending)
    with sessions.read() as session:
        view = _view(session, actor, clock, kind=kind, name=name, from_date=from_date, to_date=to_date)
    table = workbooks.curve_quote_table(view.quotes, from_date=view.from_date, to_date=view.to_date)
    stem = f"曲线报价-{view.from_date}-{view.to_date}"
    if ending == "csv":
        return download(workbooks.csv_of(table), stem=stem, ending="csv")
    content = workbooks.workbook_of(table, title=table.title, created_at=view.standing.known_at)
    return download(content, stem=stem, ending="xlsx")


def _view(
    session: Session,
    actor: Actor,
    clock: Clock,
    *,
    kind: str,
    name: str,
    from_date: str | None,
    to_date: str | None,
) -> CurveQuoteView:
    standing = standing_of(session, actor.organization_id, clock)
    last = day_of(to_date, field="to") if to_date else standing.business_date
    first = day_of(from_date, field="from") if from_date else last - min(_MONTH, last - date.min)
    if not timedelta(0) <= last - first <= _YEAR:
        raise InvalidInput(
            f"{first} to {last} is no span of up to a year",
            zh=f"{first} 至 {last} 不是一年以内的区间",
            field="from",
            remedy="Choose a first day up to a year before the last.",
            remedy_zh="起始日不得晚于截止日，且最多相隔一年。",
        )
    chosen = _kind_of(kind)
    cleaned = name.strip().upper()
    found = service.curve_quotes_of(
        session, actor, kind=chosen, name=cleaned or None, from_date=first, to_date=last, known_at=standing.known_at
    )
    return CurveQuoteView(
        standing=standing,
        kind=chosen,
        name=cleaned,
        from_date=first,
        to_date=last,
        quotes=tuple(sorted(found, key=lambda quote: quote.quote_date, reverse=True)),
    )


def _kind_of(text: str) -> CurveQuoteKind | None:
    """Read the kind chosen; an empty choice is every kind."""
    if not text:
        return None
    if text not in set(CurveQuoteKind):
        raise InvalidInput(
            f"{text!r} is no kind of quote",
            zh=f"没有“{text}”这一类别",
            field="kind",
            remedy="Choose one of " + ", ".join(CurveQuoteKind) + ".",
            remedy_zh="请在页面的类别中选择。",
        )
    return CurveQuoteKind(text)


class CurveUploadForm(Struct, kw_only=True):
    """What the form sends."""

    file: UploadFile
    kind: str = ""
    exchange: str = ""
    document: str = ""
    action: str = "preview"


@get("/market/curve-quotes/upload", sync_to_thread=True)
def curve_upload_page(*, request: WebRequest, kind: _Short = "") -> Template:
    """Show the form."""
    return _form(request, kind=kind if kind in set(CurveFileKind) else "", status_code=200)


@post("/market/curve-quotes/upload", sync_to_thread=True, status_code=200)
def send_curve_file(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: Annotated[CurveUploadForm, Body(media_type=RequestEncodingType.MULTI_PART)],
) -> Template:
    """Read a file of curve quotes; store all its rows when asked to and none failed."""
    content = data.file.file.read(MAX_BYTES + 1)
    try:
        with sessions.begin() as session:
            standing = standing_of(session, actor.organization_id, clock)
            report = service.import_curve_file(
                session,
                actor,
                kind=_file_kind_of(data.kind),
                content=content,
                file_name=data.file.filename,
                exchange=data.exchange,
                document=data.document,
                known_at=standing.known_at,
                preview=data.action != "store",
            )
    except CarbonFinError as error:
        return _form(
            request, kind=data.kind, exchange=data.exchange, document=data.document, failure=error, status_code=422
        )
    return _form(
        request,
        kind=data.kind,
        exchange=data.exchange,
        document=data.document,
        report=report,
        status_code=422 if report.failures else 200,
    )


def _file_kind_of(text: str) -> CurveFileKind:
    if text not in set(CurveFileKind):
        raise InvalidInput(
            f"{text!r} is no kind of file",
            zh="请选择文件类别",
            field="kind",
            remedy="Choose settlements, rates, fx or volatilities.",
            remedy_zh="请选择结算价、利率、汇率或期权波动率。",
        )
    return CurveFileKind(text)


def _form(
    request: WebRequest,
    *,
    kind: str,
    exchange: str = "",
    document: str = "",
    report: service.CurveImport | None = None,
    failure: CarbonFinError | None = None,
    status_code: int,
) -> Template:
    return page(
        request,
        "pricing/curve_upload.html",
        title=Text("导入曲线报价", "Import quotes of curves"),
        status_code=status_code,
        kind=kind,
        exchange=exchange,
        document=document,
        report=report,
        read=report.file.quotes[:_READ_SHOWN_MAX] if report else (),
        failure=failure,
        failure_text=Text(failure.zh, failure.detail) if failure else None,
        remedy_text=Text(failure.remedy_zh, failure.remedy) if failure else None,
        file_words=_FILE_WORDS,
        kind_words=_KIND_WORDS,
        examples=[(_FILE_WORDS[one], CURVE_COLUMNS[one].example) for one in CurveFileKind],
    )
