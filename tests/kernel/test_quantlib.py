"""The one door to QuantLib's evaluation date."""

import threading
import time
from datetime import date

import pytest
import QuantLib as ql  # noqa: N813 - the field's own abbreviation

from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.quantlib import ql_date, quantlib_on

ONE, OTHER = date(2025, 6, 30), date(2024, 2, 29)


def _evaluation_date() -> ql.Date:
    return ql.Settings.instance().evaluationDate  # noqa: TID251 - what the tests watch


def test_days_become_quantlib_days() -> None:
    day = ql_date(date(2024, 2, 29))
    assert (day.dayOfMonth(), day.month(), day.year()) == (29, 2, 2024)


@pytest.mark.parametrize("day", [date(1900, 12, 31), date(2200, 1, 1)])
def test_days_quantlib_does_not_have_are_refused(day: date) -> None:
    with pytest.raises(InvalidInput, match="1901 to 2199"):
        ql_date(day)


def test_the_date_holds_inside_and_the_old_one_is_put_back() -> None:
    before = _evaluation_date()
    with quantlib_on(ONE) as today:
        assert today == ql_date(ONE)
        assert _evaluation_date() == ql_date(ONE)
    assert _evaluation_date() == before


def test_a_failure_inside_puts_the_old_date_back() -> None:
    before = _evaluation_date()
    with pytest.raises(RuntimeError, match="inside"), quantlib_on(ONE):
        raise RuntimeError("inside")
    assert _evaluation_date() == before


def test_a_refused_day_leaves_the_door_open_for_others() -> None:
    with pytest.raises(InvalidInput), quantlib_on(date(1800, 1, 1)):
        pytest.fail("the block must not run")
    held = threading.Event()

    def enter() -> None:
        with quantlib_on(ONE):
            held.set()

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join(timeout=5)
    assert held.is_set()


def test_one_block_may_stand_in_another() -> None:
    with quantlib_on(ONE):
        with quantlib_on(OTHER):
            assert _evaluation_date() == ql_date(OTHER)
        assert _evaluation_date() == ql_date(ONE)


def _bond_value(day: date) -> float:
    """Value a two-year bond on a day; on another day the same bond is worth something else."""
    with quantlib_on(day) as today:
        schedule = ql.Schedule(
            ql.Date(1, 1, 2024), ql.Date(1, 1, 2027), ql.Period(ql.Annual), ql.NullCalendar(),
            ql.Unadjusted, ql.Unadjusted, ql.DateGeneration.Backward, False,  # noqa: FBT003 - QuantLib's own signature
        )  # fmt: skip
        bond = ql.FixedRateBond(0, 100.0, schedule, [0.03], ql.Actual365Fixed())
        time.sleep(0)  # give other threads their turn between setting the date and pricing
        curve = ql.YieldTermStructureHandle(ql.FlatForward(today, 0.02, ql.Actual365Fixed()))
        bond.setPricingEngine(ql.DiscountingBondEngine(curve))
        return float(bond.NPV())


def test_eight_threads_with_two_dates_never_see_each_others() -> None:
    expected = {day: _bond_value(day) for day in (ONE, OTHER)}
    assert expected[ONE] != pytest.approx(expected[OTHER], abs=0.1)
    before = _evaluation_date()
    wrong: list[tuple[date, float]] = []

    def work(day: date) -> None:
        for _ in range(60):
            value = _bond_value(day)
            if value != expected[day]:
                wrong.append((day, value))

    threads = [threading.Thread(target=work, args=(day,)) for day in (ONE, OTHER) * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert _evaluation_date() == before


def test_without_the_door_the_date_belongs_to_the_whole_process() -> None:
    """The fault that the door exists for: a date set in one thread is seen in another."""
    seen: list[ql.Date] = []
    with ql.SavedSettings():
        ql.Settings.instance().evaluationDate = ql_date(OTHER)  # noqa: TID251 - the fault under test
        thread = threading.Thread(target=lambda: seen.append(_evaluation_date()))
        thread.start()
        thread.join()
    assert seen == [ql_date(OTHER)]
