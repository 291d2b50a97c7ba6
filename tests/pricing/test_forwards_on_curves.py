"""Forwards on the stored curves of a day: by hand, by QuantLib, the same on every path, and failures with remedy."""

import base64
import csv
import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
import QuantLib as ql  # noqa: N813 - the field's own abbreviation
from litestar import Litestar
from litestar.testing import TestClient

from carbonfin.app.packages import PACKAGES
from carbonfin.kernel.actors import Role
from carbonfin.kernel.quantlib import ql_date, quantlib_on
from carbonfin.storage.calendars import import_builtin_calendars
from carbonfin.storage.decisions import load_decision, rebuilt
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import actor_of, people_of
from carbonfin.storage.rulebook import enter_parameter
from pricing import service
from pricing.calc.portfolio import PortfolioInputs, value_portfolio
from tests.app.worlds import World, build_world
from tests.pricing.markets import BUSINESS_DATE, KNOWN_AT
from tests.pricing.test_api import client_of, post

DAY = "2025-06-30"
SETTLEMENTS = (
    "品种,合约代码,到期日,结算日,结算价,币种\n"
    "EUA,EUA-2025-12,2025-12-15,2025-06-30,70.00,EUR\nEUA,EUA-2026-12,2026-12-14,2025-06-30,72.00,EUR\n"
)
CNY_RATES = "利率名称,期限,日期,利率(%)\nSHIBOR,1Y,2025-06-30,1.70\n"
EUR_RATES = "利率名称,期限,日期,利率(%)\nEUR_DEPOSIT,1Y,2025-06-30,2.20\n"
FX = "货币对,期限,日期,汇率\nEURCNY,SPOT,2025-06-30,8.40\n"
TERMS = {"line_id": "F1", "kind": "forward", "unit": "CEA", "quantity_t": 20000, "strike_cny_per_t": "77.50",
         "delivery_date": "2025-12-15"}  # fmt: skip
_PHYSICAL = False
IN_CNY = {**TERMS, "line_id": "E1", "unit": "EUA", "quantity_t": -1000, "strike_cny_per_t": "560"}


def cny_factor(days: int) -> float:
    """One deposit of a year from T+1 to 2026-07-01 at 1.70 %, act/360; log-linear from today: by hand."""
    return math.exp(-math.log(1 + 0.017 * 365 / 360) * days / 365)


def eur_factor(days: int) -> float:
    """One deposit of a year from T+2 to 2026-07-02 at 2.20 %, act/360."""
    return math.exp(-math.log(1 + 0.022 * 365 / 360) * days / 365)


@pytest.fixture
def world(sqlite_sessions: Sessions) -> World:
    world = build_world(sqlite_sessions, packages=PACKAGES)
    with sqlite_sessions.begin() as session:
        service.import_builtin_market(session)
        import_builtin_calendars(session)
    return world


@pytest.fixture
def client(world: World) -> Iterator[TestClient[Litestar]]:
    with _quoted(world, ("rates", CNY_RATES), ("settlements", SETTLEMENTS), ("rates", EUR_RATES), ("fx", FX)) as client:
        yield client


@contextmanager
def _quoted(world: World, *files: tuple[str, str]) -> Iterator[TestClient[Litestar]]:
    with client_of(world) as client:
        for what, text in files:
            _store(client, what, text)
        yield client


def _store(client: TestClient[Litestar], what: str, text: str) -> None:
    content = base64.b64encode(text.encode()).decode()
    body = {"file_name": "a.csv", "exchange": "全国银行间同业拆借中心", "content_base64": content}
    answer = post(client, f"/v1/market/{what}", body)
    assert answer.status_code == 201, answer.text


def _recorded(client: TestClient[Litestar], *lines: dict[str, Any]) -> Any:
    answer = post(client, "/v1/valuations", {"valuation_date": DAY, "lines": list(lines)})
    assert answer.status_code == 201, answer.text
    return answer.json()


def _fen(amount: float) -> Decimal:
    return Decimal(repr(round(amount, 2))).quantize(Decimal("0.01"))


