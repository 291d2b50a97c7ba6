"""An approval from end to end with the keyboard alone: proposed by one person, decided by another with the password."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.conftest import Served, axe_violations, screenshot, serving, sign_in, visiting
from tests.browser.keyboard import tab_to, type_day
from tests.journeys.worlds import PASSWORD, make_sample

pytestmark = pytest.mark.browser
_CHOICES_MOST = 30


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    sample = make_sample(tmp_path_factory.mktemp("approvals"))
    with serving(sample.environment, sample.folder) as running:
        yield running


def _propose(page: Page, served: Served) -> str:
    """Apply for a pledge and finish its diligence with the keyboard; gives the address of its approval."""
    page.goto(f"{served.address}/pledges/new")
    tab_to(page, "[name=pledgor]")
    for _ in range(_CHOICES_MOST):
        if page.evaluate("document.activeElement.value") == "91440300EXAMPLE541":
            break
        page.keyboard.press("ArrowDown")
    for name, value in (
        ("code", "P7"), ("unit_1", "SZA-2024"), ("quantity_1", "5000"), ("principal_cny", "80000.00"),
    ):  # fmt: skip
        tab_to(page, f"[name={name}]")
        page.keyboard.press("Control+a")
        page.keyboard.type(value)
    tab_to(page, "[name=end_date]")
    type_day(page, "2025-12-31")
    tab_to(page, "button[name=action][value=apply]")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/pledges/[0-9a-f-]{36}$"))
    tab_to(page, "[name=words]")
    page.keyboard.type("权属清晰，两处登记无在先权利")
    tab_to(page, "form[action$='/steps'] button")
    page.keyboard.press("Enter")
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
        tab_to(page, f"a[href='{address}']")
        page.keyboard.press("Enter")
        page.wait_for_url(f"{served.address}{address}")
        assert axe_violations(page) == []
        screenshot(page, "approval")
        tab_to(page, "[name=accepts]")
        page.keyboard.press("Space")
        tab_to(page, "[name=reason]")
        page.keyboard.type("同意，按当日评估结果办理")
        tab_to(page, "[name=password]")
        page.keyboard.type(PASSWORD)
        tab_to(page, "button[value=approve]")
        page.keyboard.press("Enter")
        page.locator("text=已生效").first.wait_for()
        assert "风险经理乙(示例)" in page.locator("#timeline").inner_text()
        page.goto(f"{served.address}/account")
        assert axe_violations(page) == []
        screenshot(page, "account")
