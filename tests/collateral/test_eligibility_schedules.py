"""Schedules of eligible collateral through the product: in words, under four eyes, asked of whatever is taken."""

import json
import re
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from carbonfin.app.approvals.kinds import APPROVAL_KINDS
from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import Conflict, InvalidInput, NotFound
from carbonfin.storage import approvals
from carbonfin.storage.approvals import Answer
from carbonfin.storage.decisions import replay_decision
from carbonfin.storage.engine import Sessions
from collateral import service
from collateral.calc.agreements import UnitQuantity
from collateral.calc.pledge_changes import ChangeDraft, ChangeKind
from collateral.calc.schedule_verdicts import (
    AssetOfUnit,
    ScheduleInForce,
    compact_schedule,
    criteria_words,
    rules_of,
    tree_of,
    verdict_of,
)
from collateral.service import eligibility_schedules
from collateral.service.changes import start_change
from collateral.service.eligibility_schedules import ScheduleDraft
from collateral.service.view import desk_view
from tests.app.worlds import PAGE, form_token
from tests.collateral.desk import CLOCK, Desk, pledge_p4, take_over_all
from tests.collateral.test_allocations import weighed
from tests.collateral.test_edges import Edge, client_of, command_line, edge, run, signed_in
from tests.collateral.world import TODAY

__all__ = ["command_line", "edge"]

VECTORS = Path(__file__).parents[2].parent / "shared/vectors/cdm-collateral/eligible-collateral"
SCHEDULE: dict[str, Any] = {
    "criteria": [
        {
            "collateralCriteria": {"AllCriteria": {"allCriteria": [
                {"AssetType": {"assetType": "COMMODITY"}}, {"CurrencyCodeEnum": "CNY"},
            ]}},
            "treatment": {
                "isIncluded": True, "valuationTreatment": {"haircutPercentage": 0.3, "additionalHaircutPercentage": 0.05},
            },
        },
        {
            "collateralCriteria": {"IndexType": {"equityIndex": "SZA-2024"}},
            "treatment": {"isIncluded": False},
        },
    ]
}  # fmt: skip
TEXT = json.dumps(SCHEDULE)
LIMITED: dict[str, Any] = {
    "criteria": [
        {
            "collateralCriteria": {"IndexType": {"equityIndex": "SZA"}},
            "treatment": {"isIncluded": True, "concentrationLimit": [{
                "concentrationLimitCriteria": {"concentrationLimitType": "ASSET"},
                "percentageLimit": {"upperBound": {"inclusive": True, "number": 0.4}},
            }]},
        }
    ]
}  # fmt: skip
DRAFT = ScheduleDraft(code="S1", cdm=TEXT, valid_from=TODAY, document="示例押品办法", reason="新设")


def in_words(text: str = TEXT) -> ScheduleInForce:
    return ScheduleInForce(code="S1", valid_from=TODAY, document="示例", cdm=compact_schedule(text))


def asset(unit: str, last: date | None = None) -> AssetOfUnit:
    return AssetOfUnit(unit=Unit.parse(unit), last_usable=last)


def put_in_force(sessions: Sessions, desk: Desk, text: str = TEXT, *, code: str = "S1", day: date = TODAY) -> None:
    draft = ScheduleDraft(code=code, cdm=text, valid_from=day, document="示例押品办法", reason="新设")
    with sessions.begin() as session:
        waiting = eligibility_schedules.propose_schedule(
            session, desk.maker, draft, standing=desk.standing, at=CLOCK.now()
        )
    with sessions.begin() as session:
        in_force = eligibility_schedules.schedules_on(session, standing=desk.standing)
        assert not any((one.code, one.valid_from) == (code, day) for one in in_force), "one waits"
        approvals.approve(
            session, desk.checker, waiting.id, kinds=APPROVAL_KINDS, answer=Answer(reason="同意"), at=CLOCK.now(),
            business_date=desk.standing.business_date,
        )  # fmt: skip


def test_an_exclusion_vetoes_and_each_verdict_names_its_criterion() -> None:
    found = verdict_of(in_words(), asset("SZA-2023"), on=TODAY)
    assert (found.is_eligible, found.rule, found.haircut_ratio) == (True, 1, Decimal("0.35")), "0.3 + 0.05"
    vetoed = verdict_of(in_words(), asset("SZA-2024"), on=TODAY)
    assert (vetoed.is_eligible, vetoed.rule, vetoed.haircut_ratio) == (False, 2, None)
    assert vetoed.reason_zh == "第 2 条排除：品种或指数为 SZA-2024"
    foreign = verdict_of(in_words(), asset("EUA-2024"), on=TODAY)
    assert (foreign.is_eligible, foreign.rule, foreign.reason_zh) == (False, None, "第 1 条未满足：币种为 CNY")


