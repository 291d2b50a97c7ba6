"""What overdue does to the concession, on a term sheet in every form of it, and the contract that is drawn from it."""

import io
from dataclasses import replace
from typing import Any

import pytest
from docx import Document

from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.record import canonical
from loans.calc.facilities.rate_clauses import Returns, StopsFrom
from loans.calc.term_sheets import TermSheet, draft_term_sheet
from tests.documents.test_pdf import text_of
from tests.loans.conftest import Desk
from tests.loans.facility_samples import CONTRACT, line_of, put_in_force
from tests.loans.link_worlds import LinkWorld
from tests.loans.samples import l1_request, l1_term_sheet
from tests.loans.test_edges import TERM_SHEET, form_of, key

STOPS: dict[str, Any] = {
    "concession_stop_days": 30, "concession_stops_from": "exceeded", "concession_returns": "never",
}  # fmt: skip


def drafted(*, says: bool = True, **clause: Any) -> TermSheet:
    return draft_term_sheet(replace(l1_term_sheet(request=l1_request(**clause)), says_concession_stop=says or None))


def test_a_draft_states_the_days_the_first_day_the_rate_meanwhile_and_the_return() -> None:
    sheet = drafted(concession_stop_days=30, concession_stops_from=StopsFrom.EXCEEDED, concession_returns=Returns.PAID)
    names = [group.name for group in sheet.groups]
    assert names.index("concession-stop") == names.index("repayment") - 1
    lines = {line.label_zh: line for group in sheet.groups if group.name == "concession-stop" for line in group.lines}
    assert lines["停止条件"].value_zh == "任一期款项逾期超过 30 天"
    assert lines["停止条件"].value_en == "where a payment is more than 30 days past due"
    assert lines["停止起算日"].value_zh == "自超过约定天数之日起停止"
    assert lines["清偿后恢复"].value_zh == "自清偿逾期款项之日起恢复"
    assert {one.name: one.value for one in sheet.trace}["concession_stop_days"] == "30"


def test_a_draft_without_the_clause_says_so_and_one_of_before_says_nothing() -> None:
    silent = next(group for group in drafted().groups if group.name == "concession-stop")
    assert [line.value_zh for line in silent.lines] == ["未约定，逾期不停止优惠"]
    assert "concession-stop" not in [group.name for group in drafted(says=False).groups]
    assert "concession_stop_days" not in canonical(l1_request()), "what was recorded before keeps its digest"
    with pytest.raises(InvalidInput) as refused:
        l1_request(concession_stop_days=30)
    assert refused.value.field == "concession_stops_from"


def test_api_page_pdf_word_form_and_contract_carry_the_clause(desk: Desk) -> None:
    told = desk.system.post("/v1/term-sheets", json=TERM_SHEET | STOPS, headers=key("stop-1")).json()
    group = next(one for one in told["groups"] if one["name"] == "concession-stop")
    assert group["lines"][3]["value_en"] == "does not come back"
    page = desk.get(f"/term-sheets/{told['number']}").text
    assert f"/decisions/{told['decision_id']}#figure-concession_stop_days" in page
    pdf = text_of(desk.system.get(told["pdf_address"]).content)
    word = Document(io.BytesIO(desk.system.get(told["docx_address"]).content))
    cells = "".join(cell.text for table in word.tables for row in table.rows for cell in row.cells)
    for text in (pdf, cells):
        flat = "".join(text.split())
        assert "任一期款项逾期超过30天" in flat
        assert "doesnotcomeback" in flat
    preview = desk.browser.get(
        "/loans/new", params=form_of(desk, **{name: str(value) for name, value in STOPS.items()})
    ).text
    assert "任一期款项逾期超过 30 天" in preview
    partial = desk.browser.get("/loans/new", params=form_of(desk, concession_stop_days="30")).text
    assert "逾期停止优惠条款须填写完整" in partial
    with desk.sessions.begin() as session:
        world = LinkWorld(session=session, bank=desk.bank)
        put_in_force(session, desk.bank.officer, desk.bank.checker, world.standing, line_of(desk.bank.clothing.id))
    body = CONTRACT | STOPS | {
        "amount": "10000000.00", "matures_by": "2026-07-01", "term_sheet_number": told["number"],
        "term_sheet_version": 1, "product": TERM_SHEET["product"],
    }  # fmt: skip
    for number, changed in enumerate(({"concession_stop_days": 60}, dict.fromkeys(STOPS)), start=1):
        refused = desk.system.post("/v1/loan-contracts", json=body | changed, headers=key(f"stop-no-{number}"))
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "concession_stop_days")
    assert desk.system.post("/v1/loan-contracts", json=body, headers=key("stop-yes")).status_code == 202
