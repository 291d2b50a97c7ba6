"""Enforcements and authorities' acts for systems: what two people decide waits under `/v1/approvals`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from litestar import get, post
from litestar.params import FromPath
from litestar.response import Response
from msgspec import Struct
from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import Standing, party_by_code, standing_of
from carbonfin.web.addresses import public_address_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.downloads import PDF, download
from carbonfin.web.idempotency import IdempotencyKey, idempotently
from carbonfin.web.problems import problem_responses
from carbonfin.web.proposals import ProposedOut
from carbonfin.web.wire import IdText
from collateral import service
from collateral.calc.enforcement import SaleMethod
from collateral.schemas import (
    AuthorityActIn,
    AuthorityActListOut,
    AuthorityActOut,
    CostsIn,
    DistributionIn,
    DistributionOut,
    EnforcementOut,
    GroundIn,
    MeansIn,
    MeansOut,
    MethodIn,
    ReasonIn,
    SaleIn,
    SaleOut,
    costs_of,
)

_T = TypeVar("_T", bound=Struct)
_ONE = "/v1/pledges/{pledge_id:str}/enforcement"
_WRITE = problem_responses(400, 403, 404, 409, 422)
_PREVIEW = problem_responses(400, 403, 404, 409, 422)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ask:
    """A request that does something once, under its key."""

    sessions: Sessions
    actor: Actor
    clock: Clock
    request: WebRequest
    key: str | None
    data: Struct

    def once(self, work: Callable[[Session, Standing], _T]) -> Response[_T]:
        """Do the work on the bank's business date; the same request again gets the first answer."""
        return idempotently(
            self.sessions,
            self.actor,
            self.request,
            self.key,
            self.data,
            lambda session: work(session, standing_of(session, self.actor.organization_id, self.clock)),
        )


@get(_ONE, sync_to_thread=True, responses=problem_responses(404), tags=["collateral"])
def read_enforcement(sessions: Sessions, actor: Actor, pledge_id: FromPath[IdText]) -> EnforcementOut:
    """Give where the enforcement of a pledge stands, its steps with evidence, what is next and who must do it."""
    with sessions.read() as session:
        return EnforcementOut.of(service.view_enforcement(session, actor, pledge_id))


@post(_ONE + "/defaults", sync_to_thread=True, status_code=201, responses=_WRITE, tags=["collateral"])
def propose_default(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    pledge_id: FromPath[IdText],
    data: GroundIn,
    idempotency_key: IdempotencyKey,
) -> Response[ProposedOut]:
    """Propose that a default be declared; once another person approves, the pledge is enforced."""

    def work(session: Session, standing: Standing) -> ProposedOut:
        return ProposedOut.of(
            service.propose_default(
                session, actor, pledge_id, ground=data.ground, evidence_digest=data.evidence_digest, standing=standing
            )
        )

    asked = _Ask(sessions=sessions, actor=actor, clock=clock, request=request, key=idempotency_key, data=data)
    return asked.once(work)


@post(_ONE + "/late-cures", sync_to_thread=True, status_code=201, responses=_WRITE, tags=["collateral"])
def propose_late_cure(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    pledge_id: FromPath[IdText],
    data: GroundIn,
    idempotency_key: IdempotencyKey,
) -> Response[ProposedOut]:
    """Propose to take a pledge back whose cure expired and whose coverage stands again; another person approves."""

    def work(session: Session, standing: Standing) -> ProposedOut:
        return ProposedOut.of(
            service.propose_late_cure(
                session, actor, pledge_id, ground=data.ground, evidence_digest=data.evidence_digest, standing=standing
            )
        )

    asked = _Ask(sessions=sessions, actor=actor, clock=clock, request=request, key=idempotency_key, data=data)
    return asked.once(work)


