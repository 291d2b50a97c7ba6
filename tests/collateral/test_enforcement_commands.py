"""Enforcement and authorities' acts on the command line: weighed first, then proposed, with the file kept as evidence.

P3: 40,000 t between 28.00 and 52.00, so 1,120,000.00 to 2,080,000.00; after costs of 12,000.00, 758.81 of interest and
855,000.00 of principal, 252,241.19 is left.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session

from carbonfin.storage import approvals
from carbonfin.storage.approvals import Answer
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import load_party
from collateral import service
from collateral.service import ENFORCEMENT_APPROVAL
from tests.collateral.changes import answering, send
from tests.collateral.desk import Desk
from tests.collateral.test_edges import command_line, run
from tests.collateral.world import TODAY

__all__ = ["command_line"]


def party(session: Session, desk: Desk, name: str) -> str:
    return load_party(session, desk.maker, desk.parties[name]).code


def approve(sessions: Sessions, desk: Desk) -> None:
    with sessions.begin() as session:
        pledge = service.pledge_by_code(session, desk.maker, "P3")
        assert pledge is not None
        waiting = service.waiting_enforcement_approval(session, desk.maker, pledge.id)
        assert waiting is not None
        approvals.approve(
            session, desk.checker, waiting.id, kinds=(ENFORCEMENT_APPROVAL,), answer=Answer(reason="同意"),
            at=desk.standing.known_at, business_date=TODAY,
        )  # fmt: skip


def test_p3_is_enforced_by_commands(
    command_line: Desk,
    sqlite_sessions: Sessions,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    file = tmp_path / "凭证.txt"
    file.write_text("成交确认书", encoding="utf-8")
    evidence = ("--evidence", str(file))

    def said(*arguments: str) -> Any:
        assert run("--json", "collateral", *arguments) == 0
        return json.loads(capsys.readouterr().out)

    with sqlite_sessions.read() as session:
        buyer, pledgor = party(session, command_line, "E2"), party(session, command_line, "E3")
    assert said("enforcement", "P3")["next_act"] == "declare"
    assert said("propose-default", "P3", "--ground", "逾期未补足", *evidence)["state"] == "proposed"
    approve(sqlite_sessions, command_line)
    assert said("propose-means", "P3", "--method", "auction")["cap_proceeds_cny"] == "2080000.00"
    said("propose-means", "P3", "--method", "auction", "--ground", "公开竞价", *evidence, "--yes")
    approve(sqlite_sessions, command_line)
    said("failed-sale", "P3", "--ground", "无人出价", *evidence)
    sale = ("settle-sale", "P3", "SZA-2023=40000@28.00", "--method", "auction", "--buyer", buyer)
    assert said(*sale)["is_acceptable"]
    to_another = ("settle-sale", "P3", f"SZA-2023=40000@28.00/{pledgor}", *sale[3:])
    assert said(*to_another)["proceeds_cny"] == "1120000.00"
    assert run("collateral", "settle-sale", "P3", "SZA-2023=40000@28.00/91440300EXAMPLE000", *sale[3:]) == 2
    capsys.readouterr()
    assert said(*sale, *evidence, "--yes")["proceeds_cny"] == "1120000.00"
    assert run("collateral", "ask-transfer-again", "P3", "--reason", "再试") == 2
    with answering() as (_, registry):
        send(sqlite_sessions, command_line, registry)
    assert said("distribute", "P3", "--costs", "12000.00")["surplus_cny"] == "252241.19"
    said("distribute", "P3", "--costs", "12000.00", *evidence, "--yes")
    approve(sqlite_sessions, command_line)
    assert said("enforcement", "P3")["state"] == "ENDED"
    act = ("authority-act", "freeze", pledgor, "SZA-2024=5", "--authority", "示例区人民法院", "--document", "执1号")
    assert said(*act, "--dated", "2025-06-27", *evidence)["outstanding_t"] == 5
    assert [one["quantity_t"] for one in said("authority-acts", pledgor)] == [5]
