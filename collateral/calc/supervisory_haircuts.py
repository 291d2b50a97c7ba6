"""Supervisory haircuts of the Basel comprehensive approach: tables by rows, scaling to the period, exposure after E*.

Allowances stand on no list of eligible financial collateral: for them this gives an internal exposure, never capital
relief. Haircuts add; a margined set is scaled by its margin period alone, an unmargined one by its remargining.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from carbonfin.kernel.errors import InvalidInput, NotApplicable

TABLE_DAYS = 10
"""Holding period of the printed tables, business days."""


class Deal(StrEnum):
    """What kind of deal the collateral stands behind; it sets the minimum holding period."""

    REPO = "repo"
    CAPITAL_MARKET = "capital_market"
    SECURED_LENDING = "secured_lending"


HOLDING_DAYS: dict[Deal, int] = {Deal.REPO: 5, Deal.CAPITAL_MARKET: 10, Deal.SECURED_LENDING: 20}
"""Minimum holding period with daily remargining or revaluation, business days (CRE22.50, CRR article 224)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SupervisoryAsset:
    """What a table asks of collateral.

    Attributes:
        kind: The table's word for it.
        quality_step: Credit quality step, or None where it has none.
        residual_years: Until it matures, or None where it does not.
        is_main_index: For equities: whether a main index contains it.
    """

    kind: str
    quality_step: int | None
    residual_years: float | None
    is_main_index: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SupervisoryRow:
    """One row of a table: maturities in `(over_years, to_years]`; None of a column asks nothing of it."""

    kind: str
    quality_step: int | None
    over_years: float | None
    to_years: float | None
    is_main_index: bool | None
    ten_day_ratio: float

    def applies(self, asset: SupervisoryAsset) -> bool:
        """Whether the row is for the asset; a fact it asks and nobody knows does not apply."""
        if self.kind != asset.kind or self.quality_step not in {None, asset.quality_step}:
            return False
        if self.is_main_index not in {None, asset.is_main_index}:
            return False
        if self.over_years is None and self.to_years is None:
            return True
        years = asset.residual_years
        if years is None:
            return False
        above = self.over_years is None or years > self.over_years
        return above and (self.to_years is None or years <= self.to_years)


def ten_day_ratio(rows: Sequence[SupervisoryRow], asset: SupervisoryAsset) -> float:
    """Look up a haircut for ten business days.

    Raises:
        NotApplicable: No row is for the asset: it is no eligible financial collateral of the table.
    """
    for row in rows:
        if row.applies(asset):
            return row.ten_day_ratio
    raise NotApplicable(
        f"no row of the table is for {asset.kind}: it is not eligible financial collateral",
        zh=f"{asset.kind} 不在合格金融质押品之列，表中没有对应的折扣系数",
        field="kind",
    )


def holding_period_ratio(ratio: float, *, from_days: float, to_days: float) -> float:
    """Scale a haircut between holding periods: H_M = H_N sqrt(T_M / T_N)."""
    _require_positive(from_days, to_days)
    return ratio * math.sqrt(to_days / from_days)


def remargined_ratio(ratio: float, *, holding_days: float, remargin_days: float) -> float:
    """Scale a ten-day haircut to a holding period with remargining every N_R days: H sqrt((N_R + T_M - 1) / 10)."""
    _require_positive(holding_days, remargin_days)
    return holding_period_ratio(ratio, from_days=TABLE_DAYS, to_days=remargin_days + holding_days - 1)


def margin_period_days(*, floor_days: int, remargin_days: int, is_doubled: bool) -> int:
    """Give the margin period of risk, F + N - 1; F doubles for two quarters after repeated long disputes."""
    _require_positive(floor_days, remargin_days)
    return (2 if is_doubled else 1) * floor_days + remargin_days - 1


def adjusted_exposure(
    *, exposure: float, exposure_ratio: float, collateral: float, collateral_ratio: float, currency_ratio: float
) -> float:
    """Give E* = max(0, E (1 + H_E) - C (1 - H_C - H_FX)), in the currency of E and C; haircuts add."""
    return max(0.0, exposure * (1 + exposure_ratio) - collateral * (1 - collateral_ratio - currency_ratio))


def basket_ratio(amounts: Sequence[float], ratios: Sequence[float]) -> float:
    """Give the haircut of a basket, sum of a_i H_i with the shares a_i of the amounts."""
    total = math.fsum(amounts)
    if len(amounts) != len(ratios) or min(amounts, default=0.0) < 0 or total <= 0:
        raise InvalidInput("a basket needs an amount and a haircut each", zh="一篮子质押品须逐项给出金额与折扣系数")
    return math.fsum(amount * ratio for amount, ratio in zip(amounts, ratios, strict=True)) / total


def matched_protection(protection: float, *, protection_years: float, exposure_years: float) -> float:
    """Scale protection that ends before the exposure: P (t - 0.25) / (T - 0.25), T at most five years, t at most T.

    Protection of three months or less counts nothing once it ends first (CRE22.10 to 22.14).
    """
    capped = min(5.0, exposure_years)
    if protection_years >= exposure_years:
        return protection
    if protection_years <= 0.25:
        return 0.0
    return protection * (min(capped, protection_years) - 0.25) / (capped - 0.25)


def upgrade_floor_ratio(*, lent_floor_ratio: float, borrowed_floor_ratio: float) -> float:
    """Give the floor of a collateral upgrade, (1 / (1 + f_lent)) / (1 / (1 + f_borrowed)) - 1 (CRE56).

    Floors of this kind are on collateral / cash - 1, not a discount from value.
    """
    return (1 + borrowed_floor_ratio) / (1 + lent_floor_ratio) - 1


def discount_of_floor_ratio(floor_ratio: float) -> float:
    """Give the discount from value that a floor on collateral / cash - 1 amounts to: f / (1 + f)."""
    return floor_ratio / (1 + floor_ratio)


def _require_positive(*days: float) -> None:
    if min(days) <= 0:
        raise InvalidInput(f"{min(days)} days is not positive", zh="天数须为正数", field="days")
