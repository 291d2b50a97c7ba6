"""Verifying a document: who knows its four facts learns that it stands, anybody else one and the same nothing."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
import pytest
import sqlalchemy as sa
from litestar import Litestar
from litestar.testing import TestClient

from carbonfin.app.factory import create_app
from carbonfin.app.rate_limit import RateLimit
from carbonfin.app.settings import PUBLIC_URL, VERIFICATION_LIMIT, settings_from
from carbonfin.kernel.dates import FixedClock
from carbonfin.storage.decisions import load_decision
from carbonfin.storage.parties import Standing
from loans import service
from loans.calc.account_entries import EntryKind
from loans.calc.issued_documents import DocumentClaim, DocumentState
from tests.app.worlds import NOW, PAGE, SETTINGS
from tests.documents.code_reader import codes_of
from tests.loans.conftest import Desk
from tests.loans.scorecard_worlds import draft, fill_scorecard, standing_at
from tests.loans.test_services import l1_draft
from tests.loans.world import BUSINESS_DATE, KNOWN_AT
from tests.loops import run_apart
from tests.statements import statements_of

ISSUER, OTHER_ISSUER = "91440300EXAMPLEA59", "91440300EXAMPLE11K"
ADDRESS = "https://carbon.bank.example"
NEXT = timedelta(days=10)
FOUND, NOTHING = "出具机构登记有这一编号", "没有查到与这四项全部相符的文件"


@pytest.fixture
def issuer(desk: Desk) -> Desk:
    """The desk's bank and the other one, each with its code; nothing else differs."""
    with desk.sessions.begin() as session:
        connection = session.connection()
        for name, code in (("示例银行%", ISSUER), ("另一家%", OTHER_ISSUER)):
            connection.execute(
                sa.text("UPDATE organization SET usci = :code WHERE name LIKE :name"), {"code": code, "name": name}
            )
    return desk


@pytest.fixture
def stranger(issuer: Desk) -> Iterator[TestClient[Litestar]]:
    """Somebody without any credentials."""
    with TestClient(create_app(SETTINGS, issuer.sessions, FixedClock(NOW)), raise_server_exceptions=False) as client:
        yield client


def later(desk: Desk, days: int = 10) -> Standing:
    ahead = timedelta(days=days)
    return replace(standing_at(desk.bank), business_date=BUSINESS_DATE + ahead, known_at=KNOWN_AT + ahead)


def rated(desk: Desk) -> str:
    with desk.sessions.begin() as session:
        fill_scorecard(session, desk.bank)
        made = service.rate_by_scorecard(
            session, desk.bank.officer, desk.bank.clothing, year=None, standing=standing_at(desk.bank)
        )
    return made.decision_id


def rated_again(desk: Desk, days: int = 10) -> str:
    standing = later(desk, days)
    with desk.sessions.begin() as session:
        line = draft(EntryKind.VALUE_ADDED, "67650000", unit="元", reason="漏报一笔")
        service.record_entries(
            session, desk.bank.officer, [line], on=standing.business_date, known_at=standing.known_at
        )
        made = service.rate_by_scorecard(session, desk.bank.officer, desk.bank.clothing, year=None, standing=standing)
    return made.decision_id


def digest_of(desk: Desk, decision_id: str) -> str:
    with desk.sessions.read() as session:
        return load_decision(session, desk.bank.officer, decision_id).record_digest


def drafted(desk: Desk, **changes: object) -> service.StoredTermSheet:
    with desk.sessions.begin() as session:
        return service.draft_term_sheet(
            session, desk.bank.officer, l1_draft(desk.bank, **changes), issued_on=BUSINESS_DATE, known_at=KNOWN_AT
        )


def asked(client: TestClient[Litestar], **facts: str) -> Any:
    return client.get(f"/verify?{urlencode(facts)}", headers=PAGE)


def facts_of(number: str, digest: str, version: str = "1") -> dict[str, str]:
    return {"issuer": ISSUER, "number": number, "version": version, "digest": digest}


def code_of(pdf: bytes) -> str:
    (text,) = codes_of(pdf)
    return text


def test_the_code_on_each_document_leads_a_stranger_to_its_record(issuer: Desk, stranger: TestClient[Litestar]) -> None:
    """From the picture of the paper to the answer: report, letter and term sheet."""
    decision_id = rated(issuer)
    stored = drafted(issuer)
    officer, party_id, standing = issuer.bank.officer, issuer.bank.clothing.id, standing_at(issuer.bank)
    at = {"standing": standing, "verified_at": ADDRESS}
    with issuer.sessions.read() as session:
        papers = {
            decision_id: service.rating_report_file(session, officer, party_id, **at),
            f"{decision_id}-202506": service.rating_letter_file(session, officer, party_id, month=BUSINESS_DATE, **at),
            stored.entry.number: service.term_sheet_pdf(session, officer, stored, address="", verified_at=ADDRESS),
        }
        again = service.rating_report_file(session, officer, party_id, **at)
    assert papers[decision_id] == again, "the same bytes"
    for number, pdf in papers.items():
        address = code_of(pdf)
        assert address.startswith(f"{ADDRESS}/verify?"), address
        answer = stranger.get(f"/verify?{urlsplit(address).query}", headers=PAGE)
        assert answer.status_code == 200
        assert FOUND in answer.text, number
        assert "在册，有效" in answer.text
        assert number in answer.text


