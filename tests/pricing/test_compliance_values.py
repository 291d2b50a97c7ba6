"""Compliance values over HTTP, on the page and by command: prices and rules of the built-in market, sums by hand."""

import json
import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from carbonfin.app.cli import main
from carbonfin.app.packages import PACKAGES
from carbonfin.kernel.actors import Role
from carbonfin.kernel.allowances import Scheme
from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.parameters import Grade, ParameterValue
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import actor_of, people_of
from carbonfin.storage.rulebook import enter_parameter
from pricing import service
from pricing.calc.compliance import ObligationDraft, traded_mean_cny_per_t
from pricing.feeds.obligation_texts import read_net_sales, read_obligations
from tests.app.worlds import PAGE, SECRET, World, build_world, signed_in
from tests.pricing.markets import quote
from tests.pricing.worlds import BOOK, KNOWN_AT, add_market

# 30 June 2025: the composite close is 75.02, which the policy takes for every vintage. June's twenty bulletins add up to
# 1,145,082,996.31 元 over 15,884,675 t, listed and block: 72.0873 元/吨.
OWED_2024 = {"scheme": "CEA", "year": 2024, "quantity_t": 50_000}
HELD = [{"unit": "CEA-2023", "quantity_t": 60_000}, {"unit": "CEA-2024", "quantity_t": 20_000}]


@pytest.fixture
def world(sqlite_sessions: Sessions) -> World:
    world = build_world(sqlite_sessions, packages=PACKAGES)
    with sqlite_sessions.begin() as session:
        add_market(session, world.officer)
        service.save_portfolio(session, world.officer, code="B1", name="示例组合", lines=BOOK)
    return world


@pytest.fixture
def client(world: World) -> Iterator[TestClient[Litestar]]:
    with TestClient(world.app, raise_server_exceptions=False) as client:
        client.headers.update(world.key_headers("system"))
        yield client


def ask(client: TestClient[Litestar], **body: Any) -> Any:
    return client.post("/v1/compliance-values", json={"valuation_date": "2025-06-30", **body})


def test_old_vintages_meet_the_obligation_and_the_rest_is_carried_or_lapses(client: TestClient[Litestar]) -> None:
    made = ask(client, holdings=HELD, obligations=[OWED_2024]).json()
    old, new = made["holdings"]
    # Both end 2025-12-31, so 2023 goes first: 50,000 of 60,000. Carried over: base 10,000, all of it to 2023.
    assert (old["surrendered_t"], old["carried_t"], old["lapsed_t"]) == (50_000, 10_000, 0)
    assert (new["surrendered_t"], new["carried_t"], new["lapsed_t"]) == (0, 0, 20_000)
    assert old["last_usable_date"] == "2025-12-31"
    assert (old["price_cny_per_t"], old["value_cny"]) == ("75.02", "4501200.00")  # 60,000 x 75.02
    assert new["value_cny"] == "0.00"
    assert "20000 吨在 2025-12-31 前无清缴用途且不能结转" in new["reason_zh"]
    assert made["value_cny"] == "4501200.00"
    assert made["shortfalls"] == []
    assert made["surrenders"] == [{"unit": "CEA-2023", "year": 2024, "quantity_t": 50_000}]


def test_net_sales_widen_the_carry_over_and_purchases_do_not_narrow_it(client: TestClient[Litestar]) -> None:
    def carried(net_sales_t: int) -> int:
        sold = [{"scheme": "CEA", "quantity_t": net_sales_t}]
        made = ask(client, holdings=HELD, obligations=[OWED_2024], net_sales=sold).json()
        return sum(int(one["carried_t"]) for one in made["holdings"])

    assert carried(4_000) == 16_000  # 10,000 + 1.5 x 4,000
    assert carried(-4_000) == 10_000
    assert carried(1_000_000) == 30_000  # no more than what is left


def test_a_shortfall_says_what_it_costs_and_what_the_fine_is(client: TestClient[Litestar]) -> None:
    made = ask(client, holdings=[{"unit": "CEA-2024", "quantity_t": 20_000}], obligations=[OWED_2024]).json()
    (lack,) = made["shortfalls"]
    assert (lack["year"], lack["surrender_date"], lack["quantity_t"]) == (2024, "2025-12-31", 30_000)
    assert lack["purchase_cny"] == "2250600.00"  # 30,000 x 75.02
    # 30,000 x 5 x 72.0873 and 30,000 x 10 x 72.0873
    assert (lack["penalty_low_cny"], lack["penalty_high_cny"]) == ("10813095.00", "21626190.00")


