"""The main job in a browser on the sample world: from the enterprise to a term sheet one can take away."""

import io
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest
from openpyxl import load_workbook
from playwright.sync_api import Browser, Download, Page, expect
from pypdf import PdfReader

from tests.browser.conftest import FILE_ADDRESS, Served, axe_violations, screenshot, serving, sign_in, visiting
from tests.browser.keyboard import tab_to, type_day
from tests.journeys.worlds import PASSWORD, SampleCopy, make_sample

pytestmark = pytest.mark.browser
BORROWER = "示例服饰(深圳)有限公司"
_NUMBER = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|TS-[0-9-]+|(?<=/problems/)[a-z-]+|(?<=/lines/)[^/]+")
# The description of the API, alike for everybody and larger than all pages together, has tests of its own.
_NO_PAGE = re.compile(r"^/static/|^/schema|^/sign-out|^/docs/api")
VIEWS = {
    "zh": {"width": 1280, "dark": False, "language": "zh"},
    "en-dark": {"width": 1280, "dark": True, "language": "en"},
    "phone": {"width": 390, "dark": False, "language": "zh"},
}


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> SampleCopy:
    """The sample world, for the server of this module alone."""
    return make_sample(tmp_path_factory.mktemp("officer"))


@pytest.fixture(scope="module")
def served(sample: SampleCopy) -> Iterator[Served]:
    with serving(sample.environment, sample.folder) as running:
        yield running


def _enter(page: Page, served: Served, login: str) -> None:
    sign_in(page, served, login=login, password=PASSWORD)


def _kept(download: Download) -> bytes:
    return Path(download.path()).read_bytes()


def test_an_officer_goes_from_enterprise_to_term_sheet_and_takes_the_pdf(chromium: Browser, served: Served) -> None:
    with visiting(chromium) as page:
        _enter(page, served, "maker")
        page.locator("nav a[href='/enterprises']").first.click()
        page.locator("a", has_text=BORROWER).first.click()
        expect(page.locator("h1")).to_contain_text(BORROWER)
        page.get_by_role("link", name="碳评级").first.click()
        expect(page.locator("main")).to_contain_text("本系统自有方法")
        expect(page.locator("main")).to_contain_text("12.50%")
        page.go_back()
        page.get_by_role("link", name="新建条款清单").click()
        sheet = page.locator("#living-sheet")
        _fill_loan(page)
        page.locator("#field-margin_bp").fill("40")
        page.locator("#field-principal_cny").fill("10000000")
        expect(sheet).to_contain_text("3.29%")
        expect(sheet).to_contain_text("18,277.78")
        screenshot(page, "officer-living-sheet")
        page.get_by_role("button", name="起草条款清单").click()
        page.wait_for_url(re.compile(r"/term-sheets/TS-2025-\d{4}$"))
        for figure in ("3.29%", "18,277.78", "333,569.49", "11,152.73", "人民币壹仟万元整", "节假日安排未公布"):
            expect(page.locator("main")).to_contain_text(figure)
        screenshot(page, "officer-term-sheet")
        _take_pdf(page)
        _every_figure_opens_its_trace(page)


def test_a_fault_stands_beside_its_field_and_nothing_typed_is_lost(
    chromium: Browser, served: Served, sample: SampleCopy
) -> None:
    context = chromium.new_context(locale="zh-CN")
    page = context.new_page()
    _enter(page, served, "maker")
    page.goto(f"{served.address}/loans/new?party_id={sample.outcome.parties['E4'].id}")
    _fill_loan(page)
    page.locator("#field-principal_cny").fill("1000000.005")
    page.locator("#field-margin_bp").fill("40")
    page.get_by_role("button", name="起草条款清单").click()
    fault = page.locator("#error-principal_cny")
    expect(fault).to_be_visible()
    assert re.search(r"[一-鿿]", fault.inner_text())
    expect(page.locator("#field-principal_cny")).to_have_value("1000000.005")
    expect(page.locator("#field-purpose")).to_have_value("补充流动资金")
    expect(page.locator("#field-margin_bp")).to_have_value("40")
    assert page.locator("#field-principal_cny").get_attribute("aria-invalid") == "true"
    screenshot(page, "officer-fault")
    context.close()


