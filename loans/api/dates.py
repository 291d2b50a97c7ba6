"""The two dates of a question: the day whose terms hold, and the day by whose close they were known."""

from datetime import date, datetime
from typing import Annotated

from litestar.params import QueryParameter

from carbonfin.storage.parties import Standing
from carbonfin.web.wire import day_of

ValidOn = Annotated[str, QueryParameter(max_length=10, description="Terms that hold on this day; else business date.")]
KnownOn = Annotated[str, QueryParameter(max_length=10, description="As known at the close of this day; else now.")]


def both_dates(standing: Standing, valid_on: str, known_on: str) -> tuple[date, datetime]:
    """Give the day asked for, else the business date, and the instant of `known_at_of`.

    Raises:
        InvalidInput: One of them is no day; the field is named.
    """
    day = day_of(valid_on, field="valid_on") if valid_on else standing.business_date
    return day, known_at_of(standing, known_on)


def known_at_of(standing: Standing, known_on: str) -> datetime:
    """Give the instant up to which facts count as known: the close of the day asked for, and never past the present.

    Raises:
        InvalidInput: It is no day.
    """
    return standing.known_by(day_of(known_on, field="known_on")) if known_on else standing.known_at
