"""The six lights: each by hand, on both sides of its threshold."""

from datetime import date
from decimal import Decimal

import pytest

from collateral.calc.coverage_rules import CoverageLevel
from collateral.calc.lights import (
    Item,
    LightKind,
    LightLevel,
    call_item,
    concentration_items,
    coverage_item,
    deadline_item,
    light_of,
    not_reconciled,
    unknown_item,
)
from collateral.calc.register import ConcentrationBase, ConcentrationLine
from tests.collateral.world import TODAY, parameter

ONE_DAY = parameter("collateral.desk_call_days", "1", unit="days")
SIXTY, THIRTY = (
    parameter("collateral.desk_deadline_days", value, scope=scope, unit="days")
    for value, scope in (("60", "warning"), ("30", "breach"))
)
NINE_TENTHS = parameter("collateral.desk_concentration_ratio", "0.90", unit="ratio")
LIMIT = parameter("collateral.concentration_limit_ratio", "0.50", scope="pledgor", unit="ratio")


@pytest.mark.parametrize(
    ("deadline", "level", "words"),
    [
        (date(2025, 7, 2), LightLevel.WARNING, "还剩 2 天"),
        (date(2025, 7, 1), LightLevel.BREACH, "还剩 1 天"),
        (date(2025, 6, 28), LightLevel.BREACH, "逾期 2 天"),
        (None, LightLevel.WARNING, "期限按合同"),
    ],
)
def test_a_call_is_urgent_on_its_last_day_and_after(deadline: date | None, level: LightLevel, words: str) -> None:
    item = call_item(code="P3", deadline=deadline, on=TODAY, near=ONE_DAY)
    assert (item.level, words in item.words[0]) == (level, True)


@pytest.mark.parametrize(
    ("day", "level"),
    [
        (date(2025, 8, 30), LightLevel.GOOD),  # 61 days
        (date(2025, 8, 29), LightLevel.WARNING),  # 60
        (date(2025, 7, 31), LightLevel.WARNING),  # 31
        (date(2025, 7, 30), LightLevel.BREACH),  # 30
    ],
)
def test_a_deadline_turns_amber_and_red_on_the_day_of_its_threshold(day: date, level: LightLevel) -> None:
    assert deadline_item(
        code="P1", what=("到期", "ends"), day=day, on=TODAY, warning=SIXTY, breach=THIRTY
    ).level is level  # fmt: skip


@pytest.mark.parametrize(
    ("share", "levels"),
    [
        ("0.4499", []),
        ("0.4500", [LightLevel.WARNING]),
        ("0.5000", [LightLevel.WARNING]),
        ("0.5001", [LightLevel.BREACH]),
    ],
)
def test_a_share_warns_at_nine_tenths_of_its_limit_and_is_red_above_it(share: str, levels: list[LightLevel]) -> None:
    line = ConcentrationLine(
        base=ConcentrationBase.PLEDGOR, name="甲", market_value_cny=Decimal(1), share_ratio=Decimal(share), limit=LIMIT
    )
    assert [one.level for one in concentration_items([line], NINE_TENTHS)] == levels


def test_no_limit_is_never_green() -> None:
    lines = [
        ConcentrationLine(
            base=ConcentrationBase.UNIT, name=name, market_value_cny=Decimal(1), share_ratio=Decimal("0.5"), limit=None
        )
        for name in ("CEA-2023", "CEA-2024")
    ]
    light = light_of(LightKind.CONCENTRATION, concentration_items(lines, NINE_TENTHS))
    assert (light.level, light.count) == (LightLevel.NOT_KNOWN, 1)


def test_a_coverage_of_yesterday_is_not_known_today_and_the_nearest_to_the_line_is_the_worst() -> None:
    stale = coverage_item(
        code="P9", level=CoverageLevel.COVERED, ratio=Decimal(2), distance=Decimal(1), struck_on=date(2025, 6, 27),
        on=TODAY,
    )  # fmt: skip
    assert stale.level is LightLevel.NOT_KNOWN
    near, nearer = (
        coverage_item(
            code=code, level=CoverageLevel.WARNING, ratio=Decimal(ratio), distance=Decimal(ratio) - Decimal("0.95"),
            struck_on=TODAY, on=TODAY,
        )
        for code, ratio in (("P1", "0.94"), ("P2", "0.93489"))
    )  # fmt: skip
    light = light_of(LightKind.COVERAGE, [stale, near, nearer])
    assert (light.level, light.count) == (LightLevel.WARNING, 3)
    assert light.worst is not None
    assert light.worst.words[0] == "P2，覆盖率 93.48%"


def test_an_unanswered_freeze_turns_red_after_its_day_and_nothing_at_all_is_green() -> None:
    levels = [
        unknown_item(code="P4", since=since, on=TODAY, after=ONE_DAY).level
        for since in (TODAY, date(2025, 6, 29), None)
    ]
    assert levels == [LightLevel.WARNING, LightLevel.BREACH, LightLevel.WARNING]
    assert light_of(LightKind.UNKNOWN, []).level is LightLevel.GOOD
    assert light_of(LightKind.UNREGISTERED, [not_reconciled(None)]).level is LightLevel.NOT_KNOWN
    good = Item(level=LightLevel.GOOD, rank=Decimal(0), words=("", ""))
    assert light_of(LightKind.DEADLINES, [good]).count == 0
