"""Stress of the collateral book for people: made by a form, shown with its charts, each figure open to its trace."""

from typing import Annotated, Any

from litestar import get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, FromQuery
from litestar.response import Redirect, Response, Template
from msgspec import Meta, Struct

from carbonfin.documents.charts import Language
from carbonfin.kernel.actors import Actor, Role
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import CarbonFinError, InvalidInput
from carbonfin.kernel.units import parse_decimal
from carbonfin.storage.engine import Sessions
from carbonfin.storage.keyset import Place
from carbonfin.storage.parties import standing_of
from carbonfin.web.addresses import public_address_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.downloads import download
from carbonfin.web.filters import percent
from carbonfin.web.language import language_of
from carbonfin.web.pages import Text, page
from collateral.calc.book_stress.terms import StressScenario
from collateral.service import book_stresses
from collateral.service.book_stresses import StressAsked
from collateral.workbooks import stress_charts

Entry = Annotated[str, Meta(max_length=40)]
_PAGE = "/collateral-stresses"
_SHOWN = 24
_OWN = "own"


class StressForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the form sends; a stress of the reader's own is taken where it has a fall, a cliff or an outage."""

    path_count: Entry = "2000"
    seed: Entry = "1"
    price_ratio: Entry = ""
    price_days: Entry = ""
    cliff_day: Entry = ""
    cliff_years: Entry = ""
    outage_days: Entry = ""
    cash_ratio: Entry = ""

    def asked(self) -> StressAsked:
        """Read the entries.

        Raises:
            InvalidInput: An entry cannot be read or is out of range; the field is named.
        """
        has_own = any(text.strip() for text in (self.price_ratio, self.cliff_day, self.outage_days))
        own = (self._own(),) if has_own else ()
        paths, seed = _whole(self.path_count, "path_count"), _whole(self.seed, "seed")
        return StressAsked(own=own, path_count=paths, seed=seed)

    def _own(self) -> StressScenario:
        return StressScenario(
            code=_OWN, name_zh="自定情景", name_en="Own stress", is_simulated=False,
            price_ratio=parse_decimal(self.price_ratio.strip() or "0", field="price_ratio"),
            price_days=_whole(self.price_days.strip() or "1", "price_days"),
            cliff_day=_whole(self.cliff_day, "cliff_day") if self.cliff_day.strip() else None,
            cliff_years=_whole(self.cliff_years.strip() or "0", "cliff_years"),
            outage_days=_whole(self.outage_days.strip() or "0", "outage_days"),
            cash_ratio=parse_decimal(self.cash_ratio.strip() or "0", field="cash_ratio"),
        )  # fmt: skip


def _whole(text: str, field: str) -> int:
    plain = text.strip().replace(",", "")
    if not plain.isdecimal() or not plain.isascii() or len(plain) > 10:
        raise InvalidInput(f"{text!r} is no whole number", zh=f"“{text}”不是整数", field=field)
    return int(plain)


@get(_PAGE, sync_to_thread=True)
def book_stresses_page(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    stress: FromQuery[str] = "",
    scenario: FromQuery[str] = "",
) -> Template:
    """Show the stresses kept, one of them whole with one scenario opened, and the form to make one."""
    return _show(request, sessions, actor, clock, stress_id=stress, code=scenario)


@post(_PAGE, sync_to_thread=True, status_code=303)
def make_book_stress_page(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: Annotated[StressForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[Any]:
    """Put the book under stress and keep it, or show again what was entered with the reason against it."""
    try:
        asked = data.asked()
        with sessions.read() as session:
            standing = standing_of(session, actor.organization_id, clock)
            inputs = book_stresses.stress_inputs(session, actor, asked, standing=standing)
        made = book_stresses.make_book_stress(inputs, standing=standing)
        with sessions.begin() as session:
            standing = standing_of(session, actor.organization_id, clock)
            kept = book_stresses.keep_book_stress(session, actor, made, standing=standing)
    except CarbonFinError as error:
        return _show(request, sessions, actor, clock, form=data, failure=error)
    return Redirect(f"{_PAGE}?stress={kept.decision_id}", status_code=303)


def _show(
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    *,
    stress_id: str = "",
    code: str = "",
    form: StressForm | None = None,
    failure: CarbonFinError | None = None,
) -> Template:
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        heads = book_stresses.book_stresses(session, actor, Place(limit=_SHOWN)).items
        chosen = stress_id or (heads[0].id if heads and failure is None else "")
        kept = book_stresses.load_book_stress(session, actor, chosen) if chosen else None
    language: Language = "en" if language_of(request).value == "en" else "zh"
    names = {} if kept is None else {one.code: Text(one.name_zh, one.name_en) for one in kept.inputs.scenarios}
    opened = code if code in names else ("" if kept is None else kept.outcome.worst)
    return page(
        request,
        "collateral/book_stresses.html",
        title=Text("押品组合压力测试", "Stress of the collateral book"),
        status_code=422 if failure else 200,
        business_date=standing.business_date,
        heads=heads,
        kept=kept,
        names=names,
        supposed={} if kept is None else {one.code: one for one in kept.inputs.scenarios},
        opened=None if kept is None else next(one for one in kept.outcome.scenarios if one.code == opened),
        confidence="" if kept is None else percent(1 - kept.inputs.market.tail_ratio, 0),
        charts=[] if kept is None else stress_charts(kept.inputs, kept.outcome, opened, language),
        form=form or StressForm(),
        failed_field=failure.field if failure else "",
        failure_text=Text(f"{failure.zh} {failure.remedy_zh}".strip(), f"{failure.detail} {failure.remedy}".strip())
        if failure
        else None,
        may_make=actor.role in {Role.OFFICER, Role.SYSTEM, Role.RISK},
    )


@get(_PAGE + "/{decision_id:str}/pdf", sync_to_thread=True)
def book_stress_pdf_page(
    *, request: WebRequest, sessions: Sessions, actor: Actor, decision_id: FromPath[str]
) -> Response[bytes]:
    """Give a stress as PDF."""
    with sessions.read() as session:
        kept = book_stresses.load_book_stress(session, actor, decision_id)
        content = book_stresses.book_stress_document(session, actor, kept, address=public_address_of(request))
    return download(content, stem=f"押品组合压力测试-{kept.inputs.business_date}", ending="pdf", inline=True)


routes = [book_stresses_page, make_book_stress_page, book_stress_pdf_page]
