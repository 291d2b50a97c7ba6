"""The calendars that ship with the product, as its storage reads them in."""

import tempfile
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from carbonfin.kernel.dates import Calendar
from carbonfin.storage.calendars import CalendarName, calendar_on, import_builtin_calendars
from carbonfin.storage.engine import Sessions, open_engine
from carbonfin.storage.rows import metadata

_LATEST = datetime(2199, 12, 31, tzinfo=UTC)


@cache
def built_in_calendar(name: CalendarName) -> Calendar:
    """Give the calendar with every built-in notice known."""
    with tempfile.TemporaryDirectory() as folder:
        engine = open_engine(f"sqlite:///{Path(folder) / 'calendars.db'}")
        try:
            metadata.create_all(engine)
            with Sessions(engine).begin() as session:
                import_builtin_calendars(session)
                return calendar_on(session, name, _LATEST)
        finally:
            engine.dispose()


def known_years(name: CalendarName) -> frozenset[int]:
    """Give the years a notice is built in for."""
    calendar = built_in_calendar(name)
    first = min(calendar.holidays).year
    return frozenset(range(first, calendar.known_until.year + 1))
