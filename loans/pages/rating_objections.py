"""Objections to a rating, from the rating's page: file one, and put an answer before the checkers."""

from typing import Annotated

from litestar import post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath
from litestar.response import Redirect, Template

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import CarbonFinError, InvalidInput
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import load_party, standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.language import Text
from carbonfin.web.wire import day_of
from loans import service
from loans.calc.ratings.objections import ObjectionDraft, ObjectionOutcome
from loans.pages.ratings import AnswerForm, ObjectionForm, Refused, show_rating

_NOT_FILED = Text("异议未登记", "Objection not filed")
_NOT_PROPOSED = Text("答复未提交", "Answer not put before a checker")


@post("/enterprises/{party_id:str}/rating/objections", sync_to_thread=True, status_code=303)
def send_objection(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    party_id: FromPath[str],
    data: Annotated[ObjectionForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Template | Redirect:
    """Write down an objection, and show the rating."""
    try:
        with sessions.begin() as session:
            standing = standing_of(session, actor.organization_id, clock)
            draft = ObjectionDraft(
                ground=data.ground.strip(),
                received_on=day_of(data.received_on, field="received_on"),
                evidence=data.evidence.strip(),
            )
            service.file_objection(session, actor, load_party(session, actor, party_id), draft, standing=standing)
    except CarbonFinError as error:
        with sessions.read() as session:
            standing = standing_of(session, actor.organization_id, clock)
            refused = Refused(error=error, what=_NOT_FILED, objection=data)
            return show_rating(request, session, actor, standing, party_id, refused=refused)
    return Redirect(f"/enterprises/{party_id}/rating#objections", status_code=303)


@post(
    "/enterprises/{party_id:str}/rating/objections/{objection_id:str}/answers", sync_to_thread=True, status_code=303
)  # fmt: skip
def send_objection_answer(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    party_id: FromPath[str],
    objection_id: FromPath[str],
    data: Annotated[AnswerForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Template | Redirect:
    """Put an answer before the checkers, and show it there."""
    try:
        with sessions.begin() as session:
            service.require_objection_of(session, actor, party_id, objection_id)
            if data.outcome not in set(ObjectionOutcome):
                raise InvalidInput(f"{data.outcome!r} is no outcome", zh="请选择核查结论", field="outcome")
            approval = service.propose_answer(
                session,
                actor,
                objection_id,
                outcome=ObjectionOutcome(data.outcome),
                finding=data.finding.strip(),
                standing=standing_of(session, actor.organization_id, clock),
            )
    except CarbonFinError as error:
        with sessions.read() as session:
            standing = standing_of(session, actor.organization_id, clock)
            refused = Refused(error=error, what=_NOT_PROPOSED, answer=data, answered_id=objection_id)
            return show_rating(request, session, actor, standing, party_id, refused=refused)
    return Redirect(f"/approvals/{approval.id}", status_code=303)


routes = [send_objection, send_objection_answer]
