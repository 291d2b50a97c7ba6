"""Every list under /v1 in pages, on both engines, while rows come in between the pages: none twice, none missed."""

import base64
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from litestar import Litestar
from litestar.testing import TestClient
from sqlmodel import Session

from carbonfin.app.packages import PACKAGES
from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.cryptography import KeyRing
from carbonfin.rules.parameters import Grade
from carbonfin.rules.record import canonical_json
from carbonfin.storage.approvals import ApprovalRow, ApprovalState
from carbonfin.storage.decisions import record_decision
from carbonfin.storage.engine import Sessions
from carbonfin.web.paging import LIMIT_DEFAULT, LIMIT_MAX
from collateral.models import PledgeRow
from pricing.calc.market import PriceKind, Quote
from pricing.models import PortfolioRow
from pricing.store.quotes import save_quotes
from reporting.models import SubsidyApplicationRow
from tests.app.worlds import BUSINESS_DATE, INTEREST, NOW, SECRET, InterestInputs, World, build_world, keyed_client
from tests.reporting.samples import application

NEXT = re.compile(r'<([^>]+)>; rel="next"')
FIRST = re.compile(r'<([^>]+)>; rel="first"')


def _decision(session: Session, world: World, place: int) -> None:
    facts = InterestInputs(principal_cny=Decimal(place), rate=Decimal("0.03"), days=9)
    record_decision(
        session, world.officer, INTEREST, facts, subject=f"P{place}", valid_on=BUSINESS_DATE, known_at=NOW
    )  # fmt: skip


