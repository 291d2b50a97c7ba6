"""A haircut by policy in a real browser: the components as a chart, the trial and the kept one, wide and narrow."""

from collections.abc import Iterator

import msgspec
import pytest
from playwright.sync_api import Browser, Page, expect

from carbonfin.app.approvals.kinds import APPROVAL_KINDS
from carbonfin.kernel.dates import FixedClock, end_of_china_day
from carbonfin.storage import approvals
from carbonfin.storage.approvals import Answer
from carbonfin.storage.engine import Sessions, open_engine
from carbonfin.storage.parties import actor_of, people_of, standing_of
from collateral import jobs
from collateral.schemas.haircuts import HaircutPolicyIn
from collateral.service import haircut_policies
from pricing.service import import_price_file
from tests.browser.conftest import Served, axe_violations, screenshot, serving, sign_in, visiting
from tests.collateral.haircut_stacks import POLICY_BODY
from tests.collateral.test_haircut_policies import price_file
from tests.collateral.world import TODAY
from tests.journeys.worlds import PASSWORD, SampleCopy, make_sample

pytestmark = pytest.mark.browser

PAGE = "/haircut-policies/SZA-2024-A"


def put_policy_in_force(sample: SampleCopy) -> None:
    engine = open_engine(sample.url)
    at = end_of_china_day(TODAY)
    maker = sample.outcome.maker
    with Sessions(engine).begin() as session:
        ids = {one.login: one.id for one in people_of(session, maker.organization_id)}
        checker = actor_of(session, ids["checker"])
        standing = standing_of(session, maker.organization_id, FixedClock(at))
        report = import_price_file(
            session, maker, content=price_file(), file_name="a.csv", exchange="示例交易所", document="示例",
            known_at=at, preview=False,
        )  # fmt: skip
        assert report.stored, report.failures
        policy = msgspec.convert(POLICY_BODY, HaircutPolicyIn).policy()
        waiting = haircut_policies.propose_haircut_policy(session, maker, policy, standing=standing, reason="新设")
        approvals.approve(
            session, checker, waiting.id, kinds=APPROVAL_KINDS, answer=Answer(reason="同意"), at=at,
            business_date=standing.business_date,
        )  # fmt: skip
    with Sessions(engine).begin() as session:
        assert jobs.revalue(session, maker, TODAY).failures == ()
    engine.dispose()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    sample = make_sample(tmp_path_factory.mktemp("haircuts"))
    put_policy_in_force(sample)
    with serving(sample.environment, sample.folder) as running:
        yield running


def _calculate(page: Page, *, action: str) -> None:
    page.locator("input[name=unit]").fill("SZA-2024")
    page.locator("input[name=quantity_t]").fill("50000")
    page.locator("input[name=ends_on]").fill("2025-12-31")
    page.locator("input[name=emissions_t]").fill("1000000")
    page.locator("input[name=allocation_t]").fill("990000")
    page.locator("input[name=free_holding_t]").fill("60000")
    page.locator(f"button[value={action}]").click()


@pytest.mark.parametrize("width", [1280, 390])
def test_a_haircut_is_tried_and_kept(chromium: Browser, served: Served, width: int) -> None:
    with visiting(chromium, width=width, bypass_csp=True) as page:
        sign_in(page, served, login="maker", password=PASSWORD)
        page.goto(f"{served.address}/haircut-policies")
        assert axe_violations(page) == []
        screenshot(page, f"haircut-policies-{width}")
        page.goto(f"{served.address}/haircut-policies/new?start=SZA-2024-A")
        assert axe_violations(page) == []
        assert page.locator("input[name=tail_ratio]").input_value() == "0.01"
        screenshot(page, f"haircut-policy-form-{width}")
        page.goto(served.address + PAGE)
        _calculate(page, action="preview")
        expect(page.get_by_text("试算，未留存")).to_be_visible()
        expect(page.locator("#chart-components svg")).to_be_visible()
        expect(page.get_by_text("平均处置天数")).to_be_visible()
        assert axe_violations(page) == []
        screenshot(page, f"haircut-policy-{width}")
        _calculate(page, action="record")
        expect(page.get_by_role("link", name="打开决定记录")).to_be_visible()
        overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert overflow <= 0


@pytest.mark.parametrize("width", [1280, 390])
def test_an_appraisal_and_a_pledge_say_by_which_policy_and_why(chromium: Browser, served: Served, width: int) -> None:
    with visiting(chromium, width=width, bypass_csp=True) as page:
        sign_in(page, served, login="maker", password=PASSWORD)
        page.goto(f"{served.address}/pledges/new")
        page.locator("input[name=code]").fill("TRY-1")
        page.locator("select[name=pledgor]").select_option(index=2)
        page.locator("input[name=unit_1]").fill("SZA-2024")
        page.locator("input[name=quantity_1]").fill("10000")
        page.locator("input[name=principal_cny]").fill("100000.00")
        page.locator("input[name=end_date]").fill("2025-07-31")
        page.locator("button[value=appraise]").click()
        expect(page.locator("#haircuts")).to_contain_text("SZA-2024-A 第1版，起决定作用：")
        assert axe_violations(page) == []
        screenshot(page, f"appraisal-haircut-{width}")
        page.goto(f"{served.address}/pledges")
        page.locator("a", has_text="P3").first.click()
        expect(page.locator("#haircuts")).to_contain_text("SZA-2023")
        expect(page.locator("#haircuts")).to_contain_text("按保守值")
        assert axe_violations(page) == []
        screenshot(page, f"pledge-haircut-{width}")


@pytest.mark.parametrize("width", [1280, 390])
def test_a_monthly_report_is_made_and_fetched(chromium: Browser, served: Served, width: int) -> None:
    with visiting(chromium, width=width, bypass_csp=True) as page:
        sign_in(page, served, login="maker", password=PASSWORD)
        page.goto(served.address + PAGE)
        page.get_by_role("link", name="月报").click()
        page.locator("input[name=unit]").fill("SZA-2024")
        page.locator("input[name=quantity_t]").fill("50000")
        page.get_by_role("button", name="生成并留存").click()
        expect(page.locator("#tested")).to_contain_text("按本政策")
        expect(page.locator("#chart-sensitivity svg")).to_be_visible()
        assert axe_violations(page) == []
        screenshot(page, f"haircut-report-{width}")
        address = page.get_by_role("link", name="月报（PDF）").get_attribute("href")
        assert page.request.get(f"{served.address}{address}").body()[:5] == b"%PDF-"
        overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert overflow <= 0


@pytest.mark.parametrize("width", [1280, 390])
def test_the_book_is_put_under_stress(chromium: Browser, served: Served, width: int) -> None:
    with visiting(chromium, width=width, bypass_csp=True) as page:
        sign_in(page, served, login="maker", password=PASSWORD)
        page.goto(f"{served.address}/collateral-stresses")
        page.get_by_role("button", name="生成并留存").click()
        expect(page.locator("#scenarios")).to_contain_text("多重压力叠加", timeout=60_000)
        expect(page.locator("#chart-losses svg")).to_be_visible()
        assert axe_violations(page) == []
        screenshot(page, f"collateral-stress-{width}")
        page.locator("#scenarios").get_by_role("link", name="登记系统中断").click()
        assert "scenario=registry_outage" in page.url
        overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert overflow <= 0
