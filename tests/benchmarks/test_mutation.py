"""The mutation check counts what its tool wrote down; the check itself takes half an hour and runs by `make mutation`."""

from benchmarks.mutation import Tally, tally


def test_mutants_are_counted_by_what_became_of_them() -> None:
    codes = {"a": 1, "b": 1, "c": 3, "d": 0, "e": -24, "f": 33, "g": None, "h": 36, "i": -11, "j": 1}
    counted = tally("grammar", codes)
    assert counted == Tally(module="grammar", killed_count=4, timed_out_count=2, other_count=3, survivors=("d",))
    assert (counted.mutant_count, counted.killed_ratio) == (10, 0.4)
    assert counted.line() == "| `grammar` | 10 | 4 | 1 | 2 | 3 | 40.0% |"
    assert tally("empty", {}).killed_ratio == 0.0
