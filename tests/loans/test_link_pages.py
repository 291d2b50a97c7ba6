"""The officer's pages and the API of sustainability links, from the form to the rate."""

from typing import Any

from carbonfin.kernel.dates import FixedClock
from carbonfin.storage.approvals import OPEN_STATES, approvals_of
from carbonfin.storage.files import store_file
from carbonfin.storage.parties import standing_of
from tests.app.worlds import NOW
from tests.loans.conftest import Desk
from tests.loans.facility_samples import approved, contract_of, line_of, put_in_force
from tests.loans.link_worlds import LINK, REPORT_FILE
from tests.loans.samples import E4_USCI

FORM = {
    "number": "GL-9", "contract_number": "HT-2025-001", "event": "sign", "document": "补充协议(示例)",
    "kpis": "energy|单位产值综合能耗|厂界内|tce/万元|低|GB/T 2589-2020|能源审计|2024|0.50|审计报告|是|0.8|2023:0.51,2024:0.50",
    "observations": "2025-06-25 2025-06-27 energy=0.48\n2025-12-31 2026-01-31 energy=0.46",
    "form": "kpi-count", "kind": "absolute", "steps": "0:5\n1:-10", "points": "", "missed_bp": "5", "floor_bp": "-15",
    "cap_bp": "10", "all_in_floor_rate": "0.028", "late": "compensated", "verifier": "示例核查有限公司",
    "verifier_is_independent": "yes", "assurance": "limited", "needs_certificate": "no", "signed_on": "2025-06-30",
    "valid_from": "2025-06-30", "step_up_use": "用于节能改造", "bonus_depends": "no", "reason": "签订",
}  # fmt: skip


def signed(desk: Desk) -> None:
    """Put a contract in force, and sign the link's form with another person's approval."""
    with desk.sessions.begin() as session:
        standing = standing_of(session, desk.bank.officer.organization_id, FixedClock(NOW))
        put_in_force(
            session, desk.bank.officer, desk.bank.checker, standing, line_of(desk.bank.clothing.id), contract_of(),
            contract_of(number="HT-2025-002", amount="1000000.00"),
        )  # fmt: skip
        store_file(session, desk.bank.officer, REPORT_FILE, at=NOW)
    sent = desk.post("/sustainability-links/new", FORM)
    assert sent.status_code == 303, sent.text
    approve(desk)


def approve(desk: Desk) -> None:
    with desk.sessions.begin() as session:
        (waiting,) = approvals_of(session, desk.bank.officer, states=OPEN_STATES)
        approved(session, desk.bank.checker, waiting, at=NOW)


def test_from_the_form_to_the_observation(desk: Desk) -> None:
    empty = desk.get("/sustainability-links")
    assert "尚无可持续挂钩条款" in empty.text
    signed(desk)
    listed = desk.get("/sustainability-links")
    assert "GL-9" in listed.text
    assert "已过 3 天" in listed.text
    shown = desk.get("/sustainability-links/GL-9")
    assert shown.status_code == 200
    for words in ("综合利率下限 2.8%", "未提交有效核查报告：+5 BP", "单位产值综合能耗", "每份材料须有附件"):
        assert words in shown.text, words
    observed = desk.post(
        "/sustainability-links/GL-9/observations", {"observation_number": "1", "observation_reason": "截止日已过"}
    )
    assert observed.status_code == 303, observed.text
    approve(desk)
    after = desk.get("/sustainability-links/GL-9")
    assert "未提交" in after.text
    assert "#figure-level_bp" in after.text
    again = desk.post(
        "/sustainability-links/GL-9/observations", {"observation_number": "1", "observation_reason": "再次"}
    )
    assert (again.status_code, "没有改变结论的新材料" in again.text) == (409, True)
    turned = desk.post(
        "/sustainability-links/GL-9/events",
        {"event": "suspend", "event_from": "2025-06-30", "event_reason": "借款人重组"},
    )
    assert turned.status_code == 303
    approve(desk)
    assert "下浮自下一计息期起停止" in desk.get("/sustainability-links/GL-9").text


def test_a_document_is_handed_in_on_the_page(desk: Desk) -> None:
    signed(desk)
    fields = {
        "kind": "verification-report", "observation_number": "1", "evidence_digest": REPORT_FILE.digest,
        "document_date": "2025-06-26", "received_date": "2025-06-27", "usci": E4_USCI, "verifier": "示例核查有限公司",
        "is_independent": "yes", "assurance": "limited", "value_energy": "0.47",
    }  # fmt: skip
    wrong = desk.post("/sustainability-links/GL-9/documents", fields | {"received_date": "2025-07-01"})
    assert (wrong.status_code, "收到日不得晚于业务日期" in wrong.text) == (422, True)
    sent = desk.post("/sustainability-links/GL-9/documents", fields)
    assert sent.status_code == 303, sent.text
    found = desk.system.get("/v1/sustainability-links/GL-9").json()
    assert [(one["kind"], one["version"]) for one in found["documents"]] == [("verification-report", 1)]
    assert found["summary"]["upcoming"]["has_report"] is True


def test_what_was_typed_is_kept_and_the_reason_stands_at_its_field(desk: Desk) -> None:
    signed(desk)
    for changed, status, words in (
        ({"number": "GL-8", "missed_bp": "4"}, 422, "缺失不得有利"),
        ({"number": "GL-8", "kpis": "energy|能耗"}, 422, "指标一行须有 11 至 13 段"),
        ({"number": "GL-8", "observations": "2025-09-30 2025-10-31 energy=x"}, 422, "填写格式不正确"),
        ({"number": "GL-8", "points": "60,1"}, 422, "须填四项"),
        ({"number": "GL-9"}, 409, "不允许执行"),
    ):
        answer = desk.post("/sustainability-links/new", FORM | changed)
        assert (answer.status_code, words in answer.text) == (status, True), (changed, answer.text[-3000:])
        assert "用于节能改造" in answer.text
    begun = desk.get("/sustainability-links/new?start=GL-9")
    assert "energy|单位产值综合能耗|厂界内|tce/万元|低|GB/T 2589-2020|能源审计|2024|0.50|审计报告|是|0.8" in begun.text


def test_systems_propose_and_read_links_of_their_own_bank(desk: Desk) -> None:
    signed(desk)
    body = {**LINK, "number": "GL-7", "contract_number": "HT-2025-002"}
    headers = {"Idempotency-Key": "link-1"}
    first: Any = desk.system.post("/v1/sustainability-links", json=body, headers=headers)
    assert first.status_code == 202, first.text
    assert desk.system.post("/v1/sustainability-links", json=body, headers=headers).json() == first.json()
    other = desk.system.post("/v1/sustainability-links", json={**body, "reason": "另"}, headers=headers)
    assert other.status_code == 409
    listed = desk.system.get("/v1/sustainability-links").json()
    assert [one["number"] for one in listed["links"]] == ["GL-9"]
    assert desk.system.get("/v1/sustainability-links?known_on=2025-06-29").json()["links"] == []
    assert desk.stranger.get("/v1/sustainability-links/GL-9").status_code == 404
    unknown = desk.system.post(
        "/v1/sustainability-links", json={**body, "colour": 1}, headers={"Idempotency-Key": "link-2"}
    )
    assert unknown.status_code == 400
