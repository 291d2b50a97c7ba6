"""A decision table's new version through the browser: the checker sees difference, findings, effect and days."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Served, axe_violations, screenshot, serving, sign_in, visiting
from tests.journeys.worlds import PASSWORD, make_sample
from tests.rules.test_jdm_columns import by_an_editor

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    sample = make_sample(tmp_path_factory.mktemp("rule"))
    with serving(sample.environment, sample.folder) as running:
        yield running


def _looked_at(page: Page, name: str) -> list[str]:
    """Give what axe finds at each width, and a row where something is wider than the window."""
    faults: list[str] = []
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        faults += [f"{name} at {width}: {fault}" for fault in axe_violations(page)]
        if page.evaluate("document.documentElement.scrollWidth") > width:
            faults.append(f"{name} is wider than {width}")
        screenshot(page, f"{name}-{width}")
    page.set_viewport_size({"width": 1280, "height": 900})
    return faults


def _changed_table(page: Page, served: Served) -> bytes:
    """Give the built-in table of the concession's points with its half share lowered, known from the year's end."""
    text = page.request.get(f"{served.address}/rules/loans.concession_points/export/toml").text()
    known = next(line for line in text.splitlines() if line.startswith("known_from"))
    return text.replace(known, "known_from = 2026-12-31").replace('then = ["1"]', 'then = ["0.8"]').encode()


def test_a_changed_table_is_seen_whole_by_maker_and_checker(chromium: Browser, served: Served) -> None:
    faults: list[str] = []
    with visiting(chromium, bypass_csp=True) as page:
        sign_in(page, served, login="maker", password=PASSWORD)
        content = _changed_table(page, served)
        page.goto(f"{served.address}/rules/drafts")
        faults += _looked_at(page, "rules-form")
        page.locator("[name=file]").set_input_files(
            {"name": "points.toml", "mimeType": "application/toml", "buffer": content}
        )
        page.locator("form[action='/rules/drafts'] button").click()
        expect(page.locator("main")).to_contain_text("与现行版本相比 1 处不同")
        faults += _looked_at(page, "rules-draft")
        page.locator("form[action='/rules/proposals'] [name=reason]").fill("制度修订")
        page.locator("form[action='/rules/proposals'] button[value=draft]").click()
        page.wait_for_url("**/approvals/*")
        expect(page.locator("#timeline")).to_contain_text("校验通过，内容摘要")
        faults += _looked_at(page, "rules-kept")
        page.locator("form[action$='/submission'] button").click()
        expect(page.locator("main")).to_contain_text("提交复核")
        address = page.url
    with visiting(chromium, bypass_csp=True) as page:
        sign_in(page, served, login="checker", password=PASSWORD)
        page.goto(address)
        main = page.locator("main")
        for words in (
            "与现行版本的差异",
            "校验发现",
            "各期间适用的版本",
            "对全部存续贷款的影响",
            "本次提交的版本",
            "追溯生效",
        ):
            expect(main).to_contain_text(words)
        faults += _looked_at(page, "rules-approval")
        page.goto(f"{address}?lang=en")
        expect(page.locator("main")).to_contain_text("Differences from the version in force")
        faults += _looked_at(page, "rules-approval-en")
    assert faults == []


def test_a_file_of_an_editor_is_given_its_domains_on_the_page(chromium: Browser, served: Served) -> None:
    faults: list[str] = []
    with visiting(chromium, bypass_csp=True, refusals=frozenset({422})) as page:
        sign_in(page, served, login="maker", password=PASSWORD)
        text = page.request.get(f"{served.address}/rules/loans.concession_points/export/json").text()
        content = by_an_editor(text, lambda rules: rules["rules"][2].update(out_points_share="0.8")).encode()
        page.goto(f"{served.address}/rules/drafts")
        for follows, name in (("", "jdm-faults"), ("loans.concession_points", "jdm-draft")):
            page.locator("[name=file]").set_input_files(
                {"name": "points.json", "mimeType": "application/json", "buffer": content}
            )
            page.locator("[name=valid_from]").fill("2024-01-01")
            page.locator("[name=known_from]").fill("2026-12-31")
            if follows:
                page.locator("[name=follows]").select_option(follows)
            page.locator("form[action='/rules/drafts'] button").click()
            page.locator("table").first.wait_for()
            faults += _looked_at(page, name)
        expect(page.locator("main")).to_contain_text("与现行版本相比 1 处不同")
    assert faults == []
