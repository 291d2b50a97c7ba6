"""A batch of rates: brought as a file, shown in pages, and one of its rates with the trace made again."""

from typing import Annotated

from litestar import get, post
from litestar.datastructures import UploadFile
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath
from litestar.response import Redirect, Template
from msgspec import Struct

from carbonfin.documents.text_tables import MAX_BYTES
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import CarbonFinError
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import parties_of, standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.language import Text
from carbonfin.web.pages import page
from carbonfin.web.paging import Paging
from carbonfin.web.problems import status_of
from carbonfin.web.wire import IdText, day_of
from loans import service
from loans.calc.jiangtandai import REASONS_EN, REASONS_ZH
from loans.pages.forms import error_words

_TITLE = Text("降碳贷批量定价", "Batch of emission-cut loan rates")
_TENORS = (("1Y", Text("1 年期", "1 year")), ("5Y", Text("5 年期以上", "5 years and more")))


class RateBatchForm(Struct, kw_only=True):
    """What the form sends."""

    file: UploadFile
    applies_from: str = ""
    lpr_tenor: str = "1Y"


@get("/rate-batches/new", sync_to_thread=True)
def rate_batch_form(request: WebRequest, sessions: Sessions, actor: Actor, clock: Clock) -> Template:
    """Show the form that takes a list of borrowers."""
    with sessions.read() as session:
        today = standing_of(session, actor.organization_id, clock).business_date
    return _form(request, applies_from=today.isoformat(), lpr_tenor="1Y", status_code=200)


@post("/rate-batches/new", sync_to_thread=True, status_code=200)
def send_rate_batch(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: Annotated[RateBatchForm, Body(media_type=RequestEncodingType.MULTI_PART)],
) -> Template | Redirect:
    """Decide the rates of the borrowers listed and go to the batch; a file with a fault decides nothing."""
    content = data.file.file.read(MAX_BYTES + 1)
    try:
        requests = service.read_rate_requests(content, file_name=data.file.filename)
        with sessions.begin() as session:
            standing = standing_of(session, actor.organization_id, clock)
            made = service.decide_rates(
                session, actor, requests, lpr_tenor=data.lpr_tenor,
                applies_from=day_of(data.applies_from, field="applies_from"), decided_on=standing.business_date,
                known_at=standing.known_at,
            )  # fmt: skip
    except CarbonFinError as error:
        return _form(
            request, applies_from=data.applies_from, lpr_tenor=data.lpr_tenor, failure=error,
            status_code=status_of(error),
        )  # fmt: skip
    return Redirect(f"/rate-batches/{made.batch.decision_id}", status_code=303)


@get("/rate-batches/{batch_id:str}", sync_to_thread=True)
def rate_batch_page(
    request: WebRequest, sessions: Sessions, actor: Actor, batch_id: FromPath[IdText], paging: Paging
) -> Template:
    """Show the rates of a batch in pages; each opens its trace."""
    with sessions.read() as session:
        batch = service.load_rate_batch(session, actor, batch_id)
        found = service.rates_of_batch(session, actor, batch_id, paging.place)
        names = {party.code: party.name for party in parties_of(session, actor)}
    return page(
        request,
        "loans/rate_batch.html",
        title=_TITLE,
        batch=batch,
        rates=found.items,
        names=names,
        reasons={reason: Text(REASONS_ZH[reason], REASONS_EN[reason]) for reason in REASONS_ZH},
        beginning=paging.beginning,
        following=paging.following(found),
    )


@get("/rate-batches/{batch_id:str}/rates/{place:str}", sync_to_thread=True)
def batch_rate_page(
    request: WebRequest, sessions: Sessions, actor: Actor, batch_id: FromPath[IdText], place: FromPath[IdText]
) -> Template:
    """Show one rate of a batch with its whole trace, which is made again from what was recorded."""
    with sessions.read() as session:
        rebuilt = service.rebuilt_rate_of(session, actor, batch_id, service.place_in_batch(place))
        names = {party.code: party.name for party in parties_of(session, actor)}
    trace = rebuilt.decision.trace
    kept = rebuilt.kept
    return page(
        request,
        "loans/batch_rate.html",
        title=Text(f"批量定价第 {kept.place} 项", f"Rate {kept.place} of the batch"),
        batch_id=batch_id,
        rebuilt=rebuilt,
        kept=kept,
        outcome=kept.decided.outcome,
        borrower=names.get(kept.item.usci, kept.item.usci),
        trace=trace,
        labels={figure.name: figure for figure in trace},
        unconfirmed_count=sum(not figure.confirmed for figure in trace),
        tables=rebuilt.tables,
    )


def _form(
    request: WebRequest, *, applies_from: str, lpr_tenor: str, failure: CarbonFinError | None = None, status_code: int
) -> Template:
    field = "" if failure is None else (failure.field or "")
    return page(
        request,
        "loans/rate_batch_form.html",
        title=_TITLE,
        status_code=status_code,
        applies_from=applies_from,
        lpr_tenor=lpr_tenor,
        tenors=_TENORS,
        failure=None if failure is None else error_words(failure),
        field=field,
        faults=() if failure is None else failure.context.get("faults", ()),
        example=service.RATE_COLUMNS.example,
    )


routes = [rate_batch_form, send_rate_batch, rate_batch_page, batch_rate_page]
