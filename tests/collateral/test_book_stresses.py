"""The collateral book put under stress by API, page and command: gathered by hand, kept, replayed, refused."""

import json
import re
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import Conflict, InvalidInput, NotFound
from carbonfin.storage.decisions import replay_decision
from carbonfin.storage.engine import Sessions
from carbonfin.storage.files import check_file, store_file
from carbonfin.storage.parties import parties_of
from carbonfin.storage.rulebook import enter_parameter
from collateral.calc.book_stress import decision
from collateral.calc.book_stress.decision import BOOK_STRESS
from collateral.calc.book_stress.terms import SCENARIO_NAMES, StressScenario
from collateral.service import book_stresses
from collateral.service.book_stresses import BookStress, StressAsked
from collateral.service.haircut_facts import market_facts, seasonal_depth
from collateral.service.view import desk_view
from tests.app.worlds import PAGE, form_token
from tests.collateral.desk import CLOCK, Desk
from tests.collateral.test_default_simulations import load_quotes, made_pledges
from tests.collateral.test_edges import Edge, client_of, command_line, edge, run, signed_in
from tests.collateral.test_pledge_haircuts import in_force, policy
from tests.collateral.world import TODAY, parameter

__all__ = ["command_line", "edge"]

ASKED = StressAsked(own=(), path_count=2_000, seed=7)
OWN = {
    "code": "own", "name": "自定", "price_ratio": "0.9", "price_days": 1, "is_simulated": False, "cliff_day": None,
    "cliff_years": 0, "outage_days": 20, "cash_ratio": "1",
}  # fmt: skip
OWN_STRESS = StressScenario(
    code="own", name_zh="自定", name_en="own", price_ratio=Decimal("0.4"), price_days=1, is_simulated=False,
    cliff_day=None, cliff_years=0, outage_days=20, cash_ratio=Decimal(1),
)  # fmt: skip
BODY = {"scenarios": [OWN], "path_count": 2000, "seed": 7}


def made(sessions: Sessions, desk: Desk, asked: StressAsked = ASKED) -> BookStress:
    with sessions.read() as session:
        inputs = book_stresses.stress_inputs(session, desk.maker, asked, standing=desk.standing)
    made_one = book_stresses.make_book_stress(inputs, standing=desk.standing)
    with sessions.begin() as session:
        kept = book_stresses.keep_book_stress(session, desk.maker, made_one, standing=desk.standing)
        return book_stresses.load_book_stress(session, desk.maker, kept.decision_id)


def test_the_book_is_gathered_as_it_stands_and_what_is_missing_is_said(desk_sessions: Sessions, desk: Desk) -> None:
    made_pledges(desk_sessions, desk)
    in_force(desk_sessions, desk, policy())
    kept = made(desk_sessions, desk)
    inputs = kept.inputs
    third = next(one for one in inputs.agreements if one.code == "P3")
    assert (third.debt_cny, [(one.unit, one.quantity_t) for one in third.lines]) == (
        Decimal("855758.81"), [("SZA-2023", 40_000)],
    )  # fmt: skip
    assert [one.code for one in inputs.scenarios] == list(SCENARIO_NAMES)
    (traded,) = [one for one in inputs.units if one.unit == "SZA-2023"]
    assert traded.season is not None
    with desk_sessions.read() as session:
        view, unit = desk_view(session, desk.standing), Unit.parse("SZA-2023")
        market = market_facts(session, desk.maker, view, unit, limit_ratio=None)
        same = seasonal_depth(view, unit, ends_on=TODAY, market=market)
    assert (traded.depth_ratios, traded.season) == (same.ratios, same.season), "the close-out's own depth"
    assert "collateral.depth_season_days[]" in kept.outcome.unconfirmed, "no ratio is approved"
    assert kept.outcome.debt_cny == sum(one.debt_cny for one in inputs.agreements)
    assert all(one.cash_cny is None for one in inputs.pledgors)
    told = "".join(zh for zh, _ in kept.outcome.findings)
    assert ("按零计的出质人" in told, "SZA-2022：" in told) == (True, True), "its volumes are not known"
    assert {"collateral.stress_price_ratio[price_fall]", "collateral.stress_correlation[]"} <= set(
        kept.outcome.unconfirmed
    )
    results = {one.code: one for one in kept.outcome.scenarios}
    assert results["price_fall"].called_mean > 0
    assert results["together"].loss_tail_cny >= results["price_fall"].loss_tail_cny
    assert results["no_cash"].met_cash_cny == 0
    with desk_sessions.read() as session:
        assert replay_decision(session, [BOOK_STRESS], kept.record.id).same
        with pytest.raises(NotFound):
            book_stresses.load_book_stress(session, desk.stranger, kept.record.id)


