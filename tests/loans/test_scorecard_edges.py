"""Ratings by the scorecard through API, page and terminal; benchmarks and outside reports; labels that say whose method."""

import base64
from decimal import Decimal
from typing import Any

import pytest

from carbonfin.app.access import roles_for
from carbonfin.kernel.actors import Role
from loans.calc.ratings.benchmark import PeerGroup
from loans.calc.ratings.peers import peer_standing
from tests.app.worlds import PAGE
from tests.loans.conftest import Desk
from tests.loans.samples import E4_USCI
from tests.loans.scorecard_worlds import PEERS, consent, fill_scorecard

LABEL = "本系统自有方法，非深圳企业碳账户评级"
BENCHMARK = {
    "benchmark_id": "2024-全市", "released_on": "2025-06-02", "source": "本行样本", "file_name": "样本.csv",
    "content_base64": base64.b64encode(PEERS.encode("gbk")).decode(),
}  # fmt: skip


def posted(desk: Desk, address: str, body: dict[str, Any], key: str) -> Any:
    return desk.system.post(address, json=body, headers={"Idempotency-Key": key})


@pytest.fixture
def rated(desk: Desk) -> Desk:
    with desk.sessions.begin() as session:
        fill_scorecard(session, desk.bank)
    return desk


def test_a_rating_by_name_of_the_method_with_its_explanation(rated: Desk) -> None:
    answer = posted(rated, "/v1/ratings", {"usci": E4_USCI, "method": "scorecard"}, "r1")
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert (made["letter"], made["points"], made["cut_points"]) == ("B", "73.60", "93.73")
    assert (made["method_zh"], made["valid_to"], made["benchmark_id"]) == (LABEL, "2026-06-29", "2024-深圳")
    assert [one["code"] for one in made["reasons"]] == ["intensity", "green_power", "targets"]
    assert (len(made["scorecard_digest"]), len(made["benchmark_digest"])) == (64, 64)
    assert made["point_lifts"]
    assert (made["loan_follows"], made["outside_report"]["score"]) == ("outside-report", "71.6")
    assert posted(rated, "/v1/ratings", {"usci": E4_USCI, "method": "scorecard"}, "r1").json() == made
    record = rated.system.get(f"/v1/decisions/{made['decision_id']}").json()
    assert record["kind"] == "loans.scorecard"
    assert rated.system.post(f"/v1/decisions/{made['decision_id']}/replay").json()["same"] is True
    history = rated.system.get("/v1/ratings", params={"usci": E4_USCI}).json()
    assert [(one["letter"], one["valid_on"]) for one in history["ratings"]] == [("B", "2025-06-30")]
    for query in ({"valid_on": "2025-06-29"}, {"known_on": "2025-06-29"}):
        assert rated.system.get("/v1/ratings", params={"usci": E4_USCI, **query}).json()["ratings"] == []
    assert rated.stranger.get("/v1/ratings", params={"usci": E4_USCI}).json()["ratings"] == []
    assert posted(rated, "/v1/ratings", {"usci": E4_USCI}, "r2").json()["level"] == 2


def test_what_cannot_be_rated_says_why(desk: Desk) -> None:
    for body, status, field in (
        ({"usci": E4_USCI, "method": "scorecard"}, 422, "usci"),
        ({"usci": E4_USCI, "method": "quzhou"}, 400, "/method"),
    ):
        answer = posted(desk, "/v1/ratings", body, f"w-{status}")
        assert (answer.status_code, field in answer.text) == (status, True), answer.text
    with desk.sessions.begin() as session:
        consent(session, desk.bank)
    answer = posted(desk, "/v1/ratings", {"usci": E4_USCI, "method": "scorecard"}, "w-none")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (409, "year")
    assert desk.system.get("/v1/ratings", params={"usci": E4_USCI, "valid_on": "2025-02-30"}).status_code == 422
    many = posted(desk, "/v1/ratings/batches", {"uscis": [E4_USCI, "91440300EXAMPLE541"]}, "w-many").json()
    assert (many["ratings"], [one["item"] for one in many["failures"]]) == ([], [E4_USCI, "91440300EXAMPLE541"])


def test_many_at_once_through_the_api(rated: Desk) -> None:
    many = posted(rated, "/v1/ratings/batches", {"uscis": [E4_USCI]}, "many").json()
    assert (many["method_zh"], many["failures"]) == (LABEL, [])
    assert [(one["usci"], one["letter"], one["points"]) for one in many["ratings"]] == [(E4_USCI, "B", "73.60")]


