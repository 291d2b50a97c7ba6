"""Forwards agreed in euro: by hand on every path, in and out of files, stored, shown, and refused where terms clash."""

import base64
import csv
import json
from collections.abc import Iterator
from decimal import Decimal
from io import BytesIO, StringIO
from typing import Any

import openpyxl
import pytest
from litestar import Litestar
from litestar.testing import TestClient

from carbonfin.kernel.units import Currency
from carbonfin.storage.decisions import load_decision
from pricing import service
from pricing.calc.line_faults import line_fault
from pricing.calc.positions import LineKind, PortfolioLine
from pricing.feeds.book_files import EXAMPLE, book_rows, read_book
from tests.app.worlds import PAGE, World, signed_in
from tests.pricing.markets import CEA
from tests.pricing.test_api import post
from tests.pricing.test_forwards_on_curves import (
    CNY_RATES,
    DAY,
    EUR_RATES,
    FX,
    SETTLEMENTS,
    TERMS,
    _quoted,
    cny_factor,
    eur_factor,
    world,
)

__all__ = ["world"]
EURO = {"line_id": "E2", "kind": "forward", "unit": "EUA", "quantity_t": 5000, "strike_per_t": "65", "currency": "EUR",
        "delivery_date": "2025-12-15", "master_agreement": "主协议 2024-03-01"}  # fmt: skip
WORTH_EUR = (70 - 65) * 5_000 * eur_factor(168)  # F is the listed 70 EUR of that delivery


@pytest.fixture
def client(world: World) -> Iterator[TestClient[Litestar]]:
    with _quoted(world, ("rates", CNY_RATES), ("settlements", SETTLEMENTS), ("rates", EUR_RATES), ("fx", FX)) as client:
        yield client


def _cny(amount: float) -> Decimal:
    return Decimal(repr(round(amount, 2))).quantize(Decimal("0.01"))


def _recorded(client: TestClient[Litestar], *lines: dict[str, Any]) -> Any:
    answer = post(client, "/v1/valuations", {"valuation_date": DAY, "lines": list(lines)})
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_value_in_its_currency_and_in_yuan_by_hand(world: World, client: TestClient[Litestar]) -> None:
    """PV = (70 - 65) x 5,000 x D of the euro curve = EUR; times 8.40 in 元."""
    body = _recorded(client, EURO)
    (line,) = body["lines"]
    forward = line["forward"]
    assert (forward["currency"], forward["basis"], forward["cny_per_unit"]) == ("EUR", "futures_curve", "8.4000")
    assert Decimal(forward["present_value"]) == _cny(WORTH_EUR)
    assert Decimal(line["present_value_cny"]) == _cny(8.40 * WORTH_EUR)
    assert line["price_cny_per_t"] == "588.0000"
    with world.sessions.read() as session:
        figures = {one.name: one for one in load_decision(session, world.officer, body["decision_id"]).trace}
    assert (figures["line.E2.strike_per_t"].value, figures["line.E2.strike_per_t"].unit) == ("65", "EUR/t")
    assert Decimal(figures["line.E2.present_value"].value) == _cny(WORTH_EUR)
    assert figures["line.E2.present_value"].unit == "EUR"
    assert figures["line.E2.cny_per_unit"].source.endswith("2025-06-30")


def test_spot_in_yuan_agreed_in_euro_goes_through_the_forward_rate(client: TestClient[Litestar]) -> None:
    """CEA at 75.02 / D over the forward EURCNY by covered parity, discounted in euro: EURCNY settles two days on."""
    line_in = {**EURO, "line_id": "C1", "unit": "CEA", "strike_per_t": "9"}
    (line,) = _recorded(client, line_in)["lines"]
    exchange = 8.40 * (eur_factor(168) / eur_factor(2)) / (cny_factor(168) / cny_factor(2))
    forward = 75.02 / cny_factor(168) / exchange
    assert float(line["forward"]["forward_per_t"]) == pytest.approx(forward, abs=1e-9)
    assert Decimal(line["present_value_cny"]) == _cny((forward - 9) * 5_000 * eur_factor(168) * 8.40)


def test_every_path_gives_the_same_fen(client: TestClient[Litestar]) -> None:
    expected = {line["line_id"]: line["present_value_cny"] for line in _recorded(client, EURO, TERMS)["lines"]}
    preview = client.post("/v1/valuations/preview", json={"valuation_date": DAY, "lines": [EURO, TERMS]}).json()
    assert {line["line_id"]: line["present_value_cny"] for line in preview["lines"]} == expected
    names = list(dict.fromkeys([*EURO, *TERMS]))
    columns = {name: [line.get(name) for line in (EURO, TERMS)] for name in names}
    answer = post(client, "/v1/valuations", {"valuation_date": DAY, "columns": columns}).json()
    assert dict(zip(answer["columns"]["line_id"], answer["columns"]["present_value_cny"], strict=True)) == expected
    text = StringIO()
    rows = csv.DictWriter(text, names)
    rows.writeheader()
    rows.writerows([EURO, TERMS])
    streamed = client.post(
        f"/v1/valuations/stream?valuation_date={DAY}", content=text.getvalue().encode(),
        headers={"content-type": "text/csv"},
    )  # fmt: skip
    lines = next(one for one in map(json.loads, streamed.text.splitlines()) if one["record"] == "lines")
    assert dict(zip(lines["line_id"], lines["present_value_cny"], strict=True)) == expected


