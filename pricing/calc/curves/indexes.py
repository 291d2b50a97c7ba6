"""Conventions of deposits and swaps as dated data, and the QuantLib indexes and calendars made of them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType

import QuantLib as ql  # noqa: N813 - the field's own abbreviation

from carbonfin.kernel.dates import Calendar, DayCount
from carbonfin.kernel.errors import InvalidInput, MissingData
from carbonfin.kernel.quantlib import ql_date
from carbonfin.kernel.units import Currency
from carbonfin.rules.parameters import ParameterBook, ParameterValue

_CONVENTION_KEY = "pricing.rate_convention"
_WORDS = frozenset({"kind", "currency", "day_count", "settlement_days", "calendar", "rolling", "payment_months"})
_TENOR = re.compile(r"(?P<count>[1-9][0-9]{0,2})(?P<unit>[DWMY])")
_WEEK = 7
_OVERNIGHT: Mapping[str, int | None] = MappingProxyType({"ON": 0, "TN": 1, "SN": None})
_QUANTLIB_DATA_END = date(2026, 12, 31)  # China and HongKong in QuantLib 1.44: later years have few or no holidays


class RateKind(StrEnum):
    """How a rate is quoted: simple interest to one day, or a par swap against the floating rate of its own curve."""

    DEPOSIT = "deposit"
    SWAP = "swap"


class Rolling(StrEnum):
    """What is done with a day that is not open."""

    FOLLOWING = "following"
    MODIFIED_FOLLOWING = "modified_following"


@dataclass(frozen=True, slots=True, kw_only=True)
class RateConvention:
    """How the rates of one name are to be understood.

    Attributes:
        name: SHIBOR, FR007, FR007_SWAP and so on.
        kind: Deposit or swap.
        currency: Currency of the rate.
        day_count: Basis of the interest days.
        settlement_days: Open days from the valuation date to the start.
        calendar: Name of the calendar of open days.
        rolling: Rolling of days that are not open.
        payment_months: Months between the payments of a swap's fixed side; None for deposits.
        document: Where the convention was read.
        confirmed: Whether a person compared it with the document.
    """

    name: str
    kind: RateKind
    currency: Currency
    day_count: DayCount
    settlement_days: int
    calendar: str
    rolling: Rolling
    payment_months: int | None
    document: str
    confirmed: bool

    def __post_init__(self) -> None:
        """Refuse a swap without payments, and a deposit with them."""
        if (self.kind is RateKind.SWAP) != (self.payment_months is not None):
            raise InvalidInput(
                f"{self.name} is a {self.kind} with payment months {self.payment_months}",
                zh=f"{self.name} 的付息周期与类型不符",
                field="payment_months",
                remedy="State payment months for swaps only.",
                remedy_zh="仅互换须填写付息周期。",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteLimits:
    """What a rate must keep to before a curve is built of it.

    Attributes:
        rate_min: Lowest rate believed, a decimal.
        rate_max: Highest rate believed, a decimal; 3.0 for 3 % lies beyond it.
        stale_after_days: Calendar days after which a quote is too old.
    """

    rate_min: Decimal
    rate_max: Decimal
    stale_after_days: int


def convention_of(value: ParameterValue) -> RateConvention:
    """Read a convention from its parameter: words `name=value`, separated by blanks.

    Raises:
        InvalidInput: A word is missing, unknown or out of its range.
    """
    words = dict(word.split("=", 1) for word in value.value.split() if "=" in word)
    if words.keys() | {"payment_months"} != _WORDS or len(words) != len(value.value.split()):
        raise _misread(value, f"has the words {sorted(words)}")
    months = words.get("payment_months")
    try:
        return RateConvention(
            name=value.scope,
            kind=RateKind(words["kind"]),
            currency=Currency(words["currency"]),
            day_count=DayCount(words["day_count"]),
            settlement_days=int(words["settlement_days"]),
            calendar=words["calendar"],
            rolling=Rolling(words["rolling"]),
            payment_months=None if months is None else int(months),
            document=value.document,
            confirmed=value.confirmed,
        )
    except ValueError as error:
        raise _misread(value, str(error)) from error


def _misread(value: ParameterValue, why: str) -> InvalidInput:
    return InvalidInput(
        f"the convention {value.scope} {why}",
        zh=f"利率约定 {value.scope} 无法读取",
        field=value.key,
        remedy=f"Write {', '.join(sorted(_WORDS))} as name=value.",
        remedy_zh="请按“名称=取值”逐项填写。",
    )


def rate_conventions(book: ParameterBook, *, valid_on: date, known_at: datetime) -> dict[str, RateConvention]:
    """Give the conventions valid on a day as they were known at an instant, by name."""
    return {
        value.scope: convention_of(value)
        for value in book.in_force(valid_on=valid_on, known_at=known_at)
        if value.key == _CONVENTION_KEY
    }


def quote_limits(book: ParameterBook, *, currency: Currency, valid_on: date, known_at: datetime) -> QuoteLimits:
    """Give the limits of a currency's rates valid on a day as they were known at an instant.

    Raises:
        MissingData: A limit is not set.
    """

    def asked(key: str) -> ParameterValue:
        return book.on(key, valid_on=valid_on, known_at=known_at, scope=currency)

    return QuoteLimits(
        rate_min=asked("pricing.curve_rate_min").decimal,
        rate_max=asked("pricing.curve_rate_max").decimal,
        stale_after_days=asked("pricing.curve_stale_after_days").integer,
    )


def quantlib_calendar(name: str, own: Mapping[str, Calendar]) -> tuple[ql.Calendar, date | None]:
    """Give the calendar of a name with the last day it knows, for use inside `quantlib_on`.

    A calendar of our own goes before QuantLib's; past its last day weekends alone are closed there.

    Raises:
        MissingData: Neither we nor QuantLib have the calendar.
    """
    found = own.get(name)
    if found is not None:
        return _bespoke(found), found.known_until
    if name == "China.IB":
        return ql.China(ql.China.IB), _QUANTLIB_DATA_END
    if name == "HongKong":
        return ql.HongKong(), _QUANTLIB_DATA_END
    if name == "TARGET":
        return ql.TARGET(), None
    if name == "UnitedStates.FederalReserve":
        return ql.UnitedStates(ql.UnitedStates.FederalReserve), None
    raise MissingData(
        f"there is no calendar {name!r}",
        zh=f"没有名为“{name}”的日历",
        field="calendar",
        remedy="Hand over the calendar, or name one of China.IB, HongKong, TARGET, UnitedStates.FederalReserve.",
        remedy_zh="请提供该日历，或使用已有的日历名称。",
    )


def _bespoke(calendar: Calendar) -> ql.Calendar:
    made = ql.BespokeCalendar(calendar.name)
    made.addWeekend(ql.Saturday)
    made.addWeekend(ql.Sunday)
    for day in sorted(calendar.holidays):
        made.addHoliday(ql_date(day))
    if calendar.works_make_up_days:
        for day in sorted(calendar.make_up_workdays):
            made.removeHoliday(ql_date(day))
    return made


def quantlib_day_count(basis: DayCount) -> ql.DayCounter:
    """Give QuantLib's day counter of a basis."""
    if basis is DayCount.ACT_365:
        return ql.Actual365Fixed()
    return ql.Actual360() if basis is DayCount.ACT_360 else ql.Thirty360(ql.Thirty360.European)