def _fill_loan(page: Page) -> None:
    page.locator("#field-product").fill("降碳贷(示例)")
    page.locator("#field-loan_kind").fill("流动资金贷款")
    page.locator("#field-purpose").fill("补充流动资金")
    page.locator("#field-guarantee").fill("信用")
    page.locator("#field-credit_line_cny").fill("20000000")
    page.locator("#field-drawdown_date").fill("2025-07-01")
    page.locator("#field-maturity_date").fill("2026-07-01")
    page.locator("#field-method").select_option("bullet")
    page.locator("#field-interest_period_months").select_option("1")
    page.locator("#field-settlement_day").fill("20")
    page.locator("#field-basis").select_option("act/360")
    page.locator("#field-accrual_dates").select_option("unadjusted")


def _words(document: PdfReader) -> str:
    """Give the text of a document; glyphs shared with radicals read as characters."""
    return unicodedata.normalize("NFKC", "".join(page.extract_text() for page in document.pages))


def _take_pdf(page: Page) -> None:
    with page.expect_download() as waiting:
        page.get_by_role("link", name="下载 PDF").click()
    assert waiting.value.suggested_filename.endswith(".pdf")
    content = _kept(waiting.value)
    assert content.startswith(b"%PDF-")
    text = _words(PdfReader(io.BytesIO(content)))
    for figure in ("3.29%", "333,569.49", "示例"):
        assert figure in text, figure
    with page.expect_download() as waiting:
        page.get_by_role("link", name="下载 Word").click()
    assert _kept(waiting.value).startswith(b"PK")


def _every_figure_opens_its_trace(page: Page) -> None:
    """Each dotted figure of the sheet leads to a row of its decision that shows where it comes from."""
    addresses = page.locator("main a.traced").evaluate_all("links => links.map(link => link.getAttribute('href'))")
    names = {address.partition("#")[2] for address in addresses}
    assert len(names) >= 10
    page.locator("main a.traced").first.click()
    page.wait_for_url(re.compile(r"/decisions/"))
    there = set(page.locator("[id^='figure-']").evaluate_all("rows => rows.map(row => row.id)"))
    assert names <= there, names - there
    page.get_by_role("button", name=re.compile("重算|Replay")).click()
    expect(page.locator("main")).to_contain_text(re.compile("逐位一致|一致"))


def test_a_checker_sees_the_call_and_cannot_draft(chromium: Browser, served: Served) -> None:
    with visiting(chromium) as page:
        _enter(page, served, "checker")
        expect(page.locator("main")).to_contain_text("预警")
        page.goto(f"{served.address}/pledges")
        page.locator("main a", has_text="P3").first.click()
        for words in ("0.9348", "55,758.81", "2,720"):
            expect(page.locator("main")).to_contain_text(words)
        page.goto(f"{served.address}/loans")
        assert page.locator("a[href='/loans/new']").count() == 0


def test_the_bureau_takes_the_workbook(chromium: Browser, served: Served) -> None:
    with visiting(chromium) as page:
        page.goto(f"{served.address}/sign-in")
        page.locator("input[name=login]").fill("bureau")
        page.locator("input[name=password]").fill(PASSWORD)
        page.locator("form[action='/sign-in'] button").click()
        page.wait_for_url(f"{served.address}/")
        page.goto(f"{served.address}/subsidies")
        for words in ("55,086.49", "未结清", "重复申报", "参数未确认", "示例"):
            expect(page.locator("main")).to_contain_text(words)
        with page.expect_download() as waiting:
            page.get_by_role("link", name="xlsx").click()
        workbook = load_workbook(io.BytesIO(_kept(waiting.value)), data_only=True)
        cells = [str(cell.value) for sheet in workbook for row in sheet.iter_rows() for cell in row if cell.value]
        assert any("55086.49" in cell for cell in cells)
        assert any("示例" in cell for cell in cells)
        page.locator("main tbody a").first.click()
        expect(page.locator("main")).to_contain_text("A1")


