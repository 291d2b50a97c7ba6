"""What the checker reads of a proposed table: the difference, the findings, and which version applies from when."""

import re
from dataclasses import replace
from datetime import date, timedelta

from sqlmodel import select

from carbonfin.app.rulebook.draft_views import draft_view, spans_of
from carbonfin.app.rulebook.shelf import Shelf
from carbonfin.app.rulebook.views import change_views
from carbonfin.kernel.dates import FixedClock
from carbonfin.rules.difference import differences
from carbonfin.rules.tables import TableBook, TableVersion
from carbonfin.rules.validate import FindingKind
from carbonfin.storage import approvals
from carbonfin.storage.approvals import Answer
from carbonfin.storage.parties import UserRow, actor_of
from carbonfin.storage.rulebook import TABLE_APPROVAL, propose_table
from tests.app.rulebook.test_rules_pages import FIRST, NOW, SECOND, TODAY, approved, version
from tests.app.worlds import PAGE, World, signed_in


def _span(of: TableVersion, first: str, last: str | None = None, **changed: object) -> TableVersion:
    days = {"valid_from": date.fromisoformat(first), "valid_to": None if last is None else date.fromisoformat(last)}
    return replace(of, **days, **changed)


def test_the_days_are_cut_where_another_version_begins_to_answer() -> None:
    builtin = _span(version(FIRST, known_days=-400), "2025-01-01", "2026-06-30")
    own = _span(version(FIRST, known_days=-20), "2026-01-01", approved_by=("甲", "乙"))
    draft = _span(version(SECOND), "2026-03-01", "2026-03-31")
    spans = spans_of(TableBook([own], under=[builtin]), draft, at=NOW)
    assert [(str(one.first), one.last and str(one.last)) for one in spans] == [
        ("2025-01-01", "2025-12-31"), ("2026-01-01", "2026-02-28"), ("2026-03-01", "2026-03-31"), ("2026-04-01", None),
    ]  # fmt: skip
    assert [one.before for one in spans] == [builtin, own, own, own]
    assert [one.after for one in spans] == [builtin, own, draft, own]


def test_the_first_version_of_its_name_leaves_no_days_before_it() -> None:
    draft = _span(version(FIRST), "2026-03-01", "2026-03-31")
    (span,) = spans_of(TableBook([]), draft, at=NOW)
    assert (span.first, span.last, span.before, span.after) == (draft.valid_from, draft.valid_to, None, draft)


def test_a_version_known_later_than_the_draft_is_not_counted_among_those_it_meets() -> None:
    later = _span(version(SECOND, known_days=9), "2026-01-01", approved_by=("甲", "乙"))
    draft = _span(version(FIRST, known_days=3), "2026-01-01")
    (span,) = spans_of(TableBook([later]), draft, at=NOW)
    assert (span.before, span.after) == (None, draft)


def _proposed(world: World, one: TableVersion) -> str:
    with world.sessions.begin() as session:
        return propose_table(session, world.officer, one, reason="办法修订", at=NOW, contracts=()).id


def _approve(world: World, approval_id: str) -> None:
    with world.sessions.begin() as session:
        checker = actor_of(session, session.exec(select(UserRow.id).where(UserRow.login == "checker")).one())
        approvals.approve(
            session, checker, approval_id, kinds=(TABLE_APPROVAL,), answer=Answer(reason="已核对"), at=NOW,
            business_date=TODAY,
        )  # fmt: skip


def test_the_checker_reads_difference_findings_and_days_before_deciding(world: World) -> None:
    approved(world, version(FIRST, known_days=-20))
    approval_id = _proposed(world, version(SECOND))
    with signed_in(world, "checker") as client:
        page = client.get(f"/approvals/{approval_id}", headers=PAGE).text
    assert "与现行版本相比 1 处不同" in page
    assert re.search(r"规则行 R1，bp.*?修改.*?<code>-30</code>.*?<code>-25</code>.*?示例 第1条", page, re.DOTALL)
    assert "缺少“points”时，此类输入不作决定" in page
    assert re.search(r"<code>grade = A</code> <code>points = 缺失</code>", page)
    assert "校验通过" in page
    start = TODAY - timedelta(days=30)
    assert re.search(rf"{start} 至 今后.*?{start} 起版本.*?本次提交的版本", page, re.DOTALL)


