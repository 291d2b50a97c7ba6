"""The inbox of what waits for a decision, and one approval: consequences first, then reason and password."""

from typing import Annotated, Any

from litestar import get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath
from litestar.response import Redirect, Response, Template
from msgspec import Meta, Struct
from sqlmodel import Session

from carbonfin.app.approvals.api import decide
from carbonfin.app.approvals.kinds import APPROVAL_KINDS, EVENT_WORDS, STATE_WORDS, kind_named, kind_words
from carbonfin.app.approvals.words import payload_rows
from carbonfin.app.doors import doors_of
from carbonfin.app.files.pages import evidence_of
from carbonfin.app.identity.single_sign_on import single_sign_on_of
from carbonfin.app.rulebook.draft_views import proposed_table
from carbonfin.app.rulebook.live_impacts import impacts_of
from carbonfin.app.rulebook.parameter_difference import proposed_parameter
from carbonfin.app.rulebook.parameter_impact import ParameterImpact, parameter_impact
from carbonfin.app.rulebook.saved_drafts import backdated, may_submit, submit_draft
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import CarbonFinError, InvalidInput, NotPermitted
from carbonfin.storage import approvals
from carbonfin.storage.approvals import OPEN_STATES, Answer, Approval, ApprovalState
from carbonfin.storage.decisions import load_decision
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import is_confirmed, load_organization
from carbonfin.storage.rulebook import PARAMETER_APPROVAL, proposed_value, unconfirmed_value
from carbonfin.web.connections import WebRequest
from carbonfin.web.pages import Text, page
from carbonfin.web.visitors import visitor_of

_SEPARATOR = "|"


class DecisionForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the decision's form sends."""

    finding: Annotated[str, Meta(max_length=10)] = ""
    reason: Annotated[str, Meta(max_length=2000)] = ""
    password: Annotated[str, Meta(max_length=1000)] = ""
    version: Annotated[str, Meta(max_length=10)] = ""
    unconfirmed: Annotated[str, Meta(max_length=40_000)] = ""
    accepts: Annotated[str, Meta(max_length=3)] = ""


class WithdrawalForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the withdrawal's form sends."""

    reason: Annotated[str, Meta(max_length=2000)] = ""


@get("/approvals", sync_to_thread=True)
def approvals_page(request: WebRequest, sessions: Sessions, actor: Actor) -> Template:
    """Show what waits for me, what I proposed, and what was decided lately."""
    with sessions.read() as session:
        waiting = approvals.waiting_for(session, actor, APPROVAL_KINDS)
        latest = approvals.approvals_of(session, actor)
    return page(
        request,
        "app/approvals.html",
        title=Text("审批", "Approvals"),
        waiting=waiting,
        mine=[one for one in latest if one.maker_id == actor.id and one.state in OPEN_STATES],
        others=[one for one in latest if one not in waiting and not (one.maker_id == actor.id and one.is_open)],
        state_words=STATE_WORDS,
        kind_words=kind_words,
    )


@get("/approvals/{approval_id:str}", sync_to_thread=True)
def approval_page(
    request: WebRequest, sessions: Sessions, actor: Actor, clock: Clock, approval_id: FromPath[str]
) -> Template:
    """Show one approval."""
    return _shown(request, sessions, actor, clock, approval_id=approval_id, failure=None, words="")


