"""Sustainability links in a real browser, wide and narrow: what is observed next, one link, and the form."""

from collections.abc import Iterator
from datetime import date

import pytest
from playwright.sync_api import Browser, expect

from carbonfin.app.tables import all_tables
from carbonfin.storage.engine import Sessions, open_engine
from tests.app.worlds import PASSWORD, PASSWORD_HASH, SECRET
from tests.browser.conftest import Served, axe_violations, screenshot, serving, sign_in, visiting
from tests.loans.link_worlds import linked_world

pytestmark = pytest.mark.browser
LOGIN = "officer@示例银行股份有限公司深圳分行"
PAGES = {
    "links": "/sustainability-links",
    "link": "/sustainability-links/GL-2025-001",
    "link-form": "/sustainability-links/new?start=GL-2025-001",
    "link-note": "/loan-notes/JJ-2025-001",
}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("links")
    url = f"sqlite:///{folder / 'carbonfin.db'}"
    engine = open_engine(url)
    all_tables().create_all(engine)
    with Sessions(engine).begin() as session:
        world = linked_world(session, password_hash=PASSWORD_HASH)
        world.roll(date(2025, 11, 3))
        world.observe()
        world.roll(date(2025, 12, 30))
        world.hand_in(document_date="2025-12-20", received_date="2025-12-30")
        world.observe()
    engine.dispose()
    environment = {"CARBONFIN_DATABASE_URL": url, "CARBONFIN_SECRET": SECRET.decode(), "CARBONFIN_VAR": str(folder)}
    with serving(environment, folder) as running:
        yield running


@pytest.mark.parametrize("width", [1280, 390])
def test_a_link_from_the_list_to_its_rate(chromium: Browser, served: Served, width: int) -> None:
    with visiting(chromium, width=width, bypass_csp=True, refusals=frozenset({409})) as page:
        sign_in(page, served, login=LOGIN, password=PASSWORD)
        for name, address in PAGES.items():
            page.goto(served.address + address)
            assert axe_violations(page) == [], name
            screenshot(page, f"{name}-{width}")
            overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert overflow <= 0, name
        page.goto(served.address + PAGES["link"])
        expect(page.get_by_text("-1,625.00").first).to_be_visible()
        page.locator("input[name=observation_number]").last.fill("1")
        page.locator("input[name=observation_reason]").fill("再次认定")
        page.get_by_role("button", name="提交认定").click()
        expect(page.get_by_text("没有改变结论的新材料").first).to_be_visible()
        expect(page.locator("input[name=observation_reason]")).to_have_value("再次认定")
