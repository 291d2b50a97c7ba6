"""How ratings moved from one year to the next, as JSON."""

from msgspec import Struct

from loans.calc.ratings.scorecard import METHOD_ZH
from loans.service import StabilityReport


class TransitionOut(Struct, frozen=True, kw_only=True):
    """Enterprises that went from one letter to another; the share of a row nobody stands in is null."""

    before: str
    after: str
    enterprise_count: int
    share_ratio: str | None
    low_ratio: str
    high_ratio: str


class ThresholdJumpOut(Struct, frozen=True, kw_only=True):
    """Points just above and below where a letter begins; an alarm is a sign to look, no proof of gaming.

    `can_tell` is false where there are too few for an alarm: then there being none says nothing.
    """

    letter: str
    threshold: str
    above_count: int
    below_count: int
    chance: str
    is_alarm: bool
    can_tell: bool


class SectorDriftOut(Struct, frozen=True, kw_only=True):
    """Mean change of points of a section of GB/T 4754."""

    section: str
    enterprise_count: int
    mean_change: str
    standard_error: str | None


class SizeDriftOut(Struct, frozen=True, kw_only=True):
    """Mean change of points of the enterprises of a size; `-` where none is entered."""

    size_zh: str
    enterprise_count: int
    mean_change: str
    standard_error: str | None


class YearIndexOut(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Population stability of a year against the one before; null where one of both has no letter."""

    year: int
    index: str | None
    level: str | None


class RatingStabilityOut(Struct, frozen=True, kw_only=True):
    """How ratings moved from the year before; figures are null where nobody is rated in both years.

    `index_by_chance` is what the index of so many enterprises reaches by chance alone: below it, its level says little.
    """

    method_zh: str
    year: int
    before_count: int
    after_count: int
    both_count: int
    transitions: list[TransitionOut]
    mobility_index: str | None
    improved_ratio: str | None
    worsened_ratio: str | None
    index: str | None
    index_by_chance: str | None
    level: str | None
    jumps: list[ThresholdJumpOut]
    drifts: list[SectorDriftOut]
    size_drifts: list[SizeDriftOut]
    indices: list[YearIndexOut]

    @classmethod
    def of(cls, report: StabilityReport) -> "RatingStabilityOut":
        """Copy a report."""
        return cls(
            method_zh=METHOD_ZH,
            year=report.year,
            before_count=report.before_count,
            after_count=report.after_count,
            both_count=report.both_count,
            transitions=[
                TransitionOut(
                    before=one.before,
                    after=one.after,
                    enterprise_count=one.enterprise_count,
                    share_ratio=_text(one.share_ratio),
                    low_ratio=str(one.low_ratio),
                    high_ratio=str(one.high_ratio),
                )
                for one in report.transitions
            ],
            mobility_index=_text(report.mobility_index),
            improved_ratio=_text(report.improved_ratio),
            worsened_ratio=_text(report.worsened_ratio),
            index=_text(report.index),
            index_by_chance=_text(report.index_by_chance),
            level=report.level,
            jumps=[
                ThresholdJumpOut(
                    letter=one.letter,
                    threshold=str(one.threshold),
                    above_count=one.above_count,
                    below_count=one.below_count,
                    chance=str(one.chance),
                    is_alarm=one.is_alarm,
                    can_tell=one.can_tell,
                )
                for one in report.jumps
            ],
            drifts=[
                SectorDriftOut(
                    section=one.section,
                    enterprise_count=one.enterprise_count,
                    mean_change=str(one.mean_change),
                    standard_error=_text(one.standard_error),
                )
                for one in report.drifts
            ],
            size_drifts=[
                SizeDriftOut(
                    size_zh=one.size_zh,
                    enterprise_count=one.enterprise_count,
                    mean_change=str(one.mean_change),
                    standard_error=_text(one.standard_error),
                )
                for one in report.size_drifts
            ],
            indices=[YearIndexOut(year=one.year, index=_text(one.index), level=one.level) for one in report.indices],
        )


def _text(value: object) -> str | None:
    return None if value is None else str(value)
