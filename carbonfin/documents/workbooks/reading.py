"""Workbooks that people bring, as the texts of their cells: strings, numbers as shown, days as serial numbers.

Only what a cell shows is taken: a formula's last result and never the formula, and of a phonetic guide nothing.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Context

from carbonfin.kernel.errors import InvalidInput
from carbonfin.storage.files.packages import Package, local, open_package, walk, walker

Place = tuple[int, int]
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_REFERENCE = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})")
_FORMULA = re.compile(rb"<(?:\w+:)?f[\s>]")
_SERIAL = re.compile(r"[1-9][0-9]{3,5}")
# Excel counts 1900 as a leap year; from March 1900 on its serials are days after this one.
_SERIAL_ZERO = date(1899, 12, 30)
# A spreadsheet stores binary fractions and shows 15 digits of them.
_SHOWN = Context(prec=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetText:
    """One sheet: its name, and the text of each cell that has one, by row and column from 0.

    Attributes:
        uncalculated: The cells with a formula that no program has worked out: they show nothing.
    """

    name: str
    cells: Mapping[Place, str]
    uncalculated: frozenset[Place] = frozenset()


def read_workbook(content: bytes) -> tuple[SheetText, ...]:
    """Give the sheets of a workbook in their order.

    Numbers are given with the 15 digits a spreadsheet keeps, so that 73.1 reads 73.1 however it was stored.

    Raises:
        InvalidInput: It is damaged, encrypted, built like a bomb, counts days from 1904, or is no workbook.
    """
    package = open_package(content, "xlsx")
    shared = [words for _, words in _elements(package, "xl/sharedStrings.xml", "si", inside="t")]
    if any(found.get("date1904") in {"1", "true"} for found, _ in _elements(package, "xl/workbook.xml", "workbookPr")):
        raise InvalidInput(
            "the workbook counts days from 1904",
            zh="工作簿使用 1904 日期系统",
            field="file",
            remedy="Switch the workbook to the 1900 date system, or save it as CSV.",
            remedy_zh="请改用 1900 日期系统，或另存为 CSV。",
        )
    targets = {
        found.get("Id", ""): found.get("Target", "").removeprefix("/").removeprefix("xl/")
        for found, _ in _elements(package, "xl/_rels/workbook.xml.rels", "Relationship")
    }
    return tuple(
        _sheet(package, found.get("name", ""), f"xl/{targets.get(found.get('id', ''), '')}", shared)
        for found, _ in _elements(package, "xl/workbook.xml", "sheet")
    )


def _sheet(package: Package, name: str, part: str, shared: list[str]) -> SheetText:
    cells = _cells(package, part, shared)
    if part not in package.names or not _FORMULA.search(package.read(part)):
        return SheetText(name=name, cells=cells)
    with_formula = {_place(found) for found, text in _elements(package, part, "c", inside="f") if text}
    return SheetText(
        name=name, cells=cells, uncalculated=frozenset(place for place in with_formula if place and place not in cells)
    )


def day_of_serial(text: str) -> date | None:
    """Give the day a workbook's serial number stands for; None where the text is no such number."""
    return _SERIAL_ZERO + timedelta(days=int(text)) if _SERIAL.fullmatch(text) else None


def _cells(package: Package, part: str, shared: list[str]) -> dict[Place, str]:
    cells: dict[Place, str] = {}
    for found, text in _elements(package, part, "c", inside="vt"):
        place = _place(found)
        if place is not None and text:
            cells[place] = _shown(found.get("t", "n"), text, shared)
    return cells


def _place(found: Mapping[str, str]) -> Place | None:
    match = _REFERENCE.fullmatch(found.get("r", ""))
    if match is None:
        return None
    column = 0
    for letter in match[1]:
        column = column * 26 + ord(letter) - 64
    return int(match[2]) - 1, column - 1


def _shown(kind: str, text: str, shared: list[str]) -> str:
    if kind == "s":
        return shared[int(text)] if text.isdigit() and int(text) < len(shared) else ""
    if kind != "n":
        return text
    try:
        number = _SHOWN.create_decimal(text)
    except ArithmeticError:
        return text
    return format(number.normalize(), "f") if number.is_finite() else text


def _elements(package: Package, part: str, element: str, *, inside: str = "") -> list[tuple[dict[str, str], str]]:
    """Give the attributes of each element of a part, and the text of the one-letter elements named inside it."""
    found: list[tuple[dict[str, str], str]] = []
    words: list[str] = []
    opened: list[dict[str, str]] = []
    path: list[str] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        path.append(local(name))
        if path[-1] == element:
            words.clear()
            opened.append({local(key): value for key, value in attributes.items()})

    def end(_: str) -> None:
        if path.pop() == element:
            text = _ESCAPED.sub(lambda match: chr(int(match[1], 16)), "".join(words))
            found.append((opened.pop(), text))

    def said(text: str) -> None:
        if opened and path[-1] in inside and "rPh" not in path:
            words.append(text)

    if part in package.names:
        parser = walker("xlsx")
        parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, said
        walk(parser, package.read(part), kind="xlsx", name=part)
    return found
