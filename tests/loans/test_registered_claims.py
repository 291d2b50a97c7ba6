"""A link's review against the register of claimed cuts: whose claims leave the link's cut to it, and whose may not."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from carbonfin.rules.record import canonical
from carbonfin.storage import approvals
from loans import service
from loans.calc.cut_claims import ClaimantKind, CutClaim, StandingClaim
from loans.calc.linked.integrity import review_link
from loans.calc.linked.integrity_terms import ClaimFacts, Verdict
from loans.calc.linked.registered_claims import RegisteredClaims, years_rewarded
from tests.loans.conftest import Desk
from tests.loans.facility_samples import approved, drawdown_of
from tests.loans.link_samples import ENERGY, link, observation
from tests.loans.link_worlds import REPORT_FILE, LinkWorld
from tests.loans.samples import E4_USCI
from tests.loans.test_edges import key
from tests.loans.test_link_integrity import INPUTS
from tests.loans.test_link_pages import signed
from tests.loans.world import KNOWN_AT

PASSED, FAILED, UNKNOWN = Verdict.PASSED, Verdict.FAILED, Verdict.UNKNOWN
OWN = CutClaim(
    usci=E4_USCI, year=2025, measure="屋顶光伏一期", cut_t=Decimal("1000.00"), claimant_kind=ClaimantKind.LOAN,
    claimant="JJ-1", sold_t=None, investment_cny=Decimal("40000000.00"), evidence_digest="a" * 64,
)  # fmt: skip
OTHER = replace(OWN, claimant="JJ-2")
SOLD = replace(
    OWN, claimant_kind=ClaimantKind.CCER, claimant="CCER-9", sold_t=Decimal("750.00"), investment_cny=None
)  # fmt: skip


def held(*claims: tuple[CutClaim, str]) -> RegisteredClaims:
    standing = tuple(
        StandingClaim(decision_id=f"d-{number}", claim=claim, claimed_t=Decimal(claimed_t))
        for number, (claim, claimed_t) in enumerate(claims, start=1)
    )
    return RegisteredClaims(first_year=2025, last_year=2025, standing=standing, own_notes=("JJ-1",))


@pytest.mark.parametrize(
    ("registered", "beyond", "verdict", "words"),
    [
        (held(), (), PASSED, "本行登记 2025 年无主张；登记以外经核实无主张"),
        (held(), None, UNKNOWN, "未核实"),
        (held(), ("CCER-7",), FAILED, "CCER-7"),
        (held((OWN, "250.00")), (), PASSED, "1 项主张"),
        (held((OWN, "250.00"), (OTHER, "250.00"), (SOLD, "500.00")), (), PASSED, "3 项主张"),
        (held((OTHER, "250.00")), (), UNKNOWN, "借据 JJ-2（2025 年“屋顶光伏一期”250.00 吨）"),
        (held((SOLD, "750.00")), (), UNKNOWN, "已售 CCER CCER-9（2025 年“屋顶光伏一期”750.00 吨）"),
        (held((OWN, "250.00"), (replace(SOLD, measure="余热回收"), "1.00")), (), UNKNOWN, "余热回收"),
        (held((OWN, "250.00"), (replace(SOLD, year=2026), "1.00")), (), UNKNOWN, "2026 年"),
        (held((OWN, "250.01"), (SOLD, "750.00")), (), FAILED, "主张合计超过措施减排量"),
        # a credit that happens to bear the number of the contract's note is no note of it
        (held((replace(SOLD, claimant="JJ-1"), "750.00")), (), UNKNOWN, "已售 CCER JJ-1"),
    ],
)  # fmt: skip
def test_the_register_decides_who_claims_the_cut(
    registered: RegisteredClaims, beyond: tuple[str, ...] | None, verdict: Verdict, words: str
) -> None:
    claims = ClaimFacts(green_power_counted_twice=False, claimed_elsewhere=beyond, registered=registered)
    found = review_link(replace(INPUTS, claims=claims))
    check = next(one for one in found.checks if one.code == "single-claim")
    assert (check.verdict, words in check.evidence_zh) == (verdict, True), check.evidence_zh
    figures = {one.name: one for one in found.trace}
    names = tuple(f"registered_claim.{number}" for number in range(1, len(registered.standing) + 1))
    assert figures["check.single-claim"].inputs == names
    assert [figures[name].value for name in names] == [str(one.claimed_t) for one in registered.standing]
    assert all(figures[name].source.startswith("决定 d-") for name in names)


def test_a_review_of_before_the_register_was_read_keeps_its_text() -> None:
    assert "registered" not in canonical(INPUTS.claims)


def test_the_years_are_those_after_the_earliest_baseline_up_to_the_last_observation() -> None:
    assert years_rewarded(link()) == range(2025, 2026)
    older = link(
        kpis=(replace(ENERGY, baseline_year=2021), link().kpis[1]),
        observations=(observation(1, date(2026, 12, 31), date(2027, 3, 31)),),
    )
    assert years_rewarded(older) == range(2022, 2027)
    late = link(kpis=(replace(ENERGY, baseline_year=2030), replace(link().kpis[1], baseline_year=2030)))
    assert years_rewarded(late) == range(2025, 2026), "a baseline after the last observation rewards its year alone"


def claimed(desk: Desk, name: str, **body: str | int) -> None:
    """Put a claim in the register with another person's approval."""
    said = {
        "usci": E4_USCI, "year": 2025, "measure": "屋顶光伏一期", "cut_t": "1000",
        "evidence_digest": REPORT_FILE.digest, "reason": "主张",
    } | body  # fmt: skip
    sent = desk.system.post("/v1/cut-claims", json=said, headers=key(name))
    assert sent.status_code == 202, sent.text
    with desk.sessions.begin() as session:
        waiting = approvals.load_approval(session, desk.bank.checker, sent.json()["approval_id"])
        approved(session, desk.bank.checker, waiting, at=KNOWN_AT)


