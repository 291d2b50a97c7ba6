"""What a series is drawn from: points with flags, thresholds, volumes, and how it is said in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from carbonfin.documents.charts.drawing import plain
from carbonfin.documents.charts.themes import Language, Tone, Words
from carbonfin.kernel.errors import InvalidInput


@dataclass(frozen=True, slots=True, kw_only=True)
class PointFlag:
    """Why a point is not an ordinary one, such as a carried close; explained in the legend."""

    code: str
    label: Words
    tone: Tone = Tone.WARNING


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesPoint:
    """The value of a day; None leaves a gap, and a flag names one of the chart's flags."""

    day: date
    value: Decimal | None
    flag: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeBar:
    """The volume of a day, listed (挂牌) and block (大宗) apart."""

    day: date
    listed_t: int
    block_t: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """A level drawn as a dashed line with its value."""

    label: Words
    value: Decimal
    text: str
    tone: Tone = Tone.WARNING


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A series with all that is drawn and said about it.

    Raises:
        InvalidInput: No point, days out of order, or a flag without its meaning.
    """

    label: Words
    unit: Words
    points: Sequence[SeriesPoint]
    flags: Sequence[PointFlag]
    thresholds: Sequence[Threshold]

    def __post_init__(self) -> None:
        """Refuse what cannot be drawn."""
        if not any(point.value is not None for point in self.points):
            raise InvalidInput("A chart needs at least one value", zh="图中没有可画的数据", field="points")
        days = [point.day for point in self.points]
        if days != sorted(set(days)):
            raise InvalidInput("Days must rise and not repeat", zh="日期须递增且不重复", field="points")
        used = {point.flag for point in self.points if point.flag is not None}
        unknown = sorted(used - {flag.code for flag in self.flags})
        if unknown:
            raise InvalidInput(
                f"No meaning is given for the flags {', '.join(unknown)}",
                zh=f"标记 {'、'.join(unknown)} 没有图例说明",
                field="flags",
            )

    @property
    def days(self) -> list[date]:
        """The days of the points."""
        return [point.day for point in self.points]

    @property
    def occurring_flags(self) -> list[PointFlag]:
        """The flags that some point carries."""
        return [flag for flag in self.flags if any(point.flag == flag.code for point in self.points)]

    def flag_label(self, point: SeriesPoint, language: Language) -> str:
        """Give the words of a point's flag, or nothing."""
        return next((flag.label.on(language) for flag in self.flags if flag.code == point.flag), "")

    def kind_of(self, point: SeriesPoint, language: Language) -> str:
        """Give the legend entry of a point: its flag's, else the line's."""
        return plain(self.flag_label(point, language) or self.label.on(language))


def volume_words(language: Language) -> tuple[str, str]:
    """Name listed and block volume."""
    return ("挂牌成交量", "大宗成交量") if language == "zh" else ("Listed volume", "Block volume")


def source_line(source: Words, as_of: date, language: Language) -> str:
    """Say who publishes the values and what day they speak of."""
    if language == "zh":
        return f"来源：{source.zh}；数据截至 {as_of.isoformat()}"
    return f"Source: {source.en}; as of {as_of.isoformat()}"


def alternative(line: Line, *, title: Words, source: str, language: Language) -> str:
    """Say the chart in words, for a reader who cannot see it."""
    label, unit = line.label, line.unit
    known = [(point.value, point.day) for point in line.points if point.value is not None]
    (first, first_day), (last, last_day) = known[0], known[-1]
    low, high = min(known), max(known)
    counts = [(flag.label.on(language), sum(point.flag == flag.code for point in line.points)) for flag in line.flags]
    if language == "zh":
        parts = [
            f"{title.zh}。{label.zh}（{unit.zh}）：{first_day} 为 {first}，{last_day} 为 {last}",
            f"最低 {low[0]}（{low[1]}），最高 {high[0]}（{high[1]}），共 {len(known)} 个数据点",
            *[f"{words} {count} 个" for words, count in counts if count],
            *[f"{threshold.label.zh} {threshold.text}" for threshold in line.thresholds],
        ]
        return "；".join(parts) + f"。{source}。"
    parts = [
        f"{title.en}. {label.en} ({unit.en}): {first} on {first_day}, {last} on {last_day}",
        f"lowest {low[0]} ({low[1]}), highest {high[0]} ({high[1]}), {len(known)} points",
        *[f"{words}: {count}" for words, count in counts if count],
        *[f"{threshold.label.en} {threshold.text}" for threshold in line.thresholds],
    ]
    return "; ".join(parts) + f". {source}."


def table(
    line: Line, volumes: Sequence[VolumeBar], language: Language
) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """Give the values as columns and rows, to stand beside the chart."""
    day, flag = ("日期", "标记") if language == "zh" else ("Day", "Flag")
    bracket = f"（{line.unit.zh}）" if language == "zh" else f" ({line.unit.en})"
    columns = [day, line.label.on(language) + bracket, flag]
    by_day = {bar.day: bar for bar in volumes}
    if volumes:
        tonnes = "（吨）" if language == "zh" else " (t)"
        columns += [words + tonnes for words in volume_words(language)]
    rows: list[tuple[str, ...]] = []
    for point in line.points:
        row = [
            point.day.isoformat(),
            "" if point.value is None else str(point.value),
            line.flag_label(point, language),
        ]
        if volumes:
            bar = by_day.get(point.day)
            row += ["", ""] if bar is None else [f"{bar.listed_t:,}", f"{bar.block_t:,}"]
        rows.append(tuple(row))
    return tuple(columns), tuple(rows)
