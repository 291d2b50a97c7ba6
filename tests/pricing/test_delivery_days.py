"""Deliveries and expiries past the holiday calendar: provisional within the year that the next notice settles, a failure beyond."""

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
from carbonfin.kernel.actors import Role
from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import MissingData
from carbonfin.storage.decisions import load_decision, rebuilt
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import actor_of, people_of
from carbonfin.storage.rulebook import enter_parameter
from pricing.calc.delivery_days import provisional_after
from pricing.calc.portfolio import PortfolioInputs, value_portfolio
from tests.app.worlds import World, build_world
from tests.pricing.markets import CEA, KNOWN_AT, forward_rate, snapshot_of
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


OPTION_PRICES = "品种,合约代码,到期日,结算日,结算价,币种\n" + "".join(
    f"CEA,CEA-{day[:7]},{day},2025-06-30,76.00,CNY\n" for day in ("2025-12-15", "2026-03-16", "2027-03-15")
)
OPTION_VOLATILITIES = "品种,到期日,行权价,日期,波动率(%),币种\n" + "".join(
    f"CEA,{day},{strike},2025-06-30,30,CNY\n"
    for day in ("2025-12-15", "2026-03-16", "2027-03-15")
    for strike in (70, 76, 85)
)
OPTION = {"line_id": "IN", "kind": "option", "unit": "CEA", "quantity_t": 1000, "option_type": "call",
          "option_style": "european", "strike_per_t": "76", "expiry_date": "2025-12-15",
          "delivery_date": "2025-12-15"}  # fmt: skip
AFTER = {**OPTION, "line_id": "PAST", "expiry_date": "2026-03-16", "delivery_date": "2026-03-16"}
LATER = {**OPTION, "line_id": "FAR", "expiry_date": "2027-03-15", "delivery_date": "2027-03-15"}


@pytest.fixture
def domestic(unnamed: World) -> Iterator[tuple[World, TestClient[Litestar]]]:
    """A bank with futures prices and volatilities of CEA, whose one phase it approved."""
    phase = replace(
        forward_rate("0"), key="pricing.trading_phase", scope="CEA-1", unit="text",
        value="first_delivery=2021-01-01 last_delivery=2030-12-31 banks_into_next=true",
    )  # fmt: skip
    with unnamed.sessions.begin() as session:
        people = people_of(session, unnamed.officer.organization_id)
        checker = actor_of(session, next(one for one in people if one.role is Role.CHECKER).id)
        enter_parameter(session, unnamed.officer, checker, phase, reason="核定", at=KNOWN_AT)
    files = (("rates", CNY_RATES), ("settlements", OPTION_PRICES), ("volatilities", OPTION_VOLATILITIES))
    with _quoted(unnamed, *files) as client:
        yield unnamed, client


def test_an_option_that_expires_past_the_calendar_is_provisional_for_a_year(
    domestic: tuple[World, TestClient[Litestar]],
) -> None:
    """On every path: marked with its note and unconfirmed day within a year of the last notice, refused beyond."""
    world, client = domestic
    lines = [OPTION, AFTER, LATER]
    expected = {"IN": False, "PAST": True}
    stored = post(client, "/v1/valuations", {"valuation_date": DAY, "lines": lines}).json()
    preview = client.post("/v1/valuations/preview", json={"valuation_date": DAY, "lines": lines}).json()
    for answer in (stored, preview):
        assert {line["line_id"]: line["is_provisional"] for line in answer["lines"]} == expected, answer
        (failure,) = answer["failures"]
        assert (failure["item"], failure["field"]) == ("FAR", "expiry_date")
        assert "放假通知" in failure["remedy_zh"]
    text = StringIO()
    rows = csv.DictWriter(text, list(OPTION))
    rows.writeheader()
    rows.writerows(lines)
    streamed = client.post(
        f"/v1/valuations/stream?valuation_date={DAY}", content=text.getvalue().encode(),
        headers={"content-type": "text/csv"},
    )  # fmt: skip
    _, told, failed, _ = map(json.loads, streamed.text.splitlines())
    assert dict(zip(told["line_id"], told["is_provisional"], strict=True)) == expected
    assert [one["field"] for one in failed["failures"]] == ["expiry_date"]
    past = next(line for line in stored["lines"] if line["line_id"] == "PAST")
    assert any("暂定" in note and "2025-12-31" in note for note in past["notes_zh"])
    with world.sessions.read() as session:
        decision = load_decision(session, world.officer, stored["decision_id"])
    figures = {one.name: one for one in decision.trace}
    assert figures["line.IN.expiry_date"].confirmed
    assert not figures["line.PAST.expiry_date"].confirmed
    inputs = rebuilt(json.dumps(decision.inputs), PortfolioInputs)
    assert inputs.options is not None
    # What was recorded before days were marked comes out as it did: all three are valued.
    before = replace(inputs, options=replace(inputs.options, marks_calendar=None))
    assert [line.is_provisional for line in value_portfolio(before).lines] == [None, None, None]


def test_an_option_valued_apart_is_marked_too(domestic: tuple[World, TestClient[Litestar]]) -> None:
    _, client = domestic
    lines = [
        {**{name: one for name, one in line.items() if name not in {"kind", "unit", "option_style"}},
         "surface": "CEA", "style": "european"}
        for line in (OPTION, AFTER, LATER)
    ]  # fmt: skip
    body = client.post("/v1/options/values", json={"valuation_date": DAY, "lines": lines}).json()
    assert {line["line_id"]: line["is_provisional"] for line in body["lines"]} == {"IN": False, "PAST": True}
    assert [(one["item"], one["field"]) for one in body["failures"]] == [("FAR", "expiry_date")]
