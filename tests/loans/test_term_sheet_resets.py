"""The reset of the rate on a term sheet, on page, PDF, Word, API and form, and the contract that is drawn from it."""

import io
from typing import Any

import pytest
from docx import Document

from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.record import canonical
from carbonfin.storage import approvals
from loans.calc.facilities import ResetDay
from loans.calc.term_lines import TermLine
from loans.calc.term_sheets import TERM_SHEET_KIND, TermSheet, draft_term_sheet
from tests.corpus import frozen_decisions
from tests.documents.test_pdf import text_of
from tests.loans.conftest import Desk
from tests.loans.facility_samples import CONTRACT, LINE, approved, line_of, put_in_force
from tests.loans.link_worlds import LinkWorld
from tests.loans.samples import l1_request, l1_term_sheet
from tests.loans.test_edges import TERM_SHEET, form_of, key

QUARTERLY: dict[str, Any] = {"reset_months": 3, "reset_day": "anniversary", "fixing_lag_days": 2}
OFFERED: dict[str, Any] = {
    **CONTRACT, **QUARTERLY, "amount": "10000000.00", "matures_by": "2026-07-01", "term_sheet_number": "TS-2025-0001",
    "term_sheet_version": 1,
}  # fmt: skip


def drafted(**clause: Any) -> TermSheet:
    return draft_term_sheet(l1_term_sheet(request=l1_request(**clause)))


def lines_of(sheet: TermSheet) -> dict[str, TermLine]:
    return {line.label_zh: line for group in sheet.groups for line in group.lines}


def test_a_floating_draft_states_tenor_cycle_days_fixing_margin_and_concession() -> None:
    """Drawn on 2025-07-01 for a year: resets on 1 October, 1 January and 1 April; the first LPR by 29 September."""
    sheet = drafted(reset_months=3, reset_day=ResetDay.ANNIVERSARY, fixing_lag_days=2)
    lines = lines_of(sheet)
    assert (lines["利率方式"].value_zh, lines["利率方式"].value_en) == (
        "浮动，随 LPR（1Y）重定价", "floating, reset to the 1Y LPR",
    )  # fmt: skip
    assert lines["重定价周期"].value_en == "every 3 months"
    assert lines["重定价日"].value_zh == "提款日的对应日"
    assert lines["首个重定价日"].value_zh == "2025-10-01，到期前共 3 次"
    assert lines["首次取价截止日"].value_zh == "2025-09-29"
    assert lines["重定价时的加减点"].value_zh == "不变"
    assert lines["重定价时的利率优惠"].value_en.startswith("by the report and the bank")
    assert lines["利息合计（元）"].value_zh == "333,569.49（按起息日利率）"
    assert sheet.steps[-1].note_zh == "至首个重定价日 2025-10-01"
    assert any("自首个重定价日 2025-10-01 起以重定价后利率为准" in note.zh for note in sheet.notes)
    figures = {figure.name: figure for figure in sheet.trace}
    assert figures["first_fixing_date"].value == "2025-09-29"
    assert figures["first_fixing_date"].inputs == ("first_reset_date", "fixing_lag_days")


def test_a_draft_without_a_clause_reads_and_is_written_as_it_always_was() -> None:
    sheet = drafted()
    assert lines_of(sheet)["利率方式"].value_zh == "固定，起息日至到期日不重定价"
    assert sheet.steps[-1].note_zh == "固定至到期日"
    assert "reset" not in [group.name for group in sheet.groups]
    assert "reset_months" not in canonical(l1_request()), "what was recorded before keeps its digest"
    assert any(one.kind == TERM_SHEET_KIND.name for one in frozen_decisions()), "the corpus makes one again to the bit"


def test_a_clause_without_a_reset_day_before_maturity_says_so() -> None:
    sheet = drafted(reset_months=12, reset_day=ResetDay.ANNIVERSARY, fixing_lag_days=0)
    assert lines_of(sheet)["首个重定价日"].value_zh == "到期前无重定价日，执行利率不变"
    assert not any("以重定价后利率为准" in note.zh for note in sheet.notes)
    calendar = drafted(reset_months=12, reset_day=ResetDay.CALENDAR, fixing_lag_days=0)
    assert lines_of(calendar)["首个重定价日"].value_zh.startswith("2026-01-01")


def test_a_clause_in_part_is_refused_by_its_field() -> None:
    with pytest.raises(InvalidInput) as refused:
        l1_request(reset_months=3, reset_day=ResetDay.CALENDAR)
    assert refused.value.field == "fixing_lag_days"


