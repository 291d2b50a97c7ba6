"""Pieces of WordprocessingML that python-docx has no call for: fonts by script, fields, links, borders, packing."""

import io
import zipfile

from docx.document import Document
from docx.enum.table import WD_CELL_VERTICAL_ALIGNMENT, WD_TABLE_ALIGNMENT
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.oxml.xmlchemy import BaseOxmlElement
from docx.shared import Length, RGBColor
from docx.styles.style import ParagraphStyle
from docx.table import Table, _Cell, _Row
from docx.text.paragraph import Paragraph
from docx.text.run import Run

LATIN_FONT = "Times New Roman"
GROUND = "F2F6F4"
LINE = "CFD9D4"
WARNING = RGBColor(0xA6, 0x5A, 0x00)
_LEAST_INSTANT = (1980, 1, 1, 0, 0, 0)
_FORBIDDEN = dict.fromkeys((*range(9), 11, 12, *range(14, 32), *range(0xD800, 0xE000), 0xFFFE, 0xFFFF))


def with_fixed_instants(package: bytes) -> bytes:
    """Pack an office file again with one instant for all its parts, so that equal content gives equal bytes."""
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(package)) as source, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            part = zipfile.ZipInfo(name, date_time=_LEAST_INSTANT)
            part.compress_type = zipfile.ZIP_DEFLATED
            part.external_attr = 0o600 << 16
            target.writestr(part, source.read(name))
    return packed.getvalue()


def without_controls(text: str) -> str:
    """Give the text without the characters that XML cannot hold."""
    return text.translate(_FORBIDDEN)


def add_text(paragraph: Paragraph, text: str) -> Run:
    """Add a run of text; line feeds become line breaks."""
    return paragraph.add_run(without_controls(text))


def set_fonts(style: ParagraphStyle, east_asian: str) -> None:
    """Name the font for every script: without w:eastAsia Word picks its own for Chinese."""
    style.font.name = LATIN_FONT
    fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
    for theme in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
        fonts.attrib.pop(qn(f"w:{theme}"), None)
    fonts.set(qn("w:eastAsia"), east_asian)
    fonts.set(qn("w:cs"), LATIN_FONT)


def set_language(document: Document) -> None:
    """Say that the text is Chinese, for spelling and for screen readers."""
    for language in document.styles.element.findall(f".//{qn('w:lang')}"):
        language.set(qn("w:val"), "en-US")
        language.set(qn("w:eastAsia"), "zh-CN")


def drop_borders(style: ParagraphStyle) -> None:
    """Take the rule away that a built-in style draws around its paragraphs."""
    for border in style.element.findall(f".//{qn('w:pBdr')}"):
        border.getparent().remove(border)


def add_field(paragraph: Paragraph, code: str, *, shown: str) -> None:
    """Add a field such as PAGE, with the text to show until Word works it out."""
    for kind in ("begin", "instrText", "separate", "text", "end"):
        run = paragraph.add_run(shown if kind == "text" else "")
        if kind == "instrText":
            run._r.append(_element("w:instrText", text=code))  # noqa: SLF001  the run's own XML
        elif kind != "text":
            run._r.append(_element("w:fldChar", fldCharType=kind))  # noqa: SLF001  as above


def add_link(paragraph: Paragraph, text: str, address: str) -> None:
    """Add text that opens an address."""
    relation = paragraph.part.relate_to(address, RELATIONSHIP_TYPE.HYPERLINK, is_external=True)
    link = OxmlElement("w:hyperlink")
    link.set(qn("r:id"), relation)
    run = add_text(paragraph, text)
    run.font.underline = True
    link.append(run._r)  # noqa: SLF001  the run moves into the link
    paragraph._p.append(link)  # noqa: SLF001  as above


def add_mark(paragraph: Paragraph, mark: str | None) -> None:
    """Add the mark of a note, raised; nothing where there is none."""
    if mark is None:
        return
    run = add_text(paragraph, f"注{mark}")
    run.font.superscript = True
    run.font.color.rgb = WARNING


def box_paragraph(paragraph: Paragraph, colour: str) -> None:
    """Draw a box around a paragraph."""
    borders = OxmlElement("w:pBdr")
    for side in ("top", "left", "bottom", "right"):
        borders.append(_element(f"w:{side}", val="single", sz="6", space="3", color=colour))
    paragraph._p.get_or_add_pPr().append(borders)  # noqa: SLF001  python-docx has no call for borders


def set_cell_text(cell: _Cell, text: str, style: str) -> Paragraph:
    """Write a cell's first paragraph."""
    paragraph: Paragraph = cell.paragraphs[0]
    paragraph.style = style
    cell.vertical_alignment = WD_CELL_VERTICAL_ALIGNMENT.CENTER
    if text:
        add_text(paragraph, text)
    return paragraph


def shade_cell(cell: _Cell) -> None:
    """Give a cell the ground of labels and heads."""
    cell._tc.get_or_add_tcPr().append(_element("w:shd", val="clear", color="auto", fill=GROUND))  # noqa: SLF001  no call


def rule_beneath(cell: _Cell) -> None:
    """Draw a line to write on at the bottom of a cell."""
    borders = OxmlElement("w:tcBorders")
    borders.append(_element("w:bottom", val="single", sz="6", space="0", color="55615C"))
    cell._tc.get_or_add_tcPr().append(borders)  # noqa: SLF001  python-docx has no call for borders


def shape_table(table: Table, widths: tuple[Length, ...], *, ruled: bool = True) -> None:
    """Give a table fixed widths and, where it is ruled, hairlines."""
    table.alignment = WD_TABLE_ALIGNMENT.CENTER
    table.autofit = False
    borders = OxmlElement("w:tblBorders")
    for side in ("top", "left", "bottom", "right", "insideH", "insideV"):
        borders.append(_element(f"w:{side}", val="single", sz="4", space="0", color=LINE))
    properties = table._tbl.tblPr  # noqa: SLF001  python-docx has no call for borders
    # The schema fixes the order of a table's properties; borders come before layout and look.
    after = next(each for each in properties if each.tag in {qn("w:shd"), qn("w:tblLayout"), qn("w:tblLook")})
    if ruled:
        after.addprevious(borders)
    for column, width in zip(table.columns, widths, strict=True):
        column.width = width
        for cell in column.cells:
            cell.width = width


def keep_whole(row: _Row) -> None:
    """Keep a row on one page."""
    row._tr.get_or_add_trPr().append(_element("w:cantSplit"))  # noqa: SLF001  python-docx has no call for it


def keep_with_next(row: _Row) -> None:
    """Keep a row on the page of the row after it."""
    for cell in row.cells:
        for paragraph in cell.paragraphs:
            paragraph.paragraph_format.keep_with_next = True


def pad_cells(table: Table, width: Length) -> None:
    """Set the space left and right of every cell's text."""
    margins = OxmlElement("w:tblCellMar")
    for side in ("left", "right"):
        margins.append(_element(f"w:{side}", w=str(int(width.twips)), type="dxa"))
    table._tbl.tblPr.find(qn("w:tblLook")).addprevious(margins)  # noqa: SLF001  python-docx has no call for it


def repeat_head(row: _Row) -> None:
    """Repeat a row at the top of every page that its table runs over."""
    keep_whole(row)
    row._tr.get_or_add_trPr().append(_element("w:tblHeader"))  # noqa: SLF001  python-docx has no call for it


def _element(name: str, *, text: str | None = None, **attributes: str) -> BaseOxmlElement:
    element = OxmlElement(name)
    for key, value in attributes.items():
        element.set(qn(f"w:{key}"), value)
    if text is not None:
        element.text = text
    return element
