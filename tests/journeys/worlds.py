"""The sample world behind the journeys: made once in a test session, copied for each test that changes it."""

import atexit
import hashlib
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import sqlalchemy as sa

from carbonfin.app.demo.people import SAMPLE_PASSWORD
from carbonfin.app.demo.run import Demo, DemoOutcome
from carbonfin.app.settings import Settings, settings_from
from carbonfin.app.tables import all_tables
from carbonfin.kernel.dates import FixedClock
from carbonfin.storage.engine import Sessions, open_engine
from carbonfin.storage.schema import upgrade

CLOCK = FixedClock(datetime(2026, 3, 2, 4, 0, tzinfo=UTC))
PASSWORD = SAMPLE_PASSWORD
DATABASE_FILE = "carbonfin.db"
ONLY_LOOKED_AT = frozenset({"api_key", "security_event", "web_session", "user_account"})
"""Tables that note when a visitor was last seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleCopy:
    """A copy of the sample world's folder, with its own database."""

    folder: Path
    outcome: DemoOutcome

    @property
    def environment(self) -> dict[str, str]:
        """What `carbonfin` needs to work on this copy."""
        return {"CARBONFIN_VAR": str(self.folder), "CARBONFIN_DATABASE_URL": self.url}

    @property
    def url(self) -> str:
        """The address of the copy's database."""
        return f"sqlite:///{self.folder / DATABASE_FILE}"

    @property
    def settings(self) -> Settings:
        """The settings of the copy, with the secret its keys were sealed by."""
        return settings_from(self.environment)

    @contextmanager
    def opened(self) -> Iterator[Sessions]:
        """Open the copy's database for the block."""
        with opened(self.url) as sessions:
            yield sessions

    def copied(self, folder: Path) -> "SampleCopy":
        """Copy the whole folder elsewhere."""
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        return SampleCopy(folder=folder, outcome=self.outcome)


@contextmanager
def opened(url: str) -> Iterator[Sessions]:
    """Open a database for the block."""
    engine = open_engine(url)
    try:
        yield Sessions(engine)
    finally:
        engine.dispose()


def run_demo(url: str, folder: Path) -> tuple[DemoOutcome, Settings]:
    """Do the main job over a database; the key and the secret stay in the folder."""
    settings = settings_from({"CARBONFIN_VAR": str(folder), "CARBONFIN_DATABASE_URL": url})
    demo = Demo(settings, clock=CLOCK, var_folder=folder, on_step=lambda _: None)
    try:
        return demo.run(), settings
    finally:
        demo.sessions.engine.dispose()


def make_sample(folder: Path) -> SampleCopy:
    """Put the sample world into a folder, on SQLite."""
    return _made_once().copied(folder)


@cache
def _made_once() -> SampleCopy:
    """The world that the others of this process are copies of; nothing works on it."""
    folder = Path(tempfile.mkdtemp(prefix="carbonfin-sample-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    outcome, _ = run_demo(f"sqlite:///{folder / DATABASE_FILE}", folder)
    return SampleCopy(folder=folder, outcome=outcome)


def contents_of(url: str, *, without: frozenset[str] = ONLY_LOOKED_AT) -> Mapping[str, tuple[int, str]]:
    """Give the row count and the digest of every table."""
    engine = open_engine(url)
    try:
        with engine.connect() as connection:
            names = [name for name in sorted(sa.inspect(connection).get_table_names()) if name not in without]
            return {name: _contents(connection, name) for name in names}
    finally:
        engine.dispose()


def _contents(connection: sa.Connection, name: str) -> tuple[int, str]:
    rows = sorted(repr(tuple(row)) for row in connection.execute(sa.text(f'SELECT * FROM "{name}"')))  # noqa: S608 - own names
    return len(rows), hashlib.sha256("\n".join(rows).encode()).hexdigest()


def move_rows(url: str, to: str) -> None:
    """Copy every row into an empty database, of either kind."""
    tables = all_tables()
    source, target = open_engine(url), open_engine(to)
    upgrade(target)
    with source.connect() as reading, target.begin() as writing:
        there = set(sa.inspect(reading).get_table_names())
        for table in tables.sorted_tables:
            rows = [dict(row._mapping) for row in reading.execute(sa.select(table))] if table.name in there else []
            if rows:
                writing.execute(table.insert(), rows)
    source.dispose()
    target.dispose()
