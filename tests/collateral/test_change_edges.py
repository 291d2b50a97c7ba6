"""Changes of pledges through the API, the pages and the commands."""

import json
import re

import pytest

from carbonfin.storage.engine import Sessions
from collateral import service
from tests.app.worlds import PAGE, PASSWORD, form_token
from tests.collateral.changes import answering, query, send
from tests.collateral.desk import Desk
from tests.collateral.test_edges import Edge, client_of, command_line, edge, run, send_step, signed_in

__all__ = ["command_line", "edge"]

TOP_UP = {"kind": "top_up", "reason": "追加", "added": [{"unit": "SZA-2024", "quantity_t": 2720}]}


def key(name: str) -> dict[str, str]:
    return {"Idempotency-Key": name}


def test_a_top_up_is_previewed_taken_and_seen_by_its_bank_alone(edge: Edge) -> None:
    client, other = client_of(edge), client_of(edge, "other")
    address = f"/v1/pledges/{edge.pledges['P3'].id}/changes"
    preview = client.post(f"{address}/previews", json=TOP_UP).json()
    assert (preview["collateral_value_cny"], preview["debt_cny"]) == ("855760.00", "855758.81")
    assert preview["is_acceptable"]
    assert client.get(address).json() == {"changes": []}
    made = client.post(address, json=TOP_UP, headers=key("a"))
    assert made.status_code == 201, made.text
    assert client.post(address, json=TOP_UP, headers=key("a")).json() == made.json()
    found = made.json()
    assert (found["state"], found["state_zh"]) == ("FREEZE_REQUESTED", "新押品已申请冻结")
    with answering() as (_, registry):
        send(edge.sessions, edge.desk, registry)
    detail = client.get(f"{address}/{found['change_id']}").json()
    assert [one["event"] for one in detail["timeline"]] == ["ask", "ask_freeze", "registry_confirms", "complete"]
    assert client.get(f"/v1/pledges/{edge.pledges['P3'].id}").json()["pledge"]["state"] == "DRAWN"
    assert client.get(f"/v1/pledges/{edge.pledges['P1'].id}/changes/{found['change_id']}").status_code == 404
    assert client.get(f"{address}/{found['change_id']}/letter.pdf").status_code == 404, "nothing was freed"
    for method, path, body in (
        ("GET", address, None), ("POST", address, TOP_UP), ("GET", f"{address}/{found['change_id']}", None),
        ("POST", f"{address}/previews", TOP_UP),
        ("POST", f"{address}/{found['change_id']}/withdraw", {"reason": "x"}),
    ):  # fmt: skip
        assert other.request(method, path, json=body, headers=key("b")).status_code == 404, path


def test_a_refusal_is_a_problem_with_its_figures(edge: Edge) -> None:
    body = {"kind": "part_release", "reason": "释放", "freed": [{"unit": "CEA-2023", "quantity_t": 15000}]}
    answer = client_of(edge).post(f"/v1/pledges/{edge.pledges['P1'].id}/changes", json=body, headers=key("c"))
    assert answer.status_code == 409
    problem = answer.json()
    assert "0.7766" in problem["detail"]
    assert "0.7766" in problem["detail_zh"]
    assert "coverage-below-initial" in problem["context"]["refusals"]


