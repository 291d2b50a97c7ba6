"""What must not pass, over a real server: a precise answer, and nothing changed in the database."""

import base64
import json
import os
import re
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from carbonfin.kernel.actors import OrganizationKind, Role
from carbonfin.kernel.parties import PartyKind
from carbonfin.storage.parties import (
    OrganizationDraft,
    PartyDraft,
    actor_of,
    add_person,
    hash_password,
    issue_key,
    save_organization,
    save_party,
)
from tests.app.worlds import PAGE, form_token
from tests.browser.conftest import Served, serving
from tests.journeys.worlds import CLOCK, PASSWORD, SampleCopy, contents_of

KEY = "Idempotency-Key"
OWN = "示例银行股份有限公司深圳分行"
UNREADABLE_USCI = "91440300EXAMPLE467"
LOAN = {
    "principal_cny": "10000000.00", "rate": "0.0329", "drawdown_date": "2025-07-01", "maturity_date": "2026-07-01",
    "basis": "act/360", "method": "bullet", "interest_period_months": 1, "settlement_day": 20,
    "accrual_dates": "unadjusted",
}  # fmt: skip
TERMS = {
    **{name: value for name, value in LOAN.items() if name != "rate"}, "usci": "91440300EXAMPLE466", "product": "降碳贷",
    "loan_kind": "流动资金贷款", "purpose": "经营周转", "guarantee": "信用", "credit_line_cny": "20000000.00",
    "margin_bp": 40, "lpr_tenor": "1Y",
}  # fmt: skip
PLEDGE = {
    "code": "P9", "pledgor": "91440300EXAMPLE541", "units": [{"unit": "SZA-2024", "quantity_t": 5000}],
    "principal_cny": "80000.00", "end_date": "2025-12-31",
}  # fmt: skip
FILING = {
    "reference": "A9", "scheme": "nanshan-2025", "applicant_usci": "91440300EXAMPLE2XB",
    "submitted_at": "2025-09-18T10:00:00+08:00", "contract_number": "示例合同-P0", "note_number": "JJ-P0", "documents": [],
}  # fmt: skip
SPOT = {"line_id": "S1", "kind": "spot", "unit": "CEA-2023", "quantity_t": 10}
GBK_FILE = '日期,品种,收盘价,成交量(吨)\n2025-06-27,SZA-2022,"1,039.50","12,000"\n'.encode("gbk")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bank:
    """The server over a copy of the sample world, with a second bank in it."""

    served: Served
    copy: SampleCopy
    keys: Mapping[str, str]
    other_party_id: str

    def client(self, key: str = "system") -> httpx.Client:
        """A system that sends its key with every request."""
        headers = {"Authorization": f"Bearer {self.keys[key]}"}
        return httpx.Client(base_url=self.served.address, headers=headers, timeout=60)

    def contents(self) -> Mapping[str, tuple[int, str]]:
        """What stands in the database."""
        return contents_of(self.copy.url)

    @contextmanager
    def signed_in(self, login: str) -> Iterator[httpx.Client]:
        """A person who signed in by the form."""
        with httpx.Client(base_url=self.served.address, headers=PAGE, timeout=60) as client:
            token = form_token(client.get("/sign-in").text)
            form = {"login": login, "password": PASSWORD, "next": "/", "_csrf_token": token}
            assert client.post("/sign-in", data=form).status_code == 303
            yield client