def test_a_stored_book_keeps_currency_and_papers_and_shows_the_value(world: World) -> None:
    head = "代码,类型,品种,数量(吨),约定价格(/吨),交割日,币种,主协议,衍生产品交易资格\n"
    text = head + "E2,远期,EUA,5000,65,2025-12-15,EUR,主协议 2024-03-01,\n"
    body = {
        "file_name": "a.csv", "code": "EUR", "name": "欧元远期",
        "content_base64": base64.b64encode(text.encode()).decode(),
    }  # fmt: skip
    files = (("rates", CNY_RATES), ("settlements", SETTLEMENTS), ("rates", EUR_RATES), ("fx", FX))
    with _quoted(world, *files) as client:
        answer = post(client, "/v1/portfolios/files", body)
        assert answer.status_code == 201, answer.text
        portfolio_id = answer.json()["portfolio_id"]
        valued = post(client, "/v1/valuations", {"valuation_date": DAY, "portfolio_id": portfolio_id}).json()
    assert Decimal(valued["present_value_cny"]) == _cny(8.40 * WORTH_EUR)
    with world.sessions.read() as session:
        (line,) = service.load_portfolio(session, world.officer, portfolio_id).lines
    assert (line.currency, line.strike_per_t, line.strike_cny_per_t) == (Currency.EUR, Decimal(65), None)
    assert (line.master_agreement, line.derivatives_licence) == ("主协议 2024-03-01", None)
    assert read_book("\n".join(map(",".join, book_rows([line]))).encode(), file_name="b.csv").lines == (line,)
    with signed_in(world, "officer") as browser:
        page = browser.get(f"/valuations/{valued['valuation_id']}", headers=PAGE).text
        assert f"{_cny(WORTH_EUR):,} EUR" in page
        assert "期货曲线（EUA" in page
        content = browser.get(f"/valuations/{valued['valuation_id']}/export/xlsx", headers=PAGE).content
    cells = [cell.value for row in openpyxl.load_workbook(BytesIO(content)).worksheets[0].iter_rows() for cell in row]
    assert "期货曲线" in cells
    assert "EUR" in cells


def test_the_example_of_a_book_holds_a_forward_in_euro() -> None:
    book = read_book(EXAMPLE.encode(), file_name="example.csv")
    assert book.failures == ()
    assert [line.currency for line in book.lines if line.kind is LineKind.FORWARD] == [None, Currency.EUR]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"strike_per_t": None}, "strike_per_t"),
        ({"currency": None}, "strike_per_t"),
        ({"strike_cny_per_t": "540"}, "strike_cny_per_t"),
        ({"kind": "spot", "delivery_date": None, "strike_per_t": None, "master_agreement": None}, "currency"),
        ({"currency": "HKD"}, "currency"),  # no curve in HKD
    ],
)
def test_terms_that_clash_and_currencies_without_curve_fail_by_field(
    client: TestClient[Litestar], change: dict[str, Any], field: str
) -> None:
    line = {name: one for name, one in {**EURO, **change}.items() if one is not None}
    (failure,) = _recorded(client, TERMS, line)["failures"]
    assert (failure["item"], failure["field"]) == ("E2", field)
    assert failure["remedy_zh"]


def test_an_exchange_rate_that_is_missing_fails_the_line(world: World) -> None:
    with _quoted(world, ("rates", CNY_RATES), ("settlements", SETTLEMENTS), ("rates", EUR_RATES)) as client:
        (failure,) = _recorded(client, TERMS, EURO)["failures"]
    assert failure["field"] == "pair"
    assert "EURCNY" in failure["detail"]


def test_papers_belong_to_forwards_and_options_alone() -> None:
    spot = PortfolioLine(line_id="S", kind=LineKind.SPOT, unit=CEA, quantity_t=1, master_agreement="主协议")
    fault = line_fault(spot)
    assert fault is not None
    assert fault.field == "master_agreement"


def test_a_file_names_a_currency_that_is_none() -> None:
    text = "代码,类型,品种,数量(吨),约定价格(/吨),交割日,币种\nE2,远期,EUA,5000,65,2025-12-15,欧元\n"
    file = read_book(text.encode(), file_name="a.csv")
    assert [(failure.item, failure.field) for failure in file.failures] == [("line 2", "currency")]
