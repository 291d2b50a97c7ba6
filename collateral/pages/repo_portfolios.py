"""Reconciliation of repos with a counterparty, for people: its file in, every difference out."""

from typing import Annotated

from litestar import get, post
from litestar.datastructures import UploadFile
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Template
from msgspec import Struct

from carbonfin.documents.text_tables import MAX_BYTES
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import CarbonFinError
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import parties_of, party_by_code, standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.pages import Text, page
from collateral import service
from collateral.calc.repo_portfolio import FIELD_NAMES, TradeDifferenceKind
from collateral.feeds.portfolio_files import PORTFOLIO_COLUMNS
from collateral.service import PortfolioReport

_KINDS: dict[TradeDifferenceKind, Text] = {
    TradeDifferenceKind.OURS_ALONE: Text("我方有，对方没有", "Ours alone"),
    TradeDifferenceKind.THEIRS_ALONE: Text("对方有，我方没有", "Theirs alone"),
    TradeDifferenceKind.TERM: Text("条款不一致", "Stated otherwise"),
}


class PortfolioForm(Struct, kw_only=True):
    """What the form sends."""

    file: UploadFile
    counterparty: str = ""


@get("/repos/reconciliation", sync_to_thread=True)
def portfolio_form(*, request: WebRequest, sessions: Sessions, actor: Actor) -> Template:
    """Show the form."""
    return _shown(request, sessions, actor)


@post("/repos/reconciliation", sync_to_thread=True, status_code=200)
def send_portfolio(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: Annotated[PortfolioForm, Body(media_type=RequestEncodingType.MULTI_PART)],
) -> Template:
    """Compare a counterparty's list with ours, and keep what was found."""
    content = data.file.file.read(MAX_BYTES + 1)
    try:
        with sessions.begin() as session:
            party = party_by_code(session, actor, data.counterparty)
            report = service.reconcile_portfolio(
                session, actor, party.id, content=content, file_name=data.file.filename,
                standing=standing_of(session, actor.organization_id, clock),
            )  # fmt: skip
    except CarbonFinError as failure:
        return _shown(request, sessions, actor, counterparty=data.counterparty, failure=failure)
    return _shown(request, sessions, actor, counterparty=data.counterparty, report=report)


def _shown(
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    *,
    counterparty: str = "",
    report: PortfolioReport | None = None,
    failure: CarbonFinError | None = None,
) -> Template:
    with sessions.read() as session:
        parties = parties_of(session, actor)
    is_refused = failure is not None or (report is not None and bool(report.failures))
    return page(
        request,
        "collateral/repo_portfolio.html",
        title=Text("回购组合对账", "Reconciliation of repos"),
        status_code=422 if is_refused else 200,
        parties=[(party.code, f"{party.name} {party.code}") for party in parties],
        counterparty=counterparty,
        report=report,
        failure=None if failure is None else Text(f"{failure.zh}。{failure.remedy_zh}", failure.detail),
        kinds=_KINDS,
        fields={name: Text(*words) for name, words in FIELD_NAMES.items()},
        example=PORTFOLIO_COLUMNS.example,
        columns=tuple(aliases[1] for aliases in PORTFOLIO_COLUMNS.aliases.values()),
    )


routes = [portfolio_form, send_portfolio]
