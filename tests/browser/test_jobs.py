"""The end of the day in a browser: asked for, seen as it happens, stopped at a missing rate, walked without script."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import Served, axe_violations, screenshot, serving, sign_in, visiting
from tests.journeys.worlds import PASSWORD, SampleCopy, make_sample

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser-jobs")]
_WAIT_MS = 240_000  # eight days are closed while other tests have the processors: how long is no promise


@pytest.fixture
def copy(tmp_path: Path) -> SampleCopy:
    return make_sample(tmp_path)


@pytest.fixture
def served(copy: SampleCopy) -> Iterator[Served]:
    with serving(copy.environment, copy.folder) as served:
        yield served


@contextmanager
def working(copy: SampleCopy) -> Iterator[None]:
    """Run `carbonfin jobs work` until the block ends."""
    with (copy.folder / "worker.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "carbonfin.app.cli", "jobs", "work"],
            env={**os.environ, **copy.environment},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=60) == 0, (copy.folder / "worker.log").read_text(encoding="utf-8")


def test_days_are_closed_in_sight_and_name_the_rate_that_is_missing(
    chromium: Browser, served: Served, copy: SampleCopy
) -> None:
    """The sample bank's exchange rate is stale on 8 July 2025: the repo in Hong Kong dollars cannot be valued."""
    with visiting(chromium, bypass_csp=True) as page:
        sign_in(page, served, login="checker", password=PASSWORD)
        page.locator("nav.main-navigation a", has_text="日终").click()
        assert axe_violations(page) == []
        page.locator("input[name=last_date]").fill("2025-07-09")
        page.locator("main button", has_text="申请日终").click()
        page.wait_for_url(re.compile(r"/jobs/[0-9a-f-]+$"))
        state = page.locator(".job-state")
        expect(state).to_contain_text("等待作业进程接手")
        assert axe_violations(page) == []
        with working(copy):
            expect(state).to_contain_text("已完成", timeout=_WAIT_MS)
        expect(page.locator("#job-progress")).to_contain_text("部分项目未能处理")
        rows = page.locator("#job-progress tbody tr")
        expect(rows).to_have_count(8)
        expect(rows.nth(5)).not_to_contain_text("HKDCNY")
        expect(rows.nth(6)).to_contain_text("R1：")
        expect(rows.nth(6)).to_contain_text("HKDCNY")
        assert axe_violations(page) == []
        screenshot(page, "job-with-failures")
        page.locator("a", has_text="返回日终").click()
        expect(page.locator(".business-date")).to_contain_text("2025-07-10")
        screenshot(page, "jobs")
    with visiting(chromium, width=390, height=844) as page:
        sign_in(page, served, login="checker", password=PASSWORD)
        page.goto(f"{served.address}/jobs")
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        screenshot(page, "phone-jobs")


def test_without_script_a_link_shows_how_far_it_is(chromium: Browser, served: Served) -> None:
    context = chromium.new_context(java_script_enabled=False, locale="zh-CN")
    page = context.new_page()
    try:
        sign_in(page, served, login="checker", password=PASSWORD)
        page.goto(f"{served.address}/jobs")
        page.locator("main button", has_text="申请日终").click()
        expect(page.locator(".job-state")).to_contain_text("排队中")
        page.locator(".actions a", has_text="刷新").click()
        expect(page.locator(".job-state")).to_contain_text("排队中")
    finally:
        context.close()
