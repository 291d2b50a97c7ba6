"""The code by which a document is verified: read back from the picture of the page, by another reader."""

import io
import json
import zlib
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pypdf
import pypdfium2
import pytest
from docx import Document

from carbonfin.documents.pdf import SHEET_VALUES, render_pdf
from carbonfin.documents.sheets import Verification
from carbonfin.documents.verifications import code_content, code_png, code_svg, code_words
from carbonfin.documents.word import render_docx
from carbonfin.kernel.errors import InvalidInput
from tests.documents import samples
from tests.documents.code_reader import codes_of, is_whole, modules_of, text_of

ISSUER = "91440300EXAMPLE000"
AT_HOME = Verification(issuer_code=ISSUER, address="https://carbon.bank.example")
NOWHERE = Verification(issuer_code=ISSUER, address="")
DIGEST = samples.sheet().digest
# ISO/IEC 18004:2015, annex I: 01234567 in version 1-M, sixteen data and ten error correction codewords.
PUBLISHED = bytes.fromhex("10200C566180EC11EC11EC11EC11EC11A524D4C1ED36C7872C55")


def test_the_reader_holds_a_published_symbol_for_whole_and_a_changed_one_not() -> None:
    assert is_whole(list(PUBLISHED), 10)
    for place in range(len(PUBLISHED)):
        damaged = bytearray(PUBLISHED)
        damaged[place] ^= 1
        assert not is_whole(list(damaged), 10)


def test_a_code_leads_to_the_page_with_number_version_digest_and_issuer() -> None:
    address = urlsplit(code_content(samples.sheet(verification=AT_HOME)))
    assert f"{address.scheme}://{address.netloc}{address.path}" == "https://carbon.bank.example/verify"
    assert parse_qs(address.query) == {
        "issuer": [ISSUER], "number": ["TS-2025-0001"], "version": ["1"], "digest": [DIGEST],
    }  # fmt: skip


def test_without_an_address_the_code_names_no_host_and_the_words_say_so() -> None:
    sheet = samples.sheet(verification=NOWHERE)
    assert code_content(sheet) == f"No. TS-2025-0001\nVersion 1\nSHA-256 {DIGEST}"
    words = "".join(code_words(sheet))
    assert "未提供网上核验地址" in words
    assert DIGEST in words
    assert "http" not in words


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(InvalidInput, match="absolute web address"):
        Verification(issuer_code=ISSUER, address="carbon.bank.example")


@pytest.mark.parametrize("verification", [AT_HOME, NOWHERE])
@pytest.mark.parametrize("scale", [3.0, 4.17])
def test_the_code_is_read_from_the_picture_of_the_pdf(verification: Verification, scale: float) -> None:
    sheet = samples.sheet(verification=verification)
    pdf = render_pdf(sheet, attachments={}, created_at=samples.CREATED_AT)
    assert codes_of(pdf, scale=scale) == [code_content(sheet)]


def test_the_pdf_says_in_words_what_the_code_says_and_carries_it_as_value() -> None:
    sheet = samples.sheet(verification=AT_HOME)
    pdf = render_pdf(sheet, attachments={}, created_at=samples.CREATED_AT)
    document = pypdfium2.PdfDocument(pdf)
    text = "".join("".join(page.get_textpage().get_text_range() for page in document).split())
    document.close()
    for part in ("核验Verification", "https://carbon.bank.example/verify", ISSUER, f"摘要{DIGEST}"):
        assert part in text
    values = json.loads(pypdf.PdfReader(io.BytesIO(pdf)).attachments[SHEET_VALUES][0])
    assert values["verification"]["content"] == code_content(sheet)
    assert "svg" not in values["verification"]


def test_the_same_sheet_gives_the_same_bytes_and_another_address_another_code() -> None:
    sheet = samples.sheet(verification=AT_HOME)
    one, again = (render_pdf(sheet, attachments={}, created_at=samples.CREATED_AT) for _ in range(2))
    assert one == again
    assert code_svg(code_content(sheet)) == code_svg(code_content(sheet))
    elsewhere = replace(sheet, verification=replace(AT_HOME, address="https://other.example"))
    assert code_svg(code_content(elsewhere)) != code_svg(code_content(sheet))


def test_a_sheet_without_verification_has_no_code() -> None:
    pdf = render_pdf(samples.sheet(), attachments={}, created_at=samples.CREATED_AT)
    assert codes_of(pdf) == []


def test_word_carries_the_code_with_a_text_alternative_and_equal_bytes() -> None:
    sheet = samples.sheet(verification=AT_HOME)
    content = render_docx(sheet)
    assert content == render_docx(sheet)
    document = Document(io.BytesIO(content))
    pictures = [part.blob for part in document.part.package.iter_parts() if part.partname.endswith(".png")]
    assert code_png(code_content(sheet)) in pictures
    assert 'descr="核验二维码"' in document.element.xml
    assert any(DIGEST in paragraph.text for paragraph in document.paragraphs)


@pytest.mark.parametrize("length", [10, 60, 150, 175, 200, 250, 300])
def test_codes_of_every_length_are_read_back(length: int) -> None:
    """Versions 1 to 13: every size a document's address can take."""
    text = ("https://x.example/verify?" + "0123456789abcdef" * 20)[:length]
    drawn = _picture_of(code_png(text))
    assert text_of(modules_of(drawn)) == text


def _picture_of(png: bytes) -> np.ndarray:
    """Give the dark places of a PNG of one bit a place, whose lines are plain or stand on the one above (RFC 2083)."""
    chunks, at = {}, 8
    while at < len(png):
        length = int.from_bytes(png[at : at + 4])
        chunks[png[at + 4 : at + 8]] = png[at + 8 : at + 8 + length]
        at += 12 + length
    width, height, depth = int.from_bytes(chunks[b"IHDR"][:4]), int.from_bytes(chunks[b"IHDR"][4:8]), chunks[b"IHDR"][8]
    assert depth == 1
    lines = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), dtype=np.uint8).reshape(height, -1)
    assert set(lines[:, 0].tolist()) <= {0, 2}
    plain = np.zeros((height, lines.shape[1] - 1), dtype=np.uint8)
    for number, line in enumerate(lines):
        plain[number] = line[1:] + (plain[number - 1] if line[0] else 0)
    return np.unpackbits(plain, axis=1)[:, :width] == 0