@pytest.fixture(scope="module")
def bank(sample: SampleCopy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bank]:
    copy = sample.copied(tmp_path_factory.mktemp("bad-input"))
    with copy.opened() as sessions, sessions.begin() as session:
        other = save_organization(
            session,
            OrganizationDraft(
                kind=OrganizationKind.BANK,
                name="另一家银行",
                usci=None,
                business_date=date(2025, 6, 30),
                is_sample=True,
            ),
        )
        officer = add_person(
            session, organization_id=other.id, login="stranger", name="陌生人(示例)", role=Role.OFFICER,
            password_hash=hash_password(PASSWORD),
        )  # fmt: skip
        party = save_party(
            session,
            actor_of(session, officer.id),
            PartyDraft(
                kind=PartyKind.ENTERPRISE, name='<script>alert("名")</script>', usci="91440300EXAMPLE466", lei=None,
                industry="C1810", district=None, scheme=None, key_emitter=False, is_sample=True,
            ),
        )  # fmt: skip
        own = sample.outcome.maker.organization_id
        far, past = CLOCK.now() + timedelta(days=3650), CLOCK.now() - timedelta(days=3650)
        keys = {"system": sample.outcome.api_key} | {
            name: issue_key(
                session, organization_id=organization_id, name=name, role=role, scopes=("*",), expires_at=expires_at,
                pepper=copy.settings.secret,
            ).text
            for name, organization_id, role, expires_at in (
                ("other", other.id, Role.SYSTEM, far),
                ("auditor", own, Role.AUDITOR, far),
                ("expired", own, Role.SYSTEM, past),
            )
        }  # fmt: skip
    with serving(copy.environment, copy.folder) as served:
        yield Bank(served=served, copy=copy, keys=keys, other_party_id=party.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bad:
    """A request that must be refused, and what the refusal must say."""

    name: str
    path: str
    status: int
    code: str
    says: str
    method: str = "POST"
    body: Any = None
    content: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    key: str = "system"
    at: str = ""


def _lines(**changed: Any) -> dict[str, Any]:
    return {"valuation_date": "2025-06-30", "lines": [SPOT | changed]}


def _file(content: bytes) -> dict[str, Any]:
    return {"file_name": "行情.csv", "exchange": "示例", "content_base64": base64.b64encode(content).decode()}


BAD_VALUES = (
    Bad(name="unknown field", path="/v1/schedules", body=LOAN | {"setlement_day": 20}, status=400,
        code="malformed-request", says="unknown field `setlement_day`", at="/setlement_day"),
    Bad(name="unknown field within", path="/v1/valuations", body=_lines(price="1"), status=400,
        code="malformed-request", says="unknown field `price`", at="/lines/0/price"),
    Bad(name="missing field", path="/v1/ratings", body={"year": 2024}, status=400, code="malformed-request",
        says="missing required field `usci`", at="/usci"),
    Bad(name="unknown unit", path="/v1/valuations", body=_lines(unit="XYZ-2023"), status=422, code="invalid-input",
        says="XYZ-2023"),
    Bad(name="amount as a number", path="/v1/schedules", body=LOAN | {"principal_cny": 10000000}, status=400,
        code="malformed-request", says="Expected `str`", at="/principal_cny"),
    Bad(name="rate in percent", path="/v1/schedules", body=LOAN | {"rate": "3.29"}, status=422, code="invalid-input",
        says="3.29", at="rate"),
    Bad(name="tenths of a fen", path="/v1/schedules", body=LOAN | {"principal_cny": "1.005"}, status=400,
        code="malformed-request", says="regex", at="/principal_cny"),
    Bad(name="thousands separators", path="/v1/schedules", body=LOAN | {"principal_cny": "10,000,000.00"}, status=400,
        code="malformed-request", says="regex", at="/principal_cny"),
    Bad(name="part of a tonne", path="/v1/valuations", body=_lines(quantity_t=1.5), status=400,
        code="malformed-request", says="Expected `int`", at="/lines/0/quantity_t"),
    Bad(name="true for a number", path="/v1/ratings", body={"usci": "91440300EXAMPLE466", "year": True}, status=400,
        code="malformed-request", says="Expected `int", at="/year"),
    Bad(name="wrong check character", path="/v1/ratings", body={"usci": UNREADABLE_USCI}, status=422,
        code="invalid-input", says="check character", at="usci"),
    Bad(name="no such enterprise", path="/v1/ratings", body={"usci": "91440300MA5EXAMP4X"}, status=422,
        code="invalid-input", says="USCI", at="usci"),
    Bad(name="GBK file with thousands separators", path="/v1/market/quotes", body=_file(GBK_FILE), status=422,
        code="invalid-input", says="1,039.50", at="/content_base64"),
    Bad(name="not base64", path="/v1/market/quotes", body=_file(b"x") | {"content_base64": "*"}, status=400,
        code="malformed-request", says="regex", at="/content_base64"),
    Bad(name="a day that is not", path="/v1/schedules", body=LOAN | {"maturity_date": "2026-02-30"}, status=422,
        code="invalid-input", says="2026-02-30", at="/maturity_date"),
    Bad(name="end before start", path="/v1/schedules", body=LOAN | {"maturity_date": "2025-06-01"}, status=422,
        code="invalid-input", says="2025-06-01"),
    Bad(name="valuation past the calendar", path="/v1/valuations",
        body={"valuation_date": "2031-01-02", "lines": [SPOT]}, status=422, code="invalid-input", says="2031"),
    Bad(name="an instant UTC cannot name", path="/v1/subsidies/applications",
        body=FILING | {"submitted_at": "0001-01-01T00:00:00+14:00"}, status=422, code="invalid-input", says="0001"),
    Bad(name="a note that ends before it begins", path="/v1/subsidies/applications", status=422,
        code="invalid-input", says="2024-01-01", at="/loan_note/end_date",
        body=FILING | {"loan_note": {"principal_cny": "1.00", "start_date": "2025-01-01", "end_date": "2024-01-01",
                                     "status": "running"}}),
    Bad(name="a note settled before it begins", path="/v1/subsidies/applications", status=422,
        code="invalid-input", says="2024-12-31", at="/loan_note/settled_date",
        body=FILING | {"loan_note": {"principal_cny": "1.00", "start_date": "2025-01-01", "end_date": "2026-01-01",
                                     "status": "settled", "settled_date": "2024-12-31"}}),
    Bad(name="no such scheme", path="/v1/subsidies/applications", body=FILING | {"scheme": "none"}, status=404,
        code="not-found", says="none"),
    Bad(name="a number too large", path="/v1/valuations", status=400, code="malformed-request", says="",
        content=b'{"valuation_date":"2025-06-30","lines":[{"line_id":"S","kind":"spot","unit":"CEA","quantity_t":1e400}]}'),
    Bad(name="NaN", path="/v1/ratings", content=b'{"usci":"91440300EXAMPLE466","year":NaN}', status=400,
        code="malformed-request", says=""),
    Bad(name="Infinity", path="/v1/ratings", content=b'{"usci":"91440300EXAMPLE466","year":Infinity}', status=400,
        code="malformed-request", says=""),
    Bad(name="NaN as text", path="/v1/schedules", body=LOAN | {"rate": "NaN"}, status=400, code="malformed-request",
        says="regex", at="/rate"),
    Bad(name="half a character", path="/v1/term-sheets",
        content=json.dumps(TERMS).replace('"\\u964d', '"\\ud800').encode(), status=400, code="malformed-request",
        says=""),
    Bad(name="broken JSON", path="/v1/ratings", content=b'{"usci": ', status=400, code="malformed-request", says=""),
    Bad(name="not UTF-8", path="/v1/ratings", content='{"usci":"示例"}'.encode("gbk"), status=400,
        code="malformed-request", says=""),
    Bad(name="deeply nested", path="/v1/ratings", content=b"[" * 100_000, status=400, code="malformed-request", says=""),
    Bad(name="empty body", path="/v1/ratings", content=b"", status=400, code="malformed-request", says=""),
    Bad(name="a form instead of JSON", path="/v1/ratings", content=b"usci=91440300EXAMPLE466", status=415,
        code="unsupported-media-type", says="", headers={"Content-Type": "application/x-www-form-urlencoded"}),
    Bad(name="XML", path="/v1/ratings", content=b"<usci/>", status=415, code="unsupported-media-type", says="",
        headers={"Content-Type": "application/xml"}),
    Bad(name="eleven megabytes", path="/v1/ratings", content=b'{"usci":"' + b"9" * 11_000_000 + b'"}', status=413,
        code="content-too-large", says=""),
    Bad(name="no idempotency key", path="/v1/ratings", body={"usci": "91440300EXAMPLE466"}, status=400,
        code="idempotency-key-required", says=KEY, headers={KEY: ""}, at=KEY),
    Bad(name="a long idempotency key", path="/v1/ratings", body={"usci": "91440300EXAMPLE466"}, status=422,
        code="invalid-input", says="255", headers={KEY: "k" * 256}, at=KEY),
    Bad(name="an expired key", path="/v1/ratings", body={"usci": "91440300EXAMPLE466"}, status=401,
        code="not-authenticated", says="", key="expired"),
    Bad(name="a key that was never issued", path="/v1/ratings", body={"usci": "91440300EXAMPLE466"}, status=401,
        code="not-authenticated", says="", headers={"Authorization": "Bearer cf_live_x"}),
    Bad(name="another door", path="/v1/ratings", body={"usci": "91440300EXAMPLE466"}, status=401,
        code="not-authenticated", says="", headers={"Authorization": "Basic bWFrZXI6eA=="}),
    Bad(name="an auditor who writes", path="/v1/ratings", body={"usci": "91440300EXAMPLE466"}, status=403,
        code="not-permitted", says="", key="auditor"),
    Bad(name="a bank that reports for the bureau", path="/v1/subsidies/reports", body={"quarter": "2025Q3"},
        status=403, code="not-permitted", says=""),
    Bad(name="another bank's pledgor", path="/v1/pledges/appraisals", body=PLEDGE, key="other", status=404,
        code="not-found", says="91440300EXAMPLE541"),
    Bad(name="a method that is not", path="/v1/ratings", method="DELETE", status=405, code="method-not-allowed",
        says="DELETE"),
    Bad(name="an address that is not", path="/v1/nothing", method="GET", status=404, code="not-found", says="/v1/nothing"),
)  # fmt: skip


@pytest.mark.parametrize("bad", BAD_VALUES, ids=lambda bad: bad.name)
def test_a_bad_request_is_answered_precisely_and_changes_nothing(bank: Bank, bad: Bad) -> None:
    before = bank.contents()
    content = bad.content if bad.body is None else json.dumps(bad.body).encode()
    headers = {KEY: str(uuid.uuid4()), "Content-Type": "application/json", **bad.headers}
    with bank.client(bad.key) as client:
        answer = client.request(bad.method, bad.path, content=content, headers=headers)
    problem = _problem(answer, status=bad.status, code=bad.code)
    assert bad.says in json.dumps(problem, ensure_ascii=False)
    if bad.at:
        assert bad.at in {error.get("pointer") or error.get("field") for error in problem["errors"]}
    assert bank.contents() == before


def _problem(answer: httpx.Response, *, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text[:2000]
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert (problem["type"], problem["status"], problem["code"]) == (f"/problems/{code}", status, code)
    for name in ("title", "title_zh", "detail", "detail_zh", "remedy", "remedy_zh", "instance", "request_id"):
        assert problem[name], name
    assert "Traceback" not in answer.text
    return problem


def test_the_page_of_each_problem_type_opens(bank: Bank) -> None:
    with httpx.Client(base_url=bank.served.address, headers=PAGE) as client:
        for code in {bad.code for bad in BAD_VALUES} | {"conflict", "form-token-invalid"}:
            assert client.get(f"/problems/{code}").status_code == 200, code


def test_the_same_key_with_another_body_leaves_the_first_effect_once(bank: Bank) -> None:
    key = {KEY: str(uuid.uuid4())}
    with bank.client() as client:
        first = client.post("/v1/schedules", json=LOAN, headers=key)
        assert first.status_code == 201, first.text
        standing = bank.contents()
        for body, path in (
            (LOAN | {"principal_cny": "9000000.00"}, "/v1/schedules"),
            ({"usci": "91440300EXAMPLE466"}, "/v1/ratings"),
        ):
            refused = client.post(path, json=body, headers=key)
            assert KEY in {error.get("field") for error in _problem(refused, status=409, code="conflict")["errors"]}
        again = client.post("/v1/schedules", json=dict(reversed(LOAN.items())), headers=key)
    assert (again.status_code, again.content, again.headers["idempotent-replayed"]) == (201, first.content, "true")
    assert bank.contents() == standing


def test_a_key_of_another_bank_finds_and_learns_nothing(bank: Bank) -> None:
    with bank.client() as own:
        pledges = own.get("/v1/pledges").json()["pledges"]
        ids = {
            "pledges": pledges[0]["pledge"]["pledge_id"],
            "parties": f"{pledges[0]['pledge']['pledgor_id']}/headroom",
            "decisions": own.get("/v1/decisions").json()["decisions"][0]["decision_id"],
            "term-sheets": "TS-2025-0001",
            "valuations": bank.copy.outcome.valuation.record.id,
            "subsidies/applications": own.get("/v1/subsidies/applications").json()["applications"][0]["application_id"]
            + "/preview",
            "subsidies/reports": bank.copy.outcome.report.report_id,
        }
    before = bank.contents()
    with bank.client("other") as other:
        for kind, number in ids.items():
            answer = other.get(f"/v1/{kind}/{number}")
            _problem(answer, status=404, code="not-found")
            assert "示例燃气" not in answer.text
            assert "EXAMPLE11K" not in answer.text
        replay = other.post(f"/v1/decisions/{ids['decisions']}/replay", headers={KEY: "r"})
        _problem(replay, status=404, code="not-found")
        assert other.get("/v1/pledges").json()["pledges"] == []
        assert other.get("/v1/decisions").json()["decisions"] == []
        assert other.get("/v1/portfolios").json()["portfolios"] == []
        assert other.get("/v1/subsidies/applications").json()["applications"] == []
        sample_quotes = other.get("/v1/market/quotes", params={"unit": "SZA-2023"})
        assert sample_quotes.json().get("quotes", []) == []
    assert bank.contents() == before


def test_a_person_of_another_bank_sees_no_page_of_ours(bank: Bank) -> None:
    pledge_id = _pledge_ids(bank)["P3"]
    party_id = bank.copy.outcome.parties["E4"].id
    with bank.signed_in("stranger") as client:
        for path in (
            f"/pledges/{pledge_id}", f"/enterprises/{party_id}", f"/enterprises/{party_id}/rating",
            "/term-sheets/TS-2025-0001", "/term-sheets/TS-2025-0001/pdf", "/loans/new?number=TS-2025-0001",
            f"/valuations/{bank.copy.outcome.valuation.record.id}",
        ):  # fmt: skip
            answer = client.get(path)
            assert answer.status_code == 404, path
            assert "示例啤酒" not in answer.text
            assert "示例服饰" not in answer.text
        for path in ("/", "/pledges", "/loans", "/enterprises", "/search?q=示例", "/decisions", "/subsidies"):
            assert "示例啤酒" not in client.get(path).text, path


def test_html_in_names_is_text_on_every_page(bank: Bank) -> None:
    with bank.signed_in("stranger") as client:
        seen = 0
        for path in (
            "/enterprises", f"/enterprises/{bank.other_party_id}", f"/enterprises/{bank.other_party_id}/rating",
            "/search?q=script", f"/loans/new?party_id={bank.other_party_id}", "/pledges/new", "/search?q=<script>x",
        ):  # fmt: skip
            text = client.get(path).text
            assert "<script>alert" not in text, path
            assert "<script>x" not in text, path
            seen += "&lt;script&gt;" in text
        assert seen >= 5


def test_html_in_a_loan_is_text_on_its_pages(bank: Bank) -> None:
    with bank.signed_in("maker") as client:
        token = form_token(client.get("/loans/new").text)
        form = {name: str(value) for name, value in TERMS.items() if name != "usci"} | {
            "party_id": bank.copy.outcome.parties["E4"].id, "product": '"><img src=x onerror=alert(1)>',
            "purpose": "{{ 7*7 }}${7*7}", "guarantee": "'--", "_csrf_token": token,
        }  # fmt: skip
        made = client.post("/loans/new", data=form)
        assert made.status_code == 303, made.text[-2000:]
        page = client.get(made.headers["location"]).text
        assert "<img src=x" not in page
        assert "&lt;img src=x" in page
        assert "{{ 7*7 }}${7*7}" in page
        assert client.get(made.headers["location"] + "/pdf").content.startswith(b"%PDF-")
        assert client.get(made.headers["location"] + "/docx").content.startswith(b"PK")
        for path in ("/loans", "/"):
            assert "<img src=x" not in client.get(path).text


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("principal_cny", "10,000,000", "千分位"),
        ("principal_cny", "NaN", "NaN"),
        ("principal_cny", "1e400", "1e400"),
        ("principal_cny", "-1", ""),
        ("margin_bp", "1.5", "1.5"),
        ("drawdown_date", "2025-02-30", "2025-02-30"),
        ("maturity_date", "2025-06-01", ""),
        ("settlement_day", "32", ""),
        ("method", "no-such", ""),
    ],
)
def test_a_form_with_a_fault_keeps_what_was_typed(bank: Bank, name: str, value: str, says: str) -> None:
    before = bank.contents()
    with bank.signed_in("maker") as client:
        token = form_token(client.get("/loans/new").text)
        form = {key: str(one) for key, one in TERMS.items() if key != "usci"}
        form |= {"party_id": bank.copy.outcome.parties["E4"].id, "_csrf_token": token, name: value}
        answer = client.post("/loans/new", data=form)
    assert answer.status_code == 422
    assert says in answer.text
    assert f'id="error-{name}"' in answer.text
    if name != "method":
        assert f'value="{value}"' in answer.text
    assert 'value="20000000.00"' in answer.text
    assert bank.contents() == before


