"""Forwards and futures in euro in a browser: what they rest on, in their currency, and that they cannot be traded."""

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from carbonfin.app.packages import PACKAGES
from carbonfin.storage.calendars import import_builtin_calendars
from carbonfin.storage.engine import Sessions
from pricing import service
from tests.app.worlds import PASSWORD, SECRET, build_world
from tests.browser.conftest import Served, axe_violations, screenshot, serving, sign_in, visiting
from tests.pricing.test_api import post
from tests.pricing.test_forwards_on_curves import CNY_RATES, DAY, EUR_RATES, FX, SETTLEMENTS, _quoted, _store

pytestmark = pytest.mark.browser
FROM = "2025-06-27"
BOOK = (
    "代码,类型,品种,数量(吨),说明,约定价格(元/吨),约定价格(/吨),交割日,币种,主协议,合约代码,成交日\n"
    "H1,现货,CEA-2024,10000,自有,,,,,,,\n"
    "F1,远期,CEA,20000,买入远期,77.50,,2025-12-15,,,,\n"
    "E2,远期,EUA,5000,买入远期（欧元）,,65,2025-12-15,EUR,主协议 2024-03-01,,\n"
    "U1,期货,EUA,-3000,卖出期货（欧元）,,70.40,,EUR,,EUA-2025-12,2025-06-27\n"
)
NEXT_DAY = SETTLEMENTS.replace("70.00", "71.20").replace("72.00", "73.20")


@pytest.fixture
def served(sqlite_sessions: Sessions, sqlite_url: str, tmp_path: Path) -> Iterator[tuple[Served, str, str]]:
    """A bank whose forwards were valued on two days, served; with the later valuation and its portfolio."""
    world = build_world(sqlite_sessions, packages=PACKAGES)
    with sqlite_sessions.begin() as session:
        import_builtin_calendars(session)
        service.import_builtin_market(session)
    quotes = (("rates", CNY_RATES), ("settlements", SETTLEMENTS), ("rates", EUR_RATES), ("fx", FX))
    with _quoted(world, *((what, text.replace(DAY, FROM)) for what, text in quotes)) as client:
        content = base64.b64encode(BOOK.encode()).decode()
        body = {"file_name": "a.csv", "code": "FWD", "name": "远期组合", "content_base64": content}
        portfolio_id = post(client, "/v1/portfolios/files", body).json()["portfolio_id"]
        for day in (FROM, DAY):
            if day == DAY:
                _store(client, "settlements", NEXT_DAY)
            last = post(client, "/v1/valuations", {"valuation_date": day, "portfolio_id": portfolio_id}).json()
    environment = {
        "CARBONFIN_DATABASE_URL": sqlite_url, "CARBONFIN_SECRET": SECRET.decode(), "CARBONFIN_VAR": str(tmp_path)
    }  # fmt: skip
    with serving(environment, tmp_path) as running:
        yield running, last["valuation_id"], portfolio_id


@pytest.mark.parametrize(("width", "height"), [(1280, 900), (390, 844)])
def test_the_pages_are_read_in_both_languages(
    chromium: Browser, served: tuple[Served, str, str], width: int, height: int
) -> None:
    server, valuation, portfolio = served
    with visiting(chromium, width=width, height=height, bypass_csp=True) as page:
        sign_in(page, server, login="officer", password=PASSWORD)
        for name, address, words in (
            ("forwards", f"/valuations/{valuation}", {"zh": "仅估值，不可成交", "en": "valuation only, not tradable"}),
            ("forward-line", f"/valuations/{valuation}/lines/E2", {"zh": "现值（原币）", "en": "Trace"}),
            ("futures-line", f"/valuations/{valuation}/lines/U1", {"zh": "变动保证金（原币）", "en": "Trace"}),
            ("forward-risk", f"/portfolios/{portfolio}/risk", {"zh": "未计量的持仓", "en": "Lines left out"}),
            ("forward-profit", f"/valuations/{valuation}/profit", {"zh": "仅估值，不可成交", "en": "not tradable"}),
        ):  # fmt: skip
            for language, expected in words.items():
                page.goto(f"{server.address}{address}?lang={language}")
                expect(page.locator("main")).to_contain_text(expected)
                screenshot(page, f"{name}-{language}-{width}")
                assert axe_violations(page) == [], (address, language)
                assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), (address, language)
