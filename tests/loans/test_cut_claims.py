"""The register of claimed cuts: one cut claimed once by loans and sold credits, three figures never added."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from carbonfin.kernel.errors import Conflict, InvalidInput
from carbonfin.storage import approvals
from carbonfin.storage.files import store_file
from loans import service
from loans.calc.cut_claims import (
    BorrowerYear,
    ClaimantKind,
    ClaimedLoan,
    CutClaim,
    CutClaimed,
    CutClaimInputs,
    StandingClaim,
    decide_cut_claim,
    facility_cut_t,
)
from loans.calc.financed import AttributionMethod
from tests.loans.conftest import Desk
from tests.loans.facility_samples import approved, contract_of, drawdown_of, line_of, put_in_force
from tests.loans.link_worlds import REPORT_FILE, LinkWorld
from tests.loans.samples import E4_USCI
from tests.loans.test_edges import key
from tests.loans.world import KNOWN_AT

LOAN = CutClaim(
    usci=E4_USCI, year=2025, measure="屋顶光伏一期", cut_t=Decimal("1000.00"), claimant_kind=ClaimantKind.LOAN,
    claimant="JJ-1", sold_t=None, investment_cny=Decimal("40000000.00"), evidence_digest="a" * 64,
)  # fmt: skip
CREDIT = replace(
    LOAN, claimant_kind=ClaimantKind.CCER, claimant="CCER-9", sold_t=Decimal("750.01"), investment_cny=None
)
DRAWN = ClaimedLoan(principal_cny=Decimal("10000000.00"), outstanding_cny=Decimal("8000000.00"))
BORROWER = BorrowerYear(
    year=2024, company_t=1845, revenue_cny=Decimal(186000000), equity_plus_debt_cny=Decimal(128000000)
)
BODY: dict[str, Any] = {
    "usci": E4_USCI, "year": 2025, "measure": "屋顶光伏一期", "cut_t": "1000", "claimant_kind": "loan",
    "claimant": "JJ-2025-001", "investment_cny": "40000000.00", "evidence_digest": REPORT_FILE.digest, "reason": "主张",
}  # fmt: skip


def decided(claim: CutClaim, *standing: StandingClaim, **changes: Any) -> CutClaimed:
    inputs = CutClaimInputs(
        claim=claim, standing=standing, loan=DRAWN if claim.claimant_kind is ClaimantKind.LOAN else None,
        borrower=BORROWER, decided_on=date(2025, 6, 30),
    )  # fmt: skip
    return decide_cut_claim(replace(inputs, **changes))


def on_record(claim: CutClaim, claimed_t: str) -> StandingClaim:
    return StandingClaim(decision_id="11111111-0000", claim=claim, claimed_t=Decimal(claimed_t))


@pytest.mark.parametrize(
    ("cut", "loan", "investment", "expected"),
    [
        ("1000", "10000000", "40000000", "250.00"),
        ("1000", "10000000", "30000000", "333.33"),  # 333.333…
        ("0.03", "1", "2", "0.02"),  # 0.015 is a tie: half up
        ("12345.67", "5", "5", "12345.67"),
    ],
)
def test_the_facility_formula_is_cut_times_loan_over_investment(
    cut: str, loan: str, investment: str, expected: str
) -> None:
    """By hand; 碳减排支持工具: 带动的年度碳减排量 = 项目年度碳减排量 × 贷款金额 / 项目总投资."""
    found = facility_cut_t(cut_t=Decimal(cut), loan_cny=Decimal(loan), investment_cny=Decimal(investment))
    assert found == Decimal(expected)


def test_three_figures_stand_beside_each_other_and_nothing_adds_them() -> None:
    """Emissions: 8,000,000 / 186,000,000 x 1845 = 79.35, / 128,000,000 x 1845 = 115.3; the cut: 1000 / 4 = 250."""
    found = decided(LOAN)
    assert (found.claimed_t, found.left_t) == (Decimal("250.00"), Decimal("750.00"))
    assert {one.method: (one.financed_t, one.data_quality_score) for one in found.financed} == {
        AttributionMethod.PBOC_GUIDE: (Decimal("79.4"), None), AttributionMethod.PCAF: (Decimal("115.3"), 2),
    }  # fmt: skip
    figures = {one.name: one for one in found.trace}
    assert not figures["claimed_t"].confirmed, "the formula was read in a reprint"
    names = {"claimed_t", "financed_t.pboc-guide", "financed_t.pcaf"}
    assert all(len(names & set(one.inputs)) <= 1 for one in found.trace)
    lacking = decided(LOAN, borrower=None)
    assert (lacking.claimed_t, lacking.financed) == (Decimal("250.00"), ())
    assert [one.field for one in lacking.missing] == ["emissions"]


def test_the_same_tonnes_are_refused_with_both_named() -> None:
    """Of 1000 t a loan has 250: a credit of 750 fits, one of 750.01 does not."""
    loan = on_record(LOAN, "250.00")
    assert decided(replace(CREDIT, sold_t=Decimal("750.00")), loan).left_t == 0
    with pytest.raises(Conflict) as refused:
        decided(CREDIT, loan)
    assert "已售 CCER CCER-9" in refused.value.zh
    assert "借据 JJ-1（250.00 吨）" in refused.value.zh
    assert "sold CCER CCER-9" in refused.value.detail
    assert "loan note JJ-1 (250.00 t)" in refused.value.detail
    with pytest.raises(Conflict, match="loan note JJ-2"):
        decided(replace(LOAN, claimant="JJ-2"), on_record(CREDIT, "750.01"))
    with pytest.raises(Conflict, match="already"):
        decided(LOAN, loan)
    with pytest.raises(Conflict) as parted:
        decided(replace(CREDIT, cut_t=Decimal("2000.00")), loan)
    assert parted.value.field == "cut_t", "two documents of one measure state two cuts"
    assert replace(LOAN, measure=" 屋顶 光伏一期 ").measure_key == LOAN.measure_key


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"investment_cny": None}, "investment_cny"),
        ({"investment_cny": Decimal(0)}, "investment_cny"),
        ({"sold_t": Decimal(1)}, "sold_t"),
        ({"cut_t": Decimal(0)}, "cut_t"),
        ({"cut_t": Decimal("0.001")}, "cut_t"),
        ({"cut_t": Decimal("NaN")}, "cut_t"),
        ({"year": 1999}, "year"),
        ({"measure": " "}, "measure"),
        ({"claimant": ""}, "claimant"),
    ],
)
def test_a_claim_that_cannot_be_is_refused_by_its_field(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        replace(LOAN, **changes)
    assert refused.value.field == field


def test_a_loan_above_the_investment_claims_nothing() -> None:
    with pytest.raises(InvalidInput) as refused:
        decided(replace(LOAN, investment_cny=Decimal("9999999.99")))
    assert refused.value.field == "investment_cny"


def test_api_and_pages_keep_one_cut_claimed_once_under_four_eyes(desk: Desk) -> None:
    bank = desk.bank
    with desk.sessions.begin() as session:
        world = LinkWorld(session=session, bank=bank)
        put_in_force(session, bank.officer, bank.checker, world.standing, line_of(bank.clothing.id), contract_of())
        waiting = service.propose_drawdown(session, bank.officer, drawdown_of(), standing=world.standing, reason="提款")
        approved(session, bank.checker, waiting, at=KNOWN_AT)
        store_file(session, bank.officer, REPORT_FILE, at=KNOWN_AT)
    assert (
        desk.system.post("/v1/cut-claims", json=BODY | {"evidence_digest": "f" * 64}, headers=key("c0")).status_code
        == 422
    )
    first = desk.system.post("/v1/cut-claims", json=BODY, headers=key("c1"))
    assert first.status_code == 202, first.text
    credit = {name: value for name, value in BODY.items() if name != "investment_cny"}
    credit |= {"claimant_kind": "puhui", "claimant": "PH-1", "sold_t": "1000"}
    second = desk.system.post("/v1/cut-claims", json=credit, headers=key("c2"))
    assert second.status_code == 202, "nothing stands yet: whoever is approved first has the tonnes"
    assert desk.system.get("/v1/cut-claims").json()["claims"] == []
    with desk.sessions.begin() as session:
        waiting = approvals.load_approval(session, bank.checker, first.json()["approval_id"])
        approved(session, bank.checker, waiting, at=KNOWN_AT)
    with desk.sessions.begin() as session:
        waiting = approvals.load_approval(session, bank.checker, second.json()["approval_id"])
        with pytest.raises(Conflict, match="PH-1"):
            approved(session, bank.checker, waiting, at=KNOWN_AT)
    told = desk.system.get("/v1/cut-claims", params={"usci": E4_USCI, "year": 2025}).json()
    (claim,) = told["claims"]
    assert (claim["claimed_t"], claim["left_t"], claim["claimant"]) == ("250.00", "750.00", "JJ-2025-001")
    assert claim["maker"] != claim["checker"]
    assert desk.system.get("/v1/cut-claims", params={"year": 2024}).json()["claims"] == []
    page = desk.get("/cut-claims").text
    assert "屋顶光伏一期" in page
    assert "不得相加" in page
    assert f"/decisions/{claim['decision_id']}#figure-claimed_t" in page
    form = {name: str(value) for name, value in credit.items()} | {"evidence_digest": REPORT_FILE.digest}
    again = desk.post("/cut-claims/new", form)
    assert again.status_code == 409
    assert "已由 借据 JJ-2025-001（250.00 吨） 主张 250.00 吨" in again.text
    for field, wrong, name in (("year", "20x5", "年度"), ("cut_t", "1,000", "措施年度碳减排量"), ("usci", "", "企业")):
        unread = desk.post("/cut-claims/new", form | {field: wrong})
        assert unread.status_code == 422
        assert f"{name}填写格式不正确" in unread.text
    fits = desk.post("/cut-claims/new", form | {"sold_t": "750", "claimant": "PH-2"})
    assert fits.status_code == 303, fits.text
    assert desk.get("/cut-claims/new").status_code == 200
