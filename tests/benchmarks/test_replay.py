"""The replay benchmark makes decisions of every version again, those with a missing input too."""

from benchmarks.replay import replayed
from benchmarks.rules import versions_of


def test_every_version_is_another_table_and_every_decision_comes_out_the_same() -> None:
    assert len({table.digest for table in versions_of(50)}) == 50
    found = replayed(2_000)
    assert (found.records, found.versions, found.differences) == (2_000, 50, 0)
