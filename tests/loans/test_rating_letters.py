"""The monthly letter on a rating: both ends of the month, what was corrected, the same bytes, and months without a rating."""

from dataclasses import replace
from datetime import date, timedelta
from io import BytesIO

import pytest
from pypdf import PdfReader

from carbonfin.documents.sheets import Paragraphs, Verification
from carbonfin.kernel.errors import InvalidInput, NotFound
from carbonfin.storage.decisions import load_inputs
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import Standing
from loans import service
from loans.calc.account_entries import EntryKind
from loans.calc.ratings.scorecard_decision import SCORECARD_KIND
from loans.workbooks.rating_letters import rating_letter, rating_letter_pdf
from tests.loans.conftest import Desk
from tests.loans.scorecard_worlds import draft, fill_scorecard, standing_at
from tests.loans.world import BUSINESS_DATE, KNOWN_AT, Bank, open_bank

ISSUER = "91440300EXAMPLEA59"
NEXT = timedelta(days=10)  # 2025-07-10


def later(bank: Bank) -> Standing:
    return replace(standing_at(bank), business_date=BUSINESS_DATE + NEXT, known_at=KNOWN_AT + NEXT)


def text_of(content: bytes) -> str:
    return "".join(page.extract_text() for page in PdfReader(BytesIO(content)).pages).replace("\n", "")


def letter(sessions: Sessions, bank: Bank, month: date) -> bytes:
    with sessions.read() as session:
        return service.rating_letter_file(
            session, bank.officer, bank.clothing.id, month=month, standing=later(bank), verified_at=""
        )


def test_a_month_s_letter_says_what_moved_and_why(sqlite_sessions: Sessions) -> None:
    with sqlite_sessions.begin() as session:
        bank = open_bank(session)
        fill_scorecard(session, bank)
        service.rate_by_scorecard(session, bank.officer, bank.clothing, year=None, standing=standing_at(bank))
    first = text_of(letter(sqlite_sessions, bank, date(2025, 6, 15)))
    for words in ("碳评级月度变动函", "2025 年 6 月", "本月首次按评分卡评级：B，得分 73.60", "尚无评级", "书面提出"):
        assert words in first, words
    assert "本月等级与得分未变动" in text_of(letter(sqlite_sessions, bank, date(2025, 7, 1)))
    with sqlite_sessions.begin() as session:
        line = draft(EntryKind.VALUE_ADDED, "67650000", unit="元", reason="漏报一笔")
        report = service.record_entries(
            session, bank.officer, [line], on=BUSINESS_DATE + NEXT, known_at=KNOWN_AT + NEXT
        )
        assert report.corrected_count == 1
        service.rate_by_scorecard(session, bank.officer, bank.clothing, year=None, standing=later(bank))
    content = letter(sqlite_sessions, bank, date(2025, 7, 31))
    # Intensity: three quarters of the peers emit more instead of two and a half of four: 30.00 instead of 25.00.
    july = text_of(content)
    for words in (
        "得分由 73.60 上升 5.00 分至 78.60",
        "等级由 B 维持 B",
        "25.00",
        "30.00",
        "+5.00",
        "67650000",
        "漏报一笔",
    ):
        assert words in july, words
    assert content == letter(sqlite_sessions, bank, date(2025, 7, 1))
    assert len(PdfReader(BytesIO(content)).pages) == 1
    assert "本月首次按评分卡评级" in text_of(letter(sqlite_sessions, bank, date(2025, 6, 1))), "June stays as it was"
    with pytest.raises(NotFound, match="had no rating"):
        letter(sqlite_sessions, bank, date(2025, 5, 1))
    with pytest.raises(InvalidInput, match="lies ahead"):
        letter(sqlite_sessions, bank, date(2025, 8, 1))


def test_the_words_of_a_letter_that_changed_at_the_same_points_and_of_many_corrections(
    sqlite_sessions: Sessions,
) -> None:
    with sqlite_sessions.begin() as session:
        bank = open_bank(session)
        fill_scorecard(session, bank)
        made = service.rate_by_scorecard(session, bank.officer, bank.clothing, year=None, standing=standing_at(bank))
        inputs = load_inputs(session, bank.officer, SCORECARD_KIND, made.decision_id)
        (line, *_) = service.entries_of(session, bank.officer, bank.clothing.id, known_at=KNOWN_AT)
    now = made.outcome
    before = replace(now, rating=replace(now.rating, letter="C"))
    document = rating_letter(
        inputs, now, before, month=date(2025, 6, 1), corrections=[replace(line, reason=f"第 {n} 项") for n in range(14)],
        producer="本行", decision_id=made.decision_id, digest="0" * 64, is_sample=True,
        verification=Verification(issuer_code=ISSUER, address="https://carbon.bank.example"),
    )  # fmt: skip
    texts = [text for one in document.sections if isinstance(one, Paragraphs) for text in one.texts]
    assert "得分仍为 73.60 分，等级由 C 变为 B。" in texts
    assert "另有 6 项更正未在此列出，见企业碳账户明细。" in texts
    assert len(PdfReader(BytesIO(rating_letter_pdf(document, inputs, created_at=KNOWN_AT))).pages) == 1


def test_the_page_gives_the_letter(desk: Desk) -> None:
    address = f"/enterprises/{desk.bank.clothing.id}/rating/letter.pdf"
    assert desk.get(address).status_code == 404
    with desk.sessions.begin() as session:
        fill_scorecard(session, desk.bank)
        service.rate_by_scorecard(
            session, desk.bank.officer, desk.bank.clothing, year=None, standing=standing_at(desk.bank)
        )
    pdf = desk.get(f"{address}?month=2025-06")
    assert (pdf.status_code, pdf.headers["content-type"]) == (200, "application/pdf")
    assert "月度变动函 PDF" in desk.get(f"/enterprises/{desk.bank.clothing.id}/rating").text
    assert desk.get(f"{address}?month=2025-13").status_code == 422
