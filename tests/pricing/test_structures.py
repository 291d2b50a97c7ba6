"""Structured trades on the stored curves of a day: each kind by hand, recorded and replayed, refused field by field."""

import base64
import json
import math
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from litestar import Litestar
from litestar.testing import TestClient
from msgspec import convert

from carbonfin.kernel.actors import Role
from carbonfin.kernel.enterprises import organisation_check_character, usci_check_character
from carbonfin.kernel.errors import NotFound
from carbonfin.rules.parameters import ParameterValue
from carbonfin.storage.decisions import load_decision, rebuilt, replay_decision
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import actor_of, people_of
from carbonfin.storage.rulebook import enter_parameter
from pricing import service
from pricing.calc.structured.decision import STRUCTURE_VALUE
from pricing.feeds.trade_documents import write_cdm
from pricing.schemas.structures import StructuredTradeIn
from tests.app.worlds import PAGE, SECRET, World, form_token, signed_in
from tests.pricing.markets import KNOWN_AT, forward_rate
from tests.pricing.test_api import post
from tests.pricing.test_commands import run
from tests.pricing.test_forwards_on_curves import (
    CNY_RATES,
    DAY,
    EUR_RATES,
    FX,
    SETTLEMENTS,
    _quoted,
    cny_factor,
    eur_factor,
    world,
)
from tests.pricing.test_trade_documents import EUA_CONTRACTS, FPML
from tests.pricing.worlds import make_market_world

__all__ = ["world"]
FILES = (("rates", CNY_RATES), ("settlements", SETTLEMENTS), ("rates", EUR_RATES), ("fx", FX))
VOLATILITIES = (
    "品种,到期日,行权价,日期,波动率(%),币种\n"
    "EUA,2025-12-15,60,2025-06-30,40,EUR\nEUA,2025-12-15,70,2025-06-30,36,EUR\nEUA,2025-12-15,80,2025-06-30,40,EUR\n"
    "EUA,2026-12-14,60,2025-06-30,40,EUR\nEUA,2026-12-14,70,2025-06-30,36,EUR\nEUA,2026-12-14,80,2025-06-30,40,EUR\n"
)
HEAD = {"trade_id": "T1", "unit": "CEA", "currency": "CNY", "side": "buyer", "trade_date": "2025-06-02"}
SWAP = {**HEAD, "kind": "swap", "quantity_t": 10000, "price_per_t": "74", "dates": ["2025-09-15", "2025-12-15"]}
LENDING = {
    **HEAD, "kind": "lending", "side": "seller", "quantity_t": 10000, "price_per_t": "70", "rate": "0.05",
    "day_count": "act/365", "other_unit": "CEA", "vintage_risk": "lender", "surrender_risk": "borrower",
    "dates": ["2025-12-15"],
}  # fmt: skip
REPO = {
    **HEAD, "kind": "repo", "quantity_t": 10000, "price_per_t": "60", "rate": "0.03", "day_count": "act/360",
    "dates": ["2025-12-15"],
}  # fmt: skip
SPREAD = {
    **HEAD, "kind": "spread_swap", "unit": "EUA", "other_unit": "CEA", "ratio": "2", "price_per_t": "430",
    "quantity_t": 1000, "dates": ["2025-12-15"],
}  # fmt: skip
BOND = {
    **HEAD, "kind": "carbon_bond", "unit": "EUA", "currency": "EUR", "face_amount": "1000000", "rate": "0.03",
    "day_count": "act/365", "link_reference_per_t": "65", "link_slope_rate": "0.001", "dates": ["2025-12-15"],
}  # fmt: skip
OPTION = {
    **HEAD, "kind": "spread_option", "unit": "EUA", "currency": "EUR", "other_unit": "CEA", "option_type": "call",
    "price_per_t": "60", "quantity_t": 1000, "dates": ["2025-12-15"],
}  # fmt: skip
QUANTO = {
    **HEAD, "kind": "quanto_forward", "unit": "EUA", "price_currency": "EUR", "price_per_t": "66", "quantity_t": 1000,
    "dates": ["2025-12-15"],
}  # fmt: skip
PARTIES = {
    "buyer": {"code": "969500QCC36R89FI3U25", "name": "EnergyCoB"},
    "seller": {"code": "5299000NIGT14YW8ZD26", "name": "EnergyCoA"},
}
EXCHANGE = 8.40 * (eur_factor(168) / eur_factor(2)) / (cny_factor(168) / cny_factor(2))
"""EURCNY forward to 2025-12-15 by covered parity; it settles two days on."""


