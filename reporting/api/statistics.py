"""Statistics for systems: financing, subsidies, cuts and carbon budget by quarter, their lines, and the workbook."""

from datetime import date
from typing import Annotated

from litestar import get
from litestar.di import Provide
from litestar.params import QueryParameter
from litestar.response import Response
from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import standing_of
from carbonfin.web.downloads import XLSX, download
from carbonfin.web.paging import Paging
from carbonfin.web.preconditions import IfNoneMatch, tagged
from carbonfin.web.problems import problem_responses
from carbonfin.web.wire import day_of
from reporting import service
from reporting.calc.quarters import Quarter
from reporting.calc.statistics import Dimension, FinancingKind
from reporting.calc.statistics_selection import Selection
from reporting.schemas import (
    FinancingLineOut,
    FinancingLinesOut,
    SeriesPointOut,
    StatisticsOut,
    StatisticsSeriesOut,
)

_QUARTER = r"^20[0-9]{2}Q[1-4]$"
_DAY = r"^\d{4}-\d{2}-\d{2}$"
_First = Annotated[str | None, QueryParameter(description="First quarter, such as 2025Q1.", pattern=_QUARTER)]
_Last = Annotated[str | None, QueryParameter(description="Last quarter; left out, that of the day.", pattern=_QUARTER)]
_AsOf = Annotated[
    str | None, QueryParameter(description="Day as of which is counted; left out, the business date.", pattern=_DAY)
]
_KnownOn = Annotated[
    str | None,
    QueryParameter(
        description="Day up to whose end facts count as known; left out, `as_of`: what was known then.", pattern=_DAY
    ),
]


def _named(what: str) -> QueryParameter:
    return QueryParameter(description=f"{what} alone; 未说明 for lines that do not state it.", max_length=100)


_Bank = Annotated[str | None, QueryParameter(description="This bank alone, by its name.", max_length=100)]
_District = Annotated[str | None, _named("This district")]
_Industry = Annotated[str | None, _named("This industry of GB/T 4754, such as C3973,")]
_Product = Annotated[str | None, _named("This product")]
_Dimension = Annotated[Dimension | None, QueryParameter(description="Financing by this alone; left out, by all four.")]
_Kind = Annotated[FinancingKind | None, QueryParameter(description="Credit lines or loans alone; left out, both.")]
_Since = Annotated[
    str | None,
    QueryParameter(description="Lines that became known, or were changed, on this day or later.", pattern=_DAY),
]
_ANSWERS = problem_responses(404, 409, 422)


class Question:
    """Which quarters, as of which day, as known when, and which part: what every route of statistics takes."""

    def __init__(
        self,
        *,
        first: _First = None,
        last: _Last = None,
        as_of: _AsOf = None,
        known_on: _KnownOn = None,
        bank: _Bank = None,
        district: _District = None,
        industry: _Industry = None,
        product: _Product = None,
    ) -> None:
        """Read what was asked for.

        Raises:
            InvalidInput: A day is none.
        """
        self.first = Quarter.parse(first, field="first") if first else None
        self.last = Quarter.parse(last, field="last") if last else None
        self.as_of = None if as_of is None else day_of(as_of, field="as_of")
        self.known_on = None if known_on is None else day_of(known_on, field="known_on")
        self.only = Selection(bank=bank, district=district, industry=industry, product=product)

    def counted(self, session: Session, actor: Actor, clock: Clock) -> service.StatisticsView:
        """Give the answer."""
        return service.statistics_view(
            session, actor, first=self.first, last=self.last,
            as_of=service.report_day(session, actor, clock, asked=self.as_of),
            standing=standing_of(session, actor.organization_id, clock), known_on=self.known_on, only=self.only,
        )  # fmt: skip


_QUESTION = {"question": Provide(Question, sync_to_thread=False)}


@get("/v1/statistics", sync_to_thread=True, responses=_ANSWERS, tags=["reporting"], dependencies=_QUESTION)
def read_statistics(
    *,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    question: Question,
    dimension: _Dimension = None,
    if_none_match: IfNoneMatch = None,
) -> Response[StatisticsOut]:
    """Give financing by product, bank, district and industry, subsidies, cuts and the carbon budget, with an ETag."""
    with sessions.read() as session:
        view = question.counted(session, actor, clock)
    return tagged(StatisticsOut.of(view, dimension=None if dimension is None else dimension.value), if_none_match)


@get(
    "/v1/statistics/financing-lines",
    sync_to_thread=True,
    responses=_ANSWERS,
    tags=["reporting"],
    dependencies=_QUESTION,
)
def list_financing_lines(
    *,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    question: Question,
    paging: Paging,
    kind: _Kind = None,
    changed_since: _Since = None,
) -> Response[FinancingLinesOut]:
    """Give the credit lines and loans that the statistics add up, in the order they became known, in pages."""
    since: date | None = None if changed_since is None else day_of(changed_since, field="changed_since")
    with sessions.read() as session:
        view = question.counted(session, actor, clock)
    found = service.line_page(view, paging.place, kind=kind, since=since)
    body = FinancingLinesOut(
        as_of=view.as_of.isoformat(), known_on=view.known_on.isoformat(),
        lines=[FinancingLineOut.of(line) for line in found.items],
    )  # fmt: skip
    return paging.answer(body, found)


@get("/v1/statistics/series", sync_to_thread=True, responses=_ANSWERS, tags=["reporting"], dependencies=_QUESTION)
def read_statistics_series(
    *, sessions: Sessions, actor: Actor, clock: Clock, question: Question, if_none_match: IfNoneMatch = None
) -> Response[StatisticsSeriesOut]:
    """Give quarters one beside another, each as known at its end and as known now, with an ETag."""
    with sessions.read() as session:
        view = question.counted(session, actor, clock)
        standing = standing_of(session, actor.organization_id, clock)
        points = service.statistics_series(session, actor, view, standing=standing)
    body = StatisticsSeriesOut(
        as_of=view.as_of.isoformat(), known_on=view.known_on.isoformat(),
        quarters=[SeriesPointOut.of(point) for point in points],
    )  # fmt: skip
    return tagged(body, if_none_match)


@get(
    "/v1/statistics/workbook.xlsx",
    sync_to_thread=True,
    media_type=XLSX,
    responses=_ANSWERS,
    tags=["reporting"],
    dependencies=_QUESTION,
)
def read_statistics_workbook(*, sessions: Sessions, actor: Actor, clock: Clock, question: Question) -> Response[bytes]:
    """Give the statistics with every line below them, and the quarters one beside another, as a workbook."""
    with sessions.read() as session:
        view = question.counted(session, actor, clock)
        standing = standing_of(session, actor.organization_id, clock)
        series = service.statistics_series(session, actor, view, standing=standing)
    return download(service.statistics_workbook(view, series), stem=service.statistics_stem(view), ending="xlsx")


routes = [read_statistics, list_financing_lines, read_statistics_series, read_statistics_workbook]
