"""Which decision tables an organisation has: every version of each, and the one that a pair of days asks for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time

from sqlmodel import Session

from carbonfin.app.packages import BUILTIN_TABLES
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import CHINA, Clock, aware, china_day, end_of_china_day
from carbonfin.kernel.errors import InvalidInput, NotFound
from carbonfin.rules.known import backdated_days, known_order, was_known
from carbonfin.rules.tables import TableBook, TableVersion
from carbonfin.storage.parties import standing_of
from carbonfin.storage.rulebook import table_book_for
from carbonfin.web.filters import instant
from carbonfin.web.language import Text
from carbonfin.web.wire import day_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Dates:
    """The two days a table is asked with: of which day it speaks, and up to which instant it is known."""

    valid_on: date
    known_at: datetime


def dates_asked(
    session: Session,
    actor: Actor,
    clock: Clock,
    *,
    valid_on: str,
    known_on: str,
    known_at: datetime | None = None,
) -> Dates:
    """Give the days that were asked for; what is left out is the organisation's business date and its present.

    Args:
        session: An open session.
        actor: Who asks.
        clock: The present.
        valid_on: The day that is spoken of.
        known_on: The day by whose end it was known.
        known_at: The instant at which it was known, instead of a day.

    Raises:
        InvalidInput: One of them is no day, the instant has no zone, or both say when it was known.
    """
    standing = standing_of(session, actor.organization_id, clock)
    return Dates(
        valid_on=day_of(valid_on, field="valid_on") if valid_on else standing.business_date,
        known_at=known_asked(known_on=known_on, known_at=known_at) or standing.known_at,
    )


def known_asked(*, known_on: str, known_at: datetime | None) -> datetime | None:
    """Give the instant by which something was known, said by a day or itself; None where neither is said.

    Raises:
        InvalidInput: The day is none, the instant has no zone, or both are said.
    """
    if known_at is None:
        return end_of_china_day(day_of(known_on, field="known_on")) if known_on else None
    if known_on:
        raise InvalidInput(
            "known_on and known_at both say when it was known",
            zh="known_on 与 known_at 不得同时填写",
            field="known_at",
            remedy="Give the day or the instant.",
            remedy_zh="请只填写知悉日或知悉时点。",
        )
    return _zoned(known_at)


def _zoned(known_at: datetime) -> datetime:
    if known_at.tzinfo is None:
        raise InvalidInput(
            f"known_at {known_at.isoformat()} has no time zone",
            zh="known_at 缺少时区",
            field="known_at",
            remedy="Write it with its zone, such as 2025-06-30T10:00:00+08:00.",
            remedy_zh="请写明时区，如 2025-06-30T10:00:00+08:00。",
        )
    return aware(known_at)


def instant_typed(known_on: str, known_time: str) -> datetime | None:
    """Give the instant a form names by a day and a time in China; None where it names no time.

    Raises:
        InvalidInput: There is no such time, or no day beside it.
    """
    if not known_time:
        return None
    day = day_of(known_on, field="known_on")
    try:
        at = time.fromisoformat(known_time)
    except ValueError as error:
        raise InvalidInput(
            f"{known_time!r} is no time of a day",
            zh=f"“{known_time}”不是有效的时刻",
            field="known_time",
            remedy="Write HH:MM.",
            remedy_zh="格式为 HH:MM。",
        ) from error
    return datetime.combine(day, at.replace(tzinfo=None), tzinfo=CHINA)


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version, and what becomes of it on a pair of days.

    Attributes:
        state: Badge and words: in force, not yet known, corrected, not yet valid, ended or replaced.
    """

    version: TableVersion
    state: tuple[str, Text]
    is_in_force: bool

    @property
    def is_builtin(self) -> bool:
        """Whether it comes with the product: every other version was approved by two people."""
        return not self.version.approved_by

    @property
    def backdated_days(self) -> int:
        """How many days it is in force backwards; none where it comes with the product, which nobody approves."""
        one = self.version
        return 0 if self.is_builtin else backdated_days(valid_from=one.valid_from, known_from=one.known_from)

    @property
    def known(self) -> str:
        """The day it is known from, with the time in China where it is known from an instant."""
        return f"{self.version.known_from}" if self.version.known_at is None else instant(self.version.known_at)

    @property
    def key(self) -> str:
        """What addresses name a version of a table by: its two days, and the instant where it is known from one."""
        one = self.version
        days = f"{one.valid_from}.{one.known_from}"
        return days if one.known_at is None else f"{days}.{aware(one.known_at):%H%M%S%f}"


