"""Large books in pieces: as many rows at a time as fit in memory, whatever the size of the whole.

Rows are read by the rules of smaller books (`book_files`), plain ones as columns (`book_columns`). A code that stands
twice is found across all pieces by its digest of 128 bits, 24 bytes a line.
"""

import codecs
import csv
import hashlib
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from carbonfin.kernel.batch import Failure
from carbonfin.kernel.errors import InvalidInput
from pricing.calc.contracts import ContractLines
from pricing.calc.line_faults import line_fault
from pricing.calc.positions import PortfolioLine
from pricing.feeds.book_columns import ContractReader
from pricing.feeds.book_files import COLUMNS, read_positions
from pricing.feeds.tables import TextTable, doubled, find_columns, line_of, unreadable

PIECE_ROWS = 10_000
_READ_BYTES = 1024 * 1024
_ENCODINGS = (("utf-8-sig", "utf-8"), ("gb18030", "gb18030"))


@dataclass(frozen=True, slots=True, kw_only=True)
class BookPiece:
    """Rows of a book: the positions that can be valued by themselves with their line numbers, and the faults.

    Attributes:
        columns: The plain rows, most of a book.
        lines: The others.
        table: The rows as they came.
        is_last: Whether the book ends with it.
    """

    row_count: int
    columns: ContractLines
    lines: tuple[tuple[int, PortfolioLine], ...]
    failures: tuple[Failure, ...]
    table: TextTable
    is_last: bool

    def lines_at(self, numbers: Collection[int]) -> list[tuple[int, PortfolioLine]]:
        """Give plain rows one by one, by their line numbers."""
        wanted = frozenset(numbers)
        values, _ = read_positions(replace(self.table, rows=tuple(row for row in self.table.rows if row[0] in wanted)))
        return values


def csv_pieces(file: BinaryIO, *, file_name: str) -> Iterator[BookPiece]:
    """Read a CSV file in UTF-8 or GBK piece by piece; it is read twice, first to tell its encoding.

    Raises:
        InvalidInput: The file cannot be read from here on: encoding, no CSV, not a book's head, no rows.
    """
    codec, encoding = _encoding_of(file, file_name)
    file.seek(0)
    rows = _csv_rows(_text_lines(file, codec), file_name)
    head = next(rows, None)
    if head is None:
        raise unreadable(file_name, "the file has no rows", "文件没有内容")
    table = TextTable(file_name=file_name, encoding=encoding, head=head, rows=())
    find_columns(table, COLUMNS)
    yield from book_pieces(_tables(table, rows))


def _tables(table: TextTable, rows: Iterator[tuple[int, tuple[str, ...]]]) -> Iterator[TextTable]:
    while piece := tuple(islice(rows, PIECE_ROWS)):
        yield replace(table, rows=piece)


def book_pieces(tables: Iterator[TextTable]) -> Iterator[BookPiece]:
    """Read positions table by table, all with the columns of a book.

    Raises:
        InvalidInput: A head is not a book's, or there is no table.
    """
    seen, reader = _CodesSeen(), ContractReader()
    following = next(tables, None)
    if following is None:
        raise unreadable("book", "there are no positions below the head", "表头之下没有持仓")
    while following is not None:
        table, following = following, next(tables, None)
        yield _piece(table, reader, seen, is_last=following is None)


def _piece(table: TextTable, reader: ContractReader, seen: "_CodesSeen", *, is_last: bool) -> BookPiece:
    found = reader.read(table)
    values, failures = read_positions(found.rest)
    plain = list(zip(found.lines.line_number.tolist(), found.lines.line_id, strict=True))
    codes = [*plain, *((number, line.line_id) for number, line in values)]
    earlier = dict(zip((number for number, _ in sorted(codes)), seen.add(sorted(codes)), strict=True))
    twice = [(number, code) for number, code in codes if earlier[number] is not None]
    failures += [doubled(number, "line_id", f"持仓代码 {code}", earlier[number] or 0) for number, code in twice]
    lines: list[tuple[int, PortfolioLine]] = []
    for number, line in values:
        fault = line_fault(line)
        if fault is not None and earlier[number] is None:
            failures.append(at_line(number, fault))
        elif earlier[number] is None:
            lines.append((number, line))
    return BookPiece(
        row_count=len(table.rows),
        columns=found.lines.without({number for number, _ in twice}),
        lines=tuple(lines),
        failures=tuple(sorted(failures, key=line_of)),
        table=table,
        is_last=is_last,
    )