def test_spot_is_carried_along_the_discount_curve_by_hand(client: TestClient[Litestar]) -> None:
    """PV = S q - K q D: 75.02 x 20,000 less 77.50 x 20,000 discounted over 168 days."""
    (line,) = _recorded(client, TERMS)["lines"]
    assert Decimal(line["present_value_cny"]) == _fen(20_000 * 75.02 - 20_000 * 77.5 * cny_factor(168))
    forward = line["forward"]
    assert (forward["basis"], forward["price_curve"], forward["currency"]) == ("cost_of_carry", "CNY", "CNY")
    assert float(forward["discount_factor"]) == pytest.approx(cny_factor(168), abs=1e-12)
    assert float(forward["forward_per_t"]) == pytest.approx(75.02 / cny_factor(168), abs=1e-9)
    assert forward["convenience_yield"] is None
    assert line["level"] == 3
    assert "仅估值，不可成交" in line["notes_zh"][0]
    assert any("便利收益未知" in note for note in line["notes_zh"])


def test_it_is_what_quantlib_makes_of_a_forward_on_the_same_rate(client: TestClient[Litestar]) -> None:
    """An allowance as the foreign currency of an FX forward, its own curve flat at nought."""
    (line,) = _recorded(client, TERMS)["lines"]
    delivery = date(2025, 12, 15)
    with quantlib_on(BUSINESS_DATE) as today:
        zero = -math.log(cny_factor(168)) / (168 / 365)
        own, domestic = (
            ql.YieldTermStructureHandle(ql.FlatForward(today, rate, ql.Actual365Fixed(), ql.Continuous))
            for rate in (0.0, zero)
        )
        forward = ql.FxForward(
            20_000, ql.EURCurrency(), 20_000 * 77.5, ql.CNYCurrency(), ql_date(delivery), _PHYSICAL, 0
        )
        forward.setPricingEngine(ql.DiscountingFxForwardEngine(own, domestic, ql.QuoteHandle(ql.SimpleQuote(75.02))))
        expected = forward.NPV() * 75.02  # QuantLib values it in the priced currency, here tonnes
    assert float(line["present_value_cny"]) == pytest.approx(expected, abs=0.005)


def test_a_futures_curve_gives_the_price_where_one_is_stored(client: TestClient[Litestar]) -> None:
    """EUA for 2025-12-15 is listed at 70 EUR; agreed in 元, so brought there at the forward rate by covered parity."""
    (line,) = _recorded(client, {**IN_CNY}, {**TERMS})["lines"][:1]
    days, spot_days = 168, 2  # EURCNY settles on 2025-07-02
    parity = (eur_factor(days) / eur_factor(spot_days)) / (cny_factor(days) / cny_factor(spot_days))
    forward = 70 * 8.40 * parity
    assert float(line["forward"]["forward_per_t"]) == pytest.approx(forward, abs=1e-8)
    assert Decimal(line["present_value_cny"]) == _fen((forward - 560) * -1_000 * cny_factor(days))
    assert line["forward"]["basis"] == "futures_curve"
    assert line["level"] == 2
    assert any("EURCNY" in note for note in line["notes_zh"])


def test_between_listed_deliveries_the_price_is_log_linear(client: TestClient[Litestar]) -> None:
    """2026-06-15 lies 182 of 364 days on the way from 70 to 72: F = sqrt(70 x 72)."""
    path = f"/v1/forwards/quote?unit=EUA&delivery_date=2026-06-15&valuation_date={DAY}&currency=EUR"
    found = client.get(path).json()
    assert "forward_per_t" in found, found
    assert float(found["forward_per_t"]) == pytest.approx(math.sqrt(70 * 72), abs=1e-9)
    assert float(found["forward_cny_per_t"]) == pytest.approx(8.4 * math.sqrt(70 * 72), abs=1e-4)
    assert float(found["discount_factor"]) == pytest.approx(eur_factor(350), abs=1e-8)
    assert (found["basis"], found["rate_is_assumption"], found["spot_cny_per_t"]) == ("futures_curve", False, None)
    assert found["currency"] == "EUR"
    beyond = client.get(path.replace("2026-06-15", "2026-12-28")).json()
    assert any("挂牌到期日之外" in part for part in beyond["note_zh"].split("；"))
    assert beyond["level"] == 3


