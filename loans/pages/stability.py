"""How the bank's ratings by the scorecard moved from the year before: charts, tables, printed report and workbook."""

from typing import Annotated

from litestar import get
from litestar.params import QueryParameter
from litestar.response import Response, Template

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.downloads import PDF, XLSX, download
from carbonfin.web.language import Text, language_of
from carbonfin.web.pages import page
from loans import service
from loans.calc.ratings.scorecard import LETTERS
from loans.pages.ratings import SECTIONS
from loans.pages.stability_charts import stability_charts

SIZES = {
    "大型": Text("大型", "large"), "中型": Text("中型", "medium"), "小型": Text("小型", "small"),
    "微型": Text("微型", "micro"), "-": Text("规模未登记", "no size"),
}  # fmt: skip
_LEVELS = {
    "stable": ("good", Text("稳定", "stable")),
    "watch": ("warning", Text("关注", "watch")),
    "act": ("breach", Text("须处置", "act")),
}
_Year = Annotated[int | None, QueryParameter(description="The later of both years.", ge=2006, le=2099)]


@get("/ratings/stability", sync_to_thread=True)
def stability_page(request: WebRequest, sessions: Sessions, actor: Actor, clock: Clock, year: _Year = None) -> Template:
    """Show how the bank's ratings by the scorecard moved from the year before."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        wanted = standing.business_date.year - 1 if year is None else year
        report = service.rating_stability(session, actor, wanted, standing=standing)
    sections = {
        one.section: Text(*(f"{one.section} {name}" for name in SECTIONS[one.section])) for one in report.drifts
    }
    return page(
        request,
        "loans/stability.html",
        title=Text(f"评级稳定性 · {wanted} 年", f"Stability of ratings · {wanted}"),
        report=report,
        charts=stability_charts(
            report, sections=sections, sizes=SIZES, as_of=standing.business_date, language=language_of(request)
        ),
        moves={(one.before, one.after): one for one in report.transitions},
        letters=LETTERS,
        heads=[(Text(letter, letter), "number") for letter in LETTERS],
        level=_LEVELS.get(report.level or ""),
        sizes=SIZES,
        sections=sections,
    )


@get("/ratings/stability/report.pdf", sync_to_thread=True, media_type=PDF)
def stability_report_page(sessions: Sessions, actor: Actor, clock: Clock, year: _Year = None) -> Response[bytes]:
    """Give the yearly report on the stability of ratings as PDF."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        wanted = standing.business_date.year - 1 if year is None else year
        content = service.stability_report_file(session, actor, wanted, standing=standing)
    return download(content, stem=f"rating-stability-{wanted}", ending="pdf")


@get("/ratings/stability/report.xlsx", sync_to_thread=True, media_type=XLSX)
def stability_workbook_page(sessions: Sessions, actor: Actor, clock: Clock, year: _Year = None) -> Response[bytes]:
    """Give the yearly report on the stability of ratings as a workbook."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        wanted = standing.business_date.year - 1 if year is None else year
        content = service.stability_workbook_file(session, actor, wanted, standing=standing)
    return download(content, stem=f"rating-stability-{wanted}", ending="xlsx")


routes = [stability_report_page, stability_workbook_page, stability_page]
