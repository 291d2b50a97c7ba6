"""Deliveries past the holiday calendar: provisional for as long as the next notice settles them, refused beyond.

A contract names its delivery, and where the year's holidays are not published yet the day stands as it is: the notice
can move it, and with it the discounting, by days. That far the value is marked provisional. Further out nobody can say
on which day units change hands, and nothing is priced.
"""

from datetime import date, timedelta

from carbonfin.kernel.allowances import Scheme, Unit
from carbonfin.kernel.errors import MissingData
from pricing.calc.market import MarketSnapshot

PROVISIONAL_DAYS = "pricing.provisional_delivery_days"
_ABROAD = frozenset({Scheme.EUA})
"""Schemes that deliver by their own venue's calendar, whose listed days are in its settlement curve."""


def provisional_after(snapshot: MarketSnapshot, unit: Unit, delivery_date: date) -> date | None:
    """Give the last day of the calendar where a delivery lies past it, None where it does not.

    Raises:
        MissingData: It lies so far past that the next notice does not settle it.
    """
    until = snapshot.calendar_known_until
    if until is None or unit.scheme in _ABROAD or delivery_date <= until:
        return None
    last = until + timedelta(days=snapshot.parameter(PROVISIONAL_DAYS, scope="").integer)
    if delivery_date <= last:
        return until
    raise MissingData(
        f"{unit} trading days are known until {until}; delivery {delivery_date} lies more than a year past it",
        zh=f"{unit} 交易日历已知至 {until}，交割日 {delivery_date} 超出可暂定范围（至 {last}）",
        field="delivery_date",
        remedy="Load the year's holiday notice or choose an earlier delivery.",
        remedy_zh="请导入当年放假通知，或选择更早的交割日。",
        known_until=until.isoformat(),
    )
