"""PDF: opened and read back, not believed."""

import io
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pypdf
import pypdfium2
import pytest

from carbonfin.documents.fonts import printable
from carbonfin.documents.pdf import SHEET_VALUES, render_pdf
from carbonfin.documents.sheets import Note, Paragraphs, Row, Table, Term, TermGrid
from carbonfin.kernel.errors import InvalidInput
from tests.documents import samples

INJECTIONS = (
    '#panic("no") $x^2$ *bold* _thin_ \\ @ref <label> `code` // note /* c */ = head - list',
    '"] #read("/etc/passwd") #[',
    "#sys.inputs #{1+1} \\u{1F600}",
    "100% & <b>粗</b> {{ name }} {% raw %}",
)


@pytest.fixture(scope="module")
def term_sheet() -> bytes:
    return render_pdf(
        samples.sheet(), attachments={"decision.json": b'{"rate": "0.0329"}'}, created_at=samples.CREATED_AT
    )


def text_of(pdf: bytes) -> str:
    document = pypdfium2.PdfDocument(pdf)
    text = "\n".join(page.get_textpage().get_text_range() for page in document)
    document.close()
    return text


def compact(text: str) -> str:
    return "".join(text.split())


def test_every_value_of_the_sheet_can_be_read_in_the_pdf(term_sheet: bytes) -> None:
    text = compact(text_of(term_sheet))
    expected = [
        "贷款条款清单",
        "IndicativeTermSheet",
        "示例服饰（深圳）有限公司",
        "91440300EXAMPLE466",
        "人民币壹仟万元整",
        "3.29%",
        "应付利息（元）",
        samples.INTEREST_20_DAYS,
        "214,763.92",
        "节假日安排未公布",
        "未确认",
        "加点为示例银行参数",
        "+40bp",
        "−11bp",
        "全国银行间同业拆借中心",
        "CO2",
        "不构成任何一方的要约或承诺",
        "法定代表人或授权签字人",
    ]
    assert [value for value in expected if value not in text] == []


def test_banner_and_footer_stand_on_each_page(term_sheet: bytes) -> None:
    reader = pypdf.PdfReader(io.BytesIO(term_sheet))
    assert len(reader.pages) == 2
    document = pypdfium2.PdfDocument(term_sheet)
    for number, page in enumerate(document, start=1):
        text = compact(page.get_textpage().get_text_range())
        assert "演示数据（示例），不构成报价或承诺" in text
        assert f"编号TS-2025-0001·版本1·摘要9f2c4b6d8e0a1c3f第{number}页，共2页" in text
    document.close()


def test_pages_are_a4(term_sheet: bytes) -> None:
    box = pypdf.PdfReader(io.BytesIO(term_sheet)).pages[0].mediabox
    assert (round(float(box.width)), round(float(box.height))) == (595, 842)


def test_pdf_says_it_is_a_3a_and_ua_1_in_chinese(term_sheet: bytes) -> None:
    reader = pypdf.PdfReader(io.BytesIO(term_sheet))
    catalog = reader.trailer["/Root"]
    metadata = catalog["/Metadata"].get_data().decode()
    for statement in (
        "<pdfaid:part>3</pdfaid:part>",
        "<pdfaid:conformance>A</pdfaid:conformance>",
        "<pdfuaid:part>1</pdfuaid:part>",
    ):
        assert statement in metadata
    assert catalog["/Lang"] == "zh-CN"
    assert catalog["/MarkInfo"]["/Marked"]
    assert reader.metadata is not None
    assert reader.metadata.title == "贷款条款清单"


def test_attachments_come_out_as_they_went_in(term_sheet: bytes) -> None:
    attached = pypdf.PdfReader(io.BytesIO(term_sheet)).attachments
    assert attached["decision.json"] == [b'{"rate": "0.0329"}']
    values = json.loads(attached[SHEET_VALUES][0])
    assert values["number"] == "TS-2025-0001"
    assert values["sections"][2]["totals"][4] == "214,763.92"
    assert "svg" not in json.dumps(values)


def test_an_attachment_that_is_no_text_comes_out_as_it_went_in() -> None:
    content = bytes(range(256)) * 40
    pdf = render_pdf(samples.sheet(), attachments={"schedule.xlsx": content}, created_at=samples.CREATED_AT)
    assert pypdf.PdfReader(io.BytesIO(pdf)).attachments["schedule.xlsx"] == [content]