def test_the_quote_and_the_line_are_one_price(client: TestClient[Litestar]) -> None:
    (line,) = _recorded(client, TERMS)["lines"]
    path = f"/v1/forwards/quote?unit=CEA&delivery_date=2025-12-15&valuation_date={DAY}"
    found = client.get(path).json()
    assert found["forward_cny_per_t"] == line["price_cny_per_t"]
    assert found["curves_digest"] == line["forward"]["curves_digest"]
    assert float(found["rate"]) == pytest.approx(math.log(1 + 0.017 * 365 / 360) * 365 / 365, abs=1e-8)
    assert "仅估值，不可成交" in found["note_zh"]


def test_the_trace_names_the_curve_and_its_digest(world: World, client: TestClient[Litestar]) -> None:
    body = _recorded(client, TERMS, IN_CNY)
    with world.sessions.read() as session:
        record = load_decision(session, world.officer, body["decision_id"])
    figures = {one.name: one for one in record.trace}
    digest = body["lines"][0]["forward"]["curves_digest"]
    assert figures["curves"].value == digest
    assert figures["line.F1.forward_basis"].value == "cost_of_carry"
    assert figures["line.E1.forward_basis"].value == "futures_curve"
    assert "EUA" in figures["line.E1.forward_basis"].source
    assert "curves" in figures["line.F1.discount_factor"].inputs
    assert "price.CEA" in figures["line.F1.forward_per_t"].inputs
    assert "fx_forward" in figures["line.E1.forward_per_t"].formula
    assert "rate" not in figures


def test_every_path_gives_the_same_fen(world: World, client: TestClient[Litestar]) -> None:
    """Recorded lines, preview, columns, stream and a replay without any curve."""
    body = _recorded(client, TERMS, IN_CNY)
    expected = {line["line_id"]: line["present_value_cny"] for line in body["lines"]}
    assert set(expected) == {"F1", "E1"}
    preview = client.post("/v1/valuations/preview", json={"valuation_date": DAY, "lines": [TERMS, IN_CNY]}).json()
    assert {line["line_id"]: line["present_value_cny"] for line in preview["lines"]} == expected
    assert [price["unit"] for price in preview["prices"]] == ["CEA"]
    names = list(TERMS)
    columns = {name: [str(line[name]) for line in (TERMS, IN_CNY)] for name in names}
    columns["quantity_t"] = [TERMS["quantity_t"], IN_CNY["quantity_t"]]  # type: ignore[list-item]
    answer = post(client, "/v1/valuations", {"valuation_date": DAY, "columns": columns}).json()
    found = dict(zip(answer["columns"]["line_id"], answer["columns"]["present_value_cny"], strict=True))
    assert found == expected
    text = StringIO()
    rows = csv.DictWriter(text, names)
    rows.writeheader()
    rows.writerows([TERMS, IN_CNY])
    streamed = client.post(
        f"/v1/valuations/stream?valuation_date={DAY}", content=text.getvalue().encode(),
        headers={"content-type": "text/csv"},
    )  # fmt: skip
    records = [json.loads(line) for line in streamed.text.splitlines()]
    lines = next(record for record in records if record["record"] == "lines")
    assert dict(zip(lines["line_id"], lines["present_value_cny"], strict=True)) == expected
    assert [price["unit"] for price in records[-1]["prices"]] == ["CEA"]
    with world.sessions.read() as session:
        inputs = load_decision(session, world.officer, body["decision_id"]).inputs
    again = value_portfolio(rebuilt(json.dumps(inputs), PortfolioInputs))
    assert {line.line_id: str(line.present_value_cny) for line in again.lines} == expected


