"""Nodes of a curve as plain numbers: day serials, logarithms, and how a curve is read between them."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from carbonfin.kernel.errors import CarbonFinError, InvalidInput, MissingData

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
DAYS_A_YEAR = 365.0
_SERIAL_ZERO = date(1899, 12, 30)


def serial_of(day: date) -> int:
    """Give the serial number of a day, counted from 1899-12-30 as QuantLib and spreadsheets do."""
    return (day - _SERIAL_ZERO).days


def day_of(serial: int) -> date:
    """Give the day of a serial number."""
    return _SERIAL_ZERO + timedelta(days=serial)


def serials_of(days: Sequence[date]) -> IntArray:
    """Give the serial numbers of days, shape (days,)."""
    return np.array([serial_of(day) for day in days], dtype=np.int64)


def check_nodes(*, what: str, serials: Sequence[int], values: Sequence[float]) -> None:
    """Refuse nodes that are not finite, not ascending, or not one value a day.

    Raises:
        InvalidInput: The nodes break one of these rules.
    """
    if len(serials) != len(values) or not serials:
        raise InvalidInput(
            f"{what} has {len(serials)} days and {len(values)} values",
            zh=f"{what} 的日期与数值个数不一致",
            field="node_serials",
            remedy="Give one value for each day, and at least one.",
            remedy_zh="请为每个日期给出一个数值。",
        )
    for before, after in pairwise(serials):
        if before >= after:
            raise InvalidInput(
                f"{what}: {day_of(after)} does not come after {day_of(before)}",
                zh=f"{what}：日期 {day_of(after)} 未排在 {day_of(before)} 之后",
                field="node_serials",
                remedy="Give each day once, in ascending order.",
                remedy_zh="请按日期升序排列且不重复。",
            )
    for serial, value in zip(serials, values, strict=True):
        if not math.isfinite(value):
            raise InvalidInput(
                f"{what} on {day_of(serial)} is {value}",
                zh=f"{what} 在 {day_of(serial)} 的数值不是有限数",
                field="values",
                remedy="Give a finite number.",
                remedy_zh="请填写有限数。",
            )


def read_log_linear(
    *, reference_serial: int, node_serials: Sequence[int], node_logs: Sequence[float], serials: IntArray
) -> FloatArray:
    """Give logarithms between nodes, linear in act/365 time, in the order of operations that QuantLib uses.

    log v(t) = l_i + (t - t_i) (l_{i+1} - l_i) / (t_{i+1} - t_i); outside the nodes the end intervals go on, so that
    the rate of growth stays flat. One node alone gives its own value everywhere.

    Args:
        reference_serial: Day from which time counts.
        node_serials: Days of the nodes, ascending.
        node_logs: Logarithms there.
        serials: Days asked for, shape (days,).

    Returns:
        Shape (days,).
    """
    logs = np.array(node_logs, dtype=np.float64)
    if logs.size == 1:
        return np.full(serials.shape, logs[0])
    times = (np.array(node_serials, dtype=np.int64) - reference_serial) / DAYS_A_YEAR
    asked = (serials - reference_serial) / DAYS_A_YEAR
    slopes = np.diff(logs) / np.diff(times)
    before = np.clip(np.searchsorted(times[:-1], asked, side="right") - 1, 0, logs.size - 2)
    return np.asarray(logs[before] + (asked - times[before]) * slopes[before], dtype=np.float64)


def outside(*, what: str, zh: str, serials: IntArray, first_day: date, last_day: date) -> CarbonFinError | None:
    """Give the error of the first day that a curve does not reach, or None."""
    wrong = (serials < serial_of(first_day)) | (serials > serial_of(last_day))
    if not np.any(wrong):
        return None
    day = day_of(int(serials[int(np.flatnonzero(wrong)[0])]))
    return MissingData(
        f"{what} reaches from {first_day} to {last_day}, not to {day}",
        zh=f"{zh}的期限为 {first_day} 至 {last_day}，不含 {day}",
        field="date",
        remedy="Load quotes that reach the day, or choose a day within.",
        remedy_zh="请导入覆盖该日期的报价，或选择范围内的日期。",
        first_day=first_day.isoformat(),
        last_day=last_day.isoformat(),
    )


def plain(value: object) -> object:
    """Give a value with every float as the hexadecimal text of its bits, so that a digest can be taken of it."""
    if isinstance(value, float):
        return value.hex()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    return value
