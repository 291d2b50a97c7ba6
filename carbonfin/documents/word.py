"""Sheets as Word: the order, words and styles of the PDF, left open to a lawyer's pen."""

import io
from datetime import datetime, time

from docx import Document
from docx.document import Document as WordDocument
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_TAB_ALIGNMENT
from docx.shared import Length, Mm, Pt, RGBColor
from docx.styles.style import ParagraphStyle
from docx.table import Table as WordTable
from docx.table import _Cell
from docx.text.paragraph import Paragraph

from carbonfin.documents.charts.drawing import chart_png
from carbonfin.documents.pages import (
    chart_width_percent,
    short_digest,
    term_rows,
    waterfall_parts,
    with_remarks,
)
from carbonfin.documents.sheets import (
    Align,
    ChartFigure,
    Note,
    Paragraphs,
    Section,
    Sheet,
    SignatureBlock,
    Table,
    Term,
    TermGrid,
    Waterfall,
)
from carbonfin.documents.verifications import ALT_ZH, TITLE_EN, TITLE_ZH, code_content, code_png, code_words
from carbonfin.documents.widths import TEXT_WIDTH_MM, column_widths_mm, padding_mm
from carbonfin.documents.word_elements import (
    WARNING,
    add_field,
    add_link,
    add_mark,
    add_text,
    box_paragraph,
    drop_borders,
    keep_whole,
    keep_with_next,
    pad_cells,
    repeat_head,
    rule_beneath,
    set_cell_text,
    set_fonts,
    set_language,
    shade_cell,
    shape_table,
    with_fixed_instants,
    without_controls,
)

BODY_FONT = "宋体"
HEAD_FONT = "黑体"
_MUTED = RGBColor(0x55, 0x61, 0x5C)
_INK = RGBColor(0x11, 0x1A, 0x17)
_TEXT_WIDTH_MM = int(TEXT_WIDTH_MM)
_SHORT_TABLE = 10
_SIGNATURE_WIDTHS_MM = (57, 27, 6, 57, 27)
_LABEL_WIDTH_MM = 27
_CODE_WIDTH_MM = 30
_ALIGNMENTS = {
    Align.LEFT: WD_ALIGN_PARAGRAPH.LEFT,
    Align.RIGHT: WD_ALIGN_PARAGRAPH.RIGHT,
    Align.CENTER: WD_ALIGN_PARAGRAPH.CENTER,
}


def render_docx(sheet: Sheet) -> bytes:
    """Set a sheet as an editable Word file; equal sheets give equal bytes.

    Raises:
        InvalidInput: A waterfall of the sheet does not add up.
    """
    document = Document()
    _set_page(document)
    _set_styles(document)
    _set_head_and_foot(document, sheet)
    _write_title(document, sheet)
    for section in sheet.sections:
        _write_section(document, section)
    if sheet.notes:
        _heading(document, "附注", "Notes")
        for note in sheet.notes:
            _write_note(document, note)
    if sheet.disclaimer:
        _paragraph(document, f"声明 Disclaimer　{sheet.disclaimer}", "Sheet Small")
    _paragraph(document, f"决策摘要 Decision digest　{sheet.digest}", "Sheet Small")
    if sheet.verification is not None:
        _write_verification(document, sheet)
    if sheet.signatures:
        _heading(document, "签署", "Signatures")
        _write_signatures(document, sheet.signatures)
    _set_properties(document, sheet)
    content = io.BytesIO()
    document.save(content)
    return with_fixed_instants(content.getvalue())


def _set_page(document: WordDocument) -> None:
    page = document.sections[0]
    page.page_width, page.page_height = Mm(210), Mm(297)
    page.left_margin = page.right_margin = Mm(18)
    page.top_margin, page.bottom_margin = Mm(24), Mm(20)
    page.header_distance, page.footer_distance = Mm(12), Mm(10)


