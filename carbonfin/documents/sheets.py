"""The sheet: one document as values, from which PDF, Word and pages are drawn alike.

Every value is text that its owner has already formatted and rounded; a sheet computes nothing. Marks tie values to
notes: a mark without a note, or two notes with one mark, is refused here, before a reader finds it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum

from carbonfin.kernel.errors import InvalidInput


class Align(StrEnum):
    """How a column stands: figures right, words left."""

    LEFT = "left"
    RIGHT = "right"
    CENTER = "center"


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One key term: what it is called, what it says, and the note that qualifies it.

    Args:
        label_zh: Name in Chinese, drawn large.
        label_en: Name in English, drawn small beneath.
        value: The term as agreed, formatted; line breaks are kept.
        footnote: Mark of a note of the sheet, such as "1".
        trace_url: Where a reader opens the trace of the value; an absolute address, because paper and files travel.
        wide: Whether the term takes the whole width of the grid.
    """

    label_zh: str
    label_en: str
    value: str
    footnote: str | None = None
    trace_url: str | None = None
    wide: bool = False

    def __post_init__(self) -> None:
        if self.trace_url is not None and not self.trace_url.startswith(("https://", "http://")):
            raise InvalidInput(
                f"The trace of {self.label_en!r} needs an absolute web address, not {self.trace_url!r}",
                zh=f"“{self.label_zh}”的追溯地址应为完整网址",
                field="trace_url",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class TermGrid:
    """Key terms in four columns: label, value, label, value."""

    title_zh: str
    title_en: str
    items: tuple[Term, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a table; its unit stands in the head and in no cell.

    Args:
        label_zh: Head in Chinese.
        label_en: Head in English, drawn small beneath.
        unit: Unit of every figure in the column, such as 元 or %; empty for words.
        align: Figures right, words left.
        weight: Share of the width against the other columns, used where every column has one; otherwise the texts
            decide.
    """

    label_zh: str
    label_en: str = ""
    unit: str = ""
    align: Align = Align.LEFT
    weight: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of a table.

    Args:
        cells: One text for each column.
        flag: A short word that qualifies the row, such as 节假日安排未公布; drawn beside the first cell.
        footnote: Mark of a note of the sheet.
    """

    cells: tuple[str, ...]
    flag: str = ""
    footnote: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Columns, rows and, where figures add up, a row of totals."""

    title_zh: str
    title_en: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    totals: tuple[str, ...] | None = None
    caption: str = ""

    def __post_init__(self) -> None:
        width = len(self.columns)
        if width == 0:
            raise InvalidInput(
                f"Table {self.title_en!r} has no column", zh=f"表“{self.title_zh}”没有列", field="columns"
            )
        lines = [row.cells for row in self.rows] + ([self.totals] if self.totals is not None else [])
        for number, cells in enumerate(lines, start=1):
            if len(cells) != width:
                raise InvalidInput(
                    f"Line {number} of table {self.title_en!r} has {len(cells)} cells for {width} columns",
                    zh=f"表“{self.title_zh}”第 {number} 行有 {len(cells)} 格，应为 {width} 格",
                    field="rows",
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartFigure:
    """A chart as it stands on the page, in the PDF and, as a picture, in Word.

    Args:
        svg: The drawing, from carbonfin.documents.charts.
        alt: What the drawing shows, in words and figures, for who cannot see it.
        caption: Words under the drawing; empty where the drawing carries its own title.
        source: Source line; empty where the drawing carries its own.
    """

    svg: str
    alt: str
    caption: str = ""
    source: str = ""
    title_zh: str = ""
    title_en: str = ""

    def __post_init__(self) -> None:
        if not self.alt.strip():
            raise InvalidInput(
                f"Chart {self.caption!r} has no text alternative", zh=f"图“{self.caption}”缺少替代文字", field="alt"
            )


class StepKind(StrEnum):
    """A waterfall's bar: a level stands on the axis, a change hangs from the level before it."""

    LEVEL = "level"
    CHANGE = "change"


@dataclass(frozen=True, slots=True, kw_only=True)
class WaterfallStep:
    """One bar of a waterfall.

    Args:
        label_zh: Name in Chinese.
        label_en: Name in English.
        amount: Height of a level, or signed size of a change, in the waterfall's unit.
        text: The figure as printed, such as "3.00%" or "−11 bp".
        kind: Level or change.
        note: Reason or clause, shown in the table beside the drawing.
        footnote: Mark of a note of the sheet.
    """

    label_zh: str
    label_en: str
    amount: Decimal
    text: str
    kind: StepKind
    note: str = ""
    footnote: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Waterfall:
    """How a figure is built up: level, changes, resulting level.

    A later level must be what the steps before it add up to, so that the drawing tells no other story than the sum.
    Less of a rate is good news, less of a score is bad: `less_is_better` says which.
    """

    title_zh: str
    title_en: str
    unit: str
    steps: tuple[WaterfallStep, ...]
    source: str = ""
    less_is_better: bool = True

    def __post_init__(self) -> None:
        check_steps(self.steps, title=self.title_zh)


def check_steps(steps: tuple[WaterfallStep, ...], *, title: str) -> None:
    """Refuse steps that do not start with a level or whose later levels are not the running sum.

    Raises:
        InvalidInput: The steps are empty, start with a change, or do not add up.
    """
    if not steps or steps[0].kind is not StepKind.LEVEL:
        raise InvalidInput(
            f"Waterfall {title!r} must start with a level", zh=f"“{title}”的第一步应为起点水平", field="steps"
        )
    running = Decimal(0)
    for number, step in enumerate(steps):
        if step.kind is StepKind.CHANGE:
            running += step.amount
        elif number == 0:
            running = step.amount
        elif step.amount != running:
            raise InvalidInput(
                f"Step {step.label_en!r} of {title!r} stands at {step.amount}; the steps before it give {running}",
                zh=f"“{title}”中“{step.label_zh}”为 {step.amount}，前面各步合计为 {running}",
                field="steps",
                remedy="Add the missing step (a cap or floor is a step of its own) or correct the level.",
                remedy_zh="请补上缺少的一步（封顶、下限也应单列一步）或更正结果。",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Paragraphs:
    """Running text; each text is one paragraph."""

    title_zh: str
    title_en: str
    texts: tuple[str, ...]


Section = TermGrid | Table | ChartFigure | Waterfall | Paragraphs


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A note at the end of the sheet.

    Args:
        text: What the reader must know.
        mark: Sign that values refer to; empty for a note on the whole sheet.
        unconfirmed: Whether it speaks of a parameter that nobody has confirmed (未确认).
    """

    text: str
    mark: str = ""
    unconfirmed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureBlock:
    """Where a party signs."""

    party_zh: str
    party_en: str
    name: str
    lines: tuple[str, ...] = ("法定代表人或授权签字人（签字）", "公章", "日期")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """By whom a sheet was issued and where a reader can check it.

    Args:
        issuer_code: Unified social credit code of who issues it; empty where none is on record.
        address: Where people reach the service, as its operator says, without a closing slash; empty where that is not
            said, or the issuer has no code.
    """

    issuer_code: str
    address: str

    def __post_init__(self) -> None:
        if self.address and not self.address.startswith(("https://", "http://")):
            raise InvalidInput(
                f"A sheet is verified at an absolute web address, not {self.address!r}",
                zh="核验地址应为完整网址",
                field="address",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A document: head, sections, notes, disclaimer, signatures.

    Args:
        title_zh: Title, drawn large.
        title_en: Title in English, drawn small.
        subtitle: Product or parties in a line.
        number: Document number, in every footer.
        version: Version of the document, in every footer.
        digest: Digest of the decision behind the document, in every footer, shortened in print.
        banner: Text drawn on each page, such as the mark of sample figures; None for a document of record.
        issued_on: The day of issue.
        sections: What it says, in order.
        notes: Notes, marked and general.
        disclaimer: Closing words.
        signatures: Signature blocks, two to a line.
        verification: How a reader checks that it was issued; None for one that cannot be checked so.
        headline: Words under the title that whoever reads the document must have read first.
    """

    title_zh: str
    title_en: str
    subtitle: str
    number: str
    version: str
    digest: str
    banner: str | None
    issued_on: date
    sections: tuple[Section, ...]
    notes: tuple[Note, ...] = ()
    disclaimer: str = ""
    signatures: tuple[SignatureBlock, ...] = field(default=())
    verification: Verification | None = None
    headline: str = ""

    def __post_init__(self) -> None:
        for name in ("title_zh", "number", "version", "digest"):
            if not getattr(self, name).strip():
                raise InvalidInput(f"A sheet needs its {name}", zh=f"文档缺少 {name}", field=name)
        marks = [note.mark for note in self.notes if note.mark]
        if len(marks) != len(set(marks)):
            raise InvalidInput(f"Two notes share a mark: {marks}", zh="两条附注使用了同一标记", field="notes")
        missing = sorted(set(marks_used(self.sections)) - set(marks))
        if missing:
            raise InvalidInput(
                f"No note stands for the marks {', '.join(missing)}",
                zh=f"标记 {'、'.join(missing)} 没有对应的附注",
                field="notes",
                remedy="Add a note for each mark, or take the mark away.",
                remedy_zh="请为每个标记补上附注，或删去标记。",
            )


def marks_used(sections: tuple[Section, ...]) -> Iterator[str]:
    """Give each mark that a value, row or step carries, in order of appearance."""
    for section in sections:
        carriers: tuple[Term | Row | WaterfallStep, ...] = ()
        if isinstance(section, TermGrid):
            carriers = section.items
        elif isinstance(section, Table):
            carriers = section.rows
        elif isinstance(section, Waterfall):
            carriers = section.steps
        for carrier in carriers:
            if carrier.footnote is not None:
                yield carrier.footnote
