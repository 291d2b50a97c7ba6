"""A batch of rates through API, pages and commands: the trace of one is made again and said to be so."""

import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from carbonfin.app.decisions.commands import commands as decision_commands
from carbonfin.kernel.dates import FixedClock
from carbonfin.kernel.errors import Conflict, InvalidInput, NotFound
from carbonfin.web.terminal import Terminal
from loans.commands import commands
from tests.app.worlds import NOW, PAGE, form_token
from tests.loans.conftest import Desk
from tests.loans.rate_batch_samples import NO_REPORT, UNKNOWN, add_borrowers
from tests.loans.samples import E4_USCI
from tests.storage.test_rulebook import without_triggers

BODY = {
    "lpr_tenor": "1Y", "applies_from": "2025-07-01",
    "rates": [{"usci": usci, "margin_bp": 40} for usci in (E4_USCI, NO_REPORT, UNKNOWN)],
}  # fmt: skip
SINGLE = {"usci": E4_USCI, "margin_bp": 40, "lpr_tenor": "1Y", "applies_from": "2025-07-01"}


@pytest.fixture
def furnished(desk: Desk) -> Desk:
    with desk.sessions.begin() as session:
        add_borrowers(session, desk.bank)
    return desk


def batch_of(desk: Desk) -> dict[str, Any]:
    made = desk.system.post("/v1/rate-batches", json=BODY, headers={"Idempotency-Key": "batch"})
    assert made.status_code == 201, made.text
    answer: dict[str, Any] = made.json()
    return answer


def test_a_batch_is_decided_and_each_rate_read_with_its_trace(furnished: Desk) -> None:
    made = batch_of(furnished)
    assert (made["rates_count"], made["decided_count"], made["not_decided_count"]) == (2, 1, 1)
    assert [one["usci"] for one in made["left_out"]] == [UNKNOWN]
    listed = furnished.system.get(made["rates_address"]).json()["rates"]
    assert [(one["usci"], one["executed_rate"], one["row_place"], one["match_mask"]) for one in listed] == [
        (E4_USCI, "0.0329", 2, "4"), (NO_REPORT, None, None, None),
    ]  # fmt: skip
    assert listed[-1]["digest"] == made["items_digest"]
    one = furnished.system.get(f"{made['rates_address']}/1").json()
    single = furnished.system.post("/v1/rate-decisions", json=SINGLE, headers={"Idempotency-Key": "s"}).json()
    decision = furnished.system.get(f"/v1/decisions/{single['decision_id']}").json()
    assert (one["trace_is_rebuilt"], one["same"], one["trace"]) == (True, True, decision["trace"])
    assert one["tables"] == decision["tables"]
    (table,) = one["tables"]
    # As kept: place 2, the third row, answers, and of the rows only that one fits (mask 4).
    assert [row["row_id"] for row in table["rows"] if row["answers"]] == [table["rows"][2]["row_id"]]
    assert [row["state"] for row in table["rows"]].count("hit") == 1
    (unasked,) = furnished.system.get(f"{made['rates_address']}/2").json()["tables"]
    assert (unasked["rows"], unasked["not_asked_zh"]) == ([], "没有碳评级报告或得分")
    replay = furnished.system.post(f"/v1/decisions/{made['batch_id']}/replay").json()
    assert (replay["same"], replay["differences"]) == (True, [])


def test_rates_are_listed_in_pages(furnished: Desk) -> None:
    address = batch_of(furnished)["rates_address"]
    first = furnished.system.get(f"{address}?limit=1")
    assert [one["place"] for one in first.json()["rates"]] == [1]
    following = next(part for part in first.headers["Link"].split(", ") if 'rel="next"' in part)
    second = furnished.system.get(following.partition(">")[0].removeprefix("<"))
    assert [one["place"] for one in second.json()["rates"]] == [2]


@pytest.mark.parametrize("place", ["3", "0", "x", "-1", "1.0", "9999999999999999999999", "%E5%A4%B4"])
def test_a_place_that_is_none_is_not_found(furnished: Desk, place: str) -> None:
    made = batch_of(furnished)
    answer = furnished.system.get(f"{made['rates_address']}/{place}")
    assert answer.status_code in {400, 404}, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")


