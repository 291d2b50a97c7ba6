"""Ratings for systems: one or many by a named method, their history by both dates, outside reports and benchmarks."""

from typing import Annotated

from litestar import get, post
from litestar.params import QueryParameter
from litestar.response import Response
from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import Standing, party_by_code, standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.idempotency import IdempotencyKey, idempotently
from carbonfin.web.problems import problem_responses
from carbonfin.web.sent_files import bytes_of
from carbonfin.web.wire import day_of
from loans import service
from loans.api.dates import KnownOn, known_at_of
from loans.calc.ratings.scorecard import METHOD_ZH
from loans.schemas import RatingOut
from loans.schemas.accounts import AccountFaultOut
from loans.schemas.four_colours import FOUR_COLOUR, FourColourRatingOut
from loans.schemas.rating_stability import RatingStabilityOut
from loans.schemas.ratings import (
    SCORECARD,
    BenchmarkIn,
    BenchmarkListOut,
    BenchmarkOut,
    OutsideReportIn,
    OutsideReportOut,
    RatedOut,
    RatingBatchIn,
    RatingBatchOut,
    RatingHistoryOut,
    RatingIn,
    RatingLineOut,
    ScorecardRatingOut,
)

_Usci = Annotated[str, QueryParameter(description="The enterprise.", min_length=18, max_length=18)]
_ValidOn = Annotated[
    str, QueryParameter(description="Those valid on this day or before; left out, all.", max_length=10)
]
_Year = Annotated[int, QueryParameter(description="The later of both years.", ge=2006, le=2099)]
_WRITES = problem_responses(404, 409, 422)


@post("/v1/ratings", sync_to_thread=True, status_code=201, responses=_WRITES, tags=["loans"])
def create_rating(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: RatingIn,
    idempotency_key: IdempotencyKey,
) -> Response[RatingOut | ScorecardRatingOut | FourColourRatingOut]:
    """Rate an enterprise from its carbon account by a method of the system's own and keep the decision.

    `carbon-efficiency` is the level by intensity beside the sector's mean, after the Zhejiang code; `scorecard` gives A
    to E with points, reasons and what would lift them; `four-colour` gives three dimensions and the worst of them,
    after Quzhou's account. Each names its sources; none is the rating of the Shenzhen enterprise carbon account.
    """

    def work(session: Session) -> RatingOut | ScorecardRatingOut | FourColourRatingOut:
        standing = standing_of(session, actor.organization_id, clock)
        if data.method == SCORECARD:
            return _by_scorecard(session, actor, data, standing)
        if data.method == FOUR_COLOUR:
            party = party_by_code(session, actor, data.usci)
            made = service.rate_by_four_colours(session, actor, party, year=data.year, standing=standing)
            return FourColourRatingOut.of(made.outcome, decision_id=made.decision_id)
        recorded = service.rate_enterprise(
            session,
            actor,
            party_by_code(session, actor, data.usci).id,
            year=data.year,
            valid_on=standing.business_date,
            known_at=standing.known_at,
        )
        return RatingOut.of(recorded.outcome, decision_id=recorded.decision_id)

    return idempotently(sessions, actor, request, idempotency_key, data, work)


def _by_scorecard(session: Session, actor: Actor, data: RatingIn, standing: Standing) -> ScorecardRatingOut:
    party = party_by_code(session, actor, data.usci)
    recorded = service.rate_by_scorecard(session, actor, party, year=data.year, standing=standing)
    report = service.rating_report_of(session, actor, party.id, known_at=standing.known_at)
    return ScorecardRatingOut.of(recorded.outcome, decision_id=recorded.decision_id, report=report)


@post("/v1/ratings/batches", sync_to_thread=True, status_code=201, responses=_WRITES, tags=["loans"])
def create_ratings(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: RatingBatchIn,
    idempotency_key: IdempotencyKey,
) -> Response[RatingBatchOut]:
    """Rate many enterprises by the scorecard, each as alone would be; who cannot be is named with the reason."""

    def work(session: Session) -> RatingBatchOut:
        standing = standing_of(session, actor.organization_id, clock)
        batch = service.rate_many_by_scorecard(session, actor, data.uscis, year=data.year, standing=standing)
        return RatingBatchOut(
            method_zh=METHOD_ZH,
            ratings=[
                RatedOut(
                    decision_id=made.decision_id,
                    usci=code,
                    letter=made.outcome.rating.letter,
                    points=None if made.outcome.rating.points is None else str(made.outcome.rating.points),
                )
                for code, made in batch.values
            ],
            failures=[AccountFaultOut.of(one) for one in batch.failures],
        )

    return idempotently(sessions, actor, request, idempotency_key, data, work)


