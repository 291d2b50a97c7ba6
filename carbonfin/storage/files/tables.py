"""Cells that a spreadsheet would take for a formula: in CSV as it is opened, in workbooks as they are saved again."""

import csv
import io
import re
import unicodedata

from carbonfin.kernel.errors import InvalidInput
from carbonfin.storage.files.refusals import damaged, refused

CSV_NAME = "CSV"
_SIGNS = frozenset("=+-@\t\r")
_ACTING_SIGNS = frozenset("=@")
_PADDING = " \u00a0\u3000\ufeff\u200b"
_NUMBER = re.compile(r"[+-][0-9][0-9,]*(\.[0-9]+)?([eE][+-]?[0-9]+)?%?|[+-]\.[0-9]+")
_TELEPHONE = re.compile(r"\+[0-9][0-9 ()-]*")
_DASHES = re.compile(r"[-+]+")
_DELIMITERS = ",;\t"


def acts(cell: str, signs: frozenset[str] = _SIGNS) -> bool:
    """Whether a spreadsheet may take a cell's text for a formula: it begins with a sign and is no number."""
    if cell[:1] in signs & {"\t", "\r"}:
        return True
    text = cell.lstrip(_PADDING)
    if not text or unicodedata.normalize("NFKC", text[0]) not in signs:
        return False
    plain = text.strip()
    return not any(pattern.fullmatch(plain) for pattern in (_NUMBER, _TELEPHONE, _DASHES))


def formula_refusal(kind: str, *, row: int, column: str, sign: str) -> InvalidInput:
    """Give the refusal of a cell, by row and column; its text may be somebody's and is not repeated."""
    shown = {"\t": "TAB", "\r": "CR"}.get(sign, sign)
    return refused(
        f"row {row}, column {column} of the {kind} begins with {shown} and is no number: it could act as a formula",
        f"{kind} 文件第 {row} 行、{column} 列以“{shown}”开头且不是数字，可能被当作公式执行",
        remedy="Put an apostrophe before it, or remove the sign.",
        remedy_zh="请在其前加单引号，或删除该符号。",
        row=row,
        column=column,
    )


def refuse_acting_csv(text: str) -> None:
    """Refuse a CSV of which a cell could act as a formula, whichever delimiter a spreadsheet goes by.

    Raises:
        InvalidInput: Such a cell, named by its row and column; or a cell longer than any spreadsheet's.
    """
    first_line = text.lstrip("\ufeff\r\n").partition("\n")[0]
    for delimiter in _DELIMITERS:
        named = delimiter == "," or delimiter in first_line
        signs = _SIGNS if named else _ACTING_SIGNS
        if delimiter != "\t" and "\t" in first_line:
            signs -= {"\t"}
        _look_through(text, delimiter, signs)


def _look_through(text: str, delimiter: str, signs: frozenset[str]) -> None:
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        for number, row in enumerate(rows, start=1):
            for place, cell in enumerate(row, start=1):
                if acts(cell, signs):
                    raise formula_refusal(CSV_NAME, row=number, column=str(place), sign=cell.lstrip(_PADDING)[:1])
    except csv.Error as error:
        raise damaged(CSV_NAME, "a cell is longer than 131072 characters") from error
