"""A market data feed over loopback: what is stored, what is asked again, and that faults leave nothing half-stored."""

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from decimal import Decimal
from hashlib import sha256

import httpx
import pytest

from carbonfin.kernel.allowances import Scheme, Unit
from carbonfin.kernel.errors import InvalidInput, UpstreamFailed
from carbonfin.storage.engine import Sessions
from pricing import service
from pricing.calc.curve_quotes import CurveQuotes
from pricing.feeds.http import FeedWaits, HttpMarketFeed
from pricing.feeds.port import FeedResource
from pricing.feeds.simulator import FeedFault, FeedSimulator, PlannedFeedFault, running_feed
from pricing.jobs import fetch_market_day
from tests.pricing.worlds import BUSINESS_DATE, KNOWN_AT, MarketWorld, make_market_world

FIRST, LAST = date(2025, 6, 26), date(2025, 6, 27)
SZA = Unit.parse("SZA-2023")
QUOTE = {
    "unit": "SZA-2023", "open_cny_per_t": "39.80", "high_cny_per_t": "40.60", "low_cny_per_t": "39.70",
    "vwap_cny_per_t": "40.10", "listed_volume_t": "1000", "listed_amount_cny": "40100.00",
}  # fmt: skip
TABLES = {
    FeedResource.QUOTES: [
        QUOTE | {"quote_date": "2025-06-26", "price_cny_per_t": "40.00"},
        QUOTE | {"quote_date": "2025-06-27", "price_cny_per_t": "40.50"},
    ],
    FeedResource.SETTLEMENTS: [
        {"scheme": "EUA", "contract_code": f"EUA-{year}-12", "expiry_date": expiry, "settlement_date": day,
         "price_per_t": price, "currency": "EUR"}
        for day in ("2025-06-26", "2025-06-27")
        for year, expiry, price in ((2025, "2025-12-15", "70.10"), (2026, "2026-12-14", "71.60"))
    ],
    FeedResource.RATES: [{"name": "SHIBOR", "tenor": "3M", "quote_date": "2025-06-27", "rate_percent": "1.65"}],
    FeedResource.FX: [
        {"pair": "EURCNY", "quote_date": "2025-06-26", "rate": "8.39"},
        {"pair": "EURCNY", "quote_date": "2025-06-27", "rate": "8.40"},
    ],
    FeedResource.VOLATILITIES: [
        {"scheme": "EUA", "expiry_date": "2025-12-10", "strike": strike, "quote_date": "2025-06-27",
         "volatility_percent": volatility, "currency": "EUR"}
        for strike, volatility in (("60", "40.0"), ("70", "38.0"))
    ],
}  # fmt: skip

AT_ONCE = FeedWaits(first_wait_seconds=0.0, wait_seconds_max=0.0)


@pytest.fixture
def world(sessions: Sessions) -> MarketWorld:
    with sessions.begin() as session:
        return make_market_world(session)


@contextmanager
def feed_of(server: FeedSimulator, *, timeout_seconds: float = 5.0) -> Iterator[HttpMarketFeed]:
    """The feed, asked again at once."""
    with httpx.Client(base_url=server.address, timeout=timeout_seconds, trust_env=False) as client:
        yield HttpMarketFeed(client, waits=AT_ONCE)


def fetch(
    sessions: Sessions, world: MarketWorld, feed: HttpMarketFeed, *, preview: bool = False
) -> service.FetchReport:
    with sessions.begin() as session:
        return service.fetch_market(
            session, world.stranger, feed, resources=tuple(FeedResource), exchange="示例行情商", from_date=FIRST,
            to_date=LAST, known_at=KNOWN_AT, preview=preview,
        )  # fmt: skip


def curves(sessions: Sessions, world: MarketWorld) -> CurveQuotes:
    with sessions.read() as session:
        return service.curves_of(
            session, valuation_date=LAST, known_at=KNOWN_AT, organization_id=world.stranger.organization_id
        )


