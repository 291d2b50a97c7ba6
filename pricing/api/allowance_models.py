"""Allowance models for systems: fitted to stored quotes, with their uncertainty, and options by them."""

from litestar import get, post
from litestar.params import FromPath
from litestar.response import Response
from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.idempotency import IdempotencyKey, idempotently
from carbonfin.web.problems import problem_responses
from carbonfin.web.wire import day_of
from pricing import service
from pricing.schemas.allowance_models import ModelValueIn, ModelValueOut


@post(
    "/v1/model-values",
    sync_to_thread=True,
    status_code=201,
    responses=problem_responses(400, 409, 422),
    tags=["pricing"],
)
def record_model_value(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: ModelValueIn,
    idempotency_key: IdempotencyKey,
) -> Response[ModelValueOut]:
    """Fit an allowance model to the stored quotes, value options by it and keep the decision with the fit's numbers.

    Too few quotes, a series over vintages or a price outside the model refuse it and say why.
    """

    def work(session: Session) -> ModelValueOut:
        return ModelValueOut.of(
            service.record_model_value(
                session,
                actor,
                data.question(),
                valuation_date=day_of(data.valuation_date, field="/valuation_date"),
                known_at=standing_of(session, actor.organization_id, clock).known_at,
            )
        )

    return idempotently(sessions, actor, request, idempotency_key, data, work)


@post(
    "/v1/model-values/preview",
    sync_to_thread=True,
    status_code=200,
    responses=problem_responses(409, 422),
    tags=["pricing"],
)
def preview_model_value(*, sessions: Sessions, actor: Actor, clock: Clock, data: ModelValueIn) -> ModelValueOut:
    """Fit a model and value options by it as a recorded answer would; nothing is kept."""
    with sessions.read() as session:
        return ModelValueOut.of(
            service.model_value_of(
                session,
                actor,
                data.question(),
                valuation_date=day_of(data.valuation_date, field="/valuation_date"),
                known_at=standing_of(session, actor.organization_id, clock).known_at,
            )
        )


@get("/v1/model-values/{decision_id:str}", sync_to_thread=True, responses=problem_responses(404), tags=["pricing"])
def read_model_value(*, sessions: Sessions, actor: Actor, decision_id: FromPath[str]) -> ModelValueOut:
    """Give a model's answer on record, by its decision."""
    with sessions.read() as session:
        return ModelValueOut.of(service.load_model_value(session, actor, decision_id))


routes = [record_model_value, preview_model_value, read_model_value]