def test_a_partial_release_goes_through_two_pairs_of_eyes_to_its_letter(edge: Edge) -> None:
    address = f"/pledges/{edge.pledges['P2'].id}"
    with signed_in(edge) as officer:
        form = {
            "_csrf_token": form_token(officer.get(f"{address}/changes/new", headers=PAGE).text), "kind": "part_release",
            "freed_1": "SZA-2022", "freed_quantity_1": "3,000", "reason": "客户部分用款结束",
        }  # fmt: skip
        wrong = officer.post(f"{address}/changes/new", data=form, headers=PAGE)
        assert wrong.status_code == 422
        assert 'value="3,000"' in wrong.text
        form["freed_quantity_1"] = "3000"
        weighed = officer.post(f"{address}/changes/new", data=form, headers=PAGE)
        assert weighed.status_code == 200
        for words in ("试算通过", "价格下跌 10%", "价格下跌 30%", "SZA-2022 价值归零", "2,311,500.00"):
            assert words in weighed.text, words
        sent = officer.post(
            f"{address}/changes/new", data={**form, "action": "ask"}, headers=PAGE, follow_redirects=False
        )
        assert sent.status_code == 303
        change = sent.headers["location"]
        shown = officer.get(change, headers=PAGE).text
        found = re.search(r'href="(/approvals/[^"]+)"', shown)
        assert found
        assert change in officer.get(address, headers=PAGE).text
        assert send_step(officer, change, "steps", step="again", words="再次") == 422
        given = {"finding": "approve", "reason": "同意", "password": "x"}
        assert send_step(officer, found.group(1), "decision", **given) == 403
    approve(edge, found.group(1))
    with answering() as (_, registry):
        send(edge.sessions, edge.desk, registry)
        query(edge.sessions, edge.desk, registry)
    with signed_in(edge, "auditor") as auditor:
        letter = auditor.get(f"{change}/letter.pdf", headers=PAGE)
        assert letter.status_code == 200
        assert letter.content.startswith(b"%PDF")
        assert auditor.get(f"{change}/letter.pdf", headers=PAGE).content == letter.content
        assert send_step(auditor, change, "steps", step="withdraw", words="x") == 403
        whole = auditor.get(f"/pledges/{edge.pledges['P0'].id}/letter.pdf", headers=PAGE)
        assert whole.content.startswith(b"%PDF")


def approve(edge: Edge, approval: str) -> None:
    with signed_in(edge, "approver") as checker:
        shown = checker.get(approval, headers=PAGE).text
        assert "释放押品" in shown
        names = re.search(r'name="unconfirmed" value="([^"]*)"', shown)
        assert names
        given = {"finding": "approve", "reason": "同意", "password": PASSWORD, "unconfirmed": names.group(1)}
        assert send_step(checker, approval, "decision", **given, accepts="yes") == 303


def test_a_change_is_withdrawn_on_its_page_and_on_the_approvals_page(edge: Edge) -> None:
    address = f"/pledges/{edge.pledges['P2'].id}"
    with signed_in(edge) as officer:
        for way in ("change", "approval"):
            form = {
                "_csrf_token": form_token(officer.get(f"{address}/changes/new", headers=PAGE).text), "action": "ask",
                "kind": "part_release", "freed_1": "SZA-2022", "freed_quantity_1": "10", "reason": "试",
            }  # fmt: skip
            change = officer.post(f"{address}/changes/new", data=form, headers=PAGE, follow_redirects=False).headers[
                "location"
            ]
            found = re.search(r'href="(/approvals/[^"]+)"', officer.get(change, headers=PAGE).text)
            assert found
            if way == "change":
                assert send_step(officer, change, "steps", step="withdraw", words="改期") == 303
            else:
                assert send_step(officer, found.group(1), "withdrawal", reason="改期") == 303
            assert "已撤回" in officer.get(change, headers=PAGE).text


def test_the_commands_weigh_then_ask(
    command_line: Desk, sqlite_sessions: Sessions, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ("collateral", "top-up", "P3", "SZA-2024=2720", "--reason", "追加")
    assert run("--json", *given) == 0
    assert json.loads(capsys.readouterr().out)["collateral_value_cny"] == "855760.00"
    with sqlite_sessions.read() as session:
        p3 = service.pledge_by_code(session, command_line.maker, "P3")
        assert p3 is not None
        assert service.changes_of(session, command_line.maker, p3.id) == ()
    assert run("--json", *given, "--yes") == 0
    assert json.loads(capsys.readouterr().out)["state"] == "FREEZE_REQUESTED"
    release = ("collateral", "part-release", "P1", "CEA-2023=15000", "--reason", "释放")
    assert run("--json", *release) == 0
    assert "0.7766" in capsys.readouterr().out
    assert run("--json", *release, "--yes") == 2
    capsys.readouterr()
    assert run("--json", *release, "--repayment", "500000.00", "--yes") == 0
    assert json.loads(capsys.readouterr().out)["state"] == "PROPOSED"
    swap = ("collateral", "substitute", "P2", "--in", "SZA-2024=58537", "--out", "SZA-2022=60000", "--reason", "置换")
    assert run("--json", *swap) == 0
    assert json.loads(capsys.readouterr().out)["is_acceptable"]
    assert run("--json", "collateral", "changes", "P1") == 0
    assert [one["kind"] for one in json.loads(capsys.readouterr().out)] == ["part_release"]
    assert run("collateral", "changes", "P99") == 2
