"""Stability of a bank's ratings by hand, through service, API and page; nobody in both years is said, not guessed."""

from datetime import date
from decimal import Decimal
from io import BytesIO

from openpyxl import load_workbook
from pypdf import PdfReader

from carbonfin.kernel.parties import PartyKind
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import PartyDraft, save_party
from loans import service
from loans.calc.account_entries import AccountEntry, EntryKind
from loans.calc.ratings.results import RatingResult
from loans.store import account_entries
from loans.store import ratings as store
from tests.loans.conftest import Desk
from tests.loans.scorecard_worlds import fill_scorecard, standing_at
from tests.loans.world import KNOWN_AT, Bank, open_bank

_CODES = ("91440300EXAMPLE2XB", "91440300EXAMPLE11K", "91440300EXAMPLE38B")


def _results(sessions: Sessions, bank: Bank) -> None:
    """Three enterprises: B to A, B to B, C to C; the first rated twice for the later year, and the last counts."""
    with sessions.begin() as session:
        fill_scorecard(session, bank)
        made = service.rate_by_scorecard(
            session, bank.officer, bank.clothing, year=None, standing=standing_at(bank)
        ).decision_id
        for code, *ratings in zip(
            _CODES,
            (("B", "70"), ("B", "66"), ("C", "60")),
            (("B", "79.5"), ("B", "65.5"), ("C", "58")),
            (("A", "80.5"), None, None),
            strict=True,
        ):
            party = save_party(
                session, bank.officer,
                PartyDraft(
                    kind=PartyKind.ENTERPRISE, name=code, usci=code, lei=None, industry="C1810", district=None,
                    scheme=None, key_emitter=False, is_sample=True,
                ),
            )  # fmt: skip
            if code == _CODES[0]:
                size = AccountEntry(
                    kind=EntryKind.SIZE_CLASS, year=2024, month=0, item="", quantity=Decimal(2), factor_id="",
                    factor_year=None, evidence="", source="统计",
                )  # fmt: skip
                account_entries.add_entries(session, bank.officer, [(party.id, size)], recorded_at=KNOWN_AT)
            for number, (year, rating) in enumerate(zip((2023, 2024, 2024), ratings, strict=True), 1):
                if rating is not None:
                    store.add_result(
                        session, bank.officer,
                        RatingResult(
                            party_id=party.id, number=number, year=year, letter=rating[0], points=Decimal(rating[1]),
                            valid_on=date(2025, 6, 30), known_at=KNOWN_AT, valid_to=date(2026, 6, 29), decision_id=made,
                        ),
                    )  # fmt: skip


def test_transitions_mobility_jumps_and_drift_by_hand(sessions: Sessions) -> None:
    with sessions.begin() as session:
        bank = open_bank(session)
    _results(sessions, bank)
    with sessions.read() as session:
        report = service.rating_stability(session, bank.officer, 2024, standing=standing_at(bank))
    # The clothing maker has a letter (B, 73.60) in 2024 alone.
    assert (report.before_count, report.after_count, report.both_count) == (3, 4, 3)
    moved = {(one.before, one.after): one for one in report.transitions if one.enterprise_count}
    assert {key: one.enterprise_count for key, one in moved.items()} == {("B", "A"): 1, ("B", "B"): 1, ("C", "C"): 1}
    assert moved["B", "A"].share_ratio == Decimal("0.5000")
    # Rows B (half leave) and C (nobody): 5/4 of the mean 1/4. One of three improved.
    assert (report.mobility_index, report.improved_ratio, report.worsened_ratio) == (
        Decimal("0.3125"), Decimal("0.3333"), Decimal("0.0000"),
    )  # fmt: skip
    # 80.5 lies within a point above 80, 65.5 within one above 65; nothing below either.
    assert [(one.letter, one.threshold, one.above_count, one.below_count) for one in report.jumps] == [
        ("A", 80, 1, 0), ("B", 65, 1, 0), ("C", 50, 0, 0), ("D", 35, 0, 0),
    ]  # fmt: skip
    # +10.5, -0.5 and -2: mean 8/3.
    (drift,) = report.drifts
    assert (drift.section, drift.enterprise_count, drift.mean_change) == ("C", 3, Decimal("2.6667"))
    # One states that it is small; the two others have no line of their size: +10.5, and (-0.5 - 2)/2.
    assert [(one.size_zh, one.enterprise_count, one.mean_change) for one in report.size_drifts] == [
        ("小型", 1, Decimal("10.5000")), ("-", 2, Decimal("-1.2500")),
    ]  # fmt: skip


def test_a_year_without_the_one_before_has_counts_alone(desk: Desk) -> None:
    with desk.sessions.begin() as session:
        fill_scorecard(session, desk.bank)
        service.rate_by_scorecard(
            session, desk.bank.officer, desk.bank.clothing, year=None, standing=standing_at(desk.bank)
        )
    answer = desk.system.get("/v1/ratings/stability", params={"year": 2024})
    assert answer.status_code == 200, answer.text
    report = answer.json()
    assert (report["before_count"], report["after_count"], report["both_count"]) == (0, 1, 0)
    assert (report["mobility_index"], report["index"], report["level"], report["drifts"]) == (None, None, None, [])
    assert desk.stranger.get("/v1/ratings/stability", params={"year": 2024}).json()["after_count"] == 0
    assert desk.system.get("/v1/ratings/stability", params={"year": 1999}).status_code == 400
    page = desk.get("/ratings/stability?year=2024")
    assert page.status_code == 200
    assert "没有企业两年均获评级" in page.text
    assert 'href="/ratings/stability"' in desk.get("/enterprises").text


