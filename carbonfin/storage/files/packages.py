"""ZIP packages (xlsx, docx, ofd), judged by their directory before anything is inflated.

The directory says how much each part inflates to, and Python's reader gives no byte more than it says: so the sums that
are checked here bound what reading can cost.
"""

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping
from xml.parsers import expat

from carbonfin.kernel.errors import InvalidInput
from carbonfin.storage.files.refusals import acting, damaged, refused

PARTS_MAX = 2000
INFLATED_BYTES_MAX = 64 * 1024 * 1024
RATIO_MAX = 200
_RATIO_COUNTS_FROM = 1024 * 1024
_DIRECTORY_BYTES_MAX = 512 * 1024
_END = struct.Struct("<4s4H2LH")
_READ_FAILURES = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError)
_FOREIGN: Mapping[bytes, str] = {
    b"PK\x03\x04": "an archive",
    b"Rar!": "an archive",
    b"7z\xbc\xaf": "an archive",
    b"\x1f\x8b": "an archive",
    b"BZh": "an archive",
    b"\xfd7zX": "an archive",
    b"MZ": "a program",
    b"\x7fELF": "a program",
    b"\xca\xfe\xba\xbe": "a program",
    b"#!": "a script",
    b"\xd0\xcf\x11\xe0": "an embedded object",
    b"%PDF": "an embedded document",
}


class Package:
    """A ZIP package whose directory was found sound; parts are read one at a time."""

    def __init__(self, archive: zipfile.ZipFile, kind: str) -> None:
        self._archive = archive
        self._kind = kind
        self.names = tuple(info.filename for info in archive.infolist() if not info.is_dir())

    def read(self, name: str) -> bytes:
        """Give a part.

        Raises:
            InvalidInput: It does not inflate to what the directory says.
        """
        try:
            return self._archive.read(name)
        except _READ_FAILURES as error:
            raise damaged(self._kind, f"the part {name} cannot be read") from error

    def head(self, name: str) -> bytes:
        """Give the first bytes of a part."""
        try:
            with self._archive.open(name) as stream:
                return stream.read(8)
        except _READ_FAILURES as error:
            raise damaged(self._kind, f"the part {name} cannot be read") from error


def open_package(content: bytes, kind: str) -> Package:
    """Give a package that may be read.

    Args:
        content: The whole file.
        kind: Its type as people call it.

    Raises:
        InvalidInput: It is damaged, encrypted, a bomb, or holds an archive or a program.
    """
    count = _count_at_the_end(content, kind)
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except _READ_FAILURES as error:
        raise damaged(kind, "its directory cannot be read") from error
    parts = archive.infolist()
    if len(parts) != count or len({part.filename.lower() for part in parts}) != count:
        raise damaged(kind, "its directory names a part twice or leaves one out")
    _refuse_bomb(parts, kind)
    _refuse_odd_parts(parts, kind, length=len(content))
    package = Package(archive, kind)
    for name in package.names:
        head = package.head(name)
        for sign, what in _FOREIGN.items():
            if head.startswith(sign):
                raise acting(kind, f"{what} ({name})", f"压缩包、程序或嵌入文件（{name}）")
    return package


def _count_at_the_end(content: bytes, kind: str) -> int:
    """Read the count of parts from the end of the directory, which must be the end of the file."""
    if len(content) < _END.size or not content.startswith(b"PK\x03\x04"):
        raise damaged(kind, "it is no ZIP package")
    sign, disk, first_disk, here, count, size, offset, comment = _END.unpack(content[-_END.size :])
    if sign != b"PK\x05\x06" or comment or disk or first_disk or here != count:
        raise damaged(kind, "something stands before or after the package")
    if offset + size + _END.size != len(content):
        raise damaged(kind, "its directory is not where it must be")
    if count > PARTS_MAX or size > _DIRECTORY_BYTES_MAX:
        raise _bomb(kind, f"{count} parts, more than {PARTS_MAX}", f"含 {count} 个部件，超过上限")
    return int(count)


def _refuse_bomb(parts: list[zipfile.ZipInfo], kind: str) -> None:
    whole = sum(part.file_size for part in parts)
    if whole > INFLATED_BYTES_MAX:
        raise _bomb(kind, f"it inflates to {whole} bytes, more than {INFLATED_BYTES_MAX}", "解压后体积超过上限")
    for part in parts:
        if part.file_size > _RATIO_COUNTS_FROM and part.file_size > RATIO_MAX * max(part.compress_size, 1):
            raise _bomb(kind, f"{part.filename} inflates more than {RATIO_MAX} times", "压缩比异常")


def _refuse_odd_parts(parts: list[zipfile.ZipInfo], kind: str, *, length: int) -> None:
    end = 0
    for part in sorted(parts, key=lambda one: one.header_offset):
        if part.flag_bits & 0x1:
            raise refused(
                f"the {kind} is encrypted and cannot be looked into",
                f"{kind} 文件已加密，无法检查",
                remedy="Send it without a password.",
                remedy_zh="请去除密码后上传。",
            )
        if part.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            raise damaged(kind, "a part is packed in an unusual way")
        steps = part.filename.split("/")
        if part.filename.startswith("/") or "\\" in part.filename or ".." in steps or ":" in part.filename:
            raise damaged(kind, f"the part {part.filename!r} leads out of the package")
        if part.header_offset < end or (end == 0 and part.header_offset != 0):
            raise _bomb(kind, "its parts overlap", "部件相互重叠")
        end = part.header_offset + 30 + len(part.filename) + part.compress_size
    if end > length:
        raise damaged(kind, "a part ends after the file")


def _bomb(kind: str, what: str, zh: str) -> InvalidInput:
    return refused(
        f"the {kind} is built like a ZIP bomb: {what}",
        f"{kind} 文件疑似压缩炸弹：{zh}",
        remedy="Send a smaller document, or split it.",
        remedy_zh="请缩小或拆分后上传。",
    )


def walker(kind: str) -> expat.XMLParserType:
    """Give a reader of XML that refuses document types, so no entity is ever declared; names as `namespace name`."""
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True

    def refuse_doctype(*_: object) -> None:
        raise acting(kind, "a document type declaration", "文档类型声明")

    parser.StartDoctypeDeclHandler = refuse_doctype
    return parser


def walk(parser: expat.XMLParserType, xml: bytes, *, kind: str, name: str) -> None:
    """Read XML through the parser's handlers.

    Raises:
        InvalidInput: It is not well-formed.
    """
    try:
        parser.Parse(xml, True)  # noqa: FBT003 - expat's own signature
    except expat.ExpatError as error:
        raise damaged(kind, f"the part {name} is no well-formed XML") from error


def local(name: str) -> str:
    """Give an element's or attribute's name without its namespace."""
    return name.rpartition(" ")[2]
