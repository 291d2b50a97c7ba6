"""Stress scenarios that are kept: read and written, proposed and approved by two people, run over books, refused."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from litestar.testing import TestClient
from sqlmodel import select

from carbonfin.app.packages import PACKAGES
from carbonfin.kernel.dates import FixedClock
from carbonfin.kernel.errors import InvalidInput
from carbonfin.storage import approvals
from carbonfin.storage.approvals import Answer
from carbonfin.storage.decisions import load_decision, replay_decision
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import UserRow, actor_of
from carbonfin.storage.rulebook import PARAMETER_APPROVAL
from carbonfin.storage.rulebook.parameters import proposed_value, unconfirmed_value
from pricing import service
from pricing.calc.portfolio_risk import PORTFOLIO_RISK, CustomStress
from pricing.calc.portfolio_risk.named_stresses import STRESS_SCENARIO, named_stresses, read_scenario, scenario_text
from tests.app.worlds import PAGE, World, build_world, form_token, signed_in
from tests.pricing.markets import forward_rate
from tests.pricing.worlds import BOOK, KNOWN_AT, add_market, make_market_world

ADDRESS = "/stress-scenarios"
NOW = datetime(2025, 6, 30, 4, 0, tzinfo=UTC)
"""A sample bank knows what was known by the end of its business date."""
FORM = {
    "name": "碳价腰斩", "move_CEA": "-50", "rate_move": "100", "fx_move": "", "volatility_move": "", "note": "假设：腰斩",
    "document": "风险管理委员会纪要 2025-06-30", "valid_from": "2025-06-30", "reason": "季度压力测试", "action": "propose",
}  # fmt: skip


@pytest.fixture
def world(sqlite_sessions: Sessions) -> World:
    world = build_world(sqlite_sessions, FixedClock(NOW), packages=PACKAGES)
    with sqlite_sessions.begin() as session:
        add_market(session, world.officer)
        service.save_portfolio(session, world.officer, code="B1", name="示例组合", lines=BOOK)
    return world


def _send(client: TestClient[Any], **change: str) -> Any:
    token = form_token(client.get(ADDRESS, headers=PAGE).text)
    return client.post(ADDRESS, data={"_csrf_token": token, **FORM, **change}, headers=PAGE, follow_redirects=False)


def _approve(world: World, approval_id: str) -> None:
    with world.sessions.begin() as session:
        checker = actor_of(session, session.exec(select(UserRow.id).where(UserRow.login == "checker")).one())
        waiting = approvals.load_approval(session, checker, approval_id)
        approvals.approve(
            session, checker, approval_id, kinds=(PARAMETER_APPROVAL,), at=NOW, business_date=NOW.date(),
            answer=Answer(reason="已核对", accepted=unconfirmed_value(proposed_value(waiting))),
        )  # fmt: skip


def test_a_scenario_is_written_as_it_is_read() -> None:
    text = "CEA=-0.3 EUA=0.25 rate=0.01 fx=-0.05 volatility=0.5"
    stress = read_scenario(text)
    assert stress == CustomStress(
        price_moves=(("CEA", Decimal("-0.3")), ("EUA", Decimal("0.25"))), rate_move=Decimal("0.01"),
        fx_move=Decimal("-0.05"), volatility_move=Decimal("0.5"),
    )  # fmt: skip
    assert scenario_text(stress) == text


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("CEA=-1.01", "move_CEA"), ("CEA=11", "move_CEA"), ("rate=0.6", "rate_move"), ("fx=-1", "fx_move"),
        ("volatility=-1", "volatility_move"), ("CEA=-0.1 CEA=-0.2", "move_CEA"), ("GOLD=0.1", "price_moves"),
        ("CEA", "move_CEA"), ("CEA=x", "move_CEA"), ("CEA=0", "price_moves"), ("", "price_moves"),
    ],
)  # fmt: skip
def test_what_is_no_scenario_is_refused_by_its_field(text: str, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_scenario(text)
    assert refused.value.field == field


def test_one_that_does_not_read_is_told_and_the_others_stand() -> None:
    values = [
        replace(forward_rate(text), key=STRESS_SCENARIO, scope=name, unit="text")
        for name, text in (("好", "CEA=-0.1"), ("坏", "CEA=-9"))
    ]
    found, faults = named_stresses(values)
    assert [value.scope for value, _ in found] == ["好"]
    assert [fault.item for fault in faults] == ["pricing.stress_scenario[坏]"]
    assert "坏" in faults[0].zh


def test_two_people_keep_a_scenario_and_every_book_runs_it(world: World) -> None:
    """60,000 t of CEA-2023 at 75.02 lose half of 4,501,200; a spot holding has no rate to move."""
    lines = [{"line_id": "H1", "kind": "spot", "unit": "CEA-2023", "quantity_t": 60000}]
    asked = {"valuation_date": "2025-06-30", "lines": lines}
    with TestClient(world.app) as system:
        system.headers.update(world.key_headers("system"))
        before = system.post("/v1/risk", json=asked).json()
        assert "碳价腰斩" not in {one["name"] for one in before["stresses"]}
    with signed_in(world, "officer") as browser:
        sent = _send(browser)
        assert sent.status_code == 303, sent.text
        approval_id = sent.headers["location"].rsplit("/", 1)[1]
        assert _send(browser).status_code == 409  # one of its name waits
    _approve(world, approval_id)
    with TestClient(world.app) as system:
        system.headers.update(world.key_headers("system"))
        after = system.post("/v1/risk", json=asked).json()
        listed = system.get("/v1/stress-scenarios").json()
    told = next(one for one in after["stresses"] if one["name"] == "碳价腰斩")
    assert (told["kind"], told["pnl_cny"], told["rate_move"]) == ("named", "-2250600.00", "0.01")
    assert "风险管理委员会纪要" in told["note_zh"]
    mine = next(one for one in listed["scenarios"] if one["name"] == "碳价腰斩")
    assert mine["moves"] == {"CEA": "-0.5", "rate": "0.01"}
    assert (mine["text"], mine["is_confirmed"], len(mine["approved_by"])) == ("CEA=-0.5 rate=0.01", False, 2)
    with world.sessions.begin() as session:
        (portfolio,) = service.list_portfolios(session, world.officer)
        kept = service.record_risk(
            session, world.officer, portfolio.id, valuation_date=KNOWN_AT.date(), known_at=KNOWN_AT
        )
    assert kept.decision_id is not None
    with world.sessions.read() as session:
        trace = {one.name: one for one in load_decision(session, world.officer, kept.decision_id).trace}
        assert replay_decision(session, (PORTFOLIO_RISK,), kept.decision_id).same
    assert trace["stress.named.碳价腰斩"].label_zh == "压力损益：碳价腰斩"
    with signed_in(world, "officer") as browser:
        page = browser.get(f"{ADDRESS}?name=碳价腰斩", headers=PAGE).text
        assert 'name="move_CEA" type="text" value="-50"' in page
        assert 'name="rate_move" type="text" value="100"' in page
        shown = browser.get(f"/portfolios/{portfolio.id}/risk?decision={kept.decision_id}", headers=PAGE).text
        assert "碳价腰斩" in shown


def test_the_editor_tries_on_a_book_and_says_what_is_wrong(world: World) -> None:
    with world.sessions.read() as session:
        (portfolio,) = service.list_portfolios(session, world.officer)
    with signed_in(world, "officer") as browser:
        tried = _send(browser, action="try", portfolio_id=portfolio.id, name="")
        assert tried.headers["location"] == f"/portfolios/{portfolio.id}/risk?move_CEA=-50&rate_move=100"
        assert "自定义情景" in browser.get(tried.headers["location"], headers=PAGE).text
        for change, field in (
            ({"action": "try"}, "portfolio_id"), ({"name": " "}, "name"), ({"name": "a/b"}, "name"),
            ({"move_CEA": "-150"}, "move_CEA"), ({"move_CEA": "很多"}, "move_CEA"), ({"document": ""}, "document"),
            ({"move_CEA": "", "rate_move": ""}, "rate_move"), ({"valid_from": "明天"}, "valid_from"),
            ({"reason": ""}, "reason"),
        ):  # fmt: skip
            wrong = _send(browser, **change)
            assert wrong.status_code == 422, change
            assert f'id="error-{field}"' in wrong.text, change
            assert "风险管理委员会纪要" in wrong.text or field == "document"
    with signed_in(world, "auditor") as browser:
        assert "提交复核" not in browser.get(ADDRESS, headers=PAGE).text


def test_fractions_of_a_basis_point_and_of_a_per_cent_are_shown_as_they_were_entered(world: World) -> None:
    with world.sessions.read() as session:
        (portfolio,) = service.list_portfolios(session, world.officer)
    with signed_in(world, "officer") as browser:
        sent = _send(browser, name="细分", move_CEA="-12.345", rate_move="12.5")
        _approve(world, sent.headers["location"].rsplit("/", 1)[1])
        listed = browser.get(ADDRESS, headers=PAGE).text
        tried = browser.get(f"/portfolios/{portfolio.id}/risk?move_CEA=-50&rate_move=-0.5", headers=PAGE).text
    for text in ("CEA -12.345%", "利率平移 12.5 bp"):
        assert text in listed
    assert ">-0.5 bp<" in tried


def test_a_banks_scenarios_are_its_own(sessions: Sessions) -> None:
    """On both databases."""
    with sessions.begin() as session:
        market = make_market_world(session)
        stress = read_scenario("CEA=-0.5")
        draft = service.ScenarioDraft(
            name="甲行情景", stress=stress, valid_from=KNOWN_AT.date(), document="纪要", note=""
        )
        waiting = service.propose_stress_scenario(session, market.maker, draft, reason="测试", at=KNOWN_AT)
        approvals.approve(
            session, market.checker, waiting.id, kinds=(PARAMETER_APPROVAL,), at=KNOWN_AT,
            business_date=KNOWN_AT.date(), answer=Answer(reason="核对", accepted=unconfirmed_value(proposed_value(waiting))),
        )  # fmt: skip
    with sessions.read() as session:
        names = [
            {value.scope for value, _ in service.stress_scenarios(
                session, actor, valuation_date=KNOWN_AT.date(), known_at=KNOWN_AT).own}
            for actor in (market.maker, market.stranger)
        ]  # fmt: skip
    assert ("甲行情景" in names[0], "甲行情景" in names[1]) == (True, False)
