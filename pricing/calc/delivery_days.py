"""Days past the holiday calendar: provisional for as long as the next notice settles them, refused beyond.

A contract names its delivery or expiry, and where the year's holidays are not published yet the day stands as it is:
the notice can move it, and with it the discounting, by days. That far the value is marked provisional. Further out
nobody can say on which day units change hands or an option ends, and nothing is priced.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from carbonfin.kernel.allowances import Scheme, Unit
from carbonfin.kernel.errors import MissingData
from pricing.calc.market import MarketSnapshot

PROVISIONAL_DAYS = "pricing.provisional_delivery_days"
_ABROAD = frozenset({Scheme.EUA})
"""Schemes that deliver by their own venue's calendar, whose listed days are in its settlement curve."""
_WORDS: Mapping[str, tuple[str, str]] = {"delivery_date": ("delivery", "交割日"), "expiry_date": ("expiry", "到期日")}


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownCalendar:
    """How far the holidays of the exchange are published.

    Attributes:
        until: Last day the calendar speaks of.
        provisional_days: Calendar days past it for which a day is provisional.
    """

    until: date
    provisional_days: int

    def provisional_after(self, scheme: Scheme, day: date, *, field: str) -> date | None:
        """Give the last day of the calendar where a day of a contract lies past it, None where it does not.

        Raises:
            MissingData: It lies so far past that the next notice does not settle it.
        """
        if scheme in _ABROAD or day <= self.until:
            return None
        last = self.until + timedelta(days=self.provisional_days)
        if day <= last:
            return self.until
        en, zh = _WORDS[field]
        raise MissingData(
            f"{scheme} trading days are known until {self.until}; {en} {day} lies more than a year past it",
            zh=f"{scheme} 交易日历已知至 {self.until}，{zh} {day} 超出可暂定范围（至 {last}）",
            field=field,
            remedy=f"Load the year's holiday notice or choose an earlier {en}.",
            remedy_zh=f"请导入当年放假通知，或选择更早的{zh}。",
            known_until=self.until.isoformat(),
        )


def known_calendar(snapshot: MarketSnapshot) -> KnownCalendar | None:
    """Give how far a snapshot's calendar reaches, None where it does not say."""
    until = snapshot.calendar_known_until
    if until is None:
        return None
    return KnownCalendar(until=until, provisional_days=snapshot.parameter(PROVISIONAL_DAYS, scope="").integer)


def provisional_after(snapshot: MarketSnapshot, unit: Unit, delivery_date: date) -> date | None:
    """Give the last day of the calendar where a delivery lies past it, None where it does not.

    Raises:
        MissingData: It lies so far past that the next notice does not settle it.
    """
    until = snapshot.calendar_known_until
    if until is None or unit.scheme in _ABROAD or delivery_date <= until:
        return None
    calendar = known_calendar(snapshot)
    assert calendar is not None, "the snapshot says how far its calendar reaches"
    return calendar.provisional_after(unit.scheme, delivery_date, field="delivery_date")
