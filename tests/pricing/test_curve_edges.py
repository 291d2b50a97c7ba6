"""Curves over HTTP, on their page and from the command line, from the sample quotes of the demonstration."""

import json
import re
import threading
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from carbonfin.app.cli import main
from carbonfin.app.packages import PACKAGES
from carbonfin.kernel.dates import end_of_china_day
from carbonfin.kernel.errors import InvalidInput
from carbonfin.storage.engine import Sessions
from pricing import service
from pricing.store.curve_quotes import save_curve_quotes
from tests.app.worlds import PAGE, SECRET, World, build_world, signed_in
from tests.pricing.curves.test_building import quote
from tests.pricing.worlds import BUSINESS_DATE, KNOWN_AT, add_market


@pytest.fixture
def world(sqlite_sessions: Sessions) -> World:
    world = build_world(sqlite_sessions, packages=PACKAGES)
    with sqlite_sessions.begin() as session:
        add_market(session, world.officer)
    return world


def test_a_discount_curve_gives_factors_rates_inputs_and_digests(world: World) -> None:
    with signed_in(world) as client:
        answer = client.get("/v1/curves?kind=discount&name=CNY&valuation_date=2025-06-30")
        same = client.get("/v1/curves?kind=discount&name=CNY")
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert same.json() == body
    # SHIBOR overnight of 1.40 % from Monday to Tuesday, act/360.
    assert body["nodes"][1]["date"] == "2025-07-01"
    overnight = 1 / (1 + Decimal("0.0140") / 360)
    assert abs(Decimal(body["nodes"][1]["discount_factor"]) - overnight) < Decimal("1e-11")
    # Three months from 1 July end in the October holidays: the bank's calendar opens on Thursday the 9th.
    assert [(item["name"], item["point"], item["node_date"]) for item in body["inputs"]] == [
        ("SHIBOR", "ON", "2025-07-01"),
        ("SHIBOR", "3M", "2025-10-09"),
        ("FR007_SWAP", "1Y", "2026-07-01"),
        ("FR007_SWAP", "5Y", "2030-07-01"),
    ]
    assert all(abs(Decimal(item["residual"])) <= Decimal("1e-12") for item in body["inputs"])
    # In June 2025 no notice beyond 2025 was published.
    assert body["provisional_after"] == "2025-12-31"
    assert body["is_sample"]
    assert body["sources"] == ["示例报价（虚构）"]
    assert len(body["set_digest"]) == len(body["quotes_digest"]) == 64


def test_a_strip_gives_prices_and_carry_and_a_pair_its_forwards(world: World) -> None:
    with signed_in(world) as client:
        eua = client.get("/v1/curves?kind=futures&name=EUA").json()
        pair = client.get("/v1/curves?kind=fx&name=USDCNH").json()
    assert (eua["currency"], [node["forward_price_per_t"] for node in eua["nodes"]]) == (
        "EUR", ["70.100000", "71.600000", "73.200000"],
    )  # fmt: skip
    assert eua["nodes"][0]["net_carry_rate"] is None
    assert Decimal(eua["nodes"][2]["net_carry_rate"]) > 0
    # 1 July is a holiday in Hong Kong: spot settles on the 3rd, three months later on 3 October.
    assert [(node["date"], node["exchange_rate"]) for node in pair["nodes"]] == [
        ("2025-07-03", "7.16000000"),
        ("2025-10-03", "7.12000000"),
    ]
    assert pair["made_of"] == []


def test_what_there_is_not_is_a_problem_with_what_there_is(world: World) -> None:
    with signed_in(world) as client:
        unknown = client.get("/v1/curves?kind=discount&name=GBP")
        early = client.get("/v1/curves?kind=futures&name=EUA&valuation_date=2024-01-02")
        first = client.get("/v1/curves?kind=futures&name=EUA&valuation_date=0001-01-02")
        later = client.get("/v1/curves?kind=futures&name=EUA&valuation_date=2025-07-01")
        wrong = client.get("/v1/curves?kind=weather&name=EUA")
        nameless = client.get("/v1/curves?kind=futures")
    assert unknown.status_code == 409
    assert "there are: CNH, CNY, EUR, HKD, USD" in unknown.json()["detail"]
    assert early.status_code == 409
    assert first.status_code == 409
    assert later.status_code == 422
    assert wrong.status_code in {400, 422}
    assert nameless.status_code in {400, 422}


