"""Books at rest as blocks: the format's bytes, what they give back, and what is seen of changes."""

import base64
import hashlib
import json
import os
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from litestar.testing import TestClient

from carbonfin.app.packages import PACKAGES
from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import Conflict, InvalidInput
from carbonfin.kernel.units import Currency
from carbonfin.storage import schema
from carbonfin.storage.engine import Sessions, open_engine
from carbonfin.storage.texts import UnstorableValue
from pricing import service
from pricing.calc.contracts import book_of
from pricing.calc.line_faults import line_fault
from pricing.calc.options.kinds import ExerciseStyle, OptionType
from pricing.calc.positions import Averaging, LineKind, PortfolioLine
from pricing.store import line_blocks, portfolios, stored_books
from pricing.store.line_blocks import LineBlock, StoredLines, blocks_of
from tests.app.worlds import World, build_world
from tests.pricing.markets import F1, G1, spot
from tests.pricing.test_api import client_of, post
from tests.pricing.worlds import BOOK, BUSINESS_DATE, KNOWN_AT, MarketWorld, add_market, make_market_world
from tests.statements import statements_of

PREVIEW = "/v1/valuations/preview"
OPTION = PortfolioLine(
    line_id="O1", kind=LineKind.OPTION, unit=Unit.parse("EUA"), quantity_t=1000, option_type=OptionType.CALL,
    option_style=ExerciseStyle.EUROPEAN, strike_per_t=Decimal("70.00"), expiry_date=date(2025, 12, 10),
    delivery_date=date(2025, 12, 15),
)  # fmt: skip


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    """Let no test find what another has read."""
    stored_books.forget()


@pytest.fixture
def world(sessions: Sessions) -> MarketWorld:
    with sessions.begin() as session:
        return make_market_world(session)


# --- the format -------------------------------------------------------------------------------------------------------
def _container(magic: bytes, columns: list[list[object]], count: int, parts: list[bytes]) -> bytes:
    """Write a block by hand: each part and the header padded to 64 bytes."""
    payload = b"".join(part + bytes(-len(part) % 64) for part in parts)
    stated = json.dumps({"columns": columns, "count": count}, separators=(",", ":")).encode()
    whole = {"columns": columns, "count": count, "sha256": hashlib.sha256(stated + payload).hexdigest()}
    header = json.dumps(whole, separators=(",", ":")).encode()
    header += b" " * (-(12 + len(header)) % 64)
    return magic + struct.pack("<I", len(header)) + header + payload


def test_the_bytes_of_a_small_book_are_these() -> None:
    lines = (
        spot("H1", "CEA-2023", 60_000),
        replace(F1, line_id="F1", label="买入", quantity_t=-20_000, strike_cny_per_t=Decimal("77.5")),
    )
    terms = b'[{"kind":"spot","unit":"CEA-2023"},{"kind":"forward","unit":"CEA","delivery_date":"2025-12-15"}]'
    codes, labels = b'["H1","F1"]', '["","买入"]'.encode()
    numbers = _container(
        b"CFLINES\x01",
        [["contract", "<u4"], ["quantity_t", "<i4"], ["strike_micro", "<i8"], ["terms", "|u1", len(terms)]],
        2,
        [
            struct.pack("<2I", 0, 1),
            struct.pack("<2i", 60_000, -20_000),
            struct.pack("<2q", -(2**63), 77_500_000),
            terms,
        ],
    )
    texts = _container(
        b"CFTEXTS\x01", [["line_id", "|u1", len(codes)], ["label", "|u1", len(labels)]], 2, [codes, labels]
    )
    assert blocks_of(lines) == [LineBlock(line_count=2, numbers=numbers, texts=texts)]
    stated = [2, _sha(numbers), 2, _sha(texts)]
    whole = json.dumps({"format": 1, "leaf": 262_144, "blocks": [stated]}, separators=(",", ":")).encode()
    assert StoredLines(blocks_of(lines)).digest == hashlib.sha256(whole).hexdigest()


def _sha(block: bytes) -> str:
    (length,) = struct.unpack_from("<I", block, 8)
    return str(json.loads(block[12 : 12 + length])["sha256"])


