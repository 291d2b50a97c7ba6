"""Holiday notices by the day they became known, and the calendars that follow from them."""

import tomllib
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum
from importlib.resources import files
from typing import Any, Literal

import sqlalchemy as sa
from sqlmodel import Field, Session, col, select

from carbonfin.kernel.dates import Calendar, china_day
from carbonfin.kernel.errors import MissingData
from carbonfin.rules.parameters import Grade
from carbonfin.storage.rows import Row, new_id

CalendarName = Literal["bank", "exchange"]


class DayKind(StrEnum):
    """What a notice says of a day."""

    HOLIDAY = "holiday"
    MAKE_UP_WORKDAY = "make-up workday"
    EXCHANGE_CLOSURE = "exchange closure"


class HolidayNoticeRow(Row, table=True):
    """A year's holiday notice (节假日安排), as it was known from a day; a correction is another notice."""

    __table_args__ = (sa.UniqueConstraint("year", "known_from"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    year: int
    known_from: date
    document: str
    grade: Grade
    confirmed: bool
    note: str


class HolidayRow(Row, table=True):
    """One day of a notice."""

    notice_id: str = Field(foreign_key="holiday_notice.id", primary_key=True)
    day: date = Field(primary_key=True)
    kind: DayKind
    name_zh: str
    name_en: str


def import_builtin_calendars(session: Session) -> int:
    """Import the notices that come with the product and are not yet there; gives how many were new."""
    text = files("carbonfin.storage").joinpath("parameters", "holidays.toml").read_text(encoding="utf-8")
    known = set(session.exec(select(col(HolidayNoticeRow.year), col(HolidayNoticeRow.known_from))).all())
    fresh = [notice for notice in tomllib.loads(text)["notice"] if (notice["year"], notice["known_from"]) not in known]
    for notice in fresh:
        row = HolidayNoticeRow(
            year=notice["year"],
            known_from=notice["known_from"],
            document=notice["document"],
            grade=Grade(notice["grade"]),
            confirmed=notice["confirmed"],
            note=notice.get("note", ""),
        )
        session.add(row)
        session.flush()
        session.add_all(_days_of(notice, row))
    session.flush()
    return len(fresh)


def calendar_on(session: Session, name: CalendarName, known_at: datetime) -> Calendar:
    """Give the bank's or the exchange's calendar as it was known at an instant.

    Of several notices for a year the one known last counts. The calendar reaches from the first to the last year of an
    unbroken run of known years. Banks work on make-up workdays; exchanges do not.

    Raises:
        MissingData: No notice was known then.
    """
    notices: dict[int, HolidayNoticeRow] = {}
    known_notices = (
        select(HolidayNoticeRow)
        .where(HolidayNoticeRow.known_from <= china_day(known_at))
        .order_by(col(HolidayNoticeRow.known_from))
    )
    for notice in session.exec(known_notices):
        notices[notice.year] = notice
    if not notices:
        raise MissingData(
            f"no holiday notice was known on {china_day(known_at)}",
            zh=f"{china_day(known_at)} 尚无已知的节假日安排",
            field="calendar",
            remedy="Load the holiday notices.",
            remedy_zh="请导入放假通知。",
        )
    years = _unbroken(sorted(notices))
    days = session.exec(
        select(col(HolidayRow.day), col(HolidayRow.kind)).where(
            col(HolidayRow.notice_id).in_([notices[y].id for y in years])
        )
    ).all()
    closed = {DayKind.HOLIDAY, DayKind.EXCHANGE_CLOSURE} if name == "exchange" else {DayKind.HOLIDAY}
    return Calendar(
        name=name,
        holidays=frozenset(day for day, kind in days if kind in closed),
        make_up_workdays=frozenset(day for day, kind in days if kind is DayKind.MAKE_UP_WORKDAY),
        known_until=date(years[-1], 12, 31),
        works_make_up_days=name == "bank",
        known_since=date(years[0], 1, 1),
    )


def _unbroken(years: Sequence[int]) -> list[int]:
    run = [years[0]]
    for year in years[1:]:
        if year != run[-1] + 1:
            break
        run.append(year)
    return run


def _days_of(notice: dict[str, Any], row: HolidayNoticeRow) -> Iterator[HolidayRow]:
    for holiday in notice["holiday"]:
        for kind, key in ((DayKind.HOLIDAY, "days"), (DayKind.MAKE_UP_WORKDAY, "make_up_workdays")):
            for day in _spelled_out(holiday.get(key, [])):
                yield HolidayRow(
                    notice_id=row.id, day=day, kind=kind, name_zh=holiday["name_zh"], name_en=holiday["name_en"]
                )
    for day in _spelled_out(notice.get("exchange_closures", [])):
        yield HolidayRow(
            notice_id=row.id,
            day=day,
            kind=DayKind.EXCHANGE_CLOSURE,
            name_zh="交易所休市",
            name_en="Exchange closure",
        )


def _spelled_out(spans: Sequence[str]) -> Iterator[date]:
    for span in spans:
        first, _, last = span.partition("..")
        day, end = date.fromisoformat(first), date.fromisoformat(last or first)
        while day <= end:
            yield day
            day += timedelta(days=1)
