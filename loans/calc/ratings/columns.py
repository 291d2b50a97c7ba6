"""The same scorecard on columns: measures by the same formulas, points by tables that the single form fills.

Each anchored factor is one look-up in a table of its span, the peer factor one search in all groups' samples at once.
The tables are plain arrays: they pickle, and a piece of the rows can be rated anywhere.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt
import polars as pl

from carbonfin.kernel.errors import InvalidInput
from loans.calc.ratings.benchmark import SectorBenchmark
from loans.calc.ratings.measures import MEASURES, IntArray
from loans.calc.ratings.rating import UNRATED
from loans.calc.ratings.rating_account import DIVISION_COUNT, INPUTS, LIMITS, PARTS, SizeClass
from loans.calc.ratings.scorecard import CUT_FACTOR, FULL, LETTERS, METHOD_ZH, WORST, Factor, Scorecard, points_of

BoolArray = npt.NDArray[np.bool_]
PointArray = npt.NDArray[np.int32]
_CHUNK = 65_536  # rows whose columns stay in the cache
_GROUP_BITS = 40  # a sample's key is its group, then its intensity
INVALID = UNRATED + 1
OUTCOMES = (*LETTERS, "REFUSED", "INVALID")


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerTable:
    """Every group's sample in one ascending array, and the points of standing on a value or between two.

    Attributes:
        group_at: Place of the group by division and size, shape (98, 4).
        keys: Group and intensity, shape (values,).
        lowest, highest: Ends of each group's sample, shape (groups,).
        on, between: Points for both kinds of enterprise, on a value and just below it, shape (2, values).
        enough: Whether each group has the peers asked, shape (groups,).
    """

    group_at: IntArray
    keys: IntArray
    lowest: IntArray
    highest: IntArray
    on: PointArray
    between: PointArray
    enough: BoolArray


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnScorecard:
    """A scorecard and a benchmark made ready for columns.

    Attributes:
        tables: Points of each anchored factor by kind and measure from its first corner on, shape (2, span).
        cut_table: The same out of 100 points for the emission-cut sub-score, shape (span,).
    """

    scorecard: Scorecard
    benchmark_id: str
    benchmark_digest: str
    peers: PeerTable
    tables: dict[str, PointArray]
    cut_table: PointArray
    letter_at: npt.NDArray[np.int8]
    ceilings: PointArray


@dataclass(frozen=True, slots=True, kw_only=True)
class RatedColumns:
    """Ratings of many enterprises, in the whole numbers of `Settled`; one row each.

    Attributes:
        letter: 0 for A to 4 for E, 5 refused, 6 an input outside its limits; int8.
        by_factor: Shape (factors, rows).
    """

    letter: npt.NDArray[np.int8]
    points: PointArray
    cut_points: PointArray
    coverage: PointArray
    confidence: npt.NDArray[np.int8]
    group: PointArray
    gates: npt.NDArray[np.int8]
    by_factor: PointArray

    def with_changed(self, places: npt.NDArray[np.int64], changed: "RatedColumns") -> "RatedColumns":
        """Give the ratings with those at `places` replaced."""
        columns = {}
        for field in fields(self):
            column = getattr(self, field.name).copy()
            column[..., places] = getattr(changed, field.name)
            columns[field.name] = column
        return RatedColumns(**columns)

    def frame(self, ready: ColumnScorecard) -> pl.DataFrame:
        """Give the columns a reader takes: letter in words, points as exact decimals, null where refused or invalid."""
        rated = pl.col("letter") < UNRATED
        names = [factor.name for factor in ready.scorecard.factors]
        words = pl.Enum(OUTCOMES)
        frame = pl.DataFrame(
            {
                "letter": self.letter, "points": self.points, "cut_points": self.cut_points,
                "coverage_ratio": self.coverage, "confidence": self.confidence,
                **{f"points_{name}": self.by_factor[place] for place, name in enumerate(names)},
            }
        )  # fmt: skip
        confidences = [*(asked.name for asked in ready.scorecard.confidences), "low"]
        return frame.with_columns(
            *(pl.when(rated).then(_decimal(name, 2)).alias(name) for name in ("points", "cut_points")),
            _decimal("coverage_ratio", 4),
            *(_decimal(f"points_{name}", 2) for name in names),
            pl.col("confidence").replace_strict(dict(enumerate(confidences)), return_dtype=pl.Enum(confidences)),
            pl.col("letter").replace_strict(dict(enumerate(OUTCOMES)), return_dtype=words).alias("outcome"),
            pl.lit(METHOD_ZH).alias("method"),
            pl.lit(ready.benchmark_id).alias("benchmark_id"),
            pl.lit(ready.scorecard.digest).alias("scorecard_digest"),
        ).drop("letter")


def _decimal(name: str, places: int) -> pl.Expr:
    exact = pl.Decimal(18, places)
    shifted: pl.Expr = pl.col(name).cast(exact) / pl.lit(10**places)
    return shifted.cast(exact).alias(name)


def ready_for_columns(scorecard: Scorecard, benchmark: SectorBenchmark) -> ColumnScorecard:
    """Fill the tables with the single form's own points, once for all rows."""
    anchored = [factor for factor in scorecard.factors if factor.anchors is not None]
    cut = next(factor for factor in anchored if factor.name == CUT_FACTOR)
    peer = next(factor for factor in scorecard.factors if factor.anchors is None)
    return ColumnScorecard(
        scorecard=scorecard,
        benchmark_id=benchmark.benchmark_id,
        benchmark_digest=benchmark.digest,
        peers=_peer_table(peer, benchmark, scorecard.benchmark_terms.peers_min),
        tables={factor.name: np.array([_span(factor, weight) for weight in factor.weights]) for factor in anchored},
        cut_table=_span(cut, FULL),
        letter_at=np.array(scorecard.letter_at, dtype=np.int8),
        ceilings=np.array([scorecard.ceiling(cap) for cap in range(len(LETTERS))] + [0], dtype=np.int32),
    )


