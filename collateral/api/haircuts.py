"""Haircut policies and haircuts for systems: propose a policy, read those in force, calculate a haircut and keep it."""

from typing import Annotated

from litestar import get, post
from litestar.params import QueryParameter
from litestar.response import Response
from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock, end_of_china_day
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.idempotency import IdempotencyKey, idempotently
from carbonfin.web.problems import problem_responses
from carbonfin.web.proposals import ProposedOut
from carbonfin.web.wire import day_of
from collateral.schemas.haircuts import HaircutIn, HaircutOut, HaircutPolicyIn, HaircutPolicyListOut, HaircutPolicyOut
from collateral.service import computed_haircuts, haircut_policies


@get("/v1/haircut-policies", sync_to_thread=True, responses=problem_responses(400, 422), tags=["collateral"])
def list_haircut_policies(
    *,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    valid_on: Annotated[str, QueryParameter(max_length=10)] = "",
    known_on: Annotated[str, QueryParameter(max_length=10)] = "",
) -> HaircutPolicyListOut:
    """List the haircut policy in force of each class, as valid on a day and known on another."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        day = day_of(valid_on, field="valid_on") if valid_on else standing.business_date
        known_at = end_of_china_day(day_of(known_on, field="known_on")) if known_on else standing.known_at
        found = haircut_policies.haircut_policies(session, actor, valid_on=day, known_at=known_at)
    return HaircutPolicyListOut(business_date=day.isoformat(), policies=[HaircutPolicyOut.of(one) for one in found])


@post(
    "/v1/haircut-policies",
    sync_to_thread=True,
    status_code=202,
    responses=problem_responses(400, 409, 422),
    tags=["collateral"],
)
def create_haircut_policy(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: HaircutPolicyIn,
    idempotency_key: IdempotencyKey,
) -> Response[ProposedOut]:
    """Propose the haircut policy of a class; it holds once another person approved it."""

    def work(session: Session) -> ProposedOut:
        standing = standing_of(session, actor.organization_id, clock)
        proposed = haircut_policies.propose_haircut_policy(
            session, actor, data.policy(), standing=standing, reason=data.reason
        )
        return ProposedOut.of(proposed)

    return idempotently(sessions, actor, request, idempotency_key, data, work, status_code=202)


@post(
    "/v1/haircuts",
    sync_to_thread=True,
    status_code=201,
    responses=problem_responses(400, 404, 409, 422),
    tags=["collateral"],
)
def create_haircut(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: HaircutIn,
    idempotency_key: IdempotencyKey,
) -> Response[HaircutOut]:
    """Calculate a haircut by the policy in force, with every component, and keep it unless `record` is false."""

    def work(session: Session) -> HaircutOut:
        standing = standing_of(session, actor.organization_id, clock)
        make = computed_haircuts.record_haircut if data.record else computed_haircuts.try_haircut
        return HaircutOut.of(make(session, actor, data.request(), standing=standing))

    return idempotently(sessions, actor, request, idempotency_key, data, work, status_code=201)


routes = [list_haircut_policies, create_haircut_policy, create_haircut]
