"""The label 仅估值，不可成交: by law and by the papers of a line, and in every answer and page that tells a value."""

import base64
import csv
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from io import StringIO
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from carbonfin.app.packages import PACKAGES
from carbonfin.rules.parameters import ParameterValue
from carbonfin.storage.engine import Sessions
from pricing.calc.portfolio import priced_market, value_lines
from pricing.calc.portfolio_risk import LineRisk
from pricing.calc.positions import LineKind, PortfolioLine
from pricing.calc.tradability import CONTRACT_PAPERS, VALUATION_ONLY_ZH, label_notes
from tests.app.worlds import PAGE, World, build_world, signed_in
from tests.pricing.markets import CEA, F1, G1, forward_rate, snapshot_of, spot
from tests.pricing.test_api import client_of, post
from tests.pricing.worlds import add_market

DAY = "2025-06-30"
BOOK = (
    "line_id,kind,unit,quantity_t,strike_cny_per_t,delivery_date\n"
    "H1,spot,CEA,1000,,\nF1,forward,CEA,20000,77.50,2025-12-15\n"
)
LICENSED = ParameterValue(
    key="pricing.legal_basis", scope="CEA.forward", value="licensed", unit="code", valid_from=date(2025, 1, 1),
    valid_to=None, known_from=date(2025, 1, 1), document="批复", article="", grade=forward_rate().grade, confirmed=True,
    approved_by=("甲", "乙"), note="",
)  # fmt: skip
HELD = {"line_id": "H1", "kind": "spot", "unit": "CEA-2024", "quantity_t": 1000}
FORWARD = {"line_id": "F1", "kind": "forward", "unit": "CEA", "quantity_t": 20000, "strike_cny_per_t": "77.50",
           "delivery_date": "2025-12-15"}  # fmt: skip


def _labels(line: PortfolioLine, *, is_licensed: bool) -> list[str]:
    """What the label of a line says, by itself and on the recorded value; the two agree."""
    snapshot = snapshot_of()
    if is_licensed:
        others = [one for one in snapshot.parameters if (one.key, one.scope) != (LICENSED.key, LICENSED.scope)]
        snapshot = replace(snapshot, parameters=(*others, LICENSED))
    (valued,) = value_lines(priced_market(snapshot, {line.unit}), [line]).values
    found = [note for note in valued.value().notes_zh if note.startswith(VALUATION_ONLY_ZH)]
    assert valued.is_valuation_only == bool(found)
    return found


def test_a_label_says_that_the_list_of_papers_is_unconfirmed_where_the_snapshot_tells() -> None:
    """Snapshots of before keep their words; a list that was confirmed has no mark."""
    snapshot = snapshot_of()
    listed = next(one for one in snapshot.parameters if (one.key, one.scope) == (CONTRACT_PAPERS, LineKind.FORWARD))
    assert not listed.confirmed
    others = [one for one in snapshot.parameters if one != listed]
    confirmed = replace(snapshot, parameters=(*others, replace(listed, confirmed=True)), tells_unconfirmed=True)
    notes = {
        name: label_notes(one, F1)
        for name, one in (
            ("before", snapshot), ("told", replace(snapshot, tells_unconfirmed=True)), ("confirmed", confirmed)
        )
    }  # fmt: skip
    assert notes["before"] == notes["confirmed"]
    assert notes["told"][0][-1].endswith("未提供衍生产品交易资格；所需文件未确认：未核到原文）")
    assert notes["told"][1][-1].endswith("no derivatives licence; which papers are needed is not confirmed)")
    assert "未确认" not in "".join(notes["before"][0])


def test_law_and_papers_speak_apart_and_both_must_be_silent() -> None:
    both = replace(F1, master_agreement="主协议 2024-03-01", derivatives_licence="资格 2023-05-01")
    no_licence = replace(both, derivatives_licence=None)
    blank = replace(both, master_agreement="  ")
    assert _labels(both, is_licensed=True) == []
    assert [note[len(VALUATION_ONLY_ZH) :] for note in _labels(no_licence, is_licensed=True)] == [
        "（未提供衍生产品交易资格）"
    ]
    assert "未提供主协议" in _labels(blank, is_licensed=True)[0]
    assert "未提供主协议、未提供衍生产品交易资格" in _labels(F1, is_licensed=True)[0]
    assert len(_labels(both, is_licensed=False)) == 1
    assert len(_labels(F1, is_licensed=False)) == 2