def _set_styles(document: WordDocument) -> None:
    styles = document.styles
    for name in ("Sheet Small", "Sheet Cell", "Sheet Label", "Sheet Banner", "Sheet Note"):
        styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH).base_style = styles["Normal"]
    sizes = {
        "Normal": 10,
        "Title": 20,
        "Subtitle": 11,
        "Heading 1": 13,
        "Sheet Small": 8,
        "Sheet Cell": 9,
        "Sheet Label": 9,
        "Sheet Banner": 9,
        "Sheet Note": 9,
    }
    colours = {"Sheet Small": _MUTED, "Subtitle": _MUTED, "Sheet Banner": WARNING}
    for style in styles:
        if not isinstance(style, ParagraphStyle):
            continue
        name = style.name or ""
        is_head = name in {"Title", "Heading 1"}
        set_fonts(style, HEAD_FONT if is_head else BODY_FONT)
        if name not in sizes:
            continue
        drop_borders(style)
        style.font.size = Pt(sizes[name])
        style.font.color.rgb = colours.get(name, _INK)
        style.font.italic = False
        style.font.bold = is_head
        layout = style.paragraph_format
        layout.space_before = Pt(12 if name == "Heading 1" else 0)
        layout.space_after = Pt(4 if name in {"Normal", "Title", "Heading 1"} else 1)
        layout.keep_with_next = name == "Heading 1"
        if name in {"Title", "Subtitle", "Sheet Banner"}:
            layout.alignment = WD_ALIGN_PARAGRAPH.CENTER
    set_language(document)


def _set_head_and_foot(document: WordDocument, sheet: Sheet) -> None:
    page = document.sections[0]
    if sheet.banner is not None:
        banner = page.header.paragraphs[0]
        banner.style = document.styles["Sheet Banner"]
        add_text(banner, sheet.banner)
        box_paragraph(banner, str(WARNING))
    foot = page.footer.paragraphs[0]
    foot.style = document.styles["Sheet Small"]
    foot.paragraph_format.tab_stops.clear_all()
    foot.paragraph_format.tab_stops.add_tab_stop(Mm(_TEXT_WIDTH_MM), WD_TAB_ALIGNMENT.RIGHT)
    add_text(foot, f"编号 {sheet.number}　·　版本 {sheet.version}　·　摘要 {short_digest(sheet.digest)}\t第 ")
    add_field(foot, "PAGE", shown="1")
    add_text(foot, " 页，共 ")
    add_field(foot, "NUMPAGES", shown="1")
    add_text(foot, " 页")


def _write_title(document: WordDocument, sheet: Sheet) -> None:
    _paragraph(document, sheet.title_zh, "Title")
    for line in (sheet.title_en, sheet.subtitle, sheet.headline):
        if line:
            _paragraph(document, line, "Subtitle")
    reference = f"编号 No.　{sheet.number}　　版本 Version　{sheet.version}　　日期 Date　{sheet.issued_on.isoformat()}"
    _paragraph(document, reference, "Sheet Small").paragraph_format.alignment = WD_ALIGN_PARAGRAPH.RIGHT


def _write_section(document: WordDocument, section: Section) -> None:
    if section.title_zh:
        _heading(document, section.title_zh, section.title_en)
    match section:
        case TermGrid():
            _write_terms(document, section)
        case Table():
            _write_table(document, section)
        case ChartFigure():
            _write_chart(document, section)
        case Waterfall():
            chart, table = waterfall_parts(section)
            _write_chart(document, chart, held=True)
            _write_table(document, table)
        case Paragraphs():
            for text in section.texts:
                _paragraph(document, text, "Normal").paragraph_format.alignment = WD_ALIGN_PARAGRAPH.JUSTIFY


