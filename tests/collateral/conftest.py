"""The sample desk, built once on SQLite and copied for each test; on both engines where the engine can matter."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from carbonfin.storage.engine import Sessions, open_engine
from tests.collateral.desk import Desk, build_desk


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskTemplate:
    path: Path
    desk: Desk


@pytest.fixture(scope="session")
def desk_template(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> DeskTemplate:
    path = tmp_path_factory.mktemp("desk") / "desk.db"
    shutil.copyfile(sqlite_template, path)
    engine = open_engine(f"sqlite:///{path}")
    with Sessions(engine).begin() as session:
        desk = build_desk(session)
    with engine.begin() as connection:
        connection.exec_driver_sql("SELECT 1")
    engine.dispose()
    return DeskTemplate(path=path, desk=desk)


@pytest.fixture
def desk_sessions(desk_template: DeskTemplate, tmp_path: Path) -> Iterator[Sessions]:
    """Sessions on a fresh SQLite copy of the sample desk."""
    path = tmp_path / "desk.db"
    shutil.copyfile(desk_template.path, path)
    engine = open_engine(f"sqlite:///{path}")
    with ExitStack() as stack:
        stack.callback(engine.dispose)
        yield Sessions(engine)


@pytest.fixture
def desk(desk_template: DeskTemplate) -> Desk:
    """Who and what stands on the copied desk."""
    return desk_template.desk