_PRICES = st.decimals(min_value="0.000001", max_value=90_000, places=6)
_DAYS = st.dates(date(2025, 7, 1), date(2099, 12, 31))
_UNITS = st.sampled_from([Unit.parse(text) for text in ("CEA", "CEA-2023", "CCER", "EUA", "SZA-2024")])
_TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc", "Cf")), max_size=20)
_PAPERS = st.none() | st.text(st.characters(categories=("L",)), min_size=1, max_size=9)
_TONNES = st.integers(-100_000_000, 100_000_000).filter(bool)


@st.composite
def _lines(draw: st.DrawFn) -> PortfolioLine:
    kind = draw(st.sampled_from(LineKind))
    common: dict[str, Any] = {"line_id": "", "kind": kind, "unit": draw(_UNITS), "label": draw(_TEXTS)}
    tonnes = draw(_TONNES)
    if kind is LineKind.SPOT:
        return PortfolioLine(**common, quantity_t=abs(tonnes))
    price = draw(_PRICES)
    in_euro = draw(st.booleans())
    agreed: dict[str, Any] = (
        {"strike_per_t": price, "currency": Currency.EUR} if in_euro else {"strike_cny_per_t": price}
    )
    if kind is LineKind.FORWARD:
        papers = {"master_agreement": draw(_PAPERS), "derivatives_licence": draw(_PAPERS)}
        return PortfolioLine(**common, **agreed, **papers, quantity_t=tonnes, delivery_date=draw(_DAYS))
    if kind is LineKind.FUTURES:
        traded = draw(st.none() | _DAYS)
        return PortfolioLine(**common, **agreed, quantity_t=tonnes, contract_code="G1", trade_date=traded)
    style, expiry = draw(st.sampled_from(ExerciseStyle)), draw(_DAYS)
    averaging = None
    if style is ExerciseStyle.AVERAGE_PRICE:
        averaging = Averaging(dates=(date(2025, 6, 30), expiry), fixed_count=1, fixed_average_per_t=draw(_PRICES))
    return PortfolioLine(
        **common, quantity_t=tonnes, option_type=draw(st.sampled_from(OptionType)), option_style=style,
        expiry_date=expiry, strike_per_t=price, delivery_date=expiry, averaging=averaging,
    )  # fmt: skip


