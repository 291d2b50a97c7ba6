"""Sheets as PDF: PDF/A-3a and PDF/UA-1 with the values attached, the same bytes for the same values."""

import json
import threading
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

import typst

from carbonfin.documents.fonts import FONT_FOLDER, printable
from carbonfin.documents.pages import (
    chart_width_percent,
    short_digest,
    term_rows,
    waterfall_parts,
    with_remarks,
)
from carbonfin.documents.sheets import (
    ChartFigure,
    Paragraphs,
    Section,
    Sheet,
    SignatureBlock,
    Table,
    Term,
    TermGrid,
    Waterfall,
)
from carbonfin.documents.verifications import ALT_ZH, code_content, code_svg, code_words
from carbonfin.documents.widths import column_widths_mm, padding_mm
from carbonfin.kernel.errors import CalculationFailed, InvalidInput

SHEET_VALUES = "sheet.json"

_TEMPLATE = Path(__file__).parent / "templates" / "sheet.typ"
_MIME_TYPES = {
    ".json": "application/json",
    ".csv": "text/csv",
    ".xml": "application/xml",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_LAYOUT_NAMES = ("svg", "width_percent", "padding_um")
_compiler_lock = threading.Lock()


def render_pdf(sheet: Sheet, *, attachments: Mapping[str, bytes], created_at: datetime) -> bytes:
    """Set a sheet as PDF/A-3a, PDF/UA-1, with its values and the given files attached.

    Args:
        sheet: The document.
        attachments: Files by name (.json, .csv, .xml, .xlsx) to travel inside, such as the decision's inputs; the
            sheet's own values go in as sheet.json.
        created_at: The instant written into the file; with equal values it gives equal bytes.

    Raises:
        InvalidInput: The instant has no zone, or an attachment's name is unfit.
        CalculationFailed: The typesetter refused the document.
    """
    if created_at.tzinfo is None:
        raise InvalidInput("created_at needs a zone", zh="生成时间缺少时区", field="created_at")
    files = {SHEET_VALUES: _sheet_values(sheet)}
    for name, content in attachments.items():
        if name in files or PurePosixPath(name).name != name or PurePosixPath(name).suffix not in _MIME_TYPES:
            raise InvalidInput(
                f"Attachment {name!r} must be a plain, unused file name ending in {', '.join(_MIME_TYPES)}",
                zh=f"附件名“{name}”不符合要求",
                field="attachments",
            )
        files[name] = content
    values = _page_values(sheet) | {"attachments": [_attachment(name, content) for name, content in files.items()]}
    try:
        with _compiler_lock:
            compiled = _compiler().compile(
                format="pdf",
                sys_inputs={"sheet": json.dumps(values, ensure_ascii=False)},
                pdf_standards=["a-3a", "ua-1"],
                timestamp=created_at,
            )
    except typst.TypstError as error:
        raise CalculationFailed(
            f"The typesetter refused sheet {sheet.number}: {error.message}; {'; '.join(error.hints)}",
            zh=f"文档 {sheet.number} 排版失败",
            remedy="Report the document number; nothing was issued.",
            remedy_zh="请将文档编号报给系统管理员；文档未签发。",
        ) from error
    assert isinstance(compiled, bytes)
    return compiled


@cache
def _compiler() -> typst.Compiler:
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(FONT_FOLDER)])
    return typst.Compiler(input=str(_TEMPLATE), root=str(_TEMPLATE.parent), font_paths=fonts, ignore_system_fonts=True)


def _attachment(name: str, content: bytes) -> dict[str, Any]:
    try:
        carried: str | list[int] = content.decode("utf-8")
    except UnicodeDecodeError:
        carried = list(content)
    own = name == SHEET_VALUES
    return {
        "name": name,
        "content": carried,
        "relationship": "source" if own else "data",
        "mime_type": _MIME_TYPES[PurePosixPath(name).suffix],
        "description": "本文档的数据 Values of this document" if own else f"附件数据 {printable(name)}",
    }


