"""Risk, backtests and volatilities in a browser: in both languages, accessible, within a phone."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from carbonfin.app.packages import PACKAGES
from carbonfin.storage.engine import Sessions
from pricing import service
from tests.app.worlds import PASSWORD, SECRET, build_world
from tests.browser.conftest import Served, axe_violations, screenshot, serving, sign_in, visiting
from tests.pricing.markets import F1, spot
from tests.pricing.test_risk_methods import LINE, UNIT, add_rates, add_vintage
from tests.pricing.worlds import add_market

pytestmark = pytest.mark.browser


@pytest.fixture
def served(sqlite_sessions: Sessions, sqlite_url: str, tmp_path: Path) -> Iterator[tuple[Served, str]]:
    """A bank with the quotes of one vintage and of rates, served; with a portfolio, of which two lines have no history."""
    world = build_world(sqlite_sessions, packages=PACKAGES)
    with sqlite_sessions.begin() as session:
        add_market(session, world.officer)
        add_vintage(session, world.officer, days=500)
        add_rates(session, world.officer)
        lines = (LINE, spot("M", "CEA-2024", 1_000), F1)
        portfolio = service.save_portfolio(session, world.officer, code="V1", name="深圳与全国配额", lines=lines)
    environment = {
        "CARBONFIN_DATABASE_URL": sqlite_url, "CARBONFIN_SECRET": SECRET.decode(), "CARBONFIN_VAR": str(tmp_path)
    }  # fmt: skip
    with serving(environment, tmp_path) as running:
        yield running, portfolio.id


@pytest.mark.parametrize(("width", "height"), [(1280, 900), (390, 844)])
def test_the_pages_are_read_in_both_languages(
    chromium: Browser, served: tuple[Served, str], width: int, height: int
) -> None:
    server, portfolio = served
    with visiting(chromium, width=width, height=height, bypass_csp=True) as page:
        sign_in(page, server, login="officer", password=PASSWORD)
        for name, address, words in (
            ("risk", f"/portfolios/{portfolio}/risk?fx_move=-10", {"zh": "各方法对照", "en": "The methods beside"}),
            ("risk-history", f"/portfolios/{portfolio}/risk?method=historical", {"zh": "相互重叠", "en": "overlap"}),
            (
                "backtest",
                f"/portfolios/{portfolio}/backtest?window=200",
                {"zh": "检验结论", "en": "What the tests say"},
            ),
            ("volatility", f"/market/volatility?unit={UNIT}", {"zh": "已知偏差", "en": "Known bias"}),
            (
                "stress-scenarios",
                "/stress-scenarios?name=内外同跌",
                {"zh": "情景编辑", "en": "Scenarios of the organisation"},
            ),
        ):
            for language, expected in words.items():
                page.goto(f"{server.address}{address}&lang={language}")
                expect(page.locator("main")).to_contain_text(expected)
                screenshot(page, f"{name}-{language}-{width}")
                assert axe_violations(page) == [], (address, language)
                assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), (address, language)
