"""Slips of ten thousand (万kWh for kWh, 元 for 万元, t for 万t): what is odd of a line is asked about, never mended.

A line is held against its kind's band, the other periods of its series, what the same year says on other sides
(reported, metered, invoiced electricity), and what the year earned. Bands are our own choice: they ask, never decide.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from loans.calc.account_entries import GAS_UNIT, KINDS, MONTHS, WHOLE_YEAR, AccountEntry, EntryKind

SLIP_RATIO = 1000  # so many times its neighbours, a slip of ten thousand is likelier than the enterprise
POWER_SIDES = (EntryKind.ELECTRICITY, EntryKind.METER, EntryKind.INVOICE_ELECTRICITY)
_LEVEL_UNITS = frozenset({"级", "是否", "次", "条"})
_EARNED = (EntryKind.VALUE_ADDED, EntryKind.REVENUE)
# kWh for each 元 earned. A smelter uses some 5, an office 0.001: thrice a smelter's power bill beyond what it earns, or
# less than any office, a slip in one of both is likelier.
_KWH_PER_CNY = (Decimal("0.0001"), Decimal(30))
# Of fuel and heat for each 元 earned, at most: even at a low price (coal 300 元/t, gas 1 元/m3, heat 20 元/GJ) the bill
# is thrice what was earned.
_MOST_PER_CNY = {"t": Decimal("0.01"), GAS_UNIT: Decimal("0.0003"), "GJ": Decimal("0.15")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Odd:
    """What is odd of a line, in words."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class YearScale:
    """What the lines of an account come to in a year of twelve months; None is not known.

    Attributes:
        power_kwh: By side that states it.
        earned_cny: Value added, else revenue; None where neither is above nought.
    """

    power_kwh: dict[EntryKind, Decimal]
    earned_cny: Decimal | None


def year_scale(lines: Iterable[AccountEntry]) -> YearScale:
    """Give the scale of a year from its lines; a month that is odd does not move it, since the middle month counts."""
    own = list(lines)
    power = {kind: found for kind in POWER_SIDES if (found := _annual([one for one in own if one.kind is kind]))}
    earned = [found for kind in _EARNED if (found := _annual([one for one in own if one.kind is kind])) > 0]
    return YearScale(power_kwh=power, earned_cny=earned[0] if earned else None)


def slip_asked(entry: AccountEntry, neighbours: Iterable[AccountEntry], scale: YearScale | None) -> Odd | None:
    """Say why a quantity looks like a slip of ten thousand, or None.

    Args:
        entry: The line.
        neighbours: Lines of the same series of the account in other periods; months stand beside months.
        scale: What the lines of the year come to, this one among them; None holds the line against its band alone.
    """
    if not entry.quantity or KINDS[entry.kind].unit in _LEVEL_UNITS:
        return None
    odd = _beyond_band(entry) or _unlike_periods(entry, neighbours)
    return _unlike_year(entry, scale) if odd is None and scale is not None else odd


def _beyond_band(entry: AccountEntry) -> Odd | None:
    band, value = KINDS[entry.kind].year_band, _size(entry)
    if band is None:
        return None
    parts = 1 if entry.month == WHOLE_YEAR else MONTHS
    low, high = (end / parts for end in band)
    if low <= value <= high:
        return None
    of = "全年" if parts == 1 else "一个月"
    return Odd(
        zh=f"{entry.quantity} {entry.unit} 不在{of}的常见范围 {low:,.0f} 至 {high:,.0f}",
        en=f"{entry.quantity} {entry.unit} is not within {low:,.0f} to {high:,.0f}",
    )


