"""An upgrade that is killed half-way leaves what stood before, and goes through when it is run again."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from carbonfin.storage import schema
from carbonfin.storage.engine import open_engine
from carbonfin.storage.rows import metadata
from tests.conftest import import_tables
from tests.storage.rows import TrialRow


@pytest.fixture
def empty(empty_database_url: str) -> Iterator[sa.Engine]:
    engine = open_engine(empty_database_url)
    yield engine
    engine.dispose()


def _killed_upgrade(url: str, *, after: int) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.storage.dying_upgrade", str(after)],
        env={**os.environ, "CARBONFIN_DATABASE_URL": url, "CARBONFIN_SECRET": "x" * 32},
        check=False,
        timeout=120,
    )
    assert done.returncode == -signal.SIGKILL, "it must die on the way, not end"


def _tables(engine: sa.Engine) -> set[str]:
    engine.dispose()
    return set(sa.inspect(engine).get_table_names()) - {"alembic_version"}


def _fits(engine: sa.Engine) -> bool:
    import_tables()
    found = [one for one in schema.check(engine) if f"'{TrialRow.__tablename__}'" not in one]
    return found == [] and schema.current_revision(engine) == schema.head_revision()


@pytest.mark.parametrize("after", [60])
def test_the_first_upgrade_killed_half_way_leaves_nothing_and_is_run_again(
    empty: sa.Engine, empty_database_url: str, after: int
) -> None:
    _killed_upgrade(empty_database_url, after=after)
    assert _tables(empty) == set()
    assert schema.current_revision(empty) is None
    schema.upgrade(empty)
    assert _fits(empty)


@pytest.mark.parametrize("after", [8, 90])
def test_a_later_upgrade_killed_half_way_keeps_every_row_and_is_run_again(
    empty: sa.Engine, empty_database_url: str, after: int
) -> None:
    schema.upgrade(empty, to="0001")
    before = _tables(empty)
    with empty.begin() as connection:
        columns = {column["name"] for column in sa.inspect(connection).get_columns("organization")}
        values = {
            name: value
            for name, value in {
                "id": "b1", "kind": "bank", "name": "示例银行", "business_date": "2025-06-30", "day_state": "open",
                "is_sample": 0 if connection.dialect.name == "sqlite" else False, "version": 1,
            }.items()
            if name in columns
        }  # fmt: skip
        names = ", ".join(values)
        marks = ", ".join(f":{name}" for name in values)
        connection.execute(sa.text(f"INSERT INTO organization ({names}) VALUES ({marks})"), values)  # noqa: S608 - own names
    _killed_upgrade(empty_database_url, after=after)
    assert _tables(empty) == before
    assert schema.current_revision(empty) == "0001"
    schema.upgrade(empty)
    assert _fits(empty)
    with empty.connect() as connection:
        assert connection.exec_driver_sql("SELECT name FROM organization").all() == [("示例银行",)]
    assert set(metadata.tables) - {TrialRow.__tablename__} <= _tables(empty)