def _write_terms(document: WordDocument, grid: TermGrid) -> None:
    lines = term_rows(grid)
    table = document.add_table(rows=len(lines), cols=4)
    value_width = Mm(_TEXT_WIDTH_MM // 2 - _LABEL_WIDTH_MM)
    shape_table(table, tuple(width for _ in range(2) for width in (Mm(_LABEL_WIDTH_MM), value_width)))
    for row, line in zip(table.rows, lines, strict=True):
        keep_whole(row)
        cells = row.cells
        if len(line) == 1:
            value = cells[1].merge(cells[3])
            _write_term(cells[0], value, line[0])
            continue
        _write_term(cells[0], cells[1], line[0])
        _write_term(cells[2], cells[3], line[1])
    if len(lines) <= _SHORT_TABLE:
        for row in table.rows[:-1]:
            keep_with_next(row)


def _write_term(label: _Cell, value: _Cell, term: Term) -> None:
    shade_cell(label)
    set_cell_text(label, term.label_zh, "Sheet Label")
    if term.label_en:
        add_text(label.add_paragraph(style="Sheet Small"), term.label_en)
    # A merged cell keeps one empty paragraph of each cell that went into it.
    for surplus in value.paragraphs[1:]:
        surplus._element.getparent().remove(surplus._element)  # noqa: SLF001  python-docx offers no removal
    paragraph = set_cell_text(value, "" if term.trace_url else term.value, "Sheet Cell")
    if term.trace_url:
        add_link(paragraph, term.value, term.trace_url)
    add_mark(paragraph, term.footnote)


def _write_table(document: WordDocument, source: Table) -> None:
    table_values = with_remarks(source)
    widths = tuple(Length(int(width * Mm(1))) for width in column_widths_mm(table_values))
    totals = [] if table_values.totals is None else [table_values.totals]
    table = document.add_table(rows=1 + len(table_values.rows) + len(totals), cols=len(table_values.columns))
    shape_table(table, widths)
    pad_cells(table, Length(int(padding_mm(len(widths)) * Mm(1) / 2)))
    head, *body = table.rows
    repeat_head(head)
    for cell, column in zip(head.cells, table_values.columns, strict=True):
        shade_cell(cell)
        text = column.label_zh + (f"（{column.unit}）" if column.unit else "")
        set_cell_text(cell, text, "Sheet Label").paragraph_format.alignment = _ALIGNMENTS[column.align]
        if column.label_en:
            below = cell.add_paragraph(style="Sheet Small")
            add_text(below, column.label_en)
            below.paragraph_format.alignment = _ALIGNMENTS[column.align]
    lines = [(row.cells, row.footnote) for row in table_values.rows] + [(cells, None) for cells in totals]
    for row, (cells, footnote) in zip(body, lines, strict=True):
        keep_whole(row)
        for index, (cell, text, column) in enumerate(zip(row.cells, cells, table_values.columns, strict=True)):
            paragraph = set_cell_text(cell, text, "Sheet Cell")
            paragraph.paragraph_format.alignment = _ALIGNMENTS[column.align]
            if index == 0:
                add_mark(paragraph, footnote)
    if totals:
        for cell in body[-1].cells:
            for run in cell.paragraphs[0].runs:
                run.bold = True
    held = table.rows[:-1] if len(table.rows) <= _SHORT_TABLE else [head, body[-2]]
    for row in held:
        keep_with_next(row)
    _paragraph(document, table_values.caption, "Sheet Small")


def _write_chart(document: WordDocument, chart: ChartFigure, *, held: bool = False) -> None:
    """Write a drawing with its words; held ones stay on the page of what follows."""
    paragraph = document.add_paragraph()
    paragraph.paragraph_format.keep_with_next = held or bool(chart.caption or chart.source)
    paragraph.paragraph_format.alignment = WD_ALIGN_PARAGRAPH.CENTER
    width = Mm(_TEXT_WIDTH_MM * chart_width_percent(chart.svg) // 100)
    picture = paragraph.add_run().add_picture(io.BytesIO(chart_png(chart.svg)), width=width)
    picture._inline.docPr.set("descr", without_controls(chart.alt))  # noqa: SLF001  python-docx has no setter for the text alternative
    for text in (chart.caption, chart.source):
        if text:
            line = _paragraph(document, text, "Sheet Small")
            line.paragraph_format.alignment = WD_ALIGN_PARAGRAPH.CENTER
            line.paragraph_format.keep_with_next = held


def _write_verification(document: WordDocument, sheet: Sheet) -> None:
    """Write the code with its words beneath, on one page."""
    _heading(document, TITLE_ZH, TITLE_EN)
    paragraph = document.add_paragraph()
    paragraph.paragraph_format.keep_with_next = True
    picture = paragraph.add_run().add_picture(io.BytesIO(code_png(code_content(sheet))), width=Mm(_CODE_WIDTH_MM))
    picture._inline.docPr.set("descr", ALT_ZH)  # noqa: SLF001  python-docx has no setter for the text alternative
    lines = [_paragraph(document, text, "Sheet Small") for text in code_words(sheet)]
    for line in lines[:-1]:
        line.paragraph_format.keep_with_next = True


def _write_note(document: WordDocument, note: Note) -> None:
    paragraph = _paragraph(document, f"注{note.mark}　" if note.mark else "·　", "Sheet Note")
    paragraph.paragraph_format.left_indent = Mm(9)
    paragraph.paragraph_format.first_line_indent = Mm(-9)
    if note.unconfirmed:
        add_text(paragraph, "【未确认】").font.color.rgb = WARNING
    add_text(paragraph, note.text)


def _write_signatures(document: WordDocument, blocks: tuple[SignatureBlock, ...]) -> None:
    """Write the blocks two to a line, each line to sign on as a cell with a rule beneath."""
    for first in range(0, len(blocks), 2):
        pair = blocks[first : first + 2]
        height = 2 + max(len(block.lines) for block in pair)
        table = document.add_table(rows=height, cols=len(_SIGNATURE_WIDTHS_MM))
        shape_table(table, tuple(Length(Mm(width)) for width in _SIGNATURE_WIDTHS_MM), ruled=False)
        for side, block in enumerate(pair):
            _write_signature(table, block, column=3 * side)
        for row in table.rows:
            keep_whole(row)
        for row in table.rows[:-1]:
            keep_with_next(row)
        _paragraph(document, "", "Sheet Small")


def _write_signature(table: WordTable, block: SignatureBlock, *, column: int) -> None:
    head = set_cell_text(table.cell(0, column).merge(table.cell(0, column + 1)), block.party_zh, "Normal")
    head.runs[0].bold = True
    add_text(head, f"　{block.party_en}").font.color.rgb = _MUTED
    set_cell_text(table.cell(1, column).merge(table.cell(1, column + 1)), block.name, "Normal")
    for number, line in enumerate(block.lines, start=2):
        label = set_cell_text(table.cell(number, column), f"{line}：", "Sheet Cell")
        label.paragraph_format.space_before = Pt(12)
        rule_beneath(table.cell(number, column + 1))


def _heading(document: WordDocument, title_zh: str, title_en: str) -> None:
    paragraph = _paragraph(document, title_zh, "Heading 1")
    if title_en:
        run = add_text(paragraph, f"　{title_en}")
        run.font.size, run.font.bold, run.font.color.rgb = Pt(9), False, _MUTED


def _paragraph(document: WordDocument, text: str, style: str) -> Paragraph:
    paragraph = document.add_paragraph(style=style)
    add_text(paragraph, text)
    return paragraph


def _set_properties(document: WordDocument, sheet: Sheet) -> None:
    """Write the sheet's own facts where the template of the library left its author and instant."""
    properties = document.core_properties
    issued_at = datetime.combine(sheet.issued_on, time())
    properties.title = without_controls(sheet.title_zh)
    properties.subject = without_controls(sheet.number)
    properties.version = without_controls(sheet.version)
    properties.keywords = sheet.digest
    properties.author = properties.last_modified_by = properties.comments = ""
    properties.created = properties.modified = issued_at
    properties.language = "zh-CN"
    properties.revision = 1