def _span(factor: Factor, weight: int) -> PointArray:
    """Give the points of every measure from the first corner to the last."""
    assert factor.anchors is not None, "the peer factor has no span"
    at = factor.anchors.at
    earned = (factor.anchors.earned(measure) for measure in range(at[0], at[-1] + 1))
    return np.array([points_of(*share, weight) for share in earned], dtype=np.int32)


def _peer_table(factor: Factor, benchmark: SectorBenchmark, peers_min: int) -> PeerTable:
    keys, on, between = [], [], []
    for place, group in enumerate(benchmark.groups):
        whole, before = 2 * group.through[-1], 0
        for value, through in zip(group.values, group.through, strict=True):
            keys.append((place << _GROUP_BITS) + value)
            on.append([points_of(whole - before - through, whole, weight) for weight in factor.weights])
            between.append([points_of(whole - 2 * before, whole, weight) for weight in factor.weights])
            before = through
    group_at = [
        [benchmark.group_place(max(division, 1), size) for size in range(len(SizeClass))]
        for division in range(DIVISION_COUNT + 1)
    ]
    return PeerTable(
        group_at=np.array(group_at, dtype=np.int64),
        keys=np.array(keys, dtype=np.int64),
        lowest=np.array([group.values[0] for group in benchmark.groups], dtype=np.int64),
        highest=np.array([group.values[-1] for group in benchmark.groups], dtype=np.int64),
        on=np.array(on, dtype=np.int32).T.copy(),
        between=np.array(between, dtype=np.int32).T.copy(),
        enough=np.array([group.peer_count >= peers_min for group in benchmark.groups]),
    )


