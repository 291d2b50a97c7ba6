"""What became of applications, for the systems of the banks that filed them."""

from typing import Annotated

from litestar import get
from litestar.params import FromPath, QueryParameter
from litestar.response import Response

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import start_of_china_day
from carbonfin.storage.engine import Sessions
from carbonfin.web.paging import Paging
from carbonfin.web.preconditions import IfNoneMatch, tagged
from carbonfin.web.problems import problem_responses
from carbonfin.web.wire import IdText, day_of
from reporting import service
from reporting.calc.outcomes import Verdict
from reporting.calc.quarters import Quarter
from reporting.schemas import OutcomeHistoryOut, OutcomeOut, OutcomesOut

_Quarter = Annotated[
    str | None,
    QueryParameter(description="Reports of this quarter alone, such as 2025Q3.", pattern=r"^20[0-9]{2}Q[1-4]$"),
]
_Outcome = Annotated[Verdict | None, QueryParameter(description="This outcome alone.")]
_Reference = Annotated[str | None, QueryParameter(description="The application with this reference.", max_length=100)]
_Since = Annotated[
    str | None,
    QueryParameter(
        description="What was told on this day (China) or later, a step of the review included.",
        pattern=r"^\d{4}-\d{2}-\d{2}$",
    ),
]
_Earlier = Annotated[bool, QueryParameter(description="Also what a later report has overtaken.")]


@get("/v1/subsidies/outcomes", sync_to_thread=True, responses=problem_responses(422), tags=["subsidies"])
def list_outcomes(
    *,
    sessions: Sessions,
    actor: Actor,
    paging: Paging,
    quarter: _Quarter = None,
    outcome: _Outcome = None,
    reference: _Reference = None,
    changed_since: _Since = None,
    with_earlier: _Earlier = False,
    if_none_match: IfNoneMatch = None,
) -> Response[OutcomesOut]:
    """List what became of applications, in the order it was told: a bank's own alone; pages, each with an ETag."""
    since = None if changed_since is None else day_of(changed_since, field="changed_since")
    asked = service.OutcomesAsked(
        quarter=None if quarter is None else str(Quarter.parse(quarter, field="quarter")),
        verdict=outcome,
        reference=reference,
        changed_since=None if since is None else start_of_china_day(since),
        with_earlier=with_earlier,
    )
    with sessions.read() as session:
        found = service.outcome_page(session, actor, asked, paging.place)
    page = paging.answer(OutcomesOut(outcomes=[OutcomeOut.of(told) for told in found.items]), found)
    answer = tagged(page.content, if_none_match)
    answer.headers["Link"] = page.headers["Link"]
    return answer


@get(
    "/v1/subsidies/applications/{application_id:str}/outcome",
    sync_to_thread=True,
    responses=problem_responses(404),
    tags=["subsidies"],
)
def read_outcome(
    sessions: Sessions, actor: Actor, application_id: FromPath[IdText], if_none_match: IfNoneMatch = None
) -> Response[OutcomeHistoryOut]:
    """Give all that was told of an application, report by report and step by step, the latest first, with an ETag."""
    with sessions.read() as session:
        found = service.outcomes_of_application(session, actor, application_id)
    body = OutcomeHistoryOut(application_id=application_id, outcomes=[OutcomeOut.of(told) for told in found])
    return tagged(body, if_none_match)


routes = [list_outcomes, read_outcome]
