"""Carbon accounts through API, pages and terminal: consent first, good rows kept, an earlier day's view."""

import base64
from typing import Any

from tests.app.worlds import PAGE, form_token
from tests.loans.conftest import Desk
from tests.loans.samples import E4_USCI

CONSENT = {"purpose": "rating", "state": "given", "given_on": "2025-06-30", "evidence": "授权书 2025-001"}
ENTRY = {
    "usci": E4_USCI, "kind": "electricity", "year": 2024, "item": "0103001", "quantity": "3600000", "unit": "kWh",
    "factor_id": "广东", "factor_year": 2022, "source": "电费账单",
}  # fmt: skip
GAS = {
    "usci": E4_USCI, "kind": "fuel", "year": 2024, "item": "natural_gas", "quantity": "12", "unit": "万Nm3",
    "source": "能源台账",
}  # fmt: skip
FILE = (
    "统一社会信用代码,项目,年度,月份,明细,数量,单位,电网因子,因子年份,证明材料,数据来源\n"
    f"{E4_USCI},用电量,2024,1,0103001,300000,kWh,广东,2022,,电费账单\n"
    f"{E4_USCI},用电量,2024,2,0103001,-1,kWh,广东,2022,,电费账单\n"
)


def posted(desk: Desk, address: str, body: dict[str, Any], key: str) -> Any:
    return desk.system.post(address, json=body, headers={"Idempotency-Key": key})


def consented(desk: Desk) -> str:
    party_id = desk.bank.clothing.id
    answer = posted(desk, f"/v1/carbon-accounts/{party_id}/consents", CONSENT, "consent")
    assert answer.status_code == 201, answer.text
    assert answer.json()["consents"] == [CONSENT | {"valid_to": None}]
    return party_id


def uploaded(desk: Desk, content: bytes, action: str) -> Any:
    token = form_token(desk.browser.get("/carbon-accounts/upload", headers=PAGE).text)
    return desk.browser.post(
        "/carbon-accounts/upload", data={"action": action, "_csrf_token": token},
        files={"file": ("明细.csv", content, "text/csv")}, headers=PAGE,
    )  # fmt: skip


def test_lines_by_body_need_consent_and_become_emissions(desk: Desk) -> None:
    refused = posted(desk, "/v1/carbon-accounts/entries", {"entries": [ENTRY]}, "first").json()
    assert (refused["added_count"], refused["failures"][0]["field"]) == (0, "usci")
    party_id = consented(desk)
    kept = posted(desk, "/v1/carbon-accounts/entries", {"entries": [ENTRY, GAS]}, "second").json()
    assert (kept["added_count"], kept["failures"], kept["stored"]) == (2, [], True)
    account = desk.system.get(f"/v1/carbon-accounts/{party_id}").json()
    year = account["years"][0]
    # 3,600 MWh x 0.4403 = 1,585.08 t; 12 万Nm3 x 389.310 x 0.01532 x 0.99 x 44/12 = 259.80 t
    assert [(part["carrier"], part["emissions_t"]) for part in year["emissions"]] == [
        ("electricity", "1585.08"), ("natural_gas", "259.80"),
    ]  # fmt: skip
    assert (year["emissions_t"], year["grid_factor_id"], year["grid_factor_year"]) == ("1844.88", "广东", 2022)
    earlier = desk.system.get(f"/v1/carbon-accounts/{party_id}", params={"known_on": "2025-06-29"}).json()
    assert (earlier["entries"], earlier["consents"]) == ([], [])
    assert desk.stranger.get(f"/v1/carbon-accounts/{party_id}").status_code == 404


def test_wrong_bodies_are_refused_by_field(desk: Desk) -> None:
    party_id = consented(desk)
    for body, status, place in (
        ({"entries": [ENTRY | {"quantity": "1e3"}]}, 400, "/entries/0/quantity"),
        ({"entries": []}, 400, "/entries"),
    ):
        answer = posted(desk, "/v1/carbon-accounts/entries", body, f"wrong-{place}-{status}")
        assert answer.status_code == status, answer.text
        assert place in answer.text
    late = posted(desk, f"/v1/carbon-accounts/{party_id}/consents", CONSENT | {"given_on": "2026-01-01"}, "late")
    assert (late.status_code, late.json()["errors"][0]["field"]) == (422, "given_on")
    nothing = desk.system.get(f"/v1/carbon-accounts/{party_id}", params={"known_on": "2025-02-30"})
    assert nothing.status_code == 422


def test_a_file_keeps_its_good_rows_and_is_refused_without_one(desk: Desk) -> None:
    party_id = consented(desk)
    body = {"file_name": "明细.csv", "content_base64": base64.b64encode(FILE.encode("gbk")).decode()}
    preview = posted(desk, "/v1/carbon-accounts/files", body | {"preview": True}, "f1").json()
    assert (preview["encoding"], preview["added_count"], preview["stored"]) == ("gb18030", 1, False)
    kept = posted(desk, "/v1/carbon-accounts/files", body, "f2").json()
    assert (kept["added_count"], [one["item"] for one in kept["failures"]]) == (1, ["line 3"])
    year = desk.system.get(f"/v1/carbon-accounts/{party_id}").json()["years"][0]
    assert year["emissions_t"] is None
    assert year["lacks"]["field"] == "month"
    head, _, bad = FILE.splitlines()
    body["content_base64"] = base64.b64encode(f"{head}\n{bad}\n".encode()).decode()
    refused = posted(desk, "/v1/carbon-accounts/files", body, "f3")
    assert refused.status_code == 422
    assert "line 2, quantity" in refused.json()["detail"]


def test_the_pages_take_a_consent_and_a_file_and_show_the_account(desk: Desk) -> None:
    party_id = desk.bank.clothing.id
    page = desk.get(f"/enterprises/{party_id}/account")
    assert page.status_code == 200
    assert "没有授权记录" in page.text
    wrong = desk.post(f"/enterprises/{party_id}/consents", CONSENT | {"evidence": " "})
    assert (wrong.status_code, "须填写授权书编号" in wrong.text) == (422, True)
    assert desk.post(f"/enterprises/{party_id}/consents", CONSENT).status_code == 303
    preview = uploaded(desk, FILE.encode(), "preview")
    assert (preview.status_code, "未存入" in preview.text) == (422, True)
    kept = uploaded(desk, FILE.encode("gbk"), "store")
    assert "新增 1" in kept.text
    assert "为负数，不接受" in kept.text
    assert uploaded(desk, b"\xff\xfe\x00", "store").status_code == 422
    posted(desk, "/v1/carbon-accounts/entries", {"entries": [GAS | {"year": 2023}, ENTRY | {"year": 2023}]}, "e")
    shown = desk.get(f"/enterprises/{party_id}/account").text
    for words in ("授权有效", "排放量未知", "缺少月份", "广东 2022", "1,844.88", "0103001"):
        assert words in shown
    assert "<svg" in shown
    assert f'href="/enterprises/{party_id}/account"' in desk.get(f"/enterprises/{party_id}").text
    english = desk.browser.get(f"/enterprises/{party_id}/account?lang=en", headers=PAGE).text
    assert "Consent in force" in english
