"""The scorecard on columns beside a loop over the single form, the changed hundredth alone, and the bounds.

Full size is a hundred thousand enterprises of 24 inputs, three in a hundred of each missing, drawn with seed 1;
`--scale 10` is a million. The loop runs over fewer rows, since a rate is compared; it is handed ready accounts. Bounds:
a million rows in a second (from ten million on, ten million in six), and ten thousand changed ones in 20 ms; they are
of those sizes alone, since a call of few rows pays for its 24 columns first. Filling the tables is no part of a run.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from benchmarks.harness import Bound, Comparison, Contender
from loans.calc.ratings.benchmark import freeze_benchmark
from loans.calc.ratings.columns import rate_changed, rate_columns, ready_for_columns
from loans.calc.ratings.explanation import explain
from loans.calc.ratings.rating import settle
from loans.calc.ratings.rating_account import INPUTS, RatingAccount
from tests.loans.rating_worlds import DAY, frame_of, scorecard

_FULL_COUNT = 100_000
_LOOP_FULL_COUNT = 5_000
_EXPLAINED_FULL_COUNT = 50
_THREADS = 2
_MILLION_PER_S, _TEN_MILLION_PER_S = 1e6, 1e7 / 6
_TEN_MILLION_SCALE = 100


@contextmanager
def comparisons(scale: float) -> Iterator[list[Comparison]]:
    """Give whole columns, the changed hundredth and single ratings beside a loop or a bound."""
    count = max(100, int(_FULL_COUNT * scale))
    frame, rng = frame_of(count, seed=1), np.random.default_rng(2)
    benchmark = freeze_benchmark(
        benchmark_id="benchmark", released_on=DAY, source="drawn, seed 2", divisions=rng.integers(1, 98, count),
        size_classes=rng.choice(4, count, p=[0.03, 0.12, 0.45, 0.4]),
        intensities=np.exp(rng.normal(8, 1, count)).astype(np.int64), terms=scorecard().benchmark_terms,
    )  # fmt: skip
    ready = ready_for_columns(scorecard(), benchmark)
    changed = np.sort(rng.choice(count, count // 100, replace=False))
    few = frame.head(min(count, max(1, int(_LOOP_FULL_COUNT * min(scale, 1)))))
    accounts = [RatingAccount(**row) for row in few.select(INPUTS).rows(named=True)]
    explained = accounts[: max(1, int(_EXPLAINED_FULL_COUNT * min(scale, 1)))]
    rated = rate_columns(few, ready)
    assert [settle(account, scorecard(), benchmark).points for account in accounts] == rated.points.tolist()

    def loop() -> None:
        for account in accounts:
            settle(account, scorecard(), benchmark)

    def explain_each() -> None:
        for account in explained:
            explain(account, scorecard=scorecard(), benchmark=benchmark)

    def columns(threads: int) -> Contender:
        return Contender(
            name=f"columns, {threads} thread{'s' * (threads > 1)}",
            run=lambda: rate_columns(frame, ready, thread_count=threads),
            operation_count=count,
        )

    hundredth = Contender(
        name="changed rows", run=lambda: rate_changed(frame, changed, ready), operation_count=len(changed)
    )
    single = Contender(name="loop over the single form", run=loop, operation_count=len(accounts))
    told = Contender(name="explained", run=explain_each, operation_count=len(explained))
    rows_per_s = _TEN_MILLION_PER_S if scale >= _TEN_MILLION_SCALE else _MILLION_PER_S
    yield [
        _compared("all rows", columns(1), single),
        _compared("all rows, threads", columns(_THREADS), single),
        _compared("all rows, bound", columns(_THREADS), Bound(per_s=rows_per_s)),
        _compared("changed hundredth", hundredth, single),
        _compared("changed hundredth, bound", hundredth, Bound(per_s=5e5)),
        _compared("rating with explanation and counterfactuals, bound", told, Bound(per_s=40)),
    ]


def _compared(name: str, subject: Contender, comparator: Contender | Bound) -> Comparison:
    return Comparison(name=name, unit="ratings", subject=subject, comparator=comparator)
