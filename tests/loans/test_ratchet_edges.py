"""The value of a note's margin ratchet through API, page and command: to the fen by hand, and kept to replay."""

import json
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from carbonfin.kernel.dates import FixedClock
from carbonfin.storage.decisions import replay_decision
from carbonfin.storage.parties import standing_of
from carbonfin.web.terminal import Terminal
from loans import service
from loans.calc.rounding import half_up
from loans.commands import commands
from loans.service import DECISION_KINDS
from tests.app.worlds import NOW
from tests.loans.conftest import Desk
from tests.loans.facility_samples import approved, contract_of, drawdown_of, line_of, put_in_force
from tests.loans.ratchet_samples import RATCHET_BODY
from tests.loans.world import BUSINESS_DATE, KNOWN_AT

BODY = {**RATCHET_BODY, "note_code": "JJ-2025-001"}
FORM = {
    "grades": "A,-10,0.5,0.5\nB,20,0.2,0.8", "kind": "absolute", "current_grade": "A", "discount_rate": "0.03",
    "observation_dates": "2025-12-31", "source": "示例迁移矩阵",
}  # fmt: skip


@pytest.fixture(autouse=True)
def drawn(desk: Desk) -> None:
    """A note of 10,000,000 drawn on 30 June 2025 for a year, interest monthly on the 21st."""
    bank = desk.bank
    with desk.sessions.begin() as session:
        standing = standing_of(session, bank.officer.organization_id, FixedClock(KNOWN_AT))
        put_in_force(session, bank.officer, bank.checker, standing, line_of(bank.clothing.id), contract_of())
        waiting = service.propose_drawdown(session, bank.officer, drawdown_of(), standing=standing, reason="提款")
        approved(session, bank.checker, waiting, at=KNOWN_AT)


def by_hand() -> Decimal:
    """From A one observation gives 0.5·(-10) + 0.5·20 = 5 bp, in the periods that begin on 21 January 2026 or later."""
    ends = [date(2025, month, 21) for month in range(7, 13)] + [date(2026, month, 21) for month in range(1, 7)]
    starts = [BUSINESS_DATE, *ends]
    worth, factor = Fraction(0), Fraction(1)
    for start, end in zip(starts, [*ends, date(2026, 6, 30)], strict=True):
        year = Fraction((end - start) // timedelta(days=1), 360)
        factor /= 1 + Fraction(3, 100) * year
        if start >= date(2026, 1, 21):
            worth += 10_000_000 * Fraction(5, 10_000) * year * factor
    return half_up(worth, places=2)


def sent(desk: Desk, body: dict[str, Any], key: str) -> Any:
    return desk.system.post("/v1/ratchet-values", json=body, headers={"Idempotency-Key": key})


def test_a_system_tries_and_keeps_the_value_of_a_notes_ratchet(desk: Desk) -> None:
    tried = sent(desk, BODY, "t")
    assert (tried.status_code, tried.json()["decision_id"]) == (201, None), tried.text
    kept = sent(desk, {**BODY, "record": True}, "k").json()
    assert tried.json()["pv_cny"] == kept["pv_cny"] == str(by_hand())
    assert [one["observations"] for one in kept["periods"]] == [0] * 7 + [1] * 6
    assert [one["name"] for one in kept["grades"]] == ["A", "B"]
    assert kept["grades"][1]["expected_bp"][-1] == "14.000000"
    assert kept["is_confirmed"] is False
    with desk.sessions.read() as session:
        assert replay_decision(session, DECISION_KINDS, kept["decision_id"]).same
    assert desk.stranger.post(
        "/v1/ratchet-values", json=BODY, headers={"Idempotency-Key": "s"}
    ).status_code == 404  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"observation_dates": ["2025-06-30"]}, "observation_dates"),
        ({"observation_dates": ["2025-12-31", "2025-12-31"]}, "observation_dates"),
        ({"observation_dates": ["2026-06-30"]}, "observation_dates"),
        ({"current_grade": "Z"}, "current_grade"),
        ({"all_in_floor_rate": "0.05"}, "all_in_floor_rate"),
        ({"floor_bp": "5", "cap_bp": "4"}, "floor_bp"),
        ({"grades": [{"name": "A", "adjustment_bp": "0", "transitions": ["0.9"]}]}, "transitions"),
    ],
)
def test_a_ratchet_that_cannot_be_valued_is_a_problem_that_names_its_field(
    desk: Desk, changed: dict[str, Any], field: str
) -> None:
    answer = sent(desk, {**BODY, **changed}, "x")
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["field"] == field


def test_an_officer_tries_it_on_the_notes_page_and_keeps_it(desk: Desk) -> None:
    address = "/loan-notes/JJ-2025-001/ratchet-value"
    assert address in desk.get("/loan-notes/JJ-2025-001").text
    assert desk.get(address).status_code == 200
    tried = desk.post(address, {**FORM, "action": "preview"})
    assert (tried.status_code, "试算，未留存" in tried.text, "未确认" in tried.text) == (200, True, True)
    assert f"{by_hand():,}" in tried.text
    kept = desk.post(address, {**FORM, "action": "record"})
    assert (kept.status_code, "已留存为决定" in kept.text, "打开决定记录" in kept.text) == (200, True, True)
    wrong = desk.post(address, {**FORM, "grades": "A,-10,0.5,0.4\nB,20,0.2,0.8"})
    assert (wrong.status_code, "迁移概率合计须为 1" in wrong.text, "A,-10,0.5,0.4" in wrong.text) == (422, True, True)
    unread = desk.post(address, {**FORM, "discount_rate": "3%"})
    assert (unread.status_code, "贴现利率填写格式不正确" in unread.text) == (422, True)
    assert desk.get("/loan-notes/NONE/ratchet-value").status_code == 404


def test_a_command_values_a_file(desk: Desk, tmp_path: Path) -> None:
    terminal = Terminal(sessions=desk.sessions, actor=desk.bank.officer, clock=FixedClock(NOW), json_output=True)
    file = tmp_path / "ratchet.json"
    file.write_text(json.dumps(BODY), encoding="utf-8")
    result = CliRunner().invoke(commands, ["ratchet-value", str(file)], obj=lambda: terminal, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["pv_cny"] == str(by_hand())
