"""A simulated default in a real browser: from the enforcement's page to its charts, wide and narrow."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from carbonfin.kernel.dates import end_of_china_day
from carbonfin.storage.engine import Sessions, open_engine
from pricing.service import import_price_file
from tests.browser.conftest import Served, axe_violations, screenshot, serving, sign_in, visiting
from tests.browser.test_haircuts import put_policy_in_force
from tests.collateral.test_default_simulations import quotes
from tests.collateral.world import TODAY
from tests.journeys.worlds import PASSWORD, make_sample

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    sample = make_sample(tmp_path_factory.mktemp("simulation"))
    put_policy_in_force(sample)
    engine = open_engine(sample.url)
    with Sessions(engine).begin() as session:
        report = import_price_file(
            session, sample.outcome.maker, content=quotes("SZA-2023"), file_name="b.csv", exchange="示例交易所",
            document="示例", known_at=end_of_china_day(TODAY), preview=False,
        )  # fmt: skip
        assert report.stored, report.failures
    engine.dispose()
    with serving(sample.environment, sample.folder) as running:
        yield running


@pytest.mark.parametrize("width", [1280, 390])
def test_a_default_is_simulated(chromium: Browser, served: Served, width: int) -> None:
    with visiting(chromium, width=width, bypass_csp=True) as page:
        sign_in(page, served, login="maker", password=PASSWORD)
        page.goto(f"{served.address}/pledges")
        page.locator("a", has_text="P3").first.click()
        page.goto(f"{page.url.split('?')[0]}/enforcement")
        page.get_by_role("link", name="处置模拟").click()
        for name, value in (("after_days", "30"), ("discount_ratio", "0.30"), ("success_ratio", "0.60"),
                            ("costs_cny", "20000.00")):  # fmt: skip
            page.locator(f"input[name={name}]").fill(value)
        page.get_by_role("button", name="模拟").click()
        expect(page.locator("#chart-recovery svg")).to_be_visible()
        expect(page.locator("#units")).to_contain_text("SZA-2024-A 第1版")
        assert axe_violations(page) == []
        screenshot(page, f"default-simulation-{width}")
        overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert overflow <= 0