def test_every_table_is_stored_with_the_digest_of_its_answer(sessions: Sessions, world: MarketWorld) -> None:
    with running_feed(TABLES) as server, feed_of(server) as feed:
        assert not fetch(sessions, world, feed, preview=True).stored
        assert curves(sessions, world).quotes == ()
        report = fetch(sessions, world, feed)
        answer = httpx.get(f"{server.address}/quotes?from=2025-06-26&to=2025-06-27", trust_env=False).content
        again = fetch(sessions, world, feed)
    assert [(one.resource, one.row_count, one.added_count) for one in report.resources] == [
        ("quotes", 2, 2), ("settlements", 4, 4), ("rates", 1, 1), ("fx", 2, 2), ("volatilities", 2, 2),
    ]  # fmt: skip
    assert [one.unchanged_count for one in again.resources] == [2, 4, 1, 2, 2]
    with sessions.read() as session:
        days = service.market_days(
            session, world.stranger, unit=SZA, from_date=FIRST, to_date=LAST, known_at=KNOWN_AT
        )  # fmt: skip
    assert [(day.price_cny_per_t, day.vwap_cny_per_t) for day in days] == [
        (Decimal("40.00"), Decimal("40.10")), (Decimal("40.50"), Decimal("40.10")),
    ]  # fmt: skip
    assert report.resources[0].digest == sha256(answer).hexdigest()
    assert days[0].document.endswith(report.resources[0].digest)
    found = curves(sessions, world)
    assert [one.value for one in found.settlements_of(Scheme.EUA)] == [Decimal("70.10"), Decimal("71.60")]
    assert found.rates_of("SHIBOR")[0].value == Decimal("0.0165")
    assert found.fx_of("EURCNY")[0].value == Decimal("8.40")


@pytest.mark.parametrize(
    ("fault", "resource", "field"),
    [
        (FeedFault.MALFORMED_ROW, FeedResource.FX, "rate"),
        (FeedFault.DUPLICATE, FeedResource.SETTLEMENTS, "quote_date"),
        (FeedFault.UNIT_SLIP, FeedResource.FX, "rate"),
        (FeedFault.UNIT_SLIP, FeedResource.SETTLEMENTS, "price_per_t"),
        (FeedFault.MALFORMED_ROW, FeedResource.QUOTES, "price_cny_per_t"),
        (FeedFault.MALFORMED_ROW, FeedResource.VOLATILITIES, "volatility_percent"),
        (FeedFault.UNIT_SLIP, FeedResource.VOLATILITIES, "volatility"),
        (FeedFault.DUPLICATE, FeedResource.VOLATILITIES, "quote_date"),
    ],
)
def test_a_bad_row_is_listed_and_no_table_is_stored(
    sessions: Sessions, world: MarketWorld, fault: FeedFault, resource: FeedResource, field: str
) -> None:
    with running_feed(TABLES) as server, feed_of(server) as feed:
        server.plan(PlannedFeedFault(resource=resource, fault=fault, times=1))
        report = fetch(sessions, world, feed)
        assert [(one.item.split(" ")[0], one.field) for one in report.failures] == [(resource, field)]
        assert report.failures[0].remedy_zh
        assert not report.stored
        assert curves(sessions, world).quotes == ()
        assert fetch(sessions, world, feed).stored, "the fault has passed"


def test_a_price_a_hundred_times_the_last_one_is_a_slip_even_without_volumes(
    sessions: Sessions, world: MarketWorld
) -> None:
    rows = [{key: row[key] for key in ("unit", "quote_date", "price_cny_per_t")} for row in TABLES[FeedResource.QUOTES]]
    with running_feed(TABLES | {FeedResource.QUOTES: rows}) as server, feed_of(server) as feed:
        server.plan(PlannedFeedFault(resource=FeedResource.QUOTES, fault=FeedFault.UNIT_SLIP, times=1))
        report = fetch(sessions, world, feed)
    assert [(one.item, one.field) for one in report.failures] == [("quotes SZA-2023 2025-06-27", "price_cny_per_t")]
    assert "4050" in report.failures[0].zh


