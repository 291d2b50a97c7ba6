"""An approval from end to end with the keyboard alone: proposed by one person, decided by another with the password."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.conftest import Served, axe_violations, screenshot, serving, sign_in, visiting
from tests.journeys.worlds import PASSWORD, make_sample

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    sample = make_sample(tmp_path_factory.mktemp("approvals"))
    with serving(sample.environment, sample.folder) as running:
        yield running


def _tab_to(page: Page, selector: str) -> None:
    for _ in range(120):
        if page.evaluate("selector => document.activeElement?.matches(selector)", selector):
            return
        page.keyboard.press("Tab")
    pytest.fail(f"the Tab key does not reach {selector}")


def _propose(page: Page, served: Served) -> str:
    """Apply for a pledge and finish its diligence; gives the address of its approval."""
    page.goto(f"{served.address}/pledges/new")
    for name, value in (
        ("code", "P7"), ("quantity_1", "5000"), ("principal_cny", "80000.00"), ("end_date", "2025-12-31"),
    ):  # fmt: skip
        page.locator(f"[name={name}]").fill(value)
    page.locator("[name=pledgor]").select_option("91440300EXAMPLE541")
    page.locator("[name=unit_1]").fill("SZA-2024")
    page.locator("button[name=action][value=apply]").click()
    page.wait_for_url(re.compile(r"/pledges/[0-9a-f-]{36}$"))
    page.locator("[name=words]").fill("权属清晰，两处登记无在先权利")
    page.locator("form[action$='/steps'] button").click()
    address = page.locator("a[href^='/approvals/']").get_attribute("href")
    assert address is not None
    return address


def test_an_approval_needs_two_people_and_no_mouse(chromium: Browser, served: Served) -> None:
    with visiting(chromium, bypass_csp=True) as page:
        sign_in(page, served, login="maker", password=PASSWORD)
        address = _propose(page, served)
        page.goto(f"{served.address}{address}")
        assert page.locator("button[value=approve]").count() == 0, "the maker is not offered the own decision"
        assert axe_violations(page) == []
    with visiting(chromium, bypass_csp=True) as page:
        sign_in(page, served, login="checker", password=PASSWORD)
        page.goto(f"{served.address}/approvals")
        assert axe_violations(page) == []
        _tab_to(page, f"a[href='{address}']")
        page.keyboard.press("Enter")
        page.wait_for_url(f"{served.address}{address}")
        assert axe_violations(page) == []
        screenshot(page, "approval")
        _tab_to(page, "[name=accepts]")
        page.keyboard.press("Space")
        _tab_to(page, "[name=reason]")
        page.keyboard.type("同意，按当日评估结果办理")
        _tab_to(page, "[name=password]")
        page.keyboard.type(PASSWORD)
        _tab_to(page, "button[value=approve]")
        page.keyboard.press("Enter")
        page.locator("text=已生效").first.wait_for()
        assert "风险经理乙(示例)" in page.locator("#timeline").inner_text()
        page.goto(f"{served.address}/account")
        assert axe_violations(page) == []
        screenshot(page, "account")
