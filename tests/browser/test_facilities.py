"""Credit line, contract and loan note in a real browser, wide and narrow."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pytest
from playwright.sync_api import Browser, expect

from carbonfin.app.tables import all_tables
from carbonfin.kernel.dates import FixedClock
from carbonfin.storage.engine import Sessions, open_engine
from carbonfin.storage.parties import standing_of
from loans import service
from tests.app.worlds import PASSWORD, PASSWORD_HASH, SECRET
from tests.browser.conftest import Served, axe_violations, screenshot, serving, sign_in, visiting
from tests.loans.facility_samples import approved, contract_of, drawdown_of, line_of, put_in_force
from tests.loans.test_accrual import note_draft
from tests.loans.world import KNOWN_AT, furnished_bank

pytestmark = pytest.mark.browser
LOGIN = "officer@示例银行股份有限公司深圳分行"
PAGES = {
    "credit-lines": "/credit-lines",
    "credit-line-form": "/credit-lines/new",
    "credit-line": "/credit-lines/SX-2025-001",
    "loan-contract-form": "/credit-lines/SX-2025-001/contracts/new",
    "loan-contract": "/loan-contracts/HT-2025-001",
    "drawdown-form": "/loan-contracts/HT-2025-001/drawdowns/new",
    "loan-note": "/loan-notes/JJ-2025-001",
    "loan-note-overdue": "/loan-notes/JJ-P3",
    "repayment-form": "/loan-notes/JJ-P3/repayments/new",
    "loans": "/loans",
}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("facilities")
    url = f"sqlite:///{folder / 'carbonfin.db'}"
    engine = open_engine(url)
    all_tables().create_all(engine)
    with Sessions(engine).begin() as session:
        bank = furnished_bank(session, password_hash=PASSWORD_HASH)
        standing = standing_of(session, bank.officer.organization_id, FixedClock(KNOWN_AT))
        put_in_force(session, bank.officer, bank.checker, standing, line_of(bank.clothing.id), contract_of())
        for code, amount in (("JJ-2025-001", "10000000.00"), ("JJ-2025-002", "500000.00")):
            draft = drawdown_of(note_code=code, amount_cny=amount)
            waiting = service.propose_drawdown(session, bank.officer, draft, standing=standing, reason="提款")
            if code == "JJ-2025-001":
                approved(session, bank.checker, waiting, at=KNOWN_AT)
        overdue = replace(note_draft("P3", bank.clothing.id), pledge_code=None, interest_paid_to=date(2025, 5, 21))
        service.record_loan_note(session, bank.officer, overdue, known_at=KNOWN_AT)
    engine.dispose()
    environment = {"CARBONFIN_DATABASE_URL": url, "CARBONFIN_SECRET": SECRET.decode(), "CARBONFIN_VAR": str(folder)}
    with serving(environment, folder) as running:
        yield running


@pytest.mark.parametrize("width", [1280, 390])
def test_from_the_line_to_the_note(chromium: Browser, served: Served, width: int) -> None:
    with visiting(chromium, width=width, bypass_csp=True, refusals=frozenset({409})) as page:
        sign_in(page, served, login=LOGIN, password=PASSWORD)
        for name, address in PAGES.items():
            page.goto(served.address + address)
            assert axe_violations(page) == [], name
            screenshot(page, f"{name}-{width}")
            overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert overflow <= 0, name
        page.goto(served.address + PAGES["drawdown-form"])
        page.locator("input[name=note_code]").fill("JJ-2025-003")
        page.locator("input[name=amount_cny]").fill("1500000.01")
        page.locator("input[name=reason]").fill("提款")
        page.get_by_role("button", name="提交复核").click()
        expect(page.get_by_text("提款金额 1,500,000.01 元超过可提金额 1,500,000.00 元").first).to_be_visible()
        expect(page.locator("input[name=note_code]")).to_have_value("JJ-2025-003")


@pytest.mark.parametrize("width", [1280, 390])
def test_the_value_of_a_ratchet(chromium: Browser, served: Served, width: int) -> None:
    with visiting(chromium, width=width, bypass_csp=True) as page:
        sign_in(page, served, login=LOGIN, password=PASSWORD)
        page.goto(f"{served.address}/loan-notes/JJ-2025-001")
        page.get_by_role("link", name="利差挂钩条款的价值").click()
        assert axe_violations(page) == []
        rows = ["A,-25,0.85,0.12,0.02,0.01,0", "B,-15,0.1,0.75,0.12,0.02,0.01", "C,0,0.03,0.15,0.65,0.14,0.03"]
        rows += ["D,10,0.01,0.04,0.18,0.65,0.12", "E,15,0,0.02,0.05,0.18,0.75"]
        page.locator("textarea[name=grades]").fill("\n".join(rows))
        for name, text in (("current_grade", "B"), ("discount_rate", "0.03"), ("observation_dates", "2025-12-31"),
                           ("source", "示例迁移矩阵"), ("floor_bp", "-20")):  # fmt: skip
            page.locator(f"input[name={name}]").fill(text)
        page.get_by_role("button", name="试算").click()
        expect(page.get_by_text("试算，未留存")).to_be_visible()
        assert axe_violations(page) == []
        screenshot(page, f"ratchet-value-{width}")
        overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert overflow <= 0