class _Rows:
    """A piece of the rows: int64 values with 0 for what is not known, and where it is known."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self.count = frame.height
        # Two questions for all columns, not two for each: a question costs more than ten thousand of its answers.
        whole = frame.select(pl.col(INPUTS).cast(pl.Int64).fill_null(0))
        lacking = [name for name in INPUTS if frame.get_column(name).null_count()]
        known = frame.select(pl.col(lacking).is_not_null())
        self.values: dict[str, IntArray] = {name: whole.get_column(name).to_numpy() for name in INPUTS}
        self.known: dict[str, BoolArray | None] = dict.fromkeys(INPUTS)
        self.known.update((name, known.get_column(name).to_numpy()) for name in lacking)

    def all_known(self, names: tuple[str, ...]) -> BoolArray:
        """Give where every one of the names is known."""
        masks = [mask for mask in (self.known[name] for name in names) if mask is not None]
        return np.logical_and.reduce(masks) if masks else np.ones(self.count, dtype=np.bool_)


def faults_of(frame: pl.DataFrame) -> pl.DataFrame:
    """Give each row and input outside its limits, and each part larger than its whole: `row`, `field`, `value`.

    Raises:
        InvalidInput: An input is no column of the frame, or no column of whole numbers.
    """
    _refuse_columns(frame)
    wrong = [(name, ~pl.col(name).is_between(*LIMITS[name])) for name in INPUTS]
    wrong += [(part, pl.col(part) > pl.col(whole)) for part, whole in PARTS]
    numbered = frame.lazy().select(*INPUTS).with_row_index("row")
    found = [
        numbered.filter(fault).select("row", pl.lit(name).alias("field"), pl.col(name).cast(pl.Int64).alias("value"))
        for name, fault in wrong
    ]
    return pl.concat(found).collect().unique().sort("row", "field")


def _refuse_columns(frame: pl.DataFrame) -> None:
    schema = frame.schema
    for name in INPUTS:
        if name not in schema or not (schema[name].is_integer() or schema[name] == pl.Null):
            raise InvalidInput(
                f"column {name} must be there and hold whole numbers",
                zh=f"缺少整数列 {name}",
                field=name,
                remedy=f"Give every input as a column: {', '.join(INPUTS)}.",
                remedy_zh="请按模板提供全部数据列。",
            )


def rate_columns(frame: pl.DataFrame, ready: ColumnScorecard, *, thread_count: int = 1) -> RatedColumns:
    """Rate every row as `settle` rates one enterprise; rows with an input outside its limits come out INVALID.

    The rows are rated in pieces, which threads share out; how many makes no difference to the answer.

    Raises:
        InvalidInput: An input is no column of the frame, or no column of whole numbers.
    """
    _refuse_columns(frame)
    starts = range(0, max(frame.height, 1), _CHUNK)

    def rated(start: int) -> RatedColumns:
        return _rate_piece(_Rows(frame[start : start + _CHUNK]), ready)

    if thread_count == 1 or len(starts) == 1:
        pieces = [rated(start) for start in starts]
    else:
        with ThreadPoolExecutor(thread_count) as threads:
            pieces = list(threads.map(rated, starts))
    return _joined(pieces)


def rate_changed(frame: pl.DataFrame, places: npt.NDArray[np.int64], ready: ColumnScorecard) -> RatedColumns:
    """Rate only the rows at `places` anew, by the same frozen tables; `with_changed` puts them among the others."""
    return rate_columns(frame.select(INPUTS)[places], ready)


def _joined(pieces: list[RatedColumns]) -> RatedColumns:
    if len(pieces) == 1:
        return pieces[0]
    names = [field.name for field in fields(RatedColumns)]
    return RatedColumns(**{name: np.concatenate([getattr(piece, name) for piece in pieces], axis=-1) for name in names})


def _rate_piece(rows: _Rows, ready: ColumnScorecard) -> RatedColumns:
    card, values = ready.scorecard, rows.values
    invalid = _invalid(rows)
    kind = values["is_key_emitter"] == 1
    by_factor = np.zeros((len(card.factors), rows.count), dtype=np.int32)
    coverage, cut = np.zeros(rows.count, dtype=np.int32), np.zeros(rows.count, dtype=np.int32)
    group, group_known = _groups(rows, ready.peers)
    for place, factor in enumerate(card.factors):
        measure, known = _measured(factor.name, rows)
        if factor.anchors is None:
            known &= group_known
            by_factor[place] = _peer_points(measure, group, kind, ready.peers) * known
        else:
            first, last = factor.anchors.at[0], factor.anchors.at[-1]
            offset = np.clip(measure, first, last) - first
            table = ready.tables[factor.name]
            by_factor[place] = np.take(table.ravel(), offset + kind * table.shape[1]) * known
            if factor.name == CUT_FACTOR:
                cut = ready.cut_table[offset] * known
        coverage += np.where(kind, factor.weights[1], factor.weights[0]).astype(np.int32) * known
    points = by_factor.sum(axis=0, dtype=np.int32)
    gates, cap = _gates(rows, card)
    refused = (cap == UNRATED) | (coverage < card.coverage_min) | ~rows.all_known(("is_key_emitter",))
    cap = np.where(refused, UNRATED, cap)
    letter = np.maximum(_letters(points, rows, ready), cap)
    ceiling = ready.ceilings[cap]
    standing = np.where(group_known, group, -1).astype(np.int32)
    return RatedColumns(
        letter=np.where(invalid, INVALID, letter).astype(np.int8),
        points=np.where(invalid, 0, np.minimum(points, ceiling)).astype(np.int32),
        cut_points=np.where(invalid, 0, np.minimum(cut, ceiling)).astype(np.int32),
        coverage=coverage,
        confidence=_confidence(rows, coverage, standing, ready),
        group=standing,
        gates=gates,
        by_factor=by_factor,
    )


def _invalid(rows: _Rows) -> BoolArray:
    """Find rows outside the limits, and make their values harmless: such a row is rated all the same and dropped."""
    invalid = np.zeros(rows.count, dtype=np.bool_)
    for name, (least, most) in LIMITS.items():
        values = rows.values[name]
        if values.size and (values.min() < least or values.max() > most):
            outside = (values < least) | (values > most)
            known = rows.known[name]
            invalid |= outside if known is None else outside & known
            rows.values[name] = np.clip(values, least, most)
    for part, whole in PARTS:
        invalid |= (rows.values[part] > rows.values[whole]) & rows.all_known((part, whole))
    return invalid


def _groups(rows: _Rows, peers: PeerTable) -> tuple[IntArray, BoolArray]:
    return peers.group_at[rows.values["division"], rows.values["size_class"]], rows.all_known(
        ("division", "size_class")
    )


def _measured(name: str, rows: _Rows) -> tuple[IntArray, BoolArray]:
    """Give a factor's measure and where it is known and defined; elsewhere it is some number."""
    measure = MEASURES[name]
    known = rows.all_known(measure.needs)
    taken: dict[str, IntArray] = {field: rows.values[field] for field in measure.inputs}
    for field in measure.above_zero:
        known = known & (taken[field] > 0)
        taken[field] = np.maximum(taken[field], 1)
    for flag in measure.flags:
        known = known & (rows.values[flag] == 1)
    return np.asarray(measure.value(*taken.values())), known