def test_another_bank_finds_nothing_of_it(furnished: Desk) -> None:
    made = batch_of(furnished)
    for address in (made["rates_address"], f"{made['rates_address']}/1"):
        assert furnished.stranger.get(address).status_code == 404


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"rates": []}, 400),
        ({"rates": [{"usci": E4_USCI, "margin_bp": 4000}]}, 400),
        ({"applies_from": "2025-02-30"}, 422),
        ({"lpr_tenor": "3Y"}, 400),
    ],
)
def test_a_bad_batch_is_refused_and_keeps_nothing(furnished: Desk, change: dict[str, Any], status: int) -> None:
    answer = furnished.system.post("/v1/rate-batches", json=BODY | change, headers={"Idempotency-Key": "bad"})
    assert answer.status_code == status, answer.text
    with furnished.sessions.read() as session:
        assert session.execute(sa.text("SELECT count(*) FROM decision_item")).scalar_one() == 0


def test_pages_show_the_batch_and_say_that_the_trace_was_made_again(furnished: Desk) -> None:
    made = batch_of(furnished)
    listed = furnished.get(f"/rate-batches/{made['batch_id']}")
    assert listed.status_code == 200, listed.text
    for words in ("降碳贷批量定价", "3.29%", "未决定", UNKNOWN, "没有主体", "按超出基准分值的分数优惠"):
        assert words in listed.text
    shown = furnished.get(f"/rate-batches/{made['batch_id']}/rates/1").text
    for words in ("按当时的记录重建，结果与留存一致", "计分优惠条件适用行", "3.29%", "十六进制", "决策表逐格核对"):
        assert words in shown
    assert shown.count("给出答案") == 1
    unasked = furnished.get(f"/rate-batches/{made['batch_id']}/rates/2").text
    assert "本决定未查询该表：没有碳评级报告或得分" in unasked
    record = furnished.get(f"/decisions/{made['batch_id']}").text
    assert f"/rate-batches/{made['batch_id']}" in record
    assert "贷款市场报价利率" in record


def test_what_was_edited_behind_the_database_is_shown_as_such(furnished: Desk) -> None:
    made = batch_of(furnished)
    with furnished.sessions.begin() as session:
        without_triggers(session, "decision_item")
        session.execute(sa.text("UPDATE decision_item SET outputs = replace(outputs, '0.0329', '0.0229')"))
    one = furnished.system.get(f"{made['rates_address']}/1").json()
    assert (one["same"], one["rate"]["executed_rate"]) == (False, "0.0229")
    assert "重建的结果与留存不一致" in furnished.get(f"/rate-batches/{made['batch_id']}/rates/1").text
    replay = furnished.system.post(f"/v1/decisions/{made['batch_id']}/replay").json()
    assert replay["same"] is False
    assert "0.0229" in replay["differences"][0]
    page = furnished.browser.get(f"/decisions/{made['batch_id']}").text
    assert "重算核对" in page


