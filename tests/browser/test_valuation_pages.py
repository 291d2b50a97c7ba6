"""An option's line and the profit explained in a browser: read in both languages, accessible, within a phone."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from carbonfin.app.packages import PACKAGES
from carbonfin.storage.engine import Sessions
from tests.app.worlds import PASSWORD, SECRET, build_world
from tests.browser.conftest import Served, axe_violations, screenshot, serving, sign_in, visiting
from tests.pricing.test_option_portfolios import AMERICAN, CALL, PUT, SPOT, _stored
from tests.pricing.test_options_api import DAY
from tests.pricing.test_profit_pages import FROM, _on, _quoted
from tests.pricing.worlds import add_market

pytestmark = pytest.mark.browser


@pytest.fixture
def served(sqlite_sessions: Sessions, sqlite_url: str, tmp_path: Path) -> Iterator[tuple[Served, str, str]]:
    """A bank whose book of options was valued on two days, served; with the later valuation and its portfolio."""
    world = build_world(sqlite_sessions, packages=PACKAGES)
    with sqlite_sessions.begin() as session:
        add_market(session, world.officer)
    with _quoted(world) as client:
        _on(client, _stored(client, SPOT, CALL, AMERICAN), FROM)
        portfolio_id = _stored(client, SPOT, CALL, AMERICAN, PUT, replaces=True)
        last = _on(client, portfolio_id, DAY)["valuation_id"]
    environment = {
        "CARBONFIN_DATABASE_URL": sqlite_url, "CARBONFIN_SECRET": SECRET.decode(), "CARBONFIN_VAR": str(tmp_path)
    }  # fmt: skip
    with serving(environment, tmp_path) as running:
        yield running, last, portfolio_id


@pytest.mark.parametrize(("width", "height"), [(1280, 900), (390, 844)])
def test_the_pages_are_read_in_both_languages(
    chromium: Browser, served: tuple[Served, str, str], width: int, height: int
) -> None:
    server, valuation, portfolio = served
    with visiting(chromium, width=width, height=height, bypass_csp=True) as page:
        sign_in(page, server, login="officer", password=PASSWORD)
        for name, address, words in (
            ("valuation", f"/valuations/{valuation}", {"zh": "估值明细", "en": "Present value"}),
            ("option-line", f"/valuations/{valuation}/lines/O1", {"zh": "计算过程", "en": "Trace"}),
            ("american-line", f"/valuations/{valuation}/lines/O3", {"zh": "计算过程", "en": "Trace"}),
            ("risk", f"/portfolios/{portfolio}/risk", {"zh": "期权波动率在情景中未变动", "en": "held still"}),
            ("profit", f"/valuations/{valuation}/profit", {"zh": "损益归因", "en": "Profit explained"}),
        ):  # fmt: skip
            for language, expected in words.items():
                page.goto(f"{server.address}{address}?lang={language}")
                expect(page.locator("main")).to_contain_text(expected)
                screenshot(page, f"{name}-{language}-{width}")
                assert axe_violations(page) == [], (address, language)
                assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), (address, language)
