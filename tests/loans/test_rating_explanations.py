"""Past ratings with their explanations over HTTP: by decision and as known on a day; nothing is rated anew."""

from datetime import timedelta
from typing import Any

import pytest

from carbonfin.storage.parties import DayState, roll_business_date
from loans import service
from loans.calc.account_entries import EntryKind
from tests.loans.conftest import Desk
from tests.loans.samples import E4_USCI
from tests.loans.scorecard_worlds import draft, fill_scorecard
from tests.loans.world import BUSINESS_DATE, KNOWN_AT

ADDRESS = "/v1/ratings/explanations"


def _rated(desk: Desk, key: str, method: str = "scorecard") -> Any:
    body = {"usci": E4_USCI, "method": method}
    answer = desk.system.post("/v1/ratings", json=body, headers={"Idempotency-Key": key})
    assert answer.status_code == 201, answer.text
    return answer.json()


def _asked(desk: Desk, **query: str) -> Any:
    return desk.system.get(ADDRESS, params={"usci": E4_USCI, **query})


@pytest.fixture
def twice(desk: Desk) -> tuple[Desk, Any, Any]:
    """Rate the clothing maker, and again a day later once a correction came."""
    with desk.sessions.begin() as session:
        fill_scorecard(session, desk.bank)
    first = _rated(desk, "first")
    with desk.sessions.begin() as session:
        roll_business_date(
            session, desk.bank.officer.organization_id, expected=BUSINESS_DATE, to=BUSINESS_DATE + timedelta(days=1),
            state=DayState.OPEN,
        )  # fmt: skip
        report = service.record_entries(
            session, desk.bank.officer, [draft(EntryKind.TARGET, "2", reason="补交第三方确认")], on=BUSINESS_DATE,
            known_at=KNOWN_AT + timedelta(hours=9),
        )  # fmt: skip
        assert report.failures == ()
    return desk, first, _rated(desk, "second")


def test_a_past_rating_is_read_as_it_was_made(twice: tuple[Desk, Any, Any]) -> None:
    desk, first, second = twice
    assert (first["points"], second["points"]) == ("73.60", "76.60")
    for made, day in ((first, "2025-06-30"), (second, "2025-07-01")):
        found = desk.system.get(f"{ADDRESS}/{made['decision_id']}")
        assert found.status_code == 200, found.text
        told = found.json()
        assert (told["usci"], told["valid_on"], told["scorecard"]) == (E4_USCI, day, made)
    assert first["reasons"] != second["reasons"]


def test_the_rating_as_it_stood_and_was_known_on_a_day(twice: tuple[Desk, Any, Any]) -> None:
    desk, first, second = twice
    for query, made in (
        ({}, second),
        ({"known_on": "2025-06-30"}, first),
        ({"valid_on": "2025-06-30"}, first),
        ({"valid_on": "2025-07-01", "known_on": "2025-06-30"}, first),
    ):
        assert _asked(desk, **query).json()["scorecard"] == made, query
    for query, status, field in (
        ({"known_on": "2025-06-29"}, 404, "usci"),
        ({"valid_on": "2025-06-29"}, 404, "usci"),
        ({"known_on": "2025-02-30"}, 422, "known_on"),
    ):
        answer = _asked(desk, **query)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (status, field), answer.text
    assert desk.stranger.get(ADDRESS, params={"usci": E4_USCI}).status_code == 404
    assert desk.stranger.get(f"{ADDRESS}/{first['decision_id']}").status_code == 404


def test_ratings_by_the_other_methods_are_read_too(twice: tuple[Desk, Any, Any]) -> None:
    desk, _, _ = twice
    for method, field in (("carbon-efficiency", "carbon_efficiency"), ("four-colour", "four_colour")):
        made = _rated(desk, method, method)
        told = desk.system.get(f"{ADDRESS}/{made['decision_id']}").json()
        assert [name for name in ("scorecard", "four_colour", "carbon_efficiency") if told[name] is not None] == [field]
        assert told[field] == made
    rate = desk.system.post(
        "/v1/rate-decisions", headers={"Idempotency-Key": "rate"},
        json={"usci": E4_USCI, "margin_bp": 85, "lpr_tenor": "1Y", "applies_from": "2025-07-01"},
    )  # fmt: skip
    assert rate.status_code == 201, rate.text
    refused = desk.system.get(f"{ADDRESS}/{rate.json()['decision_id']}")
    assert refused.status_code == 404
    assert "no rating" in refused.json()["detail"]
