"""Reminders: what may be done, by hand, and each told once whatever runs again."""

from datetime import date

from carbonfin.kernel.allowances import Unit
from carbonfin.storage.engine import Sessions
from carbonfin.storage.messages import inbox_of
from collateral import jobs
from collateral.calc.reminders import FreeUnits, pledge_actions, surrender_actions
from tests.collateral.desk import Desk, take_over_all
from tests.collateral.world import TODAY

CEA_2023, CEA_2024 = Unit.parse("CEA-2023"), Unit.parse("CEA-2024")
END = date(2025, 12, 31)


def _words(free: tuple[FreeUnits, ...], *, on: date, apply_by: date | None = None) -> list[str]:
    actions = pledge_actions(
        unit=CEA_2023, quantity_t=50000, last_usable=END, free=free, apply_by=apply_by, on=on
    )  # fmt: skip
    return [one.zh.partition("：")[0] for one in actions]


def test_conversion_is_offered_while_it_may_be_asked_for_and_substitution_with_units_that_last_longer() -> None:
    lasting = FreeUnits(unit=CEA_2024, free_t=60000, last_usable=date(2026, 12, 31))
    ending = FreeUnits(unit=CEA_2024, free_t=60000, last_usable=END)
    open_ended = FreeUnits(unit=CEA_2024, free_t=49999, last_usable=None)
    on, release = date(2025, 10, 2), "部分还款并部分解押"
    assert _words((lasting,), on=on) == ["置换", release]
    assert _words((ending,), on=on) == [release, "买入"]
    assert _words((open_ended,), on=on) == ["置换", release, "买入"]
    assert _words((), on=on, apply_by=on) == ["结转", release, "买入"]
    assert _words((), on=on, apply_by=date(2025, 10, 1)) == [release, "买入"]


def test_a_surrender_without_headroom_names_the_tonnes_to_buy() -> None:
    assert [one.en for one in surrender_actions(headroom_t=0, pledged_codes=("P1",))] == [
        "headroom 0 t: surrender in time"
    ]
    pledged, buy = surrender_actions(headroom_t=-1234, pledged_codes=("P1", "P2"))
    assert "P1、P2" in pledged.zh
    assert buy.zh == "买入 1,234 吨可用于清缴的配额"


def test_officers_are_told_at_ninety_sixty_and_thirty_days_once_each(desk_sessions: Sessions, desk: Desk) -> None:
    """CEA-2023 ends on 2025-12-31: 90 days before is 2025-10-02, 60 is 11-01, 30 is 12-01."""
    days = {
        date(2025, 10, 1): 0, date(2025, 10, 2): 1, date(2025, 10, 3): 0, date(2025, 11, 1): 1, date(2025, 12, 1): 1,
        date(2025, 12, 31): 0,
    }  # fmt: skip
    with desk_sessions.begin() as session:
        take_over_all(session, desk)
        told = {day: jobs.remind(session, desk.maker, day).done_count for day in days}
        again = [jobs.remind(session, desk.maker, day).done_count for day in days]
        items = [one for one in inbox_of(session, desk.maker) if one.kind == "collateral.reminder"]
        other = [one for one in inbox_of(session, desk.stranger) if one.kind == "collateral.reminder"]
    assert told == days
    assert sum(again) == 0
    assert sorted(one.title_zh for one in items) == [
        f"质押 P1 的 CEA-2023 将到最后可用日（提前 {days_before} 天）" for days_before in (30, 60, 90)
    ]
    assert {one.due_on for one in items} == {END}
    assert all("CEA-2023 50,000 吨" in one.text_zh and "可办理：" in one.text_zh for one in items)
    assert other == []


def test_a_surrender_is_told_from_the_headroom_that_was_struck(desk_sessions: Sessions, desk: Desk) -> None:
    """SZA 2024 is surrendered by 2025-08-31: 62 days ahead of today, told from 2025-07-02 on."""
    with desk_sessions.begin() as session:
        take_over_all(session, desk)
        jobs.strike_headroom(session, desk.maker, TODAY)
        before = jobs.remind(session, desk.maker, date(2025, 6, 1)).done_count
        jobs.remind(session, desk.maker, TODAY)
        first = {one.title_zh for one in inbox_of(session, desk.maker) if one.kind == "collateral.reminder"}
        fresh = jobs.remind(session, desk.maker, date(2025, 7, 2)).done_count
    assert before == 0
    assert {title.partition(" ")[0] for title in first} == {
        "示例微电子(深圳)有限公司", "示例啤酒(深圳)有限公司", "示例数据中心(深圳)有限公司",
    }  # fmt: skip
    assert all("提前 90 天" in title for title in first)
    assert fresh == 3
