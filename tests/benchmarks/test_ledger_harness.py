"""The ledger's harness at a small size: no breach with the guard through a `kill -9`, and breaches without it."""

from benchmarks.ledger_harness import run
from tests.postgres import Postgres


def test_the_guarded_way_keeps_every_promise_through_a_kill(postgres: Postgres) -> None:
    with postgres.database() as url:
        found = run(url, operations=320, kills=1, seed=20250630)
    assert (found.kills, found.breaches) == (1, {}), found
    assert found.operations >= 320


def test_the_naive_way_is_caught(postgres: Postgres) -> None:
    with postgres.database() as url:
        found = run(url, operations=160, kills=0, seed=20250630, is_naive=True)
    assert found.breaches, found
