"""Frozen peer groups of ratings at rest: a release, and of it the one group a rating asks for."""

from datetime import date, datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.errors import Conflict
from carbonfin.storage.engine import execute_prepared
from carbonfin.storage.rows import table_of
from loans.calc.ratings.benchmark import ALL, PeerGroup, SectorBenchmark, group_names
from loans.calc.ratings.scorecard import BenchmarkTerms
from loans.calc.ratings.scorecard_decision import BenchmarkExcerpt
from loans.models import RatingBenchmarkGroupRow, RatingBenchmarkRow

_RELEASES, _GROUPS = table_of(RatingBenchmarkRow), table_of(RatingBenchmarkGroupRow)
_RELEASE_IN_FORCE = (
    sa.select(_RELEASES)
    .where(
        _RELEASES.c.organization_id == sa.bindparam("mine"),
        _RELEASES.c.recorded_at <= sa.bindparam("known_at"),
        _RELEASES.c.released_on <= sa.bindparam("rated_on"),
    )
    .order_by(_RELEASES.c.released_on.desc(), _RELEASES.c.recorded_at.desc())
    .limit(1)
)
_GROUP = sa.select(_GROUPS).where(
    _GROUPS.c.organization_id == sa.bindparam("mine"),
    _GROUPS.c.benchmark_id == sa.bindparam("benchmark"),
    _GROUPS.c.name == sa.bindparam("name"),
)


def add_benchmark(
    session: Session, actor: Actor, benchmark: SectorBenchmark, *, enterprise_count: int, recorded_at: datetime
) -> bool:
    """Keep a release; the same again changes nothing.

    Returns:
        Whether it was written down.

    Raises:
        Conflict: A release of that name stands with other samples.
    """
    known = session.exec(
        select(RatingBenchmarkRow).where(
            RatingBenchmarkRow.organization_id == actor.organization_id,
            RatingBenchmarkRow.code == benchmark.benchmark_id,
        )
    ).one_or_none()
    if known is not None:
        if known.digest == benchmark.digest:
            return False
        raise Conflict(
            f"benchmark {benchmark.benchmark_id} stands with other samples",
            zh=f"行业基准 {benchmark.benchmark_id} 已存在且样本不同", field="benchmark_id",
            remedy="Release it under another name; a frozen benchmark is not edited.",
            remedy_zh="请以新的名称发布；冻结的基准不可改动。",
        )  # fmt: skip
    row = RatingBenchmarkRow(
        organization_id=actor.organization_id,
        code=benchmark.benchmark_id,
        released_on=benchmark.released_on,
        source=benchmark.source,
        enterprise_count=enterprise_count,
        digest=benchmark.digest,
        recorded_by=actor.id,
        recorded_at=recorded_at,
    )
    session.add(row)
    session.flush()
    for group in benchmark.groups:
        session.add(
            RatingBenchmarkGroupRow(
                organization_id=actor.organization_id,
                benchmark_id=row.id,
                name=group.name,
                peer_count=group.peer_count,
                sample=[list(group.values), list(group.through)],
            )
        )
    session.flush()
    return True


def benchmarks_of(session: Session, actor: Actor, *, known_at: datetime) -> tuple[RatingBenchmarkRow, ...]:
    """Give the releases known at an instant, the latest first."""
    return tuple(
        session.exec(
            select(RatingBenchmarkRow)
            .where(
                RatingBenchmarkRow.organization_id == actor.organization_id,
                col(RatingBenchmarkRow.recorded_at) <= known_at,
            )
            .order_by(col(RatingBenchmarkRow.released_on).desc(), col(RatingBenchmarkRow.recorded_at).desc())
        ).all()
    )


def _in_force(session: Session, actor: Actor, *, rated_on: date, known_at: datetime) -> RatingBenchmarkRow | None:
    return next((one for one in benchmarks_of(session, actor, known_at=known_at) if one.released_on <= rated_on), None)


def benchmark_on(
    session: Session, actor: Actor, *, rated_on: date, known_at: datetime, terms: BenchmarkTerms
) -> SectorBenchmark | None:
    """Give the whole release in force on a day, None where none was released; `terms` are those of the day's method."""
    row = _in_force(session, actor, rated_on=rated_on, known_at=known_at)
    if row is None:
        return None
    found = session.exec(
        select(RatingBenchmarkGroupRow).where(
            RatingBenchmarkGroupRow.organization_id == actor.organization_id,
            RatingBenchmarkGroupRow.benchmark_id == row.id,
        )
    ).all()
    groups = tuple(
        PeerGroup(name=one.name, peer_count=one.peer_count, values=tuple(one.sample[0]), through=tuple(one.sample[1]))
        for one in sorted(found, key=lambda one: (len(one.name) if one.name != ALL else 0, one.name))
    )
    return SectorBenchmark(
        benchmark_id=row.code, released_on=row.released_on, source=row.source, groups=groups, terms=terms,
        digest=row.digest, places={group.name: place for place, group in enumerate(groups)},
    )  # fmt: skip


def excerpt_on(
    session: Session, actor: Actor, *, rated_on: date, known_at: datetime, division: int | None, size_class: int | None
) -> BenchmarkExcerpt | None:
    """Give of the release in force on a day the nearest group of a division and size, None where none was released."""
    asked = {"mine": actor.organization_id, "rated_on": rated_on, "known_at": known_at}
    row = execute_prepared(session, _RELEASE_IN_FORCE, asked).one_or_none()
    if row is None:
        return None
    group = None
    if division is not None and size_class is not None:
        nearest = next(
            found
            for name in reversed(group_names(division, size_class))
            for found in execute_prepared(session, _GROUP, {**asked, "benchmark": row.id, "name": name})
        )
        values, through = nearest.sample
        group = PeerGroup(
            name=nearest.name, peer_count=nearest.peer_count, values=tuple(values), through=tuple(through)
        )
    return BenchmarkExcerpt(
        benchmark_id=row.code, released_on=row.released_on, source=row.source, digest=row.digest, group=group
    )
