"""Futures settled in euro: the day's margin by hand in both currencies on every path, limits, profit, and refusals."""

import base64
import csv
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from io import BytesIO, StringIO
from typing import Any

import openpyxl
import pytest
from litestar import Litestar
from litestar.testing import TestClient

from carbonfin.kernel.allowances import Scheme, Unit
from carbonfin.kernel.units import Currency
from carbonfin.rules.parameters import ParameterValue
from carbonfin.storage.decisions import load_decision, rebuilt
from pricing import service
from pricing.calc.futures_market import ContractTerms, FuturesMarket, SettledContract, SettledPrice
from pricing.calc.line_faults import line_fault
from pricing.calc.portfolio import PortfolioInputs, PortfolioValue, value_portfolio
from pricing.calc.positions import LineKind, PortfolioLine
from pricing.calc.profit import ProfitPart, ValuedBook, explained_change
from pricing.calc.settled_limits import POSITION_LIMIT, PRICE_LIMIT
from pricing.calc.settled_lines import fen_of_move
from pricing.feeds.book_files import EXAMPLE, book_rows, read_book
from tests.app.worlds import PAGE, World, signed_in
from tests.pricing.markets import forward_rate, snapshot_of
from tests.pricing.test_api import post
from tests.pricing.test_forwards_on_curves import DAY, FX, _quoted, world

__all__ = ["world"]
HEAD = "品种,合约代码,到期日,结算日,结算价,币种\n"
SETTLEMENTS = (
    HEAD + "EUA,EUA-2025-12,2025-12-15,2025-06-27,68.85,EUR\nEUA,EUA-2025-12,2025-12-15,2025-06-30,70.17,EUR\n"
)
RATE = FX.replace("8.40", "8.4127")
EURO = {"line_id": "U1", "kind": "futures", "unit": "EUA", "quantity_t": -3000, "contract_code": "EUA-2025-12",
        "strike_per_t": "66.20", "currency": "EUR", "trade_date": "2025-06-02"}  # fmt: skip
# (70.17 - 68.85) x -3,000 = -3,960.00 EUR; at 8.4127 = -33,314.292 元.
MARGIN_EUR, MARGIN_CNY = "-3960.00", "-33314.29"
FROM, TO = date(2025, 6, 27), date(2025, 6, 30)
LINE = PortfolioLine(
    line_id="U1", kind=LineKind.FUTURES, unit=Unit(Scheme.EUA), quantity_t=-3_000, contract_code="EUA-2025-12",
    strike_per_t=Decimal("66.20"), currency=Currency.EUR, trade_date=date(2025, 6, 2),
)  # fmt: skip


@pytest.fixture
def client(world: World) -> Iterator[TestClient[Litestar]]:
    with _quoted(world, ("settlements", SETTLEMENTS), ("fx", RATE)) as client:
        yield client


def _recorded(client: TestClient[Litestar], *lines: dict[str, Any]) -> Any:
    answer = post(client, "/v1/valuations", {"valuation_date": DAY, "lines": list(lines)})
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_margin_in_its_currency_and_in_yuan_by_hand(world: World, client: TestClient[Litestar]) -> None:
    body = _recorded(client, EURO)
    (line,) = body["lines"]
    assert (line["present_value_cny"], line["variation_margin_cny"]) == ("0.00", MARGIN_CNY)
    assert body["variation_margin_cny"] == MARGIN_CNY
    assert line["futures"] == {
        "contract_code": "EUA-2025-12", "currency": "EUR", "settlement_per_t": "70.17", "before_per_t": "68.85",
        "variation_margin": MARGIN_EUR, "cny_per_unit": "8.4127",
    }  # fmt: skip
    assert line["price_cny_per_t"] == "590.3192"  # 70.17 x 8.4127 = 590.319159
    assert line["level"] == 2
    assert line["is_valuation_only"]
    with world.sessions.read() as session:
        decision = load_decision(session, world.officer, body["decision_id"])
        figures = {one.name: one for one in decision.trace}
        inputs = rebuilt(json.dumps(decision.inputs), PortfolioInputs)
    assert (figures["line.U1.variation_margin"].value, figures["line.U1.variation_margin"].unit) == (MARGIN_EUR, "EUR")
    assert figures["line.U1.cny_per_unit"].source.endswith("2025-06-30")
    assert "line.U1.cny_per_unit" in figures["line.U1.variation_margin_cny"].inputs
    assert value_portfolio(inputs).variation_margin_cny == Decimal(MARGIN_CNY)