@given(st.lists(_lines(), max_size=12), st.integers(1, 5))
def test_any_book_comes_back_as_it_was_in_leaves_of_any_size(drawn: list[PortfolioLine], leaf: int) -> None:
    lines = tuple(replace(line, line_id=f"L{place}") for place, line in enumerate(drawn))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(line_blocks, "LEAF_POSITIONS", leaf)
        blocks = blocks_of(lines)
        found = StoredLines(blocks)
        assert len(blocks) == -(-len(lines) // leaf)
        assert found.lines() == lines
        # The same as it is made of lines one by one, whose own tests hold what it is.
        book, plain = found.book(), book_of(lines)
        assert tuple(book.codes()) == tuple(plain.codes())
        assert [number for number, _ in book.lines] == [number for number, _ in plain.lines]
        assert np.array_equal(book.columns.quantity_t, plain.columns.quantity_t)
        for mine, other in zip(book.columns.contract.tolist(), plain.columns.contract.tolist(), strict=True):
            assert replace(book.columns.contracts[mine].line, line_id="") == plain.columns.contracts[other].line
        is_forward = [plain.columns.contracts[one].line.kind is LineKind.FORWARD for one in plain.columns.contract]
        assert book.columns.strike_cny_per_t[is_forward].tolist() == plain.columns.strike_cny_per_t[is_forward].tolist()
        assert [line_fault(book.line_at(place)) for place in range(len(lines))] == [line_fault(line) for line in lines]


def test_a_price_of_seven_places_or_a_text_that_turns_is_refused() -> None:
    for line in (
        replace(F1, strike_cny_per_t=Decimal("77.1234567")),
        replace(OPTION, strike_per_t=Decimal("70.1234567")),
        replace(F1, label="a\u202eb"),
        replace(F1, master_agreement="a\u202eb"),
    ):
        with pytest.raises(UnstorableValue):
            blocks_of([line])


def test_halves_of_different_books_are_no_book() -> None:
    (one,), (other,) = blocks_of([F1]), blocks_of([replace(F1, line_id="F2", quantity_t=1)])
    mixed = LineBlock(line_count=1, numbers=one.numbers, texts=other.texts)
    assert StoredLines([mixed]).digest not in {StoredLines([one]).digest, StoredLines([other]).digest}
    with pytest.raises(InvalidInput, match="starts with"):
        StoredLines([LineBlock(line_count=1, numbers=one.texts, texts=one.numbers)])


# --- at rest ----------------------------------------------------------------------------------------------------------
def _stored(sessions: Sessions, world: MarketWorld, lines: tuple[PortfolioLine, ...] = BOOK) -> str:
    with sessions.begin() as session:
        return service.save_portfolio(session, world.maker, code="B1", name="示例组合", lines=lines).id


def _count(sessions: Sessions, table: str) -> int:
    with sessions.read() as session:
        return int(session.execute(sa.text(f"SELECT count(*) FROM {table}")).scalar_one())  # noqa: S608 - own names


def _do(sessions: Sessions, statement: str, **values: object) -> None:
    with sessions.begin() as session:
        assert session.execute(sa.text(statement), values).rowcount > 0  # type: ignore[attr-defined]


def _loaded(sessions: Sessions, world: MarketWorld, portfolio_id: str) -> tuple[PortfolioLine, ...]:
    with sessions.read() as session:
        return service.load_portfolio(session, world.maker, portfolio_id).lines


@pytest.mark.parametrize("column", ["numbers", "texts", "book_digest", "line_count"])
def test_a_block_changed_at_rest_is_refused_by_the_books_name_until_it_is_imported_again(
    sessions: Sessions, world: MarketWorld, column: str
) -> None:
    portfolio_id = _stored(sessions, world)
    (other,) = blocks_of([*BOOK[1:], replace(BOOK[0], quantity_t=90_000)])
    spoilt = {
        "numbers": other.numbers,  # a sound block of another book
        "texts": blocks_of(BOOK)[0].texts[:-1] + b"\x01",
        "book_digest": "0" * 64,
        "line_count": 4,
    }[column]
    _do(sessions, f"UPDATE portfolio_block SET {column} = :spoilt", spoilt=spoilt)  # noqa: S608 - own names
    with pytest.raises(Conflict, match="the lines of portfolio B1 were changed at rest") as refused:
        _loaded(sessions, world, portfolio_id)
    assert refused.value.field == "portfolio_id"
    with sessions.read() as session:
        assert [one.detail for one in service.books_changed_at_rest(session)] == [refused.value.detail]
    _stored(sessions, world)
    assert _loaded(sessions, world, portfolio_id) == BOOK
    with sessions.read() as session:
        assert service.books_changed_at_rest(session) == ()


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_block_deleted_at_rest_is_refused_and_found_whichever_it_is(
    sessions: Sessions, world: MarketWorld, monkeypatch: pytest.MonkeyPatch, place: int
) -> None:
    monkeypatch.setattr(line_blocks, "LEAF_POSITIONS", 1)
    portfolio_id = _stored(sessions, world, BOOK[:3])
    assert _count(sessions, "portfolio_block") == 3
    _do(sessions, "DELETE FROM portfolio_block WHERE place = :place", place=place)
    with pytest.raises(Conflict, match="the lines of portfolio B1 were changed at rest") as refused:
        _loaded(sessions, world, portfolio_id)
    with sessions.read() as session:
        assert [one.detail for one in service.books_changed_at_rest(session)] == [refused.value.detail]
    _stored(sessions, world, BOOK[:3])
    with sessions.read() as session:
        assert service.books_changed_at_rest(session) == ()


def test_a_book_whose_blocks_are_all_gone_is_told_apart_from_one_that_has_them(
    sessions: Sessions, world: MarketWorld
) -> None:
    _stored(sessions, world)
    with sessions.begin() as session:
        service.save_portfolio(session, world.maker, code="B0", name="空", lines=())
        assert service.books_without_blocks(session) == ()
    _do(sessions, "DELETE FROM portfolio_block")
    with sessions.read() as session:
        assert service.books_without_blocks(session) == ("B1",)


def test_a_row_changed_at_rest_is_found_and_values_nothing(sessions: Sessions, world: MarketWorld) -> None:
    portfolio_id = _stored(sessions, world)
    _do(sessions, "UPDATE portfolio_line SET quantity_t = 1 WHERE line_id = 'H1'")
    assert _loaded(sessions, world, portfolio_id) == BOOK
    with sessions.read() as session:
        (found,) = service.books_changed_at_rest(session)
    assert "its rows are not the lines of its blocks" in found.detail


def test_what_the_release_before_stores_is_read_by_its_rows_and_gets_blocks_when_it_is_valued(
    sessions: Sessions, world: MarketWorld
) -> None:
    portfolio_id = _stored(sessions, world, BOOK[:2])
    assert _loaded(sessions, world, portfolio_id) == BOOK[:2]
    with sessions.begin() as session:  # as it does: all rows anew, and nothing of blocks
        session.execute(sa.text("DELETE FROM portfolio_line WHERE portfolio_id = :id"), {"id": portfolio_id})
        session.add_all(portfolios._line_row(portfolio_id, place, line) for place, line in enumerate(BOOK))
    assert _count(sessions, "portfolio_block") == 0
    assert _loaded(sessions, world, portfolio_id) == BOOK
    with sessions.begin() as session:
        made = service.record_valuation(
            session, world.maker, portfolio_id, valuation_date=BUSINESS_DATE, known_at=KNOWN_AT
        )
    assert str(made.record.present_value_cny) == "46915964.51"
    assert _count(sessions, "portfolio_block") == 1
    assert _loaded(sessions, world, portfolio_id) == BOOK


def test_an_empty_book_has_neither_rows_nor_blocks(sessions: Sessions, world: MarketWorld) -> None:
    portfolio_id = _stored(sessions, world)
    assert _stored(sessions, world, ()) == portfolio_id
    assert (_count(sessions, "portfolio_line"), _count(sessions, "portfolio_block")) == (0, 0)
    assert _loaded(sessions, world, portfolio_id) == ()


def test_two_who_store_one_book_at_once_leave_one_of_them_whole(sessions: Sessions, world: MarketWorld) -> None:
    portfolio_id = _stored(sessions, world)
    books = [tuple(spot(f"{name}{place}", "CEA-2023", 10) for place in range(20)) for name in "AB"]
    start = threading.Barrier(2)
    refused: list[Conflict] = []

    def store(lines: tuple[PortfolioLine, ...]) -> None:
        start.wait()
        try:
            _stored(sessions, world, lines)
        except Conflict as error:
            refused.append(error)

    threads = [threading.Thread(target=store, args=(book,)) for book in books]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) < len(books)
    assert _loaded(sessions, world, portfolio_id) in books
    with sessions.read() as session:
        assert service.books_changed_at_rest(session) == ()


