"""Files as people send them, and as nobody should: made by the programs that write such files, then changed."""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from functools import cache

import docx
import openpyxl
import pypdf
import xlsxwriter
from pypdf.annotations import Link
from pypdf.generic import DictionaryObject, NameObject, TextStringObject

_SHEET_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"


def png(*, width: int = 3, height: int = 2, tail: bytes = b"") -> bytes:
    """A picture of one grey."""
    rows = zlib.compress(b"".join(b"\x00" + b"\x7f" * width for _ in range(height)))
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", rows) + _chunk(b"IEND", b"") + tail


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def jpeg(*, width: int = 3, height: int = 2, tail: bytes = b"") -> bytes:
    """The frame of a JPEG with a scan of a few bytes."""
    frame = b"\xff\xc0" + struct.pack(">HBHHBBBB", 11, 8, height, width, 1, 1, 0x11, 0)
    start = b"\xff\xe0" + struct.pack(">H5sHBHHBB", 16, b"JFIF\0", 0x0102, 0, 1, 1, 0, 0)
    scan = b"\xff\xda" + struct.pack(">HBBBBBB", 8, 1, 1, 0, 0, 63, 0) + b"\x12\x34\x56"
    return b"\xff\xd8" + start + frame + scan + b"\xff\xd9" + tail


@cache
def pdf() -> bytes:
    """A page with nothing on it, written by pypdf."""
    return _pdf(lambda _: None)


def _pdf(change: Callable[[pypdf.PdfWriter], object]) -> bytes:
    writer = pypdf.PdfWriter()
    writer.add_blank_page(width=200, height=200)
    change(writer)
    stream = io.BytesIO()
    writer.write(stream)
    return stream.getvalue()


def pdf_with_link() -> bytes:
    """A page with a link to a web address, as many have."""
    return _pdf(lambda writer: writer.add_annotation(0, Link(rect=(0, 0, 9, 9), url="https://example.com/")))


def pdf_with_script() -> bytes:
    """A page that runs a script when it is opened."""
    action = DictionaryObject(
        {NameObject("/S"): NameObject("/JavaScript"), NameObject("/JS"): TextStringObject("app.alert(1)")}
    )
    return _pdf(lambda writer: writer.root_object.update({NameObject("/OpenAction"): action}))


def pdf_with_attachment() -> bytes:
    """A page that carries another file."""
    return _pdf(lambda writer: writer.add_attachment("a.exe", b"MZ"))


def pdf_with_password() -> bytes:
    """A page behind a password."""
    return _pdf(lambda writer: writer.encrypt("secret", algorithm="RC4-128"))


def pdf_of(objects: bytes) -> bytes:
    """A PDF with objects as given, its table of places left out: readers repair that, and so must a search."""
    return (
        b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n"
        b"2 0 obj\n<< /Type /Pages /Kids [] /Count 0 >>\nendobj\n" + objects + b"\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n"
    )


def pdf_with_object_stream(inside: bytes, *, dictionary: bytes | None = None, packed: bytes | None = None) -> bytes:
    """A PDF whose further object stands in a deflated object stream."""
    body = zlib.compress(b"7 0 " + inside) if packed is None else packed
    kind = b"/Type /ObjStm /N 1 /First 4 /Filter /FlateDecode" if dictionary is None else dictionary
    head = b"5 0 obj\n<< " + kind + b" /Length " + str(len(body)).encode() + b" >>\nstream\n"
    return pdf_of(head + body + b"\nendstream\nendobj")


@cache
def docx_file() -> bytes:
    """A Word file with a table and a picture, written by python-docx."""
    document = docx.Document()
    document.add_paragraph("尽职调查报告")
    document.add_table(rows=2, cols=2)
    document.add_picture(io.BytesIO(png()))
    return _saved(document)


def docx_with_field(code: str) -> bytes:
    """A Word file with a field of a code that is spread over two runs."""
    document = docx.Document()
    paragraph = document.add_paragraph()
    half = len(code) // 2
    for kind, text in (("begin", ""), ("", code[:half]), ("", code[half:]), ("end", "")):
        run = paragraph.add_run()
        tag = "w:fldChar" if kind else "w:instrText"
        element = docx.oxml.OxmlElement(tag)
        if kind:
            element.set(docx.oxml.ns.qn("w:fldCharType"), kind)
        else:
            element.text = text
        run._r.append(element)
    return _saved(document)


