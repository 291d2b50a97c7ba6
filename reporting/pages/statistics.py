"""Statistics for people: financing over time with its chart, subsidies, cuts and the carbon budget."""

from datetime import date
from decimal import Decimal
from typing import Annotated

from litestar import get
from litestar.params import QueryParameter
from litestar.response import Response, Template
from sqlmodel import Session

from carbonfin.documents.charts import Bar, Chart, Words, bar_chart
from carbonfin.kernel.actors import Actor, OrganizationKind
from carbonfin.kernel.dates import Clock
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.downloads import download
from carbonfin.web.language import Language, Text, language_of
from carbonfin.web.pages import page
from reporting import service
from reporting.calc.quarters import Quarter
from reporting.calc.statistics import DIMENSION_TITLES, KIND_TITLES, Dimension, FinancingKind, Statistics
from reporting.service import StatisticsView

_TEN_THOUSAND = Decimal(10_000)
_Short = Annotated[str, QueryParameter(description="Quarter, such as 2025Q1.", max_length=10)]
_By = Annotated[Dimension, QueryParameter(description="What financing is told apart by.")]


@get("/statistics", sync_to_thread=True)
def statistics_page(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    first: _Short = "",
    last: _Short = "",
    by: _By = Dimension.PRODUCT,
) -> Template:
    """Show what was financed quarter by quarter, credit lines and loans apart, with subsidies, cuts and budget."""
    with sessions.read() as session:
        view = _view(session, actor, clock, first=first, last=last)
    found = view.found
    return page(
        request,
        "reporting/statistics.html",
        title=Text("融资统计", "Financing statistics"),
        view=view,
        is_bank=actor.organization_kind is OrganizationKind.BANK,
        by=by,
        dimensions=[(one.value, Text(*DIMENSION_TITLES[one])) for one in Dimension],
        by_title=Text(*DIMENSION_TITLES[by]),
        cells=[cell for cell in found.financing if cell.dimension is by],
        kinds={kind: Text(*titles) for kind, titles in KIND_TITLES.items()},
        loans_count=found.count_of(FinancingKind.LOAN),
        loans_cny=found.total_cny(FinancingKind.LOAN),
        lines_count=found.count_of(FinancingKind.CREDIT_LINE),
        lines_cny=found.total_cny(FinancingKind.CREDIT_LINE),
        chart=_chart(found, view.as_of, language_of(request)),
        query=f"first={view.inputs.first}&last={view.inputs.last}",
    )


@get("/statistics/workbook.xlsx", sync_to_thread=True)
def export_statistics(
    *, sessions: Sessions, actor: Actor, clock: Clock, first: _Short = "", last: _Short = ""
) -> Response[bytes]:
    """Give what is shown, with every line below it, as a workbook."""
    with sessions.read() as session:
        view = _view(session, actor, clock, first=first, last=last)
    return download(service.statistics_workbook(view), stem=service.statistics_stem(view), ending="xlsx")


def _view(session: Session, actor: Actor, clock: Clock, *, first: str, last: str) -> StatisticsView:
    standing = standing_of(session, actor.organization_id, clock)
    as_of = service.preview_day(session, actor, standing)
    return service.statistics_view(
        session, actor, first=Quarter.parse(first, field="first") if first else None,
        last=Quarter.parse(last, field="last") if last else None, as_of=as_of, standing=standing,
    )  # fmt: skip


def _chart(found: Statistics, as_of: date, language: Language) -> Chart | None:
    """Draw loans by quarter; a limit granted is no money lent and stands in the table alone."""
    amounts = [
        (quarter, found.total_cny(FinancingKind.LOAN, quarter=quarter) / _TEN_THOUSAND) for quarter in found.quarters
    ]
    if not any(amount for _, amount in amounts):
        return None
    return bar_chart(
        title=Words(zh="每季投放了多少贷款？", en="How much was lent in each quarter?"),
        unit=Words(zh="万元", en="10k CNY"),
        bars=[
            Bar(label=Words(zh=quarter, en=quarter), amount=amount, text=f"{amount:,.2f}")
            for quarter, amount in amounts
        ],
        source=Words(zh="借据与贴息申请", en="loan notes and subsidy applications"),
        as_of=as_of,
        language=language.value,
    )


routes = [statistics_page, export_statistics]
