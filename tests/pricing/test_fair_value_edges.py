"""The fair value over HTTP and on its page, from the built-in market."""

from decimal import Decimal

import pytest

from carbonfin.app.packages import PACKAGES
from carbonfin.storage.engine import Sessions
from tests.app.worlds import PAGE, World, build_world, signed_in
from tests.pricing.test_api import client_of
from tests.pricing.worlds import add_market


@pytest.fixture
def world(sqlite_sessions: Sessions) -> World:
    world = build_world(sqlite_sessions, packages=PACKAGES)
    with sqlite_sessions.begin() as session:
        add_market(session, world.officer)
    return world


def test_a_vintage_without_quotes_of_its_own_stands_on_the_composite_and_says_so(world: World) -> None:
    with signed_in(world) as client:
        answer = client.get("/v1/fair-values?unit=CEA-2024&valuation_date=2025-06-30")
    assert answer.status_code == 200, answer.text
    body = answer.json()
    taken = [step for step in body["steps"] if step["is_taken"]]
    assert [step["code"] for step in taken] == ["composite_mean"]
    assert (body["waterfall_cny_per_t"], body["waterfall_level"]) == (taken[0]["price_cny_per_t"], 2)
    # The listed mean over the last twenty trading days of the public bulletin, blocks left out (page /market says 74.03)
    assert body["waterfall_cny_per_t"].startswith("74.0")
    assert "综合价格" in body["steps"][0]["reason_zh"]
    assert body["prudent_cny_per_t"] is None


@pytest.mark.parametrize("unit", ["CEA", "CEA-2024", "CCER", "SZA-2024"])
def test_the_fair_value_is_the_price_of_the_book_whatever_the_waterfall_says(world: World, unit: str) -> None:
    """The bulletin's close of CEA on 2025-06-30 is 75.02; its policy is the last close, and the book has it."""
    body = {"valuation_date": "2025-06-30",
            "lines": [{"line_id": "H1", "kind": "spot", "unit": unit, "quantity_t": 1}]}  # fmt: skip
    with signed_in(world) as client:
        found = client.get(f"/v1/fair-values?unit={unit}&valuation_date=2025-06-30").json()
        page = client.get(f"/market/fair-value?unit={unit}&on=2025-06-30", headers=PAGE).text
    with client_of(world) as client:
        (line,) = client.post("/v1/valuations/preview", json=body).json()["lines"]
    assert found["price_cny_per_t"] == line["price_cny_per_t"]
    assert found["level"] == line["level"]
    assert "与账簿一致" in page
    if unit.startswith("CEA"):
        assert (found["price_cny_per_t"], found["policy"]) == ("75.02", "last_close")
    if found["prudent_cny_per_t"] is not None:
        assert Decimal(found["prudent_cny_per_t"]) <= Decimal(found["price_cny_per_t"])
    differs = found["waterfall_cny_per_t"] not in {None, found["price_cny_per_t"]}
    if differs:
        assert "仅供比较" in found["alarms_zh"][0] or "仅供比较" in found["alarms_zh"][1]


def test_the_page_shows_each_rung_with_its_reason(world: World) -> None:
    with signed_in(world) as client:
        text = client.get("/market/fair-value?unit=CEA-2024&on=2025-06-30", headers=PAGE).text
        english = client.get("/market/fair-value?unit=CCER&on=2025-06-30&lang=en", headers=PAGE).text
        assert client.get("/market/fair-value?unit=nonsense", headers=PAGE).status_code == 422
        assert client.get("/market/fair-value?unit=GDEA-2024", headers=PAGE).status_code == 409
    assert "定价瀑布" in text
    assert "未加基差" in text
    assert "Waterfall of prices" in english
    assert "day mean" in english or "volume-weighted" in english
