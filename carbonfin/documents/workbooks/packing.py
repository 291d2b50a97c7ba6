"""The parts of a workbook packed into one file: the bytes the library packs, squeezed while other parts are written.

The library writes all parts and squeezes them one after the other. Squeezing lets go of the interpreter, so here each
part is squeezed on another processor while the next is written. Shared strings that need no escape are written as they
are; the library is asked for the others.
"""

import io
import re
import zlib
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import xlsxwriter
from xlsxwriter.packager import Packager
from xlsxwriter.sharedstrings import SharedStrings

_PART_TIME = (1980, 1, 1, 0, 0, 0)
_NEEDS_CARE = re.compile(r'["&<>\x00-\x1f\ufffe\uffff]|_x[0-9a-fA-F]{4}_|^\s|\s$')
"""Signs that the library escapes, and white space at the ends, which it marks."""


class PackedWorkbook(xlsxwriter.Workbook):  # type: ignore[misc]  # the library is untyped
    """A workbook whose file is put together here; the library writes its parts."""

    def packed(self) -> bytes:
        """Close the workbook and give its file."""
        with ThreadPoolExecutor(max_workers=1) as beside:
            self.packager = _Packager(beside)
            self.close()
            return self.packager.file()

    def _get_packager(self) -> "_Packager":
        return self.packager


class _Packager(Packager):  # type: ignore[misc]  # the library is untyped
    """Hands each part on as soon as it is written, and leaves the library none to pack."""

    def __init__(self, beside: ThreadPoolExecutor) -> None:
        super().__init__()
        self._beside = beside
        self._squeezed: list[tuple[str, bytes, Future[bytes]]] = []

    def file(self) -> bytes:
        """Give the file of all parts, in the order in which they were written."""
        packed = io.BytesIO()
        with ZipFile(packed, "w", compression=ZIP_DEFLATED, allowZip64=False) as archive:
            for name, content, squeezed in self._squeezed:
                part = ZipInfo(name, _PART_TIME)
                part.compress_type = ZIP_DEFLATED
                part.external_attr = 0o600 << 16
                part.file_size = len(content)
                with archive.open(part, "w") as handle:
                    handle._compressor = _Squeezed(squeezed)  # type: ignore[attr-defined]  # noqa: SLF001 - no other way
                    handle.write(content)
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
            content = part.getvalue().encode()
            self._squeezed.append((name, content, self._beside.submit(_squeeze, content)))
        self.filenames.clear()

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


class _Squeezed:
    """A part's bytes squeezed before, where the archive squeezes them itself."""

    def __init__(self, squeezed: Future[bytes]) -> None:
        self._squeezed = squeezed

    def compress(self, _: bytes) -> bytes:
        """Give nothing: all comes at the end."""
        return b""

    def flush(self) -> bytes:
        """Give the part."""
        return self._squeezed.result()


def _squeeze(content: bytes) -> bytes:
    squeezer = zlib.compressobj(zlib.Z_DEFAULT_COMPRESSION, zlib.DEFLATED, -15)
    return squeezer.compress(content) + squeezer.flush()