def _approval(session: Session, world: World, place: int) -> None:
    # Two at each instant, so that the instant alone would not do as a key.
    session.add(
        ApprovalRow(
            organization_id=world.officer.organization_id, kind="test.thing", subject=f"thing:{place}", title_zh="事项",
            title_en="Thing", payload={}, payload_digest="0", state=ApprovalState.PROPOSED, maker_id="m",
            maker_name="甲", maker_reason="申请", created_at=NOW + timedelta(minutes=place // 2),
        )
    )  # fmt: skip


def _portfolio(session: Session, world: World, place: int) -> None:
    code = f"B{place:03d}"
    session.add(
        PortfolioRow(organization_id=world.officer.organization_id, code=code, name=code, is_sample=True)
    )  # fmt: skip


def _quote(session: Session, world: World, place: int) -> None:
    # Every third day is corrected, and every fourth is the bank's own beside the public one: a day still counts once.
    own = world.officer.organization_id
    for owner, price in (
        (None, 70),
        *(((None, 71),) if place % 3 == 0 else ()),
        *(((own, 72),) if not place % 4 else ()),
    ):
        quote = Quote(
            unit=Unit.parse("CEA"), quote_date=date(2025, 1, 1) + timedelta(days=place),
            price_cny_per_t=Decimal(price), price_kind=PriceKind.COMPOSITE_CLOSE, listed_volume_t=None, listed_amount_cny=None,
            block_volume_t=None, block_amount_cny=None, known_from=date(2025, 6, 1), exchange="交易所",
            document="公报", grade=Grade.READ, is_sample=owner is not None,
        )  # fmt: skip
        save_quotes(session, [quote], organization_id=owner)


def _pledge(session: Session, world: World, place: int) -> None:
    session.add(
        PledgeRow(
            organization_id=world.officer.organization_id, code=f"P{place:03d}", pledgor_id=world.party_id,
            state="APPLIED", principal_cny=Decimal("1.00"), end_date=date(2025, 12, 31), applied_on=BUSINESS_DATE,
            maker_id="m", maker_name="甲", is_sample=True,
        )
    )  # fmt: skip


def _application(session: Session, world: World, place: int) -> None:
    facts = json.loads(canonical_json(application(f"A{place:03d}")))
    session.add(
        SubsidyApplicationRow(
            organization_id=world.officer.organization_id, reference=f"A{place:03d}", scheme="nanshan-2025",
            applicant_usci="91440300EXAMPLE2XB", note_number="JJ", facts=facts,
            submitted_at=datetime(2025, 6, 1, tzinfo=UTC) + timedelta(hours=place // 2), digest="0", is_sample=True,
        )
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A list: its address, the name of its items in the body, what names an item, and how one comes in."""

    path: str
    items: str
    name_of: Callable[[dict[str, Any]], str]
    add: Callable[[Session, World, int], None]


LISTS = (
    Listed(path="/v1/decisions", items="decisions", name_of=lambda one: one["decision_id"], add=_decision),
    Listed(path="/v1/approvals", items="approvals", name_of=lambda one: one["approval_id"], add=_approval),
    Listed(path="/v1/portfolios", items="portfolios", name_of=lambda one: one["code"], add=_portfolio),
    Listed(path="/v1/market/quotes?unit=CEA", items="quotes", name_of=lambda one: one["quote_date"], add=_quote),
    Listed(path="/v1/pledges", items="pledges", name_of=lambda one: one["pledge"]["code"], add=_pledge),
    Listed(
        path="/v1/subsidies/applications", items="applications", name_of=lambda one: one["reference"], add=_application
    ),
)


@pytest.fixture
def world(sessions: Sessions) -> World:
    return build_world(sessions, packages=PACKAGES)


def _add(world: World, listed: Listed, *places: int) -> None:
    with world.sessions.begin() as session:
        for place in places:
            listed.add(session, world, place)


def _names(answer: dict[str, Any], listed: Listed) -> list[str]:
    return [listed.name_of(one) for one in answer[listed.items]]


def _sized(path: str, limit: int) -> str:
    return f"{path}{'&' if '?' in path else '?'}limit={limit}"


@pytest.mark.parametrize("listed", LISTS, ids=lambda listed: listed.path)
def test_rows_that_come_in_between_pages_shift_nothing(world: World, listed: Listed) -> None:
    _add(world, listed, *range(20, 40, 2))
    with keyed_client(world) as client:
        whole = _names(client.get(_sized(listed.path, 200)).json(), listed)
        assert len(whole) >= 10
        found: list[str] = []
        address: str | None = _sized(listed.path, 3)
        pages = 0
        while address is not None:
            answer = client.get(address)
            assert answer.status_code == 200, answer.text
            page = _names(answer.json(), listed)
            found += page
            pages += 1
            _add(world, listed, 21 + 2 * pages, 41 + pages, pages)
            following = NEXT.search(answer.headers["link"])
            assert len(page) == 3 or following is None
            address = following.group(1) if following else None
            assert pages < 30, "the pages have no end"
    assert len(found) == len(set(found)), "a row came twice"
    assert [name for name in found if name in whole] == whole, "a row was missed, or the order is not the list's"
    assert pages > 3


@pytest.mark.parametrize("listed", LISTS, ids=lambda listed: listed.path)
def test_the_last_page_names_no_next_one_and_each_names_the_first(world: World, listed: Listed) -> None:
    _add(world, listed, 1, 2, 3)
    with keyed_client(world) as client:
        count = len(client.get(listed.path).json()[listed.items])
        exact = client.get(_sized(listed.path, count))
        assert "next" not in exact.headers["link"]
        shorter = client.get(_sized(listed.path, count - 1))
        following = NEXT.search(shorter.headers["link"])
        assert following
        rest = client.get(following.group(1))
        assert _names(rest.json(), listed) == _names(exact.json(), listed)[-1:]
        first = FIRST.search(rest.headers["link"])
        assert first
        assert client.get(first.group(1)).json() == shorter.json()


def _after(client: TestClient[Litestar], path: str) -> str:
    found = re.search(r"after=([^&>]+)>", client.get(_sized(path, 1)).headers["link"])
    assert found
    return found.group(1)


def test_a_place_made_up_or_of_another_list_is_refused(world: World) -> None:
    _add(world, LISTS[0], 1, 2)
    _add(world, LISTS[1], 1, 2)
    _add(world, LISTS[2], 1, 2)
    with keyed_client(world) as client:
        good = _after(client, "/v1/decisions")
        assert client.get("/v1/decisions", params={"after": good}).status_code == 200
        text, seal = good.split(".")
        moved = base64.urlsafe_b64encode(msgspec.json.encode([["number", 1]])).decode().rstrip("=")
        refused = {
            "another list's": client.get("/v1/decisions", params={"after": _after(client, "/v1/approvals")}),
            "other filters'": client.get("/v1/decisions", params={"after": good, "kind": "test.interest"}),
            "another bank's": client.get("/v1/decisions", params={"after": good}, headers=world.key_headers("other")),
            "moved by hand": client.get("/v1/decisions", params={"after": f"{moved}.{seal}"}),
            "sealed by hand": client.get("/v1/decisions", params={"after": f"{text}.{'0' * 64}"}),
            "sealed by another installation": client.get(
                "/v1/decisions",
                params={"after": f"{text}.{KeyRing(secrets=(SECRET + b'!',)).seal('page', text)}"},
            ),
            "not ASCII": client.get("/v1/decisions", params={"after": "页面.密封"}),
            "a count": client.get("/v1/decisions", params={"after": "50"}),
        }
    for what, answer in refused.items():
        assert answer.status_code == 422, (what, answer.text)
        problem = answer.json()
        assert problem["errors"][0]["field"] == "after", what
        assert "Link" in problem["remedy"], what


def test_limits_are_bounded(world: World) -> None:
    with keyed_client(world) as client:
        for limit in ("0", "-1", str(LIMIT_MAX + 1), "many", "1e3"):
            answer = client.get("/v1/decisions", params={"limit": limit})
            assert answer.status_code == 400, limit
            assert answer.json()["errors"][0]["field"] == "limit"
        _add(world, LISTS[2], *range(LIMIT_DEFAULT + 5))
        assert len(client.get("/v1/portfolios").json()["portfolios"]) == LIMIT_DEFAULT


@pytest.mark.parametrize("listed", LISTS, ids=lambda listed: listed.path)
def test_an_index_begins_with_each_list_s_keys(sqlite_sessions: Sessions, listed: Listed) -> None:
    """A page is found without sorting the whole list; asked of the engine itself."""
    world = build_world(sqlite_sessions, packages=PACKAGES)
    _add(world, listed, *range(8))
    asked: list[tuple[str, Any]] = []
    engine = world.sessions.engine
    sa.event.listen(
        engine, "before_cursor_execute", lambda _c, _r, statement, parameters, *_: asked.append((statement, parameters))
    )
    with keyed_client(world) as client:
        address = NEXT.search(client.get(_sized(listed.path, 2)).headers["link"])
        assert address
        asked.clear()
        assert client.get(address.group(1)).status_code == 200
    paged = [one for one in asked if "ORDER BY" in one[0] and "LIMIT" in one[0] and 3 in one[1]]
    assert len(paged) == 1, asked
    with engine.connect() as connection:
        for statement, parameters in paged:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
            steps = [str(row[3]) for row in plan]
            assert not any("USE TEMP B-TREE FOR ORDER BY" in step for step in steps), steps