def test_benchmarks_are_frozen_by_systems_and_outside_reports_stand_beside(desk: Desk) -> None:
    made = posted(desk, "/v1/ratings/benchmarks", BENCHMARK, "b1")
    assert made.status_code == 201, made.text
    assert (made.json()["enterprise_count"], len(made.json()["digest"])) == (4, 64)
    assert desk.system.get("/v1/ratings/benchmarks").json()["benchmarks"] == [made.json()]
    assert desk.stranger.get("/v1/ratings/benchmarks").json()["benchmarks"] == []
    bad = base64.b64encode("行业代码,企业规模,碳强度\nC1810,小型,x\n".encode()).decode()
    refused = posted(desk, "/v1/ratings/benchmarks", BENCHMARK | {"content_base64": bad}, "b2")
    assert (refused.status_code, "line 2" in refused.json()["detail"]) == (422, True)
    report = {
        "usci": E4_USCI, "producer": "另一征信机构(虚构)", "report_date": "2025-06-20", "valid_to": "2026-06-19",
        "score": "80.5", "source": "报告",
    }  # fmt: skip
    assert posted(desk, "/v1/ratings/reports", report, "o1").json()["score"] == "80.5"
    other = posted(desk, "/v1/ratings/reports", report | {"score": "81"}, "o2")
    assert (other.status_code, other.json()["errors"][0]["field"]) == (409, "report_date")
    wrong = posted(desk, "/v1/ratings/reports", report | {"valid_to": "2025-06-19"}, "o3")
    assert wrong.status_code == 422, wrong.text


def test_an_officer_does_not_freeze_benchmarks() -> None:
    assert roles_for("POST", "/v1/ratings/benchmarks") == {Role.SYSTEM, Role.RISK}


def test_the_page_rates_shows_and_prints(rated: Desk) -> None:
    address = f"/enterprises/{rated.bank.clothing.id}/rating"
    assert "尚未评级" in rated.get(address).text
    assert rated.get(f"{address}/report.pdf").status_code == 404
    assert rated.post(address, {"method": "scorecard"}).status_code == 303
    shown = rated.get(address).text
    for words in (
        LABEL,
        "73.60",
        "93.73",
        "影响最大的三项",
        "碳强度同业比较",
        "提高一分",
        "C18/2",
        "2024-深圳",
        "62.50%",
    ):
        assert words in shown, words
    pdf = rated.get(f"{address}/report.pdf")
    assert (pdf.headers["content-type"], pdf.content[:5]) == ("application/pdf", b"%PDF-")
    assert pdf.content == rated.get(f"{address}/report.pdf").content
    english = rated.browser.get(f"{address}?lang=en", headers=PAGE).text
    assert "not the rating of the Shenzhen enterprise carbon account" in english
    assert "One point: Targets 1 → 2 (76.60, B)" in english, "a lift is told in the reader's language"
    listed = rated.browser.get("/enterprises?lang=zh", headers=PAGE).text
    assert "C 制造业" in listed
    assert '#figure-letter">B</a> <span class="muted">73.60</span>' in listed, "the list names letter and points"
    assert rated.post(address, {}).status_code == 303


def test_the_page_says_what_a_rating_lacks(desk: Desk) -> None:
    refused = desk.post(f"/enterprises/{desk.bank.clothing.id}/rating", {"method": "scorecard"})
    assert (refused.status_code, "没有授权记录" in refused.text) == (422, True)


def test_quantiles_of_the_peers_by_hand() -> None:
    # Weights 1, 2, 1 at 0.1, 0.2, 0.9: a quarter of the weight lies at 0.1, three quarters at or below 0.2.
    group = PeerGroup(name="all", peer_count=4, values=(1000, 2000, 9000), through=(1, 3, 4))
    standing = peer_standing(group, Decimal("0.2000"))
    assert standing.quantiles == (
        (10, Decimal("0.1000")), (25, Decimal("0.1000")), (50, Decimal("0.2000")), (75, Decimal("0.2000")),
        (90, Decimal("0.9000")),
    )  # fmt: skip
    # One quarter emits more, half as much, which counts half.
    assert standing.better_ratio == Decimal("0.5000")
