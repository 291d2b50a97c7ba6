"""Changes of pledges for systems: weighed without keeping, asked for, read, taken back, asked of the registry anew."""

from litestar import get, post
from litestar.params import FromPath
from litestar.response import Response
from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import standing_of
from carbonfin.web.addresses import public_address_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.downloads import PDF, download
from carbonfin.web.idempotency import IdempotencyKey, idempotently
from carbonfin.web.problems import problem_responses
from carbonfin.web.wire import IdText
from collateral import service
from collateral.schemas import (
    ChangeDetailOut,
    ChangeEventOut,
    ChangeIn,
    ChangeListOut,
    ChangePreviewOut,
    PledgeChangeOut,
    ReasonIn,
)

_CHANGES = "/v1/pledges/{pledge_id:str}/changes"
_CHANGE = _CHANGES + "/{change_id:str}"


@post(
    _CHANGES + "/previews",
    sync_to_thread=True,
    status_code=200,
    responses=problem_responses(400, 404, 409, 422),
    tags=["collateral"],
)
def preview_change(
    *, sessions: Sessions, actor: Actor, clock: Clock, pledge_id: FromPath[IdText], data: ChangeIn
) -> ChangePreviewOut:
    """Weigh a change: coverage before and after, what-if, and every reason against it; nothing is stored."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        outcome = service.preview_change(session, actor, pledge_id, data.draft(), standing=standing)
    return ChangePreviewOut.of(outcome)


@post(
    _CHANGES,
    sync_to_thread=True,
    status_code=201,
    responses=problem_responses(400, 403, 404, 409, 422),
    tags=["collateral"],
)
def create_change(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    pledge_id: FromPath[IdText],
    data: ChangeIn,
    idempotency_key: IdempotencyKey,
) -> Response[PledgeChangeOut]:
    """Ask for a change: a top-up is taken and the registry asked at once; what frees units waits for a checker."""

    def work(session: Session) -> PledgeChangeOut:
        standing = standing_of(session, actor.organization_id, clock)
        return PledgeChangeOut.of(service.propose_change(session, actor, pledge_id, data.draft(), standing=standing))

    return idempotently(sessions, actor, request, idempotency_key, data, work)


@get(_CHANGES, sync_to_thread=True, responses=problem_responses(404), tags=["collateral"])
def list_changes(sessions: Sessions, actor: Actor, pledge_id: FromPath[IdText]) -> ChangeListOut:
    """List the changes of a pledge in the order they were asked for."""
    with sessions.read() as session:
        found = service.changes_of(session, actor, pledge_id)
    return ChangeListOut(changes=[PledgeChangeOut.of(one) for one in found])


@get(_CHANGE, sync_to_thread=True, responses=problem_responses(404), tags=["collateral"])
def read_change(
    sessions: Sessions, actor: Actor, pledge_id: FromPath[IdText], change_id: FromPath[IdText]
) -> ChangeDetailOut:
    """Give a change with its steps."""
    with sessions.read() as session:
        change = service.change_of_pledge(session, actor, pledge_id, change_id)
        timeline = service.change_timeline(session, actor, change.id)
    return ChangeDetailOut(change=PledgeChangeOut.of(change), timeline=[ChangeEventOut.of(one) for one in timeline])


@post(
    _CHANGE + "/withdraw",
    sync_to_thread=True,
    status_code=201,
    responses=problem_responses(400, 403, 404, 409, 422),
    tags=["collateral"],
)
def withdraw_change(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    pledge_id: FromPath[IdText],
    change_id: FromPath[IdText],
    data: ReasonIn,
    idempotency_key: IdempotencyKey,
) -> Response[PledgeChangeOut]:
    """Take a change back that waits, whose freeze was refused, or whose old units have not been let go."""

    def work(session: Session) -> PledgeChangeOut:
        standing = standing_of(session, actor.organization_id, clock)
        change = service.change_of_pledge(session, actor, pledge_id, change_id)
        return PledgeChangeOut.of(
            service.withdraw_change(session, actor, change.id, standing=standing, reason=data.reason)
        )

    return idempotently(sessions, actor, request, idempotency_key, data, work)


@post(
    _CHANGE + "/requests",
    sync_to_thread=True,
    status_code=201,
    responses=problem_responses(400, 403, 404, 409, 422),
    tags=["collateral"],
)
def ask_registry_again(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    pledge_id: FromPath[IdText],
    change_id: FromPath[IdText],
    data: ReasonIn,
    idempotency_key: IdempotencyKey,
) -> Response[PledgeChangeOut]:
    """Ask the registry anew for what it refused, or let the old units of a substitution go that were held back."""

    def work(session: Session) -> PledgeChangeOut:
        standing = standing_of(session, actor.organization_id, clock)
        change = service.change_of_pledge(session, actor, pledge_id, change_id)
        if change.state == "NEW_LOCKED":
            return PledgeChangeOut.of(service.free_old(session, actor, change.id, standing=standing))
        return PledgeChangeOut.of(service.ask_again(session, actor, change.id, standing=standing, cause=data.reason))

    return idempotently(sessions, actor, request, idempotency_key, data, work)


@get(
    _CHANGE + "/letter.pdf",
    sync_to_thread=True,
    media_type=PDF,
    responses=problem_responses(404),
    tags=["collateral"],
)
def read_change_letter(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    pledge_id: FromPath[IdText],
    change_id: FromPath[IdText],
) -> Response[bytes]:
    """Give the release letter of a change that has freed units, as PDF."""
    with sessions.read() as session:
        change = service.change_of_pledge(session, actor, pledge_id, change_id)
        content = service.change_letter(session, actor, change.id, address=public_address_of(request))
        code = service.load_pledge(session, actor, pledge_id).code
    return download(content, stem=f"解押通知-{code}-{change.number}", ending="pdf")


@get(
    "/v1/pledges/{pledge_id:str}/letter.pdf",
    sync_to_thread=True,
    media_type=PDF,
    responses=problem_responses(404),
    tags=["collateral"],
)
def read_release_letter(
    *, request: WebRequest, sessions: Sessions, actor: Actor, pledge_id: FromPath[IdText]
) -> Response[bytes]:
    """Give the release letter of a pledge that has been released, as PDF."""
    with sessions.read() as session:
        content = service.release_letter(session, actor, pledge_id, address=public_address_of(request))
        code = service.load_pledge(session, actor, pledge_id).code
    return download(content, stem=f"解押通知-{code}", ending="pdf")


routes = [
    preview_change,
    create_change,
    list_changes,
    read_change,
    withdraw_change,
    ask_registry_again,
    read_change_letter,
    read_release_letter,
]
