"""The guards of the test suite itself."""

import socket
from collections.abc import Callable

import psycopg
import pytest


def test_sockets_stay_on_this_machine() -> None:
    with socket.socket() as outward, pytest.raises(RuntimeError, match=r"203\.0\.113\.1"):
        outward.connect(("203.0.113.1", 80))
    with pytest.raises(RuntimeError, match="example"):
        socket.create_connection(("prices.example", 443), timeout=1)


def test_the_loopback_is_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()[:2]) as client:
        assert client.getpeername()[0] == "127.0.0.1"


def test_a_changed_quantlib_date_fails_the_test(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("from tests.conftest import quantlib_date_unchanged\n")
    pytester.makepyfile(
        """
        import QuantLib as ql

        def test_leaves_the_date_changed():
            ql.Settings.instance().evaluationDate = ql.Date(1, 1, 2020)

        def test_next_one_finds_it_reset():
            assert ql.Settings.instance().evaluationDate == ql.Date.todaysDate()
        """
    )
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=2, errors=1)


@pytest.mark.postgres
def test_each_test_finds_an_empty_database_in_the_declared_schema(emptied_postgres: Callable[[], str]) -> None:
    with psycopg.connect(plain(emptied_postgres())) as connection:
        connection.execute("INSERT INTO trial (id) VALUES ('left behind')")
        connection.execute("ALTER TABLE decision DISABLE TRIGGER USER")
    again = emptied_postgres()
    with psycopg.connect(plain(again)) as connection:
        assert connection.execute("SELECT count(*) FROM trial").fetchone() == (0,)
        enabled = connection.execute("SELECT DISTINCT tgenabled FROM pg_trigger WHERE NOT tgisinternal").fetchall()
    assert enabled == [("O",)]
    assert emptied_postgres() == again


def plain(url: str) -> str:
    return url.replace("postgresql+psycopg", "postgresql")
