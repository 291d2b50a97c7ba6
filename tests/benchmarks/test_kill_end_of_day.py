"""Real processes killed during the end of the day, three times on each database; the benchmark itself does fifty."""

import pytest

from benchmarks.kill_end_of_day import EFFECTS, kill_end_of_day
from tests.postgres import Postgres


@pytest.mark.parametrize("engine", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def test_what_is_killed_goes_on_and_every_effect_is_there_once(engine: str, request: pytest.FixtureRequest) -> None:
    if engine == "postgresql":
        assert isinstance(request.getfixturevalue("postgres"), Postgres)
    outcome = kill_end_of_day(engine, kills=3, seed=7, spread_s=1.5, chunk_days=6)
    assert outcome.faults == []
    assert outcome.kills.total() == 3
    assert outcome.days >= 6
    assert all(outcome.effects[table] for table in EFFECTS if table != "inbox_item")
    assert outcome.arrivals >= outcome.events > 0
    assert outcome.web_writes > 0
    assert next(outcome.lines()).startswith(f"# kill-end-of-day on {engine}: 3 kills")
