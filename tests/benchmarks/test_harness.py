"""The harness runs every benchmark at tiny size; how fast anything is, no test says."""

import json

import numpy as np
import pytest

from benchmarks import portfolio
from benchmarks.__main__ import BENCHMARKS, main
from benchmarks.harness import Bound, Comparison, Contender, measure

TINY = ["--runs", "2", "--scale", "0.001"]


@pytest.mark.parametrize("name", BENCHMARKS)
def test_every_benchmark_runs(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([name, *TINY]) == 0
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.startswith(f"# {name}: load ")
    assert rows
    assert all(": " in row and "(" in row and "/s, " in row for row in rows)


def test_json_tells_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schedule", "--json", *TINY]) == 0
    told = json.loads(capsys.readouterr().out)["schedule"]
    assert told["load"]["cpu_count"] >= 1
    assert all(row["ratio"] > 0 and row["runs"] == 2 for row in told["rows"])


def test_an_unknown_benchmark_is_named() -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["nothing"])
    assert stopped.value.code == 2


def test_sides_take_turns() -> None:
    calls: list[str] = []
    sides = [Contender(name=name, run=lambda name=name: calls.append(name), operation_count=1) for name in "ab"]
    row = measure(Comparison(name="x", unit="calls", subject=sides[0], comparator=sides[1]), runs=3)
    assert calls == ["a", "b", *"ab", *"ba", *"ab"]
    assert row.runs == 3


def test_a_bound_is_a_rate_to_be_reached() -> None:
    subject = Contender(name="a", run=lambda: None, operation_count=1_000_000)
    row = measure(Comparison(name="x", unit="calls", subject=subject, comparator=Bound(per_s=50.0)), runs=3)
    assert (row.comparator, row.comparator_per_s) == ("bound", pytest.approx(50.0))
    assert row.ratio == pytest.approx(row.subject_per_s / 50.0)


def test_both_sides_of_the_portfolio_value_the_same_forwards() -> None:
    with portfolio.comparisons(0.001) as (_, against_quantlib):
        ours = np.asarray(against_quantlib.subject.run())
        assert isinstance(against_quantlib.comparator, Contender)
        count = against_quantlib.comparator.operation_count
        theirs = float(str(against_quantlib.comparator.run()))
    # QuantLib's forwards all buy; ours buy and sell in turn.
    assert theirs == pytest.approx(float(np.sum(np.abs(ours[:count]))) * -1, rel=1e-9)