def test_cash_that_two_people_stated_meets_calls(desk_sessions: Sessions, desk: Desk) -> None:
    made_pledges(desk_sessions, desk)
    in_force(desk_sessions, desk, policy())
    held = StressAsked(own=(OWN_STRESS,), path_count=2_000, seed=7)
    bare = made(desk_sessions, desk, held).outcome.scenarios[-1]
    with desk_sessions.begin() as session:
        for party in parties_of(session, desk.maker):
            code = (party.usci or party.lei).text  # type: ignore[union-attr]
            stated = parameter("collateral.pledgor_cash_cny", "50000000.00", scope=code, unit="CNY")
            enter_parameter(session, desk.maker, desk.checker, stated, reason="样例", at=CLOCK.now())
    kept = made(desk_sessions, desk, held)
    rich = kept.outcome.scenarios[-1]
    assert (bare.met_cash_cny, rich.failed_mean, bare.met_units_cny) == (0, 0, 0), "the registry is out"
    assert bare.failed_mean > 0
    assert rich.met_cash_cny > 0
    assert not any("按零计的出质人" in zh for zh, _ in kept.outcome.findings)
    assert "collateral.pledgor_cash_cny" in {one.key for one in kept.inputs.parameters}


def test_a_class_without_a_policy_counts_as_unsaleable(desk_sessions: Sessions, desk: Desk) -> None:
    """SZA-2023 trades day by day, and nobody has said how it would be sold: what fails brings nothing."""
    made_pledges(desk_sessions, desk)
    held = StressAsked(own=(OWN_STRESS,), path_count=2_000, seed=7)
    bare = made(desk_sessions, desk, held)
    (unit,) = [one for one in bare.inputs.units if one.unit == "SZA-2023"]
    assert unit.daily_volume_t
    assert (unit.selling_ratio, unit.policy) == (None, "")
    assert "SZA-2023：无生效的折扣系数政策，处置条件未知，按无法变现计" in [zh for zh, _ in bare.outcome.findings]
    (lost,) = [one for one in bare.outcome.scenarios[-1].agreements if one.code == "P3"]
    assert (lost.failed_ratio, lost.loss_mean_cny) == (1, Decimal("855758.81"))
    in_force(desk_sessions, desk, policy())
    (sold,) = [one for one in made(desk_sessions, desk, held).outcome.scenarios[-1].agreements if one.code == "P3"]
    assert 0 < sold.loss_mean_cny < Decimal("855758.81")


def test_a_stress_is_of_the_day_it_was_made_for(desk_sessions: Sessions, desk: Desk) -> None:
    made_pledges(desk_sessions, desk)
    with desk_sessions.read() as session:
        inputs = book_stresses.stress_inputs(session, desk.maker, ASKED, standing=desk.standing)
    early = book_stresses.make_book_stress(inputs, standing=desk.standing)
    later = replace(desk.standing, business_date=TODAY + timedelta(days=1))
    with desk_sessions.begin() as session, pytest.raises(Conflict, match="the business date is 2025-07-01 by now"):
        book_stresses.keep_book_stress(session, desk.maker, early, standing=later)


def test_others_may_write_while_a_stress_is_calculated(edge: Edge, monkeypatch: pytest.MonkeyPatch) -> None:
    """On SQLite one writer holds all others up: a calculation of seconds stands before its transaction."""
    load_quotes(edge.sessions, edge.desk)
    written: list[str] = []
    strike = decision.unit_factors

    def writing(*given: Any) -> Any:
        file = check_file(f"第 {len(written)} 份".encode(), name="旁证.txt")
        with edge.sessions.begin() as session:
            written.append(store_file(session, edge.desk.maker, file, at=CLOCK.now()).digest)
        return strike(*given)

    monkeypatch.setattr(decision, "unit_factors", writing)
    told = client_of(edge).post("/v1/collateral-stresses", json=BODY, headers={"Idempotency-Key": "w"})
    assert told.status_code == 201, told.text
    by_api = len(written)
    assert by_api > 0
    with signed_in(edge, "officer") as people:
        form = {"path_count": "2000", "seed": "1",
                "_csrf_token": form_token(people.get("/collateral-stresses", headers=PAGE).text)}  # fmt: skip
        sent = people.post("/collateral-stresses", data=form, headers=PAGE, follow_redirects=False)
    assert (sent.status_code, len(written) > by_api) == (303, True)


def test_a_book_without_agreements_and_a_code_that_is_taken_are_refused(desk_sessions: Sessions, desk: Desk) -> None:
    with pytest.raises(InvalidInput) as empty:
        made(desk_sessions, desk)
    assert empty.value.field == "agreements"
    own = replace(OWN_STRESS, code="together")
    with pytest.raises(InvalidInput) as taken:
        made(desk_sessions, desk, StressAsked(own=(own,), path_count=2_000, seed=1))
    assert taken.value.field == "scenarios"