def _each_page(page: Page, served: Served) -> Iterator[str]:
    """Follow links from the first page; stop once at each kind of page."""
    waiting, seen = [page.url.removeprefix(served.address)], set[str]()
    while waiting:
        address = waiting.pop(0)
        kind = _NUMBER.sub("*", address.partition("?")[0])
        if kind in seen or FILE_ADDRESS.search(address) or _NO_PAGE.search(address):
            continue
        seen.add(kind)
        answer = page.goto(served.address + address)
        assert answer is not None
        assert answer.status == 200, address
        links = page.locator("a[href^='/']").evaluate_all("links => links.map(link => link.getAttribute('href'))")
        waiting += [link.partition("#")[0] for link in links]
        yield address


@pytest.mark.parametrize("view", VIEWS)
def test_axe_finds_nothing_on_any_page(chromium: Browser, served: Served, view: str) -> None:
    look = VIEWS[view]
    found: dict[str, list[str]] = {}
    for login, count_min in (("maker", 18), ("bureau", 4)):
        with visiting(chromium, width=int(look["width"]), dark=bool(look["dark"]), bypass_csp=True) as page:
            page.goto(f"{served.address}/sign-in?lang={look['language']}")
            page.locator("input[name=login]").fill(login)
            page.locator("input[name=password]").fill(PASSWORD)
            page.locator("form[action='/sign-in'] button").click()
            page.wait_for_url(f"{served.address}/")
            count = 0
            for address in _each_page(page, served):
                count += 1
                faults = axe_violations(page)
                if not page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"):
                    faults.append("wider than the window")
                if not page.evaluate("document.documentElement.lang").startswith(look["language"]):
                    faults.append("another language")
                if "{{" in page.inner_text("body") or "None" in page.inner_text("main").split():
                    faults.append("unfinished words")
                if faults:
                    found[f"{login} {address}"] = faults
                name = re.sub(r"[^a-z0-9]+", "-", _NUMBER.sub("", address.partition("?")[0]))
                screenshot(page, f"{view}-{login}{name}")
            assert count >= count_min
    assert found == {}


def test_the_keyboard_alone_drafts_a_term_sheet(chromium: Browser, served: Served, sample: SampleCopy) -> None:
    with visiting(chromium) as page:
        page.goto(f"{served.address}/sign-in")
        tab_to(page, "input[name=login]")
        page.keyboard.type("maker")
        page.keyboard.press("Tab")
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url(f"{served.address}/")
        page.goto(f"{served.address}/loans/new?party_id={sample.outcome.parties['E4'].id}")
        for name, text in (
            ("product", "降碳贷"), ("loan_kind", "流动资金贷款"), ("purpose", "经营周转"), ("guarantee", "信用"),
            ("credit_line_cny", "20000000"), ("principal_cny", "10000000"),
            ("drawdown_date", "2025-07-01"), ("maturity_date", "2026-07-01"), ("margin_bp", "40"),
        ):  # fmt: skip
            tab_to(page, f"#field-{name}")
            if name.endswith("_date"):
                type_day(page, text)
            else:
                page.keyboard.press("Control+a")
                page.keyboard.type(text)
            assert _has_visible_focus(page), name
        tab_to(page, "form.sheet button.primary")
        assert _has_visible_focus(page)
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile(r"/term-sheets/TS-2025-\d{4}$"))
        tab_to(page, "main a.traced")
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile(r"/decisions/"))


def _has_visible_focus(page: Page) -> bool:
    """Whether the focused element or the frame of its entry is drawn with an outline."""
    return bool(
        page.evaluate(
            """() => [document.activeElement, document.activeElement.closest('.entry')].some(element => {
                const style = element && getComputedStyle(element);
                return style && ((style.outlineStyle !== 'none' && style.outlineWidth !== '0px')
                    || style.boxShadow !== 'none');
            })"""
        )
    )


def test_the_term_sheet_prints(chromium: Browser, served: Served) -> None:
    with visiting(chromium) as page:
        _enter(page, served, "maker")
        page.goto(f"{served.address}/term-sheets/TS-2025-0001")
        printed = PdfReader(io.BytesIO(page.pdf(format="A4")))
        text = _words(printed)
        assert 1 <= len(printed.pages) <= 8
        for figure in ("3.29%", "18,277.78", "333,569.49", "示例"):
            assert figure in text, figure
        for words in ("退出", "下载 PDF"):
            assert words not in text, f"{words} is printed"
        page.emulate_media(media="print")
        screenshot(page, "officer-term-sheet-print")