def test_the_page_shows_who_moved(desk: Desk) -> None:
    _results(desk.sessions, desk.bank)
    page = desk.get("/ratings/stability?year=2024").text
    for words in ("等级迁移", "0.3125", "33.33%", "C 制造业", "本系统自有方法"):
        assert words in page, words
    for words in (
        "各规模平均得分变化",
        "规模未登记",
        "年度报告 PDF",
        "仅抽样波动即可使分布稳定指数达到 5.5345",
        "家数过少",
    ):
        assert words in page, words
    pdf = desk.get("/ratings/stability/report.pdf?year=2024")
    assert (pdf.headers["content-type"], pdf.content[:5]) == ("application/pdf", b"%PDF-")
    assert pdf.content == desk.get("/ratings/stability/report.pdf?year=2024").content
    text = "".join(page.extract_text() for page in PdfReader(BytesIO(pdf.content)).pages).replace("\n", "")
    for words in ("评级稳定性年度报告", "0.3125", "各规模平均得分变化", "本系统自有方法"):
        assert words in text, words


def test_the_spread_of_letters_by_year_and_the_limits_by_hand(sessions: Sessions) -> None:
    with sessions.begin() as session:
        bank = open_bank(session)
    _results(sessions, bank)
    with sessions.read() as session:
        report = service.rating_stability(session, bank.officer, 2024, standing=standing_at(bank))
    # 2023: B 2, C 1; 2024: A 1, B 2, C 1; an empty letter stands as half an enterprise:
    # 1/12 ln 3/2 + (1/6 + 1/12 + 1/24 + 1/24) ln 4/3 = 0.03379 + 0.09589.
    assert [(one.year, one.index, one.level) for one in report.indices] == [
        (2020, None, None), (2021, None, None), (2022, None, None), (2023, None, None),
        (2024, Decimal("0.1297"), "watch"),
    ]  # fmt: skip
    assert (report.index, report.level) == (Decimal("0.1297"), "watch")
    # Chi-square of four degrees of freedom at 95 % is 9.48773; times 1/3 + 1/4.
    assert (report.index_by_chance, report.is_index_of_few) == (Decimal("5.5345"), True)
    watch = report.limit("index_watch")
    assert (watch.value, watch.is_confirmed, watch.title_zh) == (Decimal("0.1"), False, "群体稳定性指标关注线")


def test_the_workbook_has_each_figure_in_a_cell_and_says_where_it_is_from(desk: Desk) -> None:
    _results(desk.sessions, desk.bank)
    answer = desk.get("/ratings/stability/report.xlsx?year=2024")
    assert answer.headers["content-type"].startswith("application/vnd.openxmlformats")
    assert answer.content == desk.get("/ratings/stability/report.xlsx?year=2024").content
    book = load_workbook(BytesIO(answer.content), data_only=True)
    assert book.sheetnames == ["概要", "等级迁移", "分布稳定", "等级线", "行业", "规模", "填报说明", "来源与口径"]
    rows = {name: list(book[name].iter_rows(values_only=True)) for name in book.sheetnames}
    summary = next(row for row in rows["概要"] if row[1] == 2024)
    few = "关注（家数过少，不足以判断）"
    assert summary[1:11] == (2024, 3, 4, 3, 0.3125, 0.3333, 0, 0.1297, few, 5.5345)
    moved = {(row[1], row[2]): row[3:7] for row in rows["等级迁移"] if row[1] in set("ABCDE")}
    assert len(moved) == 25
    # Wilson for one of two at 95 %: (1/2 + z2/4 -+ z sqrt(1/8 + z2/16)) / (1 + z2/2) with z2 = 3.8415.
    assert moved["B", "A"] == (1, 0.5, 0.0945, 0.9055)
    assert moved["A", "A"] == (0, None, None, None), "nobody stood there: no band of 0 to 1"
    assert next(row for row in rows["等级迁移"] if row[0] == "合计")[3] == 3
    assert [row[1:5] for row in rows["规模"] if row[1] in {"小型", "未登记"}] == [
        ("小型", 1, 10.5, None), ("未登记", 2, -1.25, 0.75),
    ]  # fmt: skip
    origin = next(
        row for row in rows["来源与口径"] if row[0] == "群体稳定性指标关注线" or row[1] == "群体稳定性指标关注线"
    )
    assert "0.1" in origin
    assert any("未确认" in str(cell) or cell == "否" for cell in origin), origin


def test_the_page_draws_what_its_tables_say(desk: Desk) -> None:
    _results(desk.sessions, desk.bank)
    page = desk.get("/ratings/stability?year=2024").text
    for name in ("transitions", "indices", "jumps", "by-section", "by-size"):
        assert f'id="chart-{name}"' in page, name
    assert "B → A 50.0% 9.5%–90.6%" in page, "9.45 % and 90.55 %, half up"
    for words in (
        "2024 年 0.1297",
        "关注（未确认） 0.1",
        "A 级线 80.00 线上 1",
        "C 制造业（3 家） +2.67",
        "规模未登记（2 家） −1.25",
    ):
        assert words in page, words
    english = desk.get("/ratings/stability?year=2024&lang=en").text
    assert "Where each letter went" in english
    empty = desk.get("/ratings/stability?year=2019").text
    assert "chart-transitions" not in empty
    assert "chart-jumps" not in empty


def test_the_portfolio_s_heat_map_is_darker_where_more_of_a_sector_stand(desk: Desk) -> None:
    """Of four clothing makers one has A, two B and one C: begun fifths of the sector, 2, 3 and 2."""
    _results(desk.sessions, desk.bank)
    page = desk.get("/enterprises").text
    row = page[page.index("C 制造业") :].split("</tr>")[0]
    assert [cell.split("</td>")[0] for cell in row.split("<td ")[1:5]] == [
        'class="number heat-2">1', 'class="number heat-3">2', 'class="number heat-2">1', 'class="number">·',
    ]  # fmt: skip