def test_a_vintage_past_use_is_worth_zero_and_says_why(client: TestClient[Litestar], world: World) -> None:
    ended = ParameterValue(
        key="pricing.last_usable_date", scope="CEA-2021", value="2025-06-29", unit="date", valid_from=date(2025, 1, 1),
        valid_to=None, known_from=date(2025, 1, 1), document="通知", article="", grade=Grade.READ, confirmed=True,
        approved_by=(), note="",
    )  # fmt: skip
    with world.sessions.begin() as session:
        people = people_of(session, world.officer.organization_id)
        checker = actor_of(session, next(one.id for one in people if one.role is Role.CHECKER))
        enter_parameter(session, world.officer, checker, ended, reason="测试", at=KNOWN_AT)
    made = ask(client, holdings=[{"unit": "CEA-2021", "quantity_t": 500}], obligations=[OWED_2024]).json()
    (holding,) = made["holdings"]
    assert (holding["state"], holding["value_cny"], holding["surrendered_t"]) == ("past_use", "0.00", 0)
    assert holding["reason_zh"] == "已过配额最后可用日 2025-06-29（通知），价值为零"
    lack = made["shortfalls"][0]
    # Nothing usable is held: 50,000 t of the year's own vintage cost 75.02 each.
    assert (lack["quantity_t"], lack["purchase_cny"]) == (50_000, "3751000.00")
    figure = next(one for one in made["trace"] if one["name"] == "holding.CEA-2021.value_cny")
    assert (figure["value"], figure["formula"]) == ("0.00", "0, valuation_date > last_usable_date")
    assert "holding.CEA-2021.last_usable_date" in figure["inputs"]


def test_every_figure_of_the_answer_stands_in_its_trace(client: TestClient[Litestar]) -> None:
    made = ask(client, holdings=HELD[1:], obligations=[OWED_2024]).json()
    figures = {figure["name"]: figure for figure in made["trace"]}
    assert figures["value_cny"]["value"] == made["value_cny"]
    holding, lack = made["holdings"][0], made["shortfalls"][0]
    for name in ("quantity_t", "surrendered_t", "carried_t", "value_cny"):
        assert figures[f"holding.CEA-2024.{name}"]["value"] == str(holding[name])
    for name in ("purchase_cny", "penalty_low_cny", "penalty_high_cny"):
        assert figures[f"obligation.CEA-2024.{name}"]["value"] == lack[name]
    deadline = figures["obligation.CEA-2024.surrender_date"]
    assert (deadline["value"], deadline["parameter_key"]) == ("2025-12-31", "pricing.surrender_date")
    assert "结转" in figures["holding.CEA-2024.last_usable_date"]["article"]
    assert all(name in figures for figure in made["trace"] for name in figure["inputs"])


def test_a_portfolio_counts_its_spot_alone_and_what_has_no_vintage_has_no_value(client: TestClient[Litestar]) -> None:
    portfolio_id = client.get("/v1/portfolios").json()["portfolios"][0]["portfolio_id"]
    made = ask(client, portfolio_id=portfolio_id, obligations=[OWED_2024]).json()
    assert [one["unit"] for one in made["holdings"]] == ["CEA-2023", "CEA-2024", "CCER"]
    credit = made["holdings"][2]
    assert (credit["value_cny"], credit["reason_zh"]) == (None, "未分年度，不能判断其清缴用途")
    assert made["without_value_count"] == 1
    assert ask(client, portfolio_id="none", obligations=[]).status_code == 404


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({}, 422, "二选一"),
        ({"holdings": []}, 400, ""),
        ({"holdings": [{"unit": "CEA-2023", "quantity_t": 0}]}, 400, ""),
        ({"holdings": [HELD[0], HELD[0]]}, 422, "重复持有"),
        ({"holdings": [{"unit": "XXX-2023", "quantity_t": 1}]}, 422, "XXX"),
        ({"holdings": HELD, "obligations": [OWED_2024, OWED_2024]}, 422, "清缴义务重复"),
        ({"holdings": HELD, "obligations": [{**OWED_2024, "quantity_t": -1}]}, 400, ""),
        ({"holdings": HELD, "obligations": [{**OWED_2024, "scheme": "XX"}]}, 422, "不是已知的品种"),
        ({"holdings": HELD, "obligations": [{**OWED_2024, "surrender_date": "2025-06-29"}]}, 422, "早于估值日"),
        ({"holdings": HELD, "obligations": [{**OWED_2024, "surrender_date": "2025-06-31"}]}, 422, "不存在"),
        ({"holdings": HELD, "obligations": [{**OWED_2024, "year": 2031}]}, 409, "清缴截止日尚未掌握"),
        ({"holdings": HELD, "net_sales": [{"scheme": "CEA", "quantity_t": 1}] * 2}, 422, "净卖出量重复"),
        ({"holdings": HELD, "valuation_date": "2031-01-01"}, 422, "不在"),
        ({"holdings": HELD, "unknown": 1}, 400, ""),
    ],
)
def test_bad_input_is_refused_with_its_field(
    client: TestClient[Litestar], body: dict[str, Any], status: int, words: str
) -> None:
    answer = ask(client, **body)
    assert answer.status_code == status, answer.text
    assert words in answer.json()["detail_zh"]