@pytest.fixture
def client(world: World) -> Iterator[TestClient[Litestar]]:
    with _quoted(world, *FILES) as client:
        yield client


def _approved(world: World, key: str, scope: str, value: str) -> None:
    parameter: ParameterValue = replace(forward_rate(value), key=key, scope=scope, unit="ratio")
    with world.sessions.begin() as session:
        checker = next(one for one in people_of(session, world.officer.organization_id) if one.role is Role.CHECKER)
        enter_parameter(session, world.officer, actor_of(session, checker.id), parameter, reason="核定", at=KNOWN_AT)


def _value(client: TestClient[Litestar], trade: dict[str, Any]) -> Any:
    answer = client.post("/v1/structured-values/preview", json={"valuation_date": DAY, "trade": trade})
    assert answer.status_code == 200, answer.text
    return answer.json()


def _amount(amount: float) -> Decimal:
    return Decimal(repr(round(amount, 2))).quantize(Decimal("0.01"))


def test_a_swap_is_a_strip_of_forwards_by_hand(client: TestClient[Litestar]) -> None:
    """Spot 75.02 carried: F D = 75.02 on each day, so the value is 2 x 75.02 q - 74 q (D1 + D2)."""
    body = _value(client, SWAP)
    factors = cny_factor(77) + cny_factor(168)
    assert Decimal(body["present_value_cny"]) == _amount(10_000 * (2 * 75.02 - 74 * factors))
    assert body["present_value"] == body["present_value_cny"]
    assert float(body["fair_price_per_t"]) == pytest.approx(2 * 75.02 / factors, abs=1e-6)
    assert _value(client, {**SWAP, "side": "seller"})["present_value_cny"] == f"-{body['present_value_cny']}"
    assert (body["level"], body["is_valuation_only"]) == (3, True)
    assert "仅估值，不可成交" in body["notes_zh"][0]
    assert {one["code"] for one in body["cautions"]} == {"yield_left_out", "counterparty_left_out"}


def test_a_lending_is_units_and_a_fee_to_the_lender(client: TestClient[Litestar]) -> None:
    """Units worth 75.02 q today; the fee 10,000 x 70 x 5 % x 196 / 365 = 18,794.52, discounted."""
    body = _value(client, LENDING)
    parts = {part["name"]: Decimal(part["amount"]) for part in body["parts"]}
    assert parts == {"return": Decimal("750200.00"), "fee": _amount(18_794.52 * cny_factor(168))}
    assert Decimal(body["present_value"]) == sum(parts.values())
    assert not any("衍生" in note for note in body["notes_zh"])


def test_a_repo_is_cash_against_units(client: TestClient[Litestar]) -> None:
    """600,000 at 3 % for 196 days of 360 comes back as 609,800.00; 10,000 t worth 750,200 are given back."""
    body = _value(client, REPO)
    parts = {part["name"]: Decimal(part["amount"]) for part in body["parts"]}
    assert parts == {"cash": _amount(609_800.00 * cny_factor(168)), "units": Decimal("-750200.00")}


def test_a_spread_of_two_schemes_is_in_one_currency(client: TestClient[Litestar]) -> None:
    """EUA at 70 EUR over the forward rate less two CEA at 75.02 / D, less 430, discounted in yuan."""
    spread = 70 * EXCHANGE - 2 * 75.02 / cny_factor(168) - 430
    body = _value(client, SPREAD)
    assert float(body["present_value_cny"]) == pytest.approx(1_000 * spread * cny_factor(168), abs=0.006)
    assert {leg["unit"]: leg["curve"] for leg in body["legs"]}.keys() == {"EUA", "CEA"}


