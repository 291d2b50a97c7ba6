"""The scorecard on a table of accounts as a bank's own warehouse holds it: in one call, or as SQL that runs there.

Nothing is kept and no decision is made: whoever brings the table answers for the consents behind it.
"""

from dataclasses import dataclass

import polars as pl
from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.storage.parties import Standing
from loans.calc.ratings.columns import ColumnScorecard, faults_of, rate_columns, ready_for_columns
from loans.calc.ratings.rating_account import INPUTS
from loans.calc.ratings.scorecard import scorecard_on
from loans.calc.ratings.scorecard_sql import peer_frames, scorecard_sql
from loans.feeds.rating_tables import rating_table_file, read_rating_table
from loans.service import facts
from loans.service.scorecard import no_benchmark
from loans.store import benchmarks

_THREADS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class RatedTable:
    """A table that was rated: the other columns of each row with its rating, and what lies outside its limits."""

    frame: pl.DataFrame
    faults: pl.DataFrame


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorecardSql:
    """The method of the day as SQL, with the two tables of frozen peers that it joins, as Parquet."""

    text: str
    peer_group: bytes
    peer_step: bytes


def rate_table_file(
    session: Session, actor: Actor, *, content: bytes, file_name: str, standing: Standing
) -> RatedTable:  # fmt: skip
    """Rate every row of a Parquet or CSV table by the method and the peers of the day; nothing is kept.

    Raises:
        InvalidInput: The file cannot be read, or an input is no column of whole numbers.
        MissingData: No benchmark is in force.
    """
    ready = _ready(session, actor, standing)
    frame = read_rating_table(content, file_name=file_name)
    rated = rate_columns(frame, ready, thread_count=_THREADS).frame(ready)
    handed = frame.select(pl.exclude(INPUTS))
    return RatedTable(
        frame=pl.concat([handed, rated.select(pl.exclude(handed.columns))], how="horizontal"), faults=faults_of(frame)
    )  # fmt: skip


def scorecard_as_sql(
    session: Session, actor: Actor, *, relation: str, keys: tuple[str, ...], standing: Standing
) -> ScorecardSql:
    """Write the method and the peers of the day for a warehouse: tables `peer_group` and `peer_step` go beside it.

    Raises:
        InvalidInput: The relation or a key has no plain lower-case name.
        MissingData: No benchmark is in force.
    """
    ready = _ready(session, actor, standing)
    groups, steps = peer_frames(ready)
    return ScorecardSql(
        text=scorecard_sql(ready.scorecard, relation=relation, groups="peer_group", steps="peer_step", keys=keys),
        peer_group=rating_table_file(groups, file_name="peer_group.parquet"),
        peer_step=rating_table_file(steps, file_name="peer_step.parquet"),
    )


def _ready(session: Session, actor: Actor, standing: Standing) -> ColumnScorecard:
    on, known_at = standing.business_date, standing.known_at
    card = scorecard_on(facts.parameters(session, actor), valid_on=on, known_at=known_at)
    found = benchmarks.benchmark_on(session, actor, rated_on=on, known_at=known_at, terms=card.benchmark_terms)
    if found is None:
        raise no_benchmark(on)
    return ready_for_columns(card, found)
