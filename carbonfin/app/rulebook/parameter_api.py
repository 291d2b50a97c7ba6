"""Parameters for systems: values by package and both dates, a draft proven and tried, and a draft proposed."""

from datetime import datetime
from typing import Annotated

from litestar import get, post
from litestar.params import QueryParameter
from litestar.response import Response
from msgspec import Meta, Struct

from carbonfin.app.rulebook.api import ProposalOut
from carbonfin.app.rulebook.live_impacts import LiveImpactOut, impacts_out
from carbonfin.app.rulebook.parameter_impact import DecisionMove, FigureTotal
from carbonfin.app.rulebook.parameter_list import Wanted, package_of, whole_book
from carbonfin.app.rulebook.parameter_proposals import EVIDENCE_MAX, Preview, TypedValue, previewed, proposed
from carbonfin.app.rulebook.shelf import dates_asked
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.rules.parameters import ParameterValue
from carbonfin.storage.engine import Sessions
from carbonfin.web.connections import WebRequest
from carbonfin.web.idempotency import IdempotencyKey, idempotently
from carbonfin.web.paging import Paging
from carbonfin.web.problems import problem_responses
from carbonfin.web.wire import DayText, day_of

_Line = Annotated[str, Meta(min_length=1, max_length=200)]
_ValidOn = Annotated[DayText | None, QueryParameter(description="Day they speak of; left out, the business date.")]
_KnownOn = Annotated[DayText | None, QueryParameter(description="Day they were known; left out, the present.")]
_KnownAt = Annotated[
    datetime | None,
    QueryParameter(description="Instant at which they were known, with its zone; instead of `known_on`."),
]
_Package = Annotated[str, QueryParameter(description="pricing, collateral, loans or reporting.", max_length=20)]
_Key = Annotated[str, QueryParameter(description="Only the values of this parameter.", max_length=100)]
_Sort = Annotated[str, QueryParameter(description="key, known or valid; dates have the latest first.", max_length=10)]


class ParameterOut(Struct, frozen=True, kw_only=True):
    """One value; a built-in one comes with the product and was approved by nobody here.

    `known_at` is the instant of its approval where that is what it is known from, else the day counts from midnight in
    China. `document_number` is the 文号; `quote` holds the document's own words, where they are at hand.
    """

    key: str
    scope: str
    package: str
    title_zh: str
    title_en: str
    value: str
    unit: str
    valid_from: str
    valid_to: str | None
    known_from: str
    known_at: datetime | None
    document: str
    document_number: str | None
    article: str
    quote: str | None
    grade: str
    confirmed: bool
    approved_by: list[str]
    is_builtin: bool
    note: str
    digest: str

    @classmethod
    def of(cls, value: ParameterValue) -> "ParameterOut":
        """Make it of the value."""
        return cls(
            key=value.key,
            scope=value.scope,
            package=package_of(value.key),
            title_zh=value.title_zh,
            title_en=value.title_en,
            value=value.value,
            unit=value.unit,
            valid_from=value.valid_from.isoformat(),
            valid_to=None if value.valid_to is None else value.valid_to.isoformat(),
            known_from=value.known_from.isoformat(),
            known_at=value.known_at,
            document=value.document,
            document_number=value.document_number,
            article=value.article,
            quote=value.quote,
            grade=value.grade.value,
            confirmed=value.confirmed,
            approved_by=list(value.approved_by),
            is_builtin=not value.approved_by,
            note=value.note,
            digest=value.digest,
        )


class ParameterListOut(Struct, frozen=True, kw_only=True):
    """A page of the values that answer on the days asked for."""

    parameters: list[ParameterOut]


class ParameterDraftIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A value as it would be proposed; `unit` is that of the parameter, `valid_to` the last day it holds.

    `declares_gap` says that days between own values are left out on purpose: the rule was repealed for them.
    """

    key: _Line
    scope: Annotated[str, Meta(max_length=200)] = ""
    value: _Line
    unit: _Line
    valid_from: DayText
    valid_to: DayText | None = None
    known_from: DayText
    document: _Line
    document_number: Annotated[str, Meta(max_length=200)] = ""
    article: Annotated[str, Meta(max_length=200)] = ""
    quote: Annotated[str, Meta(max_length=2000)] = ""
    grade: _Line
    confirmed: bool = False
    note: Annotated[str, Meta(max_length=1000)] = ""
    declares_gap: bool = False


class ParameterProposalIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A value to put before another person or to keep as a draft, why, and the digests of files that show it."""

    draft: ParameterDraftIn
    reason: Annotated[str, Meta(min_length=1, max_length=2000)]
    evidence: Annotated[list[Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]], Meta(max_length=EVIDENCE_MAX)] = []
    is_draft: bool = False


class FaultOut(Struct, frozen=True, kw_only=True):
    """One thing that forbids proposing the draft."""

    field: str
    detail: str
    zh: str


class FigureMoveOut(Struct, frozen=True, kw_only=True):
    """One computed figure that would come out otherwise."""

    name: str
    label_zh: str
    unit: str
    before: str
    after: str
    difference: str | None


