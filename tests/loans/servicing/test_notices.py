"""Notices of payments, statements and risk classes: 855,000.00 at 3.55 %, due 2,529.38 on Monday 21 July 2025."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from sqlmodel import Session

from carbonfin.kernel.dates import FixedClock
from carbonfin.rules.parameters import Grade, ParameterValue
from carbonfin.storage.engine import Sessions
from carbonfin.storage.messages import inbox_of
from carbonfin.storage.rulebook import enter_parameter
from loans import jobs, service
from loans.calc.servicing.classification import Classification, RiskClass
from loans.calc.servicing.notices import NoticeKind
from loans.calc.servicing.receipts import Claim
from tests.collateral.test_daily_run import statements_of
from tests.documents.test_pdf import text_of
from tests.loans.conftest import Desk
from tests.loans.servicing.test_edges import on_pay_day
from tests.loans.servicing.test_repayments import PAY_DAY, draft_of, enter, receipt, world
from tests.loans.world import BUSINESS_DATE, KNOWN_AT, Bank

CLOCK = FixedClock(KNOWN_AT)
CLASS = Classification(
    note_code="JJ-P3", classified_on=PAY_DAY, risk_class=RiskClass.NORMAL, stage=1, source="风险管理系统"
)


@pytest.mark.parametrize(("day", "made"), [(date(2025, 7, 15), 0), (date(2025, 7, 16), 1), (PAY_DAY, 0)])
def test_a_payment_is_told_of_within_five_days_before_it(sqlite_sessions: Sessions, day: date, made: int) -> None:
    """On its own day it is no payment to come any more; 16 July is five days before it."""
    with sqlite_sessions.begin() as session:
        bank, _ = world(session, day=day)
        assert jobs.make_loan_notices(session, bank.officer, day, CLOCK).done_count == made


def test_each_payment_is_told_of_once_and_a_missed_one_again_as_missed(sessions: Sessions) -> None:
    """Ten days late: 2,529.38 and 3.74 of compound interest; nothing else falls due within five days."""
    with sessions.begin() as session:
        bank, _ = world(session, day=date(2025, 7, 31))
        assert jobs.make_loan_notices(session, bank.officer, date(2025, 7, 18), CLOCK).done_count == 1
        assert jobs.make_loan_notices(session, bank.officer, date(2025, 7, 21), CLOCK).done_count == 0
        assert jobs.make_loan_notices(session, bank.officer, date(2025, 7, 31), CLOCK).done_count == 1
        assert jobs.make_loan_notices(session, bank.officer, date(2025, 8, 1), CLOCK).done_count == 0
        missed, coming = service.notices_of_note(session, bank.officer, "JJ-P3")
        assert (coming.kind, coming.due_on, coming.total_cny) == (NoticeKind.PAYMENT, PAY_DAY, Decimal("2529.38"))
        assert (missed.kind, missed.late_days, missed.interest_cny, missed.penalty_cny) == (
            NoticeKind.OVERDUE, 10, Decimal("2529.38"), Decimal("3.74"),
        )  # fmt: skip
        titles = [one.title_zh for one in inbox_of(session, bank.officer)]
        assert any("逾期催收通知书 JJ-P3" in title for title in titles)


def test_a_letter_says_what_the_notice_said_and_stays_the_same(sqlite_sessions: Sessions) -> None:
    with sqlite_sessions.begin() as session:
        bank, standing = world(session, day=date(2025, 7, 31))
        jobs.make_loan_notices(session, bank.officer, date(2025, 7, 31), CLOCK)
        start = date(2025, 6, 21)
        letter = service.notice_letter_pdf(session, bank.officer, "JJ-P3", NoticeKind.OVERDUE, start)
        enter(session, bank, standing, receipt(date(2025, 7, 31), "2533.12"))
        again = service.notice_letter_pdf(session, bank.officer, "JJ-P3", NoticeKind.OVERDUE, start)
        assert letter == again
        text = text_of(letter)
        assert all(word in text for word in ("逾期催收通知书", "2,529.38", "3.74", "2,533.12", "示例服饰"))
        statement = text_of(service.statement_pdf(session, bank.officer, "JJ-P3", standing=standing))
        assert all(word in statement for word in ("贷款对账单", "HD-001", "2,533.12", "855,000.00"))


def confirm_uplift(session: Session, bank: Bank, value: str) -> None:
    """Have two people enter the bank's own uplift, from the day the note was drawn."""
    uplift = ParameterValue(
        key="loans.overdue_uplift", scope="", value=value, unit="ratio", valid_from=date(2024, 1, 1), valid_to=None,
        known_from=BUSINESS_DATE, document="借款合同(示例)", article="第 9 条", grade=Grade.READ, confirmed=True,
        approved_by=(), note="",
    )  # fmt: skip
    enter_parameter(session, bank.officer, bank.checker, uplift, reason="按合同", at=KNOWN_AT)


