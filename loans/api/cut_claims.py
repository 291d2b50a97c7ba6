"""The register of claimed cuts for systems."""

from typing import Annotated

from litestar import get, post
from litestar.params import FromPath, QueryParameter
from litestar.response import Response
from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.idempotency import IdempotencyKey, idempotently
from carbonfin.web.problems import problem_responses
from carbonfin.web.proposals import ProposedOut
from carbonfin.web.wire import IdText
from loans import service
from loans.api.dates import KnownOn, known_at_of
from loans.schemas.cut_claims import CutClaimIn, CutClaimListOut, CutReleaseIn

_Usci = Annotated[str, QueryParameter(max_length=18, description="Of this enterprise; else of all.")]
_Year = Annotated[int | None, QueryParameter(ge=2005, le=2099, description="Of this year; else of all.")]


@get("/v1/cut-claims", sync_to_thread=True, responses=problem_responses(400, 422), tags=["loans"])
def list_cut_claims(
    *,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    usci: _Usci = "",
    year: _Year = None,
    known_on: KnownOn = "",
) -> CutClaimListOut:
    """List who claims which emission cuts, with the facility's figure beside PBoC guide and PCAF, never added.

    A claim that was released says so; as known on a day before, it stands.
    """
    with sessions.read() as session:
        known_at = known_at_of(standing_of(session, actor.organization_id, clock), known_on)
        return CutClaimListOut.of(
            service.cut_claims_of(session, actor, usci=usci or None, year=year, known_at=known_at)
        )


@post(
    "/v1/cut-claims", sync_to_thread=True, status_code=202, responses=problem_responses(400, 404, 409, 422),
    tags=["loans"],
)  # fmt: skip
def create_cut_claim(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: CutClaimIn,
    idempotency_key: IdempotencyKey,
) -> Response[ProposedOut]:
    """Propose a claim on a cut; the same tonnes are claimed once, and it stands once another person approved it."""

    def work(session: Session) -> ProposedOut:
        standing = standing_of(session, actor.organization_id, clock)
        return ProposedOut.of(
            service.propose_cut_claim(session, actor, data.claim(), standing=standing, reason=data.reason)
        )

    return idempotently(sessions, actor, request, idempotency_key, data, work, status_code=202)


@post(
    "/v1/cut-claims/{claim_id:str}/releases", sync_to_thread=True, status_code=202,
    responses=problem_responses(400, 404, 409, 422), tags=["loans"],
)  # fmt: skip
def create_cut_release(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    claim_id: FromPath[IdText],
    data: CutReleaseIn,
    idempotency_key: IdempotencyKey,
) -> Response[ProposedOut]:
    """Propose to release a claim; its tonnes can be claimed again once another person approved it."""

    def work(session: Session) -> ProposedOut:
        standing = standing_of(session, actor.organization_id, clock)
        return ProposedOut.of(service.propose_cut_release(session, actor, data.release(claim_id), standing=standing))

    return idempotently(sessions, actor, request, idempotency_key, data, work, status_code=202)


routes = [list_cut_claims, create_cut_claim, create_cut_release]
