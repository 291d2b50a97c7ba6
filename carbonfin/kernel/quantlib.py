"""The one door to QuantLib's process-wide evaluation date."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

import QuantLib as ql  # noqa: N813 - the field's own abbreviation

from carbonfin.kernel.errors import InvalidInput

_DOOR = threading.RLock()
_FIRST_YEAR, _LAST_YEAR = 1901, 2199


def ql_date(day: date) -> ql.Date:
    """Give the day as QuantLib's date.

    Raises:
        InvalidInput: QuantLib has no such day; its years run from 1901 to 2199.
    """
    if not _FIRST_YEAR <= day.year <= _LAST_YEAR:
        raise InvalidInput(
            f"{day} lies outside the years {_FIRST_YEAR} to {_LAST_YEAR}",
            zh=f"日期 {day} 不在 {_FIRST_YEAR} 至 {_LAST_YEAR} 年",
            field="date",
            remedy="Give a day within these years.",
            remedy_zh="请填写该范围内的日期。",
        )
    return ql.Date(day.day, day.month, day.year)


@contextmanager
def quantlib_on(valuation_date: date) -> Iterator[ql.Date]:
    """Hold QuantLib's evaluation date at one day, alone, and put the old settings back.

    A wrong evaluation date gives a wrong number without an error, and it belongs to the whole process: take floats
    out and leave; no QuantLib object outlives the block.

    Yields:
        The valuation date as a QuantLib date.
    """
    with _DOOR, ql.SavedSettings():
        today = ql_date(valuation_date)
        ql.Settings.instance().evaluationDate = today  # noqa: TID251 - this is the door
        yield today
