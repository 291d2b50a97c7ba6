"""Statistics, policy what-if and disclosures in a real browser, wide and narrow."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import Served, axe_violations, screenshot, serving, sign_in, visiting
from tests.journeys.worlds import PASSWORD, make_sample

pytestmark = pytest.mark.browser
_IS_WIDER = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    sample = make_sample(tmp_path_factory.mktemp("statistics"))
    with serving(sample.environment, sample.folder) as running:
        yield running


@pytest.mark.parametrize("width", [1280, 390])
def test_the_bureau_counts_and_tries_other_terms(chromium: Browser, served: Served, width: int) -> None:
    with visiting(chromium, width=width, bypass_csp=True) as page:
        sign_in(page, served, login="bureau", password=PASSWORD)
        page.goto(f"{served.address}/statistics?first=2024Q1&last=2025Q4&by=bank")
        expect(page.locator("#financing")).to_contain_text("贷款投放")
        assert (axe_violations(page), page.evaluate(_IS_WIDER)) == ([], False)
        screenshot(page, f"statistics-bureau-{width}")
        page.goto(f"{served.address}/subsidies/what-if?scheme=nanshan-2025&rate=0.4")
        expect(page.locator("#moves")).to_contain_text("44,069.19")
        assert (axe_violations(page), page.evaluate(_IS_WIDER)) == ([], False)
        screenshot(page, f"what-if-{width}")


@pytest.mark.parametrize("width", [1280, 390])
def test_a_bank_counts_and_discloses(chromium: Browser, served: Served, width: int) -> None:
    with visiting(chromium, width=width, bypass_csp=True) as page:
        sign_in(page, served, login="maker", password=PASSWORD)
        page.goto(f"{served.address}/statistics?first=2024Q1&last=2025Q4")
        expect(page.locator("#budget")).to_contain_text("未确认")
        assert (axe_violations(page), page.evaluate(_IS_WIDER)) == ([], False)
        screenshot(page, f"statistics-bank-{width}")
        page.goto(f"{served.address}/bank-disclosures")
        expect(page.locator("#financed")).to_contain_text("PCAF")
        assert (axe_violations(page), page.evaluate(_IS_WIDER)) == ([], False)
        screenshot(page, f"disclosure-{width}")
