"""Which decision tables an organisation has: every version of each, and the one that a pair of days asks for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlmodel import Session

from carbonfin.app.packages import BUILTIN_TABLES
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock, china_day, end_of_china_day
from carbonfin.kernel.errors import NotFound
from carbonfin.rules.tables import TableBook, TableVersion
from carbonfin.storage.parties import standing_of
from carbonfin.storage.rulebook import table_book_for
from carbonfin.web.language import Text
from carbonfin.web.wire import day_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Dates:
    """The two days a table is asked with: of which day it speaks, and up to which instant it is known."""

    valid_on: date
    known_at: datetime


def dates_asked(session: Session, actor: Actor, clock: Clock, *, valid_on: str, known_on: str) -> Dates:
    """Give the days that were asked for; what is left out is the organisation's business date and its present.

    Raises:
        InvalidInput: One of them is no day.
    """
    standing = standing_of(session, actor.organization_id, clock)
    return Dates(
        valid_on=day_of(valid_on, field="valid_on") if valid_on else standing.business_date,
        known_at=end_of_china_day(day_of(known_on, field="known_on")) if known_on else standing.known_at,
    )


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
    def key(self) -> str:
        """What addresses name a version of a table by: its two days, which no other version has."""
        return f"{self.version.valid_from}.{self.version.known_from}"


def chosen(history: Sequence[Version], key: str = "") -> Version:
    """Give the version of a key; without one the version in force, or else the one known last.

    Raises:
        NotFound: There is no version of that key.
    """
    found = next((one for one in history if (one.key == key if key else one.is_in_force)), None)
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

    def without(self, draft: TableVersion) -> "Shelf":
        """Give the shelf as it is, or was, without the organisation's own version of a draft's days."""
        days = draft.valid_from, draft.known_from
        versions = self.book.versions(draft.table.name)
        own = [one for one in versions if one.approved_by and (one.valid_from, one.known_from) != days]
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
        if one.known_from > china_day(self.dates.known_at):
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
            one.known_from < other.known_from <= china_day(self.dates.known_at) and other.speaks_on(one.valid_from)
            for other in self.book.versions(one.table.name)
        )