def test_a_publisher_without_volatilities_gives_none_and_the_rest_is_stored(sqlite_sessions: Sessions) -> None:
    with sqlite_sessions.begin() as session:
        world = make_market_world(session)
    tables = {resource: rows for resource, rows in TABLES.items() if resource is not FeedResource.VOLATILITIES}
    with running_feed(tables) as server, feed_of(server) as feed:
        assert httpx.get(f"{server.address}/volatilities", trust_env=False).status_code == 404
        report = fetch(sqlite_sessions, world, feed)
    assert report.stored
    assert [one.row_count for one in report.resources] == [2, 4, 1, 2, 0]


def test_a_feed_that_fails_is_asked_three_times(sqlite_sessions: Sessions) -> None:
    with sqlite_sessions.begin() as session:
        world = make_market_world(session)
    with running_feed(TABLES) as server, feed_of(server) as feed:
        server.plan(PlannedFeedFault(resource=FeedResource.RATES, fault=FeedFault.ERROR, times=2))
        report = fetch(sqlite_sessions, world, feed)
        assert [one.attempt_count for one in report.resources] == [1, 1, 3, 1, 1]
        server.plan(PlannedFeedFault(resource=FeedResource.RATES, fault=FeedFault.ERROR, times=3))
        with pytest.raises(UpstreamFailed, match="rates: HTTP 500"):
            fetch(sqlite_sessions, world, feed)
        assert httpx.get(f"{server.address}/unknown", trust_env=False).status_code == 404


def test_a_late_answer_is_a_timeout_and_a_large_one_is_not_read_to_its_end() -> None:
    with running_feed(TABLES) as server:
        with feed_of(server, timeout_seconds=0.2) as feed:
            server.plan(PlannedFeedFault(resource=FeedResource.FX, fault=FeedFault.LATE, times=1, delay_seconds=30))
            assert feed.fetch(FeedResource.FX, from_date=FIRST, to_date=LAST).attempt_count == 2
        asked_count = server.asked_count
        with httpx.Client(base_url=server.address, trust_env=False) as client:
            small = HttpMarketFeed(client, bytes_max=50)
            with pytest.raises(UpstreamFailed, match="more than 50 bytes"):
                small.fetch(FeedResource.FX, from_date=FIRST, to_date=LAST)
        assert server.asked_count == asked_count + 1
        address = server.address
    with httpx.Client(base_url=address, trust_env=False) as client:
        gone = HttpMarketFeed(client, waits=dataclasses.replace(AT_ONCE, attempts=1))
        with pytest.raises(UpstreamFailed, match="ConnectError"):
            gone.fetch(FeedResource.FX, from_date=FIRST, to_date=LAST)


def test_the_job_of_the_day_fetches_it_and_lists_what_failed(sqlite_sessions: Sessions) -> None:
    tables = {
        FeedResource.FX: [{"pair": "EURCNY", "quote_date": BUSINESS_DATE.isoformat(), "rate": "8.40"}],
    }
    with sqlite_sessions.begin() as session:
        world = make_market_world(session)
    with running_feed(tables) as server, feed_of(server) as feed:
        server.plan(PlannedFeedFault(resource=FeedResource.FX, fault=FeedFault.MALFORMED_ROW, times=1))
        outcomes = []
        for _ in range(2):
            with sqlite_sessions.begin() as session:
                outcomes.append(fetch_market_day(session, world.stranger, BUSINESS_DATE, feed=feed, exchange="行情商"))
        with pytest.raises(InvalidInput, match="name of its source"), sqlite_sessions.begin() as session:
            fetch_market_day(session, world.stranger, BUSINESS_DATE, feed=feed, exchange=" ")
    assert (outcomes[0].done_count, len(outcomes[0].failures)) == (0, 1)
    assert replace(outcomes[1], failures=()) == outcomes[1]
    assert outcomes[1].done_count == 1
