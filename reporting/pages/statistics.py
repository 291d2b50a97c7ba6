"""Statistics for people: financing over time with its chart, subsidies, cuts, carbon budget, and past quarters."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Annotated, Any
from urllib.parse import urlencode

from litestar import get
from litestar.di import Provide
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
from carbonfin.web.wire import day_of
from reporting import service
from reporting.calc.quarters import Quarter
from reporting.calc.statistics import DIMENSION_TITLES, KIND_TITLES, Dimension, FinancingKind, Statistics
from reporting.calc.statistics_selection import FinancingSum, KnownFinancing, Selection, SeriesPoint
from reporting.service import StatisticsView

_TEN_THOUSAND = Decimal(10_000)
_Short = Annotated[str, QueryParameter(description="Quarter, such as 2025Q1.", max_length=10)]
_Day = Annotated[
    str, QueryParameter(description="Day, such as 2025-06-30; empty for the one it has by itself.", max_length=10)
]
_Name = Annotated[str, QueryParameter(description="This name alone; empty for all.", max_length=100)]
_By = Annotated[Dimension, QueryParameter(description="What financing is told apart by.")]
_SOURCE = Words(zh="借据、授信批复与贴息申请", en="loan notes, credit lines and subsidy applications")


class Question:
    """What the form of the statistics asks; texts, so that an empty field means it was left out."""

    def __init__(
        self,
        *,
        first: _Short = "",
        last: _Short = "",
        as_of: _Day = "",
        known_on: _Day = "",
        bank: _Name = "",
        district: _Name = "",
        industry: _Name = "",
        product: _Name = "",
    ) -> None:
        """Read the fields.

        Raises:
            InvalidInput: A quarter or a day is none.
        """
        self.first = Quarter.parse(first, field="first") if first else None
        self.last = Quarter.parse(last, field="last") if last else None
        self.as_of = day_of(as_of, field="as_of") if as_of else None
        self.known_on = day_of(known_on, field="known_on") if known_on else None
        self.only = Selection(
            bank=bank or None, district=district or None, industry=industry or None, product=product or None
        )

    def counted(self, session: Session, actor: Actor, clock: Clock) -> StatisticsView:
        """Give the answer; without a day, as of the business date or the last filing where that is later."""
        standing = standing_of(session, actor.organization_id, clock)
        as_of = (
            service.preview_day(session, actor, standing)
            if self.as_of is None
            else service.report_day(session, actor, clock, asked=self.as_of)
        )
        return service.statistics_view(
            session, actor, first=self.first, last=self.last, as_of=as_of, standing=standing, known_on=self.known_on,
            only=self.only,
        )  # fmt: skip


_QUESTION = {"question": Provide(Question, sync_to_thread=False)}


@get("/statistics", sync_to_thread=True, dependencies=_QUESTION)
def statistics_page(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    question: Question,
    by: _By = Dimension.PRODUCT,
) -> Template:
    """Show what was financed quarter by quarter, credit lines and loans apart, with subsidies, cuts and budget."""
    with sessions.read() as session:
        view = question.counted(session, actor, clock)
    found = view.found
    return page(
        request,
        "reporting/statistics.html",
        title=Text("融资统计", "Financing statistics"),
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
        **_asked(view, question, actor),
    )


@get("/statistics/series", sync_to_thread=True, dependencies=_QUESTION)
def series_page(*, request: WebRequest, sessions: Sessions, actor: Actor, clock: Clock, question: Question) -> Template:
    """Show quarters one beside another, each as known at its end and as known now."""
    with sessions.read() as session:
        view = question.counted(session, actor, clock)
        standing = standing_of(session, actor.organization_id, clock)
        points = service.statistics_series(session, actor, view, standing=standing)
    language = language_of(request)
    return page(
        request,
        "reporting/statistics_series.html",
        title=Text("季度序列", "Quarter by quarter"),
        points=points,
        charts=[
            (name, chart)
            for name, title, known in _SERIES
            if (chart := _known_chart(points, title, known, view.known_on, language)) is not None
        ],
        **_asked(view, question, actor),
    )


@get("/statistics/workbook.xlsx", sync_to_thread=True, dependencies=_QUESTION)
def export_statistics(
    *, sessions: Sessions, actor: Actor, clock: Clock, question: Question
) -> Response[bytes]:  # fmt: skip
    """Give what is shown, with every line below it, as a workbook."""
    with sessions.read() as session:
        view = question.counted(session, actor, clock)
        standing = standing_of(session, actor.organization_id, clock)
        series = service.statistics_series(session, actor, view, standing=standing)
    return download(service.statistics_workbook(view, series), stem=service.statistics_stem(view), ending="xlsx")


def _asked(view: StatisticsView, question: Question, actor: Actor) -> dict[str, Any]:
    """Give what both pages show of the question: its fields, with the names there are to choose from."""
    only = view.only
    asked = {
        Dimension.BANK: only.bank, Dimension.DISTRICT: only.district, Dimension.INDUSTRY: only.industry,
        Dimension.PRODUCT: only.product,
    }  # fmt: skip
    days = {"as_of": question.as_of, "known_on": question.known_on}
    fields = {
        "first": str(view.inputs.first), "last": str(view.inputs.last),
        **{name: day.isoformat() for name, day in days.items() if day},
        **{one.value: name for one, name in asked.items() if name},
    }  # fmt: skip
    return {
        "view": view,
        "is_bank": actor.organization_kind is OrganizationKind.BANK,
        "filters": [
            (one.value, Text(*DIMENSION_TITLES[one]), name or "", [(each, each) for each in view.choices[one]])
            for one, name in asked.items()
        ],
        "asked_day": "" if question.as_of is None else question.as_of.isoformat(),
        "narrowed": [(Text(*DIMENSION_TITLES[one]), name) for one, name in asked.items() if name],
        "query": urlencode(fields),
    }


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


def _loans(known: KnownFinancing) -> FinancingSum:
    return known.loans


def _credit_lines(known: KnownFinancing) -> FinancingSum:
    return known.credit_lines


_SERIES = (
    (
        "loans",
        Words(zh="每季投放的贷款，季末已知多少？", en="How much of each quarter's loans was known at its end?"),
        _loans,
    ),
    (
        "credit-lines",
        Words(zh="每季起用的授信，季末已知多少？", en="How much of each quarter's credit lines was known at its end?"),
        _credit_lines,
    ),
)


def _known_chart(
    points: tuple[SeriesPoint, ...],
    title: Words,
    known: Callable[[KnownFinancing], FinancingSum],
    as_of: date,
    language: Language,
) -> Chart | None:
    """Draw what was known at the end and what came later; nothing where a later change took something away.

    A quarter that has not ended has no end to be known at: it is drawn as such, not as added later.
    """
    pairs = [(point.quarter, None if point.then is None else known(point.then), known(point.now)) for point in points]
    if not any(now.amount_cny for _, _, now in pairs) or any(
        then is not None and now.amount_cny < then.amount_cny for _, then, now in pairs
    ):
        return None
    early, late = Words(zh="季末已知", en="known at its end"), Words(zh="其后补记", en="added later")
    running = Words(zh="本季未结束", en="quarter not ended yet")
    amounts = [
        (quarter, series, amount_cny / _TEN_THOUSAND)
        for quarter, then, now in pairs
        for series, amount_cny in (
            ((running, now.amount_cny),)
            if then is None
            else ((early, then.amount_cny), (late, now.amount_cny - then.amount_cny))
        )
    ]
    return bar_chart(
        title=title,
        unit=Words(zh="万元", en="10k CNY"),
        bars=[
            Bar(label=Words(zh=quarter, en=quarter), series=series, amount=amount, text=f"{amount:,.2f}")
            for quarter, series, amount in amounts
        ],
        source=_SOURCE,
        as_of=as_of,
        language=language.value,
    )  # fmt: skip


routes = [statistics_page, series_page, export_statistics]
