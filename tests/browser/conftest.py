"""A real Chromium against a real server: found as $CHROMIUM, else on the PATH, else the test is skipped and says so."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

_FLAGS = (
    "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run", "--no-default-browser-check",
)  # fmt: skip
_START_S = 120
_REFUSED = "Failed to load resource: the server responded with a status of"
_NAMES = ("chromium", "chromium-browser", "google-chrome")
FILE_ADDRESS = re.compile(r"/(pdf|docx|export(/[a-z]+)?|[a-z-]+\.(csv|docx|json|jsonl|pdf|toml|xlsx))(\?|$)|^/v1/")
"""Where a link gives a file to take away: a crawl over pages does not follow it."""


def chromium_path() -> str | None:
    """Where Chromium is, if it is anywhere."""
    given = os.environ.get("CHROMIUM")
    if given:
        return given if Path(given).exists() else None
    return next((found for found in map(shutil.which, _NAMES) if found), None)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A browser; without one the test is skipped, or fails where CARBONFIN_REQUIRE_BROWSER is set."""
    path = chromium_path()
    if path is None:
        reason = "Chromium: neither $CHROMIUM nor chromium on the PATH"
        if os.environ.get("CARBONFIN_REQUIRE_BROWSER"):
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(_FLAGS))
        yield browser
        browser.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A server of its own process on the loopback."""

    address: str
    folder: Path


@contextmanager
def serving(environment: dict[str, str], folder: Path) -> Iterator[Served]:
    """Run `carbonfin serve` until the block ends."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = folder / "server.log"
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "carbonfin.app.cli", "serve", "--port", str(port)],
            env={**os.environ, **environment, "PYTHONWARNINGS": "default"},
            stdout=stream,
            stderr=subprocess.STDOUT,
        )
        address = f"http://127.0.0.1:{port}"
        try:
            _wait_until_ready(process, address, log)
            yield Served(address=address, folder=folder)
        finally:
            process.terminate()
            process.wait(timeout=20)


def _wait_until_ready(process: "subprocess.Popen[bytes]", address: str, log: Path) -> None:
    end = time.monotonic() + _START_S
    while time.monotonic() < end:
        if process.poll() is not None:
            break
        try:
            if httpx.get(f"{address}/readyz", timeout=2).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.1)
    pytest.fail(f"the server did not become ready:\n{log.read_text(errors='replace')}")


@contextmanager
def visiting(
    browser: Browser,
    *,
    width: int = 1280,
    height: int = 900,
    dark: bool = False,
    bypass_csp: bool = False,
    refusals: frozenset[int] = frozenset(),
) -> Iterator[Page]:
    """A page of a fresh visitor; any request beyond the server and any console error fails the test.

    The console also tells of answers from 400 on; `refusals` names those that the visitor meets on purpose.
    """
    context: BrowserContext = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if dark else "light",
        locale="zh-CN",
        bypass_csp=bypass_csp,
    )
    page = context.new_page()
    outside: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: outside.append(request.url) if _is_outside(request.url) else None)
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    try:
        yield page
        assert not outside, f"requests left this machine: {outside}"
        expected = {f"{_REFUSED} {status}" for status in refusals}
        complaints = [one for one in complaints if one.partition(" (")[0] not in expected]
        assert not complaints, f"the browser complained: {complaints}"
    finally:
        context.close()


def _is_outside(address: str) -> bool:
    return not address.startswith(("http://127.0.0.1:", "data:", "blob:", "about:"))


def axe_violations(page: Page) -> list[str]:
    """Run axe over the page and name what it finds; the visitor must have been made with bypass_csp.

    A page that a click has just opened may still lack its style sheet, and is waited for.
    """
    page.wait_for_load_state("load")
    found = Axe().run(page).response["violations"]
    return [f"{item['id']}: {[node['html'][:160] for node in item['nodes']][:3]}" for item in found]


def screenshot(page: Page, name: str) -> None:
    """Keep a picture of the whole page where CARBONFIN_SCREENSHOTS names a folder."""
    folder = os.environ.get("CARBONFIN_SCREENSHOTS")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)


def sign_in(page: Page, served: Served, *, login: str, password: str) -> None:
    """Sign in by the form."""
    page.goto(f"{served.address}/sign-in")
    page.locator("input[name=login]").fill(login)
    page.locator("input[name=password]").fill(password)
    page.locator("form[action='/sign-in'] button").click()
    page.wait_for_url(re.compile(re.escape(served.address) + "/(administration)?$"))
