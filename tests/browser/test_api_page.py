"""Swagger UI from this server alone, under the same policy as every page: it draws the operations and can be used."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from carbonfin.app.description import description
from tests.browser.conftest import Served, screenshot, serving, sign_in, visiting
from tests.journeys.worlds import PASSWORD, make_sample

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    sample = make_sample(tmp_path_factory.mktemp("api-page"))
    with serving(sample.environment, sample.folder) as running:
        yield running


_DRAWN_MS = 30_000
"""On a busy machine the page takes long to draw all operations; how long, no test says."""


@pytest.mark.parametrize("width", [1280, 390])
def test_every_operation_is_drawn_without_a_request_elsewhere(chromium: Browser, served: Served, width: int) -> None:
    """`visiting` fails on a request that leaves the server and on what the content security policy refuses."""
    operations = len(re.findall(rb'"operationId"', description()))
    with visiting(chromium, width=width) as page:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{served.address}/docs/api")
        page.get_by_role("link", name="在线试用").click()
        expect(page.locator(".opblock").first).to_be_visible(timeout=_DRAWN_MS)
        assert len(_drawn_while_scrolling(page)) == operations
        page.mouse.wheel(0, -1_000_000)
        expect(page.locator("h1")).to_have_text("接口试用")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        screenshot(page, f"api-try-{width}")
    assert {url for url in asked if not url.startswith((served.address, "data:"))} == set()
    assert any(url.endswith("/assets/swagger/swagger_bundle.js") for url in asked)


def _drawn_while_scrolling(page: Page) -> set[str]:
    """Give the operations met on the way down: of a long list, only what is in view is drawn."""
    seen: set[str] = set()
    page.mouse.move(200, 400)
    bottom = "window.scrollY + window.innerHeight >= document.documentElement.scrollHeight - 1"
    while True:
        seen |= set(page.eval_on_selector_all(".opblock", "blocks => blocks.map(block => block.id)"))
        if page.evaluate(bottom):
            return seen
        page.mouse.wheel(0, 500)
        page.wait_for_timeout(60)


def test_a_signed_in_person_reads_and_writes_from_it(chromium: Browser, served: Served) -> None:
    with visiting(chromium) as page:
        page.set_default_timeout(_DRAWN_MS)
        sign_in(page, served, login="maker", password=PASSWORD)
        page.goto(f"{served.address}/docs/api/try#/session/read_actor")
        block = page.locator("#operations-session-read_actor")
        block.get_by_role("button", name="Try it out").click()
        block.get_by_role("button", name="Execute").click()
        expect(block.locator(".live-responses-table tr.response .response-col_status")).to_contain_text("200")
        expect(block.locator(".live-responses-table")).to_contain_text('"role": "officer"')
        page.goto(f"{served.address}/docs/api/try")
        page.goto(f"{served.address}/docs/api/try#/loans/create_rating")
        page.reload()
        block = page.locator("#operations-loans-create_rating")
        block.get_by_role("button", name="Try it out").click()
        block.locator("tr[data-param-name='Idempotency-Key'] input").fill("tried-by-hand")
        block.locator("textarea").fill('{"usci": "91440300EXAMPLE466", "year": 2024}')
        block.get_by_role("button", name="Execute").click()
        expect(block.locator(".live-responses-table tr.response .response-col_status")).to_contain_text("201")
        screenshot(page, "api-try-answer")


def test_without_script_the_reader_is_sent_to_the_page_that_needs_none(chromium: Browser, served: Served) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{served.address}/docs/api/try")
    expect(page.locator("noscript p")).to_contain_text("接口文档页不需要")
    assert page.locator("a[href='/docs/api']").count() >= 1
    context.close()
