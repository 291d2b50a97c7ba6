"""Structured trades and allowance models in a browser: tried, kept, read with their trace, in both languages."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from carbonfin.app.packages import PACKAGES
from carbonfin.storage.calendars import import_builtin_calendars
from carbonfin.storage.engine import Sessions
from pricing import service
from tests.app.worlds import PASSWORD, SECRET, build_world
from tests.browser.conftest import Served, axe_violations, screenshot, serving, sign_in, visiting
from tests.pricing.instruments.trades import BUYER
from tests.pricing.test_allowance_models import FORM, _strip_file
from tests.pricing.test_forwards_on_curves import CNY_RATES, EUR_RATES, FX, _quoted
from tests.pricing.test_structures import LENDING
from tests.pricing.test_trade_documents import FPML

pytestmark = pytest.mark.browser


@pytest.fixture
def served(sqlite_sessions: Sessions, sqlite_url: str, tmp_path: Path) -> Iterator[Served]:
    """A bank with the curves of a day, served."""
    world = build_world(sqlite_sessions, packages=PACKAGES)
    with sqlite_sessions.begin() as session:
        import_builtin_calendars(session)
        service.import_builtin_market(session)
    with _quoted(world, ("rates", CNY_RATES), ("settlements", _strip_file()), ("rates", EUR_RATES), ("fx", FX)):
        pass
    environment = {
        "CARBONFIN_DATABASE_URL": sqlite_url, "CARBONFIN_SECRET": SECRET.decode(), "CARBONFIN_VAR": str(tmp_path)
    }  # fmt: skip
    with serving(environment, tmp_path) as running:
        yield running


def _sound(page: Page, what: str) -> None:
    screenshot(page, what)
    assert axe_violations(page) == [], what
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), what


@pytest.mark.parametrize(("width", "height"), [(1280, 900), (390, 844)])
def test_a_lending_is_tried_kept_and_traced(chromium: Browser, served: Served, width: int, height: int) -> None:
    with visiting(chromium, width=width, height=height, bypass_csp=True) as page:
        sign_in(page, served, login="officer", password=PASSWORD)
        page.goto(f"{served.address}/portfolios")
        page.get_by_role("link", name="结构化交易").click()
        page.get_by_role("link", name="借碳").click()
        _sound(page, f"structures-empty-{width}")
        for name, text in {"trade_id": "L1", "unit": "CEA", "quantity_t": "10000", "price_per_t": "70", "rate": "5",
                           "other_unit": "CEA"}.items():  # fmt: skip
            page.locator(f"[name={name}]").fill(text)
        for name in ("trade_date", "dates"):
            value = LENDING[name]
            page.locator(f"[name={name}]").fill(value if isinstance(value, str) else "\n".join(value))
        for name in ("side", "day_count", "vintage_risk", "surrender_risk"):
            page.locator(f"select[name={name}]").select_option(str(LENDING[name]))
        page.get_by_role("button", name="试算").click()
        expect(page.locator("main")).to_contain_text("试算，未留存")
        expect(page.locator("main")).to_contain_text("750,200.00")
        _sound(page, f"structures-tried-{width}")
        page.get_by_role("button", name="估值并留存").click()
        expect(page).to_have_url(f"{served.address}/structures/" + page.url.rsplit("/", 1)[1])
        for language, words in (("zh", "模型未计入的内容"), ("en", "What the model leaves out")):
            page.goto(f"{page.url.split('?')[0]}?lang={language}")
            expect(page.locator("main")).to_contain_text(words)
            _sound(page, f"structure-{language}-{width}")
        page.goto(f"{served.address}/structures?lang=en")
        expect(page.locator("main")).to_contain_text("Kept last")
        _sound(page, f"structures-en-{width}")


@pytest.mark.parametrize(("width", "height"), [(1280, 900), (390, 844)])
def test_a_model_is_fitted_kept_and_traced(chromium: Browser, served: Served, width: int, height: int) -> None:
    with visiting(chromium, width=width, height=height, bypass_csp=True) as page:
        sign_in(page, served, login="officer", password=PASSWORD)
        page.goto(f"{served.address}/portfolios")
        page.get_by_role("link", name="配额模型").click()
        for name in ("unit", "options"):
            page.locator(f"[name={name}]").fill(FORM[name])
        page.get_by_role("button", name="校准并试算").click()
        expect(page.locator("main")).to_contain_text("试算，未留存")
        _sound(page, f"models-tried-{width}")
        page.get_by_role("button", name="校准并留存").click()
        expect(page.locator("main")).to_contain_text("计算过程")
        for language, words in (("zh", "使用前须知"), ("en", "Before believing it")):
            page.goto(f"{page.url.split('?')[0]}?lang={language}")
            expect(page.locator("main")).to_contain_text(words)
            _sound(page, f"model-{language}-{width}")
        for kind, words in (("carmona_hinz", "Penalty a tonne"), ("carmona_hinz_two_periods", "Fraction carried over")):
            page.goto(f"{served.address}/models?kind={kind}&lang=en")
            expect(page.locator("main")).to_contain_text(words)
            _sound(page, f"{kind}-en-{width}")


@pytest.mark.parametrize(("width", "height"), [(1280, 900), (390, 844)])
def test_a_trade_document_is_brought_into_a_book(chromium: Browser, served: Served, width: int, height: int) -> None:
    with visiting(chromium, width=width, height=height, bypass_csp=True, refusals=frozenset({422})) as page:
        sign_in(page, served, login="officer", password=PASSWORD)
        page.goto(f"{served.address}/portfolios/upload")
        page.locator("[name=file]").set_input_files(
            {"name": "交易.xml", "mimeType": "text/xml", "buffer": FPML.replace("<price>71.25<", "<price>0<").encode()}
        )
        for name, text in {"code": "OTC", "name": "场外远期", "own_party": str(BUYER.code)}.items():
            page.locator(f"[name={name}]").fill(text)
        page.get_by_role("button", name="预览").click()
        expect(page.locator("main")).to_contain_text("交易 1")
        _sound(page, f"trade-book-{width}")
