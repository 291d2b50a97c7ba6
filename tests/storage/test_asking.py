"""Questions of one row on the connection kept for them."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy import event

from carbonfin.storage.engine import Sessions
from carbonfin.storage.rows import table_of
from tests.storage.rows import TrialRow

_TRIALS = table_of(TrialRow)
_PRICE = sa.select(_TRIALS.c.price_cny_per_t).where(_TRIALS.c.id == sa.bindparam("trial_id"))
SEEN_AT = datetime(2025, 6, 30, 9, tzinfo=UTC)


def _with_two(sessions: Sessions) -> None:
    with sessions.begin() as session:
        for trial_id, price in (("a", "70.5"), ("b", "12")):
            session.add(
                TrialRow(
                    id=trial_id, name=trial_id, quantity_t=1000, price_cny_per_t=Decimal(price), terms={},
                    is_sample=True, seen_at=SEEN_AT,
                )
            )  # fmt: skip


def _price(sessions: Sessions, trial_id: str) -> Decimal | None:
    row = sessions.ask(_PRICE, {"trial_id": trial_id})
    return None if row is None else row.price_cny_per_t


def test_the_answer_is_what_others_committed_last(sessions: Sessions) -> None:
    _with_two(sessions)
    assert _price(sessions, "a") == Decimal("70.5")
    with sessions.begin() as session:
        session.execute(sa.update(_TRIALS).where(_TRIALS.c.id == "a").values(price_cny_per_t=Decimal(71)))
        assert _price(sessions, "a") == Decimal("70.5")
    assert _price(sessions, "a") == Decimal(71)
    assert _price(sessions, "nothing") is None


def test_sqlite_is_asked_past_the_pool_and_again_after_its_engine_was_closed(sqlite_sessions: Sessions) -> None:
    _with_two(sqlite_sessions)
    assert sqlite_sessions.answers_at_once
    assert _price(sqlite_sessions, "b") == Decimal(12)
    taken: list[object] = []
    event.listen(sqlite_sessions.engine, "checkout", lambda *given: taken.append(given))
    assert _price(sqlite_sessions.at_the_door(), "b") == Decimal(12)
    assert taken == []
    sqlite_sessions.engine.dispose()
    assert _price(sqlite_sessions, "b") == Decimal(12)
    assert len(taken) == 1


def test_many_threads_each_get_their_own_row(sessions: Sessions) -> None:
    _with_two(sessions)
    with ThreadPoolExecutor(8) as threads:
        prices = list(threads.map(lambda place: _price(sessions, "ab"[place % 2]), range(1_000)))
    assert prices == [Decimal("70.5"), Decimal(12)] * 500