def test_page_pdf_word_form_and_revision_print_the_clause(desk: Desk) -> None:
    told = desk.system.post("/v1/term-sheets", json=TERM_SHEET | QUARTERLY, headers=key("reset-1")).json()
    group = next(one for one in told["groups"] if one["name"] == "reset")
    assert group["lines"][4]["value_en"] == "2025-10-01; 3 before maturity"
    page = desk.get(f"/term-sheets/{told['number']}").text
    assert f"/decisions/{told['decision_id']}#figure-first_reset_date" in page
    assert "固定，起息日至到期日不重定价" not in page
    pdf = text_of(desk.system.get(told["pdf_address"]).content)
    word = Document(io.BytesIO(desk.system.get(told["docx_address"]).content))
    cells = "".join(cell.text for table in word.tables for row in table.rows for cell in row.cells)
    for text in (pdf, cells):
        flat = "".join(text.split())
        for said in (
            "浮动，随LPR（1Y）重定价",
            "2025-10-01，到期前共3次",
            "2025-10-01;3beforematurity",
            "staysasagreed",
        ):
            assert said in flat
        assert "固定至到期日" not in flat
    preview = desk.browser.get(
        "/loans/new", params=form_of(desk, **{name: str(value) for name, value in QUARTERLY.items()})
    ).text
    assert "2025-10-01，到期前共 3 次" in preview
    partial = desk.browser.get("/loans/new", params=form_of(desk, reset_months="3")).text
    assert "重定价条款须填写完整" in partial
    again = desk.get(f"/loans/new?number={told['number']}").text
    assert '<option value="anniversary" selected' in again


def test_a_contract_drawn_from_a_term_sheet_says_the_same_or_is_refused(desk: Desk) -> None:
    number = desk.system.post("/v1/term-sheets", json=TERM_SHEET | QUARTERLY, headers=key("reset-2")).json()["number"]
    with desk.sessions.begin() as session:
        world = LinkWorld(session=session, bank=desk.bank)
        put_in_force(session, desk.bank.officer, desk.bank.checker, world.standing, line_of(desk.bank.clothing.id))
    line_page = desk.get(f"/credit-lines/{LINE['number']}").text
    assert f"/contracts/new?term_sheet={number}" in line_page
    form = desk.get(f"/credit-lines/{LINE['number']}/contracts/new?term_sheet={number}").text
    assert f'value="{number}"' in form
    assert '<option value="anniversary" selected' in form
    body = OFFERED | {"term_sheet_number": number, "product": TERM_SHEET["product"]}
    for changed, field in (
        ({"reset_months": 6}, "reset_months"), ({"fixing_lag_days": 0}, "fixing_lag_days"), ({"margin_bp": 41}, "margin_bp"),
        (dict.fromkeys(QUARTERLY), "reset_months"), ({"amount": "10000000.01"}, "amount"),
        ({"matures_by": "2026-07-02"}, "matures_by"), ({"term_sheet_version": None}, "term_sheet_version"),
    ):  # fmt: skip
        refused = desk.system.post(
            "/v1/loan-contracts", json=body | changed, headers=key(f"reset-no-{field}-{changed}")
        )
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, field), refused.text
    silent = desk.system.post("/v1/loan-contracts", json=body | dict.fromkeys(QUARTERLY), headers=key("reset-no"))
    assert "合同为 未约定" in silent.json()["detail_zh"]
    assert "第 1 版为 3" in silent.json()["detail_zh"]
    assert (
        desk.system.post("/v1/loan-contracts", json=body | {"term_sheet_version": 2}, headers=key("n")).status_code
        == 404
    )
    proposed = desk.system.post("/v1/loan-contracts", json=body, headers=key("reset-yes"))
    assert proposed.status_code == 202, proposed.text
    with desk.sessions.begin() as session:
        world = LinkWorld(session=session, bank=desk.bank)
        waiting = approvals.load_approval(session, desk.bank.checker, proposed.json()["approval_id"])
        approved(session, desk.bank.checker, waiting, at=world.standing.known_at)
    shown = desk.get(f"/loan-contracts/{body['number']}").text
    assert f"/term-sheets/{number}?version=1" in shown
    assert "每 3 个月，提款日的对应日重定价；取重定价日前 2 日已公布的最近一期 LPR" in shown
