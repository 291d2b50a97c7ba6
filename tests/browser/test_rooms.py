"""The rooms of those who look after the service and its decisions, and the way from an enterprise to its term sheet.

Officers and the bureau are followed page by page in test_officer_journey.py.
"""

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from carbonfin.kernel.units import chinese_capitals
from tests.browser.conftest import FILE_ADDRESS, Served, axe_violations, screenshot, serving, sign_in, visiting
from tests.journeys.worlds import PASSWORD, make_sample

pytestmark = pytest.mark.browser

_IDENTIFIER = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")
_KEY = re.compile(r"(?<=/rules/parameters/)[a-z_]+\.[^/]+|(?<=/lines/)[^/]+")
_ELSEWHERE = ("/static/", "/problems/", "/docs/api")
"""No rooms; the description of the API, alike for everybody and larger than all rooms together, has tests of its own."""
_ROOMS = {"auditor": 25, "checker": 40, "risk": 25, "admin": 15, "operator": 5}
"""At least so many kinds of page each can reach, so that a crawl that stops short is noticed."""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    sample = make_sample(tmp_path_factory.mktemp("rooms"))
    with serving(sample.environment, sample.folder) as running:
        yield running


def _kind(address: str) -> str:
    return _KEY.sub("KEY", _IDENTIFIER.sub("ID", address.partition("?")[0].partition("#")[0]))


def _crawl(page: Page, served: Served) -> Iterator[str]:
    """Open each kind of page that links lead to, once; gives the kind while its page is open."""
    seen: set[str] = set()
    waiting = ["/"]
    while waiting:
        address = waiting.pop(0)
        kind = _kind(address)
        if kind in seen or FILE_ADDRESS.search(address) or kind.startswith(_ELSEWHERE):
            continue
        seen.add(kind)
        answer = page.goto(served.address + address)
        assert answer is not None
        assert answer.status == 200, f"{address} answered {answer.status}"
        waiting += [
            link
            for link in page.eval_on_selector_all("a[href]", "links => links.map(link => link.getAttribute('href'))")
            if link.startswith("/") and "lang=" not in link and "theme=" not in link
        ]
        yield kind


@pytest.mark.parametrize("login", list(_ROOMS))
def test_every_reachable_page_is_accessible(chromium: Browser, served: Served, login: str) -> None:
    faults = []
    count = 0
    with visiting(chromium, bypass_csp=True) as page:
        sign_in(page, served, login=login, password=PASSWORD)
        for count, kind in enumerate(_crawl(page, served), 1):  # noqa: B007 - how many there were is what is asked
            faults += [f"{kind}: {fault}" for fault in axe_violations(page)]
            screenshot(page, f"{login}{kind.replace('/', '-')}")
    assert faults == []
    assert count >= _ROOMS[login]


def test_an_officer_goes_from_enterprise_to_term_sheet_and_takes_the_pdf(
    chromium: Browser, served: Served, tmp_path: Path
) -> None:
    with visiting(chromium) as page:
        sign_in(page, served, login="maker", password=PASSWORD)
        page.locator("nav.main-navigation a", has_text="企业").click()
        page.locator("main a", has_text="示例服饰(深圳)有限公司").first.click()
        page.locator("main a", has_text="TS-2025-0001").first.click()
        expect(page.locator("main")).to_contain_text("18,277.78")
        expect(page.locator("main")).to_contain_text("333,569.49")
        expect(page.locator("main")).to_contain_text("人民币壹仟万元整")
        with page.expect_download() as started:
            page.locator("main a", has_text="PDF").first.click()
        taken = tmp_path / "sheet.pdf"
        started.value.save_as(taken)
        assert taken.read_bytes().startswith(b"%PDF-")
        traced = page.locator("a.traced").first
        traced.click()
        page.wait_for_url("**/decisions/**")
        page.locator("button", has_text="重算核对").click()
        expect(page.locator(".notice.good")).to_contain_text("重算一致")


def test_the_first_screen_answers_what_must_be_done(chromium: Browser, served: Served) -> None:
    with visiting(chromium) as page:
        sign_in(page, served, login="maker", password=PASSWORD)
        cards = page.locator(".figure-card .value")
        expect(cards).to_have_text(["3", "5,155,000.00", "210,000", "100,000", "1"])
        rows = page.locator("main table").first.locator("tbody tr")
        expect(rows.nth(0)).to_contain_text("冻结状态未知")
        expect(rows.nth(0)).to_contain_text("P4")
        expect(rows.nth(1)).to_contain_text("预警")
        expect(rows.nth(1)).to_contain_text("55,758.81")
        expect(rows.nth(2)).to_contain_text("追加担保")
        expect(rows.nth(2)).to_contain_text("132,387.66 港元")
        expect(rows).to_have_count(7)


def test_the_bureau_sees_its_own_rooms_only(chromium: Browser, served: Served) -> None:
    with visiting(chromium) as page:
        sign_in(page, served, login="bureau", password=PASSWORD)
        assert page.url == f"{served.address}/"
        rooms = ["首页", "贴息", "审批", "收件箱", "规则", "附件", "决定记录", "接口文档"]
        expect(page.locator("nav.main-navigation a")).to_have_text(rooms)


def test_amounts_echo_in_capitals_as_contracts_write_them(chromium: Browser, served: Served) -> None:
    amounts = ("10000000", "2300000.50", "855758.81", "100000001", "10010010", "1600.05", "0.30", "0.05", "120000", "0")
    with visiting(chromium) as page:
        sign_in(page, served, login="maker", password=PASSWORD)
        page.goto(f"{served.address}/loans/new")
        for amount in amounts:
            page.locator("#field-principal_cny").fill(amount)
            expect(page.locator("#capitals-principal_cny")).to_have_text(chinese_capitals(Decimal(amount)))
        for other in ("1,000", "-1", "1.005", "一"):
            page.locator("#field-principal_cny").fill(other)
            expect(page.locator("#capitals-principal_cny")).to_have_text("")
