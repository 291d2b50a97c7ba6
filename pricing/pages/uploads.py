"""Bringing a price file: a form, a preview of what it says, and storing all of it or none."""

from typing import Annotated

from litestar import get, post
from litestar.datastructures import UploadFile
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Template
from msgspec import Struct

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import CarbonFinError
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.pages import Text, page
from pricing import service
from pricing.calc.quality import FINDING_LABELS
from pricing.feeds.price_files import EXAMPLE
from pricing.feeds.tables import MAX_BYTES

_TITLE = Text("导入行情", "Import quotes")


class UploadForm(Struct, kw_only=True):
    """What the form sends."""

    file: UploadFile
    exchange: str = ""
    document: str = ""
    action: str = "preview"


@get("/market/upload", sync_to_thread=True)
def upload_page(*, request: WebRequest) -> Template:
    """Show the form."""
    return _form(request, exchange="", document="", report=None, failure=None, status_code=200)


@post("/market/upload", sync_to_thread=True, status_code=200)
def send_price_file(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: Annotated[UploadForm, Body(media_type=RequestEncodingType.MULTI_PART)],
) -> Template:
    """Read a price file; store all its rows when asked to and none failed."""
    content = data.file.file.read(MAX_BYTES + 1)
    try:
        with sessions.begin() as session:
            standing = standing_of(session, actor.organization_id, clock)
            report = service.import_price_file(
                session,
                actor,
                content=content,
                file_name=data.file.filename,
                exchange=data.exchange,
                document=data.document,
                known_at=standing.known_at,
                preview=data.action != "store",
            )
    except CarbonFinError as error:
        return _form(
            request, exchange=data.exchange, document=data.document, report=None, failure=error, status_code=422
        )
    return _form(
        request,
        exchange=data.exchange,
        document=data.document,
        report=report,
        failure=None,
        status_code=422 if report.failures else 200,
    )


def _form(
    request: WebRequest,
    *,
    exchange: str,
    document: str,
    report: service.ImportReport | None,
    failure: CarbonFinError | None,
    status_code: int,
) -> Template:
    return page(
        request,
        "pricing/upload.html",
        title=_TITLE,
        status_code=status_code,
        exchange=exchange,
        document=document,
        report=report,
        failure=failure,
        failure_text=Text(failure.zh, failure.detail) if failure else None,
        remedy_text=Text(failure.remedy_zh, failure.remedy) if failure else None,
        example=EXAMPLE,
        finding_labels={kind: Text(*labels) for kind, labels in FINDING_LABELS.items()},
    )