def test_the_first_margin_is_against_the_price_traded(client: TestClient[Litestar]) -> None:
    """(70.17 - 70.10) x 3,000 = 210.00 EUR = 1,766.667 元 on the day of the trade."""
    (line,) = _recorded(
        client, {**EURO, "quantity_t": 3000, "strike_per_t": "70.10", "trade_date": DAY}
    )["lines"]  # fmt: skip
    assert (line["futures"]["variation_margin"], line["variation_margin_cny"]) == ("210.00", "1766.67")


def test_every_path_gives_the_same_fen(client: TestClient[Litestar]) -> None:
    lines = [{**EURO, "line_id": f"U{place}", "quantity_t": tonnes} for place, tonnes in enumerate((-3000, 7, 99_999))]
    expected = {line["line_id"]: line["variation_margin_cny"] for line in _recorded(client, *lines)["lines"]}
    assert expected["U1"] == "77.73"  # 1.32 x 7 x 8.4127 = 77.733348
    preview = client.post("/v1/valuations/preview", json={"valuation_date": DAY, "lines": lines}).json()
    assert {line["line_id"]: line["variation_margin_cny"] for line in preview["lines"]} == expected
    columns = {name: [line.get(name) for line in lines] for name in EURO}
    answer = post(client, "/v1/valuations", {"valuation_date": DAY, "columns": columns}).json()
    assert dict(zip(answer["columns"]["line_id"], answer["columns"]["variation_margin_cny"], strict=True)) == expected
    text = StringIO()
    rows = csv.DictWriter(text, list(EURO))
    rows.writeheader()
    rows.writerows(lines)
    streamed = client.post(
        f"/v1/valuations/stream?valuation_date={DAY}", content=text.getvalue().encode(),
        headers={"content-type": "text/csv"},
    )  # fmt: skip
    told = next(one for one in map(json.loads, streamed.text.splitlines()) if one["record"] == "lines")
    assert dict(zip(told["line_id"], told["variation_margin_cny"], strict=True)) == expected


def test_a_stored_book_shows_the_margin_in_both_currencies(world: World) -> None:
    head = "代码,类型,品种,数量(吨),合约代码,成交日,成交价(/吨),币种\n"
    text = head + "U1,期货,EUA,-3000,EUA-2025-12,2025-06-02,66.20,EUR\n"
    body = {
        "file_name": "a.csv", "code": "EUA", "name": "欧元期货",
        "content_base64": base64.b64encode(text.encode()).decode(),
    }  # fmt: skip
    with _quoted(world, ("settlements", SETTLEMENTS), ("fx", RATE)) as client:
        answer = post(client, "/v1/portfolios/files", body)
        assert answer.status_code == 201, answer.text
        portfolio_id = answer.json()["portfolio_id"]
        valued = post(client, "/v1/valuations", {"valuation_date": DAY, "portfolio_id": portfolio_id}).json()
    assert valued["variation_margin_cny"] == MARGIN_CNY
    with world.sessions.read() as session:
        (line,) = service.load_portfolio(session, world.officer, portfolio_id).lines
    assert line == LINE
    assert read_book("\n".join(map(",".join, book_rows([line]))).encode(), file_name="b.csv").lines == (line,)
    with signed_in(world, "officer") as browser:
        page = browser.get(f"/valuations/{valued['valuation_id']}", headers=PAGE).text
        assert "-3,960.00 EUR" in page
        assert "68.85 → 70.17 EUR" in page
        content = browser.get(f"/valuations/{valued['valuation_id']}/export/xlsx", headers=PAGE).content
    cells = [cell.value for row in openpyxl.load_workbook(BytesIO(content)).worksheets[0].iter_rows() for cell in row]
    assert "变动保证金（原币）" in cells
    assert -3960 in cells


