"""The measures of the scorecard, each written once for one enterprise (int) and for columns of them (int64 arrays).

Everything is whole numbers in units of the last decimal place. Intensity is rounded half up; what an enterprise is
credited with (cuts, cover, shares) is rounded down, so that no rounding is a merit.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, overload

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
Whole = TypeVar("Whole", int, IntArray)

INTENSITY_MOST = 2**40 - 1  # 1.1e8 t/万元: beyond it, all are alike
_INDEX = 100_000  # a year on the year before, five places
_INDEX_MOST = 1_000_000_000  # ten-thousandfold growth: beyond it, all are alike
_SHARE = 10_000  # four places


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """What one factor is judged by.

    Attributes:
        inputs: Names of the account's inputs it takes, in order; one not known leaves it not known.
        above_zero: Those of them that must be above zero for it to be defined.
        flags: Inputs that must be 1 for it to be defined, and are not taken.
        places: Decimal places of the whole number it gives.
        unit: Unit of the measure.
        value: The formula; takes all ints or all arrays and gives the same.
    """

    inputs: tuple[str, ...]
    above_zero: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    places: int
    unit: str
    value: Callable[..., Any]
    title_zh: str
    title_en: str
    higher_is_better: bool = True

    @property
    def needs(self) -> tuple[str, ...]:
        """Every input that must be known."""
        return (*self.inputs, *self.flags)


@overload
def least(one: int, other: int) -> int: ...
@overload
def least(one: IntArray, other: IntArray | int) -> IntArray: ...
def least(one: Any, other: Any) -> Any:
    """Give the smaller, element by element."""
    return min(one, other) if isinstance(one, int) else np.minimum(one, other)


@overload
def most(one: int, other: int) -> int: ...
@overload
def most(one: IntArray, other: IntArray | int) -> IntArray: ...
def most(one: Any, other: Any) -> Any:
    """Give the larger, element by element."""
    return max(one, other) if isinstance(one, int) else np.maximum(one, other)


def intensity(emissions_kg: Whole, value_added_fen: Whole) -> Whole:
    """L = t per 万元 of value added, four places half up: kg x 10^7 / fen."""
    numerator = emissions_kg * 10_000_000
    return least(numerator // value_added_fen + (2 * (numerator % value_added_fen) >= value_added_fen), INTENSITY_MOST)


def emission_cut(
    emissions_kg: Whole, emissions_previous_kg: Whole, value_added_fen: Whole, value_added_previous_fen: Whole
) -> Whole:
    """The smaller of the fall of emissions and the fall of intensity on the year before, four places down.

    cut = min(1 - e, 1 - e / v), e and v emissions and value added on the year before. The smaller of both, since
    emissions that fall with output are no merit, and neither is an intensity that falls by revenue alone.
    """
    emissions = least(-(-emissions_kg * _INDEX // emissions_previous_kg), _INDEX_MOST)
    output = least(value_added_fen * _INDEX // value_added_previous_fen, _INDEX_MOST)
    absolute = (_INDEX - emissions) * _SHARE // _INDEX
    return least(absolute, (output - emissions) * _SHARE // most(output, 1))


def allowance_gap(allocation_kg: Whole, emissions_kg: Whole) -> Whole:
    """(allocation for the year's output - emissions) / emissions, four places down; no emissions count as 1 kg."""
    return (allocation_kg - emissions_kg) * _SHARE // most(emissions_kg, 1)


def surrendered_share(surrendered_on_time_kg: Whole, obligation_kg: Whole) -> Whole:
    """Share of the obligation surrendered by its deadline, four places down, at most one; no obligation is met."""
    without = 1 - least(obligation_kg, 1)
    return least((surrendered_on_time_kg + without) * _SHARE // most(obligation_kg, 1), _SHARE)


def metered_share(metered_kwh: Whole, electricity_kwh: Whole) -> Whole:
    """Share of electricity read by meters, four places down; none where there is no electricity."""
    return metered_kwh * _SHARE // most(electricity_kwh, 1)


def reconciliation_gap(invoice_kwh: Whole, electricity_kwh: Whole) -> Whole:
    """|invoices - reported| / reported, four places up; the gap is what worsens."""
    return -(-abs(invoice_kwh - electricity_kwh) * _SHARE // most(electricity_kwh, 1))


def green_share(green_kwh: Whole, green_deducted_kwh: Whole, electricity_kwh: Whole) -> Whole:
    """Green power not yet 核减 in the emissions over electricity, four places down: no kWh counts twice."""
    return (green_kwh - green_deducted_kwh) * _SHARE // most(electricity_kwh, 1)


def as_stated(level: Whole) -> Whole:
    """The level or count itself."""
    return level


MEASURES: dict[str, Measure] = {
    "intensity": Measure(
        inputs=("emissions_kg", "value_added_fen"), above_zero=("value_added_fen",), places=4, unit="t/万元",
        value=intensity, title_zh="碳强度同业比较", title_en="Intensity beside peers", higher_is_better=False,
    ),
    "emission_cut": Measure(
        inputs=("emissions_kg", "emissions_previous_kg", "value_added_fen", "value_added_previous_fen"),
        above_zero=("emissions_previous_kg", "value_added_fen", "value_added_previous_fen"), flags=("is_comparable",),
        places=4, unit="ratio", value=emission_cut, title_zh="减排指标", title_en="Emission cut",
    ),
    "allowance_gap": Measure(
        inputs=("allocation_kg", "emissions_kg"), places=4, unit="ratio", value=allowance_gap,
        title_zh="配额盈缺", title_en="Allowances beside emissions",
    ),
    "surrender_on_time": Measure(
        inputs=("surrendered_on_time_kg", "obligation_kg"), places=4, unit="ratio", value=surrendered_share,
        title_zh="按时清缴", title_en="Surrendered on time",
    ),
    "verification": Measure(
        inputs=("verification_level",), places=0, unit="count", value=as_stated,
        title_zh="核查等级", title_en="Verification",
    ),
    "meter_coverage": Measure(
        inputs=("metered_kwh", "electricity_kwh"), places=4, unit="ratio", value=metered_share,
        title_zh="计量覆盖", title_en="Meter coverage",
    ),
    "bill_months": Measure(
        inputs=("bill_months_count",), places=0, unit="months", value=as_stated,
        title_zh="账单月数", title_en="Months of bills",
    ),
    "reconciliation": Measure(
        inputs=("invoice_kwh", "electricity_kwh"), places=4, unit="ratio", value=reconciliation_gap,
        title_zh="票电核对差异", title_en="Invoices beside reported electricity", higher_is_better=False,
    ),
    "green_power": Measure(
        inputs=("green_kwh", "green_deducted_kwh", "electricity_kwh"), places=4, unit="ratio", value=green_share,
        title_zh="绿电占比（未核减部分）", title_en="Green power not yet deducted",
    ),
    "targets": Measure(
        inputs=("target_level",), places=0, unit="count", value=as_stated, title_zh="减排目标", title_en="Targets",
    ),
    "management": Measure(
        inputs=("management_level",), places=0, unit="count", value=as_stated,
        title_zh="管理体系", title_en="Management system",
    ),
}  # fmt: skip
