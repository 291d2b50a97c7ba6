"""An officer in a browser: from enterprise to term sheet, with the living sheet, by mouse, on a phone and in print."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from carbonfin.app.tables import all_tables
from carbonfin.storage.engine import Sessions, open_engine
from loans import service
from tests.app.worlds import PASSWORD, PASSWORD_HASH, SECRET
from tests.browser.conftest import Served, axe_violations, screenshot, serving, sign_in, visiting
from tests.loans.samples import E4_USCI, l1_request
from tests.loans.world import BUSINESS_DATE, KNOWN_AT, furnished_bank

pytestmark = pytest.mark.browser
LOGIN = "officer@示例银行股份有限公司深圳分行"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    url = f"sqlite:///{folder / 'carbonfin.db'}"
    engine = open_engine(url)
    all_tables().create_all(engine)
    with Sessions(engine).begin() as session:
        bank = furnished_bank(session, password_hash=PASSWORD_HASH)
        service.rate_enterprise(
            session, bank.officer, bank.clothing.id, year=None, valid_on=BUSINESS_DATE, known_at=KNOWN_AT
        )
        draft = service.TermSheetDraft(
            party_id=bank.clothing.id, request=l1_request(), margin_bp=40, lpr_tenor="1Y", number=None, entry={}
        )
        service.draft_term_sheet(session, bank.officer, draft, issued_on=BUSINESS_DATE, known_at=KNOWN_AT)
    engine.dispose()
    environment = {"CARBONFIN_DATABASE_URL": url, "CARBONFIN_SECRET": SECRET.decode(), "CARBONFIN_VAR": str(folder)}
    with serving(environment, folder) as running:
        yield running


def fill_application(page: Page) -> None:
    page.get_by_label("贷款用途").fill("采购原材料")
    page.get_by_label("授信额度").fill("20000000")
    page.get_by_label("贷款金额").fill("10000000")
    page.get_by_label("提款日").fill("2025-07-01")
    page.get_by_label("到期日").fill("2026-07-01")
    page.get_by_label("加减点").fill("40")


def test_officer_goes_from_enterprise_to_term_sheet(chromium: Browser, served: Served) -> None:
    with visiting(chromium) as page:
        sign_in(page, served, login=LOGIN, password=PASSWORD)
        page.goto(f"{served.address}/enterprises")
        screenshot(page, "loans-enterprises")
        page.get_by_role("link", name="示例服饰").click()
        screenshot(page, "loans-enterprise")
        page.get_by_role("link", name="新建条款清单").click()
        screenshot(page, "loans-new-empty")
        fill_application(page)
        living = page.locator("#living-sheet")
        expect(living).to_contain_text("333,569.49")
        expect(living).to_contain_text("11,152.73")
        expect(page.get_by_label("贷款用途")).to_have_value("采购原材料")
        screenshot(page, "loans-new")
        page.get_by_label("贷款金额").fill("30000000")
        expect(living).to_contain_text("贷款金额超过授信额度")
        page.get_by_label("贷款金额").fill("10000000")
        expect(living).to_contain_text("333,569.49")
        page.get_by_role("button", name="起草条款清单").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("贷款条款清单")
        screenshot(page, "loans-term-sheet")
        with page.expect_download() as download:
            page.get_by_role("link", name="下载 PDF").click()
        assert download.value.suggested_filename.endswith(".pdf")
        page.get_by_role("link", name="3.29%").first.click()
        assert page.url.endswith("#figure-executed_rate")


def test_officer_brings_a_list_and_opens_a_rate_with_its_trace(
    chromium: Browser, served: Served, tmp_path: Path
) -> None:
    faulty, sound = tmp_path / "有误.csv", tmp_path / "名单.csv"
    faulty.write_text(f"统一社会信用代码,加减点(BP)\n{E4_USCI},四十\n", encoding="utf-8")
    sound.write_text(f"统一社会信用代码,加减点(BP)\n{E4_USCI},40\n91440300EXAMPLE541,40\n", encoding="utf-8")
    for width in (1280, 390):
        with visiting(chromium, width=width, bypass_csp=True, refusals=frozenset({422})) as page:
            sign_in(page, served, login=LOGIN, password=PASSWORD)
            page.goto(f"{served.address}/loans")
            page.get_by_role("link", name="批量定价").click()
            page.get_by_label("借款人名单").set_input_files(faulty)
            page.get_by_role("button", name="批量定价并留存").click()
            expect(page.get_by_role("table", name="有误的行")).to_contain_text("四十")
            seen = [("faulty", axe_violations(page), _is_wider(page))]
            screenshot(page, f"rate-batch-faulty-{width}")
            page.get_by_label("借款人名单").set_input_files(sound)
            page.get_by_label("起息日").fill("2025-07-01")
            page.get_by_role("button", name="批量定价并留存").click()
            expect(page.get_by_role("table", name="利率")).to_contain_text("3.29%")
            expect(page.get_by_role("table", name="未列入的借款人")).to_contain_text("91440300EXAMPLE541")
            seen.append(("batch", axe_violations(page), _is_wider(page)))
            screenshot(page, f"rate-batch-{width}")
            page.get_by_role("table", name="利率").get_by_role("link").first.click()
            expect(page.get_by_text("按当时的记录重建")).to_be_visible()
            expect(page.get_by_role("table", name="计算过程")).to_contain_text("执行利率")
            expect(page.get_by_role("table", name="决策表逐格核对")).to_contain_text("给出答案")
            seen.append(("rate", axe_violations(page), _is_wider(page)))
            screenshot(page, f"rate-batch-item-{width}")
            assert seen == [(name, [], False) for name in ("faulty", "batch", "rate")]


def _is_wider(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


def test_the_pages_are_accessible_and_fit_a_phone(chromium: Browser, served: Served) -> None:
    for width, dark, language in ((1280, False, "zh"), (390, True, "en")):
        with visiting(chromium, width=width, dark=dark, bypass_csp=True) as page:
            page.goto(f"{served.address}/sign-in?lang={language}")
            sign_in(page, served, login=LOGIN, password=PASSWORD)
            page.goto(f"{served.address}/enterprises")
            party = page.locator("table tbody a").first.get_attribute("href")
            query = (
                "product=降碳贷&loan_kind=流动资金贷款&purpose=p&guarantee=信用&credit_line_cny=20000000&principal_cny=10000000"
                "&drawdown_date=2025-07-01&maturity_date=2026-07-01&method=equal-instalment&interest_period_months=3"
                f"&settlement_day=20&basis=act/360&accrual_dates=unadjusted&lpr_tenor=1Y&margin_bp=40&party_id={party.rsplit('/', 1)[1]}"
            )
            for name, address in (
                ("list", "/enterprises"),
                ("enterprise", party),
                ("rating", f"{party}/rating"),
                ("loans", "/loans"),
                ("new", f"/loans/new?{query}"),
                ("wrong", f"/loans/new?{query}&margin_bp=x"),
            ):
                page.goto(served.address + str(address))
                assert axe_violations(page) == [], f"{address} in {language}"
                sideways = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
                assert sideways <= 0, f"{address} at {width} px scrolls sideways"
                screenshot(page, f"loans-{name}-{language}-{width}")


def test_term_sheet_prints(chromium: Browser, served: Served) -> None:
    with visiting(chromium, bypass_csp=True) as page:
        sign_in(page, served, login=LOGIN, password=PASSWORD)
        page.goto(f"{served.address}/loans")
        page.locator("a", has_text="TS-2025-0001").first.click()
        assert axe_violations(page) == []
        page.emulate_media(media="print")
        screenshot(page, "loans-term-sheet-print")
