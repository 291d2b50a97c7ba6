"""What is taken as evidence and what is refused, each for its own reason and before anything is inflated."""

import time
import tracemalloc
import zlib

import pytest

from carbonfin.kernel.errors import InvalidInput
from carbonfin.storage.files import FILE_BYTES_MAX, MEDIA_TYPES, check_file
from carbonfin.storage.files.names import clean_name
from carbonfin.storage.files.tables import acts
from tests.storage import file_samples as samples

SOUND = {
    "a.pdf": samples.pdf(),
    "link.pdf": samples.pdf_with_link(),
    "packed.pdf": samples.pdf_with_object_stream(b"<< /Type /Annot /Subtype /Text >>"),
    "a.png": samples.png(),
    "a.jpg": samples.jpeg(),
    "camera.jpeg": samples.jpeg(tail=b"\x00\x00maker's own bytes"),
    "a.txt": "说明：本件为复印件，与原件一致。\r\n- 第一页\n".encode("gb18030"),
    "b.txt": "\ufeff说明\tUTF-8\n".encode(),
    "a.csv": '日期,金额,备注,电话\n2025-07-01,-38935.49,-,+86 755-8888 1234\n2025-07-02,"1,039.50",a=b,--\n'.encode("gbk"),
    "tab.csv": b"name\tvalue\n\t3\n",
    "a.xlsx": samples.xlsx_file(),
    "shared.xlsx": samples.xlsx_with_shared_text(4, 3, "-"),
    "a.docx": samples.docx_file(),
    "page.docx": samples.docx_with_field(" PAGE "),
    "link.docx": samples.docx_with_field(' HYPERLINK "https://example.com/link/rd" '),
    "a.ofd": samples.ofd_file(),
}  # fmt: skip


@pytest.mark.parametrize("name", SOUND)
def test_a_sound_file_passes_with_its_type_and_digests(name: str) -> None:
    checked = check_file(SOUND[name], name=name)
    assert (checked.name, checked.media_type) == (name, MEDIA_TYPES[name.rpartition(".")[2]])
    assert len(checked.digest) == len(checked.sm3_digest) == 64


def test_digests_are_those_of_the_standards() -> None:
    """SHA-256 of "abc" by FIPS 180-4, SM3 of "abc" by GB/T 32905-2016, annex A.1."""
    checked = check_file(b"abc", name="a.txt")
    assert checked.digest == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert checked.sm3_digest == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"


DDE = "=cmd|'/C calc'!A0"
TIE = b'<Relationship Id="rId99" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/'
OUTSIDE = b'" TargetMode="External"/></Relationships>'
WORD_TIES, BOOK_TIES = "word/_rels/document.xml.rels", "xl/_rels/workbook.xml.rels"
END = b"</Relationships>"


def _tied(package: bytes, part: str, kind: bytes, target: bytes, *, outside: bool = True) -> bytes:
    close = OUTSIDE if outside else b'"/></Relationships>'
    return samples.repacked(package, changed={part: (END, TIE + kind + b'" Target="' + target + close)})