def at_line(number: int, fault: Failure) -> Failure:
    """Name a fault by the line it stands in."""
    return replace(fault, item=f"line {number}", zh=f"第 {number} 行：{fault.zh}")


def _encoding_of(file: BinaryIO, file_name: str) -> tuple[str, str]:
    """Give the codec that reads the whole file, and its name."""
    for codec, name in _ENCODINGS:
        file.seek(0)
        decoder = codecs.getincrementaldecoder(codec)()
        try:
            pieces: Callable[[], bytes] = lambda: file.read(_READ_BYTES)  # noqa: E731 - `iter` asks for a function
            is_text = all("\x00" not in decoder.decode(piece) for piece in iter(pieces, b""))
            is_text = is_text and "\x00" not in decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            continue
        if is_text:
            return codec, name
    raise unreadable(file_name, "the file is neither UTF-8 nor GBK text", "文件既不是 UTF-8 也不是 GBK 文本")


def _text_lines(file: BinaryIO, codec: str) -> Iterator[str]:
    """Give the lines of a file, none longer than what is read at once; no character has the byte of a line's end."""
    decoder = codecs.getincrementaldecoder(codec)()
    while line := file.readline(_READ_BYTES):
        yield decoder.decode(line)


def _csv_rows(lines: Iterator[str], file_name: str) -> Iterator[tuple[int, tuple[str, ...]]]:
    reader = csv.reader(lines, strict=True)
    try:
        for cells in reader:
            first = cells[0].lstrip() if cells else ""
            if (first or any(cell.strip() for cell in cells)) and not first.startswith("#"):
                yield reader.line_num, tuple(cells)
    except csv.Error as error:
        raise InvalidInput(
            f"{file_name}, line {reader.line_num}: {error}",
            zh=f"{file_name} 第 {reader.line_num} 行不是有效的 CSV：{error}",
            field="file",
            remedy="Save the sheet as CSV again.",
            remedy_zh="请重新另存为 CSV。",
        ) from error


_Keys = npt.NDArray[np.uint64]


class _CodesSeen:
    """Which codes stood in which line before, in sorted runs that are merged as they grow alike."""

    def __init__(self) -> None:
        self._runs: list[tuple[_Keys, _Keys, _Keys]] = []

    def add(self, codes: Sequence[tuple[int, str]]) -> list[int | None]:
        """Give for each code the line it stood in first, None where it is new, and remember the new ones."""
        if not codes:
            return []
        digests = b"".join(_digest(code) for _, code in codes)
        keys = np.frombuffer(digests, dtype="<u8").reshape(-1, 2)
        found: list[int | None] = [None] * len(codes)
        for run in self._runs:
            places = np.searchsorted(run[0], keys[:, 0])
            inside = places < run[0].size
            same = np.zeros(len(codes), dtype=np.bool_)
            same[inside] = run[0][places[inside]] == keys[inside, 0]
            for row in np.flatnonzero(same).tolist():
                if found[row] is None:
                    found[row] = _line_in(run, int(places[row]), keys[row])
        here: dict[str, int] = {}
        fresh = []
        for row, (number, code) in enumerate(codes):
            if found[row] is None:
                first = here.setdefault(code, number)
                if first == number:
                    fresh.append(row)
                else:
                    found[row] = first
        numbers = np.array([codes[row][0] for row in fresh], dtype=np.uint64)
        self._keep((keys[fresh, 0], keys[fresh, 1], numbers))
        return found

    def _keep(self, run: tuple[_Keys, _Keys, _Keys]) -> None:
        order = np.argsort(run[0], kind="stable")
        self._runs.append((run[0][order], run[1][order], run[2][order]))
        while len(self._runs) > 1 and self._runs[-1][0].size >= self._runs[-2][0].size:
            last, before = self._runs.pop(), self._runs.pop()
            high, low, numbers = (np.concatenate(pair) for pair in zip(before, last, strict=True))
            order = np.argsort(high, kind="stable")
            self._runs.append((high[order], low[order], numbers[order]))


def _digest(code: str) -> bytes:
    return hashlib.blake2b(code.encode(), digest_size=16).digest()


def _line_in(run: tuple[_Keys, _Keys, _Keys], place: int, key: _Keys) -> int | None:
    while place < run[0].size and run[0][place] == key[0]:
        if run[1][place] == key[1]:
            return int(run[2][place])
        place += 1
    return None