@pytest.mark.parametrize(
    ("name", "value"),
    [("quantity_1", "9" * 39), ("quantity_1", "１０"), ("quantity_1", "1.5"), ("code", "<b>x"), ("code", ""),
     ("principal_cny", "NaN"), ("end_date", "2025-02-30"), ("unit_1", "XYZ"), ("pledgor", UNREADABLE_USCI)],
)  # fmt: skip
def test_a_pledge_form_with_a_fault_changes_nothing(bank: Bank, name: str, value: str) -> None:
    before = bank.contents()
    form = {
        "action": "apply", "code": "P9", "pledgor": "91440300EXAMPLE541", "unit_1": "SZA-2024", "quantity_1": "5000",
        "principal_cny": "80000.00", "end_date": "2025-12-31", name: value,
    }  # fmt: skip
    with bank.signed_in("maker") as client:
        answer = client.post("/pledges/new", data=form | {"_csrf_token": form_token(client.get("/pledges/new").text)})
    assert answer.status_code == 422, answer.headers
    assert "<b>x" not in answer.text
    assert bank.contents() == before


def _pledge_ids(bank: Bank) -> dict[str, str]:
    with bank.client() as client:
        lines = client.get("/v1/pledges").json()["pledges"]
    return {line["pledge"]["code"]: line["pledge"]["pledge_id"] for line in lines}