def test_an_end_that_is_not_known_meets_no_maturity_and_an_unknown_issuer_is_excluded() -> None:
    maturity = {"AssetMaturity": {"assetMaturity": {
        "maturityType": "REMAINING_MATURITY",
        "maturityRange": {"lowerBound": {"period": {"periodMultiplier": 3, "period": "M"}, "inclusive": True}},
    }}}  # fmt: skip
    timed = json.dumps({"criteria": [{"collateralCriteria": maturity, "treatment": {"isIncluded": True}}]})
    for last, is_eligible in ((date(2025, 9, 30), True), (date(2025, 9, 29), False), (None, False)):
        assert verdict_of(in_words(timed), asset("CEA-2024", last), on=TODAY).is_eligible is is_eligible
    said = criteria_words(rules_of(timed)[0].criteria)
    assert said == ("剩余期限 ≥ 3 个月", "remaining maturity ≥ 3 months")
    issuer = {"criteria": [SCHEDULE["criteria"][0], {
        "collateralCriteria": {"CollateralIssuerType": {"issuerType": "CORPORATE"}}, "treatment": {"isIncluded": False},
    }]}  # fmt: skip
    assert not verdict_of(in_words(json.dumps(issuer)), asset("SZA-2023"), on=TODAY).is_eligible


def test_the_published_schedules_come_back_equal_and_stand_as_trees() -> None:
    files = sorted(VECTORS.glob("*.json"))
    assert len(files) == 3
    for file in files:
        text = file.read_text(encoding="utf-8")
        assert json.loads(compact_schedule(text)) == json.loads(text), file.name
        lines = tree_of(rules_of(text))
        assert all(one.text_zh and one.text_en for one in lines)
        assert len([one for one in lines if one.depth == 0]) == len(json.loads(text)["criteria"])


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("{", "schedule"), ("[]", ""), ('{"criteria": []}', "criteria"), ('{"criteria": [], "x": 1}', ""),
        ('{"criteria": [{"collateralCriteria": {"ListingSector": {}}, "treatment": {"isIncluded": true}}]}', None),
        (" " * 200_001, "schedule"), ("[" * 100_000, "schedule"),
    ],
)  # fmt: skip
def test_what_is_no_schedule_is_refused_by_its_place(text: str, field: str | None) -> None:
    with pytest.raises(InvalidInput) as refused:
        ScheduleDraft(code="S1", cdm=text, valid_from=TODAY, document="示例", reason="新设")
    if field is not None:
        assert refused.value.field == field


def test_a_schedule_in_force_is_asked_of_appraisals_changes_and_allocations(
    desk_sessions: Sessions, desk: Desk
) -> None:
    with desk_sessions.begin() as session:
        pledges = take_over_all(session, desk)
        before = service.appraise_what_if(session, desk.maker, pledge_p4(desk), standing=desk.standing)
    assert not any("schedule" in one.code for one in before.refusals)
    put_in_force(desk_sessions, desk)
    with desk_sessions.begin() as session:
        with pytest.raises(NotFound):
            eligibility_schedules.load_schedule(session, "S2", standing=desk.standing)
        recorded = service.record_appraisal(session, desk.maker, pledge_p4(desk), standing=desk.standing)
        (refusal,) = [one for one in recorded.outcome.refusals if one.code == "not-eligible-by-schedule"]
        assert "SZA-2024 不符合担保品清单 S1" in refusal.zh
        assert replay_decision(session, service.DECISION_KINDS, recorded.decision_id).same
        draft = ChangeDraft(
            kind=ChangeKind.TOP_UP, added=(UnitQuantity(unit=Unit.parse("SZA-2024"), quantity_t=10),), freed=(),
            repayment_cny=Decimal("0.00"), reason="追加",
        )  # fmt: skip
        taken = start_change(session, desk.maker, pledges["P3"], draft, standing=desk.standing)
        told = service.change_outcome(session, desk.maker, taken)
        assert taken.state == "FREEZE_REQUESTED", "a top-up is always taken"
        assert [one.code for one in told.notes[:2]] == ["not-eligible-by-schedule", "counts-for-nothing"]
        swap = replace(
            draft, kind=ChangeKind.SUBSTITUTION, freed=(UnitQuantity(unit=Unit.parse("SZA-2023"), quantity_t=10),)
        )
        with pytest.raises(Conflict, match="not eligible by schedule"):
            start_change(session, desk.maker, pledges["P3"], swap, standing=desk.standing)
        verdicts = eligibility_schedules.verdicts_of_holdings(session, desk.maker, desk_view(session, desk.standing))
        assert {str(one.unit): one.is_eligible for one in verdicts}["SZA-2024"] is False
    found = weighed(desk_sessions, desk, pledgor="E3")
    assert [(unit, "第 2 条排除" in zh) for unit, zh, _ in found.left_out if unit == "SZA-2024"] == [("SZA-2024", True)]


