"""The allocation what-if in a real browser: from the desk to the proposal and to what cannot be met."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import Served, axe_violations, screenshot, serving, sign_in, visiting
from tests.journeys.worlds import PASSWORD, make_sample

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    sample = make_sample(tmp_path_factory.mktemp("allocation"))
    with serving(sample.environment, sample.folder) as running:
        yield running


@pytest.mark.parametrize("width", [1280, 390])
def test_an_allocation_is_weighed(chromium: Browser, served: Served, width: int) -> None:
    with visiting(chromium, width=width, bypass_csp=True) as page:
        sign_in(page, served, login="maker", password=PASSWORD)
        page.goto(f"{served.address}/pledges")
        page.get_by_role("link", name="分配试算").click()
        page.locator("input[name=use_cost_rate]").fill("0.03")
        page.locator("input[name=movement_cost_rate]").fill("0.001")
        page.locator("select[name=pledgor]").select_option("91440300EXAMPLE2XB")
        page.get_by_role("button", name="试算").click()
        expect(page.locator("#lines")).to_contain_text("SZA-2022")
        assert axe_violations(page) == []
        screenshot(page, f"allocation-{width}")
        page.locator("select[name=pledgor]").select_option("91440300EXAMPLE11K")
        page.get_by_role("button", name="试算").click()
        expect(page.get_by_text("不能满足全部担保需求")).to_be_visible()
        assert axe_violations(page) == []
        screenshot(page, f"allocation-short-{width}")
        overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert overflow <= 0