def test_a_maker_does_not_approve_the_own_pledge(bank: Bank) -> None:
    with bank.signed_in("maker") as maker:
        token = form_token(maker.get("/pledges/new").text)
        form = {
            "action": "apply", "code": "P7", "pledgor": "91440300EXAMPLE541", "unit_1": "SZA-2024",
            "quantity_1": "5000", "principal_cny": "80000.00", "end_date": "2025-12-31", "_csrf_token": token,
        }  # fmt: skip
        place = maker.post("/pledges/new", data=form).headers["location"]
        done = maker.post(f"{place}/steps", data={"step": "diligence", "words": "权属清晰", "_csrf_token": token})
        assert done.status_code == 303, done.text[-1500:]
        found = re.search(r'href="(/approvals/([^"]+))"', maker.get(place).text)
        assert found is not None
        approval = {"finding": "approve", "reason": "同意", "accepts": "yes", "_csrf_token": token,
                    "password": PASSWORD}  # fmt: skip
        assert maker.post(f"{found.group(1)}/decision", data=approval).status_code == 403
        by_api = maker.post(
            f"/v1/approvals/{found.group(2)}/approve",
            json={"reason": "同意", "password": PASSWORD},
            headers={"X-CSRF-Token": token, "Accept": "application/json", "If-Match": "*"},
        )
        assert (by_api.status_code, by_api.json()["code"]) == (403, "not-permitted")
        before = bank.contents()
        early = maker.post(f"{place}/steps", data={"step": "draw", "words": "", "_csrf_token": token})
        assert early.status_code == 409
    with bank.signed_in("auditor") as auditor:
        token = form_token(auditor.get("/pledges").text)
        refused = auditor.post(f"{found.group(1)}/decision", data=approval | {"_csrf_token": token})
        assert refused.status_code == 403
        assert auditor.get("/pledges/new").status_code == 403
    assert bank.contents() == before