def test_the_page_and_the_api_read_the_register_by_themselves(desk: Desk) -> None:
    """A credit of 400 t sold of a measure that no note of the contract claims; then the note's own 250 t beside it."""
    signed(desk)
    page = desk.get("/sustainability-links/GL-9").text
    assert "本行登记中没有对该借款人这些年度减排量的主张" in page
    claimed(desk, "r1", claimant_kind="ccer", claimant="CCER-9", sold_t="400")
    page = desk.get("/sustainability-links/GL-9").text
    assert "CCER-9" in page
    assert "其他主张" in page
    form = {"structural_change": "none", "green_power": "no", "beyond": "none", "claimed_elsewhere": ""}
    sent = desk.post("/sustainability-links/GL-9/reviews", form)
    assert sent.status_code == 303, sent.text
    told = desk.system.get("/v1/sustainability-links/GL-9").json()["review"]
    (one,) = told["registered"]
    assert (one["claimant"], one["claimed_t"], one["cut_t"], one["is_own"]) == ("CCER-9", "400.00", "1000.00", False)
    assert next(one["verdict"] for one in told["checks"] if one["code"] == "single-claim") == "unknown"
    with desk.sessions.begin() as session:
        world = LinkWorld(session=session, bank=desk.bank)
        waiting = service.propose_drawdown(
            session, desk.bank.officer, drawdown_of(), standing=world.standing, reason="提款"
        )
        approved(session, desk.bank.checker, waiting, at=KNOWN_AT)
    claimed(desk, "r2", claimant_kind="loan", claimant="JJ-2025-001", investment_cny="40000000.00")
    again = desk.system.post(
        "/v1/sustainability-links/GL-9/reviews", json={"claimed_elsewhere": []}, headers=key("review")
    ).json()
    assert next(one["verdict"] for one in again["checks"] if one["code"] == "single-claim") == "passed"
    assert [one["is_own"] for one in again["registered"]] == [False, True]
    assert "本合同借据" in desk.get("/sustainability-links/GL-9").text


def test_the_form_names_who_claims_beyond_the_register_or_says_that_nobody_does(desk: Desk) -> None:
    signed(desk)
    for form, status in (
        ({"beyond": "some", "claimed_elsewhere": ""}, 422),
        ({"beyond": "none", "claimed_elsewhere": "PH-1"}, 422),
        ({"beyond": "", "claimed_elsewhere": "PH-1"}, 422),
        ({"beyond": "some", "claimed_elsewhere": "他行 JJ-7、PH-1"}, 303),
    ):
        sent = desk.post("/sustainability-links/GL-9/reviews", form)
        assert sent.status_code == status, (form, sent.text)
        if status == 422:
            assert "有其他主张的须逐一列名" in sent.text
    told = desk.system.get("/v1/sustainability-links/GL-9").json()["review"]
    check = next(one for one in told["checks"] if one["code"] == "single-claim")
    assert (check["verdict"], check["evidence"]) == ("failed", "claimed as well by 他行 JJ-7, PH-1")