def test_days_left_out_are_told_before_anything_is_proposed(world: World) -> None:
    ends, begins = TODAY - timedelta(days=3), TODAY + timedelta(days=4)
    approved(world, replace(version(FIRST), valid_to=ends))
    late = replace(version(SECOND), valid_from=begins)
    with world.sessions.begin() as session:
        asked = propose_table(
            session, world.officer, late, reason="重新施行", at=NOW, contracts=(), declares_gap=True
        )  # fmt: skip
    with signed_in(world, "checker") as client:
        page = client.get(f"/approvals/{asked.id}", headers=PAGE).text
    assert f"前一版本止于 {ends}，后一版本始于 {begins}" in page
    assert "已声明空档" in page
    with world.sessions.read() as session:
        shelf = Shelf.for_draft(session, world.officer, FixedClock(NOW))
        (found,) = (
            one.finding for one in draft_view(shelf, late).findings if one.finding.kind is FindingKind.DAYS_LEFT_OUT
        )
        joined = draft_view(shelf, replace(late, valid_from=ends + timedelta(days=1))).findings
    assert (found.is_fatal, found.rows) == (False, ())
    assert all(one.finding.kind is not FindingKind.DAYS_LEFT_OUT for one in joined)


def test_the_same_in_english(world: World) -> None:
    approved(world, version(FIRST, known_days=-20))
    approval_id = _proposed(world, version(SECOND))
    with signed_in(world, "checker") as client:
        client.cookies.set("carbonfin_language", "en")
        page = client.get(f"/approvals/{approval_id}", headers=PAGE).text
    assert "1 difference from the version in force" in page
    assert "without points such an input is not decided" in page
    assert "the version proposed" in page


def test_what_was_decided_is_still_held_against_what_it_took_the_place_of(world: World) -> None:
    approved(world, version(FIRST, known_days=-20))
    approval_id = _proposed(world, version(SECOND))
    _approve(world, approval_id)
    with signed_in(world, "checker") as client:
        page = client.get(f"/approvals/{approval_id}", headers=PAGE).text
    assert "与决定时的现行版本相比 1 处不同" in page
    assert re.search(r"<code>-30</code>.*?<code>-25</code>", page, re.DOTALL)


def test_a_first_table_of_its_name_has_no_difference_to_show(world: World) -> None:
    approval_id = _proposed(world, version(FIRST))
    with signed_in(world, "checker") as client:
        page = client.get(f"/approvals/{approval_id}", headers=PAGE).text
    assert "本机构首次采用" in page
    assert "无适用版本" in page


def test_a_draft_of_past_days_is_held_against_the_version_of_those_days(world: World) -> None:
    approved(world, version(FIRST, known_days=-20))
    past = replace(version(SECOND), valid_from=TODAY - timedelta(days=20), valid_to=TODAY - timedelta(days=10))
    approval_id = _proposed(world, past)
    with signed_in(world, "checker") as client:
        page = client.get(f"/approvals/{approval_id}", headers=PAGE).text
    assert "与现行版本相比 1 处不同" in page
    assert page.count("（不变）") == 2


def test_of_two_versions_of_one_day_the_one_that_is_approved_later_answers() -> None:
    days = {"valid_from": date(2026, 1, 1), "known_from": TODAY}
    earlier = replace(version(FIRST), approved_by=("甲", "乙"), known_at=NOW - timedelta(hours=1), **days)
    draft = replace(version(SECOND), **days)
    (span,) = spans_of(TableBook([earlier]), draft, at=NOW)
    assert (span.before, span.after) == (earlier, draft)


def test_a_row_that_comes_or_goes_is_told_with_its_headings() -> None:
    shorter = replace(FIRST, rows=FIRST.rows[:2])
    (gone,) = change_views(differences(FIRST, shorter), FIRST, shorter)
    assert (gone.before.zh, gone.before.en, gone.after.zh) == (
        "grade：B,C；points：-|null → bp：0", "grade: B,C; points: -|null → bp: 0", "",
    )  # fmt: skip
    (come,) = change_views(differences(shorter, FIRST), shorter, FIRST)
    assert (come.before.zh, come.after) == ("", gone.before)
    (changed,) = change_views(differences(FIRST, SECOND), FIRST, SECOND)
    assert (changed.before.zh, changed.after.en, changed.clause) == ("-30", "-25", "示例 第1条")