def test_a_form_without_its_token_or_from_elsewhere_changes_nothing(bank: Bank) -> None:
    before = bank.contents()
    with bank.signed_in("maker") as client, bank.signed_in("checker") as other:
        form = {"action": "apply", "code": "P9"}
        stolen = form_token(other.get("/").text)
        for token in ({}, {"_csrf_token": "0" * 64}, {"_csrf_token": stolen}):
            assert client.post("/pledges/new", data=form | token).status_code == 403
        assert client.post("/v1/schedules", json=LOAN, headers={KEY: "cookie-only"}).status_code == 403
    assert bank.contents() == before


def test_signing_in_leads_nowhere_else(bank: Bank) -> None:
    for wanted in ("//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"):
        with httpx.Client(base_url=bank.served.address, headers=PAGE) as client:
            token = form_token(client.get("/sign-in").text)
            form = {"login": "maker", "password": PASSWORD, "next": wanted, "_csrf_token": token}
            assert client.post("/sign-in", data=form).headers["location"] == "/"


@pytest.mark.parametrize("path", ["/v1/term-sheets/TS-2025-0001/pdf", "/v1/term-sheets/TS-2025-0001/docx"])
def test_a_host_that_a_caller_makes_up_is_in_no_document(bank: Bank, path: str) -> None:
    with bank.client() as client:
        usual = client.get(path)
        made_up = client.get(path, headers={"Host": "evil.example", "X-Forwarded-Host": "evil.example"})
    assert (usual.status_code, made_up.status_code) == (200, 200)
    assert made_up.content == usual.content