def test_without_a_public_address_paper_names_no_host(issuer: Desk) -> None:
    decision_id = rated(issuer)
    with issuer.sessions.read() as session:
        pdf = service.rating_report_file(
            session, issuer.bank.officer, issuer.bank.clothing.id, standing=standing_at(issuer.bank), verified_at=""
        )
    assert code_of(pdf) == f"No. {decision_id}\nVersion 1\nSHA-256 {digest_of(issuer, decision_id)}"
    served = issuer.get(f"/enterprises/{issuer.bank.clothing.id}/rating/report.pdf").content
    assert "http" not in code_of(served), "the application was not told its address"


def test_an_issuer_without_a_code_leads_nowhere(desk: Desk) -> None:
    rated(desk)
    with desk.sessions.read() as session:
        pdf = service.rating_report_file(
            session, desk.bank.officer, desk.bank.clothing.id, standing=standing_at(desk.bank), verified_at=ADDRESS
        )
    assert "http" not in code_of(pdf)


def test_the_term_sheet_page_shows_the_code(issuer: Desk) -> None:
    stored = drafted(issuer)
    page = issuer.get(f"/term-sheets/{stored.entry.number}").text
    assert 'aria-label="核验二维码"' in page
    assert stored.entry.digest in page
    assert "未提供网上核验地址" in page


def _shape(text: str) -> str:
    """Give a page without what was typed, the links that carry it on, and the request's own marks."""
    text = re.sub(r'(?<=value=")[^"]*(?=")|(?<=href="/verify\?)[^"]*(?=")', "", text)
    return re.sub(r"[0-9a-f]{16,}", "", text)


def test_whatever_is_wrong_a_stranger_gets_the_same_page_and_as_many_questions_are_asked(
    issuer: Desk, stranger: TestClient[Litestar]
) -> None:
    """No enumeration: a number that exists, an issuer that exists and a digest that exists are told by nothing."""
    decision_id, stored = rated(issuer), drafted(issuer)
    report, sheet = facts_of(decision_id, digest_of(issuer, decision_id)), facts_of(
        stored.entry.number, stored.entry.digest
    )  # fmt: skip
    other = "0" * 64
    unknown = [
        {**report, "digest": other}, {**report, "number": "0" * 8 + decision_id[8:]}, {**report, "issuer": OTHER_ISSUER},
        {**report, "issuer": "91440300EXAMPLE466"}, {**sheet, "digest": other}, {**sheet, "number": "TS-2025-0002"},
        {**sheet, "version": "2"}, {**sheet, "issuer": OTHER_ISSUER}, {**sheet, "digest": report["digest"]},
        {**report, "digest": sheet["digest"]}, {**report, "number": f"{decision_id}-202506", "digest": other},
        {**report, "number": stored.entry.decision_id, "digest": stored.entry.digest},
    ]  # fmt: skip
    by_the_holder = [
        {**report, "version": "2"}, {**report, "number": f"{decision_id}-202505"},
        {**report, "number": f"{decision_id}-202507"},
    ]  # fmt: skip
    seen, counts = set(), set()
    for facts in (*unknown, *by_the_holder):
        with statements_of(issuer.sessions) as statements:
            answer = asked(stranger, **facts)
        assert answer.status_code == 200
        assert NOTHING in answer.text, facts
        assert FOUND not in answer.text
        seen.add(_shape(answer.text))
        if facts in unknown:
            counts.add(len(statements))
    assert len(seen) == 1
    assert len(counts) == 1, counts


def test_nothing_of_the_customer_or_the_content_is_told(issuer: Desk, stranger: TestClient[Litestar]) -> None:
    decision_id, stored = rated(issuer), drafted(issuer)
    for facts in (
        facts_of(decision_id, digest_of(issuer, decision_id)),
        facts_of(stored.entry.number, stored.entry.digest),
    ):
        text = asked(stranger, **facts).text
        assert FOUND in text
        for secret in (
            issuer.bank.clothing.name,
            issuer.bank.clothing.code,
            issuer.bank.clothing.id,
            "73.60",
            "10,000,000",
            "3.29",
        ):
            assert secret not in text, secret
        assert "示例" in text, "made-up figures say so here too"