@post(_ONE + "/means/previews", sync_to_thread=True, status_code=200, responses=_PREVIEW, tags=["collateral"])
def preview_means(
    *, sessions: Sessions, actor: Actor, clock: Clock, pledge_id: FromPath[IdText], data: MethodIn
) -> MeansOut:
    """Give the price bands of the day by one means, with their trace; nothing is stored."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        return MeansOut.of(
            service.preview_means(session, actor, pledge_id, SaleMethod(data.method), standing=standing)
        )  # fmt: skip


@post(_ONE + "/means", sync_to_thread=True, status_code=201, responses=_WRITE, tags=["collateral"])
def propose_means(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    pledge_id: FromPath[IdText],
    data: MeansIn,
    idempotency_key: IdempotencyKey,
) -> Response[ProposedOut]:
    """Propose to sell by auction or by negotiated transfer; another person approves, with the bands of that day."""

    def work(session: Session, standing: Standing) -> ProposedOut:
        return ProposedOut.of(
            service.propose_means(
                session,
                actor,
                pledge_id,
                method=SaleMethod(data.method),
                ground=data.ground,
                evidence_digest=data.evidence_digest,
                standing=standing,
            )
        )

    asked = _Ask(sessions=sessions, actor=actor, clock=clock, request=request, key=idempotency_key, data=data)
    return asked.once(work)


@post(_ONE + "/failed-sales", sync_to_thread=True, status_code=201, responses=_WRITE, tags=["collateral"])
def record_failed_sale(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    pledge_id: FromPath[IdText],
    data: GroundIn,
    idempotency_key: IdempotencyKey,
) -> Response[EnforcementOut]:
    """Record a sale that found no buyer; the pledge stays in enforcement."""

    def work(session: Session, standing: Standing) -> EnforcementOut:
        service.record_failed_sale(
            session, actor, pledge_id, reason=data.ground, evidence_digest=data.evidence_digest, standing=standing
        )
        return EnforcementOut.of(service.view_enforcement(session, actor, pledge_id))

    asked = _Ask(sessions=sessions, actor=actor, clock=clock, request=request, key=idempotency_key, data=data)
    return asked.once(work)


@post(_ONE + "/sales/previews", sync_to_thread=True, status_code=200, responses=_PREVIEW, tags=["collateral"])
def preview_sale(
    *, sessions: Sessions, actor: Actor, clock: Clock, pledge_id: FromPath[IdText], data: SaleIn
) -> SaleOut:
    """Hold a sale against band, pledge and the buyer's right; nothing is stored."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        return SaleOut.of(service.preview_sale(session, actor, pledge_id, data.draft(), standing=standing), None)


@post(_ONE + "/sales", sync_to_thread=True, status_code=201, responses=_WRITE, tags=["collateral"])
def record_sale(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    pledge_id: FromPath[IdText],
    data: SaleIn,
    idempotency_key: IdempotencyKey,
) -> Response[SaleOut]:
    """Record a settled sale by the means chosen; the registry is asked to hand the units over."""

    def work(session: Session, standing: Standing) -> SaleOut:
        sold = service.settle_sale(session, actor, pledge_id, data.draft(), standing=standing)
        return SaleOut.of(sold.outcome, sold.decision_id)

    asked = _Ask(sessions=sessions, actor=actor, clock=clock, request=request, key=idempotency_key, data=data)
    return asked.once(work)


@post(_ONE + "/transfers", sync_to_thread=True, status_code=201, responses=_WRITE, tags=["collateral"])
def ask_transfer_again(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    pledge_id: FromPath[IdText],
    data: ReasonIn,
    idempotency_key: IdempotencyKey,
) -> Response[EnforcementOut]:
    """Ask the registry anew to hand over what was sold, after it refused."""

    def work(session: Session, standing: Standing) -> EnforcementOut:
        service.ask_transfer_again(session, actor, pledge_id, standing=standing, cause=data.reason)
        return EnforcementOut.of(service.view_enforcement(session, actor, pledge_id))

    asked = _Ask(sessions=sessions, actor=actor, clock=clock, request=request, key=idempotency_key, data=data)
    return asked.once(work)


