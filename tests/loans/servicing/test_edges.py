"""Receipts at the edges: the officer's page and form, and what a core banking system sends."""

from typing import Any

from carbonfin.storage import approvals
from carbonfin.storage.parties import DayState, roll_business_date
from loans import service
from tests.loans.conftest import Desk
from tests.loans.facility_samples import approved
from tests.loans.servicing.test_repayments import PAY_DAY, draft_of
from tests.loans.world import BUSINESS_DATE, KNOWN_AT

RECEIPT: dict[str, Any] = {
    "reference": "HD-001", "paid_on": "2025-07-21", "amount_cny": "357529.38", "prepays": True, "reason": "入账",
}  # fmt: skip


def on_pay_day(desk: Desk) -> None:
    with desk.sessions.begin() as session:
        bank = desk.bank
        service.record_loan_note(session, bank.officer, draft_of(bank.clothing.id), known_at=KNOWN_AT)
        organization_id = bank.officer.organization_id
        roll_business_date(session, organization_id, expected=BUSINESS_DATE, to=PAY_DAY, state=DayState.OPEN)


def approve_what_waits(desk: Desk) -> None:
    with desk.sessions.begin() as session:
        waiting = approvals.approvals_of(session, desk.bank.checker, states=approvals.OPEN_STATES)[0]
        approved(session, desk.bank.checker, waiting, at=KNOWN_AT)


def test_a_system_previews_proposes_and_reads_a_receipt(desk: Desk) -> None:
    on_pay_day(desk)
    address = "/v1/loan-notes/JJ-P3/repayments"
    owed = desk.system.get("/v1/loan-notes/JJ-P3").json()["standing"]
    assert owed["overdue_uplift_confirmed"] is False
    assert (owed["due_cny"], owed["payoff_cny"], owed["overdue_uplift"]) == ("2529.38", "857529.38", "0.5")
    preview = desk.system.post(f"{address}/previews", json=RECEIPT)
    assert preview.status_code == 200
    assert (preview.json()["outstanding_cny"], preview.json()["receipt"]["prepaid_cny"]) == ("500000.00", "355000.00")
    assert desk.system.get("/v1/loan-notes/JJ-P3").json()["receipts"] == []
    without = {**RECEIPT, "prepays": False}
    refused = desk.system.post(address, json=without, headers={"Idempotency-Key": "k-0"})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (409, "amount_cny")
    headers = {"Idempotency-Key": "k-1"}
    sent = desk.system.post(address, json=RECEIPT, headers=headers)
    assert sent.status_code == 202
    assert desk.system.post(address, json=RECEIPT, headers=headers).json() == sent.json()
    other = desk.system.post(address, json={**RECEIPT, "amount_cny": "1.00"}, headers=headers)
    assert other.status_code == 409
    assert desk.stranger.get("/v1/loan-notes/JJ-P3").status_code == 404
    approve_what_waits(desk)
    read = desk.system.get("/v1/loan-notes/JJ-P3").json()
    assert [one["reference"] for one in read["receipts"]] == ["HD-001"]
    assert read["note"]["outstanding_cny"] == "500000.00"


def test_an_officer_enters_a_receipt_and_sees_where_it_went(desk: Desk) -> None:
    on_pay_day(desk)
    note = desk.get("/loan-notes/JJ-P3").text
    assert all(word in note for word in ("今日到期", "2,529.38", "857,529.38", "录入还款", "未确认"))
    form = desk.get("/loan-notes/JJ-P3/repayments/new").text
    assert 'value="2529.38"' in form
    fields = {
        "reference": "HD-001", "paid_on": "2025-07-21", "amount_cny": "3000", "prepays": "no", "fees_cny": "0.00",
        "compensation_cny": "0.00", "reason": "入账",
    }  # fmt: skip
    wrong = desk.post("/loan-notes/JJ-P3/repayments/new", fields)
    assert (wrong.status_code, "实收多出 470.62 元" in wrong.text, 'value="3000"' in wrong.text) == (409, True, True)
    assert desk.post("/loan-notes/JJ-P3/repayments/new", {**fields, "amount_cny": "2529.38"}).status_code == 303
    assert "还款 2,529.38 元待复核" in desk.get("/loan-notes/JJ-P3").text
    approve_what_waits(desk)
    after = desk.get("/loan-notes/JJ-P3").text
    assert all(word in after for word in ("还款记录", "HD-001", "已付清"))
    assert desk.get("/loan-notes/NONE/repayments/new").status_code == 404