def test_stresses_by_api_and_page(edge: Edge) -> None:
    load_quotes(edge.sessions, edge.desk)
    in_force(edge.sessions, edge.desk, policy())
    client = client_of(edge)
    address = "/v1/collateral-stresses"
    told = client.post(address, json=BODY, headers={"Idempotency-Key": "s1"})
    assert told.status_code == 201, told.text
    found = told.json()
    assert len(found["scenarios"]) == len(SCENARIO_NAMES) + 1
    assert found["worst"] == "own", "nothing loses more than nine tenths in a day"
    assert client.get(f"{address}/{found['decision_id']}").json() == found
    assert [one["decision_id"] for one in client.get(address).json()["stresses"]] == [found["decision_id"]]
    document = client.get(f"{address}/{found['decision_id']}/pdf")
    assert (document.status_code, document.headers["content-type"]) == (200, "application/pdf")
    again = client.get(f"{address}/{found['decision_id']}/pdf").content
    assert document.content == again, "the same stress gives the same bytes"
    text = "".join(page.extract_text() for page in PdfReader(BytesIO(document.content)).pages).replace("\n", "")
    (worst,) = [one for one in found["scenarios"] if one["code"] == "own"]
    for words in (
        "押品组合压力测试",
        "自定：受影响的协议",
        f"{Decimal(worst['loss_tail_cny']):,.2f}",
        "无法变现",
        "未确认",
        "处置所依据的市场深度",
    ):
        assert words in text, words
    assert client_of(edge, "other").get(f"{address}/{found['decision_id']}/pdf").status_code == 404
    assert client_of(edge, "other").get(f"{address}/{found['decision_id']}").status_code == 404
    for number, (changed, status) in enumerate(
        (
            ({"path_count": 1_999}, 400), ({"seed": -1}, 400), ({"scenarios": [{**OWN, "price_ratio": "1"}]}, 422),
            ({"scenarios": [{**OWN, "code": "together"}]}, 422), ({"scenarios": [{**OWN, "price_days": 0}]}, 422),
            ({"scenarios": [{**OWN, "outage_days": 251}]}, 400), ({"scenarios": [OWN, OWN]}, 422),
        )
    ):  # fmt: skip
        refused = client.post(address, json={**BODY, **changed}, headers={"Idempotency-Key": f"w{number}"})
        assert (refused.status_code, changed) == (status, changed), refused.text
    with signed_in(edge, "officer") as people:
        assert 'href="/collateral-stresses"' in people.get("/pledges", headers=PAGE).text
        shown = people.get("/collateral-stresses?scenario=own", headers=PAGE)
        assert shown.status_code == 200
        opened = people.get(f"/collateral-stresses/{found['decision_id']}/pdf")
        assert (opened.status_code, opened.content[:5]) == (200, b"%PDF-")
        assert f"/collateral-stresses/{found['decision_id']}/pdf" in shown.text
        assert all(word in shown.text for word in ("最坏情景", "自定：受影响的协议", "<svg", "未确认假设", "SZA-2023"))
        assert "处置所依据的市场深度" in shown.text
        entries = re.findall(r'<input id="field-[^>]*>', shown.text)
        wanted = {re.search(r'name="(\w+)"', one)[1] for one in entries if " required" in one}  # type: ignore[index]
        assert (wanted, len(entries)) == ({"path_count", "seed"}, 8), "a stress of one's own is optional"
        form = {"path_count": "2000", "seed": "1", "price_ratio": "0.4", "price_days": "soon", "cliff_day": "",
                "cliff_years": "", "outage_days": "", "cash_ratio": "",
                "_csrf_token": form_token(shown.text)}  # fmt: skip
        wrong = people.post("/collateral-stresses", data=form, headers=PAGE)
        assert (wrong.status_code, "“soon”不是整数" in wrong.text, 'value="0.4"' in wrong.text) == (422, True, True)
        sent = people.post(
            "/collateral-stresses", data={**form, "price_days": "3"}, headers=PAGE, follow_redirects=True
        )
        assert (sent.status_code, "自定情景" in sent.text) == (200, True), sent.text[:400]


def test_a_stress_by_command(
    command_line: Desk, sqlite_sessions: Sessions, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    made_pledges(sqlite_sessions, command_line)
    in_force(sqlite_sessions, command_line, policy())
    file = tmp_path / "own.json"
    file.write_text(json.dumps([OWN]))
    assert run("--json", "collateral", "stress", "--scenarios", str(file)) == 0
    body = json.loads(capsys.readouterr().out)
    assert body["scenarios"][-1]["code"] == "own"
    assert run("collateral", "stress") == 0
    assert "价格急跌" in capsys.readouterr().out
    file.write_text("{}")
    assert run("collateral", "stress", "--scenarios", str(file)) == 2