def test_the_price_file_page_lists_faults_and_stores_nothing(bank: Bank) -> None:
    before = bank.contents()
    with bank.signed_in("maker") as client:
        token = form_token(client.get("/market/upload").text)
        answer = client.post(
            "/market/upload",
            data={"_csrf_token": token, "exchange": "示例", "document": ""},
            files={"file": ("行情.csv", GBK_FILE, "text/csv")},
        )
    assert answer.status_code in {200, 422}
    assert "1,039.50" in answer.text
    assert bank.contents() == before


CLI_FAULTS: tuple[tuple[str, tuple[str, ...], str], ...] = (
    (
        "wrong check character",
        ("loans", "rate", UNREADABLE_USCI, "--margin-bp", "40", "--drawdown", "2025-07-01"),
        "信用代码",
    ),
    ("wrong unit", ("pricing", "quality", "XYZ"), "XYZ"),
    ("thousands separators", ("pledges-appraise",), "80,000"),
    ("no such day", ("pricing", "value", "DEMO", "--on", "2025-02-30"), "2025-02-30"),
    ("past the calendar", ("pricing", "value", "DEMO", "--on", "2031-01-02"), "2031"),
    ("a day end past the calendar", ("jobs", "end-of-day", "--business-date", "2031-01-02"), "2025-06-30"),
    ("no such portfolio", ("pricing", "value", "NONE"), "NONE"),
    ("nobody of that name", ("--as", "nobody", "pricing", "value", "DEMO"), "nobody"),
)


