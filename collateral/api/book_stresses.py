"""Stress of the collateral book for systems: make one, list those kept, read one."""

from litestar import get, post
from litestar.params import FromPath
from litestar.response import Response
from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.storage.decisions import MadeDecision
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import standing_of
from carbonfin.web.addresses import public_address_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.downloads import PDF, download
from carbonfin.web.idempotency import IdempotencyKey, answered_by_decision, still_today
from carbonfin.web.paging import Paging
from carbonfin.web.problems import problem_responses
from carbonfin.web.wire import IdText
from collateral.calc.book_stress.decision import StressOutcome
from collateral.calc.book_stress.terms import StressInputs
from collateral.schemas.book_stresses import BookStressHeadOut, BookStressIn, BookStressListOut, BookStressOut
from collateral.service import book_stresses

_STRESSES = "/v1/collateral-stresses"


@post(
    _STRESSES, status_code=201, responses=problem_responses(400, 409, 422), tags=["collateral"]
)  # fmt: skip
async def create_book_stress(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: BookStressIn,
    idempotency_key: IdempotencyKey,
) -> Response[BookStressOut]:
    """Put the collateral book under the bank's dated stresses and the asker's own, and keep the decision."""
    taken: list[StressInputs] = []

    def prepare(session: Session) -> MadeDecision[StressOutcome]:
        standing = standing_of(session, actor.organization_id, clock)
        taken[:] = [book_stresses.stress_inputs(session, actor, data.asked(), standing=standing)]
        return book_stresses.make_book_stress(taken[0], standing=standing)

    return await answered_by_decision(
        sessions,
        actor,
        request,
        idempotency_key,
        data,
        prepare,
        lambda recorded: BookStressOut.of(recorded.decision_id, taken[0], recorded.outcome),
        is_of_today=still_today(actor, clock),
    )


@get(_STRESSES, sync_to_thread=True, responses=problem_responses(400, 422), tags=["collateral"])
def list_book_stresses(*, sessions: Sessions, actor: Actor, paging: Paging) -> Response[BookStressListOut]:
    """List the stresses of the collateral book, the newest first."""
    with sessions.read() as session:
        found = book_stresses.book_stresses(session, actor, paging.place)
    return paging.answer(BookStressListOut(stresses=[BookStressHeadOut.of(one) for one in found.items]), found)


@get(_STRESSES + "/{decision_id:str}", sync_to_thread=True, responses=problem_responses(404, 422), tags=["collateral"])
def read_book_stress(*, sessions: Sessions, actor: Actor, decision_id: FromPath[IdText]) -> BookStressOut:
    """Give a stress of the collateral book as it was kept."""
    with sessions.read() as session:
        kept = book_stresses.load_book_stress(session, actor, decision_id)
        return BookStressOut.of(kept.record.id, kept.inputs, kept.outcome)


@get(
    _STRESSES + "/{decision_id:str}/pdf", sync_to_thread=True, media_type=PDF, responses=problem_responses(404, 422),
    tags=["collateral"],
)  # fmt: skip
def read_book_stress_document(
    *, request: WebRequest, sessions: Sessions, actor: Actor, decision_id: FromPath[IdText]
) -> Response[bytes]:
    """Give a stress of the collateral book as PDF; the same stress gives the same bytes."""
    with sessions.read() as session:
        kept = book_stresses.load_book_stress(session, actor, decision_id)
        content = book_stresses.book_stress_document(session, actor, kept, address=public_address_of(request))
    return download(content, stem=f"押品组合压力测试-{kept.inputs.business_date}", ending="pdf")


routes = [create_book_stress, list_book_stresses, read_book_stress, read_book_stress_document]
