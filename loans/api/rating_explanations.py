"""Past ratings with their explanations for systems: by decision, or as known on a day; nothing is rated anew."""

from typing import Annotated

from litestar import get
from litestar.params import FromPath, QueryParameter

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import party_by_code, standing_of
from carbonfin.web.problems import problem_responses
from carbonfin.web.wire import IdText, day_of
from loans import service
from loans.api.dates import KnownOn, known_at_of
from loans.schemas.rating_explanations import ExplainedRatingOut

_Usci = Annotated[str, QueryParameter(description="The enterprise.", min_length=18, max_length=18)]
_ValidOn = Annotated[
    str, QueryParameter(description="The rating in force on this day; left out, the latest.", max_length=10)
]


@get("/v1/ratings/explanations", sync_to_thread=True, responses=problem_responses(404, 422), tags=["loans"])
def explain_rating_known(
    *, sessions: Sessions, actor: Actor, clock: Clock, usci: _Usci, valid_on: _ValidOn = "", known_on: KnownOn = ""
) -> ExplainedRatingOut:
    """Give an enterprise's rating by the scorecard with its explanation as it stood on a day, as known on a day."""
    with sessions.read() as session:
        party = party_by_code(session, actor, usci)
        known_at = known_at_of(standing_of(session, actor.organization_id, clock), known_on)
        day = day_of(valid_on, field="valid_on") if valid_on else None
        return ExplainedRatingOut.of(service.rating_as_known(session, actor, party, valid_on=day, known_at=known_at))


@get(
    "/v1/ratings/explanations/{decision_id:str}", sync_to_thread=True, responses=problem_responses(404), tags=["loans"]
)  # fmt: skip
def explain_rating(sessions: Sessions, actor: Actor, decision_id: FromPath[IdText]) -> ExplainedRatingOut:
    """Give the rating of a decision, by any method, with its explanation as it was made."""
    with sessions.read() as session:
        return ExplainedRatingOut.of(service.explained_rating(session, actor, decision_id))


routes = [explain_rating_known, explain_rating]
