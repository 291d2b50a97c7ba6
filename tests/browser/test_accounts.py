"""Carbon accounts in a browser: consent, a file with faults, the account with its years; by mouse and on a phone."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from carbonfin.app.tables import all_tables
from carbonfin.storage.engine import Sessions, open_engine
from loans.feeds.account_files import ENTRY_COLUMNS
from tests.app.worlds import PASSWORD, PASSWORD_HASH, SECRET
from tests.browser.conftest import Served, axe_violations, screenshot, serving, sign_in, visiting
from tests.loans.samples import E4_USCI
from tests.loans.scorecard_worlds import consent, freeze
from tests.loans.world import furnished_bank

pytestmark = pytest.mark.browser
LOGIN = "officer@示例银行股份有限公司深圳分行"
HEAD = ENTRY_COLUMNS.example.splitlines()[0]
LINES = [
    *(f"{E4_USCI},用电量,2024,{month},0103001,{290_000 + 5_000 * month},kWh,广东,2022,,电费账单,," for month in range(1, 13)),
    *(f"{E4_USCI},发票电量,2024,{month},FP2024{month:02},{289_000 + 5_000 * month},kWh,,,,税务发票,," for month in range(1, 13)),
    *(f"{E4_USCI},抄表电量,2024,{month},0103001,{290_000 + 5_000 * month},kWh,,,,供电公司,," for month in range(1, 13)),
    f"{E4_USCI},燃料,2024,,天然气,12,万Nm3,,,,能源台账,,",
    f"{E4_USCI},增加值,2024,,,61500000,元,,,,纳税申报,,",
    f"{E4_USCI},绿电,2024,,GEC-2024-01,50000,kWh,,,绿证 GEC-2024-01,交易中心,,",
    f"{E4_USCI},用电量,2023,,0103001,4100000,kWh,广东,2021,,电费账单,,",
    f"{E4_USCI},燃料,2023,,天然气,14,万Nm3,,,,能源台账,,",
    f"{E4_USCI},增加值,2023,,,5900,元,,,,纳税申报,,",
    f"{E4_USCI},企业规模,2024,,,2,级,,,,年报,,",
    f"{E4_USCI},口径一致,2024,,,1,是否,,,,年报,,",
    f"{E4_USCI},核查等级,2024,,,2,级,,,核查报告 H-1,核查机构,,",
    f"{E4_USCI},数据质量,2024,,,2,级,,,,核查机构,,",
    f"{E4_USCI},虚报处罚,2024,,,0,次,,,信用报告 X-1,信用平台,,",
    f"{E4_USCI},营业收入,2023,,,-1,元,,,,纳税申报,,",
]  # fmt: skip


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    url = f"sqlite:///{folder / 'carbonfin.db'}"
    engine = open_engine(url)
    all_tables().create_all(engine)
    with Sessions(engine).begin() as session:
        bank = furnished_bank(session, password_hash=PASSWORD_HASH)
        consent(session, bank)
        freeze(session, bank)
    engine.dispose()
    environment = {"CARBONFIN_DATABASE_URL": url, "CARBONFIN_SECRET": SECRET.decode(), "CARBONFIN_VAR": str(folder)}
    with serving(environment, folder) as running:
        yield running


def _is_wider(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


def test_officer_records_a_consent_brings_a_file_and_reads_the_account(
    chromium: Browser, served: Served, tmp_path: Path
) -> None:
    path = tmp_path / "明细.csv"
    path.write_text("\n".join([HEAD, *LINES]) + "\n", encoding="gbk")
    for width in (1280, 390):
        with visiting(chromium, width=width, bypass_csp=True, refusals=frozenset({422})) as page:
            sign_in(page, served, login=LOGIN, password=PASSWORD)
            page.goto(f"{served.address}/enterprises")
            page.get_by_role("link", name="示例服饰").click()
            page.get_by_role("link", name="企业碳账户").first.click()
            account = page.url
            page.get_by_label("授权日").fill("2025-06-30")
            page.get_by_label("授权书编号").fill(f"授权书 2025-{width}")
            page.get_by_role("button", name="登记").click()
            expect(page.get_by_text("授权有效").first).to_be_visible()
            page.get_by_role("link", name="上传明细").click()
            page.get_by_label("文件", exact=True).set_input_files(path)
            page.get_by_role("button", name="存入合格的行").click()
            expect(page.get_by_role("table", name="有误的行")).to_contain_text("单位是否有误")
            seen = [("upload", axe_violations(page), _is_wider(page))]
            screenshot(page, f"account-upload-{width}")
            page.goto(account)
            expect(page.get_by_role("table", name="电量核对").first).to_contain_text("全年")
            seen.append(("account", axe_violations(page), _is_wider(page)))
            screenshot(page, f"account-{width}")
            page.goto(f"{account}?lang=en")
            expect(page.get_by_role("heading", name="Emissions by year")).to_be_visible()
            page.goto(f"{account}?lang=zh")
            assert seen == [("upload", [], False), ("account", [], False)]


def test_officer_rates_by_the_scorecard_and_reads_why(chromium: Browser, served: Served, tmp_path: Path) -> None:
    path = tmp_path / "明细.csv"
    path.write_text("\n".join([HEAD, *LINES]) + "\n", encoding="utf-8")
    for width in (1280, 390):
        with visiting(chromium, width=width, bypass_csp=True, refusals=frozenset({422})) as page:
            sign_in(page, served, login=LOGIN, password=PASSWORD)
            page.goto(f"{served.address}/carbon-accounts/upload")
            page.get_by_label("文件", exact=True).set_input_files(path)
            page.get_by_role("button", name="存入合格的行").click()
            page.goto(f"{served.address}/enterprises")
            page.get_by_role("link", name="示例服饰").click()
            page.get_by_role("link", name="碳评级", exact=True).click()
            page.get_by_role("button", name="按评分卡评级").click()
            expect(page.get_by_role("heading", name="影响最大的三项")).to_be_visible()
            expect(page.get_by_text("非深圳企业碳账户评级").first).to_be_visible()
            seen = [("rating", axe_violations(page), _is_wider(page))]
            screenshot(page, f"scorecard-{width}")
            with page.expect_download(timeout=90_000) as download:
                page.get_by_role("link", name="碳评级报告 PDF").click()
            assert download.value.suggested_filename.endswith(".pdf")
            page.goto(f"{served.address}/enterprises")
            expect(page.get_by_role("table", name="评级分布")).to_contain_text("C 制造业")
            seen.append(("list", axe_violations(page), _is_wider(page)))
            screenshot(page, f"heat-{width}")
            page.get_by_role("link", name="评级稳定性").click()
            expect(page.get_by_text("没有企业两年均获评级")).to_be_visible()
            seen.append(("stability", axe_violations(page), _is_wider(page)))
            screenshot(page, f"stability-{width}")
            assert seen == [("rating", [], False), ("list", [], False), ("stability", [], False)]
