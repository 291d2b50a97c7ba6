"""Approvals for systems: read by anyone the policy lets, decided only by a signed-in person with the password."""

from dataclasses import dataclass
from typing import Annotated, Any

from litestar import get, post
from litestar.params import FromPath, QueryParameter
from litestar.response import Response
from msgspec import Meta, Struct
from sqlmodel import Session

from carbonfin.app.approvals.kinds import APPROVAL_KINDS
from carbonfin.app.doors import doors_of
from carbonfin.app.rulebook.live_impacts import LiveImpactOut, impacts_of, impacts_out
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.storage import approvals
from carbonfin.storage.approvals import Answer, Approval, ApprovalEvent, ApprovalState
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.paging import Paging
from carbonfin.web.preconditions import ETAG, IfMatch, IfNoneMatch, require_match, tagged, version_tag
from carbonfin.web.problems import problem_responses
from carbonfin.web.wire import IdText


class DecisionIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A person's decision; the password proves that it is the person."""

    reason: Annotated[str, Meta(min_length=1, max_length=2000)]
    password: Annotated[str, Meta(max_length=1000)] = ""
    accepted: Annotated[list[Annotated[str, Meta(max_length=200)]], Meta(max_length=100)] = []


class WithdrawalIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why the maker takes it back."""

    reason: Annotated[str, Meta(min_length=1, max_length=2000)]


class ApprovalEventOut(Struct, frozen=True, kw_only=True):
    """One step."""

    place: int
    event: str
    state_after: str
    actor_name: str
    happened_at: str
    reason: str

    @classmethod
    def of(cls, step: ApprovalEvent) -> "ApprovalEventOut":
        """Make it of the step."""
        return cls(
            place=step.place,
            event=step.event,
            state_after=step.state_after,
            actor_name=step.actor_name,
            happened_at=step.happened_at.isoformat(),
            reason=step.reason,
        )


class ApprovalSummaryOut(Struct, frozen=True, kw_only=True):
    """An approval in a list."""

    approval_id: str
    kind: str
    subject: str
    title: str
    title_zh: str
    state: str
    maker_name: str
    checker_name: str | None
    created_at: str
    effective_on: str | None
    version: int

    @classmethod
    def of(cls, approval: Approval) -> "ApprovalSummaryOut":
        """Make it of the approval."""
        return cls(**_head(approval))


class ApprovalOut(Struct, frozen=True, kw_only=True):
    """An approval with what takes effect and every step so far."""

    approval_id: str
    kind: str
    subject: str
    title: str
    title_zh: str
    state: str
    maker_name: str
    checker_name: str | None
    created_at: str
    effective_on: str | None
    version: int
    maker_reason: str
    checker_reason: str | None
    accepted: list[str]
    payload: dict[str, Any]
    payload_digest: str
    events: list[ApprovalEventOut]

    @classmethod
    def of(cls, approval: Approval, steps: tuple[ApprovalEvent, ...]) -> "ApprovalOut":
        """Make it of the approval and its steps."""
        return cls(
            **_head(approval),
            maker_reason=approval.maker_reason,
            checker_reason=approval.checker_reason,
            accepted=list(approval.accepted),
            payload=dict(approval.payload),
            payload_digest=approval.payload_digest,
            events=[ApprovalEventOut.of(step) for step in steps],
        )


class ApprovalListOut(Struct, frozen=True, kw_only=True):
    """Approvals, newest first."""

    approvals: list[ApprovalSummaryOut]


class ApprovalImpactOut(Struct, frozen=True, kw_only=True):
    """What a proposed rule would do, while it waits; `impacts` is empty where the approval is about something else."""

    approval_id: str
    state: str
    impacts: list[LiveImpactOut]


@get("/v1/approvals", sync_to_thread=True, responses=problem_responses(), tags=["approvals"])
def list_approvals(
    sessions: Sessions,
    actor: Actor,
    paging: Paging,
    in_state: Annotated[ApprovalState | None, QueryParameter(description="Only approvals in this state.")] = None,
) -> Response[ApprovalListOut]:
    """List the organisation's approvals, newest first."""
    states = None if in_state is None else (in_state,)
    with sessions.read() as session:
        found = approvals.approval_page(session, actor, paging.place, states=states)
    return paging.answer(ApprovalListOut(approvals=[ApprovalSummaryOut.of(one) for one in found.items]), found)


@get("/v1/approvals/{approval_id:str}", sync_to_thread=True, responses=problem_responses(404), tags=["approvals"])
def read_approval(
    sessions: Sessions, actor: Actor, approval_id: FromPath[IdText], if_none_match: IfNoneMatch = None
) -> Response[ApprovalOut]:
    """Give an approval with its payload and steps; its `ETag` is what a decision on it must name."""
    with sessions.read() as session:
        approval = approvals.load_approval(session, actor, approval_id)
        body = ApprovalOut.of(approval, approvals.events_of(session, actor, approval_id))
    return tagged(body, if_none_match, tag=version_tag(approval.version))