def test_a_currency_without_a_curve_is_a_failure_and_no_flat_guess(world: World) -> None:
    with _quoted(world) as client:
        spot = {"line_id": "H1", "kind": "spot", "unit": "CEA", "quantity_t": 1000}
        body = _recorded(client, spot, TERMS)
        assert [line["line_id"] for line in body["lines"]] == ["H1"]
        (failure,) = body["failures"]
        assert (failure["item"], failure["field"]) == ("F1", "currency")
        assert "CNY" in failure["detail"]
        assert "pricing.forward_method" in failure["remedy_zh"]
        alone = post(client, "/v1/valuations", {"valuation_date": DAY, "lines": [TERMS]})
        assert (alone.status_code, alone.json()["errors"][0]["pointer"]) == (422, "/lines/0/currency")
        quoted = client.get(f"/v1/forwards/quote?unit=CEA&delivery_date=2025-12-15&valuation_date={DAY}")
        assert (quoted.status_code, "CNY" in quoted.json()["detail"]) == (409, True)


def test_quotes_that_make_no_curve_are_told_and_nothing_takes_their_place(world: World) -> None:
    stale = SETTLEMENTS.replace("2025-06-30", "2025-06-12")
    with _quoted(world, ("rates", CNY_RATES), ("settlements", stale), ("rates", EUR_RATES), ("fx", FX)) as client:
        body = _recorded(client, TERMS, IN_CNY)
    assert [line["line_id"] for line in body["lines"]] == ["F1"]
    assert "futures EUA could not be built" in body["failures"][0]["detail"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"delivery_date": "2028-06-30"}, "delivery_date"),  # a year past the last node of the curve and more
        ({"unit": "EUA-2025"}, "pricing.fair_price_policy"),  # no curve of the vintage, and spot is not quoted
        ({"unit": "SZA-2021"}, "unit"),
    ],
)
def test_what_no_curve_reaches_fails_by_its_field(
    client: TestClient[Litestar], change: dict[str, str], field: str
) -> None:
    (failure,) = _recorded(client, TERMS, {**TERMS, "line_id": "F2", **change})["failures"]
    assert (failure["item"], failure["field"]) == ("F2", field)
    assert failure["remedy_zh"]


def test_a_flat_rate_is_asked_for_by_name_and_says_so(world: World, client: TestClient[Litestar]) -> None:
    """The sample bank's two parameters: the rate alone changes nothing, the choice does."""
    known = {one.key: one for one in service.sample_parameters()}
    rate, method = known["pricing.forward_rate"], known["pricing.forward_method"]
    with world.sessions.begin() as session:
        people = people_of(session, world.officer.organization_id)
        checker = next(one for one in people if one.role is Role.CHECKER)
        enter_parameter(session, world.officer, actor_of(session, checker.id), rate, reason="假设", at=KNOWN_AT)
    on_curve = _recorded(client, TERMS)["lines"][0]
    assert on_curve["forward"]["basis"] == "cost_of_carry"
    with world.sessions.begin() as session:
        enter_parameter(session, world.officer, actor_of(session, checker.id), method, reason="选用", at=KNOWN_AT)
    body = _recorded(client, TERMS)
    (line,) = body["lines"]
    assert line["present_value_cny"] == "-38935.49"  # the scenario's own figure at 1.5 %
    assert line["forward"] is None
    assert any("为假设" in note for note in line["notes_zh"])
    with world.sessions.read() as session:
        figures = {one.name: one for one in load_decision(session, world.officer, body["decision_id"]).trace}
    assert figures["forward_method"].value == "flat_rate"
    found = client.get(f"/v1/forwards/quote?unit=CEA&delivery_date=2025-12-15&valuation_date={DAY}").json()
    assert (found["basis"], found["rate_is_assumption"], found["forward_cny_per_t"]) == ("flat_rate", True, "75.5397")


def test_a_corrected_rate_is_seen_by_the_next_preview(client: TestClient[Litestar]) -> None:
    body = {"valuation_date": DAY, "lines": [TERMS]}
    first = client.post("/v1/valuations/preview", json=body).json()["present_value_cny"]
    _store(client, "rates", CNY_RATES.replace("1.70", "1.80"))
    second = client.post("/v1/valuations/preview", json=body).json()["present_value_cny"]
    factor = math.exp(-math.log(1 + 0.018 * 365 / 360) * 168 / 365)
    assert first != second
    assert Decimal(second) == _fen(20_000 * 75.02 - 20_000 * 77.5 * factor)