def _saved(document: docx.document.Document) -> bytes:
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


def xlsx_file(*cells: tuple[str, object]) -> bytes:
    """A workbook with cells such as `("B3", "text")`, written by openpyxl; a text beginning with = is a formula."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "台账"
    for place, value in cells or (
        ("A1", "金额"),
        ("A2", -38935.49),
        ("A3", "=SUM(A2:A2)"),
        ("B2", "-"),
        ("B3", "+86 755-1234"),
    ):
        sheet[place] = value
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def xlsx_with_text(place: str, text: str) -> bytes:
    """A workbook with a text cell, whatever the text begins with."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    cell = sheet[place]
    cell.value = text
    cell.data_type = "s"
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def xlsx_with_shared_text(row: int, column: int, text: str) -> bytes:
    """A workbook whose texts stand once in a table of their own, as Excel and XlsxWriter write them."""
    stream = io.BytesIO()
    book = xlsxwriter.Workbook(stream, {"strings_to_formulas": False})
    sheet = book.add_worksheet("明细")
    sheet.write_string(0, 0, "说明")
    sheet.write_string(row, column, text)
    book.close()
    return stream.getvalue()


def repacked(
    package: bytes,
    *,
    parts: Mapping[str, bytes] | None = None,
    changed: Mapping[str, tuple[bytes, bytes]] | None = None,
) -> bytes:
    """A package with further parts, and with some bytes of a part replaced."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(package)) as source, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            content = source.read(name)
            before, after = (changed or {}).get(name, (b"", b""))
            assert before in content, f"{name} lacks {before!r}"
            target.writestr(name, content.replace(before, after, 1) if before else content)
        for name, content in (parts or {}).items():
            target.writestr(name, content)
    return stream.getvalue()


def ofd_file(*, root: bytes | None = None, parts: Mapping[str, bytes] | None = None) -> bytes:
    """The least OFD of GB/T 33190: a root and one document."""
    own = root or (
        b'<?xml version="1.0" encoding="UTF-8"?><ofd:OFD xmlns:ofd="http://www.ofdspec.org/2016" Version="1.0" '
        b'DocType="OFD"><ofd:DocBody><ofd:DocRoot>Doc_0/Document.xml</ofd:DocRoot></ofd:DocBody></ofd:OFD>'
    )
    document = b'<ofd:Document xmlns:ofd="http://www.ofdspec.org/2016"><ofd:Pages/></ofd:Document>'
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in {"OFD.xml": own, "Doc_0/Document.xml": document, **(parts or {})}.items():
            package.writestr(name, content)
    return stream.getvalue()


def bomb_of_zeros() -> bytes:
    """A workbook of a hundred kilobytes with a part that inflates to a hundred megabytes."""
    return repacked(xlsx_file(), parts={"xl/media/zeros.png": bytes(100 * 1024 * 1024)})


def bomb_of_one_core() -> bytes:
    """A package in which many parts share the same packed bytes."""
    package = repacked(xlsx_file(), parts={f"xl/media/{number}.png": png() for number in range(3)})
    with zipfile.ZipFile(io.BytesIO(package)) as source:
        places = {info.filename: info.header_offset for info in source.infolist()}
    first = places["xl/media/0.png"]
    for number in (1, 2):
        name = f"xl/media/{number}.png".encode()
        entry = package.rindex(name) - 46
        package = package[: entry + 42] + struct.pack("<I", first) + package[entry + 46 :]
    return package


def bomb_that_lies() -> bytes:
    """A package whose directory says that the part of fifty megabytes holds ten bytes."""
    package = repacked(xlsx_file(), parts={"xl/worksheets/sheet9.xml": b"<a>" + b" " * 50_000_000 + b"</a>"})
    entry = package.rindex(b"xl/worksheets/sheet9.xml") - 46
    return package[: entry + 24] + struct.pack("<I", 10) + package[entry + 28 :]


def bomb_of_parts() -> bytes:
    """A package of many small parts."""
    return repacked(xlsx_file(), parts={f"xl/media/{number}.png": b"" for number in range(2001)})


def macro_workbook() -> bytes:
    """A workbook with a macro project, under the ending of one without."""
    return repacked(
        xlsx_file(),
        parts={"xl/vbaProject.bin": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(64)},
        changed={
            "[Content_Types].xml": (
                _SHEET_TYPE.encode(),
                b"application/vnd.ms-excel.sheet.macroEnabled.main+xml",
            )
        },
    )