@pytest.mark.parametrize("name", ["../x.json", SHEET_VALUES, "run.exe", "a/b.json"])
def test_unfit_attachment_names_are_refused(name: str) -> None:
    with pytest.raises(InvalidInput):
        render_pdf(samples.sheet(), attachments={name: b"{}"}, created_at=samples.CREATED_AT)


def test_an_instant_without_zone_is_refused() -> None:
    with pytest.raises(InvalidInput):
        render_pdf(samples.sheet(), attachments={}, created_at=datetime(2025, 6, 30))  # noqa: DTZ001  the fault under test


def test_two_processes_and_zones_give_the_same_bytes(term_sheet: bytes) -> None:
    program = (
        "import sys; from tests.documents import samples; from carbonfin.documents.pdf import render_pdf;"
        "sys.stdout.buffer.write(render_pdf(samples.sheet(), attachments={'decision.json': b'{\"rate\": \"0.0329\"}'},"
        " created_at=samples.CREATED_AT))"
    )
    for zone in ("America/New_York", "Asia/Shanghai"):
        run = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, check=True, env={"TZ": zone, "PYTHONHASHSEED": "7"}
        )
        assert run.stdout == term_sheet


def test_threads_share_the_typesetter_without_mixing_documents() -> None:
    def rendered(number: int) -> bytes:
        sheet = samples.sheet(number=f"N-{number:03d}", sections=(), signatures=())
        return render_pdf(sheet, attachments={}, created_at=samples.CREATED_AT)

    with ThreadPoolExecutor(8) as pool:
        documents = list(pool.map(rendered, range(24)))
    assert [f"N-{number:03d}" in text_of(pdf) for number, pdf in enumerate(documents)] == [True] * 24


@pytest.mark.parametrize("text", INJECTIONS)
def test_text_is_never_read_as_source(text: str) -> None:
    sheet = samples.sheet(
        subtitle=text,
        sections=(
            TermGrid(title_zh=text, title_en="", items=(Term(label_zh="用途", label_en="Purpose", value=text),)),
            Paragraphs(title_zh="正文", title_en="", texts=(text,)),
        ),
        notes=(Note(text=text),),
        disclaimer=text,
        signatures=(),
    )
    shown = compact(text_of(render_pdf(sheet, attachments={}, created_at=samples.CREATED_AT)))
    assert shown.count(compact(text)) >= 3


def test_a_character_without_glyph_is_written_as_its_code_point() -> None:
    assert printable("燚喆犇堃㙍䶮 CO₂") == "燚喆犇堃㙍䶮 CO₂"
    assert printable("a\u202eb\U0001f600\x00") == "a〔U+202E〕b〔U+1F600〕〔U+0000〕"
    sheet = samples.sheet(subtitle="示例\U0001f600公司\u202e", sections=(), signatures=())
    assert "示例〔U+1F600〕公司〔U+202E〕" in compact(
        text_of(render_pdf(sheet, attachments={}, created_at=samples.CREATED_AT))
    )


def tables_pages(row_count: int) -> list[str]:
    source = samples.schedule()
    rows = tuple(Row(cells=(str(number), "2025-07-21", "30", "0.00", "27,416.67")) for number in range(row_count))
    table = Table(title_zh="还款计划", title_en="Schedule", columns=source.columns, rows=rows, totals=source.totals)
    sheet = samples.sheet(sections=(table,), signatures=(), notes=(), disclaimer="")
    document = pypdfium2.PdfDocument(render_pdf(sheet, attachments={}, created_at=samples.CREATED_AT))
    pages = [page.get_textpage().get_text_range() for page in document]
    document.close()
    return pages


def test_a_long_table_repeats_its_head_and_never_parts_totals_from_rows() -> None:
    on_first_page = tables_pages(90)[0].count("27,416.67")
    for row_count in range(on_first_page - 3, on_first_page + 3):  # the break falls before, within and after the totals
        pages = tables_pages(row_count)
        bearing = [page for page in pages if "27,416.67" in page]
        assert sum(page.count("27,416.67") for page in pages) == row_count
        assert all("应付利息" in page for page in bearing)
        assert sum("合计" in page for page in pages) == 1
        assert all("27,416.67" in page for page in pages if "合计" in page)


@pytest.mark.parametrize("row_count", [0, 1])
def test_a_table_of_no_row_or_one_is_set_with_its_totals(row_count: int) -> None:
    (page,) = tables_pages(row_count)
    assert page.count("27,416.67") == row_count
    assert "214,763.92" in page
