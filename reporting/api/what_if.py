"""A change of a scheme's terms tried, for systems."""

from typing import Annotated

from litestar import get
from litestar.params import QueryParameter

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.storage.engine import Sessions
from carbonfin.web.problems import problem_responses
from carbonfin.web.wire import day_of
from reporting import service
from reporting.calc.schemes import Term
from reporting.schemas import WhatIfOut

_Scheme = Annotated[str, QueryParameter(description="Code of the scheme.", max_length=100, min_length=1)]
_AsOf = Annotated[
    str | None,
    QueryParameter(description="Files known by this day; left out, the business date.", pattern=r"^\d{4}-\d{2}-\d{2}$"),
]
_Number = Annotated[str | None, QueryParameter(description="A decimal.", pattern=r"^\d{1,15}(\.\d{1,6})?$")]
_Cap = Annotated[
    str | None, QueryParameter(description="An amount, or `none`.", pattern=r"^(none|\d{1,15}(\.\d{1,2})?)$")
]
_Years = Annotated[str | None, QueryParameter(description="Years, or `none`.", pattern=r"^(none|[1-9]\d?)$")]
_Instant = Annotated[
    str | None,
    QueryParameter(description="China's time.", pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}$"),
]
_Said = Annotated[str | None, QueryParameter(description="`yes` or `no`.", pattern=r"^(yes|no)$")]
_Words = Annotated[str | None, QueryParameter(description="The conditions as read.", max_length=500)]


@get("/v1/subsidies/what-if", sync_to_thread=True, responses=problem_responses(404, 409, 422), tags=["subsidies"])
def read_what_if(
    *,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    scheme: _Scheme,
    as_of: _AsOf = None,
    rate: _Number = None,
    cap_cny: _Cap = None,
    cap_project_cny: _Cap = None,
    cap_total_cny: _Cap = None,
    max_years: _Years = None,
    budget_cny: _Number = None,
    window_opens: _Instant = None,
    window_closes: _Instant = None,
    conditions: _Words = None,
    settled_only: _Said = None,
    key_emitter_only: _Said = None,
    announcement_required: _Said = None,
) -> WhatIfOut:
    """Try other terms on every application filed: who moves, what it costs, how amounts are spread; nothing is kept."""
    said = {
        Term.RATE: rate, Term.CAP_CNY: cap_cny, Term.CAP_PROJECT_CNY: cap_project_cny,
        Term.CAP_TOTAL_CNY: cap_total_cny, Term.MAX_YEARS: max_years, Term.BUDGET_CNY: budget_cny,
        Term.WINDOW_OPENS: window_opens,
        Term.WINDOW_CLOSES: window_closes, Term.CONDITIONS: conditions, Term.SETTLED_ONLY: settled_only,
        Term.KEY_EMITTER_ONLY: key_emitter_only, Term.ANNOUNCEMENT_REQUIRED: announcement_required,
    }  # fmt: skip
    changes = {term: text for term, text in said.items() if text is not None}
    with sessions.read() as session:
        asked = None if as_of is None else day_of(as_of, field="as_of")
        day = service.report_day(session, actor, clock, asked=asked)
        return WhatIfOut.of(service.what_if(session, actor, scheme, changes, as_of=day))


routes = [read_what_if]
