"""Holidays and make-up workdays against the built-in notices of banks and exchange."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from carbonfin.kernel.dates import Calendar
from tests.vectors.built_in import built_in_calendar, known_years
from tests.vectors.comparison import CaseResult, Comparison, Skip, only_keys, run_case
from tests.vectors.files import VectorFile

_VENUES = {"IB": "bank", "SSE": "exchange"}
_SATURDAY = 5


def recognises_years(file: VectorFile) -> bool:
    return file.has("IB", "SSE")


def run_years(file: VectorFile) -> Iterable[CaseResult]:
    for venue, name in _VENUES.items():
        for year, days in file.content[venue].items():
            yield run_case(
                f"{venue} {year}",
                file.tolerance,
                lambda check, days=days, name=name, year=year: _year(check, file, days, name, int(year)),
            )


def _year(check: Comparison, file: VectorFile, days: dict[str, Any], name: str, year: int) -> None:
    only_keys(file.content, "source", "trap", *_VENUES)
    only_keys(days, "holidays", "working_weekends")
    calendar = _calendar_of(name, year)
    _same_days(check, calendar, _days(days["holidays"]), _days(days.get("working_weekends", [])), year)


def recognises_lists(file: VectorFile) -> bool:
    return file.has("sse_holidays_weekday", "interbank_working_weekends")


def run_lists(file: VectorFile) -> Iterable[CaseResult]:
    holidays = _days(file.content["sse_holidays_weekday"])
    make_up = _days(file.content["interbank_working_weekends"])
    for year in sorted({day.year for day in holidays | make_up}):
        own_holidays, own_make_up = ({day for day in days if day.year == year} for days in (holidays, make_up))
        yield run_case(
            f"exchange {year}",
            file.tolerance,
            lambda check, year=year, days=own_holidays: _exchange(check, file, days, year),
        )
        yield run_case(
            f"bank {year}", file.tolerance, lambda check, year=year, days=own_make_up: _make_up(check, days, year)
        )


def _exchange(check: Comparison, file: VectorFile, holidays: set[date], year: int) -> None:
    only_keys(file.content, "sse_holidays_weekday", "interbank_working_weekends")
    _same_days(check, _calendar_of("exchange", year), holidays, set(), year)


def _make_up(check: Comparison, make_up: set[date], year: int) -> None:
    calendar = _calendar_of("bank", year)
    check.same(
        "make-up workdays", make_up, {day for day in _all_days(year) if _is_weekend(day) and calendar.is_open(day)}
    )


def _same_days(check: Comparison, calendar: Calendar, holidays: set[date], make_up: set[date], year: int) -> None:
    weekdays = [day for day in _all_days(year) if not _is_weekend(day)]
    weekends = [day for day in _all_days(year) if _is_weekend(day)]
    check.same("weekday holidays", sorted(holidays), [day for day in weekdays if not calendar.is_open(day)])
    check.same("working weekends", sorted(make_up), [day for day in weekends if calendar.is_open(day)])


def _calendar_of(name: str, year: int) -> Calendar:
    if year not in known_years(name):
        raise Skip(f"no notice of {year} is built in: calendars")
    return built_in_calendar(name)


def _days(texts: Iterable[str]) -> set[date]:
    return {date.fromisoformat(text) for text in texts}


def _all_days(year: int) -> list[date]:
    first = date(year, 1, 1)
    return [first + timedelta(days=count) for count in range((date(year + 1, 1, 1) - first).days)]


def _is_weekend(day: date) -> bool:
    return day.weekday() >= _SATURDAY
