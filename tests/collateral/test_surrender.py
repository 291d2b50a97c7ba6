"""Last safe dates at the calendar's edge, and headroom of the sample emitters (expected: the sample scenario)."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from carbonfin.kernel.allowances import Scheme, Unit
from carbonfin.kernel.errors import InvalidInput, MissingData
from collateral.calc.headroom import HeadroomInputs, UnitHolding, UnitLock, decide_headroom
from collateral.calc.surrender import (
    SafeDateKind,
    SchemeDepth,
    VintageUse,
    closeout_days,
    earliest_safe_date,
    last_safe_date,
    reminder_due,
    trading_days_of,
)
from tests.collateral.world import EXCHANGE, TODAY, on, parameter


def depth(average_daily_volume_t: int, participation: str) -> SchemeDepth:
    return SchemeDepth(
        scheme=Scheme.CEA,
        average_daily_volume_t=average_daily_volume_t,
        source="test",
        participation=parameter("collateral.participation_ratio", participation),
    )


@pytest.mark.parametrize(
    ("quantity_t", "volume_t", "share", "days"),
    [(50000, 209407, "0.10", 3), (120000, 20000, "0.20", 30), (4000, 20000, "0.20", 1), (4001, 20000, "0.20", 2)],
)
def test_closeout_days_round_up(quantity_t: int, volume_t: int, share: str, days: int) -> None:
    assert closeout_days(quantity_t, depth(volume_t, share)) == days


def test_no_volume_gives_no_closeout_days() -> None:
    with pytest.raises(MissingData):
        closeout_days(1, depth(0, "0.20"))
    with pytest.raises(InvalidInput):
        closeout_days(1, depth(1, "0.00"))


def use(day: str) -> VintageUse:
    return VintageUse(
        unit=Unit.parse("CEA-2023"), last_usable=parameter("pricing.last_usable_date", day), carries_forward=None
    )


DAYS = trading_days_of(EXCHANGE, start=TODAY, end=date(2027, 12, 31))


def test_lead_is_counted_in_trading_days_over_the_national_holiday() -> None:
    # 9 October back five trading days over 1 to 8 October: 30, 29, 26, 25, 24 September (28 September is worked by banks only).
    assert last_safe_date(use("2025-10-09"), lead_days=5, trading_days=DAYS).day == date(2025, 9, 24)


def test_past_the_published_notices_the_date_is_one_safe_step_earlier() -> None:
    known = last_safe_date(use("2025-12-31"), lead_days=13, trading_days=DAYS)
    beyond = last_safe_date(use("2026-12-31"), lead_days=13, trading_days=DAYS)
    assert (known.kind, known.day) == (SafeDateKind.DATED, date(2025, 12, 12))
    assert (beyond.kind, beyond.day) == (SafeDateKind.ONE_STEP_EARLIER, date(2025, 12, 12))


def test_a_lead_longer_than_the_days_left_has_passed() -> None:
    assert last_safe_date(use("2025-07-03"), lead_days=13, trading_days=DAYS).kind is SafeDateKind.PASSED


def test_an_unknown_last_usable_date_is_not_assumed() -> None:
    nothing = VintageUse(unit=Unit.parse("GDEA-2023"), last_usable=None, carries_forward=None)
    unknown = last_safe_date(nothing, lead_days=13, trading_days=DAYS)
    assert unknown.kind is SafeDateKind.UNKNOWN
    dated = last_safe_date(use("2025-12-31"), lead_days=13, trading_days=DAYS)
    assert earliest_safe_date((dated, unknown)) == unknown


def headroom_inputs(
    scheme: Scheme, holdings: dict[str, int], locks: tuple[UnitLock, ...], emissions_t: int, true_up_t: int = 0
) -> HeadroomInputs:
    return HeadroomInputs(
        party_code="E",
        scheme=scheme,
        compliance_year=2024,
        valuation_date=TODAY,
        surrender_date=on("pricing.surrender_date", f"{scheme}-2024"),
        holdings=tuple(UnitHolding(unit=Unit.parse(unit), quantity_t=held) for unit, held in holdings.items()),
        locks=locks,
        emissions_t=emissions_t,
        emissions_source="核查报告",
        true_up_expected_t=true_up_t,
        true_up_source="分配方案",
        unconfirmed="",
        true_up_counted=on("collateral.true_up_counted_ratio"),
        buffer=on("collateral.surrender_buffer_ratio", scheme),
        unfreeze_days=on("collateral.unfreeze_days"),
        trading_days=DAYS,
    )


def lock(code: str, unit: str, quantity_t: int, end: date, *, certain: bool = True) -> UnitLock:
    return UnitLock(agreement_code=code, unit=Unit.parse(unit), quantity_t=quantity_t, end_date=end, is_certain=certain)


def test_headroom_e1_counts_no_pledge_that_ends_first_and_no_credits() -> None:
    outcome = decide_headroom(
        headroom_inputs(
            Scheme.CEA,
            {"CEA-2023": 60000, "CEA-2024": 560000, "CCER": 5000},
            (lock("P1", "CEA-2023", 50000, date(2025, 10, 31)),),
            796726,
            245560,
        )
    )
    assert (outcome.true_up_counted_t, outcome.buffer_t, outcome.locked_past_deadline_t) == (221004, 7968, 0)
    assert outcome.headroom_t == 36310


def test_headroom_e2() -> None:
    locks = (
        lock("P2", "SZA-2022", 60000, date(2026, 6, 12)),
        lock("P2", "SZA-2023", 60000, date(2026, 6, 12)),
    )
    outcome = decide_headroom(
        headroom_inputs(Scheme.SZA, {"SZA-2022": 70000, "SZA-2023": 80000, "SZA-2024": 218000}, locks, 207105)
    )
    assert (outcome.headroom_t, outcome.buffer_t) == (34681, 6214)
    assert "pricing.surrender_date[SZA-2024]" in outcome.unconfirmed


def test_headroom_e3_before_and_after_the_top_up() -> None:
    first = lock("P3", "SZA-2023", 40000, date(2025, 12, 12))
    inputs = headroom_inputs(Scheme.SZA, {"SZA-2023": 42000, "SZA-2024": 33000}, (first,), 28731)
    assert decide_headroom(inputs).headroom_t == 5407
    added = lock("P3", "SZA-2024", 2720, date(2025, 12, 12))
    assert decide_headroom(replace(inputs, locks=(first, added))).headroom_t == 2687


def test_headroom_e5_counts_a_freeze_whose_state_is_unknown() -> None:
    unknown = lock("P4", "SZA-2024", 10000, date(2025, 7, 31), certain=False)
    inputs = headroom_inputs(Scheme.SZA, {"SZA-2023": 20000, "SZA-2024": 180000}, (unknown,), 167500)
    assert decide_headroom(inputs).headroom_t == 17475
    as_margin = replace(inputs, holdings=(*inputs.holdings[:0], UnitHolding(unit=Unit.parse("SZA-2023"), quantity_t=20000 - 5810), inputs.holdings[1]))  # fmt: skip
    assert decide_headroom(as_margin).headroom_t == 11665
    assert decide_headroom(replace(inputs, locks=(replace(unknown, is_certain=True),))).headroom_t == 27475


def test_a_pledge_ending_on_the_deadline_is_not_back_in_time() -> None:
    # five trading days before Sunday 31 August 2025 is Monday 25 August
    inputs = headroom_inputs(Scheme.SZA, {"SZA-2024": 1000}, (), 0)
    ends = {date(2025, 8, 25): 1000, date(2025, 8, 26): 900, date(2025, 8, 31): 900, date(2025, 6, 29): 900}
    for end, expected_t in ends.items():
        outcome = decide_headroom(replace(inputs, locks=(lock("P", "SZA-2024", 100, end),)))
        assert outcome.headroom_t == expected_t, end


def test_a_later_vintage_does_not_count() -> None:
    outcome = decide_headroom(headroom_inputs(Scheme.SZA, {"SZA-2024": 10, "SZA-2025": 90}, (), 0))
    assert outcome.holdings_t == 10
    assert outcome.buffer_t == Decimal(0)


def test_each_reminder_is_given_once_and_a_late_start_gives_the_nearest() -> None:
    """Surrender on 31 December 2025: 2 October, 1 November and 1 December."""
    end = date(2025, 12, 31)

    def told(on: date, told_until: date | None) -> list[tuple[int, date]]:
        found = reminder_due(surrender_date=end, told_until=told_until, on=on)
        return [] if found is None else [(found.days_before, found.due_on)]

    assert told(date(2025, 10, 1), None) == []
    assert told(date(2025, 10, 2), date(2025, 10, 1)) == [(90, date(2025, 10, 2))]
    assert told(date(2025, 10, 2), date(2025, 10, 2)) == []
    assert told(date(2025, 11, 3), date(2025, 10, 31)) == [(60, date(2025, 11, 1))]
    assert told(date(2025, 12, 15), None) == [(30, date(2025, 12, 1))]
    assert told(end, None) == []
