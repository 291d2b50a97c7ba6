"""Release of a claimed cut: under four eyes, nothing overwritten, its tonnes claimed again, earlier days as they were."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from carbonfin.kernel.dates import end_of_china_day
from carbonfin.kernel.errors import Conflict, InvalidInput
from carbonfin.storage import approvals
from carbonfin.storage.approvals import Approval
from carbonfin.storage.files import store_file
from loans.calc.cut_claims import ClaimantKind, CutClaim
from loans.calc.cut_releases import CutRelease, CutReleaseInputs, decide_cut_release
from tests.loans.conftest import Desk
from tests.loans.facility_samples import approved
from tests.loans.link_worlds import REPORT_FILE, LinkWorld
from tests.loans.samples import E4_USCI
from tests.loans.test_cut_claims import LOAN, on_record
from tests.loans.test_edges import key
from tests.loans.world import KNOWN_AT

LATER = date(2025, 7, 1)
CREDIT = CutClaim(
    usci=E4_USCI, year=2025, measure="屋顶光伏一期", cut_t=Decimal("1000.00"), claimant_kind=ClaimantKind.CCER,
    claimant="CCER-9", sold_t=Decimal("750.00"), investment_cny=None, evidence_digest=REPORT_FILE.digest,
)  # fmt: skip
BODY: dict[str, Any] = {
    "usci": E4_USCI, "year": 2025, "measure": "屋顶光伏一期", "cut_t": "1000", "claimant_kind": "ccer",
    "claimant": "CCER-9", "sold_t": "750", "evidence_digest": REPORT_FILE.digest, "reason": "主张",
}  # fmt: skip


def test_what_is_left_after_a_release_is_the_cut_less_what_others_hold() -> None:
    """Of 1000 t a loan holds 250 and a credit 700, so 50 are left; without the credit 1000 - 250 = 750."""
    credit = replace(on_record(replace(CREDIT, sold_t=Decimal("700.00")), "700.00"), decision_id="22222222-0000")
    release = CutRelease(claim_id="22222222-0000", reason="已注销", evidence_digest=None)
    standing = (on_record(LOAN, "250.00"), credit)
    found = decide_cut_release(CutReleaseInputs(release=release, standing=standing, released_on=date(2025, 6, 30)))
    assert (found.released, found.left_t) == (credit, Decimal("750.00"))
    assert {one.name: one.value for one in found.trace} == {
        "cut_t": "1000.00", "released_t": "700.00", "claimed_by_others_t": "250.00", "left_t": "750.00",
    }  # fmt: skip
    with pytest.raises(Conflict) as gone:
        decide_cut_release(CutReleaseInputs(release=release, standing=standing[:1], released_on=date(2025, 6, 30)))
    assert gone.value.field == "claim_id"
    with pytest.raises(InvalidInput) as silent:
        CutRelease(claim_id="22222222-0000", reason=" ", evidence_digest=None)
    assert silent.value.field == "reason"


def test_a_release_takes_two_people_and_leaves_the_past_as_it_was(desk: Desk) -> None:
    bank = desk.bank
    with desk.sessions.begin() as session:
        store_file(session, bank.officer, REPORT_FILE, at=KNOWN_AT)
    first = claimed(desk, BODY, "c1")
    assert first["left_now_t"] == "250.00"
    assert refused_claim(desk, "c2") == 409
    address = f"/v1/cut-claims/{first['decision_id']}/releases"
    assert desk.system.post(address, json={"reason": ""}, headers=key("r0")).status_code in {400, 422}
    lacking = desk.system.post(address, json={"reason": "注销", "evidence_digest": "f" * 64}, headers=key("r1"))
    assert (lacking.status_code, lacking.json()["errors"][0]["field"]) == (422, "evidence_digest")
    other = desk.system.post(address.replace(first["decision_id"], "x"), json={"reason": "注销"}, headers=key("r2"))
    assert other.status_code == 404
    sent = {"reason": "减排量已注销", "evidence_digest": REPORT_FILE.digest}
    waiting = desk.system.post(address, json=sent, headers=key("r3"))
    assert waiting.status_code == 202, waiting.text
    assert desk.system.post(address, json=sent, headers=key("r4")).status_code == 409, "one waits already"
    assert the_claim(desk)["released"] is None, "a proposal releases nothing"
    with desk.sessions.begin() as session:
        LinkWorld(session=session, bank=bank).roll(LATER)
        proposal = approvals.load_approval(session, bank.checker, waiting.json()["approval_id"])
        approved(session, bank.checker, proposal, at=end_of_china_day(LATER))
    now = the_claim(desk)
    assert (now["claimed_t"], now["left_t"], now["left_now_t"]) == ("750.00", "250.00", "1000.00")
    released = now["released"]
    assert (released["released_t"], released["reason"]) == ("750.00", "减排量已注销")
    assert released["maker"] != released["checker"]
    before = desk.system.get("/v1/cut-claims", params={"known_on": "2025-06-30"}).json()["claims"]
    assert before == [first], "what was known before is told as it was told before"
    assert desk.system.get("/v1/cut-claims", params={"known_on": "2025-06-29"}).json()["claims"] == []
    past = desk.get("/cut-claims?known_on=2025-06-30").text
    assert "主张中" in past
    assert "已释放" not in past
    assert desk.get("/cut-claims?known_on=2025-02-30").status_code == 422
    page = desk.get("/cut-claims").text
    assert "已释放" in page
    assert "减排量已注销" in page
    assert f"/decisions/{released['decision_id']}#figure-left_t" in page
    assert desk.get(f"/cut-claims/{first['decision_id']}/release").status_code == 200
    again = desk.post(f"/cut-claims/{first['decision_id']}/release", {"reason": "再次"})
    assert again.status_code == 409
    assert "已释放" in again.text
    second = claimed(desk, BODY, "c3")
    assert (second["decision_id"] != first["decision_id"], second["left_now_t"]) == (True, "250.00")
    form = desk.post(f"/cut-claims/{second['decision_id']}/release", {"reason": "登记有误", "evidence_digest": ""})
    assert form.status_code == 303, form.text


def claimed(desk: Desk, body: dict[str, Any], name: str) -> dict[str, Any]:
    sent = desk.system.post("/v1/cut-claims", json=body, headers=key(name))
    assert sent.status_code == 202, sent.text
    with desk.sessions.begin() as session:
        waiting: Approval = approvals.load_approval(session, desk.bank.checker, sent.json()["approval_id"])
        approved(session, desk.bank.checker, waiting, at=end_of_china_day(LATER))
    return the_claim(desk)


def refused_claim(desk: Desk, name: str) -> int:
    body = BODY | {"claimant": "CCER-10", "sold_t": "250.01"}
    return desk.system.post("/v1/cut-claims", json=body, headers=key(name)).status_code


def the_claim(desk: Desk) -> dict[str, Any]:
    found: list[dict[str, Any]] = desk.system.get("/v1/cut-claims").json()["claims"]
    return found[0]
