"""Objections to ratings: filed, answered by two people; upheld only after a correction, then rated anew, nothing overwritten."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from carbonfin.app.approvals.words import payload_rows
from carbonfin.kernel.errors import CarbonFinError, Conflict, InvalidInput, NotFound
from carbonfin.kernel.parties import PartyKind
from carbonfin.storage.approvals import Answer, Approval, approve
from carbonfin.storage.decisions import Recorded, load_outcome
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import PartyDraft, save_party
from carbonfin.storage.rulebook import enter_parameter
from loans import service
from loans.calc.account_entries import EntryKind
from loans.calc.ratings.objections import ObjectionDraft, ObjectionOutcome, ObjectionState
from loans.calc.ratings.scorecard_decision import SCORECARD_KIND, ScorecardOutcome
from loans.service import OBJECTION_APPROVAL, ObjectionView, facts
from loans.service.scorecard import scorecard_inputs
from loans.service.scorecard_methods import method_of_day
from tests.loans.conftest import Desk
from tests.loans.samples import E4_USCI
from tests.loans.scorecard_worlds import draft, fill_scorecard, standing_at
from tests.loans.world import BUSINESS_DATE, KNOWN_AT, Bank, open_bank

SAYS = ObjectionDraft(ground="2024 年增加值漏报 615 万元", received_on=date(2025, 6, 30), evidence="来函 2025-06")


def rated_bank(sessions: Sessions) -> tuple[Bank, Recorded[ScorecardOutcome]]:
    with sessions.begin() as session:
        bank = open_bank(session)
        fill_scorecard(session, bank)
        made = service.rate_by_scorecard(session, bank.officer, bank.clothing, year=None, standing=standing_at(bank))
    return bank, made


def filed(sessions: Sessions, bank: Bank, says: ObjectionDraft = SAYS) -> str:
    with sessions.begin() as session:
        return service.file_objection(session, bank.officer, bank.clothing, says, standing=standing_at(bank)).id


def proposed(sessions: Sessions, bank: Bank, objection: str, outcome: ObjectionOutcome) -> Approval:
    with sessions.begin() as session:
        return service.propose_answer(
            session, bank.officer, objection, outcome=outcome, finding="经核对纳税申报表", standing=standing_at(bank)
        )


def approved(sessions: Sessions, bank: Bank, approval: Approval) -> None:
    with sessions.begin() as session:
        approve(
            session, bank.checker, approval.id, kinds=(OBJECTION_APPROVAL,), answer=Answer(reason="已核"), at=KNOWN_AT,
            business_date=BUSINESS_DATE,
        )  # fmt: skip


def corrected(sessions: Sessions, bank: Bank, value: str = "67650000") -> None:
    line = draft(EntryKind.VALUE_ADDED, value, unit="元", reason="企业异议，漏报一笔")
    with sessions.begin() as session:
        report = service.record_entries(session, bank.officer, [line], on=BUSINESS_DATE, known_at=KNOWN_AT)
    assert (report.corrected_count, report.failures) == (1, ())


def views(sessions: Sessions, bank: Bank) -> tuple[ObjectionView, ...]:
    with sessions.read() as session:
        return service.objections_of(session, bank.officer, bank.clothing.id)


def test_upheld_after_a_correction_it_rates_anew_beside_the_old_rating(sessions: Sessions) -> None:
    bank, first = rated_bank(sessions)
    objection = filed(sessions, bank)
    (view,) = views(sessions, bank)
    assert (view.state, view.objection.number, view.objection.answer_by) == (ObjectionState.OPEN, 1, date(2025, 7, 20))
    assert view.rating is not None
    assert (view.rating.points, view.objection.decision_id) == (Decimal("73.60"), first.decision_id)
    with pytest.raises(Conflict, match="nothing in the account differs"):
        proposed(sessions, bank, objection, ObjectionOutcome.UPHELD)
    corrected(sessions, bank)
    approval = proposed(sessions, bank, objection, ObjectionOutcome.UPHELD)
    assert views(sessions, bank)[0].state is ObjectionState.WAITING
    with sessions.read() as session:
        (still,) = service.scorecard_ratings_of(session, bank.officer, bank.clothing.id)
    assert still.decision_id == first.decision_id, "nothing changes before another person approves"
    # 1,844.88 t over 6,765 万元: 0.2727; two of four peers emit more, one less: 40 x 3/4 instead of 2.5/4: 5 points more.
    assert (approval.payload["points_before"], approval.payload["letter_before"]) == ("73.60", "B")
    assert approval.payload["points_after"] == "78.60"
    approved(sessions, bank, approval)
    (view,) = views(sessions, bank)
    answer = view.objection.answer
    assert answer is not None
    assert (view.state, answer.outcome, answer.finding) == (
        ObjectionState.UPHELD, ObjectionOutcome.UPHELD, "经核对纳税申报表",
    )  # fmt: skip
    assert answer.maker_name != answer.checker_name
    with sessions.read() as session:
        ratings = service.scorecard_ratings_of(session, bank.officer, bank.clothing.id)
        old = load_outcome(session, bank.officer, SCORECARD_KIND, first.decision_id)
        lines = service.entry_versions_of(session, bank.officer, bank.clothing.id, known_at=KNOWN_AT)
    assert [(one.number, str(one.points)) for one in ratings] == [(2, "78.60"), (1, "73.60")]
    assert ratings[0].decision_id == answer.new_decision_id
    assert str(old.rating.points) == "73.60"
    versions = [one.entry.version for one in lines if (one.entry.kind, one.entry.year) == (EntryKind.VALUE_ADDED, 2024)]
    assert versions == [1, 2]
    with pytest.raises(Conflict, match="was answered"):
        proposed(sessions, bank, objection, ObjectionOutcome.DISMISSED)


def test_a_factor_learnt_since_is_no_correction_of_the_account(sqlite_sessions: Sessions) -> None:
    """Upheld is what was wrong in the account; another grid factor alone answers no objection."""
    bank, _ = rated_bank(sqlite_sessions)
    objection = filed(sqlite_sessions, bank)
    with sqlite_sessions.begin() as session:
        book = facts.parameters(session, bank.officer)
        factor = book.on("loans.grid_factor_t_per_mwh", scope="广东", valid_on=date(2022, 12, 31), known_at=KNOWN_AT)
        other = replace(factor, value="0.4000", known_from=BUSINESS_DATE, approved_by=())
        enter_parameter(session, bank.officer, bank.checker, other, reason="因子更新", at=KNOWN_AT)
        standing = standing_at(bank)
        method = method_of_day(session, bank.officer, standing).parameters
        now = scorecard_inputs(session, bank.officer, bank.clothing, year=2024, standing=standing, method=method)
    assert now.factors is not None
    assert now.factors.grid.value == "0.4000", "the other factor would be used"
    with pytest.raises(Conflict, match="nothing in the account differs"):
        proposed(sqlite_sessions, bank, objection, ObjectionOutcome.UPHELD)


def test_dismissed_the_rating_stands_and_another_may_be_filed(sqlite_sessions: Sessions) -> None:
    bank, first = rated_bank(sqlite_sessions)
    objection = filed(sqlite_sessions, bank)
    with pytest.raises(Conflict, match="not answered yet"):
        filed(sqlite_sessions, bank)
    approved(sqlite_sessions, bank, proposed(sqlite_sessions, bank, objection, ObjectionOutcome.DISMISSED))
    (view,) = views(sqlite_sessions, bank)
    assert view.state is ObjectionState.DISMISSED
    assert view.objection.answer is not None
    assert view.objection.answer.new_decision_id is None
    with sqlite_sessions.read() as session:
        (still,) = service.scorecard_ratings_of(session, bank.officer, bank.clothing.id)
    assert still.decision_id == first.decision_id
    filed(sqlite_sessions, bank)
    assert [one.objection.number for one in views(sqlite_sessions, bank)] == [2, 1]


def test_an_account_changed_after_the_proposal_is_not_approved_unseen(sqlite_sessions: Sessions) -> None:
    bank, _ = rated_bank(sqlite_sessions)
    objection = filed(sqlite_sessions, bank)
    corrected(sqlite_sessions, bank)
    approval = proposed(sqlite_sessions, bank, objection, ObjectionOutcome.UPHELD)
    corrected(sqlite_sessions, bank, "30000000")
    with pytest.raises(Conflict, match="another result than was proposed"):
        approved(sqlite_sessions, bank, approval)
    assert views(sqlite_sessions, bank)[0].state is ObjectionState.WAITING


def test_what_cannot_be_filed_or_answered_is_refused(sqlite_sessions: Sessions) -> None:
    with sqlite_sessions.begin() as session:
        bank = open_bank(session)
    with pytest.raises(NotFound, match="no rating by the scorecard"):
        filed(sqlite_sessions, bank)
    with pytest.raises(NotFound, match="no objection"):
        proposed(sqlite_sessions, bank, "nobody", ObjectionOutcome.DISMISSED)
    for wrong, field in (
        ({"ground": " "}, "ground"), ({"ground": "字" * 2001}, "ground"), ({"evidence": "字" * 201}, "evidence"),
    ):  # fmt: skip
        with pytest.raises(InvalidInput) as refused:
            replace(SAYS, **wrong)
        assert refused.value.field == field
    bank, _ = rated_bank(sqlite_sessions)
    with pytest.raises(CarbonFinError) as late:
        filed(sqlite_sessions, bank, replace(SAYS, received_on=date(2025, 7, 1)))
    assert late.value.field == "received_on"
    with pytest.raises(InvalidInput, match="before the rating of 2025-06-30") as early:
        filed(sqlite_sessions, bank, replace(SAYS, received_on=date(2025, 6, 29)))
    assert early.value.field == "received_on", "a day long past would have had no day to answer by"


def test_by_api_and_page_with_the_words_a_checker_reads(desk: Desk) -> None:
    with desk.sessions.begin() as session:
        fill_scorecard(session, desk.bank)
        service.rate_by_scorecard(
            session, desk.bank.officer, desk.bank.clothing, year=None, standing=standing_at(desk.bank)
        )
    body = {"usci": E4_USCI, "ground": SAYS.ground, "received_on": "2025-06-30"}
    made = desk.system.post("/v1/ratings/objections", json=body, headers={"Idempotency-Key": "o1"})
    assert made.status_code == 201, made.text
    assert (made.json()["state"], made.json()["answer_by"], made.json()["points"]) == ("open", "2025-07-20", "73.60")
    days = {name: made.json()[f"answer_days{name}"] for name in ("", "_confirmed", "_source")}
    assert days == {"": 20, "_confirmed": False, "_source": "征信业管理条例 异议处理"}
    assert desk.system.get("/v1/ratings/objections", params={"usci": E4_USCI}).json()["objections"] == [made.json()]
    assert desk.stranger.get("/v1/ratings/objections", params={"usci": E4_USCI}).json()["objections"] == []
    answers = f"/v1/ratings/objections/{made.json()['objection_id']}/answers"
    answer = {"outcome": "upheld", "finding": "核对"}
    refused = desk.system.post(answers, json=answer, headers={"Idempotency-Key": "a1"})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (409, "outcome")
    assert desk.stranger.post(answers, json=answer, headers={"Idempotency-Key": "a2"}).status_code == 404
    page = f"/enterprises/{desk.bank.clothing.id}/rating"
    shown = desk.get(page).text
    for words in ("异议与更正", SAYS.ground, "待核查", "应于该日前答复", "未核实：答复期限 20 日", "提交答复，待复核"):
        assert words in shown, words
    again = desk.post(f"{page}/objections", {"ground": "重复", "received_on": "2025-06-30"})
    assert (again.status_code, "上一异议尚未答复" in again.text, "重复" in again.text) == (409, True, True)
    form = f"{page}/objections/{made.json()['objection_id']}/answers"
    assert desk.post(form, {"finding": "核对"}).status_code == 422
    corrected(desk.sessions, desk.bank)
    sent = desk.post(form, {"outcome": "upheld", "finding": "核对纳税申报表"})
    assert (sent.status_code, sent.headers["location"].startswith("/approvals/")) == (303, True)
    waiting = desk.get(sent.headers["location"]).text
    for words in ("核查结论", "成立，更正后重新评级", "更正后得分", "78.60", "核对纳税申报表"):
        assert words in waiting, words
    with desk.sessions.read() as session:
        (view,) = service.objections_of(session, desk.bank.officer, desk.bank.clothing.id)
    assert view.state is ObjectionState.WAITING
    assert "答复待复核" in desk.get(page).text


def test_a_refused_form_says_what_did_not_happen_marks_its_field_and_keeps_what_was_typed(desk: Desk) -> None:
    with desk.sessions.begin() as session:
        fill_scorecard(session, desk.bank)
        service.rate_by_scorecard(
            session, desk.bank.officer, desk.bank.clothing, year=None, standing=standing_at(desk.bank)
        )
    page = f"/enterprises/{desk.bank.clothing.id}/rating"
    early = desk.post(f"{page}/objections", {"ground": "增加值漏报", "received_on": "2025-06-01", "evidence": "来函 9"})
    assert early.status_code == 422
    for words in ("异议未登记：收到日 2025-06-01 早于", "增加值漏报", "来函 9", 'id="error-received_on"'):
        assert words in early.text, words
    assert "未评级：" not in early.text
    assert desk.post(f"{page}/objections", {"ground": "增加值漏报", "received_on": "2025-06-30"}).status_code == 303
    (view,) = views(desk.sessions, desk.bank)
    form = f"{page}/objections/{view.objection.id}/answers"
    nothing = desk.post(form, {"outcome": "upheld", "finding": "已核对申报表"})
    assert nothing.status_code == 409
    for words in (
        "答复未提交：碳账户与原评级所用数据相同",
        "已核对申报表",
        'value="upheld" selected',
        'id="error-outcome"',
    ):
        assert words in nothing.text, words
    other = desk.post(
        f"/enterprises/{another_enterprise(desk)}/rating/objections/{view.objection.id}/answers",
        {"outcome": "dismissed", "finding": "核对"},
    )
    assert other.status_code == 404
    assert views(desk.sessions, desk.bank)[0].state is ObjectionState.OPEN, (
        "nothing was proposed from another enterprise's page"
    )


def another_enterprise(desk: Desk) -> str:
    with desk.sessions.begin() as session:
        return save_party(
            session, desk.bank.officer,
            PartyDraft(
                kind=PartyKind.ENTERPRISE, name="另一家", usci="91440300EXAMPLE2XB", lei=None, industry="C1810",
                district=None, scheme=None, key_emitter=False, is_sample=True,
            ),
        ).id  # fmt: skip


def test_each_field_of_an_answer_has_a_chinese_name(sqlite_sessions: Sessions) -> None:
    bank, _ = rated_bank(sqlite_sessions)
    approval = proposed(sqlite_sessions, bank, filed(sqlite_sessions, bank), ObjectionOutcome.DISMISSED)
    names = [name.zh for name, _ in payload_rows(approval)]
    assert names == ["企业", "异议序号", "异议内容", "收到日", "核查结论", "核查情况及答复", "原等级", "原得分"]