@get("/v1/ratings", sync_to_thread=True, responses=problem_responses(404, 422), tags=["loans"])
def list_ratings(
    *,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    usci: _Usci,
    valid_on: _ValidOn = "",
    known_on: KnownOn = "",
) -> RatingHistoryOut:
    """List an enterprise's ratings by the scorecard, the latest first, by both dates."""
    with sessions.read() as session:
        party = party_by_code(session, actor, usci)
        known_at = known_at_of(standing_of(session, actor.organization_id, clock), known_on)
        found = service.scorecard_ratings_of(
            session,
            actor,
            party.id,
            valid_on=day_of(valid_on, field="valid_on") if valid_on else None,
            known_at=known_at,
        )
    return RatingHistoryOut(
        party_id=party.id, method_zh=METHOD_ZH, ratings=[RatingLineOut.of(one, usci=usci) for one in found]
    )


@post("/v1/ratings/reports", sync_to_thread=True, status_code=201, responses=_WRITES, tags=["loans"])
def record_outside_report(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: OutsideReportIn,
    idempotency_key: IdempotencyKey,
) -> Response[OutsideReportOut]:
    """Keep a rating report of an outside agency with its validity; the loan's rate follows the latest that is valid."""

    def work(session: Session) -> OutsideReportOut:
        standing = standing_of(session, actor.organization_id, clock)
        party = party_by_code(session, actor, data.usci)
        report = service.record_rating_report(session, actor, party.id, data.report(), known_at=standing.known_at)
        return OutsideReportOut.of(report)

    return idempotently(sessions, actor, request, idempotency_key, data, work)


@post(
    "/v1/ratings/benchmarks", sync_to_thread=True, status_code=201, responses=problem_responses(400, 409, 413, 422),
    tags=["loans"],
)  # fmt: skip
def freeze_benchmark(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: BenchmarkIn,
    idempotency_key: IdempotencyKey,
) -> Response[BenchmarkOut]:
    """Freeze the intensities of sectors from a file as a release; later reports of others do not move it."""

    def work(session: Session) -> BenchmarkOut:
        release = service.freeze_benchmark_file(
            session,
            actor,
            content=bytes_of(data.content_base64),
            file_name=data.file_name,
            benchmark_id=data.benchmark_id,
            released_on=day_of(data.released_on, field="/released_on"),
            source=data.source,
            standing=standing_of(session, actor.organization_id, clock),
        )
        return BenchmarkOut.of(release)

    return idempotently(sessions, actor, request, idempotency_key, data, work)


@get("/v1/ratings/benchmarks", sync_to_thread=True, responses=problem_responses(), tags=["loans"])
def list_benchmarks(sessions: Sessions, actor: Actor, clock: Clock) -> BenchmarkListOut:
    """List the releases of frozen peer groups, the latest first."""
    with sessions.read() as session:
        known_at = standing_of(session, actor.organization_id, clock).known_at
        found = service.benchmark_releases(session, actor, known_at=known_at)
    return BenchmarkListOut(benchmarks=[BenchmarkOut.of(one) for one in found])


@get("/v1/ratings/stability", sync_to_thread=True, responses=problem_responses(409), tags=["loans"])
def read_rating_stability(sessions: Sessions, actor: Actor, clock: Clock, year: _Year) -> RatingStabilityOut:
    """Give how the bank's ratings by the scorecard moved from the year before: transitions with bands, drift, jumps."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        return RatingStabilityOut.of(service.rating_stability(session, actor, year, standing=standing))


routes = [
    create_rating,
    create_ratings,
    list_ratings,
    record_outside_report,
    freeze_benchmark,
    list_benchmarks,
    read_rating_stability,
]
