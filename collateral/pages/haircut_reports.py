"""The monthly haircut report for people: made by a form, shown with its charts, taken away as PDF."""

from typing import Annotated, Any

from litestar import get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, FromQuery
from litestar.response import Redirect, Response, Template
from msgspec import Meta, Struct

from carbonfin.documents.charts import Chart, Language
from carbonfin.kernel.actors import Actor, Role
from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import CarbonFinError, NotFound
from carbonfin.storage.engine import Sessions
from carbonfin.storage.keyset import Place
from carbonfin.storage.parties import standing_of
from carbonfin.web.addresses import public_address_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.downloads import download
from carbonfin.web.language import language_of
from carbonfin.web.pages import Text, page
from collateral import workbooks
from collateral.calc.haircut_models.stack import TITLES
from collateral.pages.applications import whole_units
from collateral.pages.haircuts import STANDINGS
from collateral.schemas.haircut_reports import month_of
from collateral.service import haircut_policies, haircut_reports
from collateral.service.haircut_reports import HaircutReport, ReportRequest

Entry = Annotated[str, Meta(max_length=40)]
_SHOWN = 24
_PAGE = "/haircut-policies/{code:str}/reports"


class ReportForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the form sends."""

    month: Entry = ""
    unit: Entry = ""
    quantity_t: Entry = ""

    def request(self, code: str) -> ReportRequest:
        """Read the entries.

        Raises:
            InvalidInput: An entry cannot be read; the field is named.
        """
        one = whole_units(
            self.unit.strip(), self.quantity_t.replace(",", "").strip(), unit_field="unit", quantity_field="quantity_t"
        )
        return ReportRequest(code=code, month=month_of(self.month), unit=one.unit, quantity_t=one.quantity_t)


@get(_PAGE, sync_to_thread=True)
def haircut_reports_page(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    code: FromPath[str],
    report: FromQuery[str] = "",
) -> Template:
    """Show the reports of a class, one of them whole, and the form to make one."""
    return _show(request, sessions, actor, clock, code, report_id=report)


@post(_PAGE, sync_to_thread=True, status_code=303)
def make_haircut_report_page(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    code: FromPath[str],
    data: Annotated[ReportForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[Any]:
    """Make the report of a month and keep it, or show again what was entered with the reason against it."""
    try:
        with sessions.begin() as session:
            standing = standing_of(session, actor.organization_id, clock)
            kept = haircut_reports.make_haircut_report(session, actor, data.request(code), standing=standing)
    except CarbonFinError as error:
        return _show(request, sessions, actor, clock, code, form=data, failure=error)
    return Redirect(f"/haircut-policies/{code}/reports?report={kept.decision_id}", status_code=303)


@get(_PAGE + "/{decision_id:str}/pdf", sync_to_thread=True)
def haircut_report_pdf_page(
    *, request: WebRequest, sessions: Sessions, actor: Actor, code: FromPath[str], decision_id: FromPath[str]
) -> Response[bytes]:
    """Give a report as PDF."""
    with sessions.read() as session:
        report = haircut_reports.load_haircut_report(session, actor, code, decision_id)
        content = haircut_reports.haircut_report_document(session, actor, report, address=public_address_of(request))
    return download(content, stem=f"折扣系数月报-{code}-{report.inputs.month}", ending="pdf", inline=True)


def _show(
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    code: str,
    *,
    report_id: str = "",
    form: ReportForm | None = None,
    failure: CarbonFinError | None = None,
) -> Template:
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        known = haircut_policies.haircut_policy_revisions(session, actor, code, known_at=standing.known_at)
        if not known:
            raise NotFound(f"there is no haircut policy {code}", zh=f"没有折扣系数政策 {code}", field="code")
        heads = haircut_reports.haircut_reports_of(session, actor, code, Place(limit=_SHOWN)).items
        chosen = report_id or (heads[0].id if heads and failure is None else "")
        report = haircut_reports.load_haircut_report(session, actor, code, chosen) if chosen else None
    language: Language = "en" if language_of(request).value == "en" else "zh"
    return page(
        request,
        "collateral/haircut_reports.html",
        title=Text(f"折扣系数月报 {code}", f"Haircut reports {code}"),
        status_code=422 if failure else 200,
        code=code,
        business_date=standing.business_date,
        heads=heads,
        report=report,
        charts=[] if report is None else _charts(report, language),
        form=form or _begun(report, month=f"{standing.business_date:%Y-%m}", scheme=known[-1].policy.scheme.value),
        failed_field=failure.field if failure else "",
        failure_text=Text(failure.zh, f"{failure.detail} {failure.remedy}".strip()) if failure else None,
        titles={name.value: Text(*words) for name, words in TITLES.items()},
        tested_names={name: Text(*words) for name, words in workbooks.TESTED_NAMES.items()},
        standings=STANDINGS,
        may_make=actor.role in {Role.OFFICER, Role.SYSTEM},
    )


def _begun(report: HaircutReport | None, *, month: str, scheme: str) -> ReportForm:
    """Begin the form with the unit and tonnes of the report that is shown."""
    if report is None:
        return ReportForm(month=month, unit=f"{scheme}-")
    facts = report.inputs.facts
    return ReportForm(month=month, unit=str(Unit.parse(facts.unit)), quantity_t=str(facts.quantity_t))


def _charts(report: HaircutReport, language: Language) -> list[tuple[str, Chart]]:
    inputs, outcome = report.inputs, report.outcome
    drawn = (
        ("history", workbooks.history_chart(inputs, language)),
        ("drivers", workbooks.driver_chart(inputs, outcome, language)),
        ("exceedances", workbooks.exceedance_chart(inputs, outcome, language)),
        ("sensitivity", workbooks.sensitivity_chart(inputs, outcome, language)),
        ("peers", workbooks.peer_chart(inputs, outcome, language)),
    )
    return [(name, chart) for name, chart in drawn if chart is not None]


routes = [haircut_reports_page, make_haircut_report_page, haircut_report_pdf_page]
