"""Supervisory haircuts by hand: scaling, exposure, baskets, maturity mismatch and floors."""

import math
from dataclasses import replace

import pytest

from carbonfin.kernel.errors import InvalidInput, NotApplicable
from collateral.calc import supervisory_haircuts as basel
from collateral.calc.supervisory_haircuts import SupervisoryAsset, SupervisoryRow

ROWS = (
    SupervisoryRow(kind="bond", quality_step=1, over_years=None, to_years=1.0, is_main_index=None, ten_day_ratio=0.01),
    SupervisoryRow(kind="bond", quality_step=1, over_years=1.0, to_years=None, is_main_index=None, ten_day_ratio=0.04),
    SupervisoryRow(
        kind="equity", quality_step=None, over_years=None, to_years=None, is_main_index=True, ten_day_ratio=0.2
    ),
)
BOND = SupervisoryAsset(kind="bond", quality_step=1, residual_years=1.0, is_main_index=None)


def test_bands_close_above_and_what_is_not_listed_is_refused() -> None:
    assert basel.ten_day_ratio(ROWS, BOND) == basel.ten_day_ratio(ROWS[::-1], BOND) == 0.01
    assert basel.ten_day_ratio(ROWS, replace(BOND, residual_years=1.001)) == 0.04
    assert basel.ten_day_ratio(ROWS, replace(BOND, kind="equity", is_main_index=True)) == 0.2
    for unlisted in (
        replace(BOND, kind="allowance"),
        replace(BOND, quality_step=2),
        replace(BOND, residual_years=None),
        replace(BOND, kind="equity", is_main_index=False),
    ):
        with pytest.raises(NotApplicable, match="not eligible"):
            basel.ten_day_ratio(ROWS, unlisted)


def test_allowances_behind_a_loan_leave_the_exposure_of_added_haircuts() -> None:
    """A loan of 10m against 16m: sqrt(2) x (25 % + 8 %) = 46.669 %, so 10m - 16m x 53.331 % = 1,467,047.61."""
    ratio = basel.remargined_ratio(0.25, holding_days=20, remargin_days=1)
    currency = basel.remargined_ratio(0.08, holding_days=20, remargin_days=1)
    assert math.isclose(ratio, 0.25 * math.sqrt(2), rel_tol=1e-12)
    found = basel.adjusted_exposure(
        exposure=10e6, exposure_ratio=0.0, collateral=16e6, collateral_ratio=ratio, currency_ratio=currency
    )
    assert math.isclose(found, 10e6 - 16e6 * (1 - 0.33 * math.sqrt(2)), rel_tol=1e-12)
    assert round(found, 2) == 1467047.61
    covered = basel.adjusted_exposure(
        exposure=1.0, exposure_ratio=0.0, collateral=9.0, collateral_ratio=0.1, currency_ratio=0.0
    )
    assert covered == 0.0


def test_baskets_mismatches_and_floors() -> None:
    assert math.isclose(basel.basket_ratio([3.0, 1.0], [0.1, 0.3]), 0.15, rel_tol=1e-12)
    for amounts, ratios in (([], []), ([1.0], [0.1, 0.2]), ([0.0], [0.1]), ([-1.0, 3.0], [0.1, 0.1])):
        with pytest.raises(InvalidInput):
            basel.basket_ratio(amounts, ratios)
    assert math.isclose(basel.matched_protection(100.0, protection_years=2.0, exposure_years=3.0), 100 * 1.75 / 2.75)
    assert math.isclose(basel.matched_protection(100.0, protection_years=4.0, exposure_years=9.0), 100 * 3.75 / 4.75)
    assert basel.matched_protection(100.0, protection_years=6.0, exposure_years=9.0) == 100.0
    assert basel.matched_protection(100.0, protection_years=3.0, exposure_years=3.0) == 100.0
    assert basel.matched_protection(100.0, protection_years=0.25, exposure_years=3.0) == 0.0
    assert math.isclose(basel.upgrade_floor_ratio(lent_floor_ratio=0.06, borrowed_floor_ratio=0.10), 1.10 / 1.06 - 1)
    assert math.isclose(basel.discount_of_floor_ratio(0.25), 0.2)


def test_the_margin_period_doubles_its_floor_only() -> None:
    assert basel.margin_period_days(floor_days=5, remargin_days=2, is_doubled=True) == 11
    assert basel.margin_period_days(floor_days=20, remargin_days=1, is_doubled=False) == 20
    with pytest.raises(InvalidInput):
        basel.holding_period_ratio(0.1, from_days=0, to_days=5)
