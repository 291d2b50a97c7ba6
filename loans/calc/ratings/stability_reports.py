"""The yearly report on how a bank's ratings moved, as values: read by the API, the page and the printed report."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """Enterprises that went from one letter to another, their share of the row and its band."""

    before: str
    after: str
    enterprise_count: int
    share_ratio: Decimal | None
    low_ratio: Decimal
    high_ratio: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class ThresholdJump:
    """Points just above and just below where a letter begins; `can_tell`: whether there are enough for an alarm."""

    letter: str
    threshold: Decimal
    above_count: int
    below_count: int
    chance: Decimal
    is_alarm: bool
    can_tell: bool

    @property
    def words(self) -> tuple[str, str]:
        """What it says, Chinese and English: where no number of scores above could raise the alarm, nothing."""
        if self.is_alarm:
            return "须查看，不是作弊的证明", "look; no proof of gaming"
        return ("无异常", "nothing odd") if self.can_tell else ("家数过少，无从判断", "too few to tell")


@dataclass(frozen=True, slots=True, kw_only=True)
class SectorDrift:
    """Mean change of points of the enterprises of a section of GB/T 4754; `-` is without an industry."""

    section: str
    enterprise_count: int
    mean_change: Decimal
    standard_error: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeDrift:
    """Mean change of points of the enterprises of a size (大型, 中型, 小型, 微型); `-` where none is entered."""

    size_zh: str
    enterprise_count: int
    mean_change: Decimal
    standard_error: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class YearIndex:
    """Population stability of a year against the one before; None where one of both has no letter."""

    year: int
    index: Decimal | None
    level: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StabilityLimit:
    """A limit the report was made with, as it stood in force."""

    key: str
    title_zh: str
    title_en: str
    value: Decimal
    document: str
    is_confirmed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StabilityReport:
    """What changed from the year before; figures are None where nobody is rated in both years.

    Attributes:
        before_count, after_count: Enterprises with a letter in each year.
        both_count: Those with one in both.
        index: Population stability index over letters, and its `level`: stable, watch or act.
        index_by_chance: What the index of so many enterprises reaches by chance alone, at the level of the bands; None
            where either year has none.
        indices: The same of each of the last years up to this one, the earliest first.
        limits: What the report was made with.
    """

    year: int
    before_count: int
    after_count: int
    both_count: int
    transitions: tuple[Transition, ...]
    mobility_index: Decimal | None
    improved_ratio: Decimal | None
    worsened_ratio: Decimal | None
    index: Decimal | None
    index_by_chance: Decimal | None
    level: str | None
    jumps: tuple[ThresholdJump, ...]
    drifts: tuple[SectorDrift, ...]
    size_drifts: tuple[SizeDrift, ...]
    indices: tuple[YearIndex, ...]
    limits: tuple[StabilityLimit, ...]

    @property
    def is_index_of_few(self) -> bool:
        """Whether chance alone carries the index past where it is to be watched: its level then says little."""
        return self.index_by_chance is not None and self.index_by_chance > self.limit("index_watch").value

    def limit(self, name: str) -> StabilityLimit:
        """Give a limit by the last part of its key."""
        return next(one for one in self.limits if one.key.endswith(f".{name}"))
