"""A note's rate under its link: next interest period, all-in floor, and the compensating accrual to the fen by hand."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import pairwise

import pytest

from carbonfin.kernel.dates import DayCount
from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.record import canonical_json
from loans.calc.linked.rate_changes import BalanceSpan, RateChangeInputs, decide_rate_change
from loans.calc.linked.rate_lines import AdjustmentStep, BookedChange, booked_days, booked_interest_cny

BASE = Decimal("0.0329")
STARTS = tuple(date(2025, month, 21) for month in range(7, 13)) + tuple(date(2026, month, 21) for month in range(1, 6))
TEN_MILLION = Decimal("10000000.00")


def step(day: date, bp: int, cause: str = "observation 1 version 1") -> AdjustmentStep:
    return AdjustmentStep(applies_after=day, level_bp=Decimal(bp), cause=cause)


def spans(*days: date, balance: Decimal = TEN_MILLION) -> tuple[BalanceSpan, ...]:
    return tuple(BalanceSpan(start=start, end=end, balance_cny=balance) for start, end in pairwise(days))


INPUTS = RateChangeInputs(
    note_code="JJ-2025-001", link_number="GL-2025-001", cause="observation 1 version 1", base_rate=BASE,
    all_in_floor_rate=None, basis=DayCount.ACT_360, steps=(step(date(2025, 10, 31), 5),), before=(),
    period_starts=STARTS, spans=spans(date(2025, 10, 21), date(2025, 11, 3)), known_from=date(2025, 11, 3),
)  # fmt: skip


def test_the_rate_moves_with_the_next_interest_period_and_not_before() -> None:
    found = decide_rate_change(INPUTS)
    assert [(one.start, one.rate) for one in found.spells] == [(date(2025, 11, 21), Decimal("0.0334"))]
    assert (found.lines, found.compensation_cny) == ((), Decimal("0.00"))
    on_the_day = decide_rate_change(replace(INPUTS, steps=(step(date(2025, 11, 21), 5),)))
    assert on_the_day.spells[0].start == date(2025, 11, 21)
    never = decide_rate_change(replace(INPUTS, steps=(step(date(2026, 5, 22), 5),)))
    assert never.spells == ()


def test_the_all_in_floor_holds_a_discount_up_and_leaves_a_rate_below_it_alone() -> None:
    cut = replace(INPUTS, steps=(step(date(2025, 10, 31), -30),), all_in_floor_rate=Decimal("0.0310"))
    spell = decide_rate_change(cut).spells[0]
    assert (spell.rate, spell.floor_applied) == (Decimal("0.0310"), True)
    below = replace(cut, all_in_floor_rate=Decimal("0.0340"))
    assert decide_rate_change(below).spells[0].rate == BASE
    raised = replace(cut, steps=(step(date(2025, 10, 31), 5),), all_in_floor_rate=Decimal("0.0340"))
    assert decide_rate_change(raised).spells[0].rate == Decimal("0.0334")


def test_a_late_report_is_compensated_to_the_fen() -> None:
    """Booked at +5 bp from 2025-11-21 since no report came; on 2025-12-30 it comes and gives -10 bp from the same day.

    11-21 to 12-21, 30 days: 10,000,000 x 0.0334 x 30/360 = 27,833.33; at 0.0319: 26,583.33; difference -1,250.00.
    12-21 to 12-30, 9 days: 10,000,000 x 0.0334 x 9/360 = 8,350.00; at 0.0319: 7,975.00; difference -375.00.
    """
    first = decide_rate_change(INPUTS)
    late = replace(
        INPUTS, steps=(step(date(2025, 10, 31), -10, "observation 1 version 2"),), before=first.spells,
        spans=spans(date(2025, 10, 21), date(2025, 11, 21), date(2025, 12, 21), date(2025, 12, 30)),
        known_from=date(2025, 12, 30),
    )  # fmt: skip
    found = decide_rate_change(late)
    assert [(one.days, one.interest_before_cny, one.interest_after_cny) for one in found.lines] == [
        (30, Decimal("27833.33"), Decimal("26583.33")), (9, Decimal("8350.00"), Decimal("7975.00")),
    ]  # fmt: skip
    assert found.compensation_cny == Decimal("-1625.00")
    assert [one.value for one in found.trace if one.name == "compensation_cny"] == ["-1625.00"]
    assert canonical_json(decide_rate_change(late)) == canonical_json(found)


def test_what_is_booked_and_what_makes_up_for_it_come_to_the_right_interest() -> None:
    """10,000,000 from 2025-11-21 to 2026-01-21, 61 days at 0.0319 = 54,052.78; booked in two lines and a correction.

    Booked: 11-21 to 12-30, 39 days at 0.0334 = 36,183.33..; 12-30 to 01-21, 22 days at 0.0319 = 19,494.44..;
    together 55,677.78 (rounded once), less 1,625.00 = 54,052.78.
    """
    first = decide_rate_change(INPUTS).spells
    second = tuple(replace(one, rate=Decimal("0.0319"), level_bp=Decimal(-10)) for one in first)
    changes = (
        BookedChange(known_from=date(2025, 11, 3), spells=first, compensation_cny=Decimal("0.00")),
        BookedChange(known_from=date(2025, 12, 30), spells=second, compensation_cny=Decimal("-1625.00")),
    )
    start, end = date(2025, 11, 21), date(2026, 1, 21)
    days = booked_days(changes, base_rate=BASE, start=date(2025, 10, 21), end=end)
    assert [(one.start.isoformat(), one.rate) for one in days] == [
        ("2025-10-21", BASE), ("2025-11-21", Decimal("0.0334")), ("2025-12-30", Decimal("0.0319")),
    ]  # fmt: skip

    def interest(booked_by: date) -> Decimal:
        return booked_interest_cny(
            changes, balance_cny=TEN_MILLION, base_rate=BASE, basis=DayCount.ACT_360, start=start, end=end,
            booked_by=booked_by,
        )  # fmt: skip

    assert interest(end) == Decimal("54052.78")
    assert interest(date(2025, 12, 29)) == Decimal("55677.78")


def test_a_note_without_a_link_accrues_as_ever() -> None:
    # 10,000,000 x 0.0329 x 31/360 = 28,330.555…
    found = booked_interest_cny(
        (), balance_cny=TEN_MILLION, base_rate=BASE, basis=DayCount.ACT_360, start=date(2025, 7, 21),
        end=date(2025, 8, 21), booked_by=date(2025, 8, 21),
    )  # fmt: skip
    assert found == Decimal("28330.56")


def test_balances_past_what_is_booked_are_refused() -> None:
    with pytest.raises(InvalidInput):
        replace(INPUTS, spans=spans(date(2025, 10, 21), date(2025, 11, 4)))
    with pytest.raises(InvalidInput):
        replace(
            INPUTS,
            spans=(*spans(date(2025, 9, 21), date(2025, 10, 20)), *spans(date(2025, 10, 21), date(2025, 11, 3))),
        )