REFUSED = {
    # --- types ---
    ("empty.pdf", b""): "it is empty",
    ("a.exe", b"MZ" + bytes(100)): "files ending in .exe are not taken",
    ("a.pdf", b"MZ" + bytes(100)): "the content is Windows Executable",
    ("a.txt", b"\x7fELF" + bytes(100)): "the content is ELF",
    ("a.html", b"<html></html>"): "files ending in .html are not taken",
    ("a.svg", b"<svg/>"): "files ending in .svg are not taken",
    ("a.png", b'<svg xmlns="http://www.w3.org/2000/svg"></svg>'): "the content is Scalable Vector",
    ("a.txt", b"<html><script>alert(1)</script></html>"): "markup or a script",
    ("a.csv", b"a,b\n<ScRiPt >x,1\n"): "markup or a script",
    ("a.txt", b"<?php system('x'); ?>"): "markup or a script",
    ("a.txt", b"#!/bin/sh\nrm -rf /\n"): "a script",
    ("a.txt", b"@echo off\r\ndel *.*\r\n"): "a script",
    ("a.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)): "files ending in .doc are not taken",
    ("a.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)): "the content is Microsoft Office",
    ("a.zip", samples.ofd_file()): "files ending in .zip are not taken",
    ("a.eml", b"From: a@example.com\n\nx"): "files ending in .eml are not taken",
    ("a.png", samples.pdf()): "the name ends in .png, but the content is pdf",
    ("a.pdf", samples.png()): "the name ends in .pdf, but the content is png",
    ("a.docx", samples.xlsx_file()): "the name ends in .docx, but the content is xlsx",
    ("a.pdf", samples.xlsx_file()): "the content is a ZIP archive",
    ("a.ofd", samples.docx_file()): "the name ends in .ofd, but the content is docx",
    ("a.pdf", b"just words"): "the content is an unknown type",
    ("a.txt", b"a\x00b"): "the content is an unknown type",
    ("a.txt", b"\xff\xfe\xff"): "the name ends in .txt",
    # --- pictures ---
    ("a.png", samples.png()[:-4]): "no beginning, no picture or no end",
    ("a.png", samples.png(tail=b"PK\x03\x04")): "something follows its end",
    ("a.png", samples.png().replace(b"\x08\x00\x00\x00\x00", b"\x08\x00\x00\x00\x01", 1)): "check sum is wrong",
    ("a.png", samples.png(width=20_000, height=0)): "no width or no height",
    ("a.jpg", samples.jpeg(width=20_000, height=20_000)): "20000 by 20000 points",
    ("a.jpg", samples.jpeg()[:10]): "it has no scan",
    ("a.jpg", samples.jpeg()[:-2]): "no frame or no end",
    ("a.jpg", samples.jpeg(tail=samples.ofd_file())): "an archive follows its end",
    # --- PDF ---
    ("a.pdf", b"%PDF-1.7\nrubbish"): "no objects or no end",
    ("a.pdf", b"%PDF-9" + samples.pdf()[6:]): "it does not begin as one",
    ("a.pdf", samples.pdf_with_script()): "holds JavaScript",
    ("a.pdf", samples.pdf_with_attachment()): "holds embedded files",
    ("a.pdf", samples.pdf_with_password()): "encrypted",
    ("a.pdf", samples.pdf_of(b"3 0 obj\n<< /S /Launch /F (cmd.exe) >>\nendobj")): "starts a program",
    ("a.pdf", samples.pdf_of(b"3 0 obj\n<< /OpenAction << /S /J#61vaScript /JS (x) >> >>\nendobj")): "holds JavaScript",
    ("a.pdf", samples.pdf_of(b"3 0 obj\n<< /S /SubmitForm /F (http://x) >>\nendobj")): "a form that sends itself",
    ("a.pdf", samples.pdf_of(b"3 0 obj\n<< /XFA [] >>\nendobj")): "an XFA form",
    ("a.pdf", samples.pdf_with_object_stream(b"<< /S /JavaScript /JS (app.alert(1)) >>")): "holds JavaScript",
    ("b.pdf", samples.pdf_with_object_stream(b"<< /S /#4c#61unch /F (x) >>")): "starts a program",
    ("a.pdf", samples.pdf_with_object_stream(
        b"<< /S /JavaScript >>", dictionary=b"/Type /O#62jStm /N 1 /First 4 /Filter /FlateDecode")): "holds JavaScript",
    ("a.pdf", samples.pdf_with_object_stream(
        b"<< /S /JavaScript >>", dictionary=b"/N 1 /First 4 /Filter /FlateDecode")): "holds JavaScript",
    ("a.pdf", samples.pdf_with_object_stream(
        b"<< /S /JavaScript >>", dictionary=b"/Filter /FlateDecode")): "holds JavaScript",
    ("a.pdf", samples.pdf_with_object_stream(
        b"", dictionary=b"/Type /ObjStm /N 1 /First 4 /Filter /ASCIIHexDecode", packed=b"37203020")): "cannot be searched",
    ("a.pdf", samples.pdf_with_object_stream(
        b"", dictionary=b"/Type /ObjStm /N 1 /First 4 /Filter /Unknown", packed=b"xyz")): "cannot be searched",
    ("a.pdf", samples.pdf_with_object_stream(
        b"", packed=zlib.compress(b"7 0 " + bytes(40_000_000)))): "unpack to more than",
    # --- packages ---
    ("a.xlsx", samples.bomb_of_zeros()): "inflates to",
    ("a.xlsx", samples.bomb_of_one_core()): "its parts overlap",
    ("a.xlsx", samples.bomb_that_lies()): "cannot be read",
    ("a.xlsx", samples.bomb_of_parts()): "parts, more than 2000",
    ("a.xlsx", samples.repacked(samples.xlsx_file(), parts={"xl/media/a.png": bytes(5_000_000)})): "more than 200 times",
    ("a.xlsx", samples.repacked(samples.xlsx_file(), parts={"xl/media/a.png": samples.ofd_file()})): "an archive",
    ("a.xlsx", samples.repacked(samples.xlsx_file(), parts={"xl/media/a.png": b"MZ" + bytes(64)})): "a program",
    ("a.xlsx", samples.repacked(samples.xlsx_file(), parts={"xl/../../a.xml": b"<a/>"})): "leads out of the package",
    ("a.xlsx", samples.repacked(samples.xlsx_file(), parts={"XL/workbook.xml": b"<a/>"})): "names a part twice",
    ("a.xlsx", samples.repacked(samples.xlsx_file(), parts={"xl/run.js": b"x"})): "a part of an unknown kind",
    ("a.xlsx", samples.xlsx_file() + b"more"): "before or after the package",
    ("a.xlsx", samples.xlsx_file()[:-40]): "before or after the package",
    ("a.xlsx", samples.ofd_file() + samples.xlsx_file()): "its directory is not where it must be",
    ("a.xlsx", samples.repacked(samples.xlsx_file(), parts={"xl/a.xml": b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"})):
        "a document type declaration",
    ("a.xlsx", samples.repacked(samples.xlsx_file(), parts={"xl/a.xml": b"<a>"})): "no well-formed XML",
    # --- workbooks and Word ---
    ("a.xlsx", samples.macro_workbook()): "macros|an embedded object",
    ("a.xlsx", samples.repacked(samples.xlsx_file(), parts={"xl/vbaProject.bin": b"x"})): "unknown kind|macros",
    ("a.xlsx", samples.repacked(samples.xlsx_file(), parts={"xl/macrosheets/sheet1.xml": b"<macrosheet/>"})): "Excel 4.0",
    ("a.xlsx", samples.repacked(samples.xlsx_file(), parts={"xl/other/a.xml": b"<macrosheet/>"})): "a macrosheet",
    ("a.xlsx", samples.repacked(samples.xlsx_file(), parts={"xl/activeX/activeX1.xml": b"<a/>"})): "ActiveX",
    ("a.xlsx", samples.repacked(samples.xlsx_file(), parts={"xl/embeddings/a.xml": b"<a/>"})): "embedded objects",
    ("a.xlsx", samples.repacked(samples.xlsx_file(), parts={"xl/externalLinks/a.xml": b"<a/>"})): "links to other files",
    ("a.xlsx", samples.repacked(samples.xlsx_file(), parts={"xl/a.xml": b"<ddeLink ddeService='cmd'/>"})): "a ddeLink",
    ("a.xlsx", samples.repacked(samples.xlsx_file(), parts={
        "xl/a.xml": b"<definedName name='Auto_Open1'>Sheet1!$A$1</definedName>"})): "runs by itself",
    ("a.xlsx", samples.repacked(samples.xlsx_file(), parts={
        "xl/a.xml": b"<definedName name='f' vbProcedure='1'>x</definedName>"})): "a macro behind the name f",
    ("a.xlsx", _tied(samples.xlsx_file(), BOOK_TIES, b"externalLinkPath", b"file:///c:/x.xlsx")): "a tie of the kind",
    ("a.xlsx", _tied(samples.xlsx_file(), BOOK_TIES, b"hyperlink", b"file://host/share")): "to the outside",
    ("a.xlsx", samples.xlsx_file(("B3", DDE))): "the formula in B3 of 台账",
    ("a.xlsx", samples.xlsx_file(("B3", '=_xlfn.WEBSERVICE("http://x")'))): "the formula in B3",
    ("a.xlsx", samples.xlsx_file(("B3", '=HYPERLINK("http://x","y")'))): "the formula in B3",
    ("a.docx", samples.docx_with_field(r' DDEAUTO c:\\windows\\cmd.exe "/k calc" ')): "a field DDEAUTO",
    ("a.docx", samples.docx_with_field(' includetext "http://x" ')): "a field INCLUDETEXT",
    ("a.docx", _tied(samples.docx_file(), WORD_TIES, b"attachedTemplate", b"http://x/a.dotm")): "attachedtemplate",
    ("a.docx", _tied(samples.docx_file(), WORD_TIES, b"image", b"http://x/a.png")): "to the outside",
    ("a.docx", _tied(samples.docx_file(), WORD_TIES, b"hyperlink", b"javascript:x")): "to the outside",
    ("a.docx", _tied(samples.docx_file(), WORD_TIES, b"oleObject", b"a.xml", outside=False)): "oleobject",
    ("a.docx", _tied(samples.docx_file(), WORD_TIES, b"aFChunk", b"a.xml", outside=False)): "afchunk",
    # --- OFD ---
    ("a.ofd", samples.ofd_file(root=b"<OFD/>")): "not of GB/T 33190",
    ("a.ofd", samples.ofd_file(parts={"Doc_0/a.xml": b"<a><GotoA/></a>"})): "an action GotoA",
    ("a.ofd", samples.ofd_file(parts={"Doc_0/Attachs/a.pdf": b"x"})): "a part of an unknown kind",
    # --- CSV ---
    ("a.csv", b"a,b\n1,=1+1\n"): "row 2, column 2 of the CSV begins with =",
    ("a.csv", b"a,b\n1,+cmd\n"): r"row 2, column 2 of the CSV begins with \+",
    ("a.csv", b"a,b\n-2+3+cmd|'/C calc'!A0,1\n"): "row 2, column 1 of the CSV begins with -",
    ("a.csv", b"a,b\n1,@SUM(A1)\n"): "row 2, column 2 of the CSV begins with @",
    ("a.csv", b'a,b\n1,"\t=1"\n'): "row 2, column 2 of the CSV begins with TAB",
    ("a.csv", b'a,b\n1,"\rx"\n'): "row 2, column 2 of the CSV begins with CR",
    ("a.csv", b'a,b\n1,"  =1"\n'): "row 2, column 2",
    ("a.csv", "a,b\n1,＝1\n".encode()): "row 2, column 2",
    ("a.csv", b"\xef\xbb\xbf=1,b\n"): "row 1, column 1",
    ("a.csv", b"a,b\nx;=1,2\n"): "row 2, column 2",
    ("a.csv", b"a," + b"x" * 140_000): "longer than 131072",
    ("a.xlsx", samples.xlsx_with_text("C7", "=1+1")): r"row 7, column C of the xlsx \(Sheet\) begins with =",
    ("b.xlsx", samples.xlsx_with_text("AB12", "@x")): "row 12, column AB",
    ("c.xlsx", samples.xlsx_with_shared_text(4, 3, "=1+1")): r"row 5, column D of the xlsx \(明细\) begins with =",
    ("a.xlsx", samples.repacked(samples.xlsx_file(), changed={"xl/worksheets/sheet1.xml": (
        b"</sheetData>", b"<row r='9'><c r='D9' t='inlineStr'><is><t>+x</t></is></c></row></sheetData>")})):
        r"row 9, column D of the xlsx \(台账\) begins with \+",
}  # fmt: skip


@pytest.mark.parametrize(("case", "why"), REFUSED.items(), ids=[f"{n}-{w[:30]}" for (n, _), w in REFUSED.items()])
def test_what_is_refused_says_why(case: tuple[str, bytes], why: str) -> None:
    name, content = case
    with pytest.raises(InvalidInput, match=why) as failure:
        check_file(content, name=name)
    error = failure.value
    assert (error.field, bool(error.zh), bool(error.remedy), bool(error.remedy_zh)) == ("file", True, True, True)


@pytest.mark.parametrize(
    "bomb", [samples.bomb_of_zeros(), samples.bomb_that_lies(), samples.bomb_of_parts()], ids=["zeros", "lies", "parts"]
)
def test_a_bomb_is_refused_without_being_inflated(bomb: bytes) -> None:
    """The bombs would inflate to 100 and 50 MB; less than 8 MB is ever taken, and it takes no second."""
    tracemalloc.start()
    started = time.perf_counter()
    with pytest.raises(InvalidInput):
        check_file(bomb, name="a.xlsx")
    elapsed = time.perf_counter() - started
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 * 1024 * 1024
    assert elapsed < 2


def test_a_file_may_be_as_large_as_the_limit_and_not_a_byte_larger() -> None:
    assert check_file(b"x" * FILE_BYTES_MAX, name="a.txt").media_type == "text/plain"
    with pytest.raises(InvalidInput, match="more than 20971520"):
        check_file(b"x" * (FILE_BYTES_MAX + 1), name="a.txt")


@pytest.mark.parametrize(
    ("given", "clean"),
    [
        ("合同.PDF", "合同.pdf"),
        ("../../etc/passwd.txt", "passwd.txt"),
        ("D:\\papers\\李\\身份证.png", "身份证.png"),
        ("发票\u202egnp.exe.pdf", "发票gnp.exe.pdf"),
        ("a\x00b\x1b[31m\r\nc.txt", "ab-31m c.txt".replace("-31m", "[31m")),
        ("a\u200b\u2066b.txt", "ab.txt"),
        ("  .. a  b . .csv", "a b.csv"),
        ('x:<y>"|?*.csv', "x-y-.csv"),
        ("con.txt", "_con.txt"),
        ("e\u0301.txt", "\u00e9.txt"),
        (f"{'长' * 300}.pdf", f"{'长' * 116}.pdf"),
    ],
)
def test_names_lose_paths_and_hidden_signs(given: str, clean: str) -> None:
    assert clean_name(given) == clean


@pytest.mark.parametrize("given", ["", "pdf", ".pdf", "a.", "/", "a.p\u202edf/", "\u202e.pdf", "a. pdf"])
def test_a_name_of_which_nothing_is_left_is_refused(given: str) -> None:
    with pytest.raises(InvalidInput, match="no stem or no ending"):
        clean_name(given)


@pytest.mark.parametrize(
    ("cell", "acting"),
    [
        ("-1", False), ("+1.5", False), ("-1,039.50", False), ("-3%", False), ("-1e-5", False), ("+86 (755) 88-12", False),
        ("-", False), ("--", False), ("", False), ("a=1", False), ("-.5", False), ("2025-07-01", False),
        ("=1", True), ("@x", True), ("+a", True), ("-a", True), ("-1+A1", True), ("\t1", True), ("\rx", True),
        ("\u3000=1", True), ("＠x", True), ("-1-1|x", True),
    ],
)  # fmt: skip
def test_a_cell_acts_unless_it_is_a_number(cell: str, *, acting: bool) -> None:
    assert acts(cell) is acting