def test_the_uplift_is_marked_where_nobody_confirmed_it(sqlite_sessions: Sessions) -> None:
    late, start = date(2025, 7, 31), date(2025, 6, 21)
    with sqlite_sessions.begin() as session:
        bank, standing = world(session, day=late)
        jobs.make_loan_notices(session, bank.officer, late, CLOCK)
        view = service.note_view(session, bank.officer, "JJ-P3", standing=standing)
        assert (view.overdue_uplift.value, view.overdue_uplift.confirmed) == ("0.5", False)
        papers = (
            service.notice_letter_pdf(session, bank.officer, "JJ-P3", NoticeKind.OVERDUE, start),
            service.statement_pdf(session, bank.officer, "JJ-P3", standing=standing),
        )
        assert all("加收 50.00%" in text_of(one) and "未确认" in text_of(one) for one in papers)


def test_a_confirmed_uplift_bears_no_mark(sqlite_sessions: Sessions) -> None:
    """2,529.38 x 0.0355 x 1.4 x 10 / 360 = 3.49 at the contract's 40 %."""
    late = date(2025, 7, 31)
    with sqlite_sessions.begin() as session:
        bank, standing = world(session, day=late)
        confirm_uplift(session, bank, "0.4")
        jobs.make_loan_notices(session, bank.officer, late, CLOCK)
        view = service.note_view(session, bank.officer, "JJ-P3", standing=standing)
        assert (view.line.standing.compound_cny, view.overdue_uplift.confirmed) == (Decimal("3.49"), True)
        papers = (
            service.notice_letter_pdf(session, bank.officer, "JJ-P3", NoticeKind.OVERDUE, date(2025, 6, 21)),
            service.statement_pdf(session, bank.officer, "JJ-P3", standing=standing),
        )
        assert all("加收 40.00%" in text_of(one) and "未确认" not in text_of(one) for one in papers)


def test_the_parts_of_a_receipt_stand_on_the_statement_and_sum_to_it(sqlite_sessions: Sessions) -> None:
    """Ten days late: 300.00 of costs, 2,529.38 and 843.13 of interest, 3.74 compound, 500.00 for repaying 100,000."""
    late = date(2025, 7, 31)
    with sqlite_sessions.begin() as session:
        bank, standing = world(session, day=late)
        parts = {"fees_cny": Decimal("300.00"), "compensation_cny": Decimal("500.00"), "prepays": True}
        enter(session, bank, standing, receipt(late, "104176.25", **parts))
        view = service.note_view(session, bank.officer, "JJ-P3", standing=standing)
        (kept, _) = view.receipts[0]
        by_claim = [kept.sum_of(claim) for claim in Claim]
        assert by_claim == [Decimal(one) for one in ("300.00", "3372.51", "3.74", "0.00", "0.00")]
        assert sum(by_claim) + kept.compensation_cny + kept.prepaid_cny == kept.amount_cny
        text = text_of(service.statement_pdf(session, bank.officer, "JJ-P3", standing=standing))
        shown = ("104,176.25", "300.00", "3,372.51", "3.74", "500.00", "100,000.00", "费用", "补偿金")
        assert [one for one in shown if one not in text] == []