def chosen(history: Sequence[Version], key: str = "") -> Version:
    """Give the version of a key; without one the version in force, or else the one known last.

    A key without an instant names the one known last on that day.

    Raises:
        NotFound: There is no version of that key.
    """
    named = [one for one in history if one.key == key or one.key.startswith(f"{key}.")] if key else []
    found = next(iter(named), None) if key else next((one for one in history if one.is_in_force), None)
    if found is None and key:
        raise NotFound(f"the table has no version {key[:40]}", zh="决策表没有该版本", field="version")
    return found or history[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """The organisation's tables on a pair of days."""

    book: TableBook
    dates: Dates

    @classmethod
    def of(cls, session: Session, actor: Actor, dates: Dates) -> "Shelf":
        """Read the organisation's tables, and those that come with the product."""
        return cls(book=table_book_for(session, actor.organization_id, builtin=BUILTIN_TABLES), dates=dates)

    @classmethod
    def for_draft(cls, session: Session, actor: Actor, clock: Clock) -> "Shelf":
        """Read what a draft would take the place of: on the business date, as known now."""
        business_date = standing_of(session, actor.organization_id, clock).business_date
        return cls.of(session, actor, Dates(valid_on=business_date, known_at=clock.now()))

    def without(self, approved: TableVersion) -> "Shelf":
        """Give the shelf as it is, or was, without one of the organisation's own versions, named by its days."""
        days = approved.valid_from, approved.known_from, approved.known_at
        versions = self.book.versions(approved.table.name)
        own = [one for one in versions if one.approved_by and (one.valid_from, one.known_from, one.known_at) != days]
        return Shelf(book=TableBook(own, under=[one for one in versions if not one.approved_by]), dates=self.dates)

    def replaced(self, name: str, *, valid_from: date | None, valid_to: date | None = None) -> TableVersion | None:
        """Give the version whose place a draft would take: on this day, or the nearest one the draft speaks of."""
        day = self.dates.valid_on if valid_from is None else max(valid_from, self.dates.valid_on)
        return self.book.find(
            name, valid_on=day if valid_to is None else min(day, valid_to), known_at=self.dates.known_at
        )

    def in_force(self, name: str) -> TableVersion | None:
        """Give the version that answers on these days; None where none does."""
        return self.book.find(name, valid_on=self.dates.valid_on, known_at=self.dates.known_at)

    def history(self, name: str) -> tuple[Version, ...]:
        """Give every version of a table, the latest known first.

        Raises:
            NotFound: The organisation has no table of that name.
        """
        versions = self.book.versions(name)
        if not versions:
            raise NotFound(f"there is no decision table {name[:100]}", zh="决策表不存在", field="table_name")
        current = self.in_force(name)
        return tuple(
            Version(version=one, state=self._state(one, current), is_in_force=one is current)
            for one in reversed(versions)
        )

    def _state(self, one: TableVersion, current: TableVersion | None) -> tuple[str, Text]:
        if one is current:
            return "good", Text("适用", "in force")
        if not self._was_known(one):
            return "information", Text("当时尚未知悉", "not known yet")
        if self._is_corrected(one):
            return "neutral", Text("已被更正", "corrected")
        if one.valid_from > self.dates.valid_on:
            return "information", Text("尚未生效", "not valid yet")
        if one.valid_to is not None and one.valid_to < self.dates.valid_on:
            return "neutral", Text("已失效", "ended")
        return "neutral", Text("已被替代", "replaced")

    def _is_corrected(self, one: TableVersion) -> bool:
        """Whether a version known later, and by then, speaks of the day this one begins."""
        return any(
            known_order(one) < known_order(other) and self._was_known(other) and other.speaks_on(one.valid_from)
            for other in self.book.versions(one.table.name)
        )

    def _was_known(self, one: TableVersion) -> bool:
        return was_known(one, instant=self.dates.known_at, day=china_day(self.dates.known_at))
