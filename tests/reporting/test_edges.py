"""Subsidies over HTTP and on pages: who may, what is answered, what bad input changes."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import openpyxl
import pytest
from litestar import Litestar
from litestar.testing import TestClient

from carbonfin.app.factory import PACKAGES, create_app
from carbonfin.kernel.actors import Role
from carbonfin.kernel.dates import FixedClock
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import issue_key
from reporting import service
from reporting.calc.facts import DocumentKind
from tests.app.worlds import PAGE, PASSWORD, PASSWORD_HASH, SECRET, SETTINGS, form_token
from tests.reporting.samples import E2_USCI
from tests.reporting.worlds import Actors, file_samples, make_actors, record_notes

NOW = datetime(2025, 9, 26, 11, tzinfo=UTC)


class House:
    """The application on a database with the sample files."""

    def __init__(self, sessions: Sessions, *, filed: bool) -> None:
        self.sessions = sessions
        with sessions.begin() as session:
            self.actors: Actors = make_actors(session, password_hash=PASSWORD_HASH)
            record_notes(session, self.actors.bank)
            self.filed = file_samples(session, self.actors.bank) if filed else ()
            self.keys = {
                name: issue_key(
                    session, organization_id=actor.organization_id, name=name, role=role, scopes=("*",),
                    expires_at=NOW + timedelta(days=9), pepper=SECRET,
                ).text
                for name, actor, role in (
                    ("bank", self.actors.bank, Role.SYSTEM),
                    ("other", self.actors.other_bank, Role.SYSTEM),
                    ("bureau", self.actors.bureau, Role.BUREAU),
                    ("auditor", self.actors.bank, Role.AUDITOR),
                )
            }  # fmt: skip
        self.app: Litestar = create_app(SETTINGS, sessions, FixedClock(NOW), packages=PACKAGES)

    def client(self, key: str) -> TestClient[Litestar]:
        client = TestClient(self.app, raise_server_exceptions=False)
        client.headers["Authorization"] = f"Bearer {self.keys[key]}"
        return client

    def browser(self, login: str) -> TestClient[Litestar]:
        client = TestClient(self.app, raise_server_exceptions=False)
        token = form_token(client.get("/sign-in", headers=PAGE).text)
        fields = {"login": login, "password": PASSWORD, "next": "/", "_csrf_token": token}
        assert client.post("/sign-in", data=fields, headers=PAGE, follow_redirects=False).status_code == 303
        return client


@pytest.fixture
def house(sqlite_sessions: Sessions) -> House:
    return House(sqlite_sessions, filed=True)


@pytest.fixture
def empty_house(sqlite_sessions: Sessions) -> Iterator[House]:
    return House(sqlite_sessions, filed=False)


def body(**changes: Any) -> dict[str, Any]:
    documents = [
        {"kind": kind.value, "file_name": f"{kind}.pdf", "digest": "0" * 64}
        for kind in DocumentKind
        if kind is not DocumentKind.OTHER
    ]
    plain: dict[str, Any] = {
        "reference": "A1",
        "scheme": "nanshan-2025",
        "applicant_usci": E2_USCI,
        "submitted_at": "2025-09-18T10:00:00+08:00",
        "contract_number": "示例合同-P0",
        "note_number": "P0",
        "documents": documents,
        "announcement": {
            "number": "示例公告-P0",
            "address": "https://example.invalid/gg/P0",
            "published_date": "2024-06-24",
            "pledged": [{"unit": "SZA-2022", "quantity_t": 70000}],
        },
    }
    return {**plain, **changes}


def post(client: TestClient[Litestar], path: str, content: dict[str, Any], key: str = "") -> Any:
    return client.post(path, json=content, headers={"Idempotency-Key": key or str(uuid4())})


def build(house: House) -> dict[str, Any]:
    answer = post(house.client("bureau"), "/v1/subsidies/reports", {"quarter": "2025Q3", "as_of": "2025-09-26"})
    assert answer.status_code == 201, answer.text
    return answer.json()


class TestApi:
    def test_a_file_from_the_books_is_previewed_to_the_fen(self, empty_house: House) -> None:
        client = empty_house.client("bank")
        made = post(client, "/v1/subsidies/applications", body())
        assert made.status_code == 201, made.text
        assert made.json()["gross_cny"] == "116783.33"
        line = client.get(f"/v1/subsidies/applications/{made.json()['application_id']}/preview").json()
        assert (line["outcome"], line["net_cny"], line["calculated_cny"], line["proposed_cny"]) == (
            "qualifies", "110172.97", "55086.49", None,
        )  # fmt: skip
        assert [item["reference"] for item in client.get("/v1/subsidies/applications").json()["applications"]] == ["A1"]

    def test_a_note_of_another_system_is_stated_in_full(self, empty_house: House) -> None:
        stated = body(
            note_number="外部-1",
            loan_note={
                "principal_cny": "4000000.00", "start_date": "2024-07-01", "end_date": "2025-07-01",
                "status": "settled", "settled_date": "2025-07-01", "rate": "0.0345",
            },
            vouchers=[
                {"number": "V1", "kind": "interest", "period_start": "2024-07-01", "period_end": "2025-07-01",
                 "gross_cny": "106000.00", "invoice_vat_cny": "6000.00", "paid_date": "2025-07-01"},
                {"number": "V2", "kind": "guarantee_fee", "period_start": "2024-07-01", "period_end": "2025-07-01",
                 "gross_cny": "10600.00", "invoice_vat_cny": "600.00", "paid_date": "2025-07-01"},
            ],
        )  # fmt: skip
        client = empty_house.client("bank")
        made = post(client, "/v1/subsidies/applications", stated)
        assert made.status_code == 201, made.text
        line = client.get(f"/v1/subsidies/applications/{made.json()['application_id']}/preview").json()
        assert (line["net_cny"], line["calculated_cny"]) == ("110000.00", "55000.00")

    def test_the_same_key_gives_the_same_answer_and_another_body_a_conflict(self, empty_house: House) -> None:
        client = empty_house.client("bank")
        first, second = (post(client, "/v1/subsidies/applications", body(), key="k-1") for _ in range(2))
        assert first.json() == second.json()
        assert second.headers["Idempotent-Replayed"] == "true"
        assert post(client, "/v1/subsidies/applications", body(reference="A9"), key="k-1").status_code == 409

    @pytest.mark.parametrize(
        ("changes", "status"),
        [
            ({"surprise": 1}, 400),
            ({"submitted_at": "2025-09-18T10:00:00"}, 400),
            ({"applicant_usci": "91440300EXAMPLE2XX"}, 422),
            ({"applicant_usci": "91440300EXAMPLE38B"}, 404),
            ({"scheme": "nowhere"}, 404),
            ({"note_number": "P9"}, 404),
            ({"voucher_numbers": [7]}, 404),
            ({"announcement": {"number": "x", "address": "", "published_date": "2025-02-30", "pledged": []}}, 422),
            (
                {"vouchers": [{"number": "V", "kind": "interest", "period_start": "2025-01-02",
                               "period_end": "2025-01-02", "gross_cny": "1.00"}]},
                422,
            ),
            (
                {"vouchers": [{"number": "V", "kind": "interest", "period_start": "2025-01-02",
                               "period_end": "2025-01-03", "gross_cny": "1,000.00"}]},
                400,
            ),
        ],
    )  # fmt: skip
    def test_bad_files_are_answered_precisely_and_change_nothing(
        self, empty_house: House, changes: dict[str, Any], status: int
    ) -> None:
        client = empty_house.client("bank")
        answer = post(client, "/v1/subsidies/applications", body(**changes))
        assert answer.status_code in {status, 422 if status == 400 else status}, answer.text
        assert answer.headers["content-type"].startswith("application/problem+json")
        assert client.get("/v1/subsidies/applications").json() == {"applications": []}

    def test_the_report_and_its_files_agree(self, house: House) -> None:
        made = build(house)
        assert made["calculated_cny"] == "55086.49"
        assert [line["outcome"] for line in made["lines"]] == ["qualifies", "undecided", "refused", "duplicate"]
        client = house.client("bureau")
        read = client.get(f"/v1/subsidies/reports/{made['report_id']}").json()
        assert read == made
        book = client.get(f"/v1/subsidies/reports/{made['report_id']}/workbook.xlsx")
        assert "贴息汇总" in openpyxl.load_workbook(io.BytesIO(book.content)).sheetnames
        table = client.get(f"/v1/subsidies/reports/{made['report_id']}/table.csv").content.decode("utf-8-sig")
        assert next(csv.DictReader(io.StringIO(table)))["测算金额（元）"] == "55086.49"

    def test_a_report_past_the_business_date_is_refused(self, house: House) -> None:
        answer = post(house.client("bureau"), "/v1/subsidies/reports", {"quarter": "2025Q3", "as_of": "2025-09-27"})
        assert answer.status_code == 422
        assert "2025-09-26" in answer.text

    def test_another_bank_sees_nothing_of_it(self, house: House) -> None:
        report_id = build(house)["report_id"]
        other = house.client("other")
        assert other.get("/v1/subsidies/applications").json() == {"applications": []}
        for path in (
            f"/v1/subsidies/applications/{house.filed[0].application_id}/preview",
            f"/v1/subsidies/reports/{report_id}",
            f"/v1/subsidies/reports/{report_id}/workbook.xlsx",
        ):
            assert other.get(path).status_code == 404

    def test_roles(self, house: House) -> None:
        assert post(house.client("bank"), "/v1/subsidies/reports", {"quarter": "2025Q3"}).status_code == 403
        assert post(house.client("bureau"), "/v1/subsidies/applications", body()).status_code == 403
        assert post(house.client("auditor"), "/v1/subsidies/applications", body()).status_code == 403


class TestPages:
    def test_the_bureau_sees_the_batch_and_builds_it(self, house: House) -> None:
        client = house.browser("bureau-a")
        text = client.get("/subsidies", headers=PAGE).text
        for words in (
            "已申报",
            "55,086.49",
            "不符合：未结清",
            "未决定：参数未确认",
            "重复申报",
            "P0-3",
            "未确认",
            "示例",
        ):
            assert words in text, words
        assert "预审，未留存" in text
        answer = client.post(
            "/subsidies/reports",
            data={"quarter": "2025Q3", "_csrf_token": form_token(text)},
            headers=PAGE,
            follow_redirects=True,
        )
        assert answer.status_code == 200
        assert "预审，未留存" not in answer.text
        with house.sessions.read() as session:
            (head,) = service.report_heads(session, house.actors.bureau)
            report = service.load_report(session, house.actors.bureau, head.report_id)
        assert f"/decisions/{report.lines[0].decision_id}#figure-calculated_cny" in answer.text
        assert report.digest in answer.text
        for ending in ("xlsx", "csv", "json"):
            assert client.get(f"/subsidies/reports/{report.report_id}/export/{ending}").status_code == 200
        assert client.get(f"/subsidies/reports/{report.report_id}/export/pdf", headers=PAGE).status_code == 422

    def test_an_application_criterion_by_criterion(self, house: House) -> None:
        with house.browser("bureau-a") as client:
            a1, a2, a3, a4 = (
                client.get(f"/subsidies/{filed.application_id}", headers=PAGE).text for filed in house.filed
            )
        assert "110,172.97" in a1
        assert "figure-net_cny.P0-1" in a1
        assert "申请条件（第四部分）未确认" in a1
        assert "资助基数、资助比例未确认" in a2
        assert "贷款结清证明" in a3
        assert house.filed[0].application_id in a4

    def test_english(self, house: House) -> None:
        text = house.browser("officer-a").get("/subsidies?lang=en", headers=PAGE).text
        assert "Amount proposed" in text
        assert "undecided, parameter not confirmed" in text

    def test_a_bank_sees_its_own_and_cannot_build(self, house: House) -> None:
        text = house.browser("officer-a").get("/subsidies", headers=PAGE).text
        assert "A1" in text
        assert "生成报表" not in text
        other = house.browser("officer-b")
        assert "还没有贴息申请" in other.get("/subsidies", headers=PAGE).text
        assert other.get(f"/subsidies/{house.filed[0].application_id}", headers=PAGE).status_code == 404

    def test_wrong_quarters_and_reports(self, house: House) -> None:
        client = house.browser("bureau-a")
        assert client.get("/subsidies?quarter=nonsense", headers=PAGE).status_code == 422
        assert client.get("/subsidies?report=nothing", headers=PAGE).status_code == 404
        assert client.get("/subsidies?quarter=2024Q1", headers=PAGE).status_code == 200


class TestStatisticsAndWhatIf:
    def test_the_bureau_reads_statistics_with_a_tag_and_the_workbook(self, house: House) -> None:
        client = house.client("bureau")
        answer = client.get("/v1/statistics?first=2024Q1&last=2025Q4&dimension=district")
        said = answer.json()
        assert (said["loans_count"], said["loans_cny"], said["credit_lines_cny"]) == (2, "5300000.00", "0.00")
        assert {cell["dimension"] for cell in said["financing"]} == {"district"}
        tag = answer.headers["ETag"]
        again = client.get("/v1/statistics?first=2024Q1&last=2025Q4&dimension=district", headers={"If-None-Match": tag})
        assert (again.status_code, again.content) == (304, b"")
        book = client.get("/v1/statistics/workbook.xlsx?first=2024Q1&last=2025Q4")
        assert "融资明细" in openpyxl.load_workbook(io.BytesIO(book.content)).sheetnames
        assert client.get("/v1/statistics?first=2025Q3&last=2025Q1").status_code == 422
        assert client.get("/v1/statistics?first=Q3").status_code == 400
        assert client.get("/v1/statistics?as_of=2031-01-01").json()["title"]

    def test_another_bank_sees_nothing_of_it(self, house: House) -> None:
        said = house.client("other").get("/v1/statistics?first=2024Q1&last=2025Q4").json()
        assert (said["loans_count"], said["financing"], said["subsidies"], said["interest"][0]["voucher_count"]) == (
            0, [], [], 0,
        )  # fmt: skip
        assert house.client("other").get("/v1/subsidies/what-if?scheme=nanshan-2025&rate=0.4").json()["moves"] == []

    def test_disclosures_are_a_banks_own(self, house: House) -> None:
        client = house.client("bank")
        answer = client.get("/v1/bank-disclosures")
        said = answer.json()
        assert (said["quarter"], said["all_loans"]["balance_cny"], said["green_loans"]["balance_cny"]) == (
            "2025Q3", "2300000.00", "0.00",
        )  # fmt: skip
        assert all(not basis["confirmed"] for basis in said["bases"])
        tag = answer.headers["ETag"]
        assert client.get("/v1/bank-disclosures", headers={"If-None-Match": tag}).status_code == 304
        book = client.get("/v1/bank-disclosures/workbook.xlsx")
        assert "投融资活动碳排放" in openpyxl.load_workbook(io.BytesIO(book.content)).sheetnames
        assert house.client("other").get("/v1/bank-disclosures").json()["financed"] == []
        assert house.client("bureau").get("/v1/bank-disclosures").status_code == 403
        page = house.browser("officer-a")
        for words in ("2,300,000.00", "企业排放量未知", "未归类", "未确认"):
            assert words in page.get("/bank-disclosures", headers=PAGE).text, words
        assert page.get("/bank-disclosures/workbook.xlsx").status_code == 200

    def test_what_if_over_http_keeps_nothing(self, house: House) -> None:
        client = house.client("bureau")
        said = client.get("/v1/subsidies/what-if?scheme=nanshan-2025&rate=0.4").json()
        assert (said["cost_change_cny"], [move["reference"] for move in said["moves"]]) == ("-11017.30", ["A1"])
        refused = client.get("/v1/subsidies/what-if?scheme=nanshan-2025&rate=40")
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "rate")
        assert client.get("/v1/subsidies/what-if?scheme=atlantis&rate=0.4").status_code == 404
        assert client.get("/v1/decisions").json()["decisions"] == []

    def test_the_pages(self, house: House) -> None:
        client = house.browser("bureau-a")
        text = client.get("/statistics?first=2024Q1&last=2025Q4&by=bank", headers=PAGE).text
        for words in ("5,300,000.00", "示例银行股份有限公司深圳分行", "每季投放了多少贷款", "110,172.97"):
            assert words in text, words
        assert client.get("/statistics/workbook.xlsx?first=2024Q1").headers["content-type"].endswith("sheet")
        tried = client.get("/subsidies/what-if?scheme=nanshan-2025&rate=0.4", headers=PAGE).text
        for words in ("44,069.19", "-11,017.30", "谁会变动", "A1", "10–50 万元"):
            assert words in tried, words
        wrong = client.get("/subsidies/what-if?scheme=nanshan-2025&rate=forty", headers=PAGE)
        assert wrong.status_code == 422
        assert 'value="forty"' in wrong.text
        empty = client.get("/subsidies/what-if?lang=en", headers=PAGE).text
        assert "terms left empty stay" in empty


def test_json_export_is_the_twin(house: House) -> None:
    report_id = build(house)["report_id"]
    client = house.browser("bureau-a")
    twin = json.loads(client.get(f"/subsidies/reports/{report_id}/export/json").content)
    assert twin["report"]["report_id"] == report_id


class TestPartsOfStatistics:
    """P0 3,000,000.00 and P2 2,300,000.00, both of 南山, as the sample files state them."""

    def test_lines_come_in_pages_that_add_up_to_the_statistics(self, house: House) -> None:
        client = house.client("bureau")
        path: str | None = "/v1/statistics/financing-lines?first=2024Q1&last=2025Q4&limit=1&kind=loan"
        lines: list[dict[str, str]] = []
        while path is not None:
            answer = client.get(path)
            lines += answer.json()["lines"]
            path = answer.links.get("next", {}).get("url")
        assert [line["amount_cny"] for line in lines] == ["3000000.00", "2300000.00"]
        assert {(line["kind"], line["district"], line["known_on"]) for line in lines} == {
            ("loan", "南山", "2025-09-18")
        }
        since = client.get("/v1/statistics/financing-lines?first=2024Q1&last=2025Q4&changed_since=2025-09-19")
        assert (since.status_code, since.json()["lines"]) == (200, [])
        assert house.client("other").get("/v1/statistics/financing-lines?first=2024Q1").json()["lines"] == []

    def test_filters_and_days_hold_on_every_route(self, house: House) -> None:
        client = house.client("bureau")
        said = client.get("/v1/statistics?first=2024Q1&last=2025Q4&district=坪山").json()
        assert (said["loans_cny"], said["district"], said["subsidies"]) == ("0.00", "坪山", [])
        past = client.get("/v1/statistics?first=2024Q1&last=2025Q2&as_of=2025-06-30&known_on=2025-09-26").json()
        assert (past["loans_cny"], past["known_on"], past["subsidies"]) == ("5300000.00", "2025-09-26", [])
        then = client.get("/v1/statistics?first=2024Q1&last=2025Q2&as_of=2025-06-30").json()
        assert (then["loans_cny"], then["known_on"]) == ("0.00", "2025-06-30")
        refused = client.get("/v1/statistics?as_of=2025-06-30&known_on=2025-06-29")
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "known_on")
        quarters = client.get("/v1/statistics/series?first=2024Q2&last=2025Q2").json()["quarters"]
        assert [(one["quarter"], one["then"]["loans_cny"], one["now"]["loans_cny"]) for one in quarters][::4] == [
            ("2024Q2", "0.00", "3000000.00"), ("2025Q2", "0.00", "2300000.00"),
        ]  # fmt: skip

    def test_the_page_of_quarters(self, house: House) -> None:
        client = house.browser("bureau-a")
        text = client.get("/statistics/series?first=2024Q1&last=2025Q3", headers=PAGE).text
        for words in ("季度序列", "2,300,000.00", "季末所知", "本季未结束", "其后补记"):
            assert words in text, words
        narrowed = client.get("/statistics?first=2024Q1&last=2025Q4&district=南山&as_of=&bank=", headers=PAGE).text
        for words in ("5,300,000.00", "区：南山", 'href="/statistics/series?first=2024Q1'):
            assert words in narrowed, words
        assert client.get("/statistics?known_on=yesterday", headers=PAGE).status_code in {400, 422}


@pytest.mark.parametrize("words", ["A3", E2_USCI[-8:].lower(), "示例", "P2"])
def test_the_bureau_and_the_bank_find_an_application_and_another_bank_does_not(house: House, words: str) -> None:
    """By reference, a part of the code, of the name, and the loan note."""
    (wanted,) = [one.application_id for one in house.filed if one.application.reference == "A3"]
    for login, finds in (("bureau-a", True), ("officer-a", True), ("officer-b", False)):
        text = house.browser(login).get(f"/search?q={words}", headers=PAGE).text
        assert (f'href="/subsidies/{wanted}"' in text) is finds, login


def test_a_sign_that_stands_for_any_in_a_database_finds_itself_alone(sessions: Sessions) -> None:
    with sessions.begin() as session:
        actors = make_actors(session)
        record_notes(session, actors.bank)
        file_samples(session, actors.bank)
        found = [
            [one.application.reference for one in service.find_applications(session, actors.bureau, words, limit=9)]
            for words in ("%", "_", "a", "A1")
        ]  # fmt: skip
    assert (found[0], found[1], found[3]) == ([], [], ["A1"])
    assert {"A1", "A2", "A3", "A4"} == set(found[2]), "in any case"
