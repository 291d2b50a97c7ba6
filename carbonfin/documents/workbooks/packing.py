"""The parts of a workbook packed into one file: the bytes the library packs, squeezed while other parts are written.

The library writes all parts and squeezes them one after the other. Squeezing lets go of the interpreter, so here each
part is squeezed on another processor while the next is written; of large workbooks half of the sheets are written there
too. Shared strings that need no escape are written as they are; the library is asked for the others.
"""

import io
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import xlsxwriter
from xlsxwriter.packager import Packager
from xlsxwriter.sharedstrings import SharedStrings
from xlsxwriter.worksheet import Worksheet

from carbonfin.documents.workbooks.apart import (
    CELLS_LEAST,
    SqueezedPart,
    may_write_apart,
    share_of_child,
    squeezed_part,
    write_apart,
)
from carbonfin.documents.workbooks.rows_at_once import ask_styles

_PART_TIME = (1980, 1, 1, 0, 0, 0)
_NEEDS_CARE = re.compile(r'["&<>\x00-\x1f\ufffe\uffff]|_x[0-9a-fA-F]{4}_|^\s|\s$')
"""Signs that the library escapes, and white space at the ends, which it marks."""


class PackedWorkbook(xlsxwriter.Workbook):  # type: ignore[misc]  # the library is untyped
    """A workbook whose file is put together here; the library writes its parts."""

    def packed(self) -> bytes:
        """Close the workbook and give its file."""
        may_fork = may_write_apart()  # asked before there is a thread of our own
        with ThreadPoolExecutor(max_workers=1) as beside:
            self.packager = _Packager(beside, may_fork=may_fork)
            try:
                self.close()
                return self.packager.file()
            finally:
                self.packager.wait()

    def _get_packager(self) -> "_Packager":
        return self.packager


class _Packager(Packager):  # type: ignore[misc]  # the library is untyped
    """Hands each part on as soon as it is written, and leaves the library none to pack."""

    def __init__(self, beside: ThreadPoolExecutor, *, may_fork: bool) -> None:
        super().__init__()
        self._beside, self._may_fork = beside, may_fork
        self._squeezed: list[tuple[str, Callable[[], SqueezedPart]]] = []
        self.wait: Callable[[], dict[int, SqueezedPart]] = dict

    def file(self) -> bytes:
        """Give the file of all parts, in the order in which they were written."""
        packed = io.BytesIO()
        with ZipFile(packed, "w", compression=ZIP_DEFLATED, allowZip64=False) as archive:
            for name, give in self._squeezed:
                found, part = give(), ZipInfo(name, _PART_TIME)
                part.compress_type = ZIP_DEFLATED
                part.external_attr = 0o600 << 16
                part.file_size = found.byte_count
                with archive.open(part, "w") as handle:
                    vars(handle).update(
                        _compressor=_Squeezed(found), _file_size=found.byte_count, _crc=found.checksum
                    )  # the archive offers no other way to put in what is squeezed already
        return packed.getvalue()

    def _create_package(self) -> Sequence[object]:
        super()._create_package()
        self._hand_on()
        return ()

    def _filename(self, xml_filename: str) -> object:
        self._hand_on()  # a part is whole once the next begins
        return super()._filename(xml_filename)

    def _hand_on(self) -> None:
        for part, name, is_binary in self.filenames:
            assert not is_binary, "no pictures in our workbooks"
            self._squeezed.append((name, self._beside.submit(squeezed_part, part.getvalue().encode()).result))
        self.filenames.clear()

    def _write_worksheet_files(self) -> None:
        """Write the sheets, of a large workbook half of them in a child, to the same bytes."""
        sheets = dict(enumerate(self.workbook.worksheets(), 1))
        weights = {number: getattr(sheet, "kept_cell_count", 0) for number, sheet in sheets.items()}
        apart: frozenset[int] = frozenset()
        if self._may_fork and sum(weights.values()) >= CELLS_LEAST:
            for sheet in sheets.values():
                ask_styles(sheet)  # the library counts them as they are asked for: in the order of all sheets
            apart = share_of_child({number: weight for number, weight in weights.items() if weight})
            self.wait = cache(write_apart({number: partial(_content, sheets[number]) for number in apart}))
        for number, sheet in sheets.items():
            name = f"xl/worksheets/sheet{number}.xml"
            if number in apart:
                self._hand_on()
                self._squeezed.append((name, partial(self._from_child, number, sheet)))
            else:
                _write_sheet(sheet, self._filename(name))

    def _from_child(self, number: int, sheet: Worksheet) -> SqueezedPart:
        """Give the part that the child wrote; where it did not, write it here."""
        return self.wait().get(number) or squeezed_part(_content(sheet))

    def _write_shared_strings_file(self) -> None:
        strings = _PlainStrings()
        strings.string_table = self.workbook.str_table
        if strings.string_table.count:
            strings._set_xml_writer(self._filename("xl/sharedStrings.xml"))  # noqa: SLF001 - the library's own call
            strings._assemble_xml_file()  # noqa: SLF001 - the library's own call


class _PlainStrings(SharedStrings):  # type: ignore[misc]  # the library is untyped
    """Shared strings of which only those with something to escape go through the library."""

    def _write_si(self, string: str) -> None:
        if _NEEDS_CARE.search(string):
            super()._write_si(string)
        else:
            self.fh.write(f"<si><t>{string}</t></si>")


def _content(sheet: Worksheet) -> bytes:
    text = io.StringIO()
    _write_sheet(sheet, text)
    return text.getvalue().encode()


def _write_sheet(sheet: Worksheet, to: object) -> None:
    sheet._set_xml_writer(to)  # noqa: SLF001 - the library's own call
    sheet._assemble_xml_file()  # noqa: SLF001 - the library's own call


class _Squeezed:
    """A part squeezed before, where the archive would squeeze it itself."""

    def __init__(self, part: SqueezedPart) -> None:
        self._part = part

    def flush(self) -> bytes:
        """Give the part."""
        return self._part.squeezed
