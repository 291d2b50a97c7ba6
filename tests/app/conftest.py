"""The application on a fresh database."""

from collections.abc import Iterator

import pytest
import structlog

from carbonfin.app.decisions import kinds
from carbonfin.app.logs import open_logs
from carbonfin.storage.engine import Sessions
from tests.app.worlds import INTEREST, World, build_world


@pytest.fixture(autouse=True)
def quiet_logs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with (tmp_path_factory.mktemp("logs") / "app.jsonl").open("w", encoding="utf-8") as stream:
        open_logs(stream)
        yield
        structlog.reset_defaults()


@pytest.fixture(autouse=True)
def known_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kinds, "decision_kinds", lambda: (INTEREST,))


@pytest.fixture
def world(sqlite_sessions: Sessions) -> World:
    return build_world(sqlite_sessions)
