"""Questions put to the driver itself give what SQLAlchemy gives, in its types and its words."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
import sqlalchemy as sa

from carbonfin.storage.engine import Sessions, execute_prepared
from carbonfin.storage.prepared import Prepared
from carbonfin.storage.rows import table_of
from tests.statements import statements_of
from tests.storage.rows import TrialRow

_TRIALS = table_of(TrialRow)
_DEAREST = (
    sa.select(_TRIALS, (_TRIALS.c.quantity_t * 2).label("twice"))
    .where(_TRIALS.c.name == sa.bindparam("named"), _TRIALS.c.price_cny_per_t >= sa.bindparam("least"))
    .where(_TRIALS.c.id != "never")
    .order_by(_TRIALS.c.price_cny_per_t.desc())
    .limit(2)
)


def _with_three(sessions: Sessions) -> None:
    with sessions.begin() as session:
        for place, price in enumerate(("70.5", "71.25", "12")):
            session.add(
                TrialRow(
                    id=str(place), name="a", quantity_t=1000 + place, price_cny_per_t=Decimal(price),
                    terms={"b": [1, "x"], "a": None}, is_sample=True, seen_at=datetime(2025, 6, 30, 9, place, tzinfo=UTC),
                )
            )  # fmt: skip


def test_rows_and_types_are_those_of_the_long_way(sessions: Sessions) -> None:
    _with_three(sessions)
    asked = {"named": "a", "least": Decimal("70.5")}
    with sessions.read() as session:
        short = execute_prepared(session, _DEAREST, asked).all()
        long = session.connection().execute(_DEAREST, asked).all()
    assert [(one.id, one.price_cny_per_t, one.twice) for one in short] == [
        ("1", Decimal("71.25"), 2002), ("0", Decimal("70.5"), 2000),
    ]  # fmt: skip
    assert [tuple(one) for one in short] == [tuple(one) for one in long]
    assert [list(map(type, one)) for one in short] == [list(map(type, one)) for one in long]
    assert list(short[0]._mapping) == list(long[0]._mapping)


def test_a_value_that_is_not_given_is_never_taken_for_nothing(sessions: Sessions) -> None:
    with sessions.read() as session, pytest.raises((KeyError, sa.exc.StatementError)):
        execute_prepared(session, _DEAREST, {"named": "a"})


def test_a_value_of_another_type_is_refused(sessions: Sessions) -> None:
    with sessions.read() as session, pytest.raises(TypeError, match="float"):
        execute_prepared(session, _DEAREST, {"named": "a", "least": 70.5})


def test_a_question_with_a_list_is_not_prepared(sqlite_sessions: Sessions) -> None:
    question = sa.select(_TRIALS.c.id).where(_TRIALS.c.id.in_(["1", "2"]))
    with pytest.raises(AssertionError, match="list"):
        Prepared(question, sqlite_sessions.engine.dialect)


def test_a_refusal_comes_in_sqlalchemys_words_and_without_the_values(sqlite_sessions: Sessions) -> None:
    asked = {"named": "secret name", "least": Decimal(1)}
    with sqlite_sessions.begin() as session:
        session.connection().exec_driver_sql("DROP TABLE trial")
        with pytest.raises(sa.exc.OperationalError, match="no such table: trial") as caught:
            execute_prepared(session, _DEAREST, asked)
    assert "secret" not in str(caught.value)


def test_what_the_driver_is_asked_is_counted_whichever_way_it_goes_there(sessions: Sessions) -> None:
    """The tests' own count: a question put to the driver, one by itself, one of SQLAlchemy's and one over many rows."""
    _with_three(sessions)
    asked = {"named": "a", "least": Decimal("70.5")}
    of_one = sa.select(_TRIALS.c.name).where(_TRIALS.c.id == sa.bindparam("id"))
    with statements_of(sessions) as seen:
        with sessions.begin() as session:
            execute_prepared(session, _DEAREST, asked)
            session.execute(sa.select(sa.func.count()).select_from(_TRIALS)).scalar_one()
            session.execute(
                sa.update(_TRIALS).where(_TRIALS.c.id == sa.bindparam("own")).values(name=sa.bindparam("other")),
                [{"own": "0", "other": "DELETE"}, {"own": "1", "other": "it's"}],
            )
        assert sessions.ask(of_one, {"id": "1"}) == ("it's",)
    sessions.ask(of_one, {"id": "0"})
    assert [statement.split()[0] for statement in seen] == ["SELECT", "SELECT", "UPDATE", "SELECT"]
    assert not [statement for statement in seen if "DELETE" in statement or "it's" in statement]
