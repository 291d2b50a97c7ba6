"""Inbox, webhooks, deliveries and dead letters in a browser: seen, acted on, accessible, within a phone."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from carbonfin.kernel.actors import Role
from carbonfin.storage import messages, outbox
from carbonfin.storage.messages import DeliveryState, InboxNotice, ReceiverAnswer, WebhookDraft
from carbonfin.storage.parties import actor_of, people_of
from tests.browser.conftest import Served, axe_violations, screenshot, serving, sign_in, visiting
from tests.journeys.worlds import CLOCK, PASSWORD, SampleCopy, make_sample, opened

pytestmark = pytest.mark.browser
_HOSTILE = "<img src=x onerror=alert(1)>"
_LONG = "https://integration.core-banking.example/carbonfin/deliveries/of/the/branch/in/shenzhen?environment=rehearsal"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    sample = make_sample(tmp_path)
    _fill(sample)
    with serving(sample.environment, sample.folder) as running:
        yield running


def _fill(sample: SampleCopy) -> None:
    """Give the bank a webhook, one delivery of each state, a dead message to the registry and notices."""
    organization_id, at = sample.outcome.maker.organization_id, CLOCK.now()
    with opened(sample.url) as sessions, sessions.begin() as session:
        people = {person.login: person.id for person in people_of(session, organization_id)}
        admin = actor_of(session, people["admin"])
        messages.lay_out(session, organization_id, at=at)  # what the demonstration published goes to nobody
        messages.register_webhook(session, admin, WebhookDraft(name=_HOSTILE, url=_LONG, kinds=("*",)), at=at)
        for subject, answer, attempts in (
            ("pledge:P1", ReceiverAnswer(status=200), 1),
            ("pledge:P4", ReceiverAnswer(status=500, failure="HTTP 500"), messages.ATTEMPTS_MAX),
            ("repo:R1", ReceiverAnswer(status=None, failure="ConnectTimeout"), 0),
        ):
            messages.publish(session, admin, subject=subject, kind="event.margin_call.issued", payload={})
            messages.lay_out(session, organization_id, at=at)
            for attempt in range(attempts):
                taken = messages.take_delivery(session, organization_id, at=at + timedelta(days=attempt))
                assert taken is not None
                messages.note_answer(session, taken, answer, at=at + timedelta(days=attempt))
        letter = outbox.enqueue(session, admin, subject="pledge:P4", kind="registry.freeze", payload={})
        for attempt in range(outbox.ATTEMPTS_MAX):
            outbox.mark_failed(session, letter.id, failure="UpstreamFailed", at=at + timedelta(days=attempt))
        for key, due_on in (("k1", date(2025, 7, 2)), ("k2", None)):
            notice = InboxNotice(
                organization_id=organization_id, key=key, kind="test.waits", subject="thing:1", title_zh=_HOSTILE + key,
                title_en=_HOSTILE + key, text_zh="质押 P4 低于预警线，请在期限前处理。",
                text_en="Pledge P4 is below its warning level.", address="/approvals", role=Role.ADMINISTRATOR,
                due_on=due_on,
            )  # fmt: skip
            messages.tell(session, notice, at)


def _fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (390, 844)])
def test_the_pages_are_accessible_and_show_names_as_words(
    chromium: Browser, served: Served, width: int, height: int
) -> None:
    with visiting(chromium, width=width, height=height, bypass_csp=True) as page:
        sign_in(page, served, login="admin", password=PASSWORD)
        for name, address in (
            ("inbox", "/inbox"), ("messages", "/messages"),
            *((f"deliveries-{state.value}", f"/messages?in_state={state.value}") for state in DeliveryState),
        ):  # fmt: skip
            page.goto(f"{served.address}{address}")
            screenshot(page, f"{name}-{width}")
            assert axe_violations(page) == [], address
            assert _fits(page), address
            assert page.locator("main img").count() == 0, address
            page.goto(f"{served.address}{address}{'&' if '?' in address else '?'}lang=en")
            assert _fits(page), address
            page.goto(f"{served.address}/inbox?lang=zh")
        page.goto(f"{served.address}/messages?lang=zh")
        for summary in page.locator("main details summary").all():
            summary.click()
        screenshot(page, f"messages-open-{width}")
        assert axe_violations(page) == []
        assert _fits(page)


def test_an_administrator_notes_resends_skips_and_registers(chromium: Browser, served: Served) -> None:
    with visiting(chromium, width=1440) as page:
        sign_in(page, served, login="admin", password=PASSWORD)
        page.goto(f"{served.address}/inbox")
        notices = page.locator("main tbody tr")
        expect(notices.first).to_contain_text("k1")
        page.get_by_role("button", name="已阅").first.click()
        expect(page.locator("main")).to_contain_text("已阅通知")
        page.goto(f"{served.address}/messages")
        expect(page.locator("main")).to_contain_text("登记机构：冻结")
        page.get_by_role("button", name="跳过 pledge:P4").first.click()
        page.wait_for_url(f"{served.address}/messages")
        expect(page.get_by_role("button", name="跳过 pledge:P4")).to_have_count(0)
        page.get_by_role("button", name="重发 pledge:P4").first.click()
        page.wait_for_url(f"{served.address}/messages")
        expect(page.locator("main")).not_to_contain_text("已停止发送的报文")
        page.locator("summary", has_text="登记推送地址").click()
        page.locator("input[name=name]").fill("网点系统")
        page.locator("input[name=url]").fill("https://branch.bank.example/hook")
        page.locator("button", has_text="登记并显示密钥").click()
        expect(page.locator("code.secret")).to_contain_text("cfwh_")
        page.goto(f"{served.address}/messages")
        expect(page.locator("code.secret")).to_have_count(0)