def test_a_linked_bond_without_limits_needs_no_volatility(client: TestClient[Litestar]) -> None:
    """1,000,000 x (D (1 + 196/365 x 3 %) + 196/365 x 0.001 x (70 - 65) x D) = EUR; times 8.40 in 元."""
    years, factor = 196 / 365, eur_factor(168)
    body = _value(client, BOND)
    parts = {part["name"]: float(part["amount"]) for part in body["parts"]}
    assert parts["fixed"] == pytest.approx(1_000_000 * factor * (1 + 0.03 * years), abs=0.006)
    assert parts["linked"] == pytest.approx(1_000_000 * factor * years * 0.005, abs=0.006)
    assert float(body["present_value_cny"]) == pytest.approx(8.40 * sum(parts.values()), abs=0.1)
    assert body["currency"] == "EUR"


def test_a_cap_is_a_call_sold_at_the_surface(world: World) -> None:
    """Cap 0.5 % is a call on EUA struck at 70, F = 70, sigma 36 % at the money: Black by its own formula."""
    with _quoted(world, *FILES, ("volatilities", VOLATILITIES)) as client:
        body = _value(client, {**BOND, "link_cap_rate": "0.005"})
    deviation = 0.36 * math.sqrt(168 / 365)
    call = 70 * math.erf(deviation / 2 / math.sqrt(2))  # F (2 Phi(s/2) - 1) at the money
    years, factor = 196 / 365, eur_factor(168)
    linked = {part["name"]: float(part["amount"]) for part in body["parts"]}["linked"]
    assert linked == pytest.approx(1_000_000 * factor * years * 0.001 * (5 - call), abs=0.05)
    assert "smile_left_out" in {one["code"] for one in body["cautions"]}
    assert body["level"] == 3


def test_a_quanto_moves_by_the_covariance(world: World, client: TestClient[Litestar]) -> None:
    """F exp(-rho sF sX T) = 70 exp(-0.3 x 0.36 x 0.08 x 168/365), discounted in yuan."""
    for key, scope, value in (
        ("pricing.volatility", "EUA", "0.36"), ("pricing.fx_volatility", "EURCNY", "0.08"),
        ("pricing.price_fx_correlation", "EUA.EURCNY", "0.3"),
    ):  # fmt: skip
        _approved(world, key, scope, value)
    body = _value(client, QUANTO)
    forward = 70 * math.exp(-0.3 * 0.36 * 0.08 * 168 / 365)
    assert float(body["fair_price_per_t"]) == pytest.approx(forward, abs=1e-6)
    assert float(body["present_value_cny"]) == pytest.approx(1_000 * (forward - 66) * cny_factor(168), abs=0.006)


def test_a_spread_option_is_what_simulation_makes_of_it(world: World, client: TestClient[Litestar]) -> None:
    """Two lognormal prices, 400,000 pairs of draws: within four standard errors."""
    for key, scope, value in (
        ("pricing.volatility", "EUA", "0.36"), ("pricing.volatility", "CEA", "0.30"),
        ("pricing.fx_volatility", "EURCNY", "0.08"), ("pricing.price_fx_correlation", "CEA.CNYEUR", "0"),
        ("pricing.price_correlation", "EUA.CEA", "0.4"),
    ):  # fmt: skip
        _approved(world, key, scope, value)
    body = _value(client, OPTION)
    years, other = 168 / 365, 75.02 / cny_factor(168) / EXCHANGE
    draws = np.random.default_rng(7).standard_normal((2, 400_000))
    sigma, other_sigma = 0.36 * math.sqrt(years), math.hypot(0.30, 0.08) * math.sqrt(years)
    mixed = 0.4 * draws[0] + math.sqrt(1 - 0.16) * draws[1]
    first = 70 * np.exp(sigma * draws[0] - sigma**2 / 2)
    second = other * np.exp(other_sigma * mixed - other_sigma**2 / 2)
    paid = np.maximum(first - second - 60, 0.0) * eur_factor(168) * 1_000
    error = float(paid.std() / math.sqrt(paid.size))
    assert abs(float(body["present_value"]) - float(paid.mean())) < 4 * error
    assert {"correlation_assumed", "price_limits_left_out"} <= {one["code"] for one in body["cautions"]}


