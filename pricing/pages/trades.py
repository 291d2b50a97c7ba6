"""A trade brought as FpML or CDM: its terms, whether it may be made, its faults by path, and the other shape."""

from typing import Annotated

from litestar import get, post
from litestar.datastructures import UploadFile
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Template
from msgspec import Struct

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import CarbonFinError, InvalidInput
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.pages import Text, page
from pricing import service
from pricing.calc.instruments.terms import LegalBasis
from pricing.feeds.trade_documents.nodes import DOCUMENT_BYTES_MAX

_TITLE = Text("读取交易文件", "Read a trade document")
_FAULTS_SHOWN_MAX = 200
_PAPER_LENGTH_MAX = 200
_KINDS = {
    None: Text("未能识别的产品", "product not recognised"),
    False: Text("场外远期", "OTC forward"),
    True: Text("场外期权", "OTC option"),
}
_WORDS = {
    "physical": Text("实物交割", "physical delivery"),
    "call": Text("看涨", "call"),
    "put": Text("看跌", "put"),
    "european": Text("欧式", "European"),
    "american": Text("美式", "American"),
}


class TradeForm(Struct, kw_only=True):
    """What the form sends."""

    file: UploadFile
    master_agreement: str = ""
    derivatives_licence: str = ""
    write_as: str = ""


@get("/trades/read", sync_to_thread=True)
def trade_page(*, request: WebRequest) -> Template:
    """Show the form."""
    return _form(request, basis=LegalBasis(), write_as="", status_code=200)


@post("/trades/read", sync_to_thread=True, status_code=200)
def send_trade_document(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: Annotated[TradeForm, Body(media_type=RequestEncodingType.MULTI_PART)],
) -> Template:
    """Read a document, show its trades and faults, and write the trades as asked; nothing is kept."""
    content = data.file.file.read(DOCUMENT_BYTES_MAX + 1)
    basis = LegalBasis(
        master_agreement=data.master_agreement.strip()[:_PAPER_LENGTH_MAX],
        derivatives_licence=data.derivatives_licence.strip()[:_PAPER_LENGTH_MAX],
    )
    try:
        with sessions.read() as session:
            standing = standing_of(session, actor.organization_id, clock)
            document = service.read_trades(
                session, actor, content, basis=basis, write_as=_shape(data.write_as),
                valid_on=standing.business_date, known_at=standing.known_at,
            )  # fmt: skip
    except CarbonFinError as error:
        return _form(request, basis=basis, write_as="", failure=error, status_code=422)
    return _form(
        request,
        basis=basis,
        write_as=data.write_as,
        document=document,
        file_name=data.file.filename,
        status_code=422 if document.faults else 200,
    )


def _shape(text: str) -> service.TradeShape | None:
    """Read the shape chosen; an empty choice is none."""
    if not text:
        return None
    if text not in list(service.TradeShape):
        raise InvalidInput(
            f"{text!r} is no shape a trade is written in",
            zh=f"没有“{text}”这一格式",
            field="write_as",
            remedy="Choose CDM or FpML.",
            remedy_zh="请选择 CDM 或 FpML。",
        )
    return service.TradeShape(text)


def _form(
    request: WebRequest,
    *,
    basis: LegalBasis,
    write_as: str,
    document: service.TradeDocument | None = None,
    failure: CarbonFinError | None = None,
    file_name: str = "",
    status_code: int,
) -> Template:
    return page(
        request,
        "pricing/trades.html",
        title=_TITLE,
        status_code=status_code,
        basis=basis,
        write_as=write_as,
        document=document,
        file_name=file_name,
        failure=failure,
        failure_text=Text(failure.zh, failure.detail) if failure else None,
        remedy_text=Text(failure.remedy_zh, failure.remedy) if failure else None,
        faults_shown_max=_FAULTS_SHOWN_MAX,
        kinds=_KINDS,
        words=_WORDS,
        shapes=[("", Text("不写", "none")), ("cdm", "CDM"), ("fpml", "FpML")],
    )