def test_the_page_draws_the_curve_and_names_source_quotes_and_what_is_unconfirmed(world: World) -> None:
    with signed_in(world) as client:
        market = client.get("/market?unit=CEA", headers=PAGE).text
        first = client.get("/curves", headers=PAGE).text
        cny = client.get("/curves?curve=discount:CNY&on=2025-06-30", headers=PAGE).text
        pair = client.get("/curves?curve=fx:EURCNY&lang=en", headers=PAGE).text
        empty = client.get("/curves?on=2024-01-02&lang=zh", headers=PAGE).text
        assert client.get("/curves?curve=CNY", headers=PAGE).status_code == 422
        assert client.get("/curves?curve=discount:GBP", headers=PAGE).status_code == 409
        assert client.get("/curves?on=2025-13-01", headers=PAGE).status_code == 422
    assert 'href="/curves?on=' in market
    assert "EUA 远期价格（示例）" in first
    assert "欧元/吨" in first
    assert "期限（年）" in first
    assert "EUA 净持有成本（示例）" in first
    assert "交易阶段 EUA-4" in first
    assert "示例报价（虚构）" in first
    assert "2025-12-31 以后的放假安排未公布" in cny
    assert "SHIBOR" in cny
    assert "1.6500%" in cny
    # The axis is in %, as its title says: between 1.4 and 1.7, never 0.014.
    ticks = [
        float(text) for text in re.findall(r">([0-9.]+)</text>", cny[cny.index("<svg", cny.index("chart-curve-1")) :])
    ]
    assert {1.45, 1.60} <= set(ticks)
    assert "by covered parity" in pair
    assert "CNY per EUR" in pair
    assert "该日没有可用的曲线" in empty


def test_the_page_tells_which_curves_could_not_be_built(sqlite_sessions: Sessions, world: World) -> None:
    with sqlite_sessions.begin() as session:
        odd = quote("HKDCNY", "1M", "0.91", day=BUSINESS_DATE)
        save_curve_quotes(session, [odd], organization_id=world.officer.organization_id)
    with signed_in(world) as client:
        text = client.get("/curves", headers=PAGE).text
    assert "无法生成的曲线" in text
    assert "HKDCNY 远期汇率曲线" in text
    assert "没有即期汇率" in text


def test_another_bank_has_none_of_a_banks_own_curves(world: World) -> None:
    with signed_in(world, "other-officer") as client:
        assert client.get("/v1/curves?kind=futures&name=EUA").status_code == 409


def test_two_days_at_once_never_leak(sqlite_sessions: Sessions, world: World) -> None:
    days = [BUSINESS_DATE - timedelta(days=28), BUSINESS_DATE]
    with sqlite_sessions.begin() as session:
        earlier = [quote("SHIBOR", "3M", "0.0300", day=days[0]), quote("FR007_SWAP", "1Y", "0.0280", day=days[0])]
        save_curve_quotes(session, earlier, organization_id=world.officer.organization_id)

    def digest(day: date) -> str:
        with sqlite_sessions.read() as session:
            found = service.curve_set(session, world.officer, valuation_date=day, known_at=KNOWN_AT)
        return found.build.curves.digest

    alone = [digest(day) for day in days]
    assert alone[0] != alone[1]
    together: dict[int, set[str]] = {0: set(), 1: set()}
    start = threading.Barrier(4)

    def work(which: int) -> None:
        start.wait()
        for _ in range(10):
            together[which].add(digest(days[which]))

    threads = [threading.Thread(target=work, args=(number % 2,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together == {0: {alone[0]}, 1: {alone[1]}}


def test_a_past_day_is_built_as_it_was_known(sqlite_sessions: Sessions, world: World) -> None:
    day = BUSINESS_DATE
    with sqlite_sessions.begin() as session:
        late = quote("SHIBOR", "3M", "0.0300", day=day)
        corrected = type(late)(
            **{name: getattr(late, name) for name in late.__slots__} | {"known_from": date(2025, 7, 2)}
        )
        save_curve_quotes(session, [corrected], organization_id=world.officer.organization_id)
    with sqlite_sessions.read() as session:
        then, now = (
            service.curve_set(session, world.officer, valuation_date=day, known_at=end_of_china_day(known_on))
            for known_on in (day, date(2025, 7, 2))
        )
        with pytest.raises(InvalidInput, match="cannot be known"):
            service.curve_set(
                session, world.officer, valuation_date=day + timedelta(days=1), known_at=end_of_china_day(day)
            )
    values = [answer.quotes.rates_of("SHIBOR")[1].value for answer in (then, now)]
    assert values == [Decimal("0.0165"), Decimal("0.0300")]
    assert then.build.curves.digest != now.build.curves.digest


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["--as", "officer", *arguments])
    code = ended.value.code
    return code if isinstance(code, int) else 0


def test_the_command_prints_nodes_source_and_digest(
    world: World,  # noqa: ARG001 - its database is read
    sqlite_url: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("CARBONFIN_DATABASE_URL", sqlite_url)
    monkeypatch.setenv("CARBONFIN_SECRET", SECRET.decode())
    monkeypatch.setenv("CARBONFIN_VAR", str(tmp_path))
    assert run("pricing", "curve", "EUA") == 0
    told = capsys.readouterr()
    assert "71.600000" in told.out
    assert "示例报价（虚构）" in told.out + told.err
    assert "未确认" in told.out + told.err
    assert run("--json", "pricing", "curve", "CNY", "--on", "2025-06-30") == 0
    assert json.loads(capsys.readouterr().out)["kind"] == "discount"
    assert run("pricing", "curve", "EURCNY") == 0
    assert "8.400000" in capsys.readouterr().out
    assert run("pricing", "curve", "XXXYYY") == 2
    assert "现有：EURCNY、USDCNH" in capsys.readouterr().err
