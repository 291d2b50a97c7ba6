"""How thin trade is after the surrender, and what that rests on: approved, measured in its place, or not known."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

import numpy as np

from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import round_down
from carbonfin.rules.parameters import ParameterValue

_PLACES = 4


class DepthBasis(StrEnum):
    """What a unit's depth after the surrender rests on."""

    APPROVED = "approved"
    MEASURED = "measured"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeasonDepth:
    """How thin the trade after the surrender is, and how that is known.

    Attributes:
        ratio: Volume of the thin season over the mean, 0 to 1; None where it is not known.
        parameter: The ratio that the bank approved, or how many days the season was measured over; None where neither
            is there.
        source: Where it is from, in Chinese.
    """

    basis: DepthBasis
    ratio: Decimal | None
    parameter: ParameterValue | None
    source: str

    def __post_init__(self) -> None:
        """Refuse a ratio out of range, and one that stands without being known."""
        if (self.ratio is None) != (self.basis is DepthBasis.UNKNOWN):
            raise InvalidInput(
                "a depth that is known has its ratio, and only that", zh="季节性深度与其依据不一致", field="season"
            )
        if self.ratio is not None and not 0 <= self.ratio <= 1:
            raise InvalidInput(
                f"a depth of {self.ratio} is outside 0 to 1", zh="清缴后成交量与均值之比须在 0 至 1", field="season"
            )

    @property
    def is_confirmed(self) -> bool:
        """Whether a person stands behind it: the bank approved it, and as confirmed."""
        return self.basis is DepthBasis.APPROVED and self.parameter is not None and self.parameter.confirmed

    @property
    def words(self) -> tuple[str, str]:
        """What a reader is told where nobody confirmed it, Chinese and English; empty where one did."""
        if self.is_confirmed:
            return "", ""
        if self.basis is DepthBasis.APPROVED:
            return (f"清缴后成交量按均值的 {self.ratio} 倍计，未确认",
                    f"volume after the surrender taken as {self.ratio} of its mean: not confirmed")  # fmt: skip
        if self.basis is DepthBasis.UNKNOWN:
            return (
                "清缴后成交量比例未经本行批准，行情不足一年、无从实测",
                "the bank approved no volume after the surrender, and less than a year of quotes measures none",
            )
        days = "" if self.parameter is None else self.parameter.value
        en = f"the bank approved no volume after the surrender: the thinnest {days} trading days measured,"
        return (
            f"清缴后成交量比例未经本行批准，按实测最清淡的 {days} 个交易日计为均值的 {self.ratio} 倍，未确认",
            f"{en} {self.ratio} of the mean, are taken, not confirmed",
        )


def thinnest_ratio(volumes_t: Sequence[int], *, season_days: int, mean_t: Decimal) -> Decimal | None:
    """Give the least mean volume of so many days on end, over the mean of all, rounded down; at most one.

    Times the mean it is what the thinnest season itself traded: less volume on any day never makes it more. None where
    nothing trades or there are fewer days than a season.

    Args:
        volumes_t: Volume by open day, idle days as nought.
        season_days: Days of a season.
        mean_t: Mean volume a day that the ratio is taken of.
    """
    if mean_t <= 0 or not 1 <= season_days <= len(volumes_t):
        return None
    summed = np.cumsum([0, *volumes_t], dtype=np.int64)
    thinnest_t = int((summed[season_days:] - summed[:-season_days]).min())
    return min(Decimal(1), round_down(Decimal(thinnest_t) / season_days / mean_t, _PLACES))
