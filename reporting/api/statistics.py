"""Statistics for systems: financing, subsidies, cuts and the carbon budget by quarter, and the workbook."""

from typing import Annotated

from litestar import get
from litestar.params import QueryParameter
from litestar.response import Response
from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import standing_of
from carbonfin.web.downloads import XLSX, download
from carbonfin.web.preconditions import IfNoneMatch, tagged
from carbonfin.web.problems import problem_responses
from carbonfin.web.wire import day_of
from reporting import service
from reporting.calc.quarters import Quarter
from reporting.calc.statistics import Dimension
from reporting.schemas import StatisticsOut

_QUARTER = r"^20[0-9]{2}Q[1-4]$"
_First = Annotated[str | None, QueryParameter(description="First quarter, such as 2025Q1.", pattern=_QUARTER)]
_Last = Annotated[str | None, QueryParameter(description="Last quarter; left out, that of the day.", pattern=_QUARTER)]
_AsOf = Annotated[
    str | None,
    QueryParameter(
        description="Day as of which is counted; left out, the business date.", pattern=r"^\d{4}-\d{2}-\d{2}$"
    ),
]
_Dimension = Annotated[Dimension | None, QueryParameter(description="Financing by this alone; left out, by all four.")]
_ANSWERS = problem_responses(404, 409, 422)


@get("/v1/statistics", sync_to_thread=True, responses=_ANSWERS, tags=["reporting"])
def read_statistics(
    *,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    first: _First = None,
    last: _Last = None,
    as_of: _AsOf = None,
    dimension: _Dimension = None,
    if_none_match: IfNoneMatch = None,
) -> Response[StatisticsOut]:
    """Give financing by product, bank, district and industry, subsidies, cuts and the carbon budget, with an ETag."""
    with sessions.read() as session:
        view = statistics_asked(session, actor, clock, first=first, last=last, as_of=as_of)
    return tagged(StatisticsOut.of(view, dimension=None if dimension is None else dimension.value), if_none_match)


@get("/v1/statistics/workbook.xlsx", sync_to_thread=True, media_type=XLSX, responses=_ANSWERS, tags=["reporting"])
def read_statistics_workbook(
    *,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    first: _First = None,
    last: _Last = None,
    as_of: _AsOf = None,
) -> Response[bytes]:
    """Give the statistics with every line below them as a workbook."""
    with sessions.read() as session:
        view = statistics_asked(session, actor, clock, first=first, last=last, as_of=as_of)
    return download(service.statistics_workbook(view), stem=service.statistics_stem(view), ending="xlsx")


def statistics_asked(
    session: Session, actor: Actor, clock: Clock, *, first: str | None, last: str | None, as_of: str | None
) -> service.StatisticsView:
    """Read what was asked for and count it."""
    standing = standing_of(session, actor.organization_id, clock)
    asked = None if as_of is None else day_of(as_of, field="as_of")
    day = service.report_day(session, actor, clock, asked=asked)
    return service.statistics_view(
        session, actor, first=Quarter.parse(first, field="first") if first else None,
        last=Quarter.parse(last, field="last") if last else None, as_of=day, standing=standing,
    )  # fmt: skip


routes = [read_statistics, read_statistics_workbook]