def test_a_recorded_value_is_read_again_and_replays(world: World, client: TestClient[Litestar]) -> None:
    answer = post(client, "/v1/structured-values", {"valuation_date": DAY, "trade": SPREAD})
    assert answer.status_code == 201, answer.text
    body = answer.json()
    again = client.get(f"/v1/structured-values/{body['decision_id']}")
    assert again.json() == body
    assert len(body["snapshot_digest"]) == len(body["curves_digest"]) == 64
    with world.sessions.read() as session:
        decision = load_decision(session, world.officer, body["decision_id"])
        figures = {one.name: one for one in decision.trace}
        assert replay_decision(session, (STRUCTURE_VALUE,), body["decision_id"]).same
        inputs = rebuilt(json.dumps(decision.inputs), STRUCTURE_VALUE.inputs)
        kept = service.structure_values_kept(session, world.officer, limit=5)
    assert [one.trade_id for one in kept] == ["T1"]
    assert inputs.valuation_date == date(2025, 6, 30)
    assert set(figures["part.strip"].inputs) >= {"ratio", "leg.EUA.2025-12-15.CNY.forward_per_t"}
    assert client.get("/v1/structured-values/nothing").status_code == 404


@pytest.mark.parametrize(
    ("trade", "change", "status", "pointer"),
    [
        (SWAP, {"price_per_t": None}, 422, "/trade/price_per_t"),
        (SWAP, {"price_per_t": "-1"}, 422, "/trade/price_per_t"),
        (SWAP, {"quantity_t": None}, 422, "/trade/quantity_t"),
        (SWAP, {"ratio": "1"}, 422, "/trade/ratio"),
        (SWAP, {"dates": ["2025-12-15", "2025-09-15"]}, 422, "/trade/dates"),
        (SWAP, {"dates": ["2025-06-20"]}, 422, "valuation_date"),
        (SWAP, {"trade_date": "2025-07-02"}, 422, "valuation_date"),
        (SWAP, {"currency": "HKD"}, 409, "/trade/currency"),
        (SWAP, {"unit": "SZA-2099"}, 409, "/trade/unit"),
        (SPREAD, {"other_unit": "EUA"}, 422, "/trade/other_unit"),
        (LENDING, {"other_unit": "CCER"}, 422, "/trade/other_unit"),
        (LENDING, {"dates": ["2025-12-15", "2026-06-15"]}, 422, "/trade/dates"),
        (BOND, {"link_floor_rate": "0.02", "link_cap_rate": "0.01"}, 422, "/trade/link_floor_rate"),
        (BOND, {"link_cap_rate": "0.01"}, 409, "volatility"),
        (QUANTO, {}, 409, "volatility"),
        (QUANTO, {"price_currency": "CNY"}, 422, "/trade/price_currency"),
        (OPTION, {"option_type": None}, 422, "/trade/option_type"),
        (SWAP, {"buyer": PARTIES["buyer"]}, 422, "/trade/seller"),
        (SWAP, {"seller": PARTIES["seller"]}, 422, "/trade/buyer"),
        (SWAP, {"buyer": PARTIES["buyer"], "seller": PARTIES["buyer"]}, 422, "/trade/seller"),
        (SWAP, {**PARTIES, "buyer": {"code": "969500QCC36R89FI3U26"}}, 422, "/trade/buyer/code"),
        (SWAP, {**PARTIES, "seller": {"code": "91440300MA5EQXL17X"}}, 422, "/trade/seller/code"),
    ],
)
def test_what_cannot_be_is_refused_by_its_field(
    client: TestClient[Litestar], trade: dict[str, Any], change: dict[str, Any], status: int, pointer: str
) -> None:
    asked = {name: one for name, one in {**trade, **change}.items() if one is not None}
    answer = client.post("/v1/structured-values/preview", json={"valuation_date": DAY, "trade": asked})
    assert answer.status_code == status, answer.text
    (error,) = answer.json()["errors"]
    assert (error.get("pointer") or error.get("field")) == pointer
    assert answer.json()["remedy"]


