"""The six lights of the collateral desk: how many items, how bad the worst is, and which that is."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_FLOOR, Decimal
from enum import StrEnum

from carbonfin.rules.parameters import ParameterValue
from collateral.calc.book_limits import BookShare
from collateral.calc.coverage_rules import CoverageLevel
from collateral.calc.reconciliation import BROKEN, DifferenceKind
from collateral.calc.refusals import Refusal
from collateral.calc.register import BASE_NAMES, ConcentrationLine

_PLACES = Decimal("0.0001")


class LightKind(StrEnum):
    """What a light watches."""

    CALLS = "calls"
    COVERAGE = "coverage"
    UNREGISTERED = "unregistered"
    UNKNOWN = "unknown"
    DEADLINES = "deadlines"
    CONCENTRATION = "concentration"


LIGHT_NAMES: dict[LightKind, tuple[str, str]] = {
    LightKind.CALLS: ("追加担保", "Calls"),
    LightKind.COVERAGE: ("担保覆盖率", "Coverage"),
    LightKind.UNREGISTERED: ("登记与冻结不符", "Not registered or not frozen"),
    LightKind.UNKNOWN: ("冻结状态未知", "Freezes unknown"),
    LightKind.DEADLINES: ("期限", "Deadlines"),
    LightKind.CONCENTRATION: ("集中度", "Concentration"),
}


class LightLevel(StrEnum):
    """How a light stands, from nothing to do to the worst; `not_known` where what it watches was not looked at."""

    GOOD = "good"
    NOT_KNOWN = "not_known"
    WARNING = "warning"
    BREACH = "breach"


LEVEL_NAMES: dict[LightLevel, tuple[str, str]] = {
    LightLevel.GOOD: ("正常", "Clear"),
    LightLevel.NOT_KNOWN: ("未知", "Not known"),
    LightLevel.WARNING: ("关注", "Attention"),
    LightLevel.BREACH: ("立即处理", "Act now"),
}
_ORDER = tuple(LightLevel)


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing a light counts.

    Attributes:
        rank: What tells the worse of two of one level: the smaller the worse.
        pledge_code: The pledge it is about, or empty.
    """

    level: LightLevel
    rank: Decimal
    words: tuple[str, str]
    pledge_code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Light:
    """A light: the level of its worst item, how many items it counts, and by which dated values."""

    kind: LightKind
    level: LightLevel
    count: int
    worst: Item | None
    thresholds: tuple[ParameterValue, ...]


def light_of(kind: LightKind, items: Iterable[Item], thresholds: Sequence[ParameterValue] = ()) -> Light:
    """Give a light from its items: as bad as the worst; without any it is clear."""
    counted = [one for one in items if one.level is not LightLevel.GOOD]
    worst = min(counted, key=lambda one: (-_ORDER.index(one.level), one.rank, one.words), default=None)
    return Light(
        kind=kind, level=LightLevel.GOOD if worst is None else worst.level, count=len(counted), worst=worst,
        thresholds=tuple(thresholds),
    )  # fmt: skip


def call_item(*, code: str, deadline: date | None, on: date, near: ParameterValue) -> Item:
    """Give an open call: at once when its deadline is near or past."""
    if deadline is None:
        return Item(level=LightLevel.WARNING, rank=Decimal(10_000), words=(f"{code}，期限按合同", f"{code}, as agreed"))
    left = (deadline - on).days
    zh = f"逾期 {-left} 天" if left < 0 else f"还剩 {left} 天"
    en = f"{-left} days overdue" if left < 0 else f"{left} days left"
    return Item(
        level=LightLevel.BREACH if left <= near.integer else LightLevel.WARNING, rank=Decimal(left),
        words=(f"{code}，{zh}", f"{code}, {en}"), pledge_code=code,
    )  # fmt: skip


def coverage_item(
    *, code: str, level: CoverageLevel | None, ratio: Decimal | None, distance: Decimal | None, struck_on: date | None,
    on: date,
) -> Item:  # fmt: skip
    """Give a pledge in force by its coverage; one not struck on the day is not known."""
    if level is None or struck_on != on:
        words = (f"{code}，本日未计算", f"{code}, not struck today")
        return Item(level=LightLevel.NOT_KNOWN, rank=Decimal(0), words=words, pledge_code=code)
    levels = {
        CoverageLevel.COVERED: LightLevel.GOOD, CoverageLevel.BELOW_INITIAL: LightLevel.WARNING,
        CoverageLevel.WARNING: LightLevel.WARNING, CoverageLevel.DISPOSAL: LightLevel.BREACH,
    }  # fmt: skip
    shown = "—" if ratio is None else f"{ratio.quantize(_PLACES, rounding=ROUND_FLOOR) * 100:.2f}%"
    return Item(
        level=levels[level], rank=Decimal(0) if distance is None else distance,
        words=(f"{code}，覆盖率 {shown}", f"{code}, coverage {shown}"), pledge_code=code,
    )  # fmt: skip


