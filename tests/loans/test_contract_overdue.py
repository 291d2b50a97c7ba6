"""Penalty and compound interest by hand."""

from datetime import date

import numpy as np
import pytest

from carbonfin.kernel.errors import InvalidInput
from loans.calc.contracts.money import MoneyRule, Rounding
from loans.calc.contracts.overdue import Overdue, PenaltyRule, penalty_interest
from loans.calc.contracts.spans import YearRule


def overdue(*paid: date, misused: bool = False) -> Overdue:
    """100,000 yuan and 300.00 of interest at 3.60 %, due on 21 June 2025."""
    ones = np.ones(len(paid), dtype=np.int64)
    return Overdue(
        principal=10_000_000 * ones,
        interest=30_000 * ones,
        rate=36_000 * ones,
        due=np.array([date(2025, 6, 21)] * len(paid), dtype="M8[D]"),
        paid=np.array(paid, dtype="M8[D]"),
        misused=np.full(len(paid), misused),
    )


def charged(what: Overdue, rule: PenaltyRule, money: MoneyRule | None = None) -> list[list[int]]:
    found = penalty_interest(what, rule, YearRule.ACTUAL_360, money or MoneyRule())
    return [part.tolist() for part in found]


HALF = PenaltyRule(overdue=500_000, misuse=1_000_000)


def test_half_again_for_what_is_overdue() -> None:
    # 5.40 % for ten days of 360: 0.15 %; 150.00 of 100,000 and 0.45 of 300.00
    assert charged(overdue(date(2025, 7, 1)), HALF) == [[15_000], [45]]


def test_the_higher_penalty_alone_for_misuse() -> None:
    # 7.20 % on the principal; interest unpaid is overdue, not misused
    assert charged(overdue(date(2025, 7, 1), misused=True), HALF) == [[20_000], [45]]
    mild = PenaltyRule(overdue=500_000, misuse=300_000)
    assert charged(overdue(date(2025, 7, 1), misused=True), mild) == [[15_000], [45]]


def test_grace_forgives_all_or_nothing() -> None:
    graced = PenaltyRule(overdue=500_000, misuse=1_000_000, grace_days=3)
    # on the day, within grace, and a day past it: then all four days, 0.06 %
    asked = overdue(date(2025, 6, 21), date(2025, 6, 24), date(2025, 6, 25))
    assert charged(asked, graced) == [[0, 0, 6_000], [0, 0, 18]]


def test_rounding_is_the_money_rule() -> None:
    # one day of 360 at 5.40 %: 15.00 of 100,000; 300.00 x 0.00015 = 0.045, four and a half fen
    one_day = overdue(date(2025, 6, 22))
    assert charged(one_day, HALF) == [[1_500], [5]]
    assert charged(one_day, HALF, MoneyRule(rounding=Rounding.HALF_EVEN)) == [[1_500], [4]]


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(InvalidInput):
        charged(overdue(date(2025, 6, 20)), HALF)
    for wrong in ({"overdue": -1}, {"misuse": -1}, {"grace_days": -1}):
        with pytest.raises(InvalidInput):
            PenaltyRule(**({"overdue": 0, "misuse": 0} | wrong))
