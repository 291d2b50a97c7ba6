"""A sheet as plain values ready to be set: checked text, column shares, chart sizes.

PDF and Word both draw from these values, so that they cannot differ in what they say.
"""

import re
import unicodedata
from decimal import Decimal
from functools import cache

from carbonfin.documents.charts.waterfall import chart_of
from carbonfin.documents.sheets import Align, ChartFigure, Column, Row, Table, Term, TermGrid, Waterfall

_SIZE = re.compile(r'<svg[^>]*? width="([0-9.]+)"')
_PAGE_WIDTH_PX = Decimal(690)
REMARKS = Column(label_zh="备注", label_en="Remarks")


def text_width(text: str) -> int:
    """Give the width of a text in half-width characters: a Chinese character counts two."""
    if text.isascii() and "\n" not in text:
        return len(text)
    longest = 0
    for line in text.split("\n"):
        longest = max(longest, sum(map(_sign_width, line)))
    return longest


@cache
def _sign_width(sign: str) -> int:
    return 2 if unicodedata.east_asian_width(sign) in "WF" else 1


def with_remarks(table: Table) -> Table:
    """Give a table whose flagged rows say so in a last column of remarks; unchanged where no row is flagged."""
    if not any(row.flag for row in table.rows):
        return table
    return Table(
        title_zh=table.title_zh,
        title_en=table.title_en,
        columns=(*table.columns, REMARKS),
        rows=tuple(Row(cells=(*row.cells, row.flag), footnote=row.footnote) for row in table.rows),
        totals=None if table.totals is None else (*table.totals, ""),
        caption=table.caption,
    )


def term_rows(grid: TermGrid) -> tuple[tuple[Term, ...], ...]:
    """Give the grid's lines: two terms, or one alone across the width."""
    lines: list[tuple[Term, ...]] = []
    waiting: Term | None = None
    for term in grid.items:
        if term.wide:
            if waiting is not None:
                lines.append((waiting,))
                waiting = None
            lines.append((term,))
        elif waiting is None:
            waiting = term
        else:
            lines.append((waiting, term))
            waiting = None
    if waiting is not None:
        lines.append((waiting,))
    return tuple(lines)


def waterfall_parts(waterfall: Waterfall) -> tuple[ChartFigure, Table]:
    """Give a waterfall as its drawing and the table of its steps."""
    chart = chart_of(waterfall)
    table = Table(
        title_zh="",
        title_en="",
        columns=(
            Column(label_zh="步骤", label_en="Step", weight=Decimal(26)),
            Column(label_zh="数值", label_en="Figure", align=Align.RIGHT, weight=Decimal(12)),
            Column(label_zh="依据", label_en="Basis", weight=Decimal(44)),
        ),
        rows=tuple(
            Row(cells=(f"{step.label_zh} {step.label_en}".strip(), step.text, step.note), footnote=step.footnote)
            for step in waterfall.steps
        ),
    )
    source = chart.source_line if waterfall.source else ""
    return ChartFigure(svg=chart.svg, alt=chart.alt_zh, source=source), table


def chart_width_percent(svg: str) -> int:
    """Give the share of the text width that a drawing takes, so that its letters have one size in every chart."""
    found = _SIZE.search(svg)
    if found is None:
        return 100
    return min(100, int(Decimal(found[1]) * 100 / _PAGE_WIDTH_PX))


def short_digest(digest: str) -> str:
    """Give the first characters of a digest, enough to compare by eye."""
    return digest[:16]