def unregistered_item(*, code: str) -> Item:
    """Give a loan paid out without a registration on record."""
    words = (f"{code}，无登记证明编号", f"{code}, no registration number")
    return Item(level=LightLevel.BREACH, rank=Decimal(0), words=words, pledge_code=code)


def difference_item(*, kind: DifferenceKind, names: tuple[str, str], code: str, age_days: int) -> Item:
    """Give a difference with the registry: at once where units are locked here and not frozen there."""
    level = LightLevel.BREACH if kind in BROKEN else LightLevel.WARNING
    words = (f"{code} {names[0]}，{age_days} 天", f"{code} {names[1]}, {age_days} days")
    return Item(level=level, rank=Decimal(-age_days), words=words, pledge_code=code)


def not_reconciled(last: date | None) -> Item:
    """Say that the registry was not asked on the day."""
    zh = "从未与登记机构对账" if last is None else f"本日未对账，最近 {last}"
    en = "never reconciled" if last is None else f"not reconciled today, last {last}"
    return Item(level=LightLevel.NOT_KNOWN, rank=Decimal(0), words=(zh, en))


def unknown_item(*, code: str, since: date | None, on: date, after: ParameterValue) -> Item:
    """Give a freeze or unfreeze the registry has not answered."""
    age = 0 if since is None else (on - since).days
    return Item(
        level=LightLevel.BREACH if age >= after.integer else LightLevel.WARNING, rank=Decimal(-age),
        words=(f"{code}，{age} 天未答复", f"{code}, {age} days unanswered"), pledge_code=code,
    )  # fmt: skip


def deadline_item(
    *, code: str, what: tuple[str, str], day: date, on: date, warning: ParameterValue, breach: ParameterValue
) -> Item:
    """Give a day that comes: clear while it is far."""
    left = (day - on).days
    level = (
        LightLevel.BREACH if left <= breach.integer
        else LightLevel.WARNING if left <= warning.integer
        else LightLevel.GOOD
    )  # fmt: skip
    zh, en = (f"已过 {-left} 天", f"{-left} days past") if left < 0 else (f"还剩 {left} 天", f"{left} days left")
    return Item(level=level, rank=Decimal(left), words=(f"{code} {what[0]} {zh}", f"{code} {what[1]} {en}"))


def concentration_items(lines: Iterable[ConcentrationLine], near: ParameterValue) -> tuple[Item, ...]:
    """Give the shares that reach or near their limit; a base without a limit is one item, not known."""
    found, without = [], {}
    for one in lines:
        names = BASE_NAMES[one.base]
        if one.limit is None:
            without[one.base] = Item(
                level=LightLevel.NOT_KNOWN, rank=Decimal(0),
                words=(f"{names[0]}未设限额", f"no limit by {names[1]}"),
            )  # fmt: skip
            continue
        if one.share_ratio < near.decimal * one.limit.decimal:
            continue
        shown, limit = f"{one.share_ratio * 100:.2f}%", f"{one.limit.decimal * 100:.2f}%"
        found.append(
            Item(
                level=LightLevel.BREACH if one.is_breach else LightLevel.WARNING,
                rank=one.limit.decimal - one.share_ratio,
                words=(f"{one.name} {shown}，限额 {limit}", f"{one.name} {shown}, limit {limit}"),
            )
        )
    return (*found, *without.values())


def schedule_items(
    shares: Iterable[tuple[str, BookShare]], notes: Iterable[Refusal], near: ParameterValue
) -> tuple[Item, ...]:
    """Give the shares of the book that reach or near a limit inside a schedule, and what is in no share."""
    found = []
    for schedule, one in shares:
        if not one.is_above and one.after_ratio < near.decimal * one.limit_ratio:
            continue
        shown, limit = f"{one.after_ratio * 100:.2f}%", f"{one.limit_ratio * 100:.2f}%"
        found.append(
            Item(
                level=LightLevel.BREACH if one.is_above else LightLevel.WARNING,
                rank=one.limit_ratio - one.after_ratio,
                words=(
                    f"清单 {schedule}{one.label_zh} {shown}，限额 {limit}",
                    f"schedule {schedule} {one.label_en} {shown}, limit {limit}",
                ),
            )
        )
    unknown = (Item(level=LightLevel.NOT_KNOWN, rank=Decimal(0), words=(one.zh, one.detail)) for one in notes)
    return (*found, *unknown)