class DecisionMoveOut(Struct, frozen=True, kw_only=True):
    """One decision that would come out otherwise; `failure` says why it could not be made again."""

    decision_id: str
    kind: str
    subject: str
    figures: list[FigureMoveOut]
    failure: str | None

    @classmethod
    def of(cls, move: DecisionMove) -> "DecisionMoveOut":
        """Make it of the move."""
        return cls(
            decision_id=move.decision_id,
            kind=move.kind.en,
            subject=move.subject,
            figures=[
                FigureMoveOut(
                    name=one.name,
                    label_zh=one.label.zh,
                    unit=one.unit,
                    before=one.before,
                    after=one.after,
                    difference=None if one.difference is None else format(one.difference, "f"),
                )
                for one in move.figures
            ],
            failure=None if move.failure is None else move.failure.en,
        )


class FigureTotalOut(Struct, frozen=True, kw_only=True):
    """How a figure of one kind of decision would move in all."""

    kind: str
    label_zh: str
    unit: str
    count: int
    total: str

    @classmethod
    def of(cls, total: FigureTotal) -> "FigureTotalOut":
        """Make it of the total."""
        return cls(
            kind=total.kind.en, label_zh=total.label.zh, unit=total.unit, count=total.count,
            total=format(total.total, "f"),
        )  # fmt: skip


class ParameterValidationOut(Struct, frozen=True, kw_only=True):
    """Whether the draft may be proposed, why not, what it replaces and what it would do; nothing was stored.

    `moves` and `totals` are of decisions made again as recorded, `impacts` of all agreements and loans run anew.
    """

    digest: str
    may_be_proposed: bool
    faults: list[FaultOut]
    is_new_scope: bool
    in_force: ParameterOut | None
    decisions_count: int
    moves: list[DecisionMoveOut]
    totals: list[FigureTotalOut]
    impacts: list[LiveImpactOut]

    @classmethod
    def of(cls, preview: Preview) -> "ParameterValidationOut":
        """Make it of the preview."""
        impact = preview.impact
        return cls(
            digest=preview.draft.digest,
            may_be_proposed=not preview.faults,
            faults=[FaultOut(field=one.field or "", detail=one.detail, zh=one.zh) for one in preview.faults],
            is_new_scope=preview.is_new_scope,
            in_force=None if preview.current is None else ParameterOut.of(preview.current),
            decisions_count=0 if impact is None else impact.decisions_count,
            moves=[] if impact is None else [DecisionMoveOut.of(one) for one in impact.moves],
            totals=[] if impact is None else [FigureTotalOut.of(one) for one in impact.totals],
            impacts=impacts_out(preview.live),
        )


@get("/v1/rules/parameters", sync_to_thread=True, responses=problem_responses(422), tags=["rules"])
def list_parameters(
    *,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    paging: Paging,
    package: _Package = "",
    key: _Key = "",
    valid_on: _ValidOn = None,
    known_on: _KnownOn = None,
    known_at: _KnownAt = None,
    sort: _Sort = "key",
) -> Response[ParameterListOut]:
    """List the parameter values that answer on these days, by package, in pages."""
    wanted = Wanted(package=package, key=key, sort=sort)
    with sessions.read() as session:
        dates = dates_asked(session, actor, clock, valid_on=valid_on or "", known_on=known_on or "", known_at=known_at)
        values = whole_book(session, actor).in_force(valid_on=dates.valid_on, known_at=dates.known_at)
    found = wanted.page(values, paging.place)
    return paging.answer(ParameterListOut(parameters=[ParameterOut.of(one) for one in found.items]), found)


@post(
    "/v1/rules/parameters/validations",
    sync_to_thread=True,
    status_code=200,
    responses=problem_responses(422),
    tags=["rules"],
)
def validate_parameter(
    sessions: Sessions, actor: Actor, clock: Clock, data: ParameterDraftIn
) -> ParameterValidationOut:
    """Prove a draft of a value and try it on the decisions that stand; nothing is stored."""
    with sessions.read() as session:
        return ParameterValidationOut.of(previewed(session, actor, _typed(data), at=clock.now()))


@post("/v1/rules/parameters/proposals", sync_to_thread=True, responses=problem_responses(404, 409, 422), tags=["rules"])
def propose_parameter_value(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: ParameterProposalIn,
    idempotency_key: IdempotencyKey = None,
) -> Response[ProposalOut]:
    """Propose a value, or keep it as a draft; another person approves it by `/v1/approvals`."""
    typed = _typed(data.draft)
    return idempotently(
        sessions,
        actor,
        request,
        idempotency_key,
        data,
        lambda session: ProposalOut.of(
            proposed(
                session,
                actor,
                typed,
                reason=data.reason,
                at=clock.now(),
                evidence=data.evidence,
                is_draft=data.is_draft,
            )
        ),
    )


def _typed(data: ParameterDraftIn) -> TypedValue:
    return TypedValue(
        key=data.key,
        scope=data.scope,
        value=data.value,
        unit=data.unit,
        valid_from=day_of(data.valid_from, field="valid_from"),
        valid_to=None if data.valid_to is None else day_of(data.valid_to, field="valid_to"),
        known_from=day_of(data.known_from, field="known_from"),
        document=data.document,
        article=data.article,
        grade=data.grade,
        confirmed=data.confirmed,
        note=data.note,
        document_number=data.document_number.strip(),
        quote=data.quote.strip(),
        declares_gap=data.declares_gap,
    )


routes = [list_parameters, validate_parameter, propose_parameter_value]
