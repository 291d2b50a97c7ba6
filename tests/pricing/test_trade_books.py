"""Trade documents brought into books: sides and terms as they stand, faults trade by trade, all lines or none."""

import base64
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from carbonfin.app.packages import PACKAGES
from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import Conflict
from carbonfin.kernel.units import Currency
from carbonfin.storage.calendars import import_builtin_calendars
from carbonfin.storage.engine import Sessions
from pricing import service
from pricing.calc.options.kinds import ExerciseStyle, OptionType
from pricing.calc.positions import LineKind, PortfolioLine
from pricing.feeds.trade_books import read_trade_book
from pricing.feeds.trade_documents import write_cdm
from tests.app.worlds import PAGE, SECRET, World, build_world, form_token, signed_in
from tests.pricing.instruments.trades import BUYER, SELLER, forward, option, terms
from tests.pricing.test_api import client_of, post
from tests.pricing.test_commands import run
from tests.pricing.test_trade_documents import FPML
from tests.pricing.worlds import BUSINESS_DATE, KNOWN_AT, make_market_world

BOUGHT, SOLD = str(BUYER.code), str(SELLER.code)
TRADE = FPML[FPML.index("<trade>") : FPML.index("</trade>") + len("</trade>")]
LINE = PortfolioLine(
    line_id="T9", kind=LineKind.FORWARD, unit=Unit.parse("EUA-2025"), quantity_t=5000, label="EnergyCoA",
    strike_per_t=Decimal("71.25"), currency=Currency.EUR, delivery_date=date(2025, 12, 15),
)  # fmt: skip


def _two(second: str) -> str:
    """The document with a second trade of another number, changed."""
    return FPML.replace(TRADE, TRADE + second)


OTHER = TRADE.replace(">T9<", ">T10<").replace('id="tradeDate"', 'id="tradeDate2"').replace('"q"', '"q2"')


@pytest.fixture
def world(sqlite_sessions: Sessions) -> World:
    with sqlite_sessions.begin() as session:
        import_builtin_calendars(session)
    return build_world(sqlite_sessions, packages=PACKAGES)


@pytest.fixture
def client(world: World) -> Iterator[TestClient[Litestar]]:
    with client_of(world) as client:
        yield client


def _sent(client: TestClient[Litestar], document: str, **more: Any) -> Any:
    body = {"file_name": "交易.xml", "code": "OTC", "name": "场外远期", "own_party": BOUGHT,
            "content_base64": base64.b64encode(document.encode()).decode(), **more}  # fmt: skip
    return post(client, "/v1/portfolios/files", body)


def _lines(world: World, portfolio_id: str) -> tuple[PortfolioLine, ...]:
    with world.sessions.read() as session:
        return service.load_portfolio(session, world.officer, portfolio_id).lines


def test_quantity_price_dates_and_side_as_they_stand_in_the_document() -> None:
    bought = read_trade_book(FPML.encode(), file_name="a.xml", own_party=BOUGHT)
    assert bought.lines == (LINE,)
    (sold,) = read_trade_book(FPML.encode(), file_name="a.xml", own_party=SOLD).lines
    assert (sold.quantity_t, sold.label) == (-5000, "EnergyCoB")
    assert (bought.encoding, bought.row_count, bought.failures) == ("FpML", 1, ())


def test_an_option_of_a_cdm_document_and_a_forward_in_yuan() -> None:
    on_future = option(terms=terms(unit=Unit.parse("CEA")))
    (line,) = read_trade_book(write_cdm(on_future).encode(), file_name="a.json", own_party=BOUGHT).lines
    assert (line.kind, line.option_type, line.option_style) == (
        LineKind.OPTION, OptionType.CALL, ExerciseStyle.EUROPEAN,
    )  # fmt: skip
    assert (line.strike_per_t, line.expiry_date, line.delivery_date) == (
        Decimal(80), date(2025, 12, 10), date(2025, 12, 15),
    )  # fmt: skip
    # Options of a book are on futures, which name no vintage.
    of_a_vintage = read_trade_book(write_cdm(option()).encode(), file_name="a.json", own_party=BOUGHT)
    assert [(one.item, one.field) for one in of_a_vintage.failures] == [("trade 1", "unit")]
    (own,) = read_trade_book(write_cdm(forward()).encode(), file_name="a.json", own_party=SOLD).lines
    assert (own.strike_cny_per_t, own.currency, own.quantity_t) == (Decimal("77.50"), None, -1000)