@pytest.mark.parametrize(("arguments", "says"), [fault[1:] for fault in CLI_FAULTS], ids=[one[0] for one in CLI_FAULTS])
def test_a_command_with_a_fault_says_a_sentence(bank: Bank, arguments: tuple[str, ...], says: str) -> None:
    if arguments == ("pledges-appraise",):
        arguments = ("collateral", "appraise", "91440300EXAMPLE541", "SZA-2024=5000", "--principal", "80,000",
                     "--end", "2025-12-31")  # fmt: skip
    before = bank.contents()
    done = _command(bank, *arguments)
    assert done.returncode == 2, done.stderr + done.stdout
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert re.search(r"[一-鿿]", done.stderr)
    assert bank.contents() == before


def test_a_command_refuses_a_gbk_file_with_separators(bank: Bank, tmp_path: Path) -> None:
    before = bank.contents()
    file = tmp_path / "行情.csv"
    file.write_bytes(GBK_FILE)
    done = _command(bank, "pricing", "import-quotes", str(file), "--exchange", "示例")
    assert done.returncode in {1, 2}
    assert "1,039.50" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert bank.contents() == before


def _command(bank: Bank, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "carbonfin.app.cli", "--organization", OWN, *arguments],
        env={**os.environ, **bank.copy.environment, "COLUMNS": "400"},
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=120,
    )
