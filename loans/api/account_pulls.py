"""Account data from providers for systems: ask for lines, and read what was asked."""

from typing import Any

from litestar import get, post
from litestar.params import FromPath
from litestar.response import Response
from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.idempotency import IdempotencyKey, answered_earlier, idempotently
from carbonfin.web.problems import problem_responses
from carbonfin.web.wire import IdText
from loans import service
from loans.feeds.providers.port import AccountProviders
from loans.schemas.account_pulls import AccountPullIn, AccountPullOut, AccountPullsOut

_PartyId = FromPath[IdText]


@post(
    "/v1/carbon-accounts/{party_id:str}/pulls", sync_to_thread=True, status_code=201,
    responses=problem_responses(400, 404, 409, 422, 502), tags=["loans"],
)  # fmt: skip
def pull_account(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    account_providers: AccountProviders,
    party_id: _PartyId,
    data: AccountPullIn,
    idempotency_key: IdempotencyKey,
) -> Response[Any]:
    """Ask a provider of tax or power data for an enterprise's lines; the good are kept, the bad named.

    Nothing is asked without the enterprise's consent in force for the purpose, which goes along with the request.
    """
    earlier = answered_earlier(sessions, actor, request, idempotency_key, data)
    if earlier is not None:
        return earlier
    with sessions.read() as session:
        asked = service.plan_pull(
            session,
            actor,
            party_id,
            provider=data.provider,
            purpose=data.purpose,
            from_year=data.from_year,
            to_year=data.to_year,
            standing=standing_of(session, actor.organization_id, clock),
        )
    fetched = account_providers.fetch(asked)

    def work(session: Session) -> AccountPullOut:
        standing = standing_of(session, actor.organization_id, clock)
        return AccountPullOut.of(service.keep_pull(session, actor, party_id, asked, fetched, standing=standing))

    return idempotently(sessions, actor, request, idempotency_key, data, work)


@get(
    "/v1/carbon-accounts/{party_id:str}/pulls", sync_to_thread=True, responses=problem_responses(404), tags=["loans"]
)  # fmt: skip
def list_account_pulls(*, sessions: Sessions, actor: Actor, clock: Clock, party_id: _PartyId) -> AccountPullsOut:
    """List what was asked of providers for an enterprise, the latest first, with the rows that were not taken."""
    with sessions.read() as session:
        known_at = standing_of(session, actor.organization_id, clock).known_at
        found = service.pulls_of(session, actor, party_id, known_at=known_at)
    return AccountPullsOut(party_id=party_id, pulls=[AccountPullOut.of(one) for one in found])


routes = [pull_account, list_account_pulls]