def test_a_book_of_the_schema_before_is_read_after_the_migration(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'before.db'}")
    schema.upgrade(engine, to="0040")
    sessions = Sessions(engine)
    with sessions.begin() as session:
        world = make_market_world(session)
        session.execute(
            sa.text("INSERT INTO portfolio VALUES ('p1', :bank, 'B1', '示例组合', 1)"),
            {"bank": world.maker.organization_id},
        )
        session.add_all(portfolios._line_row("p1", place, line) for place, line in enumerate(BOOK))
    schema.upgrade(engine)
    assert _loaded(sessions, world, "p1") == BOOK
    with sessions.begin() as session:
        service.record_valuation(session, world.maker, "p1", valuation_date=BUSINESS_DATE, known_at=KNOWN_AT)
    assert _count(sessions, "portfolio_block") == 1
    engine.dispose()


# --- over HTTP --------------------------------------------------------------------------------------------------------
@pytest.fixture
def bank(sessions: Sessions) -> World:
    bank = build_world(sessions, packages=PACKAGES)
    with sessions.begin() as session:
        add_market(session, bank.officer)
    return bank


@pytest.fixture
def client(bank: World) -> Iterator[TestClient[Any]]:
    with client_of(bank) as client:
        yield client


def _previewed(client: TestClient[Any], portfolio_id: str) -> Any:
    return client.post(PREVIEW, json={"valuation_date": "2025-06-30", "portfolio_id": portfolio_id})


