"""Credit lines, contracts, drawdowns and notes through API, pages and commands."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from carbonfin.kernel.dates import FixedClock
from carbonfin.storage import approvals
from carbonfin.storage.parties import standing_of
from carbonfin.web.terminal import Terminal
from loans.commands import commands
from tests.app.worlds import NOW
from tests.loans.conftest import Desk
from tests.loans.facility_samples import CONTRACT, DRAWDOWN, LINE, approved, contract_of, line_of, put_in_force
from tests.loans.world import KNOWN_AT


def sent(desk: Desk, address: str, body: dict[str, Any], key: str) -> Any:
    return desk.system.post(address, json=body, headers={"Idempotency-Key": key})


def approve(desk: Desk, approval_id: str) -> None:
    with desk.sessions.begin() as session:
        waiting = approvals.load_approval(session, desk.bank.checker, approval_id)
        approved(session, desk.bank.checker, waiting, at=KNOWN_AT)


def in_force(desk: Desk) -> None:
    with desk.sessions.begin() as session:
        standing = standing_of(session, desk.bank.officer.organization_id, FixedClock(KNOWN_AT))
        put_in_force(
            session, desk.bank.officer, desk.bank.checker, standing, line_of(desk.bank.clothing.id), contract_of()
        )


def test_a_system_proposes_line_contract_and_drawdown_and_reads_what_is_left(desk: Desk) -> None:
    line = sent(desk, "/v1/credit-lines", LINE, "l")
    assert line.status_code == 202, line.text
    assert line.json()["title_zh"] == "授信 SX-2025-001 示例服饰(深圳)有限公司"
    assert sent(desk, "/v1/loan-contracts", CONTRACT, "c0").status_code == 404
    approve(desk, line.json()["approval_id"])
    contract = sent(desk, "/v1/loan-contracts", CONTRACT, "c")
    approve(desk, contract.json()["approval_id"])
    drawn = sent(desk, "/v1/loan-contracts/HT-2025-001/drawdowns", DRAWDOWN, "d")
    assert (drawn.status_code, drawn.json()["effective_on"]) == (202, "2025-06-30"), drawn.text
    approve(desk, drawn.json()["approval_id"])
    listed = desk.system.get("/v1/credit-lines").json()
    use = listed["lines"][0]["use"]
    assert (use["used"], use["undrawn"]) == ("10000000.00", "10000000.00")
    assert listed["totals"][0]["undrawn"] == "10000000.00"
    detail = desk.system.get("/v1/credit-lines/SX-2025-001").json()
    assert [one["number"] for one in detail["contracts"]] == ["HT-2025-001"]
    assert detail["revisions"][0]["checker"] == "checker(示例)"
    one = desk.system.get("/v1/loan-contracts/HT-2025-001").json()
    assert (one["use"]["available"], one["notes"][0]["rate"]) == ("2000000.00", "0.0329")
    note = desk.system.get("/v1/loan-notes/JJ-2025-001").json()
    assert (note["note"]["contract_number"], note["schedule"][-1]["closing_balance_cny"]) == ("HT-2025-001", "0.00")
    before = desk.system.get("/v1/credit-lines", params={"known_on": "2025-06-29"}).json()
    assert before["lines"] == []
    for address in ("/v1/credit-lines/SX-2025-001", "/v1/loan-contracts/HT-2025-001", "/v1/loan-notes/JJ-2025-001"):
        assert desk.stranger.get(address).status_code == 404


@pytest.mark.parametrize(
    ("changed", "status", "field"),
    [
        ({"amount_cny": "12000000.01"}, 409, "amount_cny"),
        ({"drawdown_date": "2026-01-01"}, 409, "drawdown_date"),
        ({"drawdown_date": "2025-06-29"}, 422, "drawdown_date"),
        ({"maturity_date": "2025-06-29"}, 422, "maturity_date"),
        ({"drawdown_date": "2025-02-30"}, 422, "drawdown_date"),
    ],
)
def test_a_drawdown_that_cannot_be_is_a_problem_that_names_its_field(
    desk: Desk, changed: dict[str, str], status: int, field: str
) -> None:
    in_force(desk)
    answer = sent(desk, "/v1/loan-contracts/HT-2025-001/drawdowns", {**DRAWDOWN, **changed}, "d")
    assert answer.status_code == status, answer.text
    assert field in answer.text
    assert desk.system.get("/v1/loan-contracts/HT-2025-001").json()["use"]["waiting"] == "0.00"


def test_an_officer_walks_from_the_line_to_the_note(desk: Desk) -> None:
    line = {name: str(value) for name, value in LINE.items() if name != "usci"}
    line |= {"party_id": desk.bank.clothing.id, "is_revolving": "no"}
    assert "没有生效的授信" in desk.get("/credit-lines").text
    assert desk.get("/credit-lines/new").status_code == 200
    wrong = desk.post("/credit-lines/new", {**line, "amount": "20,000,000"})
    assert (wrong.status_code, "金额填写格式不正确" in wrong.text, "SX-2025-001" in wrong.text) == (422, True, True)
    assert desk.post("/credit-lines/new", line).status_code == 303
    listed = desk.get("/credit-lines").text
    assert all(word in listed for word in ("授信 SX-2025-001 示例服饰(深圳)有限公司", "待复核"))
    in_approvals = desk.get("/approvals").text
    assert "授信 SX-2025-001" in in_approvals
    with desk.sessions.begin() as session:
        waiting = approvals.approvals_of(session, desk.bank.checker, states=approvals.OPEN_STATES)[0]
        approved(session, desk.bank.checker, waiting, at=KNOWN_AT)
    assert desk.get("/credit-lines/new?start=SX-2025-001").text.count("20000000.00") == 1
    contract = {name: str(value) for name, value in CONTRACT.items() if name != "line_number"}
    assert "2026-05-31" in desk.get("/credit-lines/SX-2025-001/contracts/new").text
    assert 'href="/external-ids?subject=credit-line:SX-2025-001"' in desk.get("/credit-lines/SX-2025-001").text
    both = desk.post("/credit-lines/SX-2025-001/contracts/new", {**contract, "fixed_rate": "0.03"})
    assert (both.status_code, "请填写固定利率，或 LPR 期限与加减点" in both.text) == (422, True)
    assert desk.post("/credit-lines/SX-2025-001/contracts/new", contract).status_code == 303
    with desk.sessions.begin() as session:
        waiting = approvals.approvals_of(session, desk.bank.checker, states=approvals.OPEN_STATES)[0]
        approved(session, desk.bank.checker, waiting, at=KNOWN_AT)
    assert "HT-2025-001" in desk.get("/credit-lines/SX-2025-001").text
    begun = desk.get("/credit-lines/SX-2025-001/contracts/new?start=HT-2025-001").text
    assert all(word in begun for word in ('value="12000000.00"', 'value="40"', "采购原材料"))
    drawdown = {name: str(value) for name, value in DRAWDOWN.items()}
    assert desk.get("/loan-contracts/HT-2025-001/drawdowns/new").status_code == 200
    beyond = desk.post("/loan-contracts/HT-2025-001/drawdowns/new", {**drawdown, "amount_cny": "12000000.01"})
    assert (beyond.status_code, "超过可提金额 12,000,000.00 元" in beyond.text) == (409, True)
    assert desk.post("/loan-contracts/HT-2025-001/drawdowns/new", drawdown).status_code == 303
    assert "待复核或待提款日的提款" in desk.get("/loan-contracts/HT-2025-001").text
    with desk.sessions.begin() as session:
        waiting = approvals.approvals_of(session, desk.bank.checker, states=approvals.OPEN_STATES)[0]
        approved(session, desk.bank.checker, waiting, at=KNOWN_AT)
    page = desk.get("/loan-contracts/HT-2025-001").text
    assert all(word in page for word in ("JJ-2025-001", "LPR 1Y +40BP，优惠 -11BP", "3.29%"))
    note = desk.get("/loan-notes/JJ-2025-001").text
    assert all(word in note for word in ("还款计划", "节假日安排未公布", "合同 HT-2025-001"))
    desk.browser.cookies.set("carbonfin_language", "en")
    assert "What is owed today" in desk.get("/loan-notes/JJ-2025-001").text
    desk.browser.cookies.delete("carbonfin_language")
    for address in ("/credit-lines/NONE", "/loan-contracts/NONE", "/loan-notes/NONE"):
        assert desk.get(address).status_code == 404
    assert "/loan-notes/JJ-2025-001" in desk.get("/loans").text


def test_the_pledge_that_is_missing_is_named(desk: Desk) -> None:
    in_force(desk)
    answer = sent(
        desk, "/v1/loan-contracts", {**CONTRACT, "number": "HT-2", "amount": "1.00", "pledge_code": "P9"}, "c"
    )
    assert (answer.status_code, "P9" in answer.json()["detail"]) == (404, True)


def test_commands_list_and_propose(desk: Desk, tmp_path: Path) -> None:
    terminal = Terminal(sessions=desk.sessions, actor=desk.bank.officer, clock=FixedClock(NOW), json_output=True)

    def run(*arguments: str) -> Any:
        result = CliRunner().invoke(commands, list(arguments), obj=lambda: terminal, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    def file(body: dict[str, Any]) -> str:
        path = tmp_path / "body.json"
        path.write_text(json.dumps(body), encoding="utf-8")
        return str(path)

    approve(desk, run("propose-credit-line", file(LINE))["approval_id"])
    approve(desk, run("propose-contract", file(CONTRACT))["approval_id"])
    approve(desk, run("propose-drawdown", "HT-2025-001", file(DRAWDOWN))["approval_id"])
    (one,) = run("credit-lines")
    assert (one["number"], one["used"], one["undrawn"]) == ("SX-2025-001", "10000000.00", "10000000.00")
    assert run("credit-line", "SX-2025-001")["contracts"][0]["notes"][0]["note_code"] == "JJ-2025-001"