def test_both_parties_stand_on_record_and_move_no_figure(world: World, client: TestClient[Litestar]) -> None:
    """By LEI and by USCI; a trade on record from before had none, and its value is the same."""
    first = "91440300MA5EQXL1" + organisation_check_character("MA5EQXL1")
    usci = first + usci_check_character(first)
    parties = {**PARTIES, "seller": {"code": usci.lower(), "name": "示例发电"}}
    bare = _value(client, SWAP)
    assert (bare["buyer"], bare["seller"]) == (None, None)
    answer = post(client, "/v1/structured-values", {"valuation_date": DAY, "trade": {**SWAP, **parties}})
    assert answer.status_code == 201, answer.text
    told = answer.json()
    assert (told["buyer"], told["seller"]) == (PARTIES["buyer"], {"code": usci, "name": "示例发电"})
    assert told["present_value_cny"] == bare["present_value_cny"]
    assert client.get(f"/v1/structured-values/{told['decision_id']}").json() == told
    figures = {one["name"]: one["value"] for one in told["trace"]}
    assert (figures["buyer"], figures["seller"]) == (PARTIES["buyer"]["code"], usci)
    with world.sessions.read() as session:
        assert replay_decision(session, (STRUCTURE_VALUE,), told["decision_id"]).same


def test_parties_are_taken_as_either_shape_of_document_tells_them(client: TestClient[Litestar]) -> None:
    """The same forward as FpML and as CDM names the same two sides, and a structured trade takes them as they are."""
    told = [
        client.post(
            "/v1/trades/read",
            json={"file_name": name, "content_base64": base64.b64encode(text.encode()).decode()},
        ).json()["trades"][0]
        for name, text in (("a.xml", FPML), ("a.json", write_cdm(EUA_CONTRACTS[2])))
    ]
    sides = [{side: one[side] for side in ("buyer", "seller")} for one in told]
    assert sides[0] == sides[1] == PARTIES
    value = _value(client, {**SWAP, **sides[0]})
    assert {side: value[side] for side in PARTIES} == PARTIES


def _form_of(trade: dict[str, Any]) -> dict[str, str]:
    """Give a trade as the page's form sends it: rates in per cent, days one a line."""
    shown = {name: str(Decimal(one) * 100) if name in {"rate", "link_slope_rate"} else str(one)
             for name, one in trade.items() if name != "dates"}  # fmt: skip
    return {**shown, "dates": "\n".join(trade["dates"]), "valuation_date": DAY}


