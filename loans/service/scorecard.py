"""Ratings by the scorecard from stored accounts: decided, kept, told of where they change, and read by both dates."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import numpy as np
from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.batch import Batch, Failure
from carbonfin.kernel.dates import china_day
from carbonfin.kernel.errors import CarbonFinError, MissingData, NotFound
from carbonfin.kernel.parties import Party
from carbonfin.rules.parameters import ParameterValue
from carbonfin.storage.decisions import (
    DecisionRecord,
    Recorded,
    keep_decision,
    load_decision,
    load_inputs,
    load_outcome,
    make_decision,
)
from carbonfin.storage.messages import publish
from carbonfin.storage.parties import Standing, load_party, parties_of, party_by_code
from collateral.service.surrender_records import surrender_record_of
from loans import workbooks
from loans.calc.account_facts import YearFacts
from loans.calc.ratings.benchmark import freeze_benchmark
from loans.calc.ratings.peers import PeerStanding, peer_standing
from loans.calc.ratings.results import RatingResult
from loans.calc.ratings.scorecard import LETTERS, METHOD_ZH, PEER_FACTOR, scorecard_on
from loans.calc.ratings.scorecard_decision import (
    SCORECARD_KIND,
    BenchmarkExcerpt,
    ScorecardInputs,
    ScorecardOutcome,
    SurrenderFacts,
)
from loans.feeds.benchmark_files import read_peers
from loans.service import facts
from loans.service.account_entries import require_consent
from loans.service.account_years import RatedYears, rated_years
from loans.service.issued_documents import verification_by
from loans.service.notes import notes_of
from loans.service.scorecard_methods import method_of_day
from loans.store import benchmarks
from loans.store import ratings as store

RATING_CHANGED = "event.rating.changed"
RATINGS_AT_ONCE_MAX = 500
_NO_DUTY = "非重点排放单位，无清缴义务"


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchmarkRelease:
    """A release of frozen peer groups as it stands on record."""

    benchmark_id: str
    released_on: date
    source: str
    enterprise_count: int
    digest: str


def freeze_benchmark_file(
    session: Session,
    actor: Actor,
    *,
    content: bytes,
    file_name: str,
    benchmark_id: str,
    released_on: date,
    source: str,
    standing: Standing,
) -> BenchmarkRelease:
    """Freeze the sample of a file as a release; the same again changes nothing.

    Raises:
        InvalidInput: The file has faults, each of them listed.
        Conflict: A release of that name stands with other samples.
    """
    peers = read_peers(content, file_name=file_name)
    card = scorecard_on(
        facts.parameters(session, actor), valid_on=standing.business_date, known_at=standing.known_at
    )  # fmt: skip
    columns = np.array(peers, dtype=np.int64)
    benchmark = freeze_benchmark(
        benchmark_id=benchmark_id, released_on=released_on, source=source, divisions=columns[:, 0],
        size_classes=columns[:, 1], intensities=columns[:, 2], terms=card.benchmark_terms,
    )  # fmt: skip
    benchmarks.add_benchmark(
        session, actor, benchmark, enterprise_count=len(peers), recorded_at=standing.known_at
    )  # fmt: skip
    return BenchmarkRelease(
        benchmark_id=benchmark_id, released_on=released_on, source=source, enterprise_count=len(peers),
        digest=benchmark.digest,
    )  # fmt: skip


def benchmark_releases(session: Session, actor: Actor, *, known_at: datetime) -> tuple[BenchmarkRelease, ...]:
    """Give the releases known at an instant, the latest first."""
    return tuple(
        BenchmarkRelease(
            benchmark_id=row.code, released_on=row.released_on, source=row.source,
            enterprise_count=row.enterprise_count, digest=row.digest,
        )
        for row in benchmarks.benchmarks_of(session, actor, known_at=known_at)
    )  # fmt: skip


def rate_by_scorecard(
    session: Session, actor: Actor, party: Party, *, year: int | None, standing: Standing
) -> Recorded[ScorecardOutcome]:
    """Rate an enterprise from its account for a year, the latest where none is named, and keep the decision.

    A letter or points other than before are told to webhooks as `event.rating.changed`.

    Raises:
        NotApplicable: Its consent is not in force.
        MissingData: The account lacks the year, or no benchmark is in force.
    """
    require_consent(session, actor, party, on=standing.business_date, known_at=standing.known_at)
    before = store.last_result(session, actor, party.id)
    method = method_of_day(session, actor, standing)
    inputs = scorecard_inputs(session, actor, party, year=year, standing=standing, method=method.parameters)
    made = make_decision(
        SCORECARD_KIND, inputs, subject=party.code, valid_on=standing.business_date, known_at=standing.known_at,
        written={"method": method.text},
    )  # fmt: skip
    recorded = keep_decision(session, actor, made)
    rating = recorded.outcome.rating
    result = RatingResult(
        party_id=party.id,
        number=1 if before is None else before.number + 1,
        year=recorded.outcome.year,
        letter=rating.letter,
        points=rating.points,
        valid_on=standing.business_date,
        known_at=standing.known_at,
        valid_to=rating.valid_to,
        decision_id=recorded.decision_id,
    )
    store.add_result(session, actor, result)
    _tell(session, actor, party, result, before)
    return recorded


def rate_many_by_scorecard(
    session: Session, actor: Actor, codes: Sequence[str], *, year: int | None, standing: Standing
) -> Batch[tuple[str, Recorded[ScorecardOutcome]]]:
    """Rate many enterprises, each as alone would be; who cannot be is named with the reason."""
    rated, failures = [], []
    for code in dict.fromkeys(codes):
        try:
            party = party_by_code(session, actor, code)
            rated.append((code, rate_by_scorecard(session, actor, party, year=year, standing=standing)))
        except CarbonFinError as error:
            failures.append(Failure.of(code, error))
    return Batch(values=tuple(rated), failures=tuple(failures))


def scorecard_inputs(
    session: Session, actor: Actor, party: Party, *, year: int | None, standing: Standing,
    method: tuple[ParameterValue, ...],
) -> ScorecardInputs:  # fmt: skip
    """Gather what a rating by the scorecard of some parameters takes.

    Raises:
        MissingData: The account lacks the year, or no benchmark is in force.
    """
    rated = rated_years(session, actor, party, year=year, standing=standing)
    current, known_at = rated.current, standing.known_at
    return ScorecardInputs(
        name=party.name,
        usci=party.code,
        rated_on=standing.business_date,
        known_on=china_day(known_at),
        current=current,
        previous=rated.previous,
        factors=rated.factors,
        division=rated.division,
        surrender=_surrender(session, actor, party, current, standing),
        previous_letter=_letter_before(session, actor, party, current.year),
        method=method,
        benchmark=benchmark_excerpt(session, actor, rated, standing),
    )


def _surrender(
    session: Session, actor: Actor, party: Party, current: YearFacts, standing: Standing
) -> SurrenderFacts:  # fmt: skip
    """Read surrenders from the compliance position; who must surrender nothing has missed nothing."""
    found = surrender_record_of(session, actor, party.id, year=current.year, standing=standing)
    if found is not None:
        return SurrenderFacts(
            allocation_t=found.allocation_t,
            obligation_t=found.obligation_t,
            surrendered_on_time_t=found.surrendered_on_time_t,
            missed_count=found.missed_count,
            source=found.source,
        )
    if current.is_key_emitter == 0:
        return SurrenderFacts(
            allocation_t=None, obligation_t=0, surrendered_on_time_t=0, missed_count=0, source=_NO_DUTY
        )
    return SurrenderFacts(
        allocation_t=None, obligation_t=None, surrendered_on_time_t=None, missed_count=None, source=""
    )


def _letter_before(session: Session, actor: Actor, party: Party, year: int) -> int | None:
    """Give the letter of the last rating of an earlier year; one of the same year is corrected, not built upon."""
    letter = store.letter_before(session, actor, party.id, year)
    return None if letter is None else LETTERS.index(letter)


def benchmark_excerpt(session: Session, actor: Actor, rated: RatedYears, standing: Standing) -> BenchmarkExcerpt:
    """Give of the release in force the peer group of an enterprise.

    Raises:
        MissingData: No benchmark was released by the day.
    """
    found = benchmarks.excerpt_on(
        session, actor, rated_on=standing.business_date, known_at=standing.known_at, division=rated.division,
        size_class=rated.current.size_class,
    )  # fmt: skip
    if found is None:
        raise no_benchmark(standing.business_date)
    return found


def no_benchmark(on: date) -> MissingData:
    """Give the refusal where no benchmark is in force."""
    return MissingData(
        f"no benchmark was released by {on}",
        zh=f"截至 {on} 没有已发布的行业基准", field="benchmark_id",
        remedy="Freeze a benchmark from a file of sector intensities first.",
        remedy_zh="请先上传行业碳强度样本并冻结为基准。",
    )  # fmt: skip


def _tell(session: Session, actor: Actor, party: Party, now: RatingResult, before: RatingResult | None) -> None:
    """Publish a rating that differs from the one before, or is the first."""
    if before is not None and (before.letter, before.points) == (now.letter, now.points):
        return
    publish(
        session,
        actor,
        subject=f"party:{party.id}",
        kind=RATING_CHANGED,
        payload={
            "party_id": party.id,
            "usci": party.code,
            "year": now.year,
            "method_zh": METHOD_ZH,
            "letter": now.letter,
            "points": None if now.points is None else str(now.points),
            "letter_before": None if before is None else before.letter,
            "points_before": None if before is None or before.points is None else str(before.points),
            "valid_to": now.valid_to.isoformat(),
            "decision_id": now.decision_id,
        },
    )


def scorecard_ratings_of(
    session: Session, actor: Actor, party_id: str, *, valid_on: date | None = None, known_at: datetime | None = None
) -> tuple[RatingResult, ...]:
    """Give the ratings of an enterprise, the latest first; those valid by a day and known by an instant where named.

    Raises:
        NotFound: The bank knows no such enterprise.
    """
    load_party(session, actor, party_id)
    return store.results_of(session, actor, party_id, valid_on=valid_on, known_at=known_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorecardView:
    """A rating on record with what it was made of and its place among peers."""

    record: DecisionRecord
    inputs: ScorecardInputs
    outcome: ScorecardOutcome
    standing: PeerStanding | None


def scorecard_view(session: Session, actor: Actor, party_id: str) -> ScorecardView | None:
    """Give the rating made last of an enterprise, None where there is none.

    Raises:
        NotFound: The bank knows no such enterprise.
    """
    load_party(session, actor, party_id)
    last = store.last_result(session, actor, party_id)
    if last is None:
        return None
    record = load_decision(session, actor, last.decision_id)
    inputs = load_inputs(session, actor, SCORECARD_KIND, record.id)
    outcome = load_outcome(session, actor, SCORECARD_KIND, record.id)
    group = inputs.benchmark.group
    own = next((line.measure for line in outcome.rating.factors if line.name == PEER_FACTOR), None)
    return ScorecardView(
        record=record, inputs=inputs, outcome=outcome, standing=None if group is None else peer_standing(group, own)
    )


def rating_report_file(session: Session, actor: Actor, party_id: str, *, standing: Standing, verified_at: str) -> bytes:
    """Set the report of the rating made last of an enterprise as PDF; the same rating gives the same bytes.

    Its reader verifies it at `verified_at`, as the operator says; empty where that is not said.

    Raises:
        NotFound: The bank knows no such enterprise, or it is not rated.
    """
    view = scorecard_view(session, actor, party_id)
    if view is None:
        raise NotFound(
            f"enterprise {party_id} has no rating by the scorecard", zh="该企业没有评分卡评级", field="party_id",
            remedy="Rate it first.", remedy_zh="请先评级。",
        )  # fmt: skip
    document = workbooks.rating_report(
        view.inputs, view.outcome, view.standing, producer=standing.name, decision_id=view.record.id,
        digest=view.record.record_digest, is_sample=standing.is_sample,
        verification=verification_by(session, actor, verified_at=verified_at),
    )  # fmt: skip
    return workbooks.rating_report_pdf(document, view.inputs, created_at=view.record.known_at)


def latest_results(session: Session, actor: Actor) -> dict[str, RatingResult]:
    """Give the rating made last of each enterprise that has one, by the enterprise's identifier."""
    return {one.party_id: one for one in store.last_results(session, actor)}


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatCell:
    """How many enterprises of a sector have a letter, and what they owe."""

    section: str
    letter: str
    enterprise_count: int
    outstanding_cny: Decimal


def rating_heat_map(session: Session, actor: Actor) -> tuple[HeatCell, ...]:
    """Count the bank's rated enterprises by sector and letter, with their loans outstanding.

    An enterprise without an industry stands under `-`, one that was refused a letter under `-` too.
    """
    owed: dict[str, Decimal] = {}
    for note in notes_of(session, actor):
        owed[note.party_id] = owed.get(note.party_id, Decimal(0)) + note.outstanding_cny
    industries = {party.id: party.industry for party in parties_of(session, actor)}
    cells: dict[tuple[str, str], tuple[int, Decimal]] = {}
    for one in store.last_results(session, actor):
        industry = industries.get(one.party_id)
        key = (industry[0] if industry else "-", one.letter or "-")
        count, sum_cny = cells.get(key, (0, Decimal(0)))
        cells[key] = (count + 1, sum_cny + owed.get(one.party_id, Decimal(0)))
    return tuple(
        HeatCell(section=section, letter=letter, enterprise_count=count, outstanding_cny=sum_cny)
        for (section, letter), (count, sum_cny) in sorted(cells.items())
    )