def test_obligations_as_people_write_them() -> None:
    read = read_obligations("cea, 2024, 50000\n\nSZA，2025，7，2026-08-31\n")
    assert read == (
        ObligationDraft(scheme=Scheme.CEA, year=2024, quantity_t=50_000),
        ObligationDraft(scheme=Scheme.SZA, year=2025, quantity_t=7, surrender_date=date(2026, 8, 31)),
    )
    assert read_net_sales("CEA,-12000") == {Scheme.CEA: -12_000}
    assert (read_obligations(""), read_net_sales(" \n")) == ((), {})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("CEA,2024", "有 2 项"),
        ("CEA,2024,1,2025-12-31,x", "有 5 项"),
        ("XXX,2024,1", "不是已知的品种"),
        ("CEA,24,1", "不是年度"),
        ("CEA,2024,1.5", "不是整吨数"),
        ("CEA,2024,NaN", "不是整吨数"),
        ("CEA,2024,1e3", "不是整吨数"),
        ("CEA,2024,9999999999999", "不是整吨数"),
        ("CEA,2024,1\nCEA,2025,1,2025-02-30", "第 2 行"),
        ("CEA,2024,1\n" * 101, "最多 100 行"),
    ],
)
def test_lines_that_cannot_be_read_are_named(text: str, words: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_obligations(text)
    assert words in refused.value.zh
    assert refused.value.remedy_zh


def test_net_sales_that_cannot_be_read_are_named() -> None:
    for text in ("CEA", "CEA,1,2", "CEA,1\nCEA,2", "XX,1", "CEA,x"):
        with pytest.raises(InvalidInput):
            read_net_sales(text)


def test_the_mean_of_trade_takes_the_composite_alone_and_none_of_nothing() -> None:
    """(70 x 100 + 80 x 300) / 400 = 77.5; a vintage beside its composite is in it already."""
    composite = quote("CEA", date(2025, 6, 2), "70", volume_t=100, amount="7000")
    block = quote("CEA", date(2025, 6, 3), "75", block_t=300, block_amount="24000")
    vintage = quote("CEA-2023", date(2025, 6, 3), "60", volume_t=10_000, amount="600000")
    assert traded_mean_cny_per_t([composite, block, vintage]) == Decimal("77.5")
    assert traded_mean_cny_per_t([vintage]) == Decimal(60)
    assert traded_mean_cny_per_t([]) is None
    assert traded_mean_cny_per_t([quote("CEA", date(2025, 6, 2), "70")]) is None


def test_the_page_values_the_form_and_links_every_figure_to_its_trace(world: World) -> None:
    with signed_in(world) as client:
        listed = client.get("/portfolios", headers=PAGE).text
        portfolio_id = listed.split('<a href="/portfolios/')[1].split('"')[0]
        address = f"/portfolios/{portfolio_id}/compliance"
        shown = client.get(address, params={"owed": "CEA,2024,700000", "lang": "zh"}, headers=PAGE)
        assert shown.status_code == 200
        text = shown.text
        assert "缺口" in text
        assert "80,000" in text  # 700,000 less 60,000 and 560,000
        links = set(re.findall(r'href="#(figure-[^"]+)"', text))
        assert len(links) > 20
        for link in links:
            assert f'id="{link}"' in text, link
        bad = client.get(address, params={"owed": "CEA,2024"}, headers=PAGE)
        assert bad.status_code == 422
        assert "第 1 行" in bad.text
        unknown = client.get(address, params={"owed": "CEA,2031,1"}, headers=PAGE)
        assert unknown.status_code == 409
        assert client.get("/portfolios/none/compliance", headers=PAGE).status_code == 404


def test_the_command_values_a_portfolio(
    world: World, sqlite_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CARBONFIN_DATABASE_URL", sqlite_url)
    monkeypatch.setenv("CARBONFIN_SECRET", SECRET.decode())
    monkeypatch.setenv("CARBONFIN_VAR", str(tmp_path))
    assert world.sessions is not None
    assert _run("--json", "pricing", "compliance-value", "B1", "--owed", "CEA,2024,700000") == 0
    assert json.loads(capsys.readouterr().out)["shortfalls"][0]["quantity_t"] == 80_000
    assert _run("pricing", "compliance-value", "B1", "--owed", "CEA,2024,1") == 0
    assert "无清缴用途" in capsys.readouterr().out
    assert _run("pricing", "compliance-value", "B1", "--owed", "CEA") == 2
    assert _run("pricing", "compliance-value", "B9") == 2


def _run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["--as", "officer", *arguments])
    code = ended.value.code
    return code if isinstance(code, int) else 0
