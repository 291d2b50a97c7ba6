"""Databases of both kinds for tests, and guards: QuantLib's date stays as it was, no socket leaves this machine.

`sessions` runs a test on SQLite and on PostgreSQL, each with an empty database of its own in the current schema;
`sqlite_sessions` runs it on SQLite alone; `database_url` gives the address where a test opens its own sessions.
"""

import ipaddress
import os
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import sqlalchemy as sa

from carbonfin.app.tables import all_tables
from carbonfin.storage.engine import Sessions, open_engine
from carbonfin.storage.rows import metadata
from tests.postgres import Postgres, PostgresMissing

_DIRECTORY_VARIABLE = "CARBONFIN_TEST_POSTGRES_DIRECTORY"
pytest_plugins = ("pytester",)
# No test is timed: how long an example takes says how busy the machine is.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")
_WORLDS = frozenset({"browser", "journeys"})
ENGINES = ("sqlite", pytest.param("postgresql", marks=pytest.mark.postgres))


def import_tables() -> None:
    """Import every module that declares tables, the tests' own too."""
    import_module("tests.storage.rows")
    all_tables()


def build_schema(engine: sa.Engine) -> None:
    """Make the schema that tests run on."""
    import_tables()
    with engine.begin() as connection:
        metadata.create_all(connection)


def _build_at(url: str) -> None:
    engine = open_engine(url)
    build_schema(engine)
    engine.dispose()


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        os.environ[_DIRECTORY_VARIABLE] = str(Postgres.make_directory())


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of a module that serves a whole world in one process: to lay the world out takes longest."""
    for item in items:
        if item.path.parent.name in _WORLDS and item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(item.path.stem))


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        Postgres(Path(os.environ.pop(_DIRECTORY_VARIABLE))).close()


@pytest.fixture(scope="session")
def postgres() -> Postgres:
    """The PostgreSQL server of this test session; the test is skipped where there is none."""
    server = Postgres(Path(os.environ[_DIRECTORY_VARIABLE]))
    try:
        server.url()
    except PostgresMissing as missing:
        pytest.skip(f"PostgreSQL: {missing}")
    return server


@pytest.fixture(scope="session")
def emptied_postgres(postgres: Postgres) -> Iterator[Callable[[], str]]:
    """Gives the address of an empty PostgreSQL database in the current schema, each time it is called."""
    with postgres.emptied_databases(template=postgres.template(_build_at)) as take:
        yield take


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty SQLite database in the current schema, to be copied."""
    path = tmp_path_factory.mktemp("template") / "carbonfin.db"
    _build_at(f"sqlite:///{path}")
    return path


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """The address of a fresh SQLite database in the current schema."""
    path = tmp_path / "carbonfin.db"
    shutil.copyfile(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture(params=ENGINES)
def database_url(request: pytest.FixtureRequest) -> str:
    """The address of an empty database in the current schema, of each kind in turn."""
    if request.param == "sqlite":
        return str(request.getfixturevalue("sqlite_url"))
    return str(request.getfixturevalue("emptied_postgres")())


@pytest.fixture(params=ENGINES)
def empty_database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a fresh database without any table, of each kind in turn."""
    if request.param == "sqlite":
        yield f"sqlite:///{request.getfixturevalue('tmp_path') / 'empty.db'}"
        return
    server: Postgres = request.getfixturevalue("postgres")
    with server.database() as url:
        yield url


@pytest.fixture
def sessions(database_url: str) -> Iterator[Sessions]:
    """Sessions on a fresh database, of each kind in turn."""
    engine = open_engine(database_url)
    with ExitStack() as stack:
        stack.callback(engine.dispose)
        yield Sessions(engine)


@pytest.fixture
def sqlite_sessions(sqlite_url: str) -> Iterator[Sessions]:
    """Sessions on a fresh SQLite database, for tests where the kind cannot matter."""
    engine = open_engine(sqlite_url)
    with ExitStack() as stack:
        stack.callback(engine.dispose)
        yield Sessions(engine)


def _quantlib_date() -> str | None:
    """Give QuantLib's evaluation date; None where it is not loaded, or follows the day as it does by default."""
    quantlib = sys.modules.get("QuantLib")
    if quantlib is None:
        return None
    date = quantlib.Settings.instance().evaluationDate
    return None if date == quantlib.Date.todaysDate() else str(date.ISO())


@pytest.fixture(autouse=True)
def quantlib_date_unchanged() -> Iterator[None]:
    """Fail a test that leaves QuantLib's evaluation date changed: the next test would get wrong numbers."""
    before = _quantlib_date()
    yield
    after = _quantlib_date()
    if before != after:
        sys.modules["QuantLib"].Settings.instance().resetEvaluationDate()
        pytest.fail(f"QuantLib's evaluation date was left at {after}; use quantlib_on")


def _is_local(host: object) -> bool:
    text = str(host, "ascii") if isinstance(host, bytes) else str(host)
    if host is None or text in {"", "localhost", socket.gethostname()}:
        return True
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


@pytest.fixture(autouse=True, scope="session")
def loopback_only() -> Iterator[None]:
    """Refuse names and connections beyond this machine."""
    connect, connect_ex, send_to, look_up = (
        socket.socket.connect, socket.socket.connect_ex, socket.socket.sendto, socket.getaddrinfo,
    )  # fmt: skip

    def guard(address: Any) -> None:
        if isinstance(address, tuple) and not _is_local(address[0]):
            raise RuntimeError(f"tests stay on this machine; {address[0]} was asked for")

    def guarded_connect(self: socket.socket, address: Any) -> None:
        guard(address)
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any) -> int:
        guard(address)
        return connect_ex(self, address)

    def guarded_send_to(self: socket.socket, content: Any, *rest: Any) -> int:
        guard(rest[-1])
        return send_to(self, content, *rest)

    def guarded_look_up(host: Any, *rest: Any, **named: Any) -> Any:
        guard((host,))
        return look_up(host, *rest, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded_connect)
        patch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
        patch.setattr(socket.socket, "sendto", guarded_send_to)
        patch.setattr(socket, "getaddrinfo", guarded_look_up)
        yield