def test_the_page_tries_keeps_and_shows_what_was_typed(world: World) -> None:
    with _quoted(world, *FILES):
        pass
    with signed_in(world, "officer") as browser:
        form = browser.get("/structures?kind=lending", headers=PAGE).text
        assert "归还品种" in form
        token = {"_csrf_token": form_token(form)}
        tried = browser.post("/structures", data={**token, **_form_of(LENDING)}, headers=PAGE)
        assert tried.status_code == 200
        assert "试算，未留存" in tried.text
        assert "750,200.00" in tried.text
        kept = browser.post("/structures", data={**token, **_form_of(LENDING), "action": "keep"}, headers=PAGE)
        assert kept.status_code == 200  # the page it goes to
        assert "仅估值，不可成交" in kept.text
        assert "part.fee" in kept.text
        assert "T1" in browser.get("/structures", headers=PAGE).text
        wrong = browser.post("/structures", data={**token, **_form_of({**LENDING, "rate": "0.6"})}, headers=PAGE)
        assert wrong.status_code == 422
        assert 'value="60.0"' in wrong.text
        unread = browser.post("/structures", data={**token, **_form_of(LENDING), "quantity_t": "多"}, headers=PAGE)
        assert (unread.status_code, "此项缺失或格式不正确" in unread.text) == (422, True)
        assert browser.post("/structures", data={**token, "kind": "swap"}, headers=PAGE).status_code == 422
        assert browser.get("/structures?kind=nothing", headers=PAGE).status_code == 404
        assert "未填写交易双方" in kept.text
        sides = {f"{side}_{name}": text for side, party in PARTIES.items() for name, text in party.items()}
        named = browser.post("/structures", data={**token, **_form_of(LENDING), **sides}, headers=PAGE)
        assert "EnergyCoA <code>5299000NIGT14YW8ZD26</code>" in named.text
        sides["seller_code"] = "5299000NIGT14YW8ZD27"
        refused = browser.post("/structures", data={**token, **_form_of(LENDING), **sides}, headers=PAGE)
        assert refused.status_code == 422
        assert 'value="5299000NIGT14YW8ZD27"' in refused.text
        assert re.search(r'id="field-seller_code"[^>]*aria-invalid="true"', refused.text)


def test_the_command_values_a_file_and_keeps_it_on_demand(
    world: World, sqlite_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with _quoted(world, *FILES):
        pass
    monkeypatch.setenv("CARBONFIN_DATABASE_URL", sqlite_url)
    monkeypatch.setenv("CARBONFIN_SECRET", SECRET.decode())
    monkeypatch.setenv("CARBONFIN_VAR", str(tmp_path))
    file = tmp_path / "借碳.json"
    file.write_text(json.dumps(LENDING), encoding="utf-8")
    assert run("pricing", "value-structure", str(file)) == 0
    assert "未留存决定" in capsys.readouterr().out
    assert run("--json", "pricing", "value-structure", str(file), "--on", DAY, "--keep") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["parts"][0]["amount"] == "750200.00"
    with world.sessions.read() as session:
        assert service.load_structure_value(session, world.officer, told["decision_id"]).trade.trade_id == "T1"
    file.write_text("{}", encoding="utf-8")
    assert run("pricing", "value-structure", str(file)) == 2
    assert "不是可读取的交易要素" in capsys.readouterr().err


def test_a_value_on_record_is_the_organisations_own(sessions: Sessions) -> None:
    """On both databases: kept, read again and listed by its own organisation alone."""
    with sessions.begin() as session:
        market = make_market_world(session)
    trade = convert(SWAP, StructuredTradeIn).trade()
    with sessions.begin() as session:
        kept = service.record_structure_value(
            session, market.maker, trade, valuation_date=date(2025, 6, 30), known_at=KNOWN_AT
        )
    assert kept.decision_id is not None
    # A flat 1.5 % continuously compounded: S q - K q exp(-r T) on both days.
    factors = sum(math.exp(-0.015 * days / 365) for days in (77, 168))
    assert kept.value.present_value_cny == _amount(10_000 * (2 * 75.02 - 74 * factors))
    assert "flat_rate" in {one.code for one in kept.value.cautions}
    with sessions.begin() as session:
        lent = service.record_structure_value(
            session, market.maker, convert(LENDING, StructuredTradeIn).trade(), valuation_date=date(2025, 6, 30),
            known_at=KNOWN_AT,
        )  # fmt: skip
    # The fee's own rate of 5 % stands beside the flat 1.5 %: 750,200 and 18,794.52 discounted over 168 days.
    assert lent.value.present_value_cny == _amount(750_200 + 18_794.52 * math.exp(-0.015 * 168 / 365))
    with sessions.read() as session:
        assert service.load_structure_value(session, market.maker, kept.decision_id) == kept
        assert service.structure_values_kept(session, market.stranger, limit=5) == ()
        with pytest.raises(NotFound):
            service.load_structure_value(session, market.stranger, kept.decision_id)
