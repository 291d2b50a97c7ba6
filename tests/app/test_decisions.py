"""A decision's trace: every figure with value, formula, inputs, source; replay to the bit."""

from dataclasses import replace
from decimal import Decimal

import pytest
from litestar.testing import TestClient
from sqlmodel import select

from carbonfin.app.decisions import kinds
from carbonfin.app.decisions.kinds import KIND_TITLES, decision_kinds
from carbonfin.app.decisions.words import checker_words
from carbonfin.kernel.actors import Role
from carbonfin.storage.decisions import load_decision
from carbonfin.storage.parties import UserRow, actor_of
from tests.app.worlds import INTEREST, PAGE, InterestInputs, InterestOutputs, World, form_token, signed_in


def test_the_api_gives_inputs_outputs_and_trace(world: World) -> None:
    with TestClient(world.app) as client:
        decision = client.get(f"/v1/decisions/{world.decision_id}", headers=world.key_headers()).json()
        listed = client.get("/v1/decisions?subject=P1", headers=world.key_headers()).json()["decisions"]
        other = client.get("/v1/decisions?subject=P2", headers=world.key_headers()).json()["decisions"]
    assert decision["inputs"] == {"principal_cny": "2000000.00", "rate": "0.0340", "days": 9}
    assert decision["outputs"] == {"interest_cny": "1700.00"}  # 2,000,000 x 3.40 % x 9 / 360
    assert decision["known_at"] == "2026-03-02T04:00:00Z"
    interest = decision["trace"][2]
    assert interest["value"] == "1700.00"
    assert interest["inputs"] == ["principal", "rate"]
    assert decision["trace"][1]["confirmed"] is False
    assert [item["decision_id"] for item in listed] == [world.decision_id]
    assert other == []


def test_the_page_links_each_figure_to_its_inputs_and_marks_the_unconfirmed(world: World) -> None:
    with signed_in(world) as client:
        text = client.get(f"/decisions/{world.decision_id}", headers=PAGE).text
    assert '<tr id="figure-interest">' in text
    assert 'href="#figure-principal"' in text
    assert "1,700.00" in text
    assert "3.40%" in text
    assert "本金 × 执行利率 × 天数 / 360" in text
    assert "利率未经复核" in text
    assert "本决定使用了 1 项未确认的参数或事实" in text


def test_a_decision_without_a_checker_says_why(world: World) -> None:
    """Alone by a person, alone by a system, signed, and of before records named a checker."""
    with world.sessions.read() as session:
        owner = actor_of(session, session.exec(select(UserRow.id).where(UserRow.login == "officer")).one())
        alone = load_decision(session, owner, world.decision_id)
    by_system = replace(alone, actor_role=Role.SYSTEM)
    by_person = replace(alone, actor_role=Role.OFFICER)
    signed = replace(by_person, checker_name="乙")
    old = replace(by_person, form=1, engine_version=None, maker_name=None)
    assert [checker_words(one).zh for one in (by_system, by_person, signed, old)] == [
        "系统自动作出，无复核人", "未经审批，无复核人", "乙", "记录未载（旧格式）",
    ]  # fmt: skip
    with signed_in(world) as client:
        text = client.get(f"/decisions/{world.decision_id}", headers=PAGE).text
        told = client.get(f"/v1/decisions/{world.decision_id}").json()
    assert checker_words(alone).zh in text
    assert "QuantLib/" in text
    assert (told["form"], told["checker_name"], told["approval_id"], told["override"]) == (2, None, None, None)
    assert told["maker_name"] == alone.actor_name
    assert told["engine_version"].startswith("carbonfin/")


def test_a_replay_is_the_same_to_the_byte(world: World) -> None:
    with signed_in(world) as client:
        token = form_token(client.get(f"/decisions/{world.decision_id}", headers=PAGE).text)
        answer = client.post(f"/decisions/{world.decision_id}/replay", data={"_csrf_token": token}, headers=PAGE)
    assert answer.status_code == 200
    assert "重算一致" in answer.text


def test_a_changed_method_is_found_out(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def changed(inputs: InterestInputs) -> InterestOutputs:
        return replace(INTEREST.decide(inputs), interest_cny=Decimal("1700.01"))

    monkeypatch.setattr(kinds, "decision_kinds", lambda: (replace(INTEREST, decide=changed),))
    with TestClient(world.app) as client:
        answer = client.post(f"/v1/decisions/{world.decision_id}/replay", headers=world.key_headers()).json()
    assert answer["same"] is False
    assert answer["differences"] == ["/interest_cny: recorded '1700.00', replayed '1700.01'"]


def test_a_kind_that_is_not_at_hand_is_not_replayed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kinds, "decision_kinds", tuple)
    with TestClient(world.app) as client:
        answer = client.post(f"/v1/decisions/{world.decision_id}/replay", headers=world.key_headers())
    assert (answer.status_code, answer.json()["code"]) == (422, "not-applicable")


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=x"])
def test_a_limit_out_of_bounds_is_named(world: World, query: str) -> None:
    with TestClient(world.app) as client:
        answer = client.get(f"/v1/decisions?{query}", headers=world.key_headers())
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "limit"


def test_every_kind_of_decision_has_a_title_of_its_own() -> None:
    assert [kind.name for kind in decision_kinds() if kind.name not in KIND_TITLES] == []
