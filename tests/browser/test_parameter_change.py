"""A parameter's new value through the browser: what it would move before it is proposed, and on the checker's page."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Served, axe_violations, screenshot, serving, sign_in, visiting
from tests.journeys.worlds import PASSWORD, make_sample

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    sample = make_sample(tmp_path_factory.mktemp("parameter"))
    with serving(sample.environment, sample.folder) as running:
        yield running


def _looked_at(page: Page, name: str) -> list[str]:
    """Give what axe finds at each width, and a row where something is wider than the window."""
    faults: list[str] = []
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        faults += [f"{name} at {width}: {fault}" for fault in axe_violations(page)]
        if page.evaluate("document.documentElement.scrollWidth") > width:
            faults.append(f"{name} is wider than {width}")
        screenshot(page, f"{name}-{width}")
    page.set_viewport_size({"width": 1280, "height": 900})
    return faults


def test_a_lower_cap_shows_whom_it_moves_to_maker_and_checker(chromium: Browser, served: Served) -> None:
    """The sample's 3.29 % is 3.00 % + 40 bp - 11 bp; with the concession capped at 5 bp it is 3.35 %."""
    faults: list[str] = []
    with visiting(chromium, bypass_csp=True) as page:
        sign_in(page, served, login="maker", password=PASSWORD)
        page.goto(f"{served.address}/rules/parameters/drafts?key=loans.jiangtandai.cap_bp")
        page.locator("[name=value]").fill("5")
        page.locator("[name=known_from]").fill("2026-12-31")
        page.locator("[name=document]").fill("示例银行降碳贷管理办法")
        page.locator("[name=document_number]").fill("示例银行〔2026〕1号")
        page.locator("[name=quote]").fill("利率优惠合计不超过五个基点。")
        page.locator("[name=grade]").select_option(index=1)
        page.locator("[name=confirmed]").select_option("yes")
        page.locator("form[action='/rules/parameters/drafts'] button").click()
        expect(page.locator("main")).to_contain_text("3.35")
        faults += _looked_at(page, "draft")
        page.locator("form[action='/rules/parameters/proposals'] [name=reason]").fill("制度修订")
        page.locator("form[action='/rules/parameters/proposals'] button.primary").click()
        page.wait_for_url("**/approvals/*")
        address = page.url
    with visiting(chromium, bypass_csp=True) as page:
        sign_in(page, served, login="checker", password=PASSWORD)
        page.goto(address)
        expect(page.locator("main")).to_contain_text("3.35")
        expect(page.locator("main")).to_contain_text("已读原文")
        expect(page.locator("main")).to_contain_text("利率优惠合计不超过五个基点。")
        faults += _looked_at(page, "approval")
        page.goto(f"{served.address}/rules/parameters/loans.settlement_day")
        page.locator("[name=known_on]").fill("2026-03-02")
        page.locator("[name=known_time]").fill("10:00")
        page.locator("form[action='/rules/parameters/loans.settlement_day'] button").click()
        expect(page.locator("main")).to_contain_text("银发〔2005〕129号")
        expect(page.locator("body")).to_contain_text("知悉截至 2026-03-02 10:00")
        faults += _looked_at(page, "parameter")
        page.goto(f"{served.address}/rules/reporting.subsidy_share?known_on=2026-03-02&known_time=10:00")
        expect(page.locator("main")).to_contain_text("按两个日期查阅")
        faults += _looked_at(page, "table")
    assert faults == []


def test_a_greater_haircut_shows_the_yuan_it_costs_and_the_calls_that_would_arise(
    chromium: Browser, served: Served
) -> None:
    """P2 loses 0.10 of 4,740,000 and P3 of 1,600,000."""
    faults: list[str] = []
    with visiting(chromium, bypass_csp=True) as page:
        sign_in(page, served, login="maker", password=PASSWORD)
        page.goto(f"{served.address}/rules/parameters/drafts?key=collateral.haircut_ratio&scope=SZA")
        page.locator("[name=value]").fill("0.60")
        page.locator("[name=known_from]").fill("2026-12-31")
        page.locator("[name=document]").fill("示例银行〔2026〕2号")
        page.locator("[name=grade]").select_option(index=1)
        page.locator("[name=confirmed]").select_option("yes")
        page.locator("form[action='/rules/parameters/drafts'] button").click()
        expect(page.locator("main")).to_contain_text("-634,000.00")
        faults += _looked_at(page, "haircut-draft")
        page.locator("form[action='/rules/parameters/proposals'] [name=reason]").fill("办法修订")
        page.locator("form[action='/rules/parameters/proposals'] button.primary").click()
        page.wait_for_url("**/approvals/*")
        address = page.url
    with visiting(chromium, bypass_csp=True) as page:
        sign_in(page, served, login="checker", password=PASSWORD)
        page.goto(address)
        expect(page.locator("main")).to_contain_text("-634,000.00")
        faults += _looked_at(page, "haircut-approval")
    assert faults == []