def _save(bank: World, lines: tuple[PortfolioLine, ...]) -> str:
    with bank.sessions.begin() as session:
        return service.save_portfolio(session, bank.officer, code="B1", name="示例组合", lines=lines).id


def test_an_unchanged_book_is_previewed_by_one_statement_beside_the_key(client: TestClient[Any], bank: World) -> None:
    portfolio_id = _save(bank, BOOK)
    first = _previewed(client, portfolio_id)
    with statements_of(bank.sessions) as asked:
        assert _previewed(client, portfolio_id).json() == first.json()
    reads = [statement for statement in asked if "portfolio" in statement or "market_version" in statement]
    assert len(reads) == 1
    assert "portfolio_line" not in reads[0]
    assert "numbers" not in reads[0]


def test_lines_and_prices_changed_meanwhile_are_seen_at_once(client: TestClient[Any], bank: World) -> None:
    portfolio_id = _save(bank, (BOOK[0],))
    assert _previewed(client, portfolio_id).json()["present_value_cny"] == "4501200.00"
    assert _save(bank, (replace(BOOK[0], quantity_t=1),)) == portfolio_id
    assert _previewed(client, portfolio_id).json()["present_value_cny"] == "75.02"
    _save(bank, (spot("H1", "SZA-2022", 100),))
    before = _previewed(client, portfolio_id).json()
    file = "日期,品种,收盘价\n2025-06-30,SZA-2022,41.25\n"
    made = post(client, "/v1/market/quotes", {
        "file_name": "a.csv", "exchange": "深圳排放权交易所",
        "content_base64": base64.b64encode(file.encode()).decode(),
    })  # fmt: skip
    assert made.status_code == 201, made.text
    after = _previewed(client, portfolio_id).json()
    assert after["snapshot_digest"] != before["snapshot_digest"]


_ANOTHER_PROCESS = """
import sys
from dataclasses import replace
from carbonfin.app.tables import all_tables
from carbonfin.kernel.actors import Actor, OrganizationKind, Role
from carbonfin.storage.engine import Sessions, open_engine
from pricing import service
from tests.pricing.worlds import BOOK
all_tables()
maker = Actor(id="u1", name="x", role=Role.OFFICER, organization_id=sys.argv[2],
              organization_kind=OrganizationKind.BANK, is_sample=True)
with Sessions(open_engine(sys.argv[1])).begin() as session:
    service.save_portfolio(session, maker, code="B1", name="x", lines=(replace(BOOK[0], quantity_t=2),))
"""


def test_lines_changed_by_another_process_are_seen_at_once(sqlite_sessions: Sessions) -> None:
    bank = build_world(sqlite_sessions, packages=PACKAGES)
    with sqlite_sessions.begin() as session:
        add_market(session, bank.officer)
    portfolio_id = _save(bank, (BOOK[0],))
    with client_of(bank) as client:
        assert _previewed(client, portfolio_id).json()["present_value_cny"] == "4501200.00"
        url = sqlite_sessions.engine.url.render_as_string(hide_password=False)
        command = [sys.executable, "-c", _ANOTHER_PROCESS, url, bank.officer.organization_id]
        subprocess.run(command, check=True, env={**os.environ, "PYTHONPATH": os.getcwd()})  # noqa: PTH109 - our own
        assert _previewed(client, portfolio_id).json()["present_value_cny"] == "150.04"


def test_a_book_changed_at_rest_is_a_problem_that_names_it(client: TestClient[Any], bank: World) -> None:
    portfolio_id = _save(bank, (F1, G1))
    _do(bank.sessions, "UPDATE portfolio_block SET numbers = texts")
    answer = _previewed(client, portfolio_id)
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert "the lines of portfolio B1 were changed at rest" in answer.json()["detail"]