def quantlib_rolling(rolling: Rolling) -> int:
    """Give QuantLib's convention for days that are not open."""
    return ql.Following if rolling is Rolling.FOLLOWING else ql.ModifiedFollowing


def quantlib_index(convention: RateConvention, *, tenor: str, calendar: ql.Calendar) -> ql.IborIndex:
    """Give the index of a convention and tenor, for use inside `quantlib_on`.

    ON starts on the valuation date, TN an open day later, SN on the settlement day; all three run for one open day.

    Tenors of weeks roll to the following day, those of months by the convention, as SHIBOR and Euribor do. Days are
    given as whole weeks: QuantLib would count 7D as seven open days.

    QuantLib knows SHIBOR alone of the Chinese rates; LPR, FR007, DR001, HIBOR and CNH HIBOR are made here.

    Raises:
        InvalidInput: The tenor is neither overnight nor a number of weeks, months or years.
    """
    currency = ql.Currency(convention.currency, convention.currency, 0, "", "", 100, ql.Rounding())
    counter = quantlib_day_count(convention.day_count)
    if tenor in _OVERNIGHT:
        lag = _OVERNIGHT[tenor]
        days = convention.settlement_days if lag is None else lag
        return ql.OvernightIndex(convention.name, days, currency, calendar, counter)
    period, in_weeks = _period(convention.name, tenor)
    return ql.IborIndex(
        convention.name, period, convention.settlement_days, currency, calendar,
        quantlib_rolling(Rolling.FOLLOWING if in_weeks else convention.rolling), False, counter,  # noqa: FBT003 - QuantLib's own signature
    )  # fmt: skip


def _period(name: str, tenor: str) -> tuple[ql.Period, bool]:
    """Give the tenor, and whether it counts weeks."""
    found = _TENOR.fullmatch(tenor)
    count = int(found["count"]) if found else 0
    if found is None or (found["unit"] == "D" and count % _WEEK):
        raise InvalidInput(
            f"{name} has the tenor {tenor!r}",
            zh=f"{name} 的期限“{tenor}”无法识别",
            field="tenor",
            remedy="Write ON, TN, SN, or a number of weeks, months or years: 7D, 2W, 3M, 1Y.",
            remedy_zh="期限请写 ON、TN、SN，或整周、月、年：7D、2W、3M、1Y。",
        )
    if found["unit"] == "D":
        return ql.Period(f"{count // _WEEK}W"), True
    return ql.Period(tenor), found["unit"] == "W"