@get(
    "/v1/approvals/{approval_id:str}/impact", sync_to_thread=True, responses=problem_responses(404), tags=["approvals"]
)
def read_approval_impact(sessions: Sessions, actor: Actor, approval_id: FromPath[IdText]) -> ApprovalImpactOut:
    """Run the rule in force and a proposed one over all pledges, repos, loans or applications; nothing is recorded."""
    with sessions.read() as session:
        approval = approvals.load_approval(session, actor, approval_id)
        return ApprovalImpactOut(
            approval_id=approval.id, state=approval.state.value,
            impacts=impacts_out(impacts_of(session, actor, approval)),
        )  # fmt: skip


@post(
    "/v1/approvals/{approval_id:str}/approve",
    sync_to_thread=True,
    status_code=200,
    responses=problem_responses(403, 404, 409, 412, 422, 428),
    tags=["approvals"],
)
def approve(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    approval_id: FromPath[IdText],
    data: DecisionIn,
    if_match: IfMatch = None,
) -> Response[ApprovalOut]:
    """Approve what another person proposed. It is a person's step: a key or token is refused.

    Sending it twice decides once: the second is refused as a conflict, so no idempotency key is asked for.
    """
    read = _Read(approval_id=approval_id, if_match=if_match)
    return _decided(request, sessions, actor, clock=clock, read=read, data=data, approving=True)


@post(
    "/v1/approvals/{approval_id:str}/reject",
    sync_to_thread=True,
    status_code=200,
    responses=problem_responses(403, 404, 409, 412, 422, 428),
    tags=["approvals"],
)
def reject(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    approval_id: FromPath[IdText],
    data: DecisionIn,
    if_match: IfMatch = None,
) -> Response[ApprovalOut]:
    """Reject what another person proposed. It is a person's step: a key or token is refused."""
    read = _Read(approval_id=approval_id, if_match=if_match)
    return _decided(request, sessions, actor, clock=clock, read=read, data=data, approving=False)


@post(
    "/v1/approvals/{approval_id:str}/withdraw",
    sync_to_thread=True,
    status_code=200,
    responses=problem_responses(403, 404, 409, 412, 422, 428),
    tags=["approvals"],
)
def withdraw(
    *,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    approval_id: FromPath[IdText],
    data: WithdrawalIn,
    if_match: IfMatch = None,
) -> Response[ApprovalOut]:
    """Take back what one has proposed oneself."""
    read = _Read(approval_id=approval_id, if_match=if_match)
    with sessions.begin() as session:
        read.require(session, actor)
        found = approvals.withdraw(
            session, actor, approval_id, kinds=APPROVAL_KINDS, reason=data.reason, at=clock.now()
        )
        return _moved(session, actor, found)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """Which version of an approval the caller has read."""

    approval_id: str
    if_match: str | None

    def require(self, session: Session, actor: Actor) -> int:
        """Give the version that stands, which must be the one that was read."""
        approval = approvals.load_approval(session, actor, self.approval_id)
        require_match(self.if_match, tag=version_tag(approval.version))
        return approval.version


def _moved(session: Session, actor: Actor, approval: Approval) -> Response[ApprovalOut]:
    body = ApprovalOut.of(approval, approvals.events_of(session, actor, approval.id))
    return Response(body, status_code=200, headers={ETAG: version_tag(approval.version)})


def _decided(
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    *,
    clock: Clock,
    read: _Read,
    data: DecisionIn,
    approving: bool,
) -> Response[ApprovalOut]:
    doors_of(request).confirm(request, data.password)
    answer = Answer(reason=data.reason, accepted=tuple(data.accepted))
    with sessions.begin() as session:
        version = read.require(session, actor)
        found = decide(
            session, actor, read.approval_id, answer, clock=clock, approving=approving, expected_version=version
        )
        return _moved(session, actor, found)


def decide(
    session: Session,
    actor: Actor,
    approval_id: str,
    answer: Answer,
    *,
    clock: Clock,
    approving: bool,
    expected_version: int | None,
) -> Approval:
    """Approve or reject at the instant that counts as present in the organisation."""
    standing = standing_of(session, actor.organization_id, clock)
    if not approving:
        return approvals.reject(
            session,
            actor,
            approval_id,
            kinds=APPROVAL_KINDS,
            answer=answer,
            at=clock.now(),
            expected_version=expected_version,
        )
    return approvals.approve(
        session,
        actor,
        approval_id,
        kinds=APPROVAL_KINDS,
        answer=answer,
        at=clock.now(),
        business_date=standing.business_date,
        expected_version=expected_version,
    )


def _head(approval: Approval) -> dict[str, Any]:
    return {
        "approval_id": approval.id,
        "kind": approval.kind,
        "subject": approval.subject,
        "title": approval.title_en,
        "title_zh": approval.title_zh,
        "state": approval.state.value,
        "maker_name": approval.maker_name,
        "checker_name": approval.checker_name,
        "created_at": approval.created_at.isoformat(),
        "effective_on": None if approval.effective_on is None else approval.effective_on.isoformat(),
        "version": approval.version,
    }


routes = [list_approvals, read_approval, read_approval_impact, approve, reject, withdraw]