def test_a_class_is_kept_corrected_and_held_against_the_days_late(sessions: Sessions) -> None:
    with sessions.begin() as session:
        bank, standing = world(session, day=date(2025, 10, 31))  # 102 days after 21 July
        done = service.record_classes(session, bank.officer, [CLASS], standing=standing)
        assert (done.recorded_count, done.unchanged_count, done.failures) == (1, 0, ())
        again = service.record_classes(session, bank.officer, [CLASS], standing=standing)
        assert (again.recorded_count, again.unchanged_count) == (0, 1)
        line = service.note_view(session, bank.officer, "JJ-P3", standing=standing).line
        assert (line.classification, line.standing.days_past_due, line.is_class_too_good) == (CLASS, 102, True)
        corrected = replace(CLASS, risk_class=RiskClass.SUBSTANDARD, stage=3)
        service.record_classes(session, bank.officer, [corrected], standing=standing)
        line = service.note_view(session, bank.officer, "JJ-P3", standing=standing).line
        assert (line.classification, line.is_class_too_good) == (corrected, False)


def test_many_classes_ask_no_more_questions_than_one(sqlite_sessions: Sessions) -> None:
    """Each of forty notes is classed twice, the second time as a correction of the same day; a third changes nothing."""
    with sqlite_sessions.begin() as session:
        bank, standing = world(session)
        for number in range(40):
            draft = replace(draft_of(bank.clothing.id), code=f"JJ-{number:03}")
            service.record_loan_note(session, bank.officer, draft, known_at=KNOWN_AT)
    given = [replace(CLASS, note_code=f"JJ-{number:03}") for number in range(40)]
    worse = [replace(one, risk_class=RiskClass.SPECIAL_MENTION, stage=2) for one in given]
    earlier = [replace(one, classified_on=date(2025, 7, 1)) for one in worse]
    asked: list[int] = []
    for classes in ([CLASS], [*given, *worse, *worse, *earlier]):
        with sqlite_sessions.begin() as session, statements_of(sqlite_sessions) as seen:
            done = service.record_classes(session, bank.officer, classes, standing=standing)
            asked.append(sum(one.startswith("SELECT") for one in seen))
    assert (done.recorded_count, done.unchanged_count, done.failures) == (120, 40, ())
    assert asked[0] == asked[1]
    with sqlite_sessions.read() as session:
        for line in service.note_lines(session, bank.officer, standing=standing):
            wanted = CLASS if line.note.code == "JJ-P3" else replace(worse[0], note_code=line.note.code)
            assert line.classification == wanted


def test_a_system_hands_in_classes_and_hears_which_cannot_be_taken(desk: Desk) -> None:
    on_pay_day(desk)
    good = {
        "note_code": "JJ-P3", "classified_on": "2025-07-21", "risk_class": "special-mention", "source": "风险系统",
        "stage": 2,
    }  # fmt: skip
    bad = [{**good, "note_code": "NONE"}, {**good, "classified_on": "2025-07-22"}]
    answer = desk.system.post(
        "/v1/loan-classifications", json={"classes": [good, *bad]}, headers={"Idempotency-Key": "c-1"}
    )
    assert answer.status_code == 200
    told = answer.json()
    assert told["recorded_count"] == 1
    assert [(one["item"], one["field"]) for one in told["failures"]] == [
        ("2 NONE", "note_code"), ("3 JJ-P3", "classified_on"),
    ]  # fmt: skip
    refused = desk.system.post(
        "/v1/loan-classifications", json={"classes": [{**good, "risk_class": "fine"}]},
        headers={"Idempotency-Key": "c-2"},
    )  # fmt: skip
    assert refused.status_code == 400
    assert desk.system.get("/v1/loan-notes/JJ-P3").json()["classification"]["risk_class"] == "special-mention"
    assert "关注 · 2025-07-21 · 第 2 阶段" in desk.get("/loan-notes/JJ-P3").text
    statement = desk.get("/loan-notes/JJ-P3/statement.pdf")
    assert (statement.status_code, statement.content[:5]) == (200, b"%PDF-")
    assert desk.system.get("/v1/loan-notes/JJ-P3/notices").json() == {"notices": []}
    none = desk.system.get("/v1/loan-notes/JJ-P3/notices/payment/2025-06-21/letter.pdf")
    assert none.status_code == 404