def test_a_holding_is_tradable_and_a_synthetic_contract_is_not() -> None:
    assert _labels(spot("H1", "CEA-2024", 10), is_licensed=False) == []
    assert len(_labels(G1, is_licensed=False)) == 1


def test_a_snapshot_of_before_labels_by_law_alone() -> None:
    snapshot = snapshot_of()
    before = replace(snapshot, parameters=tuple(one for one in snapshot.parameters if one.key != CONTRACT_PAPERS))
    (valued,) = value_lines(priced_market(before, {CEA}), [F1]).values
    assert len([note for note in valued.value().notes_zh if note.startswith(VALUATION_ONLY_ZH)]) == 1


def test_a_measurement_of_before_shows_every_contract_labelled() -> None:
    line = LineRisk(
        line_id="F1", unit=CEA, kind=LineKind.FORWARD, factor="CEA", exposure_cny=forward_rate().decimal,
        component_cny=forward_rate().decimal, incremental_cny=forward_rate().decimal,
    )  # fmt: skip
    assert line.is_labelled
    assert not replace(line, kind=LineKind.SPOT).is_labelled
    assert not replace(line, is_valuation_only=False).is_labelled


@pytest.fixture
def world(sqlite_sessions: Sessions) -> World:
    world = build_world(sqlite_sessions, packages=PACKAGES)
    with sqlite_sessions.begin() as session:
        add_market(session, world.officer)
    return world


@pytest.fixture
def client(world: World) -> Iterator[TestClient[Litestar]]:
    with client_of(world) as client:
        yield client


def _marked(answer: Any) -> dict[str, bool]:
    return {line["line_id"]: line["is_valuation_only"] for line in answer["lines"]}


def test_every_answer_marks_the_contract_and_not_the_holding(client: TestClient[Litestar]) -> None:
    expected = {"H1": False, "F1": True}
    body = {"valuation_date": DAY, "lines": [HELD, FORWARD]}
    assert _marked(post(client, "/v1/valuations", body).json()) == expected
    preview = client.post("/v1/valuations/preview", json=body).json()
    assert _marked(preview) == expected
    assert preview["valuation_only_zh"] == VALUATION_ONLY_ZH
    names = list(FORWARD)
    columns = {name: [HELD.get(name), FORWARD[name]] for name in names}
    found = post(client, "/v1/valuations", {"valuation_date": DAY, "columns": columns}).json()["columns"]
    assert dict(zip(found["line_id"], found["is_valuation_only"], strict=True)) == expected
    assert found["valuation_only_zh"] == VALUATION_ONLY_ZH
    text = StringIO()
    rows = csv.DictWriter(text, names)
    rows.writeheader()
    rows.writerows([HELD, FORWARD])
    streamed = client.post(
        f"/v1/valuations/stream?valuation_date={DAY}", content=text.getvalue().encode(),
        headers={"content-type": "text/csv"},
    )  # fmt: skip
    head, lines, *_ = map(json.loads, streamed.text.splitlines())
    assert head["valuation_only_zh"] == VALUATION_ONLY_ZH
    assert dict(zip(lines["line_id"], lines["is_valuation_only"], strict=True)) == expected
    risk = client.post("/v1/risk", json=body)
    assert risk.status_code in {200, 201}, risk.text
    assert _marked(risk.json()) == expected
    assert risk.json()["valuation_only_zh"] == VALUATION_ONLY_ZH


def test_risk_and_profit_pages_show_the_label(world: World) -> None:
    with client_of(world) as client:
        file = {
            "file_name": "a.csv",
            "code": "P",
            "name": "组合",
            "content_base64": base64.b64encode(BOOK.encode()).decode(),
        }
        portfolio_id = post(client, "/v1/portfolios/files", file).json()["portfolio_id"]
        ids = [
            post(client, "/v1/valuations", {"valuation_date": day, "portfolio_id": portfolio_id}).json()["valuation_id"]
            for day in ("2025-06-27", DAY)
        ]
        profit = client.get(f"/v1/valuations/{ids[1]}/profit").json()
        assert _marked(profit) == {"H1": False, "F1": True}
    with signed_in(world) as browser:
        for path in (f"/portfolios/{portfolio_id}/risk", f"/valuations/{ids[1]}/profit"):
            page = browser.get(path, headers=PAGE)
            assert page.status_code == 200
            assert page.text.count(VALUATION_ONLY_ZH) == 1, path