@post("/approvals/{approval_id:str}/decision", sync_to_thread=True)
def decide_page(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    approval_id: FromPath[str],
    data: Annotated[DecisionForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[Any]:
    """Approve or reject; the password is asked for again, and nothing typed is lost where something is missing."""
    accepted = tuple(filter(None, data.unconfirmed.split(_SEPARATOR))) if data.accepts else ()
    try:
        _require_finding(data.finding)
        doors_of(request).confirm(request, data.password)
        with sessions.begin() as session:
            decide(
                session,
                actor,
                approval_id,
                Answer(reason=data.reason, accepted=accepted),
                clock=clock,
                approving=data.finding == "approve",
                expected_version=int(data.version) if data.version.isdecimal() else None,
            )
    except CarbonFinError as failure:
        return _shown(request, sessions, actor, clock, approval_id=approval_id, failure=failure, words=data.reason)
    return Redirect(f"/approvals/{approval_id}", status_code=303)


@post("/approvals/{approval_id:str}/submission", sync_to_thread=True)
def submit_page(
    *, request: WebRequest, sessions: Sessions, actor: Actor, clock: Clock, approval_id: FromPath[str]
) -> Response[Any]:
    """Put one's own saved draft of a rule before the checkers; what forbids it is shown on its page."""
    try:
        with sessions.begin() as session:
            submit_draft(session, actor, approval_id, at=clock.now())
    except CarbonFinError as failure:
        return _shown(request, sessions, actor, clock, approval_id=approval_id, failure=failure, words="")
    return Redirect(f"/approvals/{approval_id}", status_code=303)


@post("/approvals/{approval_id:str}/withdrawal", sync_to_thread=True)
def withdraw_page(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    approval_id: FromPath[str],
    data: Annotated[WithdrawalForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[Any]:
    """Take back what one has proposed."""
    try:
        with sessions.begin() as session:
            approvals.withdraw(session, actor, approval_id, kinds=APPROVAL_KINDS, reason=data.reason, at=clock.now())
    except CarbonFinError as failure:
        return _shown(request, sessions, actor, clock, approval_id=approval_id, failure=failure, words=data.reason)
    return Redirect(f"/approvals/{approval_id}", status_code=303)


def _needs_password(request: WebRequest, clock: Clock) -> bool:
    visitor = visitor_of(request)
    signed_in = None if visitor is None else visitor.signed_in
    return signed_in is None or not is_confirmed(signed_in, clock)


def _shown(
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    *,
    approval_id: str,
    failure: CarbonFinError | None,
    words: str,
) -> Template:
    with sessions.read() as session:
        approval = approvals.load_approval(session, actor, approval_id)
        steps = approvals.events_of(session, actor, approval_id)
        evidence = evidence_of(session, actor, f"approval:{approval_id}")
        appraisal_id = approval.payload.get("appraisal_id")
        usci = load_organization(session, actor.organization_id).usci
        proposed = proposed_table(session, actor, clock, approval)
        unconfirmed = [
            *(load_decision(session, actor, appraisal_id).outputs.get("unconfirmed", ()) if appraisal_id else ()),
            *(proposed.unconfirmed if proposed is not None else ()),
            *(unconfirmed_value(proposed_value(approval)) if approval.kind == PARAMETER_APPROVAL.name else ()),
        ]
        parameter = proposed_parameter(session, actor, clock, approval)
        impact = _parameter_impact(session, actor, approval)
        live = impacts_of(session, actor, approval)
    kind = kind_named(approval.kind)
    return page(
        request,
        "app/approval.html",
        title=Text(approval.title_zh, approval.title_en),
        status_code=_status_of(failure),
        approval=approval,
        evidence=evidence,
        kind=kind_words(approval),
        address=kind.address(approval) if kind is not None else "",
        rows=payload_rows(approval, without="value" if parameter is not None and parameter.lines else ""),
        proposed=proposed,
        parameter=parameter,
        parameter_impact=impact,
        live_impacts=live,
        steps=steps,
        state=STATE_WORDS[approval.state],
        event_words=EVENT_WORDS,
        may_decide=approval.state is ApprovalState.PROPOSED
        and kind is not None
        and actor.role in kind.checker_roles
        and actor.id != approval.maker_id,
        backwards=backdated(approval),
        may_submit=may_submit(approval, actor),
        is_mine=actor.id == approval.maker_id and approval.is_open,
        password_needed=_needs_password(request, clock),
        unconfirmed=unconfirmed,
        providers=single_sign_on_of(request).of_organization(usci),
        appraisal_id=appraisal_id,
        separator=_SEPARATOR,
        failure=None if failure is None else Text(f"{failure.zh} {failure.remedy_zh}", failure.detail),
        failed_field=None if failure is None else failure.field,
        words=words,
    )


def _parameter_impact(session: Session, actor: Actor, approval: Approval) -> ParameterImpact | None:
    """Give what a value would do, while its approval waits; None where it is about something else."""
    if approval.kind != PARAMETER_APPROVAL.name or not approval.is_open:
        return None
    return parameter_impact(session, actor, proposed_value(approval))


def _status_of(failure: CarbonFinError | None) -> int:
    if failure is None:
        return 200
    if isinstance(failure, NotPermitted):
        return 403
    return 422 if isinstance(failure, InvalidInput) else 409


def _require_finding(finding: str) -> None:
    if finding not in {"approve", "reject"}:
        raise InvalidInput("choose approve or reject", zh="请选择同意或拒绝", field="finding")


routes = [approvals_page, approval_page, decide_page, submit_page, withdraw_page]
