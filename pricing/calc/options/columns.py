"""Columns of option terms, broadcast together and looked at before anything is priced."""

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from carbonfin.kernel.errors import InvalidInput

FloatArray = npt.NDArray[np.float64]

POSITIVE = 5e-324  # the least double above nought


def option_columns(
    columns: Mapping[str, FloatArray], *, option_sign: FloatArray, least: Mapping[str, float]
) -> tuple[list[FloatArray], tuple[int, ...]]:
    """Give the columns, then the signs, broadcast together with one dimension, and the shape they had.

    Args:
        columns: Terms by field.
        option_sign: +1 for a call, -1 for a put.
        least: Smallest number of each field that has one.

    Raises:
        InvalidInput: A term is not a finite number of its range; field and row are named.
    """
    arrays = np.broadcast_arrays(*columns.values(), option_sign)
    flat = [np.ravel(np.asarray(one, dtype=np.float64)) for one in arrays]
    for field, values in zip(columns, flat, strict=False):
        require_numbers(field, values, least=least.get(field, -math.inf))
    wrong = np.flatnonzero(np.abs(flat[-1]) != 1.0)
    if wrong.size:
        row = int(wrong[0])
        raise InvalidInput(
            f"option sign of row {row} is {flat[-1][row]}; +1 is a call, -1 a put",
            zh=f"第 {row + 1} 行期权类型无效：+1 为看涨，-1 为看跌",
            field="option_sign",
            remedy="Give +1 or -1.",
            remedy_zh="请填写 +1 或 -1。",
            row=row,
        )
    return flat, arrays[0].shape


def require_numbers(field: str, values: FloatArray, *, least: float, most: float = math.inf) -> None:
    """Hold that all values are finite and lie in [least, most].

    Raises:
        InvalidInput: One does not; field and row are named.
    """
    right = np.isfinite(values) & (values >= least) & (values <= most)
    if np.all(right):
        return
    row = int(np.flatnonzero(~right)[0])
    rule, rule_zh = _rule(least, most)
    raise InvalidInput(
        f"{field} of row {row} is {values[row]}; it must be {rule}",
        zh=f"第 {row + 1} 行的 {field} 为 {values[row]}，应为{rule_zh}",
        field=field,
        remedy="Correct or leave out the row.",
        remedy_zh="请更正或去掉该行。",
        row=row,
    )


def _rule(least: float, most: float) -> tuple[str, str]:
    if most < math.inf:
        return f"a number from {least:g} to {most:g}", f" {least:g} 至 {most:g} 的数"
    if least == POSITIVE:
        return "a finite number and positive", "有限正数"
    if least == 0.0:
        return "a finite number and not negative", "有限非负数"
    return "a finite number", "有限数"
