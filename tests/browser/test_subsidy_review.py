"""The bureau's review in a real browser: a case proposed, its steps and the batch with its performance, wide and narrow."""

from collections.abc import Iterator
from decimal import Decimal

import pytest
from playwright.sync_api import Browser, expect

from carbonfin.app.approvals.kinds import APPROVAL_KINDS
from carbonfin.kernel.actors import Actor, Role
from carbonfin.kernel.dates import FixedClock, end_of_china_day
from carbonfin.storage import files
from carbonfin.storage.approvals import Answer, approve
from carbonfin.storage.engine import Sessions, open_engine
from carbonfin.storage.parties import actor_of, add_person, standing_of
from carbonfin.storage.rulebook import enter_parameter
from reporting import service
from reporting.calc.quarters import Quarter
from reporting.service import ReviewEntry
from tests.browser.conftest import Served, axe_violations, screenshot, serving, sign_in, visiting
from tests.journeys.worlds import PASSWORD, SampleCopy, make_sample
from tests.reporting.samples import AS_OF, KNOWN_AT
from tests.reporting.test_review import PAYEE, term

pytestmark = pytest.mark.browser


def review_begins(sample: SampleCopy) -> tuple[str, str]:
    """Read the scheme's terms in, build the report, pass and publish A1, check its account; A1 waits for payment."""
    engine = open_engine(sample.url)
    sessions, at, maker = Sessions(engine), end_of_china_day(AS_OF), sample.outcome.bureau
    with sessions.begin() as session:
        second = add_person(
            session, organization_id=maker.organization_id, login="bureau-b", name="复核人(示例)", role=Role.BUREAU,
            password_hash="!",
        )  # fmt: skip
        checker = actor_of(session, second.id)
        for key, unit, value in (("conditions", "text", "已读"), ("cap_cny", "code", "none")):
            enter_parameter(session, maker, checker, term(key, unit, value), reason="录入原文", at=at)
        enter_parameter(session, maker, checker, term("key_emitter_only", "code", "no"), reason="录入原文", at=at)
        report = service.build_report(session, maker, quarter=Quarter.parse("2025Q3"), as_of=AS_OF, told_at=KNOWN_AT)
        line = next(one for one in report.lines if one.application.reference == "A1")
    found = (line.application_id, report.report_id)
    _propose(sessions, maker, checker, found)
    engine.dispose()
    return found


def _propose(sessions: Sessions, maker: Actor, checker: Actor, found: tuple[str, str]) -> None:
    application_id, report_id = found
    at = end_of_china_day(AS_OF)
    with sessions.begin() as session:
        standing = standing_of(session, maker.organization_id, FixedClock(at))
        entry = ReviewEntry(name="review", reason="材料齐全，测算无误", amount_cny=Decimal("55086.49"))
        taken = service.propose_review_step(session, maker, application_id, entry, standing=standing)
        assert taken.waiting is not None
        waiting = [taken.waiting.id]
    for place in range(2):
        with sessions.begin() as session:
            standing = standing_of(session, maker.organization_id, FixedClock(at))
            approve(
                session, checker, waiting[-1], kinds=APPROVAL_KINDS, answer=Answer(reason="同意"), at=at,
                business_date=standing.business_date,
            )  # fmt: skip
            if place == 0:
                publish = service.propose_for_report(
                    session, maker, report_id, "publish", application_ids=None, reason="网站公示", standing=standing
                )
                waiting.append(publish.id)
    with sessions.begin() as session:
        standing = standing_of(session, maker.organization_id, FixedClock(at))
        file = files.store_file(session, maker, files.check_file("开户证明".encode(), name="开户证明.txt"), at=at)
        entry = ReviewEntry(name="payee", reason="核对开户证明", payee=PAYEE, evidence_digest=file.digest)
        service.take_review_step(session, maker, application_id, entry, standing=standing)


@pytest.fixture(scope="module")
def reviewed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, str, str]]:
    sample = make_sample(tmp_path_factory.mktemp("review"))
    application_id, report_id = review_begins(sample)
    with serving(sample.environment, sample.folder) as running:
        yield running, application_id, report_id


@pytest.mark.parametrize("width", [1280, 390])
def test_a_case_and_its_batch(chromium: Browser, reviewed: tuple[Served, str, str], width: int) -> None:
    served, application_id, report_id = reviewed
    with visiting(chromium, width=width, bypass_csp=True) as page:
        sign_in(page, served, login="bureau", password=PASSWORD)
        page.goto(f"{served.address}/subsidies/{application_id}")
        expect(page.locator("#review")).to_contain_text("公示")
        assert axe_violations(page) == []
        screenshot(page, f"review-case-{width}")
        page.goto(f"{served.address}/subsidies?report={report_id}")
        expect(page.locator("#review")).to_contain_text("审核与拨付")
        assert axe_violations(page) == []
        screenshot(page, f"review-batch-{width}")


def test_an_objection_is_recorded_with_its_file(chromium: Browser, reviewed: tuple[Served, str, str]) -> None:
    served, application_id, _ = reviewed
    with visiting(chromium) as page:
        sign_in(page, served, login="bureau", password=PASSWORD)
        page.goto(f"{served.address}/subsidies/{application_id}")
        page.locator("#review select[name=step]").select_option("object")
        page.locator("#review input[name=reason]").fill("实名书面异议：凭证金额有误")
        page.locator("#review select[name=evidence]").select_option(index=1)
        page.locator("#review form button").click()
        expect(page.locator("#review h2")).to_contain_text("异议处理中")