def test_a_haircut_below_the_schedules_is_refused_and_a_later_version_takes_its_day(
    desk_sessions: Sessions, desk: Desk
) -> None:
    """The bank's own of SZA is 0.50; a schedule that takes 0.60 refuses it, one that takes 0.50 does not."""

    def taking(ratio: float) -> str:
        rule = SCHEDULE["criteria"][0]["collateralCriteria"]
        treatment = {"isIncluded": True, "valuationTreatment": {"haircutPercentage": ratio}}
        return json.dumps({"criteria": [{"collateralCriteria": rule, "treatment": treatment}]})

    put_in_force(desk_sessions, desk, taking(0.5), code="A")
    with desk_sessions.begin() as session:
        fine = service.appraise_what_if(session, desk.maker, pledge_p4(desk), standing=desk.standing)
        assert not any("schedule" in one.code for one in fine.refusals)
    put_in_force(desk_sessions, desk, taking(0.6), code="B")
    put_in_force(desk_sessions, desk, taking(0.7), code="C", day=date(2025, 7, 1))
    with desk_sessions.begin() as session:
        found = service.appraise_what_if(session, desk.maker, pledge_p4(desk), standing=desk.standing)
        assert [one.code for one in found.refusals if "schedule" in one.code] == ["haircut-below-schedule"]
        assert [one.code for one in eligibility_schedules.schedules_on(session, standing=desk.standing)] == ["A", "B"]


def test_an_allocation_counts_what_a_schedule_takes_off_where_that_is_more(desk_sessions: Sessions, desk: Desk) -> None:
    """The bank's own of SZA is 0.50, the schedules' 0.55 and 0.45: a tonne at 40.00 covers 18.00."""
    with desk_sessions.begin() as session:
        take_over_all(session, desk)
    before = weighed(desk_sessions, desk)
    assert {one.haircut_ratio for one in before.lines} == {Decimal("0.50")}
    for code, ratio in (("A", 0.55), ("B", 0.45)):
        rule = SCHEDULE["criteria"][0]["collateralCriteria"]
        treatment = {"isIncluded": True, "valuationTreatment": {"haircutPercentage": ratio}}
        text = json.dumps({"criteria": [{"collateralCriteria": rule, "treatment": treatment}]})
        put_in_force(desk_sessions, desk, text, code=code)
    found = weighed(desk_sessions, desk)
    assert found.is_feasible
    assert {one.haircut_ratio for one in found.lines} == {Decimal("0.55")}
    prices = {"SZA-2022": Decimal(39), "SZA-2023": Decimal(40), "SZA-2024": Decimal(41)}
    worth = sum(one.proposed_t * prices[str(one.unit)] * Decimal("0.45") for one in found.lines)
    assert found.needs[0].covered_cny == worth
    assert worth >= found.needs[0].required_cny


def test_schedules_by_api_and_page(edge: Edge) -> None:
    client = client_of(edge)
    assert client.post("/v1/eligibility-schedules", json={}, headers={"Idempotency-Key": "x"}).status_code == 403, (
        "a system makes no rules"
    )
    with signed_in(edge, "officer") as people:
        empty = people.get("/eligibility-schedules", headers=PAGE)
        assert "没有生效的清单" in empty.text
        fields = {"code": "S1", "valid_from": TODAY.isoformat(), "document": "示例押品办法", "reason": "新设",
                  "_csrf_token": form_token(empty.text)}  # fmt: skip
        wrong = people.post(
            "/eligibility-schedules", data=fields, files={"file": ("s.json", b"{", "application/json")}, headers=PAGE
        )
        assert (wrong.status_code, "不是有效的 JSON" in wrong.text, "示例押品办法" in wrong.text) == (422, True, True)
    put_in_force(edge.sessions, edge.desk)
    listed = client.get("/v1/eligibility-schedules").json()
    assert [(one["code"], one["rule_count"]) for one in listed["schedules"]] == [("S1", 2)]
    assert any(one["unit"] == "SZA-2024" and not one["is_eligible"] for one in listed["verdicts"])
    assert client.get("/v1/eligibility-schedules/S1").json() == SCHEDULE
    assert client.get("/v1/eligibility-schedules/S2").status_code == 404
    assert client_of(edge, "other").get("/v1/eligibility-schedules/S1").status_code == 404
    with signed_in(edge, "officer") as people:
        text = people.get("/eligibility-schedules", headers=PAGE).text
        assert all(
            word in text for word in ("第 2 条 排除（一票否决）", "品种或指数为 SZA-2024", "不合格", "折扣系数 0.3")
        )


