"""A repo agreed below the bank's own haircut, as the auditor meets it: the register, the first screen, the decision."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from carbonfin.app.approvals.kinds import APPROVAL_KINDS
from carbonfin.kernel.dates import end_of_china_day
from carbonfin.storage import approvals
from carbonfin.storage.approvals import Answer
from carbonfin.storage.parties import actor_of, people_of
from tests.browser.conftest import Served, axe_violations, screenshot, serving, sign_in, visiting
from tests.collateral.world import TODAY
from tests.journeys.test_margin_pages import send, signed_in
from tests.journeys.worlds import PASSWORD, SampleCopy, make_sample

pytestmark = pytest.mark.browser

CONTRACT = {
    "action": "ask", "code": "R9", "seller": "91440300EXAMPLE541", "buyer": "0000EXAMPLEHK0000098",
    "bank_role": "arranger", "unit": "SZA-2023", "quantity_t": "1000", "purchase_date": "2025-06-30",
    "repurchase_date": "2025-07-30", "currency": "CNY", "purchase_price_amount": "10000.00", "rate": "0.0360",
    "haircut_ratio": "0.20", "settlement": "DvP", "reason": "合同", "override_reason": "授信审批委员会决议第 7 号",
}  # fmt: skip


def open_below_the_policy(sample: SampleCopy) -> None:
    with signed_in(sample, "maker") as client:
        assert send(client, "/repos/new", CONTRACT)[0] == 303
    maker = sample.outcome.maker
    with sample.opened() as sessions, sessions.begin() as session:
        ids = {one.login: one.id for one in people_of(session, maker.organization_id)}
        checker = actor_of(session, ids["checker"])
        (waiting,) = (one for one in approvals.waiting_for(session, checker, APPROVAL_KINDS) if "R9" in one.title_zh)
        approvals.approve(
            session, checker, waiting.id, kinds=APPROVAL_KINDS, answer=Answer(reason="同意"),
            at=end_of_china_day(TODAY), business_date=TODAY,
        )  # fmt: skip


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    sample = make_sample(tmp_path_factory.mktemp("override"))
    open_below_the_policy(sample)
    with serving(sample.environment, sample.folder) as running:
        yield running


def _looked_at(page: Page, name: str) -> list[str]:
    faults: list[str] = []
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        faults += [f"{name} at {width}: {fault}" for fault in axe_violations(page)]
        if page.evaluate("document.documentElement.scrollWidth") > width:
            faults.append(f"{name} is wider than {width}")
        screenshot(page, f"{name}-{width}")
    page.set_viewport_size({"width": 1280, "height": 900})
    return faults


def test_the_auditor_sees_what_the_rule_said_what_was_used_by_whom_and_why(chromium: Browser, served: Served) -> None:
    """The bank's own haircut of a repo over SZA is 0.40; 0.20 was agreed."""
    faults: list[str] = []
    words = ("授信审批委员会决议第 7 号", "客户经理甲(示例)", "风险经理乙(示例)")
    with visiting(chromium, bypass_csp=True) as page:
        sign_in(page, served, login="auditor", password=PASSWORD)
        page.goto(f"{served.address}/")
        for said in words:
            expect(page.locator("#overrides")).to_contain_text(said)
        faults += _looked_at(page, "override-home")
        page.goto(f"{served.address}/audit/overrides")
        for said in (*words, "折扣系数 0.40", "折扣系数 0.20"):
            expect(page.locator("main")).to_contain_text(said)
        faults += _looked_at(page, "override-register")
        page.get_by_role("link", name="repo:R9").click()
        for said in (*words, "40.00%", "20.00%", "carbonfin/", "QuantLib/"):
            expect(page.locator("main")).to_contain_text(said)
        faults += _looked_at(page, "override-decision")
    assert faults == []