def test_trades_are_stored_as_lines_and_added_to_a_book(world: World, client: TestClient[Litestar]) -> None:
    first = _sent(client, FPML)
    assert first.status_code == 201, first.text
    assert (first.json()["stored"], first.json()["encoding"]) == (True, "FpML")
    assert _lines(world, first.json()["portfolio_id"]) == (LINE,)
    again = _sent(client, FPML, add=True)
    assert (again.status_code, "T9" in again.json()["detail"]) == (409, True)
    assert _sent(client, FPML.replace(TRADE, OTHER)).status_code == 409  # neither replaced nor added to
    added = _sent(client, FPML.replace(TRADE, OTHER), add=True)
    assert added.status_code == 201, added.text
    assert [line.line_id for line in _lines(world, first.json()["portfolio_id"])] == ["T9", "T10"]


def test_faults_are_listed_trade_by_trade_and_nothing_is_stored(client: TestClient[Litestar]) -> None:
    document = _two(OTHER.replace("<price>71.25<", "<price>0<"))
    tried = _sent(client, document, preview=True).json()
    assert (tried["row_count"], tried["stored"]) == (2, False)
    assert {failure["item"] for failure in tried["failures"]} == {"trade 2"}
    assert any(str(failure["field"]).endswith("price[1]") for failure in tried["failures"])
    refused = _sent(client, document)
    assert (refused.status_code, "trade 2" in refused.json()["detail"]) == (422, True)
    twice = _sent(client, _two(OTHER.replace(">T10<", ">T9<")), preview=True).json()
    assert [(one["item"], one["field"]) for one in twice["failures"]] == [("trade 2", "line_id")]


@pytest.mark.parametrize(
    ("change", "field"),
    [({"own_party": ""}, "own_party"), ({"own_party": "12345"}, "own_party")],
)
def test_whose_book_it_is_must_be_said(client: TestClient[Litestar], change: dict[str, str], field: str) -> None:
    answer = _sent(client, FPML, **change)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["field"] == field


def test_a_stranger_to_the_trade_has_no_line_of_it() -> None:
    file = read_trade_book(FPML.encode(), file_name="a.xml", own_party="HWUPKR0MPOU8FGXBT394")
    assert file.lines == ()
    assert [(one.item, one.field) for one in file.failures] == [("trade 1", "own_party")]


def test_the_page_takes_a_document(world: World) -> None:
    with signed_in(world, "officer") as browser:
        form = browser.get("/portfolios/upload", headers=PAGE).text
        fields = {"_csrf_token": form_token(form), "code": "OTC", "name": "场外远期", "action": "store"}
        files = {"file": ("交易.xml", FPML.encode(), "text/xml")}
        wrong = browser.post("/portfolios/upload", data=fields, files=files, headers=PAGE)
        assert (wrong.status_code, "须填写本方代码" in wrong.text) == (422, True)
        stored = browser.post("/portfolios/upload", data={**fields, "own_party": BOUGHT}, files=files, headers=PAGE)
        assert (stored.status_code, "T9" in stored.text) == (200, True)


def test_the_command_takes_a_document(
    world: World, sqlite_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CARBONFIN_DATABASE_URL", sqlite_url)
    monkeypatch.setenv("CARBONFIN_SECRET", SECRET.decode())
    monkeypatch.setenv("CARBONFIN_VAR", str(tmp_path))
    file = tmp_path / "交易.xml"
    file.write_text(FPML, encoding="utf-8")
    assert run("pricing", "import-book", str(file), "--code", "OTC", "--own-party", SOLD) == 0
    assert "已存入" in capsys.readouterr().out
    with world.sessions.read() as session:
        (portfolio,) = service.list_portfolios(session, world.officer)
    assert [line.quantity_t for line in _lines(world, portfolio.id)] == [-5000]


def test_lines_are_added_on_both_databases(sessions: Sessions) -> None:
    with sessions.begin() as session:
        market = make_market_world(session)

    def brought(number: str, *, adds: bool) -> service.BookImport:
        document = write_cdm(forward(terms=terms(trade_id=number)))
        with sessions.begin() as session:
            return service.import_book(
                session, market.maker, content=document.encode(), file_name="a.json", code="OTC", name="远期",
                replaces=False, valuation_date=BUSINESS_DATE, known_at=KNOWN_AT, preview=False, own_party=BOUGHT,
                adds=adds,
            )  # fmt: skip

    first, second = brought("A1", adds=False), brought("A2", adds=True)
    assert first.portfolio is not None
    assert second.portfolio is not None
    assert first.portfolio.id == second.portfolio.id
    with sessions.read() as session:
        lines = service.load_portfolio(session, market.maker, first.portfolio.id).lines
    assert [line.line_id for line in lines] == ["A1", "A2"]
    with pytest.raises(Conflict, match="A1 already"):
        brought("A1", adds=True)
