"""Word: opened with python-docx and read back."""

import io
import subprocess
import sys
import zipfile
from xml.etree import ElementTree as ET

import pytest
from docx import Document
from docx.document import Document as WordDocument
from docx.oxml.ns import qn
from docx.styles.style import ParagraphStyle

from carbonfin.documents.word import BODY_FONT, HEAD_FONT, render_docx
from tests.documents import samples


@pytest.fixture(scope="module")
def package() -> bytes:
    return render_docx(samples.sheet())


@pytest.fixture(scope="module")
def document(package: bytes) -> WordDocument:
    return Document(io.BytesIO(package))


def test_headings_stand_in_the_order_of_the_pdf(document: WordDocument) -> None:
    headings = [
        paragraph.text.split("　")[0]
        for paragraph in document.paragraphs
        if paragraph.style is not None and paragraph.style.name == "Heading 1"
    ]
    assert headings == ["主要条款", "利率形成", "还款计划", "市场参考", "先决条件与承诺", "附注", "签署"]
    assert document.paragraphs[0].text == "贷款条款清单"


def test_terms_and_figures_stand_in_their_cells(document: WordDocument) -> None:
    terms, steps, schedule, _signatures = document.tables
    assert [cell.text for cell in terms.rows[1].cells] == [
        "贷款种类\nFacility",
        "流动资金贷款",
        "授信额度\nCredit line",
        "人民币 20,000,000.00 元",
    ]
    wide = terms.rows[2].cells
    assert wide[1]._tc is wide[3]._tc
    assert wide[1].text == "人民币 10,000,000.00 元（人民币壹仟万元整）"
    assert [cell.text for cell in steps.rows[3].cells][:2] == ["降碳优惠 Carbon concession", "−11 bp"]
    assert [cell.text for cell in schedule.rows[1].cells] == [
        "1",
        "2025-07-21",
        "20",
        "0.00",
        samples.INTEREST_20_DAYS,
        "",
    ]
    assert [cell.text for cell in schedule.rows[-1].cells][4] == "214,763.92"
    assert schedule.rows[0]._tr.find(f".//{qn('w:tblHeader')}") is not None


def test_every_paragraph_style_names_its_chinese_font(document: WordDocument) -> None:
    for style in document.styles:
        if isinstance(style, ParagraphStyle):
            fonts = style.element.rPr.rFonts
            assert fonts.get(qn("w:eastAsia")) in {BODY_FONT, HEAD_FONT}
            assert fonts.get(qn("w:eastAsiaTheme")) is None


def test_header_carries_the_banner_and_footer_the_reference(document: WordDocument) -> None:
    page = document.sections[0]
    assert page.header.paragraphs[0].text == "演示数据（示例），不构成报价或承诺"
    foot = page.footer.paragraphs[0]
    assert "编号 TS-2025-0001　·　版本 1　·　摘要 9f2c4b6d8e0a1c3f" in foot.text
    codes = [element.text for element in foot._p.iter(qn("w:instrText"))]
    assert codes == ["PAGE", "NUMPAGES"]


def test_each_party_has_lines_to_sign_on(document: WordDocument) -> None:
    signatures = document.tables[-1]
    labels = ["法定代表人或授权签字人（签字）：", "公章：", "日期："]
    assert [row.cells[0].text for row in signatures.rows] == ["贷款人　Lender", "示例银行股份有限公司深圳分行", *labels]
    assert [row.cells[3].text for row in signatures.rows] == ["借款人　Borrower", "示例服饰（深圳）有限公司", *labels]
    ruled = [cell for cell in signatures._tbl.iter(qn("w:tc")) if cell.find(f".//{qn('w:tcBorders')}") is not None]
    assert len(ruled) == 6


def test_short_tables_stay_on_one_page(document: WordDocument) -> None:
    steps = document.tables[1]
    held = [row.cells[0].paragraphs[0].paragraph_format.keep_with_next for row in steps.rows]
    assert held == [True] * 4 + [None]


def test_a_document_of_record_has_no_banner() -> None:
    document = Document(io.BytesIO(render_docx(samples.sheet(banner=None))))
    assert document.sections[0].header.paragraphs[0].text == ""


def test_charts_are_pictures_with_words_for_who_cannot_see_them(document: WordDocument) -> None:
    described = [shape._inline.docPr.get("descr") for shape in document.inline_shapes]
    assert len(described) == 2
    assert "降碳优惠 −11 bp" in described[0]
    assert "收盘价（元/吨）" in described[1]


def test_traces_are_links_and_notes_are_marked(document: WordDocument) -> None:
    addresses = [relation.target_ref for relation in document.part.rels.values() if relation.is_external]
    assert addresses == ["https://carbonfin.example/decisions/1#executed_rate"]
    texts = [paragraph.text for paragraph in document.paragraphs]
    assert "注1　【未确认】加点为示例银行参数，未经外部文件确认。" in texts
    assert any("不构成任何一方的要约或承诺" in text for text in texts)


def test_the_file_says_whose_it_is_and_not_who_wrote_the_library(document: WordDocument) -> None:
    properties = document.core_properties
    assert (properties.title, properties.subject, properties.version) == ("贷款条款清单", "TS-2025-0001", "1")
    assert (properties.author, properties.comments) == ("", "")
    assert properties.created is not None
    assert properties.created.date().isoformat() == "2025-06-30"


def test_two_processes_give_the_same_bytes(package: bytes) -> None:
    program = "import sys; from tests.documents import samples; from carbonfin.documents.word import render_docx; sys.stdout.buffer.write(render_docx(samples.sheet()))"
    run = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        check=True,
        env={"TZ": "America/New_York", "PYTHONHASHSEED": "5"},
    )
    assert run.stdout == package


def test_every_part_is_well_formed_whatever_the_text() -> None:
    text = "<w:t>&amp; ]]> \x00\x0b\ud800 {{ x }} 制\x1f表"
    sheet = samples.sheet(subtitle=text, disclaimer=text, sections=(), signatures=())
    package = render_docx(sheet)
    with zipfile.ZipFile(io.BytesIO(package)) as parts:
        for name in parts.namelist():
            if name.endswith((".xml", ".rels")):
                ET.fromstring(parts.read(name))  # noqa: S314  written here
    assert "<w:t>&amp; ]]>  {{ x }} 制表" in [paragraph.text for paragraph in Document(io.BytesIO(package)).paragraphs]


def test_table_properties_stand_in_the_order_of_the_schema(document: WordDocument) -> None:
    order = [
        "tblStyle",
        "tblpPr",
        "tblOverlap",
        "bidiVisual",
        "tblStyleRowBandSize",
        "tblStyleColBandSize",
        "tblW",
        "jc",
        "tblCellSpacing",
        "tblInd",
        "tblBorders",
        "shd",
        "tblLayout",
        "tblCellMar",
        "tblLook",
    ]
    for table in document.tables:
        names = [each.tag.rpartition("}")[2] for each in table._tbl.tblPr]
        assert names == sorted(names, key=order.index)
        for cell in table._tbl.iter(qn("w:tcPr")):
            inner = [each.tag.rpartition("}")[2] for each in cell]
            assert inner == sorted(
                inner,
                key=[
                    "cnfStyle",
                    "tcW",
                    "gridSpan",
                    "hMerge",
                    "vMerge",
                    "tcBorders",
                    "shd",
                    "noWrap",
                    "tcMar",
                    "textDirection",
                    "tcFitText",
                    "vAlign",
                ].index,
            )