def _sheet_values(sheet: Sheet) -> bytes:
    """Give the sheet's values as JSON, drawings left out: what a system reads instead of the pages."""
    values = _page_values(sheet)
    for section in values["sections"]:
        for part in (section, section.get("chart", {}), section.get("table", {})):
            for name in _LAYOUT_NAMES:
                part.pop(name, None)
            for column in part.get("columns", ()):
                column.pop("width_um")
    if values["verification"] is not None:
        del values["verification"]["svg"]
    return (json.dumps(values, ensure_ascii=False, sort_keys=True, indent=1) + "\n").encode()


def _page_values(sheet: Sheet) -> dict[str, Any]:
    return {
        "title_zh": printable(sheet.title_zh),
        "title_en": printable(sheet.title_en),
        "subtitle": printable(sheet.subtitle),
        "headline": printable(sheet.headline),
        "number": printable(sheet.number),
        "version": printable(sheet.version),
        "digest": printable(sheet.digest),
        "digest_short": printable(short_digest(sheet.digest)),
        "banner": None if sheet.banner is None else printable(sheet.banner),
        "issued_on": sheet.issued_on.isoformat(),
        "sections": [_section_values(section) for section in sheet.sections],
        "notes": [
            {"mark": printable(note.mark), "text": printable(note.text), "unconfirmed": note.unconfirmed}
            for note in sheet.notes
        ],
        "disclaimer": printable(sheet.disclaimer),
        "signatures": [_signature_values(block) for block in sheet.signatures],
        "verification": None if sheet.verification is None else _verification_values(sheet),
    }


def _verification_values(sheet: Sheet) -> dict[str, Any]:
    content = code_content(sheet)
    return {
        "svg": code_svg(content),
        "alt": ALT_ZH,
        "content": printable(content),
        "words": [printable(text) for text in code_words(sheet)],
    }


def _section_values(section: Section) -> dict[str, Any]:
    titles = {"title_zh": printable(section.title_zh), "title_en": printable(section.title_en)}
    match section:
        case TermGrid():
            rows = [[_term_values(term) for term in line] for line in term_rows(section)]
            return titles | {"kind": "terms", "rows": rows}
        case Table():
            return titles | _table_values(section)
        case ChartFigure():
            return titles | _chart_values(section)
        case Waterfall():
            chart, table = waterfall_parts(section)
            return titles | {"kind": "waterfall", "chart": _chart_values(chart), "table": _table_values(table)}
        case Paragraphs():
            return titles | {"kind": "paragraphs", "texts": [printable(text) for text in section.texts]}


def _term_values(term: Term) -> dict[str, Any]:
    return {
        "label_zh": printable(term.label_zh),
        "label_en": printable(term.label_en),
        "value": printable(term.value),
        "footnote": term.footnote,
        "trace_url": term.trace_url,
    }


def _table_values(table: Table) -> dict[str, Any]:
    shown = with_remarks(table)
    columns = [
        {
            "label_zh": printable(column.label_zh),
            "label_en": printable(column.label_en),
            "unit": printable(column.unit),
            "align": column.align.value,
            "width_um": int(width * 1000),
        }
        for column, width in zip(shown.columns, column_widths_mm(shown), strict=True)
    ]
    return {
        "kind": "table",
        "padding_um": int(padding_mm(len(columns)) * 1000),
        "columns": columns,
        "rows": [{"cells": [printable(cell) for cell in row.cells], "footnote": row.footnote} for row in shown.rows],
        "totals": None if shown.totals is None else [printable(cell) for cell in shown.totals],
        "caption": printable(shown.caption),
    }


def _chart_values(chart: ChartFigure) -> dict[str, Any]:
    return {
        "kind": "chart",
        "svg": chart.svg,
        "alt": printable(chart.alt),
        "caption": printable(chart.caption),
        "source": printable(chart.source),
        "width_percent": chart_width_percent(chart.svg),
    }


def _signature_values(block: SignatureBlock) -> dict[str, Any]:
    return {
        "party_zh": printable(block.party_zh),
        "party_en": printable(block.party_en),
        "name": printable(block.name),
        "lines": [printable(line) for line in block.lines],
    }