@post(_ONE + "/distributions/previews", sync_to_thread=True, status_code=200, responses=_PREVIEW, tags=["collateral"])
def preview_distribution(
    *, sessions: Sessions, actor: Actor, clock: Clock, pledge_id: FromPath[IdText], data: CostsIn
) -> DistributionOut:
    """Give the waterfall of what was sold after some costs; nothing is stored."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        return DistributionOut.of(
            service.preview_distribution(session, actor, pledge_id, costs_cny=costs_of(data), standing=standing)
        )


@post(_ONE + "/distributions", sync_to_thread=True, status_code=201, responses=_WRITE, tags=["collateral"])
def propose_distribution(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    pledge_id: FromPath[IdText],
    data: DistributionIn,
    idempotency_key: IdempotencyKey,
) -> Response[ProposedOut]:
    """Propose to share the proceeds out: costs, interest, principal, then the pledgor; another person approves."""

    def work(session: Session, standing: Standing) -> ProposedOut:
        return ProposedOut.of(
            service.propose_distribution(
                session,
                actor,
                pledge_id,
                costs_cny=costs_of(data),
                evidence_digest=data.evidence_digest,
                standing=standing,
            )
        )

    asked = _Ask(sessions=sessions, actor=actor, clock=clock, request=request, key=idempotency_key, data=data)
    return asked.once(work)


@get(_ONE + "/notice.pdf", sync_to_thread=True, media_type=PDF, responses=problem_responses(404), tags=["collateral"])
def read_enforcement_notice(
    *, request: WebRequest, sessions: Sessions, actor: Actor, pledge_id: FromPath[IdText]
) -> Response[bytes]:
    """Give the notice of enforcement to the pledgor, as PDF."""
    with sessions.read() as session:
        content = service.enforcement_notice(session, actor, pledge_id, address=public_address_of(request))
        code = service.load_pledge(session, actor, pledge_id).code
    return download(content, stem=f"违约处置通知书-{code}", ending="pdf")


@get(_ONE + "/surplus.pdf", sync_to_thread=True, media_type=PDF, responses=problem_responses(404), tags=["collateral"])
def read_surplus_statement(
    *, request: WebRequest, sessions: Sessions, actor: Actor, pledge_id: FromPath[IdText]
) -> Response[bytes]:
    """Give the statement of the surplus that goes back to the pledgor, as PDF."""
    with sessions.read() as session:
        content = service.surplus_statement(session, actor, pledge_id, address=public_address_of(request))
        code = service.load_pledge(session, actor, pledge_id).code
    return download(content, stem=f"剩余价款返还说明-{code}", ending="pdf")


@post("/v1/authority-acts", sync_to_thread=True, status_code=201, responses=_WRITE, tags=["collateral"])
def record_authority_act(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: AuthorityActIn,
    idempotency_key: IdempotencyKey,
) -> Response[AuthorityActOut]:
    """Record what an authority ordered: a freeze, its lifting, or a deduction; coverage is struck anew at once."""

    def work(session: Session, standing: Standing) -> AuthorityActOut:
        draft = data.draft(party_by_code(session, actor, data.holder))
        return AuthorityActOut.of(service.record_act(session, actor, draft, standing=standing))

    asked = _Ask(sessions=sessions, actor=actor, clock=clock, request=request, key=idempotency_key, data=data)
    return asked.once(work)


@get(
    "/v1/pledges/{pledge_id:str}/authority-acts",
    sync_to_thread=True,
    responses=problem_responses(404),
    tags=["collateral"],
)
def list_acts_on_pledge(sessions: Sessions, actor: Actor, pledge_id: FromPath[IdText]) -> AuthorityActListOut:
    """List what authorities did to the units of a pledge."""
    with sessions.read() as session:
        pledge = service.load_pledge(session, actor, pledge_id)
        return AuthorityActListOut(
            acts=[AuthorityActOut.of(one) for one in service.acts_on_pledge(session, actor, pledge.id)]
        )


@get(
    "/v1/parties/{party_id:str}/authority-acts",
    sync_to_thread=True,
    responses=problem_responses(404),
    tags=["collateral"],
)
def list_acts_of_party(sessions: Sessions, actor: Actor, party_id: FromPath[IdText]) -> AuthorityActListOut:
    """List what authorities did to the units of a party, pledged or free."""
    with sessions.read() as session:
        return AuthorityActListOut(
            acts=[AuthorityActOut.of(one) for one in service.acts_of_party(session, actor, party_id)]
        )


routes = [
    read_enforcement,
    propose_default,
    propose_late_cure,
    preview_means,
    propose_means,
    record_failed_sale,
    preview_sale,
    record_sale,
    ask_transfer_again,
    preview_distribution,
    propose_distribution,
    read_enforcement_notice,
    read_surplus_statement,
    record_authority_act,
    list_acts_on_pledge,
    list_acts_of_party,
]