def run(desk: Desk, arguments: list[str], program: Any = commands) -> Any:
    terminal = Terminal(sessions=desk.sessions, actor=desk.bank.officer, clock=FixedClock(NOW), json_output=True)
    result = CliRunner().invoke(program, arguments, obj=lambda: terminal, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_a_file_of_borrowers_is_decided_by_a_command(furnished: Desk, tmp_path: Path) -> None:
    file = tmp_path / "名单.csv"
    file.write_text(f"统一社会信用代码,加减点(BP)\n{E4_USCI},40\n{UNKNOWN},40\n", encoding="utf-8")
    made = run(furnished, ["rates", str(file), "--drawdown", "2025-07-01"])
    assert (made["rates_count"], made["decided_count"]) == (1, 1)
    assert made["left_out"] == [f"{UNKNOWN} 没有主体 {UNKNOWN}"]
    one = run(furnished, ["batch-rate", made["batch_id"], "1"])
    assert (one["executed_rate"], one["trace_is_rebuilt"], one["same"]) == ("0.0329", True, True)
    assert "执行利率 = 0.0329 rate" in one["trace"]
    with pytest.raises(NotFound):
        run(furnished, ["batch-rate", made["batch_id"], "2"])
    again = run(furnished, ["replay", made["batch_id"]], decision_commands)
    assert again == {"replayed_count": 1, "different_count": 0}
    with furnished.sessions.begin() as session:
        without_triggers(session, "decision_item")
        session.execute(sa.text("UPDATE decision_item SET row_place = 0"))
    with pytest.raises(Conflict, match="row 0"):
        run(furnished, ["replay", made["batch_id"]], decision_commands)


@pytest.mark.parametrize(
    ("text", "line", "field"),
    [
        (f"usci,margin_bp\n{E4_USCI},40\n91440300EXAMPLE467,40\n", 3, "usci"),
        (f"usci,margin_bp\n{E4_USCI},1.5\n", 2, "margin_bp"),
        (f"usci,margin_bp\n{E4_USCI},1001\n", 2, "margin_bp"),
        (f"usci,margin_bp\n{E4_USCI},四十\n", 2, "margin_bp"),
        (f"usci,margin_bp\n{E4_USCI},1,000\n", 2, None),
    ],
)
def test_a_file_with_a_fault_is_refused_whole(
    furnished: Desk, tmp_path: Path, text: str, line: int, field: str | None
) -> None:
    file = tmp_path / "rates.csv"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidInput, match=f"line {line}") as refused:
        run(furnished, ["rates", str(file), "--drawdown", "2025-07-01"])
    assert [(one["line"], one["field"]) for one in refused.value.context["faults"]] == [(line, field)]
    with furnished.sessions.read() as session:
        assert session.execute(sa.text("SELECT count(*) FROM decision_item")).scalar_one() == 0


def test_a_file_without_borrowers_is_refused(furnished: Desk, tmp_path: Path) -> None:
    file = tmp_path / "rates.csv"
    file.write_text("usci,margin_bp\n", encoding="utf-8")
    with pytest.raises(InvalidInput):
        run(furnished, ["rates", str(file), "--drawdown", "2025-07-01"])


def send(desk: Desk, text: str, **fields: str) -> Any:
    token = form_token(desk.browser.get("/rate-batches/new", headers=PAGE).text)
    return desk.browser.post(
        "/rate-batches/new", data={"applies_from": "2025-07-01", "lpr_tenor": "1Y", **fields, "_csrf_token": token},
        files={"file": ("名单.csv", text.encode(), "text/csv")}, headers=PAGE, follow_redirects=False,
    )  # fmt: skip


def test_an_officer_brings_a_list_and_is_led_to_its_rates(furnished: Desk) -> None:
    assert 'href="/rate-batches/new"' in furnished.get("/loans").text
    led = send(furnished, f"usci,margin_bp\n{E4_USCI},40\n{NO_REPORT},40\n")
    assert led.status_code == 303, led.text
    assert "3.29%" in furnished.get(led.headers["location"]).text


@pytest.mark.parametrize(
    ("text", "fields", "words"),
    [
        (f"usci,margin_bp\n{E4_USCI},1.5\n", {}, ["第 2 行", "应为 ±1000 以内的整数 BP", "有误的行"]),
        ("", {}, ["名单.csv"]),
        (f"usci,margin_bp\n{E4_USCI},40\n", {"applies_from": "七月一日"}, ["七月一日"]),
        (f"usci,margin_bp\n{E4_USCI},40\n", {"lpr_tenor": "7Y"}, ["7Y"]),
        (f"usci,margin_bp\n{E4_USCI},40\n", {"applies_from": "1990-01-01"}, ["1990-01-01"]),
    ],
)
def test_what_cannot_be_decided_is_said_on_the_form_and_keeps_nothing(
    furnished: Desk, text: str, fields: dict[str, str], words: list[str]
) -> None:
    shown = send(furnished, text, **fields)
    assert 400 <= shown.status_code < 500, shown.text
    for word in words:
        assert word in shown.text
    with furnished.sessions.read() as session:
        assert session.execute(sa.text("SELECT count(*) FROM decision_item")).scalar_one() == 0
