"""Deliveries past the holiday calendar: provisional within the year that the next notice settles, a failure beyond."""

import csv
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from io import StringIO
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from carbonfin.app.packages import PACKAGES
from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import MissingData
from carbonfin.storage.decisions import load_decision
from carbonfin.storage.engine import Sessions
from pricing.calc.delivery_days import provisional_after
from tests.app.worlds import World, build_world
from tests.pricing.markets import CEA, snapshot_of
from tests.pricing.test_api import client_of, post
from tests.pricing.test_forwards_on_curves import CNY_RATES, EUR_RATES, FX, SETTLEMENTS, _quoted, _store
from tests.pricing.test_forwards_on_curves import world as unnamed
from tests.pricing.worlds import add_market

__all__ = ["unnamed"]
DAY = "2025-06-30"
UNTIL = date(2025, 12, 31)  # the notice for 2026 came out in November 2025
FORWARD = {"line_id": "IN", "kind": "forward", "unit": "CEA", "quantity_t": 1000, "strike_cny_per_t": "77.50",
           "delivery_date": "2025-12-31"}  # fmt: skip
PAST = {**FORWARD, "line_id": "PAST", "delivery_date": "2026-01-04"}
FAR = {**FORWARD, "line_id": "FAR", "delivery_date": "2100-12-31"}


@pytest.mark.parametrize(
    ("unit", "day", "expected"),
    [
        ("CEA", date(2025, 12, 31), None),
        ("CEA", date(2026, 1, 1), UNTIL),
        ("CEA-2024", date(2027, 1, 1), UNTIL),  # 366 days past the last known one
        ("EUA", date(2029, 12, 17), None),  # its venue lists the days itself
    ],
)
def test_by_day_and_scheme(unit: str, day: date, expected: date | None) -> None:
    snapshot = replace(snapshot_of(), calendar_known_until=UNTIL)
    assert provisional_after(snapshot, Unit.parse(unit), day) == expected


def test_a_day_more_is_refused_and_a_snapshot_of_before_knows_no_end() -> None:
    with pytest.raises(MissingData, match="known until 2025-12-31") as raised:
        provisional_after(replace(snapshot_of(), calendar_known_until=UNTIL), CEA, date(2027, 1, 2))
    assert (raised.value.field, raised.value.context["known_until"]) == ("delivery_date", "2025-12-31")
    assert provisional_after(snapshot_of(), CEA, date(2100, 12, 31)) is None


@pytest.fixture
def flat(sqlite_sessions: Sessions) -> World:
    """A bank that chose its flat rate by name."""
    world = build_world(sqlite_sessions, packages=PACKAGES)
    with sqlite_sessions.begin() as session:
        add_market(session, world.officer)
    return world


@pytest.fixture
def client(flat: World) -> Iterator[TestClient[Litestar]]:
    with client_of(flat) as client:
        yield client


def _check(client: TestClient[Litestar]) -> Any:
    """The same three lines on every path: one plain, one provisional, one refused by field with a remedy."""
    expected = {"IN": False, "PAST": True}
    lines = [FORWARD, PAST, FAR]
    stored = post(client, "/v1/valuations", {"valuation_date": DAY, "lines": lines}).json()
    preview = client.post("/v1/valuations/preview", json={"valuation_date": DAY, "lines": lines}).json()
    for answer in (stored, preview):
        assert {line["line_id"]: line["is_provisional"] for line in answer["lines"]} == expected
        (failure,) = answer["failures"]
        assert (failure["item"], failure["field"]) == ("FAR", "delivery_date")
        assert "放假通知" in failure["remedy_zh"]
    columns = {name: [line[name] for line in lines] for name in FORWARD}
    found = post(client, "/v1/valuations", {"valuation_date": DAY, "columns": columns}).json()
    assert dict(zip(found["columns"]["line_id"], found["columns"]["is_provisional"], strict=True)) == expected
    text = StringIO()
    rows = csv.DictWriter(text, list(FORWARD))
    rows.writeheader()
    rows.writerows(lines)
    streamed = client.post(
        f"/v1/valuations/stream?valuation_date={DAY}", content=text.getvalue().encode(),
        headers={"content-type": "text/csv"},
    )  # fmt: skip
    _, told, failed, _ = map(json.loads, streamed.text.splitlines())
    assert dict(zip(told["line_id"], told["is_provisional"], strict=True)) == expected
    assert [(one["item"], one["field"]) for one in failed["failures"]] == [("line 4", "delivery_date")]
    past = next(line for line in stored["lines"] if line["line_id"] == "PAST")
    assert any("暂定" in note and "2025-12-31" in note for note in past["notes_zh"])
    return stored


def test_on_a_flat_rate(flat: World, client: TestClient[Litestar]) -> None:
    body = _check(client)
    with flat.sessions.read() as session:
        figures = {one.name: one for one in load_decision(session, flat.officer, body["decision_id"]).trace}
    assert figures["line.IN.delivery_date"].confirmed
    assert not figures["line.PAST.delivery_date"].confirmed
    quoted = client.get(f"/v1/forwards/quote?unit=CEA&valuation_date={DAY}&delivery_date=2026-01-04").json()
    assert quoted["is_provisional"] is True
    far = client.get(f"/v1/forwards/quote?unit=CEA&valuation_date={DAY}&delivery_date=2099-01-04")
    assert far.status_code == 409
    assert "2025-12-31" in far.json()["detail"]


def test_on_curves(unnamed: World) -> None:
    with _quoted(unnamed, ("rates", CNY_RATES)) as client:
        _check(client)
        for what, text in (("settlements", SETTLEMENTS), ("rates", EUR_RATES), ("fx", FX)):
            _store(client, what, text)
        abroad = {**PAST, "unit": "EUA", "line_id": "CNY", "strike_cny_per_t": "580"}
        euro = {name: one for name, one in abroad.items() if name != "strike_cny_per_t"}
        euro |= {"line_id": "EUR", "strike_per_t": "65", "currency": "EUR"}
        found = post(client, "/v1/valuations", {"valuation_date": DAY, "lines": [abroad, euro]}).json()["lines"]
    # Days of the curve in 元 may move, those of the venue and of the euro do not.
    assert {line["line_id"]: line["is_provisional"] for line in found} == {"CNY": True, "EUR": False}