def _unlike_periods(entry: AccountEntry, neighbours: Iterable[AccountEntry]) -> Odd | None:
    value = _size(entry)
    known = sorted(
        abs(one.quantity) for one in neighbours
        if one.quantity and one.series == entry.series
        and (one.month == WHOLE_YEAR) == (entry.month == WHOLE_YEAR)
        and (one.year, one.month) != (entry.year, entry.month)
    )  # fmt: skip
    if not known:
        return None
    # Both values in the middle of an even number: a slip beside one sound line says nothing of a third.
    lower, upper = known[(len(known) - 1) // 2], known[len(known) // 2]
    if value < upper * SLIP_RATIO and value * SLIP_RATIO > lower:
        return None
    middle = upper if value > upper else lower
    return Odd(
        zh=f"{entry.quantity} {entry.unit} 与其他期间的 {middle} 相差千倍以上",
        en=f"{entry.quantity} {entry.unit} is a thousand times off {middle} of other periods",
    )


def _unlike_year(entry: AccountEntry, scale: YearScale) -> Odd | None:
    if entry.kind in POWER_SIDES:
        return _unlike_sides(entry, scale) or _unlike_earned(entry, scale)
    if entry.kind in _EARNED:
        return _earned_unlike_power(entry, scale)
    most = _MOST_PER_CNY.get(entry.unit)
    if most is None or scale.earned_cny is None or _yearly(entry) <= scale.earned_cny * most:
        return None
    return Odd(
        zh=f"{entry.quantity} {entry.unit} 与同年增加值或收入 {scale.earned_cny:,} 元不相称",
        en=f"{entry.quantity} {entry.unit} is out of proportion to the {scale.earned_cny:,} CNY the year earned",
    )


def _unlike_sides(entry: AccountEntry, scale: YearScale) -> Odd | None:
    """Hold electricity of one side against the others; what is small must be small as a whole, as one meter may be."""
    mine = scale.power_kwh.get(entry.kind, _yearly(entry))
    for kind in POWER_SIDES:
        other = scale.power_kwh.get(kind)
        if kind is entry.kind or other is None:
            continue
        if _yearly(entry) >= other * SLIP_RATIO or mine * SLIP_RATIO <= other:
            return Odd(
                zh=f"{entry.quantity} kWh 与同年{KINDS[kind].title_zh}（折全年 {other:,.0f} kWh）相差千倍以上",
                en=f"{entry.quantity} kWh is a thousand times off {kind} of the year ({other:,.0f} kWh)",
            )
    return None


def _unlike_earned(entry: AccountEntry, scale: YearScale) -> Odd | None:
    low, high = _KWH_PER_CNY
    mine = scale.power_kwh.get(entry.kind, _yearly(entry))
    earned = scale.earned_cny
    # Meters may read a small part alone.
    is_small = entry.kind is not EntryKind.METER and earned is not None and mine < earned * low
    if earned is None or not (is_small or _yearly(entry) > earned * high):
        return None
    return Odd(
        zh=f"{entry.quantity} kWh 与同年增加值或收入 {earned:,} 元不相称（常见每元 {low} 至 {high} kWh）",
        en=f"{entry.quantity} kWh is out of proportion to the {earned:,} CNY the year earned",
    )


def _earned_unlike_power(entry: AccountEntry, scale: YearScale) -> Odd | None:
    low, high = _KWH_PER_CNY
    power = max(scale.power_kwh.values(), default=None)
    value = _size(entry)
    if power is None or entry.quantity is None or entry.quantity < 0 or value * low <= power <= value * high:
        return None
    return Odd(
        zh=f"{entry.quantity} 元与同年用电 {power:,.0f} kWh 不相称（常见每元 {low} 至 {high} kWh）",
        en=f"{entry.quantity} CNY is out of proportion to the {power:,.0f} kWh of the year",
    )


def _annual(lines: list[AccountEntry]) -> Decimal:
    """Add up lines of one kind over twelve months, by series: a year as it stands, months by the one in the middle."""
    by_series: dict[tuple[EntryKind, str], dict[int, Decimal]] = {}
    for one in lines:
        if one.quantity is not None:
            months = by_series.setdefault(one.series, {})
            months[one.month] = months.get(one.month, Decimal(0)) + one.quantity
    total = Decimal(0)
    for months in by_series.values():
        values = sorted(months.values())
        total += months[WHOLE_YEAR] if WHOLE_YEAR in months else values[(len(values) - 1) // 2] * MONTHS
    return total


def _yearly(entry: AccountEntry) -> Decimal:
    return _size(entry) * (1 if entry.month == WHOLE_YEAR else MONTHS)


def _size(entry: AccountEntry) -> Decimal:
    assert entry.quantity is not None, "asked of lines with a quantity"
    return abs(entry.quantity)
