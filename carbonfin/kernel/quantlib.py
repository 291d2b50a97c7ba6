"""The one door to QuantLib's process-wide evaluation date."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

import QuantLib as ql  # noqa: N813 - the field's own abbreviation

_DOOR = threading.RLock()


def ql_date(day: date) -> ql.Date:
    """Give the day as QuantLib's date."""
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