def test_risk_knows_a_contract_whose_unit_has_no_spot(client: TestClient[Litestar]) -> None:
    """Without a volatility of EUA the line is told as left out, as a forward is; nothing else fails."""
    answer = client.post("/v1/risk", json={"valuation_date": DAY, "lines": [EURO]})
    assert answer.status_code in {200, 422}, answer.text
    assert "EUA has no volatility" in answer.text


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"strike_per_t": None}, "strike_per_t"),
        ({"currency": None}, "strike_per_t"),
        ({"strike_cny_per_t": "540"}, "strike_cny_per_t"),
        ({"contract_code": None}, "contract_code"),
        ({"contract_code": "EUA-2031-12"}, "contract_code"),
        ({"currency": "USD"}, "contract_code"),
        ({"unit": "CEA"}, "contract_code"),
        ({"master_agreement": "主协议"}, "master_agreement"),
    ],
)
def test_terms_that_clash_fail_by_field(client: TestClient[Litestar], change: dict[str, Any], field: str) -> None:
    line = {name: one for name, one in {**EURO, **change}.items() if one is not None}
    (failure,) = _recorded(client, {**EURO, "line_id": "U0"}, line)["failures"]
    assert (failure["item"], failure["field"]) == ("U1", field)
    assert failure["remedy_zh"]


def test_a_missing_rate_or_settlement_is_a_problem_of_a_single_trade(world: World) -> None:
    def refused(contract_code: str) -> Any:
        lines = [{**EURO, "contract_code": contract_code}]
        answer = client.post("/v1/valuations/preview", json={"valuation_date": DAY, "lines": lines})
        assert answer.status_code == 422, answer.text
        return answer.json()

    with _quoted(world, ("settlements", SETTLEMENTS)) as client:
        problem = refused("EUA-2025-12")
        assert problem["errors"][0]["pointer"] == "/lines/0/pair"
        assert "EURCNY" in problem["detail"]
    only_before = "\n".join(SETTLEMENTS.splitlines()[:2]).replace("EUA-2025-12", "EUA-2026-12")
    with _quoted(world, ("fx", RATE), ("settlements", only_before)) as client:
        assert refused("EUA-2026-12")["errors"][0]["pointer"] == "/lines/0/contract_code"


def _market(on: date, prices: dict[date, str], rate: str) -> FuturesMarket:
    contract = SettledContract(
        terms=ContractTerms.of(LINE),
        prices=tuple(
            SettledPrice(settlement_date=day, price_per_t=Decimal(price), document="结算单", is_sample=False)
            for day, price in prices.items()
        ),
        cny_per_unit=Decimal(rate), fx_source="CFETS", is_fx_sample=False,
    )  # fmt: skip
    return FuturesMarket(valuation_date=on, quotes_digest="q" * 64, contracts=(contract,), gaps=())


def _book(on: date, prices: dict[date, str], rate: str, *, parameters: tuple[ParameterValue, ...] = ()) -> ValuedBook:
    snapshot = snapshot_of([], valuation_date=on, parameters=(forward_rate("0.0150"), *parameters))
    inputs = PortfolioInputs(
        portfolio_id="P", portfolio_name="示例", valuation_date=on, known_at=snapshot.known_at, lines=(LINE,),
        snapshot=snapshot, futures=_market(on, prices, rate),
    )  # fmt: skip
    return ValuedBook(inputs=inputs, value=value_portfolio(inputs))


def test_profit_is_the_margin_of_the_period_at_the_closing_rate() -> None:
    """(70.17 - 68.85) x -3,000 x 8.50 = -33,660.00, all of it price: what was settled leaves no exchange risk."""
    before = _book(FROM, {date(2025, 6, 26): "67.00", FROM: "68.85"}, "8.40")
    after = _book(TO, {FROM: "68.85", TO: "70.17"}, "8.50")
    profit = explained_change(before, after)
    (line,) = profit.lines
    assert line.margin_cny == profit.change_cny == Decimal("-33660.00")
    assert line.parts[ProfitPart.PRICE] == Decimal("-33660.00")
    assert {line.parts[part] for part in ProfitPart if part is not ProfitPart.PRICE} == {Decimal(0)}
    assert line.opening is not None
    assert line.opening.cny_per_unit == pytest.approx(8.40)


