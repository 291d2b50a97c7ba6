"""A person in a browser: signing in, reading, switching language, by mouse and by keyboard."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from carbonfin.app.tables import all_tables
from carbonfin.storage.engine import Sessions, open_engine
from tests.app.worlds import PASSWORD, SECRET, build_world
from tests.browser.conftest import Served, axe_violations, screenshot, serving, sign_in, visiting

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    url = f"sqlite:///{folder / 'carbonfin.db'}"
    engine = open_engine(url)
    all_tables().create_all(engine)
    build_world(Sessions(engine))
    engine.dispose()
    environment = {"CARBONFIN_DATABASE_URL": url, "CARBONFIN_SECRET": SECRET.decode(), "CARBONFIN_VAR": str(folder)}
    with serving(environment, folder) as running:
        yield running


_PAGES = ("/", "/decisions", "/search?q=示例", "/problems", "/problems/conflict", "/docs/api", "/nothing-here")
_LOOKED_AT_ONCE = "/docs/api"
"""All operations on one page take axe minutes; language and theme are those of every page."""


def test_the_pages_are_accessible_in_both_languages_and_themes(chromium: Browser, served: Served) -> None:
    for language, dark in (("zh", False), ("en", True)):
        with visiting(chromium, dark=dark, bypass_csp=True) as page:
            page.goto(f"{served.address}/sign-in?lang={language}")
            assert axe_violations(page) == []
            screenshot(page, f"sign-in-{language}")
            sign_in(page, served, login="officer", password=PASSWORD)
            for number, address in enumerate(_PAGES[:-1]):
                if dark and address == _LOOKED_AT_ONCE:
                    continue
                page.goto(served.address + address)
                assert axe_violations(page) == [], f"{address} in {language}"
                assert page.evaluate("document.documentElement.lang") == {"zh": "zh-CN", "en": "en"}[language]
                screenshot(page, f"page-{number}-{language}")


def test_an_officer_opens_a_trace_and_replays_it(chromium: Browser, served: Served) -> None:
    with visiting(chromium) as page:
        sign_in(page, served, login="officer", password=PASSWORD)
        page.goto(f"{served.address}/decisions")
        page.locator("table tbody a").first.click()
        expect(page.locator("tr#figure-interest td.number")).to_have_text("1,700.00")
        expect(page.locator("tr#figure-rate .badge")).to_contain_text("未确认")
        page.locator("tr#figure-interest a.traced", has_text="本金").click()
        assert page.url.endswith("#figure-principal")
        screenshot(page, "decision")
        page.emulate_media(media="print")
        screenshot(page, "decision-print")


def test_a_phone_shows_everything_without_sideways_scrolling(chromium: Browser, served: Served) -> None:
    with visiting(chromium, width=390, height=844) as page:
        sign_in(page, served, login="officer", password=PASSWORD)
        for number, address in enumerate(("/", "/decisions", "/docs/api", "/problems")):
            page.goto(served.address + address)
            assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), address
            screenshot(page, f"phone-{number}")


def test_the_keyboard_reaches_search_content_and_rows(chromium: Browser, served: Served) -> None:
    with visiting(chromium) as page:
        sign_in(page, served, login="officer", password=PASSWORD)
        page.keyboard.press("Tab")
        expect(page.locator("a.skip")).to_be_focused()
        page.goto(f"{served.address}/decisions")
        page.keyboard.press("/")
        expect(page.locator("#search")).to_be_focused()
        page.keyboard.type("EXAMPLE466")
        page.keyboard.press("Enter")
        expect(page.locator("tbody a")).to_have_text("示例服饰(深圳)有限公司")
        page.goto(f"{served.address}/decisions")
        page.locator(".table-frame").focus()
        page.keyboard.press("ArrowDown")
        expect(page.locator("tbody tr").first.locator("a").first).to_be_focused()


def test_the_journey_needs_no_script(chromium: Browser, served: Served) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    sign_in(page, served, login="officer", password=PASSWORD)
    page.locator("a", has_text="English").click()
    expect(page.locator("h1")).to_have_text("Today")
    page.locator("nav a", has_text="Decisions").click()
    page.locator("table tbody a").first.click()
    expect(page.locator("tr#figure-interest td.number")).to_have_text("1,700.00")
    page.locator("form[action='/sign-out'] button").click()
    assert page.url.endswith("/sign-in")
    context.close()