def _peer_points(measure: IntArray, group: IntArray, kind: BoolArray, peers: PeerTable) -> PointArray:
    value = np.clip(measure, peers.lowest[group], peers.highest[group])
    wanted = (group << _GROUP_BITS) + value
    place = _places(peers.keys, wanted)
    flat = place + kind * peers.keys.size
    return np.where(peers.keys[place] == wanted, peers.on.ravel()[flat], peers.between.ravel()[flat])


def _places(keys: IntArray, wanted: IntArray) -> IntArray:
    """Give where each of the wanted stands among ascending keys, as `searchsorted` does.

    In ascending order they are looked up several times as fast: each search begins where the one before it left the
    cache warm, and the sorting costs less than that.
    """
    order = np.argsort(wanted)
    places = np.empty(wanted.size, dtype=np.int64)
    places[order] = np.searchsorted(keys, wanted[order])
    return places


def _gates(rows: _Rows, card: Scorecard) -> tuple[npt.NDArray[np.int8], IntArray]:
    tripped, cap = np.zeros(rows.count, dtype=np.int8), np.zeros(rows.count, dtype=np.int64)
    for place, gate in enumerate(card.gates):
        unknown = ~rows.all_known((gate.name,))
        trips = unknown | (rows.values[gate.name] >= gate.trips_from)
        tripped |= (trips << place).astype(np.int8)
        cap = np.maximum(cap, np.where(trips, UNRATED if gate.cap is None else gate.cap, 0))
        cap = np.where(unknown, UNRATED, cap)
    return tripped, cap


def _letters(points: PointArray, rows: _Rows, ready: ColumnScorecard) -> IntArray:
    hysteresis = ready.scorecard.hysteresis
    best = ready.letter_at[np.minimum(points + hysteresis, FULL)]
    worst = ready.letter_at[np.maximum(points - hysteresis, 0)]
    previous = np.where(rows.all_known(("previous_letter",)), rows.values["previous_letter"], WORST)
    return np.minimum(np.maximum(previous, best), worst)


def _confidence(rows: _Rows, coverage: PointArray, group: PointArray, ready: ColumnScorecard) -> npt.NDArray[np.int8]:
    quality, known = rows.values["data_quality_grade"], rows.all_known(("data_quality_grade",))
    asked = ready.scorecard.confidences
    found = np.full(rows.count, len(asked), dtype=np.int8)
    for place in range(len(asked) - 1, -1, -1):
        holds = known & (coverage >= asked[place].coverage_min) & (quality <= asked[place].data_quality_max)
        if place == 0:
            holds &= (group >= 0) & ready.peers.enough[np.maximum(group, 0)]
        found[holds] = place
    return found
