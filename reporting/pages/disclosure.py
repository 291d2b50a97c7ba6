"""A bank's disclosures for people."""

from litestar import get
from litestar.response import Response, Template

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.downloads import download
from carbonfin.web.language import Text
from carbonfin.web.pages import page
from loans.calc.financed import SHORT_NAMES_EN, SHORT_NAMES_ZH, AttributionMethod
from reporting import service
from reporting.calc.disclosure import FACILITY_FIELDS
from reporting.workbooks import BASIS_TITLES, NOT_CLASSED_ZH, NOT_RECOGNISED_ZH


@get("/bank-disclosures", sync_to_thread=True)
def disclosure_page(*, request: WebRequest, sessions: Sessions, actor: Actor, clock: Clock) -> Template:
    """Show what the bank discloses: the facility's table, green loans by code, financed emissions, and their texts."""
    with sessions.read() as session:
        view = service.disclosure_view(session, actor, standing=standing_of(session, actor.organization_id, clock))
    return page(
        request,
        "reporting/disclosure.html",
        title=Text("环境信息披露", "Environmental disclosure"),
        view=view,
        found=view.found,
        titles={name: Text(*titles) for name, titles in BASIS_TITLES.items()},
        fields={name: Text(*titles) for name, titles in FACILITY_FIELDS.items()},
        not_classed=Text(NOT_CLASSED_ZH, "not classed, not counted"),
        not_recognised=Text(NOT_RECOGNISED_ZH, "not recognised as green, not counted"),
        methods={method: Text(SHORT_NAMES_ZH[method], SHORT_NAMES_EN[method]) for method in AttributionMethod},
    )


@get("/bank-disclosures/workbook.xlsx", sync_to_thread=True)
def export_disclosure(*, sessions: Sessions, actor: Actor, clock: Clock) -> Response[bytes]:
    """Give what is shown as a workbook."""
    with sessions.read() as session:
        view = service.disclosure_view(session, actor, standing=standing_of(session, actor.organization_id, clock))
    return download(service.disclosure_workbook(view), stem=service.disclosure_stem(view), ending="xlsx")


routes = [disclosure_page, export_disclosure]
