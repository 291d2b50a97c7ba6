"""The checks of greenwashing on a term sheet: each with verdict, evidence and mark, on page, PDF, Word, API and form."""

import io
from datetime import date

import pytest
from docx import Document
from sqlmodel import Session

from carbonfin.kernel.errors import InvalidInput, NotFound
from carbonfin.storage.engine import Sessions
from loans import service
from loans.calc.linked.agreements import LinkEvent
from loans.calc.linked.integrity_checks import CHECKS
from loans.calc.term_lines import TermLine
from tests.documents.test_pdf import text_of
from tests.loans.conftest import Desk
from tests.loans.facility_samples import contract_of, line_of, put_in_force
from tests.loans.link_worlds import LinkWorld, change_of, linked_world
from tests.loans.test_edges import TERM_SHEET, form_of, key
from tests.loans.test_services import l1_draft
from tests.loans.world import open_bank

LINK = "GL-2025-001"
FACTS = service.ReviewFacts(
    structural_change_known=True, structural_change_from=None, green_power_counted_twice=None, claimed_elsewhere=(),
)  # fmt: skip


def drafted(session: Session, world: LinkWorld, *, link: str | None = LINK) -> service.StoredTermSheet:
    draft = l1_draft(world.bank, link_number=link)
    return service.draft_term_sheet(
        session, world.bank.officer, draft, issued_on=world.today, known_at=world.standing.known_at
    )


def review_lines(stored: service.StoredTermSheet) -> dict[str, TermLine]:
    group = next(one for one in stored.sheet.groups if one.name == "link-review")
    return {line.label_zh: line for line in group.lines}


def reviewed(session: Session, world: LinkWorld) -> service.KeptReview:
    return service.review_sustainability_link(session, world.bank.officer, LINK, FACTS, standing=world.standing)


def test_every_check_stands_on_the_sheet_with_its_evidence(sqlite_sessions: Sessions) -> None:
    """Steps of -10 to +5 bp move both ways by 10 at most, of 2.5 wanted; green power was left open: not a pass."""
    with sqlite_sessions.begin() as session:
        world = linked_world(session)
        kept = reviewed(session, world)
        stored = drafted(session, world)
        lines = review_lines(stored)
        titles = [title for _, title, *_ in CHECKS]
        assert [title for title in lines if title in titles] == titles
        assert lines["利差双向调整"].value_zh == "通过：经核查的结果可使利差下浮，也可上浮"
        assert lines["利差双向调整"].value_en == "passed: what is verified can lower and raise the margin"
        assert lines["调整幅度有意义"].value_zh == "通过：最大调整 10 BP，要求不低于 2.5 BP"
        assert lines["绿电不重复计算"].value_zh.startswith("资料不足，未能判断：")
        assert lines["减排量只主张一次"].value_zh == "通过：本行登记 2025 年无主张；登记以外经核实无主张"
        assert lines["利差调整"].value_en == (
            "by the number of KPIs met, two-way; 0 of the KPIs met: +5 BP; 1 of the KPIs met: 0 BP; "
            "2 of the KPIs met: -10 BP; "
            "without a report that counts: +5 BP; to the step itself, not cumulative; adjustment floor -15 BP; "
            "adjustment cap 10 BP; from the first interest period on or after the report's due day; "
            "a late report: from the original day, the difference is accrued"
        )
        assert all(lines[title].unconfirmed for title in titles), "no source was read in full, no threshold confirmed"
        assert (stored.sheet.link is not None and stored.sheet.link.decision_id) == kept.decision_id
        figures = {figure.name: figure for figure in stored.sheet.trace}
        assert figures["link_verdict"].value == kept.review.verdict.value
        rests_on = {figures[f"link_check.{code}"].inputs for code, *_ in CHECKS}
        assert [len(names) for names in rests_on] == [1, 1, 1], "three texts, each a note of its own once"
        assert not any(figures[name].confirmed for (name,) in rests_on)
        assert set(figures["link_verdict"].inputs) == {f"link_check.{code}" for code, *_ in CHECKS}


def test_pdf_and_word_show_the_checks_in_both_languages(sqlite_sessions: Sessions) -> None:
    with sqlite_sessions.begin() as session:
        world = linked_world(session)
        reviewed(session, world)
        stored = drafted(session, world)
        pdf = text_of(service.term_sheet_pdf(session, world.bank.officer, stored, address="", verified_at=""))
        word = Document(
            io.BytesIO(service.term_sheet_docx(session, world.bank.officer, stored, address="", verified_at=""))
        )
        cells = "".join(cell.text for table in word.tables for row in table.rows for cell in row.cells)
        shown = ("核查机构独立", "Independent verifier", "the verifier is independent", "审查结论", "未能判断")
        for text in (pdf, cells):
            flat = "".join(text.split())
            assert [one for one in shown if "".join(one.split()) not in flat] == []


def test_a_link_that_nobody_reviewed_is_no_pass(sqlite_sessions: Sessions) -> None:
    with sqlite_sessions.begin() as session:
        world = linked_world(session)
        lines = review_lines(drafted(session, world))
        assert lines["审查结论"].value_zh == "尚未审查，不得视为通过"
        assert lines["审查结论"].value_en == "not reviewed, which is no pass"
        assert not any(title in lines for _, title, *_ in CHECKS)
        assert "link-review" not in [group.name for group in drafted(session, world, link=None).sheet.groups]


def test_a_link_of_another_borrower_or_one_that_ended_is_refused(sqlite_sessions: Sessions) -> None:
    with sqlite_sessions.begin() as session:
        world = linked_world(session)
        with pytest.raises(NotFound):
            drafted(session, world, link="GL-NONE")
        other = service.link_of_term_sheet
        stranger = open_bank(session, name="另一家银行").clothing
        with pytest.raises(InvalidInput) as refused:
            other(session, world.bank.officer, stranger, LINK, standing=world.standing)
        assert refused.value.field == "link_number"
        world.roll(date(2025, 7, 1))
        world.turn(LinkEvent.DECLASSIFY, date(2025, 7, 1))
        with pytest.raises(InvalidInput) as ended:
            drafted(session, world)
        assert ended.value.field == "link_number"


def test_form_api_and_page_take_the_link(desk: Desk) -> None:
    with desk.sessions.begin() as session:
        world = LinkWorld(session=session, bank=desk.bank)
        put_in_force(
            session, desk.bank.officer, desk.bank.checker, world.standing, line_of(desk.bank.clothing.id), contract_of()
        )
        world.sign(change_of())
        reviewed(session, world)
    told = desk.system.post("/v1/term-sheets", json={**TERM_SHEET, "link_number": LINK}, headers=key("ts-link")).json()
    group = next(one for one in told["groups"] if one["name"] == "link-review")
    assert len(group["lines"]) == 5 + len(CHECKS)
    page = desk.get(f"/term-sheets/{told['number']}").text
    assert "可持续挂钩条款审查" in page
    assert f"/decisions/{told['decision_id']}#figure-link_check.two-way" in page
    english = desk.get(f"/term-sheets/{told['number']}", **{"Accept-Language": "en"})
    assert english.status_code == 200
    preview = desk.browser.get("/loans/new", params=form_of(desk, link_number=LINK)).text
    assert "经核查的结果可使利差下浮，也可上浮" in preview
    again = desk.get(f"/loans/new?number={told['number']}").text
    assert f'value="{LINK}"' in again, "a revision begins with the link"
    unknown = desk.system.post("/v1/term-sheets", json={**TERM_SHEET, "link_number": "GL-X"}, headers=key("ts-none"))
    assert unknown.status_code == 404