def test_a_schedule_by_command(
    command_line: Desk, sqlite_sessions: Sessions, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "s.json"
    file.write_text(TEXT)
    put_in_force(sqlite_sessions, command_line)
    assert run("collateral", "eligibility", "--export", "S1") == 0
    assert json.loads(capsys.readouterr().out) == SCHEDULE
    assert run("collateral", "eligibility", "--export", "S9") == 2
    assert run("--json", "collateral", "eligibility") == 0
    listed = json.loads(capsys.readouterr().out)
    assert ([one["code"] for one in listed["schedules"]], listed["shares"]) == (["S1"], [])


def test_a_command_lists_the_book_against_the_limits(
    command_line: Desk, sqlite_sessions: Sessions, capsys: pytest.CaptureFixture[str]
) -> None:
    """SZA-2022 2,340,000 of 6,340,000 is 0.3691 (rounded up), SZA-2023 4,000,000 of it 0.6310."""
    with sqlite_sessions.begin() as session:
        take_over_all(session, command_line)
    put_in_force(sqlite_sessions, command_line, json.dumps(LIMITED))
    assert run("--json", "collateral", "eligibility") == 0
    shares = json.loads(capsys.readouterr().out)["shares"]
    assert [(one["name"], one["after_ratio"], one["is_above"]) for one in shares] == [
        ("schedule_S1_1_1_SZA-2022", "0.3691", False), ("schedule_S1_1_1_SZA-2023", "0.6310", True),
    ]  # fmt: skip
    assert run("collateral", "eligibility") == 0
    assert "存续押品与清单上限" in capsys.readouterr().out


def test_a_checker_reads_a_schedule_line_by_line_and_what_differs(edge: Edge) -> None:
    """The next version takes the exclusion out and doubles the haircut: 0.3 falls, 0.6 comes, rule 2 goes whole."""
    put_in_force(edge.sessions, edge.desk)
    text = TEXT.replace('"haircutPercentage": 0.3', '"haircutPercentage": 0.6')
    later = json.dumps({"criteria": json.loads(text)["criteria"][:1]})
    with edge.sessions.begin() as session:
        waiting = eligibility_schedules.propose_schedule(
            session, edge.desk.maker, replace(DRAFT, cdm=later), standing=edge.desk.standing, at=CLOCK.now()
        )
    with signed_in(edge, "approver") as people:
        shown = people.get(f"/approvals/{waiting.id}", headers=PAGE).text
        history = people.get("/rules/parameters/collateral.eligibility_schedule", headers=PAGE).text
    marked = re.findall(r"<(ins|del)>(.*?)</", shown)
    assert marked == [("del", "折扣系数 0.3"), ("ins", "折扣系数 0.6"), ("del", "第 2 条 排除（一票否决）"),
                      ("del", "品种或指数为 SZA-2024")]  # fmt: skip
    assert shown.count("haircutPercentage") == 1, "what is stored stands once, folded"
    assert "第 2 条 排除（一票否决）" in history


def test_a_checker_sees_what_is_odd_in_a_schedule(edge: Edge) -> None:
    odd = json.dumps(LIMITED).replace("0.4", "40")
    with edge.sessions.begin() as session:
        waiting = eligibility_schedules.propose_schedule(
            session, edge.desk.maker, replace(DRAFT, cdm=odd), standing=edge.desk.standing, at=CLOCK.now()
        )
    with signed_in(edge, "approver") as people:
        shown = people.get(f"/approvals/{waiting.id}", headers=PAGE).text
    assert "比例上限 40 大于 1，疑为百分数" in shown
    assert "<ins>" not in shown, "the first of its code adds to nothing"