def _limit(key: str, value: str, unit: str) -> ParameterValue:
    return replace(forward_rate("0"), key=key, scope="EUA", value=value, unit=unit)


def _value(*parameters: ParameterValue) -> PortfolioValue:
    return _book(TO, {FROM: "68.85", TO: "70.17"}, "8.4127", parameters=parameters).value


def test_a_settlement_outside_the_daily_limit_fails_its_line() -> None:
    """1.32 / 68.85 = 1.917 %: inside 2 %, outside 1 %."""
    assert _value(_limit(PRICE_LIMIT, "0.02", "ratio")).failures == ()
    (failure,) = _value(_limit(PRICE_LIMIT, "0.01", "ratio")).failures
    assert (failure.item, failure.field) == ("U1", "contract_code")
    assert "68.1615" in failure.detail  # 68.85 less one hundredth of it


def test_a_net_position_over_its_limit_is_said_with_the_tonnes_over_it() -> None:
    (line,) = _value(_limit(POSITION_LIMIT, "3000", "t")).lines
    assert not any("持仓限额" in note for note in line.notes_zh)
    value = _value(_limit(POSITION_LIMIT, "2000", "t"))
    assert any("超出 1000 吨" in note for note in value.lines[0].notes_zh)
    assert any("1000 t over" in note for note in value.lines[0].notes_en)
    figures = {one.name: one.value for one in value.trace}
    assert (figures["line.U1.position_limit_t"], figures["line.U1.net_position_t"]) == ("2000", "-3000")


def test_an_unconfirmed_limit_is_said_to_be_one_where_it_refuses_or_notes() -> None:
    """A snapshot of before, which tells nothing of it, comes out in the words it had."""
    limits = (_limit(PRICE_LIMIT, "0.01", "ratio"), _limit(POSITION_LIMIT, "2000", "t"))
    for told, confirmed, says in ((None, False, False), (True, True, False), (True, False, True)):
        words = []
        for limit in limits:
            parameters = (replace(limit, confirmed=confirmed),)
            inputs = _book(TO, {FROM: "68.85", TO: "70.17"}, "8.4127", parameters=parameters).inputs
            snapshot = replace(inputs.snapshot, tells_unconfirmed_limits=told)
            value = value_portfolio(replace(inputs, snapshot=snapshot))
            words += [(one.zh, one.detail) for one in value.failures]
            words += [(" ".join(one.notes_zh), " ".join(one.notes_en)) for one in value.lines]
        assert len(words) == 2
        assert [("限额未核实" in zh, "the limit is not confirmed" in en) for zh, en in words] == [(says, says)] * 2


@pytest.mark.parametrize(("quantity_t", "fen"), [(1, 1), (-1, -1), (0, 0), (3, 2)])
def test_halves_of_a_fen_round_away_from_zero(quantity_t: int, fen: int) -> None:
    """A move of 0.005 yuan a tonne, in millionths: half a fen, a fen and a half."""
    assert fen_of_move(quantity_t, 5_000, 6) == fen


def test_a_market_of_another_day_is_refused() -> None:
    book = _book(TO, {FROM: "68.85", TO: "70.17"}, "8.4127")
    with pytest.raises(Exception, match="the exchange rates are of 2025-06-27"):
        value_portfolio(replace(book.inputs, futures=_market(FROM, {FROM: "68.85"}, "8.40")))


def test_without_its_market_a_contract_in_euro_fails() -> None:
    book = _book(TO, {FROM: "68.85", TO: "70.17"}, "8.4127")
    (failure,) = value_portfolio(replace(book.inputs, futures=None)).failures
    assert failure.field == "currency"


def test_the_example_of_a_book_holds_a_contract_in_euro() -> None:
    book = read_book(EXAMPLE.encode(), file_name="example.csv")
    assert book.failures == ()
    assert [line.currency for line in book.lines if line.kind is LineKind.FUTURES] == [Currency.EUR]
    assert line_fault(LINE) is None