def test_a_later_version_or_rating_and_the_end_of_validity_are_told(
    issuer: Desk, stranger: TestClient[Litestar]
) -> None:
    first, decision_id = drafted(issuer), rated(issuer)
    number = first.entry.number
    second = drafted(issuer, number=number, margin_bp=35)
    assert "在册，已被替代" in asked(stranger, **facts_of(number, first.entry.digest)).text
    assert "在册，有效" in asked(stranger, **facts_of(number, second.entry.digest, "2")).text
    report = facts_of(decision_id, digest_of(issuer, decision_id))
    new_id = rated_again(issuer)
    assert "在册，已被替代" in asked(stranger, **report).text
    assert "在册，有效" in asked(stranger, **facts_of(new_id, digest_of(issuer, new_id))).text
    claim = DocumentClaim(number=new_id, version=1, digest=digest_of(issuer, new_id))
    with issuer.sessions.read() as session:
        record = service.issued_document(
            session, issuer.bank.officer.organization_id, claim, standing=standing_at(issuer.bank)
        )
    assert record is not None
    assert record.valid_to is not None
    assert record.state_on(record.valid_to) is DocumentState.CURRENT
    assert record.state_on(record.valid_to + timedelta(days=1)) is DocumentState.EXPIRED


def test_a_letter_stands_for_its_own_month_alone(issuer: Desk) -> None:
    """Rated on 2025-06-30 and again on 2025-08-04: letters of June and July speak of the first, of August of the second."""
    first = rated(issuer)
    second = rated_again(issuer, days=35)
    standing = later(issuer, days=60)  # 2025-08-29
    states = {}
    for decision_id in (first, second):
        for month in ("202505", "202506", "202507", "202508", "202509"):
            number = f"{decision_id}-{month}"
            claim = DocumentClaim(number=number, version=1, digest=digest_of(issuer, decision_id))
            with issuer.sessions.read() as session:
                record = service.issued_document(session, issuer.bank.officer.organization_id, claim, standing=standing)
            states[decision_id == first, month] = None if record is None else record.state_on(standing.business_date)
    current, superseded = DocumentState.CURRENT, DocumentState.SUPERSEDED
    assert [states[True, month] for month in ("202505", "202506", "202507", "202508", "202509")] == [
        None, current, current, superseded, None,
    ]  # fmt: skip
    assert [states[False, month] for month in ("202505", "202506", "202507", "202508", "202509")] == [
        None, None, None, current, None,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"issuer": "91440300EXAMPLEA58"}, "校验码不符"),
        ({"issuer": ""}, "应为 18 位"),
        ({"number": "TS 2025'; --"}, "编号由字母、数字与连字符组成"),
        ({"number": "TS\x00"}, "编号由字母、数字与连字符组成"),
        ({"version": "0"}, "版本应为正整数"),
        ({"version": "１"}, "版本应为正整数"),
        ({"digest": "9f2c4b6d8e0a1c3f"}, "摘要应为 64 位十六进制字符"),
        ({"digest": ""}, "摘要应为 64 位十六进制字符"),
    ],
)
def test_what_is_no_fact_at_all_is_named_beside_its_field(
    stranger: TestClient[Litestar], facts: dict[str, str], words: str
) -> None:
    answer = asked(stranger, **(facts_of("TS-2025-0001", "0" * 64) | facts))
    assert answer.status_code == 422
    assert words in answer.text
    assert NOTHING not in answer.text


def test_the_form_is_shown_where_nothing_is_asked_and_overlong_text_is_refused(stranger: TestClient[Litestar]) -> None:
    empty = stranger.get("/verify", headers=PAGE)
    assert empty.status_code == 200
    assert NOTHING not in empty.text
    assert asked(stranger, digest="0" * 101).status_code == 400
    page = asked(stranger, **facts_of('"><script>alert(1)</script>', "0" * 64)).text
    assert "<script>alert" not in page


def test_an_address_asks_so_often_and_no_more(issuer: Desk) -> None:
    settings = replace(SETTINGS, verification_limit=RateLimit(requests_count=3, seconds=3600))
    app = create_app(settings, issuer.sessions, FixedClock(NOW))
    with TestClient(app, raise_server_exceptions=False) as client:
        assert [asked(client, **facts_of("TS-1", "0" * 64)).status_code for _ in range(4)] == [200, 200, 200, 429]
        assert client.get("/sign-in", headers=PAGE).status_code == 200, "no other page is counted"
        assert client.get("/v1/me", headers=dict(issuer.system.headers)).status_code == 200, "nor anybody's key"
    elsewhere = run_apart(_asked_from(app, "reader.test", facts_of("TS-1", "0" * 64)))
    assert elsewhere == [200, 200, 200, 429], "another address has a bucket of its own"


async def _asked_from(app: Litestar, host: str, facts: dict[str, str]) -> list[int]:
    transport = httpx.ASGITransport(app=app, client=(host, 50_000))
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver.local") as client:
        return [(await client.get(f"/verify?{urlencode(facts)}", headers=PAGE)).status_code for _ in range(4)]


def test_the_address_and_the_limit_come_from_the_environment(tmp_path: Any) -> None:
    environment = {"CARBONFIN_VAR": str(tmp_path)}
    plain = settings_from(environment)
    assert plain.verification_address == ""
    assert plain.verification_limit == RateLimit(requests_count=120, seconds=60)
    said = settings_from(environment | {PUBLIC_URL: f"{ADDRESS}/", VERIFICATION_LIMIT: "5/1"})
    assert said.verification_address == ADDRESS
    assert said.verification_limit == RateLimit(requests_count=5, seconds=1)
