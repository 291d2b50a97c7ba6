"""The command: answers as text or JSON, failures as a sentence and exit code 2."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from carbonfin.app import cli
from carbonfin.app.command_actor import COMMAND_LINE, actor_for_command
from carbonfin.kernel.actors import Role
from carbonfin.kernel.errors import Conflict, InvalidInput, MissingData, NotFound
from carbonfin.storage.engine import Sessions, open_engine
from pricing import service
from pricing.store import line_blocks
from tests.app.worlds import World
from tests.pricing.worlds import BOOK, make_market_world


def _run(tmp_path: Path, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "carbonfin.app.cli", *arguments],
        env={**os.environ, "CARBONFIN_VAR": str(tmp_path), **environment},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_help_names_the_commands(tmp_path: Path) -> None:
    shown = _run(tmp_path, "--help")
    assert shown.returncode == 0
    for name in ("serve", "db", "jobs"):
        assert name in shown.stdout


def test_a_database_without_tables_is_a_sentence_and_exit_code_2(tmp_path: Path) -> None:
    failed = _run(tmp_path, "jobs", "end-of-day")
    assert failed.returncode == 2
    assert failed.stderr == (
        "数据库尚未建立。请执行 carbonfin db upgrade。\nthe database has no tables yet. Run `carbonfin db upgrade`.\n"
    )
    assert failed.stdout == ""


def test_a_failure_is_json_on_demand(tmp_path: Path) -> None:
    failed = _run(tmp_path, "--json", "serve", CARBONFIN_PORT="http")
    assert failed.returncode == 2
    assert json.loads(failed.stderr)["field"] == "CARBONFIN_PORT"
    assert json.loads(failed.stderr)["code"] == "invalid-input"


def test_help_loads_no_heavy_library() -> None:
    code = "import sys, carbonfin.app.cli as c; c.mounted([]); print([m for m in ('litestar','sqlmodel','QuantLib','numpy') if m in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_an_unknown_command_is_refused_by_name(tmp_path: Path) -> None:
    failed = _run(tmp_path, "no-such-command")
    assert failed.returncode == 2
    assert "no-such-command" in failed.stderr


def test_failures_read_as_sentences() -> None:
    error = InvalidInput("x is wrong", zh="x 有误", field="/x", remedy="Correct x.", remedy_zh="请更正。")
    assert cli.failure_text(error, json_output=False) == "x 有误。请更正。 [/x]\nx is wrong. Correct x."


def test_the_actor_of_a_command(world: World, sqlite_sessions: Sessions) -> None:
    with sqlite_sessions.read() as session:
        person = actor_for_command(session, login="checker", organization=None)
        assert (person.role, person.organization_id) == (Role.CHECKER, world.officer.organization_id)
        system = actor_for_command(session, login=None, organization="另一家银行")
        assert (system.id, system.role) == (COMMAND_LINE, Role.SYSTEM)
        assert system.organization_id == world.stranger.organization_id
        bureau = actor_for_command(session, login=None, organization="环境局")
        assert bureau.role is Role.BUREAU
        with pytest.raises(InvalidInput, match="2 banks"):
            actor_for_command(session, login=None, organization=None)
        with pytest.raises(NotFound, match="nobody"):
            actor_for_command(session, login="nobody", organization=None)
        with pytest.raises(NotFound, match="no organisation"):
            actor_for_command(session, login=None, organization="没有")


def test_a_database_without_a_bank_asks_for_one(sqlite_sessions: Sessions) -> None:
    with sqlite_sessions.read() as session, pytest.raises(MissingData, match="no bank"):
        actor_for_command(session, login=None, organization=None)


def test_a_port_in_use_is_refused_before_the_server_starts() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(Conflict, match=str(port)):
            cli.require_free("127.0.0.1", port)
    cli.require_free("127.0.0.1", port)


def test_serving_a_database_without_tables_is_refused(tmp_path: Path) -> None:
    failed = _run(tmp_path, "serve", "--port", "1")
    assert failed.returncode == 2
    assert "carbonfin db upgrade" in failed.stderr


def test_upgrade_and_check_agree(tmp_path: Path) -> None:
    upgraded = _run(tmp_path, "--json", "db", "upgrade")
    assert upgraded.returncode == 0, upgraded.stderr
    checked = _run(tmp_path, "--json", "db", "check")
    assert checked.returncode == 0, checked.stderr
    assert json.loads(checked.stdout) == {"revision": json.loads(upgraded.stdout)["revision"], "same": True}


def test_the_check_fails_at_a_book_without_its_first_block_and_warns_of_one_without_any(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _run(tmp_path, "db", "upgrade").returncode == 0
    engine = open_engine(f"sqlite:///{tmp_path / 'carbonfin.db'}")
    monkeypatch.setattr(line_blocks, "LEAF_POSITIONS", 2)
    with Sessions(engine).begin() as session:
        maker = make_market_world(session).maker
        service.save_portfolio(session, maker, code="B1", name="示例", lines=BOOK[:3])
    with engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM portfolio_block WHERE place = 0"))
    failed = _run(tmp_path, "--json", "db", "check")
    assert failed.returncode == 2
    assert "the lines of portfolio B1 were changed at rest" in json.loads(failed.stderr)["detail"]
    with engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM portfolio_block"))
    engine.dispose()
    checked = _run(tmp_path, "--json", "db", "check")
    assert checked.returncode == 0, checked.stderr
    (warning,) = json.loads(checked.stdout)["warnings"]
    assert warning.endswith(": B1")
    assert warning in checked.stderr
